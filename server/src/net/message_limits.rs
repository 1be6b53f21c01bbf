//! Bounds the messages of a request while they come in: how large one may be, how long it may take, and how much of unfinished ones
//! the server holds in all.
//!
//! tonic keeps what has come of a message until the rest is there, and hyper gives the peer its window back meanwhile: without this
//! whoever may call at all, and nobody must be known for a look at the server's health, could have 4 MiB of every stream kept.

use std::{
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use hyper::body::Bytes;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tonic::{Code, Status};

use super::length_prefix::Framing;
use crate::{
    error::ServiceError,
    grpc::{method::Method, status::explained},
    reason,
};

/// How long a message may take that has begun to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of unfinished messages the server holds. Whoever's would be more has to come again.
const MOST_UNFINISHED_BYTES: usize = 256 * 1024 * 1024;
/// A byte for compression and four for the length (gRPC over HTTP/2, "Length-Prefixed-Message").
const PREFIX_BYTES: usize = 5;
/// What asks about health or for descriptors.
const MOST_OF_OTHERS: usize = 4 * 1024;

/// How much of unfinished messages is held, seen from one connection; shared by its clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unfinished(Arc<OfConnection>);

#[derive(Debug, Default)]
struct OfConnection {
    all_bytes: Arc<AtomicUsize>,
}

impl Unfinished {
    /// The same for another connection. Each counts its own clones, of which every call has some.
    pub(super) fn of_connection(&self) -> Self {
        Self(Arc::new(OfConnection { all_bytes: Arc::clone(&self.0.all_bytes) }))
    }

    fn all_bytes(&self) -> &AtomicUsize {
        &self.0.all_bytes
    }
}

/// A part of it, given back when this goes.
#[derive(Debug)]
struct Held {
    of: Unfinished,
    bytes: usize,
}

impl Held {
    /// Holds so much from now on. Says whether there is room for it.
    fn set(&mut self, bytes: usize) -> bool {
        let before = mem::replace(&mut self.bytes, bytes);
        // Most messages come whole, and share nothing that is written.
        if bytes <= before {
            if bytes < before {
                self.of.all_bytes().fetch_sub(before - bytes, Relaxed);
            }
            return true;
        }
        let more = bytes - before;
        self.of.all_bytes().fetch_add(more, Relaxed) + more <= MOST_UNFINISHED_BYTES
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// The length of a message, if it may have it.
fn length([_, length @ ..]: [u8; PREFIX_BYTES], most_bytes: usize) -> Result<usize, Status> {
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length <= most_bytes {
        return Ok(length);
    }
    let most = most_bytes / 1024;
    let message =
        format!("a message is larger than {most} KiB, the most that this method takes; send less at once");
    Err(explained(Code::OutOfRange, reason::MESSAGE_TOO_LARGE, &message))
}

pin_project! {
    /// A request whose messages are bounded.
    pub(super) struct Messages<B> {
        #[pin]
        inner: B,
        most_bytes: usize,
        framing: Framing<PREFIX_BYTES>,
        held: Held,
        // Until when the rest of a message must be there.
        rest: Option<Pin<Box<Sleep>>>,
    }
}

impl<B> Messages<B> {
    pub(super) fn new(inner: B, path: &str, unfinished: &Unfinished) -> Self {
        let most_bytes = Method::of(path).map_or(MOST_OF_OTHERS, Method::most_bytes);
        let held = Held { of: unfinished.clone(), bytes: 0 };
        Self { inner, most_bytes, framing: Framing::after(0), held, rest: None }
    }
}

impl<B: Body<Data = Bytes, Error: Into<tonic::codegen::StdError>>> Body for Messages<B> {
    type Data = Bytes;
    type Error = tonic::codegen::StdError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let polled = this.inner.poll_frame(context);
        if polled.is_pending() && this.framing.begun() > 0 {
            let rest = this.rest.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
            ready!(rest.as_mut().poll(context));
            this.held.set(0);
            return Poll::Ready(Some(Err(Status::from(ServiceError::DeadlineExceeded).into())));
        }
        let Some(frame) = ready!(polled).transpose().map_err(Into::into)? else { return Poll::Ready(None) };
        if let Some(data) = frame.data_ref() {
            let before = this.framing.begun();
            this.framing.pass(data, |prefix| length(*prefix, *this.most_bytes))?;
            let begun = this.framing.begun();
            if begun != before + data.len() {
                // Another message.
                *this.rest = None;
            }
            // What came of a message that is whole by now is its method's.
            if !this.held.set(begun) {
                return Poll::Ready(Some(Err(Status::from(ServiceError::Busy).into())));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};
    use tokio_stream::wrappers::UnboundedReceiverStream;

    use super::*;

    const SEARCH: &str = "/nearby.v1.NearbyService/SearchNearby";

    fn message(bytes: usize) -> Vec<u8> {
        let length = u32::try_from(bytes).unwrap().to_be_bytes();
        [&[0][..], &length, &vec![7; bytes]].concat()
    }

    #[tokio::test(start_paused = true)]
    async fn messages_that_are_too_large_or_never_end_are_ended_and_give_back_what_they_held() {
        let unfinished = Unfinished::default();
        let held = || unfinished.all_bytes().load(Relaxed);
        let body = || {
            let (send, frames) = tokio::sync::mpsc::unbounded_channel::<Result<Frame<Bytes>, Status>>();
            let body =
                Messages::new(StreamBody::new(UnboundedReceiverStream::new(frames)), SEARCH, &unfinished);
            (move |bytes: Vec<u8>| send.send(Ok(Frame::data(bytes.into()))).unwrap(), Box::pin(body))
        };
        let code = |error: tonic::codegen::StdError| error.downcast::<Status>().unwrap().code();

        let (send, mut large) = body();
        send(message(Method::of(SEARCH).unwrap().most_bytes() + 1)[..5].to_vec());
        assert_eq!(code(large.frame().await.unwrap().unwrap_err()), Code::OutOfRange);

        let (send, mut slow) = body();
        send(message(1_000));
        send(message(1_000)[..900].to_vec());
        slow.frame().await.unwrap().unwrap();
        assert_eq!(held(), 0);
        slow.frame().await.unwrap().unwrap();
        assert_eq!(held(), 900);
        let began = tokio::time::Instant::now();
        assert_eq!(code(slow.frame().await.unwrap().unwrap_err()), Code::DeadlineExceeded);
        assert_eq!((began.elapsed().as_secs(), held()), (PATIENCE.as_secs(), 0));

        // Between messages a stream may rest for as long as it likes.
        let (send, mut resting) = body();
        send(message(1_000));
        resting.frame().await.unwrap().unwrap();
        assert!(tokio::time::timeout(PATIENCE * 10, resting.frame()).await.is_err());

        let (send, mut partly) = body();
        send(message(1_000)[..10].to_vec());
        partly.frame().await.unwrap().unwrap();
        unfinished.all_bytes().fetch_add(MOST_UNFINISHED_BYTES, Relaxed);
        send(vec![7; 10]);
        assert_eq!(code(partly.frame().await.unwrap().unwrap_err()), Code::Unavailable);
        drop(partly);
        assert_eq!(held(), MOST_UNFINISHED_BYTES);
    }
}
