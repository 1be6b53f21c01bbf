//! Fault `power`: disk images that a power cut may leave, made from a recording of a server's file operations.

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
    args::{Args, rng_of},
    disk::{Disk, ExistingFile, Policy, scan, write_image},
    error::Result,
    expected::{Model, check},
    load::{Clock, Load, Plan, SharedModel, copies, lock, models},
    open_store::{Opened, StoreOpener},
    report::{Report, copy},
    server::Fixture,
    shim::Shim,
    trace::{Record, parse},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PowerArgs {
    #[command(flatten)]
    args: Args,

    /// Recording of a failure: make its images again, with the seed and case of the failure
    #[arg(long, value_name = "DIR")]
    recording: Option<PathBuf>,

    /// Images per recording
    #[arg(long, default_value_t = 125, value_name = "NUMBER")]
    images: u64,

    /// Length of a recording, in milliseconds
    #[arg(long = "length", default_value_t = 2_500, value_name = "MS")]
    length_ms: u64,
}

const WORKERS: usize = 8;
/// Directory of an image that has a failure and so cannot be the initial state of a recording.
const BAD_INITIAL_STATE: &str = "bad-initial-state";
/// A recording ends early at this size, because every image reads all of it.
const MAX_TRACE_BYTES: u64 = 150 * 1024 * 1024;

/// A trace of a server's file operations, and the changes that it acknowledged meanwhile.
struct Recording {
    trace: Vec<u8>,
    existing: Vec<ExistingFile>,
    /// A copy of the files before the trace.
    initial: PathBuf,
    models: Vec<Model>,
    /// Failure of the image that was to be the initial state; the recording begins with an empty directory instead.
    initial_failure: Option<String>,
}

pub(crate) async fn run(args: PowerArgs) -> Result<ExitCode> {
    let mut report = Report::new("power", args.args.seed, &args.args.paths);
    let work = args.args.paths.work_dir()?;
    let shim = Shim::compile(work.path())?;
    let nearby = args.args.paths.nearby()?;
    let mut opener = StoreOpener::new(work.path());
    for key in ["images", "refused", "crashed", "lost", "torn_batch", "unexpected"] {
        report.add(key, 0);
    }
    let mut cases = args.args.cases();
    while !cases.is_empty() {
        let number = cases.start / args.images;
        let end = cases.end.min((number + 1) * args.images);
        let directory = work.path().join("recording");
        let recording = match &args.recording {
            Some(kept) => read(kept)?,
            None => {
                let mut rng = rng_of(args.args.seed, number + (1 << 40));
                let recording = record(&args, &shim, &nearby, &directory, &mut rng, &mut opener).await?;
                keep(&recording, &directory)?;
                recording
            }
        };
        if let Some(failure) = &recording.initial_failure {
            report.add("bad_initial_states", 1);
            let message = format!("the initial state of a recording, after a power cut: {failure}");
            report.fail(cases.start, &message, &[("initial", &directory.join(BAD_INITIAL_STATE))])?;
        }
        report.add("recordings", 1);
        report.add("trace_mib", recording.trace.len() as u64 / 1024 / 1024);
        let acked: usize = recording.models.iter().map(Model::acked).sum();
        report.add("acked", acked as u64);
        let evidence = args.recording.as_deref().unwrap_or(&directory);
        let checker = ImageChecker { work: work.path(), opener: &mut opener, report: &mut report };
        checker.check_images(args.args.seed, cases.start..end, &recording, evidence)?;
        drop(fs::remove_dir_all(work.path().join("recording")));
        cases.start = end;
    }
    report.finish()
}

/// Runs a server under load and records its file operations.
async fn record(
    args: &PowerArgs,
    shim: &Shim,
    nearby: &Path,
    directory: &Path,
    rng: &mut Pcg64Mcg,
    opener: &mut StoreOpener,
) -> Result<Recording> {
    drop(fs::remove_dir_all(directory));
    // The parent of the data directory is recorded too: creating the data directory adds a name there.
    let (root, initial, trace) = (directory.join("root"), directory.join("initial"), directory.join("trace"));
    fs::create_dir_all(&root)?;
    let fixture =
        Fixture { nearby: nearby.to_owned(), data: root.join("data"), run_dir: directory.to_owned() };
    let models = models(WORKERS);
    let mut plan = Plan {
        clock: Clock::Disabled,
        seed: rng.random(),
        continue_after_rejection: false,
        merchants: rng.random_range(20..150),
        labels: [0, 3, 20][rng.random_range(0..3)],
    };
    let mut initial_failure = None;
    if rng.random_bool(0.7) {
        initial_failure = prepare(shim, &fixture, &models, &plan, rng, opener).await?;
    }
    copy(&root, &initial)?;
    let existing = scan(&root)?;
    fs::write(&trace, b"")?;
    plan.clock = Clock::Trace(trace.clone());
    let mut environment = shim.environment(&root, &trace);
    if rng.random_bool(0.5) {
        environment.push(("CRASH_SYNC_DELAY_US".to_owned(), rng.random_range(100..3_000).to_string()));
    }
    let runs = rng.random_range(1..=3);
    for run in 0..runs {
        plan.seed = rng.random();
        let length = Duration::from_millis(args.length_ms / runs);
        let graceful = run + 1 < runs || rng.random_bool(0.5);
        run_under_load(&fixture, &environment, &models, &plan, length, graceful).await?;
    }
    Ok(Recording { trace: fs::read(&trace)?, existing, initial, models: copies(&models), initial_failure })
}

