//! Restarts of a server on the imported store: the time until it is ready.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;

use crate::{
    error::{Error, Result, context},
    import::STORE,
    merchants::Merchants,
    report::Report,
    server::{Nearby, ServerProcess, snapshot_files},
};

/// Merchants changed between a start and a crash.
const CHANGES: usize = 10_000;

/// Start times after three kinds of stop.
pub(crate) struct Restarts<'a> {
    nearby: &'a Nearby,
    directory: &'a Path,
    store: PathBuf,
    merchants: &'a Merchants,
    /// After a graceful stop, from the snapshot file.
    snapshot: Vec<Duration>,
    /// After a graceful stop, with the snapshot file removed: the server reads all records.
    scan: Vec<Duration>,
    /// After a crash, with changes that are not in the snapshot file.
    killed: Vec<Duration>,
    /// Times of graceful stops.
    stops: Vec<Duration>,
    resident: u64,
    peak: u64,
    /// Size of the snapshot file in bytes.
    snapshot_bytes: u64,
}

impl<'a> Restarts<'a> {
    pub(crate) fn of(nearby: &'a Nearby, directory: &'a Path, merchants: &'a Merchants) -> Self {
        let times = Vec::new;
        Self {
            nearby,
            directory,
            store: directory.join(STORE),
            merchants,
            snapshot: times(),
            scan: times(),
            killed: times(),
            stops: times(),
            resident: 0,
            peak: 0,
            snapshot_bytes: 0,
        }
    }

    /// Runs a round of starts. Expects a store that was closed gracefully, and leaves one.
    pub(crate) async fn round(&mut self, round: usize) -> Result<()> {
        let bytes = snapshot_bytes(&self.store)?;
        if bytes == 0 && self.snapshot_bytes > 0 {
            return Err(Error::new("a graceful stop left no snapshot file, although the first one did"));
        }
        self.snapshot_bytes = bytes;
        let server = self.nearby.start(self.directory, &self.store).await?;
        self.snapshot.push(server.startup_time());
        if round == 1 {
            sleep(Duration::from_secs(1)).await;
            self.resident = server.memory("VmRSS")?;
            self.peak = server.memory("VmHWM")?;
        }
        self.change(&server, round).await?;
        server.kill()?;

        let server = self.nearby.start(self.directory, &self.store).await?;
        self.killed.push(server.startup_time());
        self.stops.push(server.terminate().await?);

        let snapshot_files = snapshot_files(&self.store)?;
        if snapshot_files.is_empty() {
            return Ok(());
        }
        for file in snapshot_files {
            fs::remove_file(&file).map_err(context(format!("cannot remove {}", file.display())))?;
        }
        let server = self.nearby.start(self.directory, &self.store).await?;
        self.scan.push(server.startup_time());
        self.stops.push(server.terminate().await?);
        Ok(())
    }

    async fn change(&self, server: &ServerProcess, round: usize) -> Result<()> {
        let changes = CHANGES.min(self.merchants.count());
        let file = self.directory.join("changes.ndjson");
        self.merchants.write(&file, 0..changes, round).await?;
        server.import(self.directory, &file, changes).await?;
        Ok(())
    }

    pub(crate) fn add_to(&self, report: &mut Report) {
        report.add_median("restart_snapshot_s", &self.snapshot);
        // Without snapshot files every start reads all records.
        report.add_median("restart_scan_s", if self.scan.is_empty() { &self.snapshot } else { &self.scan });
        report.add_median("restart_after_kill_s", &self.killed);
        report.add_median("stop_s", &self.stops);
        report.add("snapshot_file_mb", self.snapshot_bytes as f64 / 1e6, "MB");
        report.add_memory("after_restart", self.resident, self.merchants.count());
        report.add("peak_rss_mb_restart", self.peak as f64 / 1e6, "MB");
    }
}

fn snapshot_bytes(store: &Path) -> Result<u64> {
    let bytes = |file: &PathBuf| {
        let metadata = file.metadata().map_err(context(format!("cannot measure {}", file.display())))?;
        Ok(metadata.len())
    };
    snapshot_files(store)?.iter().map(bytes).sum()
}
