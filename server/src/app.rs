//! Puts the server together, and takes it apart in the right order.
//!
//! Start: bind → answer "not serving" → lock and open the store → load → build the index → committer → serving.
//! Stop: not serving → no new calls → calls under way end → the committer finishes → the store is closed.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use nearby_index::{Change, IndexWriter, MerchantId, Revision, StoredMerchant};
use nearby_store::{DoneRequest, Kept, SledStore, Store, StoreError};
use thiserror::Error;
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tonic::transport::Channel;

use crate::{
    clock,
    committer::{self, CommitterThread, Parts},
    config::Settings,
    feed::Feed,
    page_token::PageTokens,
    replace_file::{Readers, replace_file},
    rpc::{
        convert::{finish, restore},
        listen::{Health, Incoming, Routes},
        search::SearchSettings,
        under_way::CallsUnderWay,
    },
    service::{Door, Service},
};

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A file beside the merchants cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store did not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of this program or of the system.
    #[error("cannot start: {0}")]
    Internal(String),
}

/// Calls were still under way at the deadline and were cut off. Nothing acknowledged is lost by it.
#[derive(Debug, Error)]
#[error("calls were still under way {} s after the server was to stop, and were cut off", .0.as_secs())]
pub struct CutOff(Duration);

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    address: Option<SocketAddr>,
    address_file: Option<PathBuf>,
    merchants: usize,
    door: Door,
    calls: CallsUnderWay,
    health: Health,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    committer: CommitterThread,
    deadline: Duration,
}

impl Running {
    /// Starts a server on the socket of its settings; returns once it serves.
    ///
    /// # Errors
    /// Where it cannot listen, or the store does not open.
    pub async fn start(settings: &Settings) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen { address: settings.listen, source };
        let (incoming, address) = Incoming::tcp(settings.listen).await.map_err(listen)?;
        let mut running = Self { address: Some(address), ..Self::start_on(incoming, settings).await? };
        // Only now that the store is ours: a second server by mistake must not lead callers astray.
        if let Some(path) = &settings.address_file {
            replace_file(path, format!("{address}\n").as_bytes(), Readers::Anyone)
                .map_err(|source| StartError::File { path: path.clone(), source })?;
            running.address_file = Some(path.clone());
        }
        tracing::info!(%address, merchants = running.merchants, "serving");
        Ok(running)
    }

    /// Starts a server on a pipe within this process: nobody else can call it.
    ///
    /// # Errors
    /// Where the store does not open.
    pub async fn start_in_process(settings: &Settings) -> Result<(Self, Channel), StartError> {
        let (incoming, channel) = Incoming::pipe();
        Ok((Self::start_on(incoming, settings).await?, channel))
    }

    async fn start_on(incoming: Incoming, settings: &Settings) -> Result<Self, StartError> {
        let (door, calls) = (Door::closed(), CallsUnderWay::default());
        let routes = Routes {
            door: door.clone(),
            searches: SearchSettings {
                most_radius: settings.max_radius,
                search_hidden: settings.search_hidden,
                log_cells: settings.log_cells,
            },
            watch_patience: settings.watch_patience,
            clock: clock::system(),
            reflection: settings.reflection,
            calls: calls.clone(),
        };
        let internal = |error: &dyn std::fmt::Display| StartError::Internal(error.to_string());
        let (router, health) = routes.build().await.map_err(|error| internal(&error))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(incoming.serve(router, async { drop(stopped.await) }));

        let directory = settings.data_dir.clone();
        let loading = tokio::task::spawn_blocking(move || load(&directory));
        let Loaded { store, index, merchants, tokens, feed, done } =
            loading.await.map_err(|error| internal(&error))??;
        let reader = index.reader();
        let parts = Parts { store, index, feed: feed.clone(), done, finish, clock: clock::system() };
        let (committer, thread, unable_to_commit) =
            committer::spawn(parts).map_err(|error| internal(&error))?;
        let watchers = Arc::new(Semaphore::new(settings.max_watchers));
        door.open(Service { reader, committer, feed, tokens, watchers });
        health.set_all(true).await;
        let health_of_writes = health.clone();
        tokio::spawn(async move {
            drop(unable_to_commit.await);
            health_of_writes.set_read_only().await;
        });
        Ok(Self {
            address: None,
            address_file: None,
            merchants,
            door,
            calls,
            health,
            stop,
            serving,
            committer: thread,
            deadline: settings.shutdown_deadline,
        })
    }

    /// Where it listens; `None` on a pipe.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// How many merchants it had when it started.
    #[must_use]
    pub fn merchants_at_start(&self) -> usize {
        self.merchants
    }

    /// Stops: lets calls under way end, up to the deadline, and closes the store.
    ///
    /// # Errors
    /// [`CutOff`] where the deadline came first.
    pub async fn stop(mut self) -> Result<(), CutOff> {
        self.health.set_all(false).await;
        self.door.announce_stop();
        drop(self.stop);
        if let Some(path) = &self.address_file {
            // Where somebody was faster, it is gone.
            drop(std::fs::remove_file(path));
        }
        // A peer that is gone or asleep never closes its connection: once no call has been under way for a while,
        // there is nothing left to wait for.
        let all_answered = tokio::select! {
            _ = &mut self.serving => true,
            () = quiet(&self.calls) => true,
            () = sleep(self.deadline) => false,
        };
        self.serving.abort();
        self.door.close();
        // What waits in the committer's queue is finished even after a cut.
        let committer = tokio::task::spawn_blocking(move || self.committer.stop());
        let closed = matches!(timeout(self.deadline, committer).await, Ok(Ok(Ok(()))));
        if all_answered && closed { Ok(()) } else { Err(CutOff(self.deadline)) }
    }
}

