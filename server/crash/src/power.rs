//! The power goes off: images of what a disk may hold then, made from a recording of what a server did to its files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::{
    Args, Outcome,
    check::{Look, Looker},
    child::{Place, Server},
    disk::{Disk, Found, Policy, materialise, scan},
    load::{Clock, Load, Plan, Shared, copies, held, models},
    model::{Model, check},
    random_of,
    report::{Report, copy},
    shim::Shim,
    trace::{Record, parse},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PowerArgs {
    #[command(flatten)]
    args: Args,

    /// Make the images of a recording that was kept, with the seed and case of its failure
    #[arg(long, value_name = "DIR")]
    recording: Option<PathBuf>,

    /// How many images are made of a recording
    #[arg(long, default_value_t = 125, value_name = "NUMBER")]
    images: u64,

    /// How long a recording goes on, in milliseconds
    #[arg(long, default_value_t = 2_500, value_name = "MS")]
    length: u64,
}

const WORKERS: usize = 8;
/// Where an image is kept that a recording could not begin with.
const SPOILED: &str = "spoiled";
const MOST_TRACE_BYTES: u64 = 150 * 1024 * 1024;

/// A server's work on its files, and what it acknowledged meanwhile.
struct Recording {
    trace: Vec<u8>,
    found: Vec<Found>,
    /// A copy of all that was there before.
    initial: PathBuf,
    models: Vec<Model>,
    /// What was wrong with the image that it was to begin with, and so did not.
    spoiled: Option<String>,
}

pub(crate) async fn run(args: PowerArgs) -> Outcome<ExitCode> {
    let mut report = Report::new("power", &args.args);
    let work = args.args.work()?;
    let shim = Shim::compile(work.path())?;
    let mut looker = Looker::new(work.path().join("looker.log"));
    ["images", "refused", "broke", "lost", "torn_batch", "strange"].iter().for_each(|key| report.add(key, 0));
    let mut cases = args.args.cases();
    while !cases.is_empty() {
        let number = cases.start / args.images;
        let end = cases.end.min((number + 1) * args.images);
        let place = work.path().join("recording");
        let recording = match &args.recording {
            Some(kept) => read(kept)?,
            None => {
                let mut random = random_of(args.args.seed, number + (1 << 40));
                let recording = record(&args, &shim, &place, &mut random, &mut looker).await?;
                keep(&recording, &place)?;
                recording
            }
        };
        if let Some(what) = &recording.spoiled {
            report.add("spoiled_beginnings", 1);
            let what = format!("the image that a recording was to begin with: {what}");
            report.fail(cases.start, &what, &[("beginning", &place.join(SPOILED))])?;
        }
        report.add("recordings", 1);
        report.add("trace_mib", recording.trace.len() as u64 / 1024 / 1024);
        let acked: usize = recording.models.iter().map(Model::acked).sum();
        report.add("acked", acked as u64);
        let place = args.recording.as_deref().unwrap_or(&place);
        let found = Findings { work: work.path(), looker: &mut looker, report: &mut report };
        found.images(args.args.seed, cases.start..end, &recording, place)?;
        drop(fs::remove_dir_all(work.path().join("recording")));
        cases.start = end;
    }
    report.finish()
}

/// Runs a server under load and writes down what it does.
async fn record(
    args: &PowerArgs,
    shim: &Shim,
    place: &Path,
    random: &mut Pcg64Mcg,
    looker: &mut Looker,
) -> Outcome<Recording> {
    drop(fs::remove_dir_all(place));
    // The directory above the data is watched too: a data directory that is made has a name there.
    let (root, initial, trace) = (place.join("root"), place.join("initial"), place.join("trace"));
    fs::create_dir_all(&root)?;
    let server = Place { data: root.join("data"), beside: place.to_owned() };
    let models = models(WORKERS);
    let mut plan = Plan {
        clock: Clock::Still,
        seed: random.random(),
        goes_on: false,
        merchants: random.random_range(20..150),
        labels: [0, 3, 20][random.random_range(0..3)],
    };
    let mut spoiled = None;
    if random.random_bool(0.7) {
        spoiled = prepare(shim, &server, &models, &plan, random, looker).await?;
    }
    copy(&root, &initial)?;
    let found = scan(&root)?;
    fs::write(&trace, b"")?;
    plan.clock = Clock::Trace(trace.clone());
    let mut environment = shim.environment(&root, &trace);
    if random.random_bool(0.5) {
        environment.push(("CRASH_SYNC_DELAY_US".to_owned(), random.random_range(100..3_000).to_string()));
    }
    let runs = random.random_range(1..=3);
    for run in 0..runs {
        plan.seed = random.random();
        let length = Duration::from_millis(args.length / runs);
        load(&server, &environment, &models, &plan, length, run + 1 < runs || random.random_bool(0.5))
            .await?;
    }
    Ok(Recording { trace: fs::read(&trace)?, found, initial, models: copies(&models), spoiled })
}