/// Runs a server under load and stops it gracefully or kills it.
async fn run_under_load(
    fixture: &Fixture,
    environment: &[(String, String)],
    models: &[SharedModel],
    plan: &Plan,
    length: Duration,
    graceful: bool,
) -> Result<()> {
    let server = fixture.must_start(environment).await?;
    let load = Load::start(&server.client(), models, plan);
    let start = Instant::now();
    while start.elapsed() < length && load.is_running() {
        if let Clock::Trace(trace) = &plan.clock
            && fs::metadata(trace)?.len() > MAX_TRACE_BYTES
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if graceful {
        let responses = load.stop(Duration::from_secs(20)).await;
        if !responses.rejected.is_empty() {
            return Err(
                format!("changes were rejected during the recording: {:?}", responses.rejected).into()
            );
        }
        let status = server.terminate().await?;
        return match status {
            Some(status) if status.success() => Ok(()),
            status => Err(format!("the server did not stop gracefully: {status:?}").into()),
        };
    }
    server.kill()?;
    load.stop(Duration::from_millis(200)).await;
    Ok(())
}

/// Creates the initial state of a recording: a store after a stop, a kill or a power cut, so that recordings contain the recovery
/// from each. Returns the failure of the image after a power cut; the directory is empty then.
async fn prepare(
    shim: &Shim,
    fixture: &Fixture,
    models: &[SharedModel],
    plan: &Plan,
    rng: &mut Pcg64Mcg,
    opener: &mut StoreOpener,
) -> Result<Option<String>> {
    let (root, before) = (fixture.run_dir.join("root"), fixture.run_dir.join("trace-before"));
    let length = Duration::from_millis(rng.random_range(100..1_500));
    let copied = fixture.run_dir.join("copied");
    if rng.random_bool(0.6) {
        run_under_load(fixture, &[], models, plan, length, rng.random_bool(0.5)).await?;
        // Opening a store repairs it, but the repair belongs into the recording: open a copy.
        copy(&fixture.data, &copied)?;
        let opened = opener.open(&copied)?;
        fs::remove_dir_all(&copied)?;
        return match accept(&opened, models, u64::MAX) {
            None => Ok(None),
            Some(failure) => {
                Err(format!("failure without a power cut; run `cargo crash kill`: {failure}").into())
            }
        };
    }
    let existing = scan(&root)?;
    let plan = Plan { clock: Clock::Trace(before.clone()), ..plan.clone() };
    run_under_load(fixture, &shim.environment(&root, &before), models, &plan, length, false).await?;
    let trace = fs::read(&before)?;
    let records = parse(&trace)?;
    let cut = rng.random_range(records.len() / 4..=records.len());
    let mut disk = Disk::new(&trace, &existing, &root)?;
    records[..cut].iter().try_for_each(|record| disk.apply(&record.op))?;
    let image = disk.image(Policy::ALL[rng.random_range(0..Policy::ALL.len())], rng);
    write_image(&image, &copied)?;
    let opened = opener.open(&copied.join("data"))?;
    fs::remove_dir_all(&copied)?;
    fs::remove_dir_all(&root)?;
    fs::remove_file(&before)?;
    let position = cut.checked_sub(1).map_or(0, |last| records[last].end);
    let failure = accept(&opened, models, position);
    if failure.is_none() {
        write_image(&image, &root)?;
    } else {
        write_image(&image, &fixture.run_dir.join(BAD_INITIAL_STATE))?;
        fs::create_dir_all(&root)?;
        models.iter().for_each(|model| *lock(model) = Model::default());
    }
    Ok(failure)
}

/// Makes the content of a store the expected content, or returns its failure.
fn accept(opened: &Opened, models: &[SharedModel], position: u64) -> Option<String> {
    let failure = failure(opened, &copies(models), position);
    if let (None, Opened::Content(content)) = (&failure, opened) {
        models.iter().for_each(|model| lock(model).reset_to(content));
    }
    failure.map(|(kind, message)| format!("{kind}: {message}"))
}

/// Completes the directory of a recording, from which its images can be made again.
fn keep(recording: &Recording, directory: &Path) -> Result<()> {
    fs::write(directory.join("existing.json"), serde_json::to_vec(&recording.existing)?)?;
    fs::write(directory.join("models.json"), serde_json::to_vec(&recording.models)?)?;
    drop(fs::remove_dir_all(directory.join("root")));
    Ok(())
}

/// Reads a recording that was kept as evidence.
fn read(directory: &Path) -> Result<Recording> {
    Ok(Recording {
        trace: fs::read(directory.join("trace"))?,
        existing: serde_json::from_slice(&fs::read(directory.join("existing.json"))?)?,
        initial: directory.join("initial"),
        models: serde_json::from_slice(&fs::read(directory.join("models.json"))?)?,
        initial_failure: None,
    })
}

/// The point of a power cut, and what survives it.
struct PowerCut {
    case: u64,
    /// Number of records before the cut.
    records: usize,
    policy: Policy,
    rng: Pcg64Mcg,
}

/// Returns the power cut of a case: anywhere, or in 60 % of the cases next to an operation that orders others.
fn power_cut(seed: u64, case: u64, records: &[Record], ordering_points: &[usize]) -> PowerCut {
    let mut rng = rng_of(seed, case);
    let anywhere = rng.random_range(0..=records.len());
    let at_ordering_point = (!ordering_points.is_empty() && rng.random_bool(0.6))
        .then(|| ordering_points[rng.random_range(0..ordering_points.len())] + rng.random_range(0..=2));
    let records = at_ordering_point.map_or(anywhere, |at| at.min(records.len()));
    let policy = Policy::ALL[rng.random_range(0..Policy::ALL.len())];
    PowerCut { case, records, policy, rng }
}

/// Makes images and checks them.
struct ImageChecker<'a> {
    work: &'a Path,
    opener: &'a mut StoreOpener,
    report: &'a mut Report,
}

