//! A handler that panics is a fault of this program, and no reason for its caller to hang: the call ends with INTERNAL, and the
//! connection and all other calls go on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use crate::error::ServiceError;
use crate::grpc::method::Method;

const PANICKED: ServiceError = ServiceError::Internal("a fault of the server; its log says where");

/// Catches the panics of calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Panics;

impl<S> Layer<S> for Panics {
    type Service = Caught<S>;

    fn layer(&self, inner: S) -> Caught<S> {
        Caught { inner }
    }
}

/// A service whose panics are caught.
#[derive(Clone, Debug)]
pub(crate) struct Caught<S> {
    inner: S,
}

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for Caught<S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = CaughtFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // One message is made before the answer begins; what goes on is made while it is sent.
        let goes_on = Method::of(request.uri().path()).is_none_or(|method| !method.is_unary);
        CaughtFuture { inner: self.inner.call(request), goes_on }
    }
}

pin_project! {
    /// A call until its answer begins.
    pub(crate) struct CaughtFuture<F> {
        #[pin]
        inner: F,
        goes_on: bool,
    }
}

impl<F: Future<Output = Result<Response<Body>, E>>, E> Future for CaughtFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // What a call holds goes with it; what calls share is made so that it stays whole.
        match catch_unwind(AssertUnwindSafe(|| this.inner.poll(context))) {
            Ok(Poll::Ready(Ok(response))) if *this.goes_on => {
                Poll::Ready(Ok(response.map(|inner| Body::new(CaughtBody { inner, is_over: false }))))
            }
            Ok(polled) => polled,
            Err(_) => Poll::Ready(Ok(Status::from(PANICKED).into_http())),
        }
    }
}

pin_project! {
    /// An answer until it is sent.
    struct CaughtBody {
        #[pin]
        inner: Body,
        is_over: bool,
    }
}

impl HttpBody for CaughtBody {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        if *this.is_over {
            return Poll::Ready(None);
        }
        catch_unwind(AssertUnwindSafe(|| this.inner.poll_frame(context))).unwrap_or_else(|_| {
            *this.is_over = true;
            let mut trailers = HeaderMap::new();
            // Its own details are valid in a header; if ever not, the stream ends without a status, an error too.
            drop(Status::from(PANICKED).add_header(&mut trailers));
            Poll::Ready(Some(Ok(Frame::trailers(trailers))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Body as _;
    use tonic::Code;
    use tower::service_fn;

    use super::*;

    fn request(method: &str) -> Request<Body> {
        Request::builder().uri(format!("/nearby.v1.NearbyService/{method}")).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_for() {
        let handler = |_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::new(String::from_utf8(vec![0xFF]).unwrap())))
        };
        let answer = Panics.layer(service_fn(handler)).call(request("SearchNearby")).await.unwrap();
        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.details().is_empty());
    }

    /// Panics when it is asked for its first frame.
    struct Broken;

    impl HttpBody for Broken {
        type Data = <Body as HttpBody>::Data;
        type Error = Status;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
            String::from_utf8(vec![0xFF]).unwrap();
            Poll::Ready(None)
        }
    }

    #[tokio::test]
    async fn so_is_an_answer_that_panics_half_way() {
        let handler = |_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::new(Broken))) };
        let answer = Panics.layer(service_fn(handler)).call(request("StreamSearchNearby")).await.unwrap();
        let mut body = answer.into_body();
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let trailers = frame.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(Status::from_header_map(&trailers).unwrap().code(), Code::Internal);
        assert!(body.is_end_stream());
    }
}
