//! Puts the server together, and takes it apart in the right order.
//!
//! Start: bind → answer "not serving" → lock, open and load the store → build the index → committer → serving.
//! Stop: not serving → no new calls → calls under way end → the committer finishes → the store writes its image.

pub mod signals;
pub(crate) mod startup;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use nearby_index::IndexWriter;
use nearby_store::{Condition, DiskSpace, DoneRequest, Store, StoreError};
use thiserror::Error;
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tonic::transport::Channel;

use crate::{
    admin::Operations,
    auth::{Access, AccessError, audit_log::AuditLog},
    change_feed::Feed,
    clock,
    commit::{self, CommitterThread, Parts},
    config::Settings,
    fs::atomic_write::{Readers, replace_file},
    grpc::{
        convert::finish,
        middleware::auth::Guard,
        nearby_service::SearchSettings,
        server::{Health, Incoming, Routes},
    },
    net::{Tls, TlsError, in_flight::CallsUnderWay},
    page_token::PageTokens,
    service::{Door, Service},
    telemetry::{TraceSettings, metrics::Metrics, traces::Traces},
    write_availability::{Intake, State, Watchman},
};

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} ({setting}): {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What names it.
        setting: &'static str,
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
    /// Callers cannot be known.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Spans of calls cannot be sent.
    #[error("otlp_endpoint (--otlp-endpoint, NEARBY_OTLP_ENDPOINT) cannot be used: {0}")]
    Traces(String),
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store did not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store is damaged.
    #[error("{fault}\n{}", startup::remedies(.data_dir))]
    Damaged {
        /// What is wrong with it.
        fault: StoreError,
        /// Where it is.
        data_dir: PathBuf,
    },
    /// A fault of this program or of the system.
    #[error("cannot start: {0}")]
    Internal(String),
}

/// Calls were still under way at the deadline and were cut off. Nothing acknowledged is lost by it.
#[derive(Debug, Error)]
#[error("calls were still under way {} s after the server was to stop, and were cut off", .0.as_secs())]
pub struct CutOff(Duration);

/// A task that ends with this.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    address: Option<SocketAddr>,
    address_file: Option<PathBuf>,
    merchants: usize,
    door: Door,
    calls: CallsUnderWay,
    traces: Option<Traces>,
    health: Health,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    /// What goes on beside it, until it ends.
    beside: Vec<AbortOnDrop>,
    committer: CommitterThread,
    minding: JoinHandle<()>,
    deadline: Duration,
}

impl Running {
    /// Starts a server on the socket of its settings; returns once it serves.
    ///
    /// # Errors
    /// Where it cannot listen, or the store does not open.
    pub async fn start(settings: &Settings) -> Result<Self, StartError> {
        let setting = "--listen, NEARBY_LISTEN";
        let listen = |source| StartError::Listen { address: settings.listen, setting, source };
        let tls = settings.tls.clone().map(Tls::load).transpose()?;
        let access = Access::load(settings.access.clone())?;
        if access.is_open() {
            tracing::info!("whoever can call may do everything: no keys, tokens or certificates are set up");
        }
        let mut beside = vec![AbortOnDrop(tokio::spawn(access.clone().keep_up()))];
        beside.extend(tls.clone().map(|tls| AbortOnDrop(tokio::spawn(tls.keep_up()))));
        let bound = Incoming::tcp(settings.listen, tls, settings.connections.clone()).await;
        let (incoming, address) = bound.map_err(listen)?;
        let mut running =
            Self { address: Some(address), ..Self::start_on(incoming, settings, access).await? };
        running.beside.append(&mut beside);
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
        // Whoever can open the store can do all with it anyway.
        Ok((Self::start_on(incoming, settings, Access::open()).await?, channel))
    }

