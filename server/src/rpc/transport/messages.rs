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

use crate::{
    error::ServiceError,
    reason,
    rpc::{method::Method, status::explained},
};

/// How long a message may take that has begun to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of unfinished messages the server holds. Whoever's would be more has to come again.
const MOST_UNFINISHED_BYTES: usize = 256 * 1024 * 1024;
/// A byte for compression and four for the length (gRPC over HTTP/2, "Length-Prefixed-Message").
const PREFIX_BYTES: usize = 5;
/// What asks about health or for descriptors.
const MOST_OF_OTHERS: usize = 4 * 1024;

/// How much of unfinished messages is held; shared by its clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unfinished(Arc<AtomicUsize>);

/// A part of it, given back when this goes.
#[derive(Debug)]
struct Held {
    of: Unfinished,
    bytes: usize,
}

impl Held {
    /// Takes more, if there is room.
    fn grow(&mut self, bytes: usize) -> Result<(), ServiceError> {
        self.bytes += bytes;
        let before = self.of.0.fetch_add(bytes, Relaxed);
        if before + bytes > MOST_UNFINISHED_BYTES { Err(ServiceError::Busy) } else { Ok(()) }
    }

    fn release(&mut self) {
        self.of.0.fetch_sub(mem::take(&mut self.bytes), Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

/// Where in a message what has come ends.
#[derive(Clone, Copy, Debug)]
struct Progress {
    most_bytes: usize,
    prefix: [u8; PREFIX_BYTES],
    /// How much of it is there.
    known: usize,
    /// How much of the message is to come after it.
    missing: usize,
}

impl Progress {
    fn new(most_bytes: usize) -> Self {
        Self { most_bytes, prefix: [0; PREFIX_BYTES], known: 0, missing: 0 }
    }

    fn is_within(self) -> bool {
        self.known > 0 || self.missing > 0
    }

    /// Goes over what has come, and says how much of it belongs to a message that is not whole.
    fn pass(&mut self, mut data: &[u8]) -> Result<usize, Status> {
        let mut begun = 0;
        while !data.is_empty() {
            if self.missing == 0 {
                if self.known == 0 {
                    begun = 0;
                }
                let part = data.len().min(PREFIX_BYTES - self.known);
                self.prefix[self.known..self.known + part].copy_from_slice(&data[..part]);
                (self.known, data, begun) = (self.known + part, &data[part..], begun + part);
                if self.known == PREFIX_BYTES {
                    let [_, length @ ..] = self.prefix;
                    (self.known, self.missing) = (0, self.checked(u32::from_be_bytes(length))?);
                }
            } else {
                let part = data.len().min(self.missing);
                (self.missing, data, begun) = (self.missing - part, &data[part..], begun + part);
            }
        }
        Ok(if self.is_within() { begun } else { 0 })
    }

    fn checked(self, length: u32) -> Result<usize, Status> {
        usize::try_from(length).ok().filter(|length| *length <= self.most_bytes).ok_or_else(|| {
            let most = self.most_bytes / 1024;
            let message = format!(
                "a message is larger than {most} KiB, the most that this method takes; send less at once"
            );
            explained(Code::OutOfRange, reason::MESSAGE_TOO_LARGE, &message)
        })
    }
}

pin_project! {
    /// A request whose messages are bounded.
    pub(super) struct Messages<B> {
        #[pin]
        inner: B,
        progress: Progress,
        held: Held,
        // Until when the rest of a message must be there.
        rest: Option<Pin<Box<Sleep>>>,
    }
}

impl<B> Messages<B> {
    pub(super) fn new(inner: B, path: &str, unfinished: &Unfinished) -> Self {
        let most = Method::of(path).map_or(MOST_OF_OTHERS, Method::most_bytes);
        let held = Held { of: unfinished.clone(), bytes: 0 };
        Self { inner, progress: Progress::new(most), held, rest: None }
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
        if polled.is_pending() && this.progress.is_within() {
            let rest = this.rest.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
            ready!(rest.as_mut().poll(context));
            this.held.release();
            return Poll::Ready(Some(Err(Status::from(ServiceError::DeadlineExceeded).into())));
        }
        let Some(frame) = ready!(polled).transpose().map_err(Into::into)? else { return Poll::Ready(None) };
        if let Some(data) = frame.data_ref() {
            let was_within = this.progress.is_within();
            let begun = this.progress.pass(data)?;
            // What came of a message that is whole by now is its method's.
            if !was_within || begun < data.len() {
                this.held.release();
                *this.rest = None;
            }
            this.held.grow(begun).map_err(Status::from)?;
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
    use proptest::prelude::*;
    use tokio_stream::wrappers::UnboundedReceiverStream;

    use super::*;

    const SEARCH: &str = "/nearby.v1.NearbyService/SearchNearby";

    fn message(bytes: usize) -> Vec<u8> {
        let length = u32::try_from(bytes).unwrap().to_be_bytes();
        [&[0][..], &length, &vec![7; bytes]].concat()
    }

    proptest! {
        #[test]
        fn what_is_unfinished_is_counted_however_it_is_cut(
            sizes in prop::collection::vec(0usize..40, 1..8),
            cuts in prop::collection::vec(1usize..50, 1..40),
        ) {
            let all: Vec<u8> = sizes.iter().flat_map(|size| message(*size)).collect();
            let mut ends = vec![0];
            ends.extend(sizes.iter().scan(0, |at, size| { *at += size + PREFIX_BYTES; Some(*at) }));
            let (mut progress, mut at, mut held) = (Progress::new(100), 0, 0);
            for cut in cuts {
                let next = (at + cut).min(all.len());
                let was_within = progress.is_within();
                let begun = progress.pass(&all[at..next]).unwrap();
                if !was_within || begun < next - at {
                    held = 0;
                }
                held += begun;
                let last = ends.iter().rev().find(|end| **end <= next).unwrap();
                prop_assert_eq!((held, progress.is_within()), (next - last, next > *last));
                at = next;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn messages_that_are_too_large_or_never_end_are_ended_and_give_back_what_they_held() {
        let unfinished = Unfinished::default();
        let held = || unfinished.0.load(Relaxed);
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
        unfinished.0.fetch_add(MOST_UNFINISHED_BYTES, Relaxed);
        send(vec![7; 10]);
        assert_eq!(code(partly.frame().await.unwrap().unwrap_err()), Code::Unavailable);
        drop(partly);
        assert_eq!(held(), MOST_UNFINISHED_BYTES);
    }
}
