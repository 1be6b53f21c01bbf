//! Opens the store, recovers its content and builds the index, reporting progress.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nearby_index::IndexWriter;
use nearby_store::{
    CompletedRequest, DurableStore, LogPosition, OpenMode, RecoveredState, Store, StoreError, StoreHealth,
    StoreOptions, VerifyReport,
};

use super::error::StartError;
use crate::{
    change_feed::ChangeFeed,
    config::Settings,
    page_token::{HistoryId, PageTokens},
    record,
    record::names_of,
};

/// Receives the progress of recovery: the number of records read, and their total, or 0 if it is unknown.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(u64, u64) + Send + Sync>);

impl Progress {
    /// Reports to a function.
    pub fn to(report: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self(Arc::new(report))
    }

    /// Reports to the log, every two seconds.
    #[must_use]
    pub fn to_log() -> Self {
        const INTERVAL: Duration = Duration::from_secs(2);

        let last = Mutex::new((Instant::now(), 0));
        Self::to(move |records, total| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let (elapsed, before) = (last.0.elapsed(), last.1);
            if elapsed >= INTERVAL {
                let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
                let records_per_s = records.saturating_sub(before) * 1_000 / elapsed_ms;
                tracing::info!(records, total, records_per_s, "loading");
                *last = (Instant::now(), records);
            }
        })
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

/// A store that is open, with its content in memory.
pub(super) struct OpenStore {
    pub(super) store: Box<dyn Store>,
    pub(super) health: Arc<StoreHealth>,
    pub(super) index: IndexWriter,
    pub(super) merchants: usize,
    pub(super) tokens: PageTokens,
    pub(super) feed: ChangeFeed,
    pub(super) completed: Vec<Arc<CompletedRequest>>,
    /// Its position in the log of a cluster.
    pub(super) position: Option<LogPosition>,
}

/// Opens the store, which locks its directory, and builds the index from it. Blocks.
pub(super) fn open(settings: &Settings, progress: &Progress) -> Result<OpenStore, StartError> {
    let start = Instant::now();
    let opened = with_options(settings, progress, |options| DurableStore::open(&settings.data_dir, options));
    let (store, recovered) = opened.map_err(|error| match error {
        StoreError::Corrupt { .. } if settings.store_mode != OpenMode::DamagedReadOnly => {
            StartError::Damaged { fault: error, data_dir: settings.data_dir.clone() }
        }
        error => StartError::Store(error),
    })?;
    let key_file = settings.page_token_key.as_deref();
    let may_write = store.health().failure().is_none();
    let unusable =
        |source| StartError::File { path: key_file.unwrap_or(&settings.data_dir).to_owned(), source };
    let mut tokens = PageTokens::load(&settings.data_dir, key_file, may_write).map_err(unusable)?;
    if let Some(position) = &recovered.position {
        // All nodes have the same revisions.
        tokens = tokens.with_history(HistoryId::of_cluster(position.cluster));
    }
    for fault in &recovered.corruption {
        tracing::error!(fault, "damaged store; serving its intact part, read-only");
    }
    let RecoveredState { merchants, digest, source, deletions, requests, position, .. } = recovered;
    let (count, watermarks) = (merchants.len(), digest.watermarks);
    let feed = ChangeFeed::new(watermarks.last, deletions, watermarks.deletions_since);
    let index = IndexWriter::load_with_names(merchants, watermarks.last, names_of);
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(merchants = count, revision = watermarks.last.0, ?source, elapsed_ms, "loaded");
    let health = store.health();
    Ok(OpenStore {
        store: Box::new(store),
        health,
        index,
        merchants: count,
        tokens,
        feed,
        completed: requests,
        position,
    })
}

/// Verifies a closed store or a backup. Blocks.
pub(crate) fn verify(
    path: &Path,
    settings: &Settings,
    progress: &Progress,
) -> Result<VerifyReport, StoreError> {
    with_options(settings, progress, |options| nearby_store::verify(path, options))
}

/// Opens a store without an index, as `restore` and `compact` do. Blocks.
pub(crate) fn open_store(
    settings: &Settings,
    progress: &Progress,
) -> Result<(DurableStore, RecoveredState), StoreError> {
    with_options(settings, progress, |options| DurableStore::open(&settings.data_dir, options))
}

fn with_options<T>(
    settings: &Settings,
    Progress(report): &Progress,
    open: impl FnOnce(&StoreOptions<'_>) -> T,
) -> T {
    let unreadable = AtomicUsize::new(0);
    let derive_fields = |stored| {
        let (stored, is_readable) = record::derive_fields(stored);
        unreadable.fetch_add(usize::from(!is_readable), Ordering::Relaxed);
        stored
    };
    let opened = open(&StoreOptions {
        derive_fields: &derive_fields,
        progress: &**report,
        checkpoint_journal_bytes: settings.checkpoint_journal_bytes,
        mode: settings.store_mode,
        scratch: settings.scratch.as_deref(),
    });
    let merchants = unreadable.into_inner();
    if merchants > 0 {
        tracing::error!(
            merchants,
            "unreadable merchant profiles: filters by category, brand, service or hours do not match them"
        );
    }
    opened
}
