//! Opens the store and reads it into memory, with word of how far it has come.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nearby_store::{DurableStore, Loaded, Opening, StoreError};

use super::StartError;
use crate::{config::Settings, grpc::convert::restore};

/// Hears how far the loading has come: how many records were read, of how many, or of 0 where that is not known.
#[derive(Clone)]
pub struct Loading(Arc<dyn Fn(u64, u64) + Send + Sync>);

impl Loading {
    /// Tells a function.
    pub fn told(tell: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }
}

impl Default for Loading {
    /// Tells the log, every two seconds.
    fn default() -> Self {
        const EVERY: Duration = Duration::from_secs(2);

        let last = Mutex::new((Instant::now(), 0));
        Self::told(move |records, of| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let (since, before) = (last.0.elapsed(), last.1);
            if since >= EVERY {
                let since_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(1);
                let records_per_s = records.saturating_sub(before) * 1_000 / since_ms;
                tracing::info!(records, of, records_per_s, "loading");
                *last = (Instant::now(), records);
            }
        })
    }
}

impl fmt::Debug for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loading")
    }
}

/// Opens the store of some settings, and reads all that is in it.
pub(crate) fn open(settings: &Settings) -> Result<(DurableStore, Loaded), StartError> {
    let opened = with_opening(settings, |opening| DurableStore::open(&settings.data_dir, opening));
    opened.map_err(|error| match error {
        StoreError::Corrupt { .. } if !settings.salvage => {
            StartError::Damaged { fault: error, data_dir: settings.data_dir.clone() }
        }
        error => StartError::Store(error),
    })
}

/// What to do about a store that is damaged.
pub(crate) fn remedies(data_dir: &Path) -> String {
    let directory = data_dir.display();
    format!(
        "Nothing was changed in it. Keep it as it is until you have what you need:\n  \
         nearby verify {directory}                               says all that is wrong\n  \
         nearby restore BACKUP --data-dir NEW_DIRECTORY    brings a backup back\n  \
         nearby serve --salvage --data-dir {directory}           serves what can still be read, and takes no changes\n  \
         nearby backup --salvage BACKUPS --data-dir {directory}  saves it, to be restored"
    )
}

/// Looks over a store or a backup.
pub(crate) fn verify(path: &Path, settings: &Settings) -> Result<nearby_store::Verified, StoreError> {
    with_opening(settings, |opening| nearby_store::verify(path, opening))
}

fn with_opening<T>(settings: &Settings, open: impl FnOnce(&Opening<'_>) -> T) -> T {
    let unreadable = AtomicUsize::new(0);
    let restore = |stored| {
        let (stored, is_readable) = restore(stored);
        unreadable.fetch_add(usize::from(!is_readable), Ordering::Relaxed);
        stored
    };
    let Loading(tell) = &settings.loading;
    let opening = Opening {
        restore: &restore,
        progress: &**tell,
        journal_bytes: settings.journal_bytes,
        salvage: settings.salvage,
    };
    let opened = open(&opening);
    let merchants = unreadable.into_inner();
    if merchants > 0 {
        tracing::error!(
            merchants,
            "profiles cannot be read: no filter by category, brand, service or hours finds these merchants"
        );
    }
    opened
}
