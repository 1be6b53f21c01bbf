//! Limits messages while they arrive: the size of one, the time it takes, and the memory of all incomplete ones.
//!
//! tonic buffers a message until it is complete, and hyper returns flow-control window to the peer meanwhile. Without these
//! limits any client, even one that may only check the server's health, could make the server buffer 4 MiB per stream.

use std::{
    error::Error,
    mem,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use pin_project_lite::pin_project;
use thiserror::Error;
use tokio::time::{Sleep, sleep, timeout};

use super::length_prefix::FrameScanner;

/// Limit for the rest of a message to arrive.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of incomplete messages in the whole server. The message that would exceed it is rejected.
const MAX_PENDING_BYTES: usize = 256 * 1024 * 1024;
/// A byte for compression and four for the length (gRPC over HTTP/2, "Length-Prefixed-Message").
pub(crate) const PREFIX_BYTES: usize = 5;

/// Why a message was rejected while it arrived.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum MessageLimitError {
    /// It is longer than its method allows.
    #[error("message larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: usize,
    },
    /// The rest of it did not arrive in time.
    #[error("message incomplete for too long")]
    Timeout,
    /// The server buffers as many incomplete messages as it may.
    #[error("too many bytes of incomplete messages")]
    TooManyPending,
}

/// Bytes of incomplete messages in the whole server, as one connection counts them; clones share it.
///
/// Each connection has an `Arc` of its own around the shared counter: every call clones and drops some, and connections
/// must not contend for one reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct PendingBytes(Arc<PerConnection>);

#[derive(Debug, Default)]
struct PerConnection {
    total: Arc<AtomicUsize>,
}

impl PendingBytes {
    /// The same count for another connection.
    pub(super) fn for_connection(&self) -> Self {
        Self(Arc::new(PerConnection { total: Arc::clone(&self.0.total) }))
    }

    fn total(&self) -> &AtomicUsize {
        &self.0.total
    }
}

/// The share of one request in the pending bytes, returned when it is dropped.
#[derive(Debug)]
struct PendingShare {
    pending: PendingBytes,
    bytes: usize,
}

impl PendingShare {
    /// Changes the share. Returns whether the total is within the limit.
    fn set(&mut self, bytes: usize) -> bool {
        let before = mem::replace(&mut self.bytes, bytes);
        // Most messages arrive complete and write to no shared counter.
        if bytes <= before {
            if bytes < before {
                self.pending.total().fetch_sub(before - bytes, Relaxed);
            }
            return true;
        }
        let more = bytes - before;
        self.pending.total().fetch_add(more, Relaxed) + more <= MAX_PENDING_BYTES
    }
}

impl Drop for PendingShare {
    fn drop(&mut self) {
        self.set(0);
    }
}

fn message_length(
    [_, length @ ..]: [u8; PREFIX_BYTES],
    max_bytes: usize,
) -> Result<usize, MessageLimitError> {
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length <= max_bytes { Ok(length) } else { Err(MessageLimitError::TooLarge { max_bytes }) }
}

pin_project! {
    /// A request body whose length-prefixed messages are limited. The error is a [`MessageLimitError`] or the inner body's.
    pub(crate) struct MessageLimitBody<B> {
        #[pin]
        inner: B,
        max_message_bytes: usize,
        scanner: FrameScanner<PREFIX_BYTES>,
        share: PendingShare,
        // Runs while a message is incomplete.
        timeout: Option<Pin<Box<Sleep>>>,
    }
}

