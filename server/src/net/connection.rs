//! One HTTP/2 connection, from its first request until it closes.

use std::{
    convert::Infallible,
    error::Error as _,
    io,
    pin::pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::Request;
use hyper::{body::Incoming, server::conn::http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{interval, sleep, timeout},
};
use tower::Service;

use super::{
    RequestService,
    in_flight::InFlight,
    limits::{
        CONNECTION_WINDOW_BYTES, ConnectionLimits, DRAIN_TIMEOUT, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT,
        MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_BYTES, MAX_LOCAL_ERROR_RESETS, MAX_PENDING_RESETS,
        SEND_BUFFER_BYTES, STREAM_WINDOW_BYTES,
    },
    peer::Peer,
    reset_limit::BUDGET_EXCEEDED,
};

/// Why a connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The peer left, or the connection drained.
    Graceful,
    /// The server closed it: the peer violated HTTP/2 or exceeded its limits.
    ProtocolError {
        /// True if that was within [`EARLY`] of its start. An older connection may exceed the reset budget without malice,
        /// when its calls wait and the client cancels them.
        is_early: bool,
    },
}

/// A connection that fails this soon was opened to do so.
const EARLY: Duration = Duration::from_secs(1);

/// Serves a connection until the peer closes it, it reaches its age or idle limit, or `drain` becomes true.
pub(crate) async fn serve_connection<IO>(
    io: IO,
    peer: Peer,
    service: impl RequestService,
    limits: &ConnectionLimits,
    mut drain: watch::Receiver<bool>,
) -> CloseReason
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let start = Instant::now();
    let in_flight = peer.in_flight.clone();
    let service = TowerToHyperService::new(PeerService { service, peer });
    let mut connection = pin!(builder().serve_connection(TokioIo::new(io), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = drain.wait_for(|drain| *drain) => None,
        () = sleep(with_jitter(limits.max_age)) => None,
        () = idle(&in_flight, limits.max_idle) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            // Sends GOAWAY, lets calls in flight finish, and accepts those that were sent before the peer received it.
            connection.as_mut().graceful_shutdown();
            match timeout(DRAIN_TIMEOUT, connection).await {
                Ok(ended) => ended,
                Err(_) => {
                    tracing::debug!("connection cut: its calls did not finish in time");
                    return CloseReason::Graceful;
                }
            }
        }
    };
    let Err(error) = ended else { return CloseReason::Graceful };
    tracing::debug!(%error, "connection failed");
    let Some(cause) = error.source() else { return CloseReason::Graceful };
    let is_violation =
        cause.downcast_ref().is_some_and(|cause: &h2::Error| cause.is_go_away() && cause.is_library());
    let is_over_budget =
        cause.downcast_ref().is_some_and(|cause: &io::Error| cause.kind() == BUDGET_EXCEEDED);
    if is_violation || is_over_budget {
        CloseReason::ProtocolError { is_early: start.elapsed() < EARLY }
    } else {
        CloseReason::Graceful
    }
}

fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_LOCAL_ERROR_RESETS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        // gRPC does not use it, and every response would carry it.
        .auto_date_header(false);
    builder
}

/// Completes once the connection has had no request for `max_idle`. Samples the counters: a timer that every request resets
/// would cost more than the precision of a tenth is worth.
async fn idle(in_flight: &InFlight, max_idle: Duration) {
    let mut ticks = interval((max_idle / 10).max(Duration::from_millis(10)));
    let (mut since, mut started) = (Instant::now(), in_flight.started());
    loop {
        ticks.tick().await;
        if in_flight.count() > 0 || in_flight.started() != started {
            (since, started) = (Instant::now(), in_flight.started());
        } else if since.elapsed() >= max_idle {
            return;
        }
    }
}

/// A duration up to a tenth shorter or longer.
fn with_jitter(duration: Duration) -> Duration {
    // Without a random source all connections drain together, which is no reason to stop serving.
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    duration.mul_f64(0.9 + 0.2 * f64::from(random) / f64::from(u32::MAX))
}

/// Adds the peer to the extensions of each request.
#[derive(Clone, Debug)]
struct PeerService<S> {
    service: S,
    peer: Peer,
}

impl<S: RequestService> Service<Request<Incoming>> for PeerService<S> {
    type Response = S::Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> S::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.service.call(request)
    }
}
