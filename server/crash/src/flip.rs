//! A file is damaged: bits flip, a sector turns to zeros, a file is cut.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::{
    Args, Outcome,
    check::{Look, Looker},
    child::{Place, Server},
    load::{Clock, Load, Plan, copies, held, models},
    model::{Content, check},
    random_of,
    report::{Report, copy},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FlipArgs {
    #[command(flatten)]
    args: Args,

    /// How many cases are made of one store
    #[arg(long, default_value_t = 250, value_name = "NUMBER")]
    cases: u64,
}

/// One case in so many starts the real server.
const SERVER_ONE_IN: u64 = 10;

/// A good store, and what is in it.
struct Original {
    data: PathBuf,
    content: Content,
    files: Vec<PathBuf>,
}

pub(crate) async fn run(args: FlipArgs) -> Outcome<ExitCode> {
    let mut report = Report::new("flip", &args.args);
    let work = args.args.work()?;
    let mut looker = Looker::new(work.path().join("looker.log"));
    for key in ["cases", "detected", "harmless", "wrong", "broke"] {
        report.add(key, 0);
    }
    let mut original: Option<(u64, Original)> = None;
    for case in args.args.cases() {
        let number = case / args.cases;
        let good = match original.take() {
            Some((of, good)) if of == number => good,
            _ => prepare(work.path(), args.args.seed, number, &mut looker).await?,
        };
        one(&args.args, case, &good, work.path(), &mut looker, &mut report).await?;
        original = Some((number, good));
    }
    report.finish()
}

/// Makes a store through the server: several runs, stopped and killed.
async fn prepare(work: &Path, seed: u64, number: u64, looker: &mut Looker) -> Outcome<Original> {
    let mut random = random_of(seed, number + (1 << 41));
    let place = Place { data: work.join("original"), beside: work.to_owned() };
    drop(fs::remove_dir_all(&place.data));
    let models = models(4);
    let runs = random.random_range(2..=5);
    let mut run = 0;
    // Until there is a file of every kind: a checkpoint comes when there is enough to write.
    while run < runs || (run < MOST_RUNS && !has_all_kinds(&place.data)) {
        run += 1;
        let server = Server::must_start(&place, &[]).await?;
        let plan = Plan {
            clock: Clock::Still,
            seed: random.random(),
            goes_on: false,
            merchants: random.random_range(20..100),
            labels: [3, 20, 20][random.random_range(0..3)],
        };
        let load = Load::start(&server, &models, &plan)?;
        tokio::time::sleep(Duration::from_millis(random.random_range(200..900))).await;
        // Both ends of a store's life are to be found on the disk.
        if (number + run).is_multiple_of(2) {
            load.stop(Duration::from_secs(20)).await;
            server.terminate().await?;
        } else {
            server.kill()?;
            load.stop(Duration::from_millis(100)).await;
        }
        settle(&place.data, &work.join("settling"), &models, looker)?;
    }
    let content = settle(&place.data, &work.join("settling"), &models, looker)?;
    let mut files = Vec::new();
    list(&place.data, Path::new(""), &mut files)?;
    Ok(Original { data: place.data, content, files })
}

/// More runs than this no preparation takes.
const MOST_RUNS: u64 = 12;

/// Whether a store has a base, an image and a journal.
fn has_all_kinds(data: &Path) -> bool {
    let base = fs::read_dir(data).into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("base-") && !name.ends_with(".unfinished")
    });
    base && data.join("image").is_file() && data.join("journal").is_dir()
}

/// What a store holds, read from a copy: opening it could mend what is to be damaged.
fn settle(
    data: &Path,
    target: &Path,
    models: &[crate::load::Shared],
    looker: &mut Looker,
) -> Outcome<Content> {
    drop(fs::remove_dir_all(target));
    copy(data, target)?;
    let Look::Opened(content) = looker.look(target)? else {
        return Err("the store does not open although nothing was damaged".into());
    };
    let verdict = check(&copies(models), &content, u64::MAX);
    if !verdict.is_good() {
        return Err(format!("lost although nothing was damaged: {}", verdict.words()).into());
    }
    models.iter().for_each(|model| held(model).settle(&content));
    Ok(content)
}

