//! Layers around the services; `grpc::server` lists them in order, with the reason for the place of each.
//!
//! A layer is a [`Middleware`]: one async function that calls the service inside it. Layers that must see the end of a
//! response, and not only its start, wrap its body in an [`ObservedBody`].

pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod catch_panic;
mod credential_check;
pub(crate) mod deadline;
pub(crate) mod error_details;
pub(crate) mod load_shed;
pub(crate) mod metrics;
pub(crate) mod rate_limit;
pub(crate) mod request_setup;
pub(crate) mod require_grpc;
pub(crate) mod return_cost;
pub(crate) mod revision;

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Bytes;
use pin_project_lite::pin_project;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use crate::net::http2::Backpressure;

/// A service inside a layer.
pub(crate) trait GrpcService:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> GrpcService for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// One layer: handles a call with the service inside it.
pub(crate) trait Middleware: Clone + Send + 'static {
    fn handle(
        self,
        request: Request<Body>,
        inner: impl GrpcService,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// Calls the inner service, which cannot fail: gRPC's errors are responses.
pub(crate) async fn call(mut inner: impl GrpcService, request: Request<Body>) -> Response<Body> {
    match inner.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The tower layer of a middleware.
pub(crate) const fn middleware<M: Middleware>(middleware: M) -> MiddlewareLayer<M> {
    MiddlewareLayer(middleware)
}

#[derive(Clone)]
pub(crate) struct MiddlewareLayer<M>(M);

impl<M: Middleware, S> Layer<S> for MiddlewareLayer<M> {
    type Service = MiddlewareService<M, S>;

    fn layer(&self, inner: S) -> MiddlewareService<M, S> {
        MiddlewareService { middleware: self.0.clone(), inner }
    }
}

/// A service with a middleware around it.
#[derive(Clone)]
pub(crate) struct MiddlewareService<M, S> {
    middleware: M,
    inner: S,
}

impl<M: Middleware, S: GrpcService> Service<Request<Body>> for MiddlewareService<M, S> {
    type Response = Response<Body>;
    type Error = Infallible;
    // One allocation per layer, below a thousandth of a call's cost, in place of a future type by hand for each layer.
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The service that is ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let handled = self.middleware.clone().handle(request, inner);
        Box::pin(async { Ok(handled.await) })
    }
}

/// The backpressure of the response to a request; none of a request that came over no connection, as in tests.
pub(crate) fn backpressure_of(request: &Request<Body>) -> Backpressure {
    request.extensions().get().cloned().unwrap_or_default()
}

/// The result of polling a body for its next frame.
pub(crate) type PolledFrame = Poll<Option<Result<Frame<Bytes>, Status>>>;

/// Observes the body of a response until it has been sent, or dropped.
pub(crate) trait BodyObserver: Send + 'static {
    /// Polls the next frame of the body.
    ///
    /// # Errors
    /// A status ends the response at once: its trailers take the place of the next frame.
    fn poll_frame(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Result<PolledFrame, Status>;
}

pin_project! {
    /// The body of a response, with its observer.
    pub(crate) struct ObservedBody<O> {
        #[pin]
        inner: Body,
        observer: O,
        is_ended: bool,
    }
}

impl<O: BodyObserver> ObservedBody<O> {
    /// Has `observer` observe the body of a response.
    pub(crate) fn observe(response: Response<Body>, observer: O) -> Response<Body> {
        response.map(|inner| Body::new(Self { inner, observer, is_ended: false }))
    }
}

impl<O: BodyObserver> HttpBody for ObservedBody<O> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        if *this.is_ended {
            return Poll::Ready(None);
        }
        this.observer.poll_frame(this.inner, context).unwrap_or_else(|status| {
            *this.is_ended = true;
            let mut trailers = HeaderMap::new();
            // The details of our own errors are valid headers. Otherwise the stream ends without a status, also an error.
            drop(status.add_header(&mut trailers));
            Poll::Ready(Some(Ok(Frame::trailers(trailers))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.is_ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // An observer may end the body early.
        SizeHint::default()
    }
}
