//! # Beside what people use today
//!
//! `nearby-loadtest compare`: one world and one order of questions (the 20 nearest within 5 km), asked of Nearby,
//! Redis, Tile38 and PostGIS. Each is asked over as many connections, with one question at a time on each; they take
//! turns, so that what else the machine does falls on all of them alike. Throughput is compared within each round and
//! never across.
//!
//! # What is not alike
//!
//! * Nearby answers with what a list shows of a merchant (names, brand, categories, position); the others, which hold
//!   ids and places alone, with an id and a distance.
//! * Nearby's answers are taken off the wire and decoded only where they are judged. The rivals' clients cannot but
//!   parse what comes, and do so in every turn; what the generator's side costs is told for all, as it competes with a
//!   server on the same machine.
//! * Nearby and PostGIS have on disk what they were given when a load ends; Redis and Tile38 are as they are set.
//! * Each is asked in the way that its manual gives for this: Redis sorts all that it has within 5 km, PostGIS takes
//!   rows as its index hands them out (`<->`, which goes by the sphere: some are out of order, and the last may be
//!   others).
//! * Hidden merchants, which Nearby holds and must not find, are not given to the others.

mod accuracy;
mod args;
mod nearby;
mod postgis;
mod process_tree;
mod queries;
mod redis;
mod resp;
mod restart;
mod rounds;
mod system;
mod table;
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
    process_tree::Processes,
    queries::Questions,
    restart::How,
    rounds::{Turn, turn},
    system::{Connection, System},
    table::{Comparison, Outcome},
};
use crate::{
    cli::Failure,
    dataset::{Oracle, World},
    report::{Machine, ReportError},
    server::Server,
};

/// How far searches reach, in metres, and how many merchants they want.
const RADIUS_M: f64 = 5_000.0;
const WANTED: usize = 20;

/// A system that takes part, and what came of it so far.
struct Contestant {
    system: System,
    processes: Option<Processes>,
    connections: Vec<Connection>,
    load_s: Option<f64>,
    accuracy: Accuracy,
    turns: Vec<Turn>,
    memory_bytes: Option<u64>,
    restart_s: Option<f64>,
}

/// Compares. Fails where an answer of Nearby's is wrong: how fast it came is then worth nothing.
///
/// # Errors
/// A server does not answer or cannot be loaded, or a value cannot be.
pub fn compare(args: &CompareArgs) -> Result<ExitCode, Failure> {
    args.check()?;
    // One thread alone needs nobody to hand its tasks to, and writes once for all that is ready.
    let runtime = match args.threads() {
        1 => Builder::new_current_thread().enable_all().build()?,
        threads => Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    };
    runtime.block_on(run(args))
}

async fn run(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let world = World::new(args.seed, args.merchants, &args.cities())?;
    let mut own = args.nearby.is_none().then(|| Server::start(None)).transpose()?;
    let mut contestants = Vec::new();
    for (system, pid) in args.systems(own.as_ref())? {
        let processes = pid.map(Processes::of).transpose()?;
        let load_s = load(&system, &world, !args.no_load || system.is_own()).await?;
        contestants.push(Contestant {
            system,
            processes,
            connections: Vec::new(),
            load_s,
            accuracy: Accuracy::default(),
            turns: Vec::new(),
            memory_bytes: None,
            restart_s: None,
        });
    }
    let questions = Arc::new(Questions::new(&world, args.seed));
    let oracle = {
        let world = world.clone();
        tokio::task::spawn_blocking(move || Oracle::new(&world)).await.map_err(io::Error::other)?
    };
    for contestant in &mut contestants {
        for _ in 0..args.connections.max(1) {
            contestant.connections.push(contestant.system.connect().await?);
        }
        say(&format!("{}: {} answers are judged", contestant.system.name(), args.judged));
        contestant.accuracy =
            accuracy::judge(&mut contestant.connections, &questions, &oracle, args.judged).await?;
    }
    take_turns(&mut contestants, &questions, args).await?;
    for contestant in &mut contestants {
        contestant.memory_bytes = contestant.processes.map(Processes::memory_bytes).transpose()?;
        let how = match (args.restart_command(contestant.system.name()), &mut own) {
            (Some(command), _) => Some(How::Command(command)),
            (None, Some(server)) if contestant.system.is_own() => Some(How::Own(server)),
            (None, _) => None,
        };
        if let Some(how) = how {
            say(&format!("{}: is restarted", contestant.system.name()));
            contestant.restart_s = Some(restart::restart(&contestant.system, how, &questions, &world).await?);
        }
    }
    finish(args, &contestants)
}

async fn load(system: &System, world: &World, is_wanted: bool) -> io::Result<Option<f64>> {
    if !is_wanted {
        return Ok(None);
    }
    say(&format!("{}: {} merchants are loaded", system.name(), world.count()));
    let start = Instant::now();
    system.load(world).await?;
    Ok(Some(start.elapsed().as_secs_f64()))
}

/// In each round every system is asked the same questions from the same one on.
async fn take_turns(
    contestants: &mut [Contestant],
    questions: &Arc<Questions>,
    args: &CompareArgs,
) -> Result<(), Failure> {
    for round in 0..args.rounds.max(1) {
        for contestant in &mut *contestants {
            let first = Questions::first_of_round(round);
            let connections = std::mem::take(&mut contestant.connections);
            let (connections, turn) =
                turn(connections, (questions, first), args.length()?, contestant.processes.as_ref())
                    .await
                    .map_err(|error| system::named(contestant.system.name(), "broke off", &error))?;
            say(&format!(
                "round {} of {}: {} {:.0}/s",
                round + 1,
                args.rounds.max(1),
                contestant.system.name(),
                turn.per_s()
            ));
            contestant.connections = connections;
            contestant.turns.push(turn);
        }
    }
    Ok(())
}

/// Tells all; a wrong answer of Nearby's is a failure.
fn finish(args: &CompareArgs, contestants: &[Contestant]) -> Result<ExitCode, Failure> {
    let nearby = contestants.first().map_or(&[][..], |nearby| &nearby.turns);
    let comparison = Comparison {
        tool: format!("nearby-loadtest {}", env!("CARGO_PKG_VERSION")),
        seed: args.seed,
        merchants: args.merchants,
        connections: args.connections.max(1),
        threads: args.threads(),
        seconds: args.seconds,
        rounds: args.rounds.max(1),
        judged: args.judged,
        machine: Machine::this(),
        systems: contestants.iter().map(|contestant| Outcome::of(contestant, nearby)).collect(),
    };
    // Nobody left to tell is no reason to fail.
    drop(io::stdout().write_all(table::text(&comparison).as_bytes()));
    if let Some(path) = &args.json {
        write(path, &serde_json::to_string_pretty(&comparison).map_err(io::Error::other)?)?;
    }
    let is_right = contestants.first().is_some_and(|nearby| nearby.accuracy.is_right());
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write(path: &Path, text: &str) -> Result<(), ReportError> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, text)).map_err(|error| ReportError::File(path.into(), error))
}

/// How it goes on, for those who wait.
fn say(text: &str) {
    drop(io::stderr().write_all(format!("{text}\n").as_bytes()));
}
