//! Nearby itself, as processes of their own.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    error::{Failed, Result, failed},
    process::{PATIENCE, POLL, Process},
};

/// The argument after which this binary is `nearby`.
pub(crate) const NEARBY: &str = "nearby";

/// `nearby`, ready for arguments; the environment cannot change what it does.
fn command() -> Result<Command> {
    let binary = env::current_exe().map_err(failed("cannot find this binary"))?;
    let mut command = Command::new(binary);
    command.arg(NEARBY);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEARBY_")) {
        command.env_remove(name);
    }
    Ok(command)
}

/// A server that serves.
pub(crate) struct Server {
    pub(crate) process: Process,
    /// Where it listens.
    pub(crate) address: String,
}

impl Server {
    /// Starts a server on a store; how long it took until it served.
    pub(crate) async fn start(place: &Path, store: &Path) -> Result<(Self, Duration)> {
        let file = place.join("address");
        // A server that was killed has left it.
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
        let mut process = Process::spawn("nearby-serve", &mut command, place)?;
        // It is put in place at once, whole, when the server serves.
        while !file.exists() {
            process.must_run()?;
            if start.elapsed() > PATIENCE {
                return Err(process.failure("does not come to serve"));
            }
            sleep(POLL).await;
        }
        let took = start.elapsed();
        let address = fs::read_to_string(&file).map_err(failed("cannot read the server's address"))?;
        Ok((Self { process, address: address.trim().to_owned() }, took))
    }

    /// Loads a file with `nearby import`; how long that took. All rows must be accepted.
    pub(crate) async fn import(&self, place: &Path, file: &Path, rows: usize) -> Result<Duration> {
        let said = place.join("nearby-import.log");
        File::create(&said).map_err(failed("cannot make a file for what the import says"))?;
        let mut command = command()?;
        command.arg("import").arg(file).args(["--json", "--server", &self.address]);
        let start = Instant::now();
        let mut process = Process::spawn("nearby-import", &mut command, place)?;
        process.end().await?;
        let took = start.elapsed();
        let text = fs::read_to_string(&said).map_err(failed("cannot read what the import said"))?;
        let report: Option<serde_json::Value> =
            text.find('{').and_then(|at| serde_json::from_str(&text[at..]).ok());
        let accepted = report.and_then(|report| report["accepted"].as_u64());
        if accepted == Some(rows as u64) {
            return Ok(took);
        }
        Err(Failed::new(format!("the import should have accepted {rows} rows, and says: {text}")))
    }
}

/// The caches in a store, from which a start is faster than from its records.
pub(crate) fn images(store: &Path) -> Result<Vec<PathBuf>> {
    let what = format!("cannot read {}", store.display());
    let mut images = Vec::new();
    for entry in fs::read_dir(store).map_err(failed(&what))? {
        let entry = entry.map_err(failed(&what))?;
        if entry.file_name().to_string_lossy().starts_with("image") {
            images.push(entry.path());
        }
    }
    Ok(images)
}
