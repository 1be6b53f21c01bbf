//! Comparison with other systems.
//!
//! `nearby-loadtest compare` sends one sequence of queries over one dataset (the 20 nearest within 5 km) to Nearby, Redis,
//! Tile38 and PostGIS. Each system has the same number of connections with one query at a time on each. Systems are measured
//! in interleaved rounds, so that other load on the machine affects all alike; throughput is compared within a round and
//! never across rounds.
//!
//! # Differences between the systems
//!
//! * Nearby returns the BASIC view of a merchant (names, brand, categories, position). The others hold ids and locations
//!   only, and return an id and a distance.
//! * Nearby's responses are received but decoded only if they are verified. The rivals' client libraries always decode. The
//!   client's CPU time is reported for all systems, as it competes with a server on the same machine.
//! * Nearby and PostGIS have stored all data durably when a load ends; Redis and Tile38 depend on their settings.
//! * Each system is queried as its manual recommends: Redis sorts all points within 5 km; PostGIS returns rows in index order
//!   (`<->`, a distance on the sphere), so that some are out of order and the last ones may differ.
//! * Hidden merchants, which Nearby holds and must not return, are not loaded into the others.
//!
//! | module | contents |
//! |---|---|
//! | `system` | the interface: system, connection, response |
//! | `nearby`, `redis`, `tile38`, `postgis` | its implementations (`resp`: common to Redis and Tile38) |
//! | `queries`, `rounds`, `accuracy`, `restart` | what is measured |
//! | `process_tree` | CPU time and memory of servers with several processes |
//! | `args`, `report` | command line, report |

mod accuracy;
mod args;
mod nearby;
mod postgis;
mod process_tree;
mod queries;
mod redis;
mod report;
mod resp;
mod restart;
mod rounds;
mod system;
mod tile38;

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use tokio::runtime::Builder;

pub use self::args::CompareArgs;
use self::{
    accuracy::Accuracy,
    nearby::Nearby,
    postgis::PostGis,
    process_tree::ProcessTree,
    queries::Queries,
    redis::Redis,
    report::{Comparison, Outcome},
    restart::Restart,
    rounds::{Round, run_round},
    system::{Connection, System, with_context},
    tile38::Tile38,
};
use crate::{
    dataset::{Dataset, Oracle},
    error::Error,
    report::{Machine, ReportError},
    server::ServerProcess,
};

/// Radius of the searches in metres, and number of results.
const RADIUS_M: f64 = 5_000.0;
const LIMIT: usize = 20;

/// A system in the comparison with its figures so far.
struct Participant {
    system: Box<dyn System>,
    processes: Option<ProcessTree>,
    connections: Vec<Box<dyn Connection>>,
    load_s: Option<f64>,
    accuracy: Accuracy,
    rounds: Vec<Round>,
    memory_bytes: Option<u64>,
    restart_s: Option<f64>,
}

/// Runs a comparison. Returns a failure if a response of Nearby is wrong, as its throughput is then meaningless.
///
/// # Errors
/// A system cannot be reached or loaded, or an argument is invalid.
pub fn compare(args: &CompareArgs) -> Result<ExitCode, Error> {
    args.check()?;
    // A single thread needs no hand-over of tasks, and writes once for all calls that are ready.
    let runtime = match args.threads() {
        1 => Builder::new_current_thread().enable_all().build()?,
        threads => Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    };
    runtime.block_on(run(args))
}

/// A system with its process id, if known.
type SystemAndPid = (Box<dyn System>, Option<u32>);

/// Creates the systems that take part, Nearby first.
fn systems(args: &CompareArgs, own: Option<&ServerProcess>) -> Result<Vec<SystemAndPid>, Error> {
    let (url, pid) = match own {
        Some(own) => (own.url.as_str(), Some(own.pid())),
        None => (args.nearby.as_deref().unwrap_or_default(), args.nearby_pid),
    };
    let mut systems: Vec<SystemAndPid> = vec![(Box::new(Nearby::new(url)?), pid)];
    if let Some(url) = &args.redis {
        systems.push((Box::new(Redis::new(url)?), args.redis_pid));
    }
    if let Some(url) = &args.tile38 {
        systems.push((Box::new(Tile38::new(url)?), args.tile38_pid));
    }
    if let Some(settings) = &args.postgis {
        systems.push((Box::new(PostGis::new(settings)?), args.postgis_pid));
    }
    Ok(systems)
}

