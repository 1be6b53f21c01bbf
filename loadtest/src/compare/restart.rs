//! How long a system is away when it is restarted.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use super::{
    queries::Questions,
    system::{Found, System},
};
use crate::{dataset::World, server::Server};

/// How often it is asked meanwhile, how long an answer may take, and after how long it counts as gone for good.
const POLL: Duration = Duration::from_millis(5);
const ANSWER: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(600);

/// How a system is restarted.
pub(super) enum How<'h> {
    /// By a command of the shell.
    Command(&'h str),
    /// It is ours.
    Own(&'h mut Server),
}

impl How<'_> {
    async fn act(self, name: &str) -> io::Result<()> {
        let command = match self {
            Self::Own(server) => return server.restart().await,
            Self::Command(command) => command,
        };
        let status = Command::new("sh").arg("-c").arg(command).status().await?;
        let failed =
            || io::Error::other(format!("the restart command of {name} failed ({status}): {command}"));
        status.success().then_some(()).ok_or_else(failed)
    }
}

/// Seconds from when the command is run until the first answer that is as it was before.
pub(super) async fn restart(
    system: &System,
    how: How<'_>,
    questions: &Questions,
    world: &World,
) -> io::Result<f64> {
    let before = ask(system, questions, world).await?;
    let start = Instant::now();
    how.act(system.name()).await?;
    while start.elapsed() < PATIENCE {
        if let Ok(Ok(after)) = timeout(ANSWER, ask(system, questions, world)).await
            && after == before
        {
            return Ok(start.elapsed().as_secs_f64());
        }
        sleep(POLL).await;
    }
    Err(io::Error::other(format!(
        "{} does not answer as before within ten minutes of its restart: see that it keeps what it was given, and \
         comes back at the same address",
        system.name()
    )))
}

async fn ask(system: &System, questions: &Questions, world: &World) -> io::Result<Vec<Found>> {
    system.connect().await?.ask(questions.at(0)).await?.found(world)
}
