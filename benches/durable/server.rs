//! Nearby as child processes: the server and the importer.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    error::{Error, Result, context},
    process::{POLL, Process, TIMEOUT},
};

/// First argument that makes this binary run as `nearby`.
pub(crate) const NEARBY: &str = "nearby";

/// Returns the command `nearby` without the `NEARBY_…` variables, which would change its settings.
fn command() -> Result<Command> {
    let binary = env::current_exe().map_err(context("cannot find this executable"))?;
    let mut command = Command::new(binary);
    command.arg(NEARBY);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEARBY_")) {
        command.env_remove(name);
    }
    Ok(command)
}

/// A server that is ready.
pub(crate) struct ServerProcess {
    pub(crate) process: Process,
    /// Address that it listens on.
    pub(crate) address: String,
}

impl ServerProcess {
    /// Starts a server on a store; returns the time until it was ready.
    pub(crate) async fn start(directory: &Path, store: &Path) -> Result<(Self, Duration)> {
        let file = directory.join("address");
        // A killed server leaves the file behind.
        drop(fs::remove_file(&file));
        let mut command = command()?;
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--disk-floor-mib",
            "16",
            "--shutdown-deadline-s",
            "600",
            "--address-file",
        ]);
        command.arg(&file).arg("--data-dir").arg(store);
        let start = Instant::now();
        let mut process = Process::spawn("nearby-serve", &mut command, directory)?;
        // The server creates the file atomically when it is ready.
        while !file.exists() {
            process.check_running()?;
            if start.elapsed() > TIMEOUT {
                return Err(process.failure("does not become ready"));
            }
            sleep(POLL).await;
        }
        let took = start.elapsed();
        let address = fs::read_to_string(&file).map_err(context("cannot read the server's address"))?;
        Ok((Self { process, address: address.trim().to_owned() }, took))
    }

    /// Imports a file with `nearby import`; returns the time it took. All rows must be accepted.
    pub(crate) async fn import(&self, directory: &Path, file: &Path, rows: usize) -> Result<Duration> {
        let log = directory.join("nearby-import.log");
        File::create(&log).map_err(context("cannot create the log of the import"))?;
        let mut command = command()?;
        command.arg("import").arg(file).args(["--json", "--server", &self.address]);
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
