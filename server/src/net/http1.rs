//! One HTTP/1.1 connection, for the listener that also serves browsers.
//!
//! hyper polls the body of a response only while the socket accepts bytes, so that a response to a client that does not read ends when
//! the timeout of a write closes its connection.

use std::{pin::pin, time::Duration};

use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use super::{
    RequestService,
    http2::{Arrived, Backpressure},
    limits::{ConnectionLimits, DRAIN_TIMEOUT},
    peer::Peer,
    request_body::RequestBody,
};

/// Limit for the headers of a request, and so for the time between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// Limit for the client to read more of a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Headers of a request, and bytes of all of them. Browsers send about twenty.
const MAX_HEADERS: usize = 64;
const MAX_BUFFER_BYTES: usize = 16 * 1024;

/// Serves a connection until the peer closes it, it reaches its age limit, or `drain` becomes true.
pub(super) async fn serve_connection<IO>(
    io: IO,
    peer: Peer,
    service: impl RequestService,
    limits: &ConnectionLimits,
    mut drain: watch::Receiver<bool>,
) where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut io = TimeoutStream::new(io);
    io.set_write_timeout(Some(WRITE_TIMEOUT));
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(RequestBody::from);
        request.extensions_mut().insert(peer.clone());
        request.extensions_mut().insert(Backpressure::default());
        request.extensions_mut().insert(Arrived::now());
        service.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Box::pin(io)), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = drain.wait_for(|drain| *drain) => None,
        () = sleep(limits.max_age) => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(DRAIN_TIMEOUT, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "connection failed"),
        Err(_) => tracing::debug!("connection cut: its request did not finish in time"),
    }
}