/// Waits until no call has been under way for a second.
async fn quiet(calls: &CallsUnderWay) {
    const LOOKS: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(50);

    let mut quiet_looks = 0;
    while quiet_looks < LOOKS {
        quiet_looks = if calls.is_quiet() { quiet_looks + 1 } else { 0 };
        sleep(PAUSE).await;
    }
}

/// What a start brings into memory.
struct Loaded {
    store: Box<dyn Store>,
    index: IndexWriter,
    merchants: usize,
    tokens: PageTokens,
    feed: Feed,
    done: Vec<Arc<DoneRequest>>,
}

/// Opens the store, which holds its directory from then on, and builds the index from it.
fn load(directory: &Path) -> Result<Loaded, StartError> {
    let start = Instant::now();
    let mut store = SledStore::open(directory)?;
    let key_file = directory.join("page-token.key");
    let tokens = PageTokens::load_or_create(&key_file)
        .map_err(|source| StartError::File { path: key_file, source })?;
    let mut merchants = Vec::new();
    let mut unreadable = 0;
    let mut deletions: Vec<(Revision, MerchantId)> = Vec::new();
    let mut done = Vec::new();
    let extent = store.load(&mut |kept| match kept {
        Kept::Merchant(stored) => {
            let (stored, is_readable) = restore(stored);
            unreadable += usize::from(!is_readable);
            merchants.push(Arc::new(stored));
        }
        Kept::Deletion { id, revision } => deletions.push((revision, id)),
        Kept::Request(request) => done.push(Arc::new(with_profiles(request))),
    })?;
    if unreadable > 0 {
        tracing::error!(
            merchants = unreadable,
            "profiles cannot be read: no filter by category, brand, service or hours finds these merchants"
        );
    }
    let count = merchants.len();
    let feed = Feed::new(extent.last, deletions, extent.deletions_since);
    let index = IndexWriter::load(merchants, extent.last);
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(merchants = count, revision = extent.last.0, elapsed_ms, "loaded");
    Ok(Loaded { store: Box::new(store), index, merchants: count, tokens, feed, done })
}

/// A request as it was done, with its merchants as callers receive them.
fn with_profiles(mut request: DoneRequest) -> DoneRequest {
    for outcome in &mut request.outcomes {
        if let Change::Put(stored) = outcome {
            *stored = Arc::new(restore(StoredMerchant::clone(stored)).0);
        }
    }
    request
}
