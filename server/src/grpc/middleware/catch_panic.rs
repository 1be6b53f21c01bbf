//! Turns a panic of a handler into INTERNAL. The connection and all other calls go on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Context,
};

use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body as _;
use tonic::{Status, body::Body};

use super::{BodyObserver, GrpcService, Middleware, ObservedBody, PolledFrame, call};
use crate::{error::ServiceError, grpc::method::Route};

const PANICKED: ServiceError = ServiceError::Internal("the request handler panicked; see the server's log");

/// Catches panics of calls and of the streams that they return.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CatchPanic;

impl Middleware for CatchPanic {
    async fn handle(self, request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        // A unary response is complete before it starts; the messages of a stream are made while it is sent.
        let is_unary = Route::of(&request).is_unary();
        // Unwind safety: what a call holds is dropped with it, and shared state is never left inconsistent between two steps.
        match AssertUnwindSafe(call(inner, request)).catch_unwind().await {
            Ok(response) if is_unary => response,
            Ok(response) => ObservedBody::observe(response, CatchPanic),
            Err(_) => Status::from(PANICKED).into_http(),
        }
    }
}

impl BodyObserver for CatchPanic {
    fn poll_frame(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Result<PolledFrame, Status> {
        catch_unwind(AssertUnwindSafe(|| body.poll_frame(context))).map_err(|_| PANICKED.into())
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, task::Poll};

    use http_body::{Body as HttpBody, Frame};
    use hyper::body::Bytes;
    use tonic::Code;
    use tower::{Layer, Service, service_fn};

    use super::*;
    use crate::grpc::middleware::middleware;

    fn request(method: &str) -> Request<Body> {
        let path = format!("/nearby.v1.NearbyService/{method}");
        Request::builder().extension(Route::of_path(&path)).uri(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_panic_of_a_handler_is_an_internal_error() {
        let handler = |_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::new(String::from_utf8(vec![0xFF]).unwrap())))
        };
        let mut service = middleware(CatchPanic).layer(service_fn(handler));
        let response = service.call(request("SearchNearby")).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.details().is_empty());
    }

    /// Panics at its first frame.
    struct Broken;

    impl HttpBody for Broken {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            String::from_utf8(vec![0xFF]).unwrap();
            Poll::Ready(None)
        }
    }

    #[tokio::test]
    async fn a_panic_of_a_stream_ends_it_with_an_internal_error() {
        let handler = |_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::new(Broken))) };
        let mut service = middleware(CatchPanic).layer(service_fn(handler));
        let response = service.call(request("StreamSearchNearby")).await.unwrap();
        let mut body = response.into_body();
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let trailers = frame.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(Status::from_header_map(&trailers).unwrap().code(), Code::Internal);
        assert!(body.is_end_stream());
    }
}