fn list(root: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Outcome<()> {
    let mut entries: Vec<_> = fs::read_dir(root.join(below))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(root, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Damages one file; what was done to it.
fn damage(bytes: &mut Vec<u8>, random: &mut Pcg64Mcg) -> String {
    if bytes.is_empty() {
        bytes.push(random.random());
        return "a byte was put into the empty file".to_owned();
    }
    match random.random_range(0..10) {
        0..6 => {
            let flips = if random.random_bool(0.5) { 1 } else { random.random_range(1..=8) };
            // Files that were made long and are not full yet end in zeros: half of the flips go to what comes before.
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
            let end = if random.random_bool(0.5) { used } else { bytes.len() };
            let places: BTreeMap<usize, u8> =
                (0..flips).map(|_| (random.random_range(0..end), 1 << random.random_range(0..8))).collect();
            places.iter().for_each(|(at, bit)| bytes[*at] ^= bit);
            format!("bits were flipped in the bytes {:?}", places.keys())
        }
        6..8 => {
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
            let from = random.random_range(0..used) / 512 * 512;
            let to = (from + 512).min(bytes.len());
            bytes[from..to].fill(0);
            format!("the sector at {from} was zeroed")
        }
        _ => {
            let length = if random.random_bool(0.2) { 0 } else { random.random_range(0..bytes.len()) };
            bytes.truncate(length);
            format!("the file was cut to {length} bytes")
        }
    }
}

/// Files of one kind are counted together: the numbers in a name, decimal or hexadecimal, are left out.
fn kind_of(path: &Path) -> String {
    let (mut kind, mut run) = (String::new(), String::new());
    let path = path.to_string_lossy();
    for letter in path.chars().map(Some).chain([None]) {
        if let Some(letter) = letter.filter(char::is_ascii_hexdigit) {
            run.push(letter);
            continue;
        }
        let is_number = run.contains(|letter: char| letter.is_ascii_digit());
        kind.push_str(if is_number { "#" } else { &run });
        run.clear();
        kind.extend(letter);
    }
    kind
}

async fn one(
    args: &Args,
    case: u64,
    good: &Original,
    work: &Path,
    looker: &mut Looker,
    report: &mut Report,
) -> Outcome<()> {
    let mut random = random_of(args.seed, case);
    // Each file as often as any other, however long it is.
    let path = &good.files[random.random_range(0..good.files.len())];
    let target = work.join("damaged");
    drop(fs::remove_dir_all(&target));
    copy(&good.data, &target)?;
    let before = fs::read(target.join(path))?;
    // With the image a start does not look at the base: half of the time it has to.
    if !path.ends_with("image") && random.random_bool(0.5) {
        drop(fs::remove_file(target.join("image")));
    }
    let mut bytes = before.clone();
    let what = damage(&mut bytes, &mut random);
    fs::write(target.join(path), &bytes)?;
    report.add("cases", 1);
    let by_server = case.is_multiple_of(SERVER_ONE_IN);
    let look = if by_server { serve(&target, work).await? } else { looker.look(&target)? };
    let (word, why) = match look {
        Look::Refused(why) if why.starts_with("WRONG") || !names_damage(&why, by_server) => ("wrong", why),
        Look::Refused(why) => ("detected", why),
        Look::Broke(why) => ("broke", why),
        Look::Opened(content) => match difference(&good.content, &content, by_server) {
            None => ("harmless", String::new()),
            Some(difference) => ("wrong", difference),
        },
    };
    let kind = kind_of(path);
    report.add(word, 1);
    report.add(format!("{kind}:{word}"), 1);
    if matches!(word, "wrong" | "broke") {
        drop(fs::remove_dir_all(&target));
        copy(&good.data, &target)?;
        fs::write(target.join(path), &bytes)?;
        let by = if by_server { "server" } else { "store" };
        let what = format!("{word} ({by}), in {} {what}: {why}", path.display());
        report.fail(case, &what, &[("damaged", &target), ("good", &good.data)])?;
    }
    Ok(())
}

/// Whether an error says what is damaged: it names a path, or says that there is damage.
fn names_damage(said: &str, by_server: bool) -> bool {
    let is_named = ["damaged", "corrupt", "checksum", "cannot use", "cannot read", "cannot open"]
        .iter()
        .any(|word| said.contains(word));
    is_named && (!by_server || !said.contains("panicked at") || said.contains("nearby: "))
}

async fn serve(data: &Path, work: &Path) -> Outcome<Look> {
    let place = Place { data: data.to_owned(), beside: work.to_owned() };
    Ok(match Server::start(&place).await? {
        Ok(server) => Look::Opened(server.content().await?),
        Err(refusal) if refusal.status.is_some_and(|status| status.code().is_some()) => {
            Look::Refused(refusal.said)
        }
        Err(refusal) => Look::Broke(format!("{:?}: {}", refusal.status, refusal.said)),
    })
}

/// The first difference. A server tells no revisions in a list.
fn difference(good: &Content, is: &Content, by_server: bool) -> Option<String> {
    let same = |a: &(String, u64), b: &(String, u64)| a.0 == b.0 && (by_server || a.1 == b.1);
    let wrong: Vec<&String> = good
        .keys()
        .chain(is.keys())
        .filter(|id| match (good.get(*id), is.get(*id)) {
            (Some(a), Some(b)) => !same(a, b),
            _ => true,
        })
        .collect();
    let first = wrong.first()?;
    Some(format!(
        "{} of {} merchants differ, the first of them {first}: {:?} where {:?} was",
        wrong.len(),
        good.len(),
        is.get(*first),
        good.get(*first)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_damage_is_one() {
        for seed in 0..200 {
            let before: Vec<u8> = (1..=250).cycle().take(3_000).collect();
            let mut bytes = before.clone();
            let what = damage(&mut bytes, &mut random_of(seed, 0));
            assert_ne!(bytes, before, "{what}");
        }
    }

    #[test]
    fn numbers_are_no_kinds() {
        assert_eq!(kind_of(Path::new("sled/snap.000000000001BEEF")), "sled/snap.#");
        assert_eq!(kind_of(Path::new("base-12/db")), "base-#/db");
        assert_eq!(kind_of(Path::new("LOCK")), "LOCK");
        assert_eq!(kind_of(Path::new("page-token.key")), "page-token.key");
    }
}
