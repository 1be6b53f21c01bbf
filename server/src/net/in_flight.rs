//! Counts the calls that are not finished: from the first byte of the request to the last of the answer.
//!
//! A stop waits for these and for nothing else. Streams that never end by themselves (health watches, reflection) are not
//! counted for it: they have nothing to finish. A connection counts all that it has: it is not idle while there is any.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tonic::body::Body;
use tower::{Layer, Service};

use super::Peer;
use crate::grpc::middleware::metrics::{Measured, Measures};
use crate::telemetry::{metrics::Metrics, traces::Traces};

/// The number of calls under way, of the server or of a connection; shared by its clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallsUnderWay(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    begun: AtomicUsize,
}

impl CallsUnderWay {
    /// How many there are.
    pub(crate) fn now(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    /// Whether there is none.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.now.load(Ordering::SeqCst) == 0
    }

    /// How many have begun so far.
    pub(crate) fn begun(&self) -> usize {
        self.0.begun.load(Ordering::SeqCst)
    }

    fn enter(&self) -> UnderWay {
        self.0.now.fetch_add(1, Ordering::SeqCst);
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        UnderWay(Arc::clone(&self.0))
    }
}

/// Counts calls and measures them, as a layer.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    calls: CallsUnderWay,
    measures: Measures,
}

impl Counting {
    pub(crate) fn new(calls: CallsUnderWay, metrics: &Metrics, traces: Option<Traces>) -> Self {
        Self { calls, measures: Measures::new(metrics, traces) }
    }
}

/// One call, for as long as this lives.
#[derive(Debug)]
struct UnderWay(Arc<Counts>);

/// A call, as the server counts and measures it, and as its connection counts it.
#[derive(Debug, Default)]
struct Call {
    _of_server: Option<UnderWay>,
    _of_connection: Option<UnderWay>,
    measured: Option<Measured>,
}

impl Call {
    fn look(&mut self, headers: &HeaderMap) {
        if let Some(measured) = &mut self.measured {
            measured.look(headers);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<S> Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, counting: self.clone() }
    }
}

/// A service whose calls are counted.
#[derive(Clone, Debug)]
pub(crate) struct Counted<S> {
    inner: S,
    counting: Counting,
}

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for Counted<S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = CountedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let call = Call {
            _of_server: path.starts_with("/nearby.").then(|| self.counting.calls.enter()),
            _of_connection: request.extensions().get::<Peer>().map(|peer| peer.calls.enter()),
            measured: self.counting.measures.begin(path, request.headers()),
        };
        CountedFuture { inner: self.inner.call(request), call }
    }
}

pin_project! {
    /// A call until its answer begins.
    pub(crate) struct CountedFuture<F> {
        #[pin]
        inner: F,
        call: Call,
    }
}

impl<F: Future<Output = Result<Response<Body>, E>>, E> Future for CountedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answered = ready!(this.inner.poll(context));
        let mut call = std::mem::take(this.call);
        Poll::Ready(answered.map(|response| {
            call.look(response.headers());
            response.map(|inner| Body::new(CountedBody { inner, call }))
        }))
    }
}

pin_project! {
    /// A call until its answer is sent.
    struct CountedBody {
        #[pin]
        inner: Body,
        call: Call,
    }
}

impl HttpBody for CountedBody {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let polled = this.inner.poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            this.call.look(trailers);
        }
        polled
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
    use std::convert::Infallible;

    use tower::service_fn;

    use super::*;

    #[tokio::test]
    async fn a_call_is_under_way_until_its_answer_is_sent() {
        let calls = CallsUnderWay::default();
        let answer = |_| async { Ok::<_, Infallible>(Response::new(Body::new("answer".to_owned()))) };
        let metrics = Metrics::new().unwrap();
        let mut service = Counting::new(calls.clone(), &metrics, None).layer(service_fn(answer));
        let request = |path: &str| Request::builder().uri(path).body(Body::empty()).unwrap();

        let ours = service.call(request("/nearby.v1.NearbyService/SearchNearby"));
        assert!(!calls.is_quiet(), "asked");
        let response = ours.await.unwrap();
        assert!(!calls.is_quiet(), "answered, but not sent");
        drop(response);
        assert!(calls.is_quiet(), "sent");

        drop(service.call(request("/nearby.v1.NearbyService/SearchNearby")));
        assert!(calls.is_quiet(), "a caller that went away is not waited for");

        let watch = service.call(request("/grpc.health.v1.Health/Watch")).await.unwrap();
        assert!(calls.is_quiet(), "a watch is not waited for");
        drop(watch);
    }
}
