//! Fault `fsync`: a sync fails. Each sync of a short run fails in a run of its own.

use std::{fs, path::Path, process::ExitCode, time::Duration};

use crate::{
    args::Args,
    error::Result,
    expected::{Model, check},
    load::{Clock, Load, Plan, Responses, SharedModel, copies, models},
    open_store::{Opened, StoreOpener},
    report::Report,
    server::{Fixture, ServerUnderTest, connect},
    shim::Shim,
    trace::{Op, parse},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FsyncArgs {
    #[command(flatten)]
    args: Args,

    /// Length of the load of a run, in milliseconds
    #[arg(long = "length", default_value_t = 300, value_name = "MS")]
    length_ms: u64,

    /// Fail every sync, not only --count of them, evenly spread
    #[arg(long)]
    all: bool,
}

const WORKERS: usize = 4;
/// Time limit for a server's health status to report that its store has failed.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns `true` if acknowledgements wait for syncs of this file, so that none may follow a failed one. What a checkpoint writes
/// is in the journal too; after a failed sync of a checkpoint the store stops acknowledging as soon as the checkpoint thread has
/// reported it, which is a moment later.
fn is_on_commit_path(path: &str) -> bool {
    path.contains("/journal")
}

/// The result of a run.
struct Run {
    /// Number of syncs so far.
    syncs: u64,
    /// Number of syncs before the stop.
    before_stop: u64,
    /// The file whose sync failed, and the position in the trace.
    failed: Option<(String, u64)>,
    /// The position in the trace when the health status said that changes are not accepted.
    unhealthy_at: Option<u64>,
    /// Failures of the test.
    failures: Vec<String>,
    /// Effect of the failed sync, as a key of the report.
    effect: &'static str,
}

pub(crate) async fn run(args: FsyncArgs) -> Result<ExitCode> {
    let mut report = Report::new("fsync", args.args.seed, &args.args.paths);
    let work = args.args.paths.work_dir()?;
    let shim = Shim::compile(work.path())?;
    let mut opener = StoreOpener::new(work.path());
    let directory = work.path().join("run");
    let fixture = Fixture {
        nearby: args.args.paths.nearby()?,
        data: directory.join("root/data"),
        run_dir: directory.clone(),
    };
    // Without a failure, to count the syncs.
    let whole = run_once(&args, &shim, &fixture, 0, &mut opener).await?;
    if !whole.failures.is_empty() {
        report.fail(0, &whole.failures.join("; "), &[("run", &directory)])?;
    }
    for key in ["runs", "refused_start", "read_only", "in_stop", "not_reached"] {
        report.add(key, 0);
    }
    let in_stop = whole.syncs.saturating_sub(whole.before_stop);
    report.set("syncs_before_stop", whole.before_stop);
    report.set("syncs_in_stop", in_stop);
    for number in numbers(&args, whole.before_stop, in_stop) {
        let run = run_once(&args, &shim, &fixture, number, &mut opener).await?;
        report.add("runs", 1);
        report.add(run.effect, 1);
        if !run.failures.is_empty() {
            let file = run.failed.map(|(path, _)| path).unwrap_or_default();
            let message = format!("sync {number}, of {file:?} ({}): {}", run.effect, run.failures.join("; "));
            report.fail(number, &message, &[("run", &directory)])?;
        }
    }
    report.finish()
}

/// Syncs of the stop are numbered from here: the number of syncs before it differs between runs.
const STOP: u64 = 1_000_000;

/// Returns the numbers of the syncs to fail: always the first ones, which belong to the start, and those of the stop; of the
/// others an evenly spread selection.
fn numbers(args: &FsyncArgs, before_stop: u64, in_stop: u64) -> Vec<u64> {
    const FIRST: u64 = 24;
    if let Some(case) = args.args.case {
        return vec![case];
    }
    let during_stop = (1..=in_stop).map(|number| STOP + number);
    if args.all || args.args.count >= before_stop {
        return (1..=before_stop).chain(during_stop).collect();
    }
    let spread = args.args.count.saturating_sub(FIRST + in_stop).max(1);
    // Only the first three quarters: a later run may have fewer syncs.
    let evenly = (1..=spread).map(|n| FIRST + n * (before_stop * 3 / 4).saturating_sub(FIRST) / spread);
    let mut numbers: Vec<u64> = (1..=FIRST.min(before_stop)).chain(evenly).chain(during_stop).collect();
    numbers.dedup();
    numbers
}

/// Runs a server under load and stops it, while the sync with this number fails; with 0 none fails.
async fn run_once(
    args: &FsyncArgs,
    shim: &Shim,
    fixture: &Fixture,
    number: u64,
    opener: &mut StoreOpener,
) -> Result<Run> {
    let directory = &fixture.run_dir;
    drop(fs::remove_dir_all(directory));
    let (root, trace) = (directory.join("root"), directory.join("trace"));
    fs::create_dir_all(&root)?;
    let mut environment = shim.environment(&root, &trace);
    let later = directory.join("later");
    environment.push(("CRASH_FAIL_LATER".to_owned(), later.to_string_lossy().into_owned()));
    if number > 0 && number < STOP {
        environment.push(("CRASH_FAIL_SYNC".to_owned(), number.to_string()));
    }
    let models = models(WORKERS);
    let mut run = Run {
        syncs: 0,
        before_stop: 0,
        failed: None,
        unhealthy_at: None,
        failures: Vec::new(),
        effect: "not_reached",
    };
    match connect(fixture.spawn(&environment)?).await? {
        Err(error) => {
            run.effect = "refused_start";
            let is_clear = error.output().contains("nearby: ") && !error.output().contains("panicked");
            if error.status().is_none_or(|status| status.code().is_none_or(|code| code == 0)) || !is_clear {
                run.failures.push(format!("the error of the start is unclear: {error}"));
            }
        }
        Ok(server) => run_under_load(args, server, &models, &trace, number, &mut run).await?,
    }
    read_trace(&trace, &mut run)?;
    let failed =
        run.failed.as_ref().filter(|(path, _)| is_on_commit_path(path)).map(|(_, position)| *position);
    for (position, event) in [(failed, "the failure"), (run.unhealthy_at, "the health status changed")] {
        let Some(position) = position else { continue };
        let late: usize = copies(&models).iter().map(|model| model.count_acked_if_sent_since(position)).sum();
        if late > 0 {
            run.failures.push(format!("{late} changes were sent after {event} and acknowledged"));
        }
    }
    check_restart(fixture, &models, opener, &mut run).await?;
    Ok(run)
}

/// Sends load to a server and stops it.
async fn run_under_load(
    args: &FsyncArgs,
    mut server: ServerUnderTest,
    models: &[SharedModel],
    trace: &Path,
    number: u64,
    run: &mut Run,
) -> Result<()> {
    let plan = Plan {
        clock: Clock::Trace(trace.to_owned()),
        seed: args.args.seed,
        continue_after_rejection: true,
        merchants: 40,
        labels: 3,
    };
    let load = Load::start(&server.client(), models, &plan);
    tokio::time::sleep(Duration::from_millis(args.length_ms)).await;
    read_trace(trace, run)?;
    if run.failed.is_some() {
        run.effect = "read_only";
        let deadline = tokio::time::Instant::now() + HEALTH_TIMEOUT;
        let mut is_writable = server.is_writable().await?;
        while is_writable && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
            is_writable = server.is_writable().await?;
        }
        if is_writable {
            run.failures.push("the health status says that changes are accepted".to_owned());
        } else {
            // A change that was sent at this very position may have been sent earlier.
            run.unhealthy_at = Some(fs::metadata(trace)?.len() + 1);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let responses = load.stop(Duration::from_secs(20)).await;
    read_trace(trace, run)?;
    check_rejections(&responses, run);
    if run.failed.is_some() && run.effect == "not_reached" {
        // The sync failed while the last changes were in flight.
        run.effect = "read_only";
    }
    if !server.is_running()? {
        run.failures.push(format!("the server has exited: {}", server.output()));
        return Ok(());
    }
    if !server.serves_searches().await {
        run.failures.push("a search failed".to_owned());
    }
    run.before_stop = run.syncs;
    let had_failed = run.failed.is_some();
    if let Some(number) = number.checked_sub(STOP) {
        let length = usize::try_from(number)?;
        fs::write(trace.with_file_name("later"), vec![b'.'; length])?;
    }
    let status = server.terminate().await?;
    read_trace(trace, run)?;
    if !had_failed && run.failed.is_some() {
        run.effect = "in_stop";
    }
    // The exit code of a stop may report the failed sync, but the process must exit by itself.
    if status.is_none_or(|status| status.code().is_none()) {
        run.failures.push(format!("the server did not exit by itself: {status:?}"));
    }
    Ok(())
}

/// Checks that changes are rejected after a failure with its reason, and not before.
fn check_rejections(responses: &Responses, run: &mut Run) {
    let is_read_only = |error: &str| error.ends_with("/STORE_READ_ONLY");
    for (error, count) in &responses.rejected {
        if run.failed.is_none() || !is_read_only(error) {
            run.failures.push(format!("{count} changes were rejected with {error}"));
        }
    }
    if run.effect == "read_only" && responses.rejected.is_empty() {
        run.failures.push("no change was rejected".to_owned());
    }
}

/// Counts the syncs in the trace and finds the failed one.
fn read_trace(trace: &Path, run: &mut Run) -> Result<()> {
    // A server that failed early has no trace.
    let records = parse(&fs::read(trace).unwrap_or_default())?;
    for record in &records {
        match &record.op {
            Op::SyncBegin { number, .. } => run.syncs = run.syncs.max(*number),
            Op::SyncFailed { path, number } => {
                run.syncs = run.syncs.max(*number);
                run.failed = Some((path.clone(), record.end));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Opens the store and starts a server without a fault, and compares the content.
async fn check_restart(
    fixture: &Fixture,
    models: &[SharedModel],
    opener: &mut StoreOpener,
    run: &mut Run,
) -> Result<()> {
    let models: Vec<Model> = copies(models);
    match opener.open(&fixture.data)? {
        Opened::Content(content) => {
            let verdict = check(&models, &content, u64::MAX);
            if !verdict.is_good() {
                run.failures.push(verdict.describe());
            }
        }
        Opened::Refused(error) | Opened::Crashed(error) => {
            run.failures.push(format!("the store does not open again: {error}"));
        }
    }
    match fixture.start().await? {
        Ok(server) => {
            let verdict = check(&models, &server.content().await?, u64::MAX);
            if !verdict.is_good() {
                run.failures.push(format!("content of the server: {}", verdict.describe()));
            }
        }
        Err(error) => run.failures.push(format!("the server does not start again: {error}")),
    }
    Ok(())
}