impl ImageChecker<'_> {
    /// Makes images of a recording and checks each. The directory of the recording is the evidence of a failure.
    fn check_images(
        self,
        seed: u64,
        cases: std::ops::Range<u64>,
        recording: &Recording,
        directory: &Path,
    ) -> Result<()> {
        let records = parse(&recording.trace)?;
        let ordering_points: Vec<usize> =
            (0..records.len()).filter(|at| records[*at].op.is_ordering_point()).collect();
        let mut cuts: Vec<PowerCut> =
            cases.map(|case| power_cut(seed, case, &records, &ordering_points)).collect();
        cuts.sort_by_key(|cut| cut.records);
        let mut disk = Disk::new(&recording.trace, &recording.existing, &recording.initial)?;
        let mut applied = 0;
        let target = self.work.join("image");
        for PowerCut { case, records: end, policy, mut rng } in cuts {
            for record in &records[applied..end] {
                disk.apply(&record.op)?;
            }
            applied = end;
            let position = end.checked_sub(1).map_or(0, |last| records[last].end);
            drop(fs::remove_dir_all(&target));
            let image = disk.image(policy, &mut rng);
            write_image(&image, &target)?;
            self.report.add("images", 1);
            self.report.add(policy.name(), 1);
            let opened = self.opener.open(&target.join("data"))?;
            let Some((kind, message)) = failure(&opened, &recording.models, position) else { continue };
            self.report.add(format!("{kind}_{}", policy.name()), 1);
            self.report.add(kind, 1);
            // Opening the store may have changed it: keep the image as it was.
            drop(fs::remove_dir_all(&target));
            write_image(&image, &target)?;
            let sizes: BTreeMap<&String, usize> =
                image.iter().filter_map(|(path, bytes)| Some((path, bytes.as_ref()?.len()))).collect();
            let at = format!("{} at {position} ({end} records)", policy.name());
            let message = format!("{kind}, {at}: {message} Files: {sizes:?}");
            self.report.fail(case, &message, &[("image", &target), ("recording", directory)])?;
        }
        Ok(())
    }
}

/// Returns the kind and the description of a failure; `None` if the store is as expected.
fn failure(opened: &Opened, models: &[Model], position: u64) -> Option<(&'static str, String)> {
    match opened {
        Opened::Refused(error) => Some(("refused", error.clone())),
        Opened::Crashed(error) => Some(("crashed", error.clone())),
        Opened::Content(content) => {
            let verdict = check(models, content, position);
            verdict.kind().map(|kind| (kind, verdict.describe()))
        }
    }
}
