//! Assembles the server and stops it, each in the right order.
//!
//! Start: bind → respond NOT_SERVING → lock, open and recover the store → build the index → commit thread → SERVING.
//! Stop: NOT_SERVING → no new calls → calls in flight finish → the commit thread finishes → the store writes its snapshot
//! file.

pub(crate) mod bootstrap;
pub(crate) mod cluster;
pub mod error;
pub(crate) mod receive_backup;
mod shutdown;
pub mod signals;
pub(crate) mod startup;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, oneshot},
    task::{JoinHandle, JoinSet},
};
use tonic::transport::Channel;

pub use self::startup::Progress;
use self::{error::StartError, startup::OpenStore};
use crate::{
    admin::AdminServer,
    auth::{Authenticator, audit_log::AuditLog},
    clock,
    cluster::{ClusterParts, ClusterView, WriteState, brokers},
    commit::{self, CommitParts, CommitThread},
    config::{Setting, Settings},
    disk_monitor::DiskMonitor,
    fs::{
        atomic_write::{Readers, replace_file},
        read_failures::Reload,
    },
    grpc::{
        health::Health,
        in_process::{PipeListener, pipe},
        middleware::{GrpcService, auth::AuthContext},
        nearby_service::SearchSettings,
        server::{GrpcServer, over_grpc},
    },
    http::{Calls, http_service, settings::HttpSettings},
    net::{
        in_flight::InFlight,
        listener::{self, ServerContext},
        tls::Tls,
        unread::Unread,
    },
    opening_hours::{HolidayCalendar, run_refresh},
    overload::principal_limits::PrincipalLimits,
    service::{Service, ServiceHandle},
    telemetry::{LogControl, metrics::Metrics, scrape_state::Traffic, traces::Traces},
    watch_registry::WatchRegistry,
    write_availability::{State, WriteAvailability},
};

/// Concurrent backups: each keeps all merchants of its revision in memory.
const MAX_BACKUPS: usize = 2;

/// A task that is aborted when this is dropped.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A running server.
#[derive(Debug)]
pub struct ServerHandle {
    address: Option<SocketAddr>,
    http_address: Option<SocketAddr>,
    address_files: Vec<PathBuf>,
    merchants: usize,
    handle: ServiceHandle,
    in_flight: InFlight,
    traces: Option<Traces>,
    health: Health,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    /// Tasks that run until the server is dropped.
    background: Vec<AbortOnDrop>,
    /// Reloaded by [`Self::reload`], like the authenticator.
    tls: Option<Tls>,
    authenticator: Authenticator,
    commit_thread: CommitThread,
    disk_monitor: JoinHandle<()>,
    grace_period: Duration,
}

/// The source of connections.
enum Listener {
    Tcp(TcpListener, Option<Tls>),
    Pipe(PipeListener),
}

/// The socket of the HTTP listener.
struct HttpListener {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
}

impl HttpListener {
    async fn bind(settings: &HttpSettings, tls: Option<Tls>) -> Result<Self, StartError> {
        let address = settings.listen;
        let listen = |source| StartError::Listen { address, setting: Setting("http_listen"), source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address, tls })
    }
}

