//! Futures and streams that work slice by slice, each with a permit of the work queue.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use futures_util::Stream;
use pin_project_lite::pin_project;

use super::work_queue::{Work, WorkSlot};
use crate::error::ServiceError;

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
        ScheduledStream { inner, slot: self.slot() }
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
    /// A stream that needs a permit for each poll.
    #[derive(Debug)]
    pub(crate) struct ScheduledStream<S> {
        #[pin]
        inner: S,
        slot: WorkSlot,
    }
}

impl<T, E: From<ServiceError>, S: Stream<Item = Result<T, E>>> Stream for ScheduledStream<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        match ready!(this.slot.poll_permit(None, context)) {
            Ok(_permit) => this.inner.poll_next(context),
            Err(error) => Poll::Ready(Some(Err(error.into()))),
        }
    }
}
