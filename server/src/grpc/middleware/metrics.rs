//! Counts and times calls, from the arrival of the request until the response has been sent, and traces them.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Body as _;
use opentelemetry::propagation::Extractor;
use tonic::{Status, body::Body};

use super::{BodyObserver, GrpcService, Middleware, ObservedBody, PolledFrame, call};
use crate::{
    grpc::method::{METHODS, Route},
    net::{
        http2::Arrived,
        in_flight::{InFlight, InFlightGuard},
        peer::Peer,
    },
    telemetry::{
        metrics::{MethodMetrics, Metrics},
        traces::{CallSpan, Traces},
    },
};

/// Counts, times and traces calls.
#[derive(Clone, Debug)]
pub(crate) struct CallMetrics(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    in_flight: InFlight,
    methods: [MethodMetrics; METHODS.len()],
    traces: Option<Traces>,
}

impl CallMetrics {
    pub(crate) fn new(in_flight: InFlight, metrics: &Metrics, traces: Option<Traces>) -> Self {
        let methods = METHODS.map(|method| metrics.of_method(method.path));
        Self(Arc::new(Shared { in_flight, methods, traces }))
    }

    /// Health checks and reflection count only for their connection, which is not idle meanwhile: their streams never end
    /// by themselves, and a shutdown does not wait for them.
    fn start(&self, request: &Request<Body>) -> Call {
        let of_connection = request.extensions().get::<Peer>().map(|peer| peer.in_flight.enter());
        let Route::Method(at) = Route::of(request) else {
            return Call { _of_connection: of_connection, measured: None };
        };
        let shared = &*self.0;
        let method = &shared.methods[at];
        method.begin();
        let headers = TraceHeaders(request.headers());
        let span = shared.traces.as_ref().map(|traces| traces.begin(&headers, method.service, method.method));
        let measured = MeasuredCall {
            _in_flight: shared.in_flight.enter(),
            shared: Arc::clone(&self.0),
            at,
            since: Arrived::of(request),
            code: CANCELLED,
            span,
        };
        Call { _of_connection: of_connection, measured: Some(measured) }
    }
}

impl Middleware for CallMetrics {
    async fn handle(self, request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        let mut measured = self.start(&request);
        let response = call(inner, request).await;
        measured.read_status(response.headers());
        ObservedBody::observe(response, measured)
    }
}

/// The headers that carry the caller's trace context.
struct TraceHeaders<'a>(&'a HeaderMap);

impl Extractor for TraceHeaders<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// The code of a call that is dropped before it has a status.
const CANCELLED: usize = 1;

/// A call until its response has been sent, or dropped.
#[derive(Debug)]
struct Call {
    _of_connection: Option<InFlightGuard>,
    measured: Option<MeasuredCall>,
}

/// A call of the contract.
#[derive(Debug)]
struct MeasuredCall {
    _in_flight: InFlightGuard,
    shared: Arc<Shared>,
    at: usize,
    since: Instant,
    code: usize,
    span: Option<CallSpan>,
}

impl Call {
    /// Takes the status from headers, where a response without a message has it, or from trailers.
    fn read_status(&mut self, headers: &HeaderMap) {
        let Some(measured) = &mut self.measured else { return };
        let code = headers.get("grpc-status").and_then(|value| value.to_str().ok()?.parse().ok());
        measured.code = code.unwrap_or(measured.code);
    }
}

impl BodyObserver for Call {
    fn poll_frame(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Result<PolledFrame, Status> {
        let polled = body.poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            self.read_status(trailers);
        }
        Ok(polled)
    }
}

impl Drop for MeasuredCall {
    fn drop(&mut self) {
        self.shared.methods[self.at].end(self.code, self.since.elapsed());
        if let Some(span) = self.span.take() {
            span.end(self.code);
        }
    }
}

#[cfg(test)]
mod tests {
    use tower::{Layer, Service, service_fn};

    use super::*;
    use crate::grpc::middleware::middleware;

    #[tokio::test]
    async fn a_call_is_in_flight_until_its_response_has_been_sent() {
        let in_flight = InFlight::default();
        let respond =
            |_| async { Ok::<_, std::convert::Infallible>(Response::new(Body::new("response".to_owned()))) };
        let layer = CallMetrics::new(in_flight.clone(), &Metrics::new().unwrap(), None);
        let mut service = middleware(layer).layer(service_fn(respond));
        let request = |path: &str| {
            let request = Request::builder().uri(path).extension(Route::of_path(path));
            request.body(Body::empty()).unwrap()
        };

        let response = service.call(request("/nearby.v1.NearbyService/SearchNearby")).await.unwrap();
        assert_eq!(in_flight.count(), 1, "the response has not been sent");
        drop(response);
        assert_eq!(in_flight.count(), 0, "the response has been sent");

        let mut cancelled = service.call(request("/nearby.v1.NearbyService/SearchNearby"));
        drop(futures_util::poll!(&mut cancelled));
        drop(cancelled);
        assert_eq!(in_flight.count(), 0, "the client has cancelled the call");

        let watch = service.call(request("/grpc.health.v1.Health/Watch")).await.unwrap();
        assert_eq!(in_flight.count(), 0, "shutdown does not wait for a health watch");
        drop(watch);
    }
}
