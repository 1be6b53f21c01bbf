//! The admin endpoint: HTTP on an address of its own, for probes, Prometheus and operators. Its connections and limits are
//! separate from those of calls, so that it responds while the server is overloaded.
//!
//! | path | response |
//! |---|---|
//! | `GET /live` | Liveness probe: 200 while the process responds |
//! | `GET /ready` | Readiness probe: 200 while calls are served; 503 while loading or stopping |
//! | `GET /metrics` | Metrics in Prometheus' text format |
//! | `GET /status` | Status as JSON, which `nearby status` reads |
//! | `GET /log` | The log filter |
//! | `PUT /log` | Sets the log filter, as `--log` does, until the next start or SIGHUP; requires the role `operate`, or, without authentication, a client on this machine |

mod cluster;
mod connections;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, LazyLock, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::IntoResponse,
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use nearby_store::DiskSpace;
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};

use self::connections::Connections;
use crate::{
    auth::{
        Authenticator, Credentials, api_keys,
        audit_log::{AuditLog, Rejection},
        bearer::bearer,
        principal::Principal,
        role::Role,
    },
    clock::Clock,
    net::tls::Tls,
    reason::{self, Reason},
    service::ServiceHandle,
    telemetry::{
        LogControl,
        metrics::Metrics,
        scrape_state::{self, FailingReloads, Traffic},
    },
    write_availability::{self, WriteAvailability},
};

/// The admin endpoint.
#[derive(Clone)]
pub(crate) struct AdminServer {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) handle: ServiceHandle,
    pub(crate) availability: WriteAvailability,
    pub(crate) traffic: Arc<dyn Fn() -> Traffic + Send + Sync>,
    pub(crate) data_dir: PathBuf,
    pub(crate) authenticator: Authenticator,
    pub(crate) audit_log: Option<AuditLog>,
    pub(crate) clock: Clock,
    pub(crate) log: Option<LogControl>,
    pub(crate) tls: Option<Tls>,
}

/// Longest log filter.
const MAX_FILTER_BYTES: usize = 4_096;
/// Concurrent scrapes; further ones wait.
static SCRAPES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(4));
/// Limit for a scrape to start.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(10);
/// Concurrent connections, above which a new one takes the place of an idle one; the limit for the headers of a request, and so for
/// an idle connection; the age of a connection.
const MAX_CONNECTIONS: usize = 64;
/// Limit for a request and its response. The slowest, a reload of the keys at an issuer, takes seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(10 * 60);
/// Pause after the system refuses a connection.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

impl AdminServer {
    /// Binds an address. Returns the bound address and the future that serves it.
    pub(crate) async fn serve(
        self,
        address: SocketAddr,
    ) -> io::Result<(SocketAddr, impl Future<Output = ()> + Send + 'static)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/live", get(|| async { "alive\n" }))
            .route("/ready", get(ready))
            .route("/metrics", get(metrics_text))
            .route("/status", get(status))
            .route("/log", get(log).put(set_log))
            .layer(DefaultBodyLimit::max(MAX_FILTER_BYTES))
            .with_state(self);
        Ok((address, serve(listener, router)))
    }

    /// The principal of a request that sets the log filter.
    ///
    /// # Errors
    /// The status and the message for a client that may not set it.
    fn authorize_operator(
        &self,
        headers: &HeaderMap,
        peer: SocketAddr,
    ) -> Result<Arc<Principal>, (StatusCode, &'static str)> {
        let credentials = bearer(headers).ok().map(|bearer| Credentials { bearer, ..Credentials::default() });
        let now = (self.clock)();
        let Some(Ok(principal)) =
            credentials.map(|credentials| self.authenticator.authenticate(credentials, now))
        else {
            self.record_rejected(None, headers, peer, reason::CREDENTIALS_INVALID);
            return Err((
                StatusCode::UNAUTHORIZED,
                "missing or invalid credentials: send an API key or a token with the role operate (authorization: Bearer …)\n",
            ));
        };
        let is_authenticated = !self.authenticator.is_disabled();
        if !principal.has(Role::Operate) || !(is_authenticated || peer.ip().is_loopback()) {
            self.record_rejected(Some(&*principal), headers, peer, reason::ROLE_MISSING);
            return Err((
                StatusCode::FORBIDDEN,
                "permission denied: setting the log filter requires the role operate\n",
            ));
        }
        Ok(principal)
    }

    /// Writes a rejected request to the audit log.
    fn record_rejected(
        &self,
        principal: Option<&Principal>,
        headers: &HeaderMap,
        peer: SocketAddr,
        reason: Reason,
    ) {
        let Some(log) = &self.audit_log else { return };
        log.write_rejection(&Rejection {
            at: (self.clock)(),
            principal,
            key_id: bearer(headers).ok().flatten().and_then(api_keys::id_of),
            address: Some(peer.ip().to_canonical()),
            method: "PUT /log",
            code: if principal.is_some() { "PERMISSION_DENIED" } else { "UNAUTHENTICATED" },
            reason: reason.as_str(),
        });
    }