impl ServerHandle {
    /// Starts a server on the address of its settings. Returns once it is ready.
    ///
    /// # Errors
    /// When it cannot listen, the store cannot be opened, or TLS or authentication cannot be set up.
    pub async fn start(
        settings: &Settings,
        progress: Progress,
        log: Option<LogControl>,
    ) -> Result<Self, StartError> {
        let listen =
            |source| StartError::Listen { address: settings.listen, setting: Setting("listen"), source };
        let open_audit_log =
            |path: PathBuf| AuditLog::open(path.clone()).map_err(|source| StartError::File { path, source });
        let audit_log = settings.audit_log.clone().map(open_audit_log).transpose()?;
        let tls = settings.tls.clone().map(|files| Tls::load(files, audit_log.clone())).transpose()?;
        let authenticator = Authenticator::load(settings.auth.clone(), audit_log.clone())?;
        if authenticator.is_disabled() {
            tracing::info!("authentication is disabled: any client may call any method");
        }
        let mut background = vec![AbortOnDrop(tokio::spawn(authenticator.clone().reload_loop()))];
        background.extend(tls.clone().map(|tls| AbortOnDrop(tokio::spawn(tls.reload_loop()))));
        let listener = TcpListener::bind(settings.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let http = match &settings.http {
            Some(http) => Some(HttpListener::bind(http, tls.clone()).await?),
            None => None,
        };
        let http_address = http.as_ref().map(|http| http.address);
        let parts = Parts::new(authenticator, audit_log, settings)?;
        let started = Self::start_on((Listener::Tcp(listener, tls), http), settings, parts, progress, log);
        let mut server = Self { address: Some(address), http_address, ..started.await? };
        server.background.append(&mut background);
        // Only once the store is locked: a second server started by mistake must not replace the address of the first.
        // The address of gRPC last: scripts wait for its file.
        let files = [(&settings.http_address_file, http_address), (&settings.address_file, Some(address))];
        for (path, address) in files {
            let (Some(path), Some(address)) = (path, address) else { continue };
            replace_file(path, format!("{address}\n").as_bytes(), Readers::Anyone)
                .map_err(|source| StartError::File { path: path.clone(), source })?;
            server.address_files.push(path.clone());
        }
        let http_address = http_address.map(tracing::field::display);
        tracing::info!(%address, http_address, merchants = server.merchants, "ready");
        Ok(server)
    }

    /// Starts a server on a pipe within this process, which no other process can call.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub async fn start_in_process(
        settings: &Settings,
        progress: Progress,
    ) -> Result<(Self, Channel), StartError> {
        let (listener, channel) = pipe();
        // This process can open the store, so that authentication would protect nothing.
        let parts = Parts::new(Authenticator::disabled(), None, settings)?;
        let started = Self::start_on((Listener::Pipe(listener), None), settings, parts, progress, None);
        Ok((started.await?, channel))
    }

    async fn start_on(
        (listener, http): (Listener, Option<HttpListener>),
        settings: &Settings,
        parts: Parts,
        progress: Progress,
        log: Option<LogControl>,
    ) -> Result<Self, StartError> {
        let calendar = HolidayCalendar::load(settings.holidays.as_deref())
            .map_err(|source| StartError::Holidays { path: settings.holidays.clone(), source })?;
        let calendar = Arc::new(calendar);
        let (tls, address) = match &listener {
            Listener::Tcp(listener, tls) => (tls.clone(), listener.local_addr().ok()),
            Listener::Pipe(_) => (None, None),
        };
        let admin = parts.start_admin(settings, tls.clone(), log).await?;
        let grpc = parts.grpc_server(settings)?;
        let (calls, health) = grpc.build().await.map_err(|error| internal(&error))?;
        let (stop, stopped) = oneshot::channel();
        let serving = parts.spawn_listeners((listener, http), calls, settings, stopped);

        let (opened, cluster) = cluster::open(settings, &progress, address).await?;
        let availability = parts.availability.clone();
        let disk_monitor = DiskMonitor::start(
            settings.data_dir.clone(),
            settings.min_free_disk,
            Arc::clone(&opened.health),
            availability.clone(),
        )?;
        if opened.position.is_some() && cluster.is_none() {
            availability.set(State::ClusterCopy);
        }
        let merchants = opened.merchants;
        let refresh = run_refresh(Arc::clone(&calendar), clock::system());
        let (service, commit_thread) = parts.start_service((opened, cluster), calendar, settings)?;
        let view = service.cluster.clone();
        let Parts { authenticator, handle, in_flight, traces, .. } = parts;
        handle.set(service);
        health.set_all(true).await;
        let mut background: Vec<AbortOnDrop> =
            admin.into_iter().chain([AbortOnDrop(tokio::spawn(refresh))]).collect();
        if let (Some(view), Some(cluster)) = (view.clone(), &settings.cluster) {
            let watch = brokers::watch(cluster.monitors.clone(), move |brokers| view.set_brokers(brokers));
            background.push(AbortOnDrop(tokio::spawn(watch)));
        }
        Ok(Self {
            address: None,
            http_address: None,
            address_files: Vec::new(),
            merchants,
            handle,
            in_flight,
            traces,
            health: health.clone(),
            stop,
            serving,
            background,
            tls,
            authenticator,
            commit_thread,
            disk_monitor: tokio::spawn(run_disk_monitor(disk_monitor, availability, (health, view))),
            grace_period: settings.shutdown_grace_period,
        })
    }

