//! A sync fails: each of those that a short run makes, one run each.

use std::{fs, path::Path, process::ExitCode, time::Duration};

use crate::{
    Args, Outcome,
    check::{Look, Looker},
    child::{Place, Server, Starting},
    load::{Answers, Clock, Load, Plan, Shared, copies, models},
    model::{Model, check},
    report::Report,
    shim::Shim,
    trace::{Op, parse},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FsyncArgs {
    #[command(flatten)]
    args: Args,

    /// How long the load of a run goes on, in milliseconds
    #[arg(long, default_value_t = 300, value_name = "MS")]
    length: u64,

    /// Fail every sync up to the last, and not only --count of them, evenly spread
    #[arg(long)]
    all: bool,
}

const WORKERS: usize = 4;
/// How long a server may take to notice that its store has failed.
const NOTICE: Duration = Duration::from_secs(5);

/// Whether an acknowledgement waits for syncs of this file, so that none may be given from the moment one of them has failed.
/// What a checkpoint writes beside the journal holds nothing that the journal does not: there the store stops acknowledging
/// once the thread that was told of the failure has come to say so, which is a moment later.
fn carries_acknowledgements(path: &str) -> bool {
    path.contains("/journal")
}

/// What one run came to.
struct Run {
    /// How many syncs there were up to now.
    syncs: u64,
    /// How many of them before the stop.
    before_stop: u64,
    /// The file whose sync failed, and the position of the trace then.
    failed: Option<(String, u64)>,
    /// The position of the trace when its health said that it takes no changes.
    told: Option<u64>,
    /// What was wrong.
    wrong: Vec<String>,
    /// What it came to, in a word.
    word: &'static str,
}

pub(crate) async fn run(args: FsyncArgs) -> Outcome<ExitCode> {
    let mut report = Report::new("fsync", &args.args);
    let work = args.args.work()?;
    let shim = Shim::compile(work.path())?;
    let mut looker = Looker::new(work.path().join("looker.log"));
    let place = work.path().join("run");
    // None fails: how many there are.
    let whole = one(&args, &shim, &place, 0, &mut looker).await?;
    if !whole.wrong.is_empty() {
        report.fail(0, &whole.wrong.join("; "), &[("run", &place)])?;
    }
    for key in ["runs", "refused_start", "read_only", "in_stop", "not_reached"] {
        report.add(key, 0);
    }
    let in_stop = whole.syncs.saturating_sub(whole.before_stop);
    report.set("syncs_before_stop", whole.before_stop);
    report.set("syncs_in_stop", in_stop);
    for number in numbers(&args, whole.before_stop, in_stop) {
        let run = one(&args, &shim, &place, number, &mut looker).await?;
        report.add("runs", 1);
        report.add(run.word, 1);
        if !run.wrong.is_empty() {
            let of = run.failed.map(|(path, _)| path).unwrap_or_default();
            let what = format!("sync {number}, of {of:?} ({}): {}", run.word, run.wrong.join("; "));
            report.fail(number, &what, &[("run", &place)])?;
        }
    }
    report.finish()
}

/// Syncs of the stop are numbered from here on: how many there were before it differs from run to run.
const STOP: u64 = 1_000_000;

/// Which syncs fail. The first ones, which a start makes, always do, and those of the stop; the others evenly.
fn numbers(args: &FsyncArgs, before_stop: u64, in_stop: u64) -> Vec<u64> {
    const FIRST: u64 = 24;
    if let Some(case) = args.args.case {
        return vec![case];
    }
    let of_stop = (1..=in_stop).map(|number| STOP + number);
    if args.all || args.args.count >= before_stop {
        return (1..=before_stop).chain(of_stop).collect();
    }
    let spread = args.args.count.saturating_sub(FIRST + in_stop).max(1);
    // Not up to the last: another run may make fewer.
    let evenly = (1..=spread).map(|n| FIRST + n * (before_stop * 3 / 4).saturating_sub(FIRST) / spread);
    let mut numbers: Vec<u64> = (1..=FIRST.min(before_stop)).chain(evenly).chain(of_stop).collect();
    numbers.dedup();
    numbers
}

/// Starts a server, sends, stops it, and lets a sync fail; none where the number is 0.
async fn one(args: &FsyncArgs, shim: &Shim, place: &Path, number: u64, looker: &mut Looker) -> Outcome<Run> {
    drop(fs::remove_dir_all(place));
    let (root, trace) = (place.join("root"), place.join("trace"));
    fs::create_dir_all(&root)?;
    let server = Place { data: root.join("data"), beside: place.to_owned() };
    let mut environment = shim.environment(&root, &trace);
    let later = place.join("later");
    environment.push(("CRASH_FAIL_LATER".to_owned(), later.to_string_lossy().into_owned()));
    if number > 0 && number < STOP {
        environment.push(("CRASH_FAIL_SYNC".to_owned(), number.to_string()));
    }
    let models = models(WORKERS);
    let mut run =
        Run { syncs: 0, before_stop: 0, failed: None, told: None, wrong: Vec::new(), word: "not_reached" };
    match Starting::spawn(&server, &environment)?.ready().await? {
        Err(refusal) => {
            run.word = "refused_start";
            let is_clear = refusal.said.contains("nearby: ") && !refusal.said.contains("panicked");
            if refusal.status.is_none_or(|status| status.code().is_none_or(|code| code == 0)) || !is_clear {
                run.wrong.push(format!("the start ended with {:?}: {}", refusal.status, refusal.said));
            }
        }
        Ok(running) => loaded(args, running, &models, &trace, number, &mut run).await?,
    }
    read_trace(&trace, &mut run)?;
    let failed =
        run.failed.as_ref().filter(|(path, _)| carries_acknowledgements(path)).map(|(_, position)| *position);
    for (position, what) in [(failed, "the failure"), (run.told, "its health told of the failure")] {
        let Some(position) = position else { continue };
        let late: usize = copies(&models).iter().map(|model| model.acked_although_sent_after(position)).sum();
        if late > 0 {
            run.wrong.push(format!("{late} writes were sent after {what} and acknowledged"));
        }
    }
    look(&server, &models, looker, &mut run).await?;
    Ok(run)
}

async fn loaded(
    args: &FsyncArgs,
    mut running: Server,
    models: &[Shared],
    trace: &Path,
    number: u64,
    run: &mut Run,
) -> Outcome<()> {
    let plan = Plan {
        clock: Clock::Trace(trace.to_owned()),
        seed: args.args.seed,
        goes_on: true,
        merchants: 40,
        labels: 3,
    };
    let load = Load::start(&running, models, &plan)?;
    tokio::time::sleep(Duration::from_millis(args.length)).await;
    read_trace(trace, run)?;
    if run.failed.is_some() {
        run.word = "read_only";
        let mut left = NOTICE;
        while running.takes_changes().await? && !left.is_zero() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            left = left.saturating_sub(Duration::from_millis(50));
        }
        if left.is_zero() {
            run.wrong.push("its health says that it takes changes".to_owned());
        } else {
            // A write that was sent at this very position may have been before.
            run.told = Some(fs::metadata(trace)?.len() + 1);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let answers = load.stop(Duration::from_secs(20)).await;
    read_trace(trace, run)?;
    judge(&answers, run);
    if run.failed.is_some() && run.word == "not_reached" {
        // While the last writes were waited for.
        run.word = "read_only";
    }
    if !running.is_alive()? {
        run.wrong.push(format!("the server has ended: {}", running.said()));
        return Ok(());
    }
    if !running.answers_searches().await? {
        run.wrong.push("a search is not answered".to_owned());
    }
    run.before_stop = run.syncs;
    let had_failed = run.failed.is_some();
    if let Some(number) = number.checked_sub(STOP) {
        let length = usize::try_from(number)?;
        fs::write(trace.with_file_name("later"), vec![b'.'; length])?;
    }
    let status = running.terminate().await?;
    read_trace(trace, run)?;
    if !had_failed && run.failed.is_some() {
        run.word = "in_stop";
    }
    // A stop may tell of a failed sync by its exit code, but must come to an end.
    if status.is_none_or(|status| status.code().is_none()) {
        run.wrong.push(format!("the stop ended with {status:?}"));
    }
    Ok(())
}

/// After a failure writes are refused for that reason, and before it they are not.
fn judge(answers: &Answers, run: &mut Run) {
    let is_read_only = |what: &str| what.ends_with("/STORE_READ_ONLY");
    for (what, count) in &answers.refused {
        if run.failed.is_none() || !is_read_only(what) {
            run.wrong.push(format!("{count} writes were refused with {what}"));
        }
    }
    if run.word == "read_only" && answers.refused.is_empty() {
        run.wrong.push("no write was refused".to_owned());
    }
}

fn read_trace(trace: &Path, run: &mut Run) -> Outcome<()> {
    // A server that never came so far has none.
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

/// Starts again without a fault, and compares.
async fn look(server: &Place, models: &[Shared], looker: &mut Looker, run: &mut Run) -> Outcome<()> {
    let copies: Vec<Model> = copies(models);
    match looker.look(&server.data)? {
        Look::Opened(content) => {
            let verdict = check(&copies, &content, u64::MAX);
            if !verdict.is_good() {
                run.wrong.push(verdict.words());
            }
        }
        Look::Refused(why) | Look::Broke(why) => run.wrong.push(format!("it does not open again: {why}")),
    }
    match Server::start(server).await? {
        Ok(running) => {
            let verdict = check(&copies, &running.content().await?, u64::MAX);
            if !verdict.is_good() {
                run.wrong.push(format!("as the server tells it: {}", verdict.words()));
            }
        }
        Err(refusal) => run.wrong.push(format!("it does not start again: {}", refusal.said)),
    }
    Ok(())
}
