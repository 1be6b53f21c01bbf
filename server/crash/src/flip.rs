//! Fault `flip`: a file is damaged by flipped bits, a zeroed sector or a truncation.

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
    args::{Args, rng_of},
    error::Result,
    expected::{Content, check},
    load::{Clock, Load, Plan, SharedModel, copies, lock, models},
    open_store::{Opened, StoreOpener, WRONG_CONTENT},
    report::{Report, copy},
    server::Fixture,
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FlipArgs {
    #[command(flatten)]
    args: Args,

    /// Cases per store
    #[arg(long = "cases", default_value_t = 250, value_name = "NUMBER")]
    cases_per_store: u64,
}

/// One case in this number starts the server; the others open the store in a process of the harness.
const SERVER_ONE_IN: u64 = 10;

/// An undamaged store and its contents.
struct GoodStore {
    fixture: Fixture,
    content: Content,
    files: Vec<PathBuf>,
}

pub(crate) async fn run(args: FlipArgs) -> Result<ExitCode> {
    let mut report = Report::new("flip", args.args.seed, &args.args.paths);
    let work = args.args.paths.work_dir()?;
    let nearby = args.args.paths.nearby()?;
    let mut opener = StoreOpener::new(work.path());
    for key in ["cases", "detected", "harmless", "wrong", "crashed"] {
        report.add(key, 0);
    }
    let mut store: Option<(u64, GoodStore)> = None;
    let fixture = || Fixture {
        nearby: nearby.clone(),
        data: work.path().join("good"),
        run_dir: work.path().to_owned(),
    };
    for case in args.args.cases() {
        let number = case / args.cases_per_store;
        let good = match store.take() {
            Some((of, good)) if of == number => good,
            _ => prepare(fixture(), args.args.seed, number, &mut opener).await?,
        };
        run_case(&args.args, case, &good, &mut opener, &mut report).await?;
        store = Some((number, good));
    }
    report.finish()
}

/// Creates a store with the server, in several runs that are stopped or killed.
async fn prepare(fixture: Fixture, seed: u64, number: u64, opener: &mut StoreOpener) -> Result<GoodStore> {
    let mut rng = rng_of(seed, number + (1 << 41));
    let copied = fixture.run_dir.join("copy");
    drop(fs::remove_dir_all(&fixture.data));
    let models = models(4);
    let runs = rng.random_range(2..=5);
    let mut run = 0;
    // Until there is a file of every kind: a checkpoint starts when the journal is long enough.
    while run < runs || (run < MAX_RUNS && !has_all_kinds(&fixture.data)) {
        run += 1;
        let server = fixture.must_start(&[]).await?;
        let plan = Plan {
            clock: Clock::Disabled,
            seed: rng.random(),
            continue_after_rejection: false,
            merchants: rng.random_range(20..100),
            labels: [3, 20, 20][rng.random_range(0..3)],
        };
        let load = Load::start(&server.client(), &models, &plan);
        tokio::time::sleep(Duration::from_millis(rng.random_range(200..900))).await;
        // Stores that were closed and stores that were not.
        if (number + run).is_multiple_of(2) {
            load.stop(Duration::from_secs(20)).await;
            server.terminate().await?;
        } else {
            server.kill()?;
            load.stop(Duration::from_millis(100)).await;
        }
        read_copy(&fixture.data, &copied, &models, opener)?;
    }
    let content = read_copy(&fixture.data, &copied, &models, opener)?;
    let mut files = Vec::new();
    list(&fixture.data, Path::new(""), &mut files)?;
    Ok(GoodStore { fixture, content, files })
}

/// Maximum number of runs that create a store.
const MAX_RUNS: u64 = 12;

/// Returns `true` if a store has a base, a snapshot file and a journal.
fn has_all_kinds(data: &Path) -> bool {
    let base = fs::read_dir(data).into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("base-") && !name.ends_with(".unfinished")
    });
    base && data.join("image").is_file() && data.join("journal").is_dir()
}

/// Reads the content of a store from a copy, because opening a store may repair it. Makes it the expected content.
fn read_copy(
    data: &Path,
    target: &Path,
    models: &[SharedModel],
    opener: &mut StoreOpener,
) -> Result<Content> {
    drop(fs::remove_dir_all(target));
    copy(data, target)?;
    let Opened::Content(content) = opener.open(target)? else {
        return Err("an undamaged store does not open".into());
    };
    let verdict = check(&copies(models), &content, u64::MAX);
    if !verdict.is_good() {
        return Err(format!("an undamaged store has lost changes: {}", verdict.describe()).into());
    }
    models.iter().for_each(|model| lock(model).reset_to(&content));
    Ok(content)
}

