//! How soon a server serves that starts again on the store of the import.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;

use crate::{
    error::{Failed, Result, failed},
    import::STORE,
    merchants::Merchants,
    report::Report,
    server::{Server, images},
};

/// Merchants that change between a start and a crash.
const CHANGES: usize = 10_000;

/// Times of starts after three kinds of end.
pub(crate) struct Restarts<'a> {
    place: &'a Path,
    store: PathBuf,
    merchants: &'a Merchants,
    /// After a stop in good order, the fastest way that the server has.
    snapshot: Vec<Duration>,
    /// After a stop in good order, without the cache. None where there is no cache.
    scan: Vec<Duration>,
    /// After a crash with changes that no cache has.
    killed: Vec<Duration>,
    /// Stops in good order.
    stops: Vec<Duration>,
    resident: u64,
    peak: u64,
    /// Bytes of the cache.
    image: u64,
}

impl<'a> Restarts<'a> {
    pub(crate) fn of(place: &'a Path, merchants: &'a Merchants) -> Self {
        let times = Vec::new;
        Self {
            place,
            store: place.join(STORE),
            merchants,
            snapshot: times(),
            scan: times(),
            killed: times(),
            stops: times(),
            resident: 0,
            peak: 0,
            image: 0,
        }
    }

    /// Starts from a store that was closed in good order, and leaves one.
    pub(crate) async fn turn(&mut self, turn: usize) -> Result<()> {
        let image = image_bytes(&self.store)?;
        if image == 0 && self.image > 0 {
            return Err(Failed::new("a stop in good order left no image, though the first one did"));
        }
        self.image = image;
        let (server, took) = Server::start(self.place, &self.store).await?;
        self.snapshot.push(took);
        if turn == 1 {
            sleep(Duration::from_secs(1)).await;
            self.resident = server.process.memory("VmRSS")?;
            self.peak = server.process.memory("VmHWM")?;
        }
        self.change(&server, turn).await?;
        server.process.kill()?;

        let (server, took) = Server::start(self.place, &self.store).await?;
        self.killed.push(took);
        self.stops.push(server.process.terminate().await?);

        let images = images(&self.store)?;
        if images.is_empty() {
            return Ok(());
        }
        for image in images {
            fs::remove_file(&image).map_err(failed(format!("cannot remove {}", image.display())))?;
        }
        let (server, took) = Server::start(self.place, &self.store).await?;
        self.scan.push(took);
        self.stops.push(server.process.terminate().await?);
        Ok(())
    }

    async fn change(&self, server: &Server, turn: usize) -> Result<()> {
        let changes = CHANGES.min(self.merchants.count());
        let file = self.place.join("changes.ndjson");
        self.merchants.write(&file, 0..changes, turn).await?;
        server.import(self.place, &file, changes).await?;
        Ok(())
    }

    pub(crate) fn add_to(&self, report: &mut Report) {
        report.add_median("restart_snapshot_s", &self.snapshot);
        // Without a cache all starts read the records.
        report.add_median("restart_scan_s", if self.scan.is_empty() { &self.snapshot } else { &self.scan });
        report.add_median("restart_after_kill_s", &self.killed);
        report.add_median("stop_s", &self.stops);
        report.add("image_mb", self.image as f64 / 1e6, "MB");
        report.add_memory("after_restart", self.resident, self.merchants.count());
        report.add("peak_rss_mb_restart", self.peak as f64 / 1e6, "MB");
    }
}

fn image_bytes(store: &Path) -> Result<u64> {
    let bytes = |image: &PathBuf| {
        let metadata = image.metadata().map_err(failed(format!("cannot measure {}", image.display())))?;
        Ok(metadata.len())
    };
    images(store)?.iter().map(bytes).sum()
}
