//! Read-your-writes across the nodes of a cluster: responses carry a revision than which they contain nothing newer, and a request
//! waits until the node has reached the revision that its caller has seen.
//!
//! Without `nearby-min-revision` a call never waits.

use std::{pin::Pin, sync::Arc, task::Context, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Body as _, Frame};
use nearby_index::Revision;
use tokio::sync::Semaphore;
use tonic::{Status, body::Body};

use super::{BodyObserver, GrpcService, Middleware, ObservedBody, PolledFrame, call, deadline::Deadline};
use crate::{
    error::ServiceError,
    grpc::method::Route,
    reason,
    service::{MAX_REVISION_WAIT, ServiceHandle},
};

/// The header with the revision that a response must be at least as new as.
const MIN_REVISION: &str = "nearby-min-revision";
/// The header of a unary response, or the trailer of a stream, with the caller's next minimum: the response contains nothing newer.
const REVISION: HeaderName = HeaderName::from_static("nearby-revision");
/// The trailer with the time for which the node has known of something newer than it has applied, in milliseconds.
const STALENESS_MS: HeaderName = HeaderName::from_static("nearby-staleness-ms");
/// Calls that wait at a time. Further ones fail at once.
const MAX_WAITING: usize = 1_024;
/// Part of the caller's remaining time after which a call fails, so that the caller receives the reason.
const WAIT_FRACTION: f64 = 0.9;

/// Waits for revisions, and returns them.
#[derive(Clone, Debug)]
pub(crate) struct Revisions {
    handle: ServiceHandle,
    waiting: Arc<Semaphore>,
}

impl Revisions {
    pub(crate) fn new(handle: ServiceHandle) -> Self {
        Self { handle, waiting: Arc::new(Semaphore::new(MAX_WAITING)) }
    }

    /// Waits until the server has reached a revision.
    async fn wait(&self, min: Revision, deadline: Deadline) -> Result<(), ServiceError> {
        let service = self.handle.service()?;
        let now = service.snapshot().revision();
        if now >= min {
            return Ok(());
        }
        let not_reached = ServiceError::RevisionNotReached { asked: min, now };
        let _permit = self.waiting.try_acquire().map_err(|_| not_reached)?;
        let remaining =
            deadline.remaining().map_or(Duration::MAX, |remaining| remaining.mul_f64(WAIT_FRACTION));
        service.wait_for_revision(min, remaining.min(MAX_REVISION_WAIT)).await
    }

    fn revision(&self) -> Option<HeaderValue> {
        Some(HeaderValue::from(self.handle.service().ok()?.snapshot().revision().0))
    }

    fn staleness(&self) -> Option<HeaderValue> {
        let service = self.handle.service().ok()?;
        service.cluster.as_ref()?.staleness_ms().map(HeaderValue::from)
    }
}

impl Middleware for Revisions {
    async fn handle(self, request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        let Some(method) = Route::of(&request).method() else { return call(inner, request).await };
        let min = match min_revision(request.headers()) {
            Ok(min) => min,
            Err(error) => return Status::from(error).into_http(),
        };
        if let Some(min) = min {
            let deadline = request.extensions().get().copied().unwrap_or_default();
            if let Err(error) = self.wait(min, deadline).await {
                return Status::from(error).into_http();
            }
        }
        let mut response = call(inner, request).await;
        // A response without a message has its trailers in the headers.
        let is_whole = response.headers().contains_key("grpc-status");
        if method.is_unary || is_whole {
            // After the handler, so that the caller has seen nothing newer.
            insert(response.headers_mut(), REVISION, self.revision());
            let staleness = self.staleness();
            if is_whole {
                insert(response.headers_mut(), STALENESS_MS, staleness);
                return response;
            }
            if staleness.is_none() {
                return response;
            }
        }
        ObservedBody::observe(response, Trailers { revisions: self, is_unary: method.is_unary })
    }
}

/// Adds the trailers.
struct Trailers {
    revisions: Revisions,
    is_unary: bool,
}

impl BodyObserver for Trailers {
    fn poll_frame(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Result<PolledFrame, Status> {
        Ok(body.poll_frame(context).map_ok(|frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                if !self.is_unary {
                    insert(&mut trailers, REVISION, self.revisions.revision());
                }
                insert(&mut trailers, STALENESS_MS, self.revisions.staleness());
                Frame::trailers(trailers)
            }
            Err(data) => data,
        }))
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

fn min_revision(headers: &HeaderMap) -> Result<Option<Revision>, ServiceError> {
    let mut values = headers.get_all(MIN_REVISION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let revision = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match (revision.and_then(|text| text.parse().ok()), values.next()) {
        (Some(revision), None) => Ok(Some(Revision(revision))),
        _ => Err(ServiceError::invalid(
            MIN_REVISION,
            reason::HEADER_INVALID,
            "must be a revision, as of the header or trailer nearby-revision, sent once; leave it out for no minimum",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_is_a_revision_that_is_sent_once() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(MIN_REVISION, value.parse().unwrap());
            }
            min_revision(&headers)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["0"]), Ok(Some(Revision(0))));
        assert_eq!(read(&["18446744073709551615"]), Ok(Some(Revision(u64::MAX))));
        for wrong in [&[""][..], &["-1"], &["+1"], &["x"], &["18446744073709551616"], &["1", "1"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