async fn run(args: &CompareArgs) -> Result<ExitCode, Error> {
    let dataset = Dataset::new(args.seed, args.merchants, &args.cities())?;
    let mut own = match &args.nearby {
        Some(_) => None,
        None => Some(ServerProcess::start(None).await?),
    };
    let mut participants = Vec::new();
    for (at, (system, pid)) in systems(args, own.as_ref())?.into_iter().enumerate() {
        let processes = pid.map(ProcessTree::of).transpose()?;
        // A server that this process started is empty.
        let must_load = !args.no_load || (at == 0 && own.is_some());
        let load_s = if must_load { Some(load(&*system, &dataset).await?) } else { None };
        participants.push(Participant {
            system,
            processes,
            connections: Vec::new(),
            load_s,
            accuracy: Accuracy::default(),
            rounds: Vec::new(),
            memory_bytes: None,
            restart_s: None,
        });
    }
    let queries = Arc::new(Queries::new(&dataset, args.seed));
    let oracle = {
        let dataset = dataset.clone();
        tokio::task::spawn_blocking(move || Oracle::new(&dataset)).await.map_err(io::Error::other)?
    };
    for participant in &mut participants {
        let name = participant.system.name();
        for _ in 0..args.connections.max(1) {
            let connection = participant.system.connect().await;
            participant.connections.push(connection.map_err(|error| {
                with_context(name, "cannot be reached, check that it runs at its address", &error)
            })?);
        }
        log(&format!("{name}: verifying {} responses", args.verify));
        participant.accuracy =
            accuracy::verify(&mut participant.connections, &queries, &oracle, args.verify).await?;
    }
    run_rounds(&mut participants, &queries, args).await?;
    for (at, participant) in participants.iter_mut().enumerate() {
        participant.memory_bytes = participant.processes.map(ProcessTree::memory_bytes).transpose()?;
        let restart = match (args.restart_command(participant.system.name()), &mut own) {
            (Some(command), _) => Restart::Command(command),
            (None, Some(server)) if at == 0 => Restart::Process(server),
            (None, _) => continue,
        };
        log(&format!("{}: restarting", participant.system.name()));
        let restart_s = restart::restart(&*participant.system, restart, &queries, &dataset).await?;
        participant.restart_s = Some(restart_s);
    }
    finish(args, &participants)
}

/// Loads a dataset into a system and returns the seconds it took.
async fn load(system: &dyn System, dataset: &Dataset) -> io::Result<f64> {
    log(&format!("{}: loading {} merchants", system.name(), dataset.count()));
    let start = Instant::now();
    system.load(dataset).await.map_err(|error| {
        with_context(system.name(), "cannot be loaded, check that it runs at its address", &error)
    })?;
    Ok(start.elapsed().as_secs_f64())
}

/// Measures all systems in interleaved rounds. Within a round each system receives the same queries.
async fn run_rounds(
    participants: &mut [Participant],
    queries: &Arc<Queries>,
    args: &CompareArgs,
) -> Result<(), Error> {
    for round in 0..args.rounds.max(1) {
        for participant in &mut *participants {
            let first = Queries::first_of_round(round);
            let connections = std::mem::take(&mut participant.connections);
            let (connections, figures) =
                run_round(connections, (queries, first), args.length()?, participant.processes.as_ref())
                    .await
                    .map_err(|error| with_context(participant.system.name(), "failed", &error))?;
            log(&format!(
                "round {} of {}: {} {:.0}/s",
                round + 1,
                args.rounds.max(1),
                participant.system.name(),
                figures.per_s()
            ));
            participant.connections = connections;
            participant.rounds.push(figures);
        }
    }
    Ok(())
}

/// Prints and writes the report; a wrong response of Nearby is a failure.
fn finish(args: &CompareArgs, participants: &[Participant]) -> Result<ExitCode, Error> {
    let nearby = participants.first().map_or(&[][..], |nearby| &nearby.rounds);
    let comparison = Comparison {
        tool: format!("nearby-loadtest {}", env!("CARGO_PKG_VERSION")),
        seed: args.seed,
        merchants: args.merchants,
        connections: args.connections.max(1),
        threads: args.threads(),
        seconds: args.seconds,
        rounds: args.rounds.max(1),
        verified: args.verify,
        machine: Machine::this(),
        systems: participants.iter().map(|participant| Outcome::of(participant, nearby)).collect(),
    };
    // A closed stdout is no reason to fail.
    drop(io::stdout().write_all(report::text(&comparison).as_bytes()));
    if let Some(path) = &args.json {
        write(path, &serde_json::to_string_pretty(&comparison).map_err(io::Error::other)?)?;
    }
    let is_correct = participants.first().is_some_and(|nearby| nearby.accuracy.is_correct());
    Ok(if is_correct { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write(path: &Path, text: &str) -> Result<(), ReportError> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, text)).map_err(|error| ReportError::File(path.into(), error))
}

/// Logs progress to stderr.
fn log(text: &str) {
    drop(io::stderr().write_all(format!("{text}\n").as_bytes()));
}
