//! One connection, from its first call until it has left.

use std::{
    convert::Infallible,
    error::Error as _,
    io,
    pin::pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{Request, Response};
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
use tonic::body::Body;
use tower::Service;

use super::{Answers, ConnectionLimits, GRACE, Peer, message_limits::Messages, reset_limit::NO_CREDIT};

/// Most calls that one connection may have under way.
pub(super) const STREAMS: u32 = 100;
/// Most streams that a peer may reset before h2 hands them on: more than `resets` lets pass, which is where they are counted.
const PENDING_RESETS: usize = 20 * STREAMS as usize;
/// Most streams that we may have to reset because of what a peer does ("MadeYouReset", CVE-2025-8671).
const ERROR_RESETS: usize = 200;
/// A head of a call is some hundred bytes, and a token of authorisation a few thousand.
const HEADER_LIST_BYTES: u32 = 8 * 1024;
/// What a peer may send before we have read it: of one call, and of all of a connection.
const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// What waits for a peer to read it, of one call; the rest of an answer stays where it is.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// After so long without a word a peer is asked whether it is there, and has so long to say so.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(10);

/// How a connection has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// As it may.
    InPeace,
    /// We ended it, as its peer broke the rules of HTTP/2 or went to their limits.
    Broke {
        /// Whether that was soon after it began. One that has served for longer may reach the limit of resets without malice,
        /// where its calls wait and are given up.
        soon: bool,
    },
}

/// How soon a connection breaks that was opened to break it.
const SOON: Duration = Duration::from_secs(1);

/// Serves a connection until it ends, leaves by itself, or all are told to.
pub(crate) async fn serve_one<IO>(
    io: IO,
    peer: Peer,
    answers: impl Answers,
    limits: &ConnectionLimits,
    mut goodbye: watch::Receiver<bool>,
) -> Left
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let begun = Instant::now();
    let calls = peer.calls.clone();
    let service = TowerToHyperService::new(OfPeer { answers, peer });
    let mut connection = pin!(builder().serve_connection(TokioIo::new(io), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = goodbye.wait_for(|is_said| *is_said) => None,
        () = sleep(about(limits.age)) => None,
        () = idle(&calls, limits.idle) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            // Says GOAWAY, lets the calls end that are under way, and takes those that were sent before it was heard.
            connection.as_mut().graceful_shutdown();
            match timeout(GRACE, connection).await {
                Ok(ended) => ended,
                Err(_) => {
                    tracing::debug!("a connection was cut: its calls did not end");
                    return Left::InPeace;
                }
            }
        }
    };
    let Err(error) = ended else { return Left::InPeace };
    tracing::debug!(%error, "a connection broke");
    let Some(cause) = error.source() else { return Left::InPeace };
    let broke_rules =
        cause.downcast_ref().is_some_and(|cause: &h2::Error| cause.is_go_away() && cause.is_library());
    let has_no_credit = cause.downcast_ref().is_some_and(|cause: &io::Error| cause.kind() == NO_CREDIT);
    if broke_rules || has_no_credit { Left::Broke { soon: begun.elapsed() < SOON } } else { Left::InPeace }
}

fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(ERROR_RESETS)
        .max_header_list_size(HEADER_LIST_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER)
        // gRPC has no use for it, and every answer would carry it.
        .auto_date_header(false);
    builder
}

/// Ends once a connection has had no call for so long.
async fn idle(calls: &super::CallsUnderWay, most: Duration) {
    let mut ticks = interval((most / 10).max(Duration::from_millis(10)));
    let (mut since, mut begun) = (Instant::now(), calls.begun());
    loop {
        ticks.tick().await;
        if !calls.is_quiet() || calls.begun() != begun {
            (since, begun) = (Instant::now(), calls.begun());
        } else if since.elapsed() >= most {
            return;
        }
    }
}

/// A time that is up to a tenth shorter or longer.
fn about(time: Duration) -> Duration {
    // Without randomness all leave together, which is no reason not to serve.
    let chance = getrandom::u32().unwrap_or(u32::MAX / 2);
    time.mul_f64(0.9 + 0.2 * f64::from(chance) / f64::from(u32::MAX))
}

/// A service that knows who calls.
#[derive(Clone, Debug)]
struct OfPeer<S> {
    answers: S,
    peer: Peer,
}

impl<S: Answers> Service<Request<Incoming>> for OfPeer<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.answers.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> S::Future {
        let (head, body) = request.into_parts();
        let body = Messages::new(body, head.uri.path(), &self.peer.unfinished);
        let mut request = Request::from_parts(head, Body::new(body));
        request.extensions_mut().insert(self.peer.clone());
        self.answers.call(request)
    }
}