    async fn start_on(incoming: Incoming, settings: &Settings, access: Access) -> Result<Self, StartError> {
        let internal = |error: &dyn std::fmt::Display| StartError::Internal(error.to_string());
        let shared = Shared::new(access, settings.traces.as_ref())?;
        let operating = begin(shared.operations(settings, incoming.tls().cloned()), settings).await?;
        let routes = shared.routes(settings)?;
        let Shared { door, calls, metrics, traces, intake, .. } = shared;
        let (stack, health) = routes.build().await.map_err(|error| internal(&error))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving =
            tokio::spawn(incoming.serve(stack, Arc::clone(&metrics), async { drop(stopped.await) }));

        let of_loading = settings.clone();
        let loading = tokio::task::spawn_blocking(move || load(&of_loading));
        let Loaded { store, condition, index, merchants, tokens, feed, done } =
            loading.await.map_err(|error| internal(&error))??;
        let mut watchman = Watchman {
            data_dir: settings.data_dir.clone(),
            floor: settings.disk_floor,
            condition,
            intake: intake.clone(),
            is_low: false,
        };
        watchman.look_first(DiskSpace::of(&settings.data_dir)?);
        let reader = index.reader();
        let clock = clock::system();
        let parts =
            Parts { store, index, feed: feed.clone(), done, intake: intake.clone(), finish, clock, metrics };
        let (committer, thread) = commit::spawn(parts).map_err(|error| internal(&error))?;
        let watchers = Arc::new(Semaphore::new(settings.max_watchers));
        let backups = Arc::new(Semaphore::new(MOST_BACKUPS));
        door.open(Service { reader, committer, feed, tokens, watchers, backups });
        health.set_all(true).await;
        let minding = tokio::spawn(mind(watchman, intake, health.clone()));
        Ok(Self {
            address: None,
            address_file: None,
            merchants,
            door,
            calls,
            traces,
            health,
            stop,
            serving,
            beside: operating.into_iter().collect(),
            committer: thread,
            minding,
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
        self.minding.abort();
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
        // What waits in the committer's queue is finished even after a cut, and the image of many merchants takes a while.
        let committer = tokio::task::spawn_blocking(move || self.committer.stop());
        if let Some(traces) = self.traces.take() {
            // Of what is still to be sent some may be lost, and nothing else.
            drop(tokio::task::spawn_blocking(move || traces.stop()).await);
        }
        let closed = matches!(timeout(self.deadline.max(MOST_TO_CLOSE), committer).await, Ok(Ok(Ok(()))));
        if all_answered && closed { Ok(()) } else { Err(CutOff(self.deadline)) }
    }
}

/// What the parts of a server have in common.
struct Shared {
    access: Access,
    door: Door,
    calls: CallsUnderWay,
    metrics: Arc<Metrics>,
    traces: Option<Traces>,
    intake: Intake,
}

impl Shared {
    fn new(access: Access, traces: Option<&TraceSettings>) -> Result<Self, StartError> {
        let metrics = Metrics::new().map_err(|error| StartError::Internal(error.to_string()))?;
        let metrics = Arc::new(metrics);
        let traces = traces.map(Traces::start).transpose().map_err(StartError::Traces)?;
        Ok(Self {
            access,
            traces,
            door: Door::closed(),
            calls: CallsUnderWay::default(),
            metrics,
            intake: Intake::default(),
        })
    }

    fn operations(&self, settings: &Settings, tls: Option<Tls>) -> Operations {
        let calls = self.calls.clone();
        Operations {
            metrics: Arc::clone(&self.metrics),
            door: self.door.clone(),
            intake: self.intake.clone(),
            calls_under_way: Arc::new(move || calls.now()),
            data_dir: settings.data_dir.clone(),
            max_watchers: settings.max_watchers,
            access: self.access.clone(),
            clock: clock::system(),
            log: settings.log.clone(),
            tls,
        }
    }

    fn routes(&self, settings: &Settings) -> Result<Routes, StartError> {
        let guard = Guard {
            access: self.access.clone(),
            per_address: settings.per_address.clone(),
            audit: settings.audit_log.clone().map(open_audit_log).transpose()?,
            clock: clock::system(),
            metrics: Arc::clone(&self.metrics),
        };
        Ok(Routes {
            door: self.door.clone(),
            searches: SearchSettings {
                most_radius: settings.max_radius,
                // That depends on who searches.
                search_hidden: false,
                log_cells: settings.log_cells,
            },
            watch_patience: settings.watch_patience,
            clock: clock::system(),
            reflection: settings.reflection,
            calls: self.calls.clone(),
            guard,
            metrics: Arc::clone(&self.metrics),
            traces: self.traces.clone(),
            slow_search: settings.slow_search,
        })
    }
}

/// Answers operators from now on, if that is asked for.
async fn begin(operations: Operations, settings: &Settings) -> Result<Option<AbortOnDrop>, StartError> {
    let Some(address) = settings.operations_listen else { return Ok(None) };
    let setting = "--operations-listen, NEARBY_OPERATIONS_LISTEN";
    let listen = |source| StartError::Listen { address, setting, source };
    let (address, serving) = operations.serve(address).await.map_err(listen)?;
    tracing::info!(%address, "operators are answered");
    Ok(Some(AbortOnDrop(tokio::spawn(serving))))
}

fn open_audit_log(path: PathBuf) -> Result<AuditLog, StartError> {
    AuditLog::open(path.clone()).map_err(|source| StartError::File { path, source })
}

/// Backups that may be taken at the same time.
const MOST_BACKUPS: usize = 2;
/// How long the store may take to close at least.
const MOST_TO_CLOSE: Duration = Duration::from_secs(60);

/// Looks after the store, and lets health say whether changes are taken.
async fn mind(watchman: Watchman, intake: Intake, health: Health) {
    let mut states = intake.subscribe();
    let tell = async {
        loop {
            let state = *states.borrow_and_update();
            health.set_changes(state == State::Open).await;
            if states.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::join!(watchman.run(), tell);
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
    condition: Arc<Condition>,
    index: IndexWriter,
    merchants: usize,
    tokens: PageTokens,
    feed: Feed,
    done: Vec<Arc<DoneRequest>>,
}

/// Opens the store, which holds its directory from then on, and builds the index from it.
fn load(settings: &Settings) -> Result<Loaded, StartError> {
    let start = Instant::now();
    let (store, loaded) = startup::open(settings)?;
    let key_file = settings.data_dir.join("page-token.key");
    let tokens = PageTokens::load_or_create(&key_file)
        .map_err(|source| StartError::File { path: key_file, source })?;
    for fault in &loaded.faults {
        tracing::error!(fault, "the store is damaged; what is sound of it is served, and takes no changes");
    }
    let (count, extent, source) = (loaded.merchants.len(), loaded.tally.extent, loaded.source);
    let feed = Feed::new(extent.last, loaded.deletions, extent.deletions_since);
    let index = IndexWriter::load(loaded.merchants, extent.last);
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(merchants = count, revision = extent.last.0, ?source, elapsed_ms, "loaded");
    let condition = store.condition();
    let (store, done) = (Box::new(store), loaded.requests);
    Ok(Loaded { store, condition, index, merchants: count, tokens, feed, done })
}
