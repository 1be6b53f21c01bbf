//! Serves the requests of one HTTP/2 connection, over `h2`.
//!
//! hyper's own server has no setting for the budget of small DATA frames, does not poll the body of a response while the client keeps
//! the window of its stream closed, so that deadlines pass unnoticed, and hides the bytes that wait for the client.
//!
//! As in hyper, the connection's task reads and writes frames, and each request has a task of its own.

mod arrived;
mod backpressure;
mod response;

use std::{
    convert::Infallible,
    error::Error,
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
};

use h2::{
    PingPong, Reason, RecvStream,
    server::{Builder, Connection, SendResponse},
};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt;

pub(crate) use self::{
    arrived::Arrived,
    backpressure::{Backpressure, BackpressureObserver},
};
use super::{
    RequestService,
    limits::{
        CONNECTION_WINDOW_BYTES, MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_BYTES, MAX_LOCAL_ERROR_RESETS,
        MAX_PENDING_RESETS, SEND_BUFFER_BYTES, STREAM_WINDOW_BYTES,
    },
    peer::Peer,
    request_body::RequestBody,
    stream_body::StreamBody,
    unread::{ConnectionUnread, ResponseBytes},
};

/// Requests that a connection starts before it yields: its others wait until the runtime has run these, so that the requests of other
/// connections do not wait behind a hundred calls of this one, each of which takes 10 to 30 µs before it waits for its turn.
const MAX_STARTS_PER_POLL: usize = 4;

/// One HTTP/2 connection.
pub(super) struct Http2Connection<IO, S> {
    connection: Connection<IO, ResponseBytes>,
    service: S,
    peer: Peer,
    /// The time since which requests wait to be started.
    arrived: Option<Arrived>,
}

impl<IO, S> Http2Connection<IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: RequestService,
{
    /// Sends the settings of the server and reads the preface of the client.
    ///
    /// # Errors
    /// Those of the socket.
    pub(super) async fn handshake(io: IO, peer: Peer, service: S) -> Result<Self, h2::Error> {
        let connection = Builder::new()
            .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .max_local_error_reset_streams(Some(MAX_LOCAL_ERROR_RESETS))
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buffer_size(SEND_BUFFER_BYTES)
            // No client is disconnected for its small frames, which `unread` bounds.
            .data_frame_budget(usize::MAX)
            .handshake(io)
            .await?;
        Ok(Self { connection, service, peer, arrived: None })
    }

    /// The PING frames of the connection: only the first call returns them.
    pub(super) fn take_pings(&mut self) -> Option<PingPong> {
        self.connection.ping_pong()
    }

    /// Sends GOAWAY, lets calls in flight finish, and accepts those that were sent before the peer received it.
    pub(super) fn drain(&mut self) {
        self.connection.graceful_shutdown();
    }

    /// Ends all streams, and sends GOAWAY with the reason once the connection is served again.
    pub(super) fn close(&mut self, reason: Reason) {
        self.connection.abrupt_shutdown(reason);
    }

    /// Serves until the connection has ended.
    ///
    /// # Errors
    /// Those of the socket, and the protocol errors of the peer.
    pub(super) async fn serve(&mut self) -> Result<(), h2::Error> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        for _ in 0..MAX_STARTS_PER_POLL {
            match self.connection.poll_accept(context) {
                Poll::Ready(Some(accepted)) => {
                    let (request, response) = accepted?;
                    let arrived = *self.arrived.get_or_insert_with(Arrived::now);
                    self.start(arrived, request, response);
                }
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    self.arrived = None;
                    return Poll::Pending;
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn start(&self, arrived: Arrived, request: Request<RecvStream>, response: SendResponse<ResponseBytes>) {
        let backpressure = Backpressure::default();
        let unread = self.peer.unread.clone();
        let frames = unread.accept(response.stream_id().as_u32());
        let mut request = request.map(|stream| RequestBody::from(StreamBody::new(stream, frames)));
        request.extensions_mut().insert(self.peer.clone());
        request.extensions_mut().insert(backpressure.clone());
        request.extensions_mut().insert(arrived);
        let handled = self.service.clone().oneshot(request);
        tokio::spawn(handle(handled, response, backpressure, unread));
    }
}

/// Handles a request until its response is sent, or its client resets it.
async fn handle<B>(
    handled: impl Future<Output = Result<Response<B>, Infallible>>,
    mut stream: SendResponse<ResponseBytes>,
    backpressure: Backpressure,
    unread: ConnectionUnread,
) where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let response = {
        let mut handled = pin!(handled);
        poll_fn(|context| match handled.as_mut().poll(context) {
            Poll::Ready(response) => Poll::Ready(Some(response)),
            // The future of a call that its client gave up, or whose connection has ended, is dropped.
            Poll::Pending => stream.poll_reset(context).map(|_| None),
        })
        .await
    };
    let Some(response) = response else { return };
    let Ok::<_, Infallible>(response) = response;
    response::send(response, stream, backpressure, unread).await;
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use tokio::io::duplex;
    use tower::service_fn;

    use super::*;

    #[tokio::test]
    async fn a_connection_with_many_requests_yields_after_a_few() {
        let (near, far) = duplex(100_000);
        let called = Arc::new(AtomicUsize::new(0));
        let service = {
            let called = Arc::clone(&called);
            service_fn(move |_: Request<RequestBody>| {
                called.fetch_add(1, SeqCst);
                async { Ok::<_, Infallible>(Response::new(http_body_util::Empty::<Bytes>::new())) }
            })
        };
        let client = tokio::spawn(async move {
            let (mut requests, connection) = h2::client::handshake(far).await.unwrap();
            tokio::spawn(connection);
            let request = || Request::get("http://server/").body(()).unwrap();
            let responses: Vec<_> =
                (0..50).map(|_| requests.send_request(request(), true).unwrap().0).collect();
            futures_util::future::try_join_all(responses).await.unwrap().len()
        });
        let mut connection = Http2Connection::handshake(near, Peer::default(), service).await.unwrap();
        let mut max_started = 0;
        while !client.is_finished() {
            let before = called.load(SeqCst);
            drop(futures_util::poll!(pin!(connection.serve())));
            // The runtime has one thread: the calls run before the connection is polled again.
            tokio::task::yield_now().await;
            max_started = max_started.max(called.load(SeqCst) - before);
        }
        assert_eq!(client.await.unwrap(), 50);
        assert_eq!(max_started, MAX_STARTS_PER_POLL);
    }
}