/// Runs a server under load and stops it, cleanly or not.
async fn load(
    server: &Place,
    environment: &[(String, String)],
    models: &[Shared],
    plan: &Plan,
    length: Duration,
    cleanly: bool,
) -> Outcome<()> {
    let running = Server::must_start(server, environment).await?;
    let load = Load::start(&running, models, plan)?;
    let begun = Instant::now();
    while begun.elapsed() < length && load.goes_on() {
        if let Clock::Trace(trace) = &plan.clock
            && fs::metadata(trace)?.len() > MOST_TRACE_BYTES
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if cleanly {
        let answers = load.stop(Duration::from_secs(20)).await;
        if !answers.refused.is_empty() {
            return Err(format!("writes failed during the recording: {:?}", answers.refused).into());
        }
        let status = running.terminate().await?;
        return match status {
            Some(status) if status.success() => Ok(()),
            status => Err(format!("the server did not stop well: {status:?}").into()),
        };
    }
    running.kill()?;
    load.stop(Duration::from_millis(200)).await;
    Ok(())
}

/// Puts content into a directory, which is left after a stop, a kill or a power cut: what a start does about each is to be
/// in recordings. Says what was wrong with the image after a power cut; the directory is empty then.
async fn prepare(
    shim: &Shim,
    server: &Place,
    models: &[Shared],
    plan: &Plan,
    random: &mut Pcg64Mcg,
    looker: &mut Looker,
) -> Outcome<Option<String>> {
    let (root, before) = (server.beside.join("root"), server.beside.join("trace-before"));
    let length = Duration::from_millis(random.random_range(100..1_500));
    let copied = server.beside.join("copied");
    if random.random_bool(0.6) {
        load(server, &[], models, plan, length, random.random_bool(0.5)).await?;
        // Opening a store mends it: not the one that is to be mended in the recording.
        copy(&server.data, &copied)?;
        let look = looker.look(&copied)?;
        fs::remove_dir_all(&copied)?;
        return match settle(&look, models, u64::MAX) {
            None => Ok(None),
            Some(wrong) => Err(format!("wrong without a power cut, see `cargo crash kill`: {wrong}").into()),
        };
    }
    let found = scan(&root)?;
    let plan = Plan { clock: Clock::Trace(before.clone()), ..plan.clone() };
    load(server, &shim.environment(&root, &before), models, &plan, length, false).await?;
    let trace = fs::read(&before)?;
    let records = parse(&trace)?;
    let cut = random.random_range(records.len() / 4..=records.len());
    let mut disk = Disk::new(&trace, &found, &root)?;
    records[..cut].iter().try_for_each(|record| disk.apply(&record.op))?;
    let image = disk.image(Policy::ALL[random.random_range(0..Policy::ALL.len())], random);
    materialise(&image, &copied)?;
    let look = looker.look(&copied.join("data"))?;
    fs::remove_dir_all(&copied)?;
    fs::remove_dir_all(&root)?;
    fs::remove_file(&before)?;
    let position = cut.checked_sub(1).map_or(0, |last| records[last].end);
    let wrong = settle(&look, models, position);
    if wrong.is_none() {
        materialise(&image, &root)?;
    } else {
        materialise(&image, &server.beside.join(SPOILED))?;
        fs::create_dir_all(&root)?;
        models.iter().for_each(|model| *held(model) = Model::default());
    }
    Ok(wrong)
}

/// Takes what a store holds as what must be there from now on, or says what is wrong with it.
fn settle(look: &Look, models: &[Shared], position: u64) -> Option<String> {
    let wrong = wrong(look, &copies(models), position);
    if let (None, Look::Opened(content)) = (&wrong, look) {
        models.iter().for_each(|model| held(model).settle(content));
    }
    wrong.map(|(kind, what)| format!("{kind}: {what}"))
}

fn keep(recording: &Recording, place: &Path) -> Outcome<()> {
    fs::write(place.join("found.json"), serde_json::to_vec(&recording.found)?)?;
    fs::write(place.join("models.json"), serde_json::to_vec(&recording.models)?)?;
    drop(fs::remove_dir_all(place.join("root")));
    Ok(())
}

fn read(place: &Path) -> Outcome<Recording> {
    Ok(Recording {
        trace: fs::read(place.join("trace"))?,
        found: serde_json::from_slice(&fs::read(place.join("found.json"))?)?,
        initial: place.join("initial"),
        models: serde_json::from_slice(&fs::read(place.join("models.json"))?)?,
        spoiled: None,
    })
}

/// Where an image is cut, and what survives in it.
struct Cut {
    case: u64,
    /// How many records.
    records: usize,
    policy: Policy,
    random: Pcg64Mcg,
}

fn cut_of(seed: u64, case: u64, records: &[Record], edges: &[usize]) -> Cut {
    let mut random = random_of(seed, case);
    let anywhere = random.random_range(0..=records.len());
    let at_edge = (!edges.is_empty() && random.random_bool(0.6))
        .then(|| edges[random.random_range(0..edges.len())] + random.random_range(0..=2));
    let records = at_edge.map_or(anywhere, |at| at.min(records.len()));
    let policy = Policy::ALL[random.random_range(0..Policy::ALL.len())];
    Cut { case, records, policy, random }
}

/// Where images are made and what is found in them.
struct Findings<'a> {
    work: &'a Path,
    looker: &'a mut Looker,
    report: &'a mut Report,
}

