//! A file of merchants, from the command line into a new store.

use std::{fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

use tokio::time::sleep;

use crate::{
    error::{Result, failed},
    merchants::Merchants,
    report::Report,
    server::Server,
};

/// The store within the place.
pub(crate) const STORE: &str = "store";

/// Leaves the store in the place, with no server on it.
pub(crate) async fn run(place: &Path, merchants: &Merchants, report: &mut Report) -> Result<()> {
    let (file, store) = (place.join("merchants.ndjson"), place.join(STORE));
    let count = merchants.count();
    merchants.write(&file, 0..count, 0).await?;
    let (server, _) = Server::start(place, &store).await?;
    let took = server.import(place, &file, count).await?;
    report.add("import_per_s", count as f64 / took.as_secs_f64(), "merchants/s");
    fs::remove_file(&file).map_err(failed(format!("cannot remove {}", file.display())))?;
    // What the last batches needed has been let go of.
    sleep(Duration::from_secs(1)).await;
    report.add_memory("after_import", server.process.memory("VmRSS")?, count);
    report.add("peak_rss_mb_import", server.process.memory("VmHWM")? as f64 / 1e6, "MB");
    report.add("stop_after_import_s", server.process.terminate().await?.as_secs_f64(), "s");
    report.add("store_mb", size(&store)? as f64 / 1e6, "MB");
    Ok(())
}

/// Bytes that a directory takes on disk.
pub(crate) fn size(directory: &Path) -> Result<u64> {
    let what = format!("cannot measure {}", directory.display());
    let mut bytes = 0;
    for entry in fs::read_dir(directory).map_err(failed(&what))? {
        let entry = entry.map_err(failed(&what))?;
        let metadata = entry.metadata().map_err(failed(&what))?;
        bytes += if metadata.is_dir() { size(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}
