//! Sheds load: lets the work of a call begin when it is its principal's turn, or rejects it before it consumes anything. See
//! `overload`.

use std::{
    num::NonZeroU32,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::Context,
    time::Duration,
};

use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use tonic::{Status, body::Body};

use super::{BodyObserver, GrpcService, Middleware, ObservedBody, PolledFrame, call, deadline::Deadline};
use crate::{
    auth::principal::Principal,
    error::ServiceError,
    grpc::method::{Method, Route},
    net::{
        http2::Arrived,
        peer::{Peer, client_subnet},
    },
    overload::{
        fair_queue::FlowId,
        principal_limits::Held,
        work_queue::{RETRY_DELAYS, Work, WorkQueue},
    },
};

/// Schedules calls, and rejects those of overloaded principals.
#[derive(Clone, Debug)]
pub(crate) struct LoadShed(pub(crate) WorkQueue);

impl Middleware for LoadShed {
    async fn handle(self, mut request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        // Health checks and reflection are neither queued nor rejected.
        let Some(method) = Route::of(&request).method() else { return call(inner, request).await };
        let work = self.work_of(&request, method);
        work.flow.metrics.record_request();
        let held = match method.resource().map(|resource| work.acquire(resource)).transpose() {
            Ok(held) => held,
            Err(error) => return Status::from(error).into_http(),
        };
        let peer = request.extensions().get::<Peer>();
        let read_throttle = peer.map(|peer| {
            peer.unread.set_principal(work.flow.id);
            peer.read_throttle.clone()
        });
        let (arrived, deadline) = (Arrived::of(&request), request.extensions().get::<Deadline>().copied());
        request.extensions_mut().insert(work.clone());
        let handled = async {
            if deadline.is_some_and(Deadline::has_passed) {
                return Status::from(ServiceError::DeadlineExceeded).into_http();
            }
            call(inner, request).await
        };
        let handled = work.schedule_new(handled, arrived).await;
        let response = handled.unwrap_or_else(|error| match error {
            ServiceError::Overloaded(retry_delay) => {
                read_throttle.inspect(|throttle| throttle.record_shed());
                rejection(retry_delay)
            }
            other => Status::from(other).into_http(),
        });
        match held {
            Some(held) => ObservedBody::observe(response, held),
            None => response,
        }
    }
}

impl BodyObserver for Held {
    fn poll_frame(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Result<PolledFrame, Status> {
        Ok(body.poll_frame(context))
    }
}

impl LoadShed {
    fn work_of(&self, request: &Request<Body>, method: &Method) -> Work {
        let address = request.extensions().get::<Peer>().and_then(|peer| peer.address);
        let subnet = address.map(client_subnet);
        match request.extensions().get::<Arc<Principal>>() {
            Some(principal) => {
                let flow = (FlowId(principal.id(subnet)), principal.share);
                let names = || (principal.label.clone(), principal.display_name(subnet).into_owned());
                self.0.work_of(flow, method.class, &names)
            }
            None => self.0.work_of((FlowId(0), NonZeroU32::MIN), method.class, &Default::default),
        }
    }
}

/// The rejection, encoded once for each retry delay: an overloaded server has no time to encode each.
fn rejection(retry_delay: Duration) -> Response<Body> {
    static HEADERS: LazyLock<[(Duration, HeaderMap); RETRY_DELAYS.len()]> = LazyLock::new(|| {
        RETRY_DELAYS.map(|delay| {
            let response = Status::from(ServiceError::Overloaded(delay)).into_http::<Body>();
            (delay, response.headers().clone())
        })
    });

    let Some((_, headers)) = HEADERS.iter().find(|(delay, _)| *delay == retry_delay) else {
        return Status::from(ServiceError::Overloaded(retry_delay)).into_http();
    };
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = headers.clone();
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_has_details_and_the_retry_delay_of_the_queue() {
        for delay in RETRY_DELAYS {
            let rejection = rejection(delay);
            let encoded = Status::from(ServiceError::Overloaded(delay)).into_http::<Body>();
            assert_eq!(rejection.headers(), encoded.headers());
            assert_eq!(rejection.headers()["grpc-status"], "14");
            let pushback_ms = delay.as_millis().to_string();
            assert_eq!(rejection.headers()["grpc-retry-pushback-ms"], *pushback_ms);
            assert!(rejection.headers().contains_key("grpc-status-details-bin"));
        }
    }
}
