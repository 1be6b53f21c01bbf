//! Futures and streams that work slice by slice, each with a permit of the work queue.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use futures_util::Stream;
use pin_project_lite::pin_project;

use nearby_proto::Encoded;

use super::{
    slice,
    work_queue::{Work, WorkSlot},
};
use crate::error::ServiceError;

/// Bytes of the messages that a stream produces in one slice. Until they are sent, no limit of unread bytes counts them; a frame of the
/// response takes twice as many.
const MAX_SLICE_BYTES: usize = 16 * 1024;

pin_project! {
    /// A future that needs a permit for each poll.
    #[derive(Debug)]
    pub(crate) struct Scheduled<F> {
        #[pin]
        inner: F,
        slot: WorkSlot,
        // The arrival of a request that has not started, and may be shed.
        new_since: Option<Instant>,
    }
}

#[cfg(test)]
impl<F> Scheduled<F> {
    pub(super) const fn inner_ref(&self) -> &F {
        &self.inner
    }
}

impl Work {
    /// Schedules work that has started.
    pub(crate) fn schedule<F: Future>(&self, inner: F) -> Scheduled<F> {
        Scheduled { inner, slot: self.slot(), new_since: None }
    }

    /// Schedules a request, which is shed if its principal is overloaded.
    pub(crate) fn schedule_new<F: Future>(&self, inner: F, arrived: Instant) -> Scheduled<F> {
        Scheduled { inner, slot: self.slot(), new_since: Some(arrived) }
    }

    /// Schedules the messages of a response.
    pub(crate) fn schedule_stream<S: Stream>(&self, inner: S) -> ScheduledStream<S> {
        ScheduledStream { inner, slot: self.slot(), produced: VecDeque::new(), is_ended: false }
    }
}

impl<F: Future> Future for Scheduled<F> {
    type Output = Result<F::Output, ServiceError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _permit = ready!(this.slot.poll_permit(*this.new_since, context))?;
        *this.new_since = None;
        this.inner.poll(context).map(Ok)
    }
}

pin_project! {
    /// A stream that produces messages with permits. A slice produces all messages that are ready, up to [`MAX_SLICE_BYTES`]: with a
    /// permit for each message, a search of a stream cost a tenth more.
    pub(crate) struct ScheduledStream<S: Stream> {
        #[pin]
        inner: S,
        slot: WorkSlot,
        // Messages that the last slice produced.
        produced: VecDeque<S::Item>,
        is_ended: bool,
    }
}

impl<T, E: From<ServiceError>, S: Stream<Item = Result<Encoded<T>, E>>> Stream for ScheduledStream<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if let Some(message) = this.produced.pop_front() {
            return Poll::Ready(Some(message));
        }
        if *this.is_ended {
            return Poll::Ready(None);
        }
        let _permit = match ready!(this.slot.poll_permit(None, context)) {
            Ok(permit) => permit,
            Err(error) => return Poll::Ready(Some(Err(error.into()))),
        };
        let first = ready!(this.inner.as_mut().poll_next(context));
        let mut bytes = len(&first);
        *this.is_ended = !matches!(first, Some(Ok(_)));
        while !*this.is_ended && bytes < MAX_SLICE_BYTES && !slice::is_over() {
            // What is not ready is polled again, with the next permit.
            let Poll::Ready(next) = this.inner.as_mut().poll_next(context) else { break };
            bytes += len(&next);
            *this.is_ended = !matches!(next, Some(Ok(_)));
            this.produced.extend(next);
        }
        Poll::Ready(first)
    }
}

fn len<T, E>(message: &Option<Result<Encoded<T>, E>>) -> usize {
    message.as_ref().and_then(|message| message.as_ref().ok()).map_or(0, |message| message.as_bytes().len())
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use tonic::Status;

    use super::*;
    use crate::overload::{class::Class, fair_queue::FlowId, work_queue::WorkQueue};

    fn work() -> (WorkQueue, Work) {
        let queue = WorkQueue::of_test();
        let work = queue.work_of((FlowId(1), 1.try_into().unwrap()), Class::Bulk, &Default::default);
        (queue, work)
    }

    fn message(number: u32) -> Result<Encoded<u32>, Status> {
        Ok(Encoded::from_bytes(vec![u8::try_from(number % 256).unwrap(); 1_000]))
    }

    #[tokio::test]
    async fn a_slice_produces_the_messages_that_are_ready() {
        let (queue, work) = work();
        // After each third message the next one is late, and after 100 an error is last.
        let inner = stream::iter(0..200).then(|number| async move {
            if number % 3 == 0 {
                tokio::task::yield_now().await;
            }
            if number < 100 { message(number) } else { Err(Status::internal("fault")) }
        });
        let mut scheduled = Box::pin(work.schedule_stream(Box::pin(inner)));
        for number in 0..100 {
            let produced = scheduled.next().await.unwrap().unwrap();
            assert_eq!(produced.as_bytes(), message(number).unwrap().as_bytes());
        }
        assert_eq!(scheduled.next().await.unwrap().unwrap_err().message(), "fault");
        assert!(scheduled.next().await.is_none());
        let slices = queue.slices();
        assert!((34..=102).contains(&slices), "{slices}");
    }

    #[tokio::test]
    async fn a_slice_produces_no_more_than_the_bytes_that_a_frame_takes() {
        let (_queue, work) = work();
        let slice = async || {
            let mut asked = 0;
            let inner = stream::iter(0..1_000).map(|number| {
                asked += 1;
                message(number)
            });
            let mut scheduled = Box::pin(work.schedule_stream(inner));
            assert!(scheduled.next().await.is_some());
            drop(scheduled);
            asked
        };
        // A slice also ends after `MAX_SLICE`, which can elapse while the thread does not run.
        let mut longest = 0;
        for _ in 0..200 {
            longest = longest.max(slice().await);
        }
        assert_eq!(longest, 17);
    }
}