/// Lists the files below a directory.
fn list(root: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
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

/// Damages the contents of a file; returns a description of the damage.
fn damage(bytes: &mut Vec<u8>, rng: &mut Pcg64Mcg) -> String {
    if bytes.is_empty() {
        bytes.push(rng.random());
        return "a byte was added to the empty file".to_owned();
    }
    match rng.random_range(0..10) {
        0..6 => {
            let flips = if rng.random_bool(0.5) { 1 } else { rng.random_range(1..=8) };
            // Preallocated files end in zeros: half of the cases flip bits only before them.
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
            let end = if rng.random_bool(0.5) { used } else { bytes.len() };
            let flipped: BTreeMap<usize, u8> =
                (0..flips).map(|_| (rng.random_range(0..end), 1 << rng.random_range(0..8))).collect();
            flipped.iter().for_each(|(at, bit)| bytes[*at] ^= bit);
            format!("bits were flipped in the bytes at {:?}", flipped.keys())
        }
        6..8 => {
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
            let from = rng.random_range(0..used) / 512 * 512;
            let to = (from + 512).min(bytes.len());
            bytes[from..to].fill(0);
            format!("the sector at {from} was zeroed")
        }
        _ => {
            let length = if rng.random_bool(0.2) { 0 } else { rng.random_range(0..bytes.len()) };
            bytes.truncate(length);
            format!("the file was truncated to {length} bytes")
        }
    }
}

/// Returns the kind of a file, for counting: its path with each number, decimal or hexadecimal, replaced by `#`.
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

/// Damages one file of a store and opens it.
async fn run_case(
    args: &Args,
    case: u64,
    good: &GoodStore,
    opener: &mut StoreOpener,
    report: &mut Report,
) -> Result<()> {
    let mut rng = rng_of(args.seed, case);
    // Every file is equally likely, whatever its length.
    let path = &good.files[rng.random_range(0..good.files.len())];
    let target = good.fixture.run_dir.join("damaged");
    drop(fs::remove_dir_all(&target));
    copy(&good.fixture.data, &target)?;
    let before = fs::read(target.join(path))?;
    // A start reads the base only without a snapshot file: remove that in half of the cases.
    if !path.ends_with("image") && rng.random_bool(0.5) {
        drop(fs::remove_file(target.join("image")));
    }
    let mut bytes = before.clone();
    let what = damage(&mut bytes, &mut rng);
    fs::write(target.join(path), &bytes)?;
    report.add("cases", 1);
    let with_server = case.is_multiple_of(SERVER_ONE_IN);
    let damaged = Fixture { data: target.clone(), ..good.fixture.clone() };
    let opened = if with_server { serve(&damaged).await? } else { opener.open(&target)? };
    let (outcome, message) = match opened {
        Opened::Refused(error) if error.starts_with(WRONG_CONTENT) || !names_damage(&error, with_server) => {
            ("wrong", error)
        }
        Opened::Refused(error) => ("detected", error),
        Opened::Crashed(error) => ("crashed", error),
        Opened::Content(content) => match difference(&good.content, &content, with_server) {
            None => ("harmless", String::new()),
            Some(difference) => ("wrong", difference),
        },
    };
    let kind = kind_of(path);
    report.add(outcome, 1);
    report.add(format!("{kind}:{outcome}"), 1);
    if matches!(outcome, "wrong" | "crashed") {
        drop(fs::remove_dir_all(&target));
        copy(&good.fixture.data, &target)?;
        fs::write(target.join(path), &bytes)?;
        let opened_by = if with_server { "server" } else { "store" };
        let what = format!("{outcome} ({opened_by}), in {} {what}: {message}", path.display());
        report.fail(case, &what, &[("damaged", &target), ("good", &good.fixture.data)])?;
    }
    Ok(())
}

/// Returns `true` if an error message says that a file is damaged or cannot be read.
fn names_damage(message: &str, with_server: bool) -> bool {
    let is_named = ["damaged", "corrupt", "checksum", "cannot use", "cannot read", "cannot open"]
        .iter()
        .any(|word| message.contains(word));
    is_named && (!with_server || !message.contains("panicked at") || message.contains("nearby: "))
}

/// Starts the server on a store and reads its content.
async fn serve(fixture: &Fixture) -> Result<Opened> {
    Ok(match fixture.start().await? {
        Ok(server) => Opened::Content(server.content().await?),
        Err(error) if error.status().is_some_and(|status| status.code().is_some()) => {
            Opened::Refused(error.output().to_owned())
        }
        Err(error) => Opened::Crashed(error.to_string()),
    })
}

/// Describes the first difference. The server's lists contain no revisions.
fn difference(good: &Content, actual: &Content, with_server: bool) -> Option<String> {
    let same = |a: &(String, u64), b: &(String, u64)| a.0 == b.0 && (with_server || a.1 == b.1);
    let wrong: Vec<&String> = good
        .keys()
        .chain(actual.keys())
        .filter(|id| match (good.get(*id), actual.get(*id)) {
            (Some(a), Some(b)) => !same(a, b),
            _ => true,
        })
        .collect();
    let first = wrong.first()?;
    Some(format!(
        "{} of {} merchants differ; the first is {first}: {:?} instead of {:?}",
        wrong.len(),
        good.len(),
        actual.get(*first),
        good.get(*first)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_always_changes_the_file() {
        for seed in 0..200 {
            let before: Vec<u8> = (1..=250).cycle().take(3_000).collect();
            let mut bytes = before.clone();
            let what = damage(&mut bytes, &mut rng_of(seed, 0));
            assert_ne!(bytes, before, "{what}");
        }
    }

    #[test]
    fn numbers_are_not_part_of_the_kind_of_a_file() {
        assert_eq!(kind_of(Path::new("sled/snap.000000000001BEEF")), "sled/snap.#");
        assert_eq!(kind_of(Path::new("base-12/db")), "base-#/db");
        assert_eq!(kind_of(Path::new("LOCK")), "LOCK");
        assert_eq!(kind_of(Path::new("page-token.key")), "page-token.key");
    }
}
