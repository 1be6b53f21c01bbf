//! Downtime of a system when it is restarted.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use super::{
    queries::Queries,
    system::{Found, System},
};
use crate::{dataset::Dataset, server::ServerProcess};

/// Interval of the queries during a restart.
const POLL: Duration = Duration::from_millis(5);
/// Time that one of them may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Time after which a restart has failed.
const RESTART_TIMEOUT: Duration = Duration::from_secs(600);

/// The means of restarting a system.
pub(super) enum Restart<'r> {
    /// A shell command.
    Command(&'r str),
    /// A server process that this process started.
    Process(&'r mut ServerProcess),
}

impl Restart<'_> {
    async fn run(self, name: &str) -> io::Result<()> {
        let command = match self {
            Self::Process(server) => return server.restart().await,
            Self::Command(command) => command,
        };
        let status = Command::new("sh").arg("-c").arg(command).status().await?;
        let failed =
            || io::Error::other(format!("restart command of {name} failed with {status}: {command}"));
        status.success().then_some(()).ok_or_else(failed)
    }
}

/// Restarts a system and returns the seconds until it responds as before.
pub(super) async fn restart(
    system: &dyn System,
    restart: Restart<'_>,
    queries: &Queries,
    dataset: &Dataset,
) -> io::Result<f64> {
    let before = search(system, queries, dataset).await?;
    let start = Instant::now();
    restart.run(system.name()).await?;
    while start.elapsed() < RESTART_TIMEOUT {
        if let Ok(Ok(after)) = timeout(RESPONSE_TIMEOUT, search(system, queries, dataset)).await
            && after == before
        {
            return Ok(start.elapsed().as_secs_f64());
        }
        sleep(POLL).await;
    }
    Err(io::Error::other(format!(
        "{} does not respond as before within 10 minutes of its restart; check that it persists its data and keeps \
         its address",
        system.name()
    )))
}

async fn search(system: &dyn System, queries: &Queries, dataset: &Dataset) -> io::Result<Vec<Found>> {
    let response = system.connect().await?.search(queries.at(0)).await?;
    response.found(dataset).ok_or_else(|| io::Error::other("a response has an unexpected format"))
}
