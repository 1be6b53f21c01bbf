//! Nearby as child processes: the server and the importer.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nearby_testkit::{NearbyBinary, ServerCommand, command, flags};

use crate::{
    error::{Error, Result, context},
    process::{Process, TIMEOUT, check_exit, failure, memory},
};

/// Time that the server has to write its snapshot file when it stops, in seconds.
const SHUTDOWN_GRACE_PERIOD_S: &str = "600";

/// The `nearby` executable under test.
#[derive(Clone)]
pub(crate) struct Nearby(PathBuf);

impl Nearby {
    /// Finds the executable, at this path or beside this one, and prints which one it is.
    pub(crate) fn find(path: Option<&Path>) -> Result<Self> {
        let nearby = NearbyBinary::find(path).map_err(context("cannot find nearby"))?;
        eprintln!("measuring {}", nearby.description);
        Ok(Self(nearby.path))
    }

    /// Returns the path of the executable.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Starts a server on a store and waits until it is ready.
    pub(crate) async fn start(&self, directory: &Path, store: &Path) -> Result<ServerProcess> {
        self.start_with(directory, store, &[]).await
    }

    /// As [`Self::start`], with further flags.
    pub(crate) async fn start_with(
        &self,
        directory: &Path,
        store: &Path,
        arguments: &[&str],
    ) -> Result<ServerProcess> {
        let command = ServerCommand::new(&self.0, store)
            .run_dir(directory)
            .args([flags::SHUTDOWN_GRACE_PERIOD_S, SHUTDOWN_GRACE_PERIOD_S])
            .args(arguments);
        let starting = command.spawn().map_err(context("cannot start nearby"))?;
        let process = starting.ready(TIMEOUT).await.map_err(context("nearby serve"))?;
        Ok(ServerProcess { process, nearby: self.clone() })
    }
}

/// A server that is ready. Dropping it kills the process.
pub(crate) struct ServerProcess {
    process: nearby_testkit::ServerProcess,
    nearby: Nearby,
}

impl ServerProcess {
    /// Returns the address that it listens on.
    pub(crate) fn address(&self) -> &str {
        self.process.address()
    }

    /// Returns the time from its start until it was ready.
    pub(crate) fn startup_time(&self) -> Duration {
        self.process.startup_time()
    }

    /// Returns its resident memory in bytes: current (`VmRSS`) or peak (`VmHWM`).
    pub(crate) fn memory(&self, line: &str) -> Result<u64> {
        memory(self.process.id(), line)
    }

    /// Stops it with SIGTERM and returns the time until its exit, which must be successful.
    pub(crate) async fn terminate(self) -> Result<Duration> {
        let log = self.process.log().to_owned();
        let start = Instant::now();
        let ended = self.process.terminate(TIMEOUT).await.map_err(context("cannot stop nearby serve"))?;
        let took = start.elapsed();
        let log = || fs::read_to_string(&log).unwrap_or_default();
        check_exit(ended).map(|()| took).map_err(|problem| failure("nearby serve", &problem, &log()))
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(self) -> Result<()> {
        self.process.kill().map_err(context("cannot kill nearby serve"))
    }

    /// Imports a file with `nearby import`; returns the time it took. All rows must be accepted.
    pub(crate) async fn import(&self, directory: &Path, file: &Path, rows: usize) -> Result<Duration> {
        let log = directory.join("nearby-import.log");
        File::create(&log).map_err(context("cannot create the log of the import"))?;
        let mut command = command(&self.nearby.0);
        command.arg("import").arg(file).args(["--json", "--server", self.address()]);
        let start = Instant::now();
        let mut process = Process::spawn("nearby-import", &mut command, directory)?;
        process.end().await?;
        let took = start.elapsed();
        let text = fs::read_to_string(&log).map_err(context("cannot read the log of the import"))?;
        let report: Option<serde_json::Value> =
            text.find('{').and_then(|at| serde_json::from_str(&text[at..]).ok());
        let accepted = report.and_then(|report| report["accepted"].as_u64());
        if accepted == Some(rows as u64) {
            return Ok(took);
        }
        Err(Error::new(format!("the import did not accept {rows} rows; its output: {text}")))
    }
}

/// Returns the snapshot files of a store (`image…`).
pub(crate) fn snapshot_files(store: &Path) -> Result<Vec<PathBuf>> {
    let operation = format!("cannot read {}", store.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(store).map_err(context(&operation))? {
        let entry = entry.map_err(context(&operation))?;
        if entry.file_name().to_string_lossy().starts_with("image") {
            files.push(entry.path());
        }
    }
    Ok(files)
}