impl<B> MessageLimitBody<B> {
    pub(crate) fn new(inner: B, max_message_bytes: usize, pending: &PendingBytes) -> Self {
        let share = PendingShare { pending: pending.clone(), bytes: 0 };
        Self { inner, max_message_bytes, scanner: FrameScanner::after(0), share, timeout: None }
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Body for MessageLimitBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let polled = this.inner.poll_frame(context);
        if polled.is_pending() && this.scanner.partial_bytes() > 0 {
            let timeout = this.timeout.get_or_insert_with(|| Box::pin(sleep(MESSAGE_TIMEOUT)));
            ready!(timeout.as_mut().poll(context));
            this.share.set(0);
            return Poll::Ready(Some(Err(MessageLimitError::Timeout.into())));
        }
        let Some(frame) = ready!(polled).transpose().map_err(Into::into)? else { return Poll::Ready(None) };
        if let Some(data) = frame.data_ref() {
            let before = this.scanner.partial_bytes();
            this.scanner.scan(data, |prefix| message_length(*prefix, *this.max_message_bytes))?;
            let partial = this.scanner.partial_bytes();
            if partial != before + data.len() {
                // Another message started.
                *this.timeout = None;
            }
            // Bytes of messages that are now complete belong to the handler.
            if !this.share.set(partial) {
                return Poll::Ready(Some(Err(MessageLimitError::TooManyPending.into())));
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

/// Reads a body that is one message without a prefix. The error is a [`MessageLimitError`] or the body's.
pub(crate) async fn collect<B>(body: B, max_bytes: usize, pending: &PendingBytes) -> Result<Bytes, BoxError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut share = PendingShare { pending: pending.clone(), bytes: 0 };
    let mut body = pin!(body);
    let mut collected = Vec::new();
    let read = async {
        while let Some(frame) = body.as_mut().frame().await.transpose().map_err(Into::into)? {
            let Ok(data) = frame.into_data() else { continue };
            if collected.len() + data.len() > max_bytes {
                return Err(MessageLimitError::TooLarge { max_bytes }.into());
            }
            if !share.set(collected.len() + data.len()) {
                return Err(MessageLimitError::TooManyPending.into());
            }
            collected.extend_from_slice(&data);
        }
        Ok::<_, BoxError>(())
    };
    timeout(MESSAGE_TIMEOUT, read).await.map_err(|_| MessageLimitError::Timeout)??;
    Ok(collected.into())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{BodyExt, StreamBody};
    use tokio_stream::wrappers::UnboundedReceiverStream;

    use super::*;

    const MAX_BYTES: usize = 128 * 1024;

    fn message(bytes: usize) -> Vec<u8> {
        let length = u32::try_from(bytes).unwrap().to_be_bytes();
        [&[0][..], &length, &vec![7; bytes]].concat()
    }

    #[tokio::test(start_paused = true)]
    async fn messages_that_are_too_large_or_incomplete_fail_and_return_their_pending_bytes() {
        let pending = PendingBytes::default();
        let total = || pending.total().load(Relaxed);
        let body = || {
            let (send, frames) = tokio::sync::mpsc::unbounded_channel::<Result<Frame<Bytes>, Infallible>>();
            let frames = StreamBody::new(UnboundedReceiverStream::new(frames));
            let body = MessageLimitBody::new(frames, MAX_BYTES, &pending);
            (move |bytes: Vec<u8>| send.send(Ok(Frame::data(bytes.into()))).unwrap(), Box::pin(body))
        };
        let limit_error = |error: BoxError| *error.downcast::<MessageLimitError>().unwrap();

        let (send, mut large) = body();
        send(message(MAX_BYTES + 1)[..5].to_vec());
        let error = limit_error(large.frame().await.unwrap().unwrap_err());
        assert_eq!(error, MessageLimitError::TooLarge { max_bytes: MAX_BYTES });

        let (send, mut slow) = body();
        send(message(1_000));
        send(message(1_000)[..900].to_vec());
        slow.frame().await.unwrap().unwrap();
        assert_eq!(total(), 0);
        slow.frame().await.unwrap().unwrap();
        assert_eq!(total(), 900);
        let start = tokio::time::Instant::now();
        assert_eq!(limit_error(slow.frame().await.unwrap().unwrap_err()), MessageLimitError::Timeout);
        assert_eq!((start.elapsed(), total()), (MESSAGE_TIMEOUT, 0));

        // There is no limit for the time between messages.
        let (send, mut resting) = body();
        send(message(1_000));
        resting.frame().await.unwrap().unwrap();
        assert!(tokio::time::timeout(MESSAGE_TIMEOUT * 10, resting.frame()).await.is_err());

        let (send, mut partly) = body();
        send(message(1_000)[..10].to_vec());
        partly.frame().await.unwrap().unwrap();
        pending.total().fetch_add(MAX_PENDING_BYTES, Relaxed);
        send(vec![7; 10]);
        assert_eq!(
            limit_error(partly.frame().await.unwrap().unwrap_err()),
            MessageLimitError::TooManyPending
        );
        drop(partly);
        assert_eq!(total(), MAX_PENDING_BYTES);
    }
}
