//! Import of a file of merchants through `nearby import` into a new store.

use std::{fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

use tokio::time::sleep;

use crate::{
    error::{Result, context},
    merchants::Merchants,
    report::Report,
    server::Nearby,
};

/// Name of the store's directory.
pub(crate) const STORE: &str = "store";

/// Imports into a store and leaves it there, closed gracefully.
pub(crate) async fn run(
    nearby: &Nearby,
    directory: &Path,
    merchants: &Merchants,
    report: &mut Report,
) -> Result<()> {
    let (file, store) = (directory.join("merchants.ndjson"), directory.join(STORE));
    let count = merchants.count();
    merchants.write(&file, 0..count, 0).await?;
    let server = nearby.start(directory, &store).await?;
    let took = server.import(directory, &file, count).await?;
    report.add("import_per_s", count as f64 / took.as_secs_f64(), "merchants/s");
    fs::remove_file(&file).map_err(context(format!("cannot remove {}", file.display())))?;
    // Wait until the memory of the last batches has been freed.
    sleep(Duration::from_secs(1)).await;
    report.add_memory("after_import", server.memory("VmRSS")?, count);
    report.add("peak_rss_mb_import", server.memory("VmHWM")? as f64 / 1e6, "MB");
    report.add("stop_after_import_s", server.terminate().await?.as_secs_f64(), "s");
    report.add("store_mb", disk_usage(&store)? as f64 / 1e6, "MB");
    Ok(())
}

/// Returns the disk usage of a directory in bytes (allocated blocks).
pub(crate) fn disk_usage(directory: &Path) -> Result<u64> {
    let operation = format!("cannot measure {}", directory.display());
    let mut bytes = 0;
    for entry in fs::read_dir(directory).map_err(context(&operation))? {
        let entry = entry.map_err(context(&operation))?;
        let metadata = entry.metadata().map_err(context(&operation))?;
        bytes += if metadata.is_dir() { disk_usage(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}