    /// The state of the server.
    fn state(&self) -> scrape_state::State {
        let disk_free_bytes = DiskSpace::of(&self.data_dir).ok().map(|space| space.free_bytes);
        let is_writable = self.availability.state() == write_availability::State::Writable;
        let (api_keys, jwks) = self.authenticator.failing_reloads();
        let certificates = self.tls.as_ref().is_some_and(Tls::is_reload_failing);
        let without_service = scrape_state::State {
            failing_reloads: FailingReloads { api_keys, certificates, jwks },
            audit_log_write_failures: self.audit_log.as_ref().map_or(0, AuditLog::write_failures),
            traffic: (self.traffic)(),
            is_ready: self.handle.is_ready(),
            is_writable,
            disk_free_bytes,
            certificate_expiry_s: self.tls.as_ref().and_then(Tls::expiry_s),
            ..scrape_state::State::default()
        };
        let Ok(service) = self.handle.service() else { return without_service };
        let snapshot = service.snapshot();
        scrape_state::State {
            merchants_visible: snapshot.visible_len(),
            merchants_hidden: snapshot.len() - snapshot.visible_len(),
            revision: snapshot.revision().0,
            cluster: service.cluster.as_ref().and_then(cluster::scrape),
            commands_waiting: service.commits.waiting(),
            last_backup_s: service.last_backup_s.load(Ordering::Relaxed),
            ..without_service
        }
    }
}

/// Serves connections, with limits that axum's own server does not have: a client could otherwise exhaust the file
/// descriptors, or keep probes and scrapes away.
async fn serve(listener: TcpListener, router: Router) {
    let connections = Connections::new(MAX_CONNECTIONS);
    loop {
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "cannot accept an admin connection; retrying");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        };
        let connection = connections.open(Instant::now());
        let (connections, id) = (connections.clone(), connection.id());
        let track = middleware::from_fn(move |request: Request, next: Next| {
            let active = connections.begin_request(id);
            async move {
                // A request whose body does not arrive must not stay active, which protects its connection.
                let response = timeout(REQUEST_TIMEOUT, next.run(request)).await;
                drop(active);
                response.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
            }
        });
        let service = TowerToHyperService::new(router.clone().layer(track).layer(Extension(peer)));
        tokio::spawn(async move {
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
            // An error of one connection has no consequence.
            tokio::select! {
                served = builder.serve_connection(TokioIo::new(socket), service) => drop(served),
                () = tokio::time::sleep(MAX_CONNECTION_AGE) => {}
                () = connection.closed() => {}
            }
        });
    }
}

async fn ready(State(admin): State<AdminServer>) -> impl IntoResponse {
    match admin.handle.is_ready() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "loading or stopping\n"),
    }
}

async fn metrics_text(State(admin): State<AdminServer>) -> Result<impl IntoResponse, StatusCode> {
    let Ok(Ok(_permit)) = timeout(SCRAPE_TIMEOUT, SCRAPES.acquire()).await else {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    };
    // Reads from the disk and from /proc.
    let text = tokio::task::spawn_blocking(move || admin.metrics.text(admin.state())).await;
    let text = text.ok().and_then(Result::ok).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

async fn status(State(admin): State<AdminServer>) -> Result<impl IntoResponse, StatusCode> {
    let Ok(Ok(_permit)) = timeout(SCRAPE_TIMEOUT, SCRAPES.acquire()).await else {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    };
    let status = tokio::task::spawn_blocking(move || admin.metrics.status(admin.state())).await;
    let json = status.ok().and_then(|status| serde_json::to_string(&status).ok());
    let json = json.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json))
}

async fn log(State(admin): State<AdminServer>) -> Result<String, StatusCode> {
    let log = admin.log.ok_or(StatusCode::NOT_FOUND)?;
    Ok(format!("{}\n", log.now()))
}

async fn set_log(
    State(admin): State<AdminServer>,
    Extension(peer): Extension<SocketAddr>,
    request: Request,
) -> (StatusCode, String) {
    let Some(log) = &admin.log else { return (StatusCode::NOT_FOUND, String::new()) };
    // Before the body, which takes as long to arrive as its sender likes.
    let principal = match admin.authorize_operator(request.headers(), peer) {
        Ok(principal) => principal,
        Err((status, message)) => return (status, message.to_owned()),
    };
    let filter = match String::from_request(request, &()).await {
        Ok(filter) => filter,
        Err(rejected) => return (rejected.status(), format!("{}\n", rejected.body_text())),
    };
    match log.set(&filter) {
        Ok(()) => {
            tracing::info!(filter = log.now(), principal = principal.name, "log filter set");
            (StatusCode::OK, format!("{}\n", log.now()))
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}
