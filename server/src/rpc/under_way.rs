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

use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tonic::body::Body;
use tower::{Layer, Service};

use super::transport::Peer;

/// The number of calls under way; shared by its clones. As a layer it counts them, for the server and for the connection
/// that they come on.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallsUnderWay(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    begun: AtomicUsize,
}

impl CallsUnderWay {
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

/// One call, for as long as this lives.
#[derive(Debug)]
struct UnderWay(Arc<Counts>);

/// A call, as the server and as its connection count it.
type Calls = (Option<UnderWay>, Option<UnderWay>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<S> Layer<S> for CallsUnderWay {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, calls: self.clone() }
    }
}

/// A service whose calls are counted.
#[derive(Clone, Debug)]
pub(crate) struct Counted<S> {
    inner: S,
    calls: CallsUnderWay,
}

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for Counted<S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = CountedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_ours = request.uri().path().starts_with("/nearby.");
        let connection = request.extensions().get::<Peer>().map(|peer| peer.calls.enter());
        let call = (is_ours.then(|| self.calls.enter()), connection);
        CountedFuture { inner: self.inner.call(request), call }
    }
}

pin_project! {
    /// A call until its answer begins.
    pub(crate) struct CountedFuture<F> {
        #[pin]
        inner: F,
        call: Calls,
    }
}

impl<F: Future<Output = Result<Response<Body>, E>>, E> Future for CountedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answered = ready!(this.inner.poll(context));
        let call = std::mem::take(this.call);
        Poll::Ready(answered.map(|response| match call {
            (None, None) => response,
            call => response.map(|inner| Body::new(CountedBody { inner, call })),
        }))
    }
}

pin_project! {
    /// A call until its answer is sent.
    struct CountedBody {
        #[pin]
        inner: Body,
        call: Calls,
    }
}

impl HttpBody for CountedBody {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.project().inner.poll_frame(context)
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
        let mut service = calls.layer(service_fn(answer));
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
