//! What operators and their tools ask, over HTTP on an address of its own: whether the server lives and is ready, its metrics,
//! and what it logs. Nothing of it waits behind calls for connections or for their limits.
//!
//! | path | what it says |
//! |---|---|
//! | `GET /live` | 200 as long as the process can answer at all |
//! | `GET /ready` | 200 while calls are answered; 503 while merchants are loaded and once the server stops |
//! | `GET /metrics` | Prometheus's text |
//! | `GET /log` | the filter of the log |
//! | `PUT /log` | sets it, as `--log` does, until the next start; needs the role `operate`, or, where nobody must say who calls, this machine |

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
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

use crate::{
    auth::{Access, Credentials, Role},
    clock::Clock,
    grpc::middleware::auth::bearer,
    net::Tls,
    service::Door,
    telemetry::{
        LogControl,
        metrics::{self, Metrics},
    },
    write_availability::{self, Intake},
};

/// What is asked about.
#[derive(Clone)]
pub(crate) struct Operations {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) door: Door,
    pub(crate) intake: Intake,
    pub(crate) calls_under_way: Arc<dyn Fn() -> usize + Send + Sync>,
    pub(crate) data_dir: PathBuf,
    pub(crate) max_watchers: usize,
    pub(crate) access: Access,
    pub(crate) clock: Clock,
    pub(crate) log: Option<LogControl>,
    pub(crate) tls: Option<Tls>,
}

/// Longest filter.
const MOST_FILTER_BYTES: usize = 4_096;
/// Requests that are answered at a time: whoever asks more often waits.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(4));
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at a time; how long one may take for the head of a request, and how old it may become.
const MOST_CONNECTIONS: usize = 64;
const HEAD: Duration = Duration::from_secs(30);
const AGE: Duration = Duration::from_secs(10 * 60);
/// How long to wait where the system has no room for a connection.
const PAUSE: Duration = Duration::from_millis(100);

impl Operations {
    /// Binds an address, and answers there until it is dropped; the address is where it really listens.
    pub(crate) async fn serve(
        self,
        address: SocketAddr,
    ) -> io::Result<(SocketAddr, impl Future<Output = ()> + Send + 'static)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/live", get(|| async { "alive\n" }))
            .route("/ready", get(ready))
            .route("/metrics", get(text))
            .route("/log", get(log).put(set_log))
            .layer(DefaultBodyLimit::max(MOST_FILTER_BYTES))
            .with_state(self);
        Ok((address, answer(listener, router)))
    }

    /// How the server stands now.
    fn state(&self) -> metrics::State {
        let disk_free_bytes = DiskSpace::of(&self.data_dir).ok().map(|space| space.free_bytes);
        let takes_changes = self.intake.state() == write_availability::State::Open;
        let outside = metrics::State {
            calls_under_way: (self.calls_under_way)(),
            is_ready: self.door.is_open(),
            takes_changes,
            disk_free_bytes,
            certificate_ends_s: self.tls.as_ref().and_then(Tls::ends_s),
            ..metrics::State::default()
        };
        let Ok(service) = self.door.enter() else { return outside };
        let snapshot = service.snapshot();
        metrics::State {
            merchants_visible: snapshot.visible_len(),
            merchants_hidden: snapshot.len() - snapshot.visible_len(),
            revision: snapshot.revision().0,
            commands_waiting: service.committer.waiting(),
            watchers: self.max_watchers.saturating_sub(service.watchers.available_permits()),
            ..outside
        }
    }
}

/// Answers for ever. axum's own server has no limits: whoever can reach it could take all files that may be open.
async fn answer(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    // Nobody closes it.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "an operator's connection was not taken in");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone().layer(Extension(peer)));
        tokio::spawn(async move {
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
            // How it ends is of no consequence.
            drop(timeout(AGE, builder.serve_connection(TokioIo::new(socket), service)).await);
            drop(place);
        });
    }
}

async fn ready(State(operations): State<Operations>) -> impl IntoResponse {
    match operations.door.is_open() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "loading its merchants or stopping\n"),
    }
}

async fn text(State(operations): State<Operations>) -> Result<impl IntoResponse, StatusCode> {
    let Ok(Ok(_turn)) = tokio::time::timeout(PATIENCE, TURNS.acquire()).await else {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    };
    // It asks the disk and the process.
    let told = tokio::task::spawn_blocking(move || operations.metrics.text(operations.state())).await;
    let text = told.ok().and_then(Result::ok).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

async fn log(State(operations): State<Operations>) -> Result<String, StatusCode> {
    let log = operations.log.ok_or(StatusCode::NOT_FOUND)?;
    Ok(format!("{}\n", log.now()))
}

async fn set_log(
    State(operations): State<Operations>,
    Extension(peer): Extension<SocketAddr>,
    headers: HeaderMap,
    filter: String,
) -> (StatusCode, String) {
    let Some(log) = &operations.log else { return (StatusCode::NOT_FOUND, String::new()) };
    let now = (operations.clock)();
    let known = bearer(&headers).ok().map(|bearer| Credentials { bearer, certificate: &[] });
    let caller = match known.map(|shown| operations.access.identify(shown, now)) {
        Some(Ok(caller)) => caller,
        _ => {
            return (
                StatusCode::UNAUTHORIZED,
                "show a key or a token of the role operate (authorization: Bearer …)\n".to_owned(),
            );
        }
    };
    let is_known = !operations.access.is_open();
    if !caller.may(Role::Operate) || !(is_known || peer.ip().is_loopback()) {
        return (StatusCode::FORBIDDEN, "only a caller of the role operate sets what is logged\n".to_owned());
    }
    match log.set(&filter) {
        Ok(()) => {
            tracing::info!(filter = log.now(), caller = caller.name, "the log is set");
            (StatusCode::OK, format!("{}\n", log.now()))
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}
