//! One HTTP/1.1 connection, for the listener that also serves browsers.
//!
//! hyper polls the body of a response only while the socket accepts bytes, so that a response to a client that does not read ends when
//! the timeout of a write closes its connection, or sooner if the server holds too many unread responses.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use http::Request;
use http_body::{Body, Frame, SizeHint};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use pin_project_lite::pin_project;
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
    unread::{ConnectionUnread, Eviction, ResponseBytes},
};

/// Limit for the headers of a request, and so for the time between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// Limit for the client to read more of a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Headers of a request, and bytes of all of them. Browsers send about twenty.
const MAX_HEADERS: usize = 64;
const MAX_BUFFER_BYTES: usize = 16 * 1024;

/// Serves a connection until the peer closes it, it reaches its age limit, or `drain` becomes true. Returns the reason if the server
/// closes it for the memory that it takes.
pub(super) async fn serve_connection<IO>(
    io: IO,
    peer: Peer,
    service: impl RequestService,
    limits: &ConnectionLimits,
    drain: watch::Receiver<bool>,
) -> Option<Eviction>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let unread = peer.unread.clone();
    tokio::select! {
        () = serve_until_closed(io, peer, service, limits, drain) => None,
        eviction = unread.evicted() => Some(eviction),
    }
}

async fn serve_until_closed<IO>(
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
        let unread = peer.unread.clone();
        let called = service.clone().oneshot(request);
        async move { called.await.map(|response| response.map(|body| CountedBody { body, unread })) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER_BYTES)
        // Bytes of a response are written as they are: a copy in a buffer would not count as unread.
        .writev(true);
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

pin_project! {
    /// The body of a response, whose bytes count as unread until they are written.
    struct CountedBody<B> {
        #[pin]
        body: B,
        unread: ConnectionUnread,
    }
}

impl<B: Body<Data = Bytes>> Body for CountedBody<B> {
    type Data = ResponseBytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<ResponseBytes>, B::Error>>> {
        let this = self.project();
        let frame = this.body.poll_frame(context);
        frame.map_ok(|frame| frame.map_data(|bytes| ResponseBytes::new(bytes, this.unread)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::Response;
    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::{super::unread::Unread, *};

    const BODY: Bytes = Bytes::from_static(&[b'x'; 800]);

    #[tokio::test]
    async fn responses_count_as_unread_until_they_are_written_and_close_their_connection_beyond_the_limit() {
        let unread = Unread::new(1_000);
        let peer = Peer { unread: unread.for_connection(), ..Peer::default() };
        let service = tower::service_fn(|_: Request<RequestBody>| async {
            Ok::<_, Infallible>(Response::new(Full::new(BODY)))
        });
        // Holds less than a response.
        let (mut client, io) = duplex(64);
        let (_drain, drained) = watch::channel(false);
        let served = tokio::spawn(async move {
            serve_connection(io, peer, service, &ConnectionLimits::default(), drained).await
        });
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
        client.write_all(request).await.unwrap();
        let mut received = Vec::new();
        while !received.ends_with(b"\r\n\r\n") {
            received.push(client.read_u8().await.unwrap());
        }
        assert!(String::from_utf8(received).unwrap().contains("content-length: 800\r\n"));
        assert_eq!(unread.response_bytes(), 800);
        client.read_exact(&mut [0; 800]).await.unwrap();
        assert_eq!(unread.response_bytes(), 0);

        client.write_all(request).await.unwrap();
        client.read_u8().await.unwrap();
        let other = unread.for_connection();
        let _held = ResponseBytes::new(BODY.slice(..300), &other);
        assert_eq!(served.await.unwrap(), Some(Eviction::Responses));
        assert_eq!(unread.response_bytes(), 300);
    }
}