impl Findings<'_> {
    /// Makes images of a recording, which is kept in a place, and looks into each.
    fn images(
        self,
        seed: u64,
        cases: std::ops::Range<u64>,
        recording: &Recording,
        place: &Path,
    ) -> Outcome<()> {
        let records = parse(&recording.trace)?;
        let edges: Vec<usize> = (0..records.len()).filter(|at| records[*at].op.is_edge()).collect();
        let mut cuts: Vec<Cut> = cases.map(|case| cut_of(seed, case, &records, &edges)).collect();
        cuts.sort_by_key(|cut| cut.records);
        let mut disk = Disk::new(&recording.trace, &recording.found, &recording.initial)?;
        let mut done = 0;
        let target = self.work.join("image");
        for Cut { case, records: upto, policy, mut random } in cuts {
            for record in &records[done..upto] {
                disk.apply(&record.op)?;
            }
            done = upto;
            let position = upto.checked_sub(1).map_or(0, |last| records[last].end);
            drop(fs::remove_dir_all(&target));
            let image = disk.image(policy, &mut random);
            materialise(&image, &target)?;
            self.report.add("images", 1);
            self.report.add(policy.name(), 1);
            let look = self.looker.look(&target.join("data"))?;
            let Some((kind, what)) = wrong(&look, &recording.models, position) else { continue };
            self.report.add(format!("{kind}_{}", policy.name()), 1);
            self.report.add(kind, 1);
            // As it was before it was opened.
            drop(fs::remove_dir_all(&target));
            materialise(&image, &target)?;
            let sizes: BTreeMap<&String, usize> =
                image.iter().filter_map(|(path, bytes)| Some((path, bytes.as_ref()?.len()))).collect();
            let at = format!("{} at {position} ({upto} records)", policy.name());
            let what = format!("{kind}, {at}: {what} Files: {sizes:?}");
            self.report.fail(case, &what, &[("image", &target), ("recording", place)])?;
        }
        Ok(())
    }
}

/// What is wrong with an image, if anything.
fn wrong(look: &Look, models: &[Model], position: u64) -> Option<(&'static str, String)> {
    match look {
        Look::Refused(why) => Some(("refused", why.clone())),
        Look::Broke(why) => Some(("broke", why.clone())),
        Look::Opened(content) => {
            let verdict = check(models, content, position);
            let kind = match &verdict {
                verdict if verdict.is_good() => return None,
                verdict if !verdict.lost.is_empty() => "lost",
                verdict if !verdict.torn.is_empty() => "torn_batch",
                _ => "strange",
            };
            Some((kind, verdict.words()))
        }
    }
}
