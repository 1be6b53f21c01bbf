//! Sheds load: rejects requests for which the server has no time, before they consume any. See `overload` for the detectors.

use std::{
    future::poll_fn,
    sync::{Arc, LazyLock},
    task::Poll,
    time::Instant,
};

use http::{HeaderMap, Request, Response};
use tonic::{Status, body::Body};

use super::{GrpcService, Middleware, call, deadline::Deadline, request_setup::Arrived};
use crate::{
    error::ServiceError,
    grpc::method::Route,
    overload::{queue_delay::QueueDelay, work_queue::WorkQueue},
};

/// Rejects requests while the server is overloaded.
#[derive(Clone, Debug)]
pub(crate) struct LoadShed {
    queue_delay: Arc<QueueDelay>,
    /// The queue of bulk work.
    bulk: WorkQueue,
}

impl LoadShed {
    pub(crate) fn new(queue_delay: QueueDelay, bulk: WorkQueue) -> Self {
        Self { queue_delay: Arc::new(queue_delay), bulk }
    }
}

impl Middleware for LoadShed {
    async fn handle(self, request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        // Health checks and reflection are never rejected.
        let Some(method) = Route::of(&request).method() else { return call(inner, request).await };
        go_to_end_of_queue().await;
        let now = Instant::now();
        let waited = now.saturating_duration_since(Arrived::of(&request));
        // Bulk work that its queue would reject is rejected here, before its request is read.
        let is_admitted = self.queue_delay.admits(method.class, waited, now)
            && !(method.is_queued() && self.bulk.rejects(method.class));
        if !is_admitted {
            return rejection();
        }
        if request.extensions().get::<Deadline>().is_some_and(|deadline| deadline.has_passed()) {
            return Status::from(ServiceError::DeadlineExceeded).into_http();
        }
        call(inner, request).await
    }
}

/// Goes to the end of the worker's queue, once: a worker runs its newest task first, so that the time until the first poll
/// would say nothing about the queue.
async fn go_to_end_of_queue() {
    let mut is_queued = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_queued, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The rejection, encoded once: an overloaded server has no time to encode each.
fn rejection() -> Response<Body> {
    static HEADERS: LazyLock<HeaderMap> =
        LazyLock::new(|| Status::from(ServiceError::Overloaded).into_http::<Body>().headers().clone());

    let mut response = Response::new(Body::empty());
    *response.headers_mut() = HEADERS.clone();
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_has_details_and_a_retry_delay() {
        let rejection = rejection();
        assert_eq!(rejection.headers()["grpc-status"], "14");
        assert!(rejection.headers().contains_key("grpc-retry-pushback-ms"));
        assert!(rejection.headers().contains_key("grpc-status-details-bin"));
    }
}