    /// Reloads certificates and keys now, in the background: an issuer of tokens may respond slowly. The log has the results.
    pub fn reload(&self) {
        let (tls, authenticator) = (self.tls.clone(), self.authenticator.clone());
        // Detached: it logs its own errors.
        drop(tokio::task::spawn_blocking(move || {
            if let Some(tls) = tls {
                tls.reload(Reload::Demand);
            }
            authenticator.reload();
        }));
    }

    /// The address that it listens on; `None` on a pipe.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The address of its HTTP listener, if it has one.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// The number of merchants when it started.
    #[must_use]
    pub fn merchants_at_start(&self) -> usize {
        self.merchants
    }
}

fn internal(error: &dyn std::fmt::Display) -> StartError {
    StartError::Internal(error.to_string())
}

/// Parts that several components of a server share.
struct Parts {
    authenticator: Authenticator,
    audit_log: Option<AuditLog>,
    handle: ServiceHandle,
    in_flight: InFlight,
    unread: Unread,
    metrics: Arc<Metrics>,
    traces: Option<Traces>,
    availability: WriteAvailability,
    principal_limits: PrincipalLimits,
}

impl Parts {
    fn new(
        authenticator: Authenticator,
        audit_log: Option<AuditLog>,
        settings: &Settings,
    ) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::new().map_err(|error| internal(&error))?);
        Ok(Self {
            authenticator,
            audit_log,
            handle: ServiceHandle::not_ready(),
            in_flight: InFlight::default(),
            unread: Unread::new(settings.connections.max_unread_bytes),
            principal_limits: PrincipalLimits::new(settings.resource_limits, Arc::clone(&metrics)),
            metrics,
            traces: settings
                .traces
                .as_ref()
                .map(Traces::start)
                .transpose()
                .map_err(|reason| StartError::Traces { reason })?,
            availability: WriteAvailability::default(),
        })
    }

    /// Starts the admin endpoint, if the settings have one.
    async fn start_admin(
        &self,
        settings: &Settings,
        tls: Option<Tls>,
        log: Option<LogControl>,
    ) -> Result<Option<AbortOnDrop>, StartError> {
        let Some(address) = settings.admin_listen else { return Ok(None) };
        let (in_flight, unread) = (self.in_flight.clone(), self.unread.clone());
        let limits = self.principal_limits.clone();
        let admin = AdminServer {
            metrics: Arc::clone(&self.metrics),
            handle: self.handle.clone(),
            availability: self.availability.clone(),
            traffic: Arc::new(move || Traffic {
                requests_in_flight: in_flight.count(),
                watchers: limits.watchers(),
                unread_response_bytes: unread.response_bytes(),
                unread_request_frames: unread.request_frames(),
            }),
            data_dir: settings.data_dir.clone(),
            authenticator: self.authenticator.clone(),
            audit_log: self.audit_log.clone(),
            clock: clock::system(),
            log,
            tls,
        };
        let listen = |source| StartError::Listen { address, setting: Setting("admin_listen"), source };
        let (address, serving) = admin.serve(address).await.map_err(listen)?;
        tracing::info!(%address, "admin endpoint listening");
        Ok(Some(AbortOnDrop(tokio::spawn(serving))))
    }

    /// Starts the commit thread on an open store.
    fn start_service(
        &self,
        (opened, cluster): (OpenStore, Option<ClusterParts>),
        calendar: Arc<HolidayCalendar>,
        settings: &Settings,
    ) -> Result<(Service, CommitThread), StartError> {
        let OpenStore { store, index, tokens, feed, completed, .. } = opened;
        let (reader, watches) = (index.reader(), WatchRegistry::default());
        let view = cluster.as_ref().map(|parts| parts.view.clone());
        let commit_parts = CommitParts {
            store,
            index,
            feed: feed.clone(),
            watches: watches.clone(),
            completed,
            availability: self.availability.clone(),
            clock: clock::system(),
            metrics: Arc::clone(&self.metrics),
            review_changes: settings.review_changes,
            cluster,
        };
        let (commits, commit_thread) = commit::spawn(commit_parts).map_err(|error| internal(&error))?;
        let service = Service {
            reader,
            commits,
            feed,
            watches,
            tokens,
            calendar,
            backups: Arc::new(Semaphore::new(MAX_BACKUPS)),
            last_backup_s: Arc::default(),
            cluster: view,
        };
        Ok((service, commit_thread))
    }

    fn grpc_server(&self, settings: &Settings) -> Result<GrpcServer, StartError> {
        Ok(GrpcServer {
            handle: self.handle.clone(),
            searches: SearchSettings {
                max_radius: settings.max_radius,
                max_service_radius: settings.max_service_radius,
                // Set for each call, from the roles of its principal.
                search_hidden: false,
                shows_internal: settings.expose_internal_fields,
                log_cells: settings.log_cells,
            },
            principal_limits: self.principal_limits.clone(),
            watch_send_timeout: settings.watch_send_timeout,
            clock: clock::system(),
            reflection: settings.reflection,
            in_flight: self.in_flight.clone(),
            auth: AuthContext {
                authenticator: self.authenticator.clone(),
                per_ip: settings.per_ip.clone(),
                audit_log: self.audit_log.clone(),
                clock: clock::system(),
                metrics: Arc::clone(&self.metrics),
            },
            audit_log: self.audit_log.clone(),
            metrics: Arc::clone(&self.metrics),
            traces: self.traces.clone(),
            slow_search: settings.slow_search,
        })
    }

    /// Serves connections, from now on until `stopped` completes and all of them have drained.
    fn spawn_listeners(
        &self,
        (listener, http): (Listener, Option<HttpListener>),
        service: impl GrpcService + Sync,
        settings: &Settings,
        stopped: oneshot::Receiver<()>,
    ) -> JoinHandle<()> {
        let stopped = async { drop(stopped.await) }.shared();
        let context = |tls, has_http1| ServerContext {
            tls,
            limits: settings.connections.clone(),
            metrics: Arc::clone(&self.metrics),
            unread: self.unread.clone(),
            has_http1,
        };
        let mut serving: JoinSet<()> = JoinSet::new();
        if let (Some(http), Some(http_settings)) = (http, &settings.http) {
            let service = http_service(http_settings, Calls::new(service.clone()));
            serving.spawn(listener::serve(http.listener, service, context(http.tls, true), stopped.clone()));
        }
        let service = over_grpc(service);
        match listener {
            Listener::Tcp(listener, tls) => {
                serving.spawn(listener::serve(listener, service, context(tls, false), stopped))
            }
            Listener::Pipe(listener) => serving.spawn(listener.serve(service, stopped)),
        };
        tokio::spawn(async move { drop(serving.join_all().await) })
    }
}

/// Runs the disk monitor, and keeps the health in step with the write availability and the state of a node.
async fn run_disk_monitor(
    monitor: DiskMonitor,
    availability: WriteAvailability,
    (health, cluster): (Health, Option<ClusterView>),
) {
    let mut states = availability.subscribe();
    let mut node = cluster.map(|view| (view.subscribe(), view.subscribe_current()));
    let update_health = async {
        loop {
            let mut is_writable = *states.borrow_and_update() == State::Writable;
            if let Some((write_states, is_current)) = &mut node {
                is_writable &= *write_states.borrow_and_update() == WriteState::Writable;
                let is_current = *is_current.borrow_and_update();
                health.set_current(is_current).await;
            }
            health.set_writable(is_writable).await;
            let is_open = match &mut node {
                None => states.changed().await.is_ok(),
                Some((write_states, is_current)) => tokio::select! {
                    changed = states.changed() => changed.is_ok(),
                    changed = write_states.changed() => changed.is_ok(),
                    changed = is_current.changed() => changed.is_ok(),
                },
            };
            if !is_open {
                return;
            }
        }
    };
    tokio::join!(monitor.run(), update_health);
}
