//! Explains the errors that are made below this house: tonic's, of calls that never reached a handler.
//!
//! They come with a code and a message and nothing else; here they get the google.rpc.ErrorInfo that every other
//! error has, and the code that fits where tonic's does not: a message that cannot be read is the caller's fault.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};

use crate::grpc::status::explained;
use crate::reason;

/// Explains the errors of calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Explanations;

impl<S> Layer<S> for Explanations {
    type Service = Explained<S>;

    fn layer(&self, inner: S) -> Explained<S> {
        Explained { inner }
    }
}

/// A service whose errors are explained.
#[derive(Clone, Debug)]
pub(crate) struct Explained<S> {
    inner: S,
}

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for Explained<S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ExplainedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_ours = request.uri().path().starts_with("/nearby.");
        ExplainedFuture { inner: self.inner.call(request), is_ours }
    }
}

pin_project! {
    /// A call until its answer begins.
    pub(crate) struct ExplainedFuture<F> {
        #[pin]
        inner: F,
        is_ours: bool,
    }
}

impl<F: Future<Output = Result<Response<Body>, E>>, E> Future for ExplainedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answered = ready!(this.inner.poll(context));
        // Most errors are of this house: to take one apart and put it together again costs as much as to make it.
        let is_to_be = |answer: &Response<Body>| *this.is_ours && !answer.headers().contains_key(DETAILS);
        Poll::Ready(answered.map(|answer| {
            match Some(&answer).filter(|answer| is_to_be(answer)).and_then(error_of) {
                Some(status) => explain(&status).into_http(),
                None => answer,
            }
        }))
    }
}

/// Where tonic puts the details of a status.
const DETAILS: &str = "grpc-status-details-bin";

fn error_of(answer: &Response<Body>) -> Option<Status> {
    Status::from_header_map(answer.headers()).filter(|status| status.code() != Code::Ok)
}

/// An error from below with its explanation; one that has details already stays as it is.
pub(crate) fn explained_below(status: Status) -> Status {
    if status.details().is_empty() { explain(&status) } else { status }
}

/// How tonic calls what it cannot read; all else that it calls INTERNAL is not the caller's.
const OF_REQUESTS: [&str; 5] =
    ["decode", "decoding", "Missing request message", "compression flag", "compressed"];

pub(crate) fn explain(status: &Status) -> Status {
    let message = status.message();
    match status.code() {
        Code::Unimplemented if message.contains("compressed") => explained(
            Code::Unimplemented,
            reason::ENCODING_UNSUPPORTED,
            "the server takes no compressed messages; send them as they are",
        ),
        Code::Unimplemented => {
            explained(Code::Unimplemented, reason::METHOD_UNKNOWN, "there is no such method in nearby.v1")
        }
        Code::OutOfRange => explained(
            Code::OutOfRange,
            reason::MESSAGE_TOO_LARGE,
            "a message is larger than 4 MiB, the most that the server takes; send less at once",
        ),
        Code::Internal if OF_REQUESTS.iter().any(|words| message.contains(words)) => explained(
            Code::InvalidArgument,
            reason::MESSAGE_MALFORMED,
            "the message is not the one of this method",
        ),
        code => explained(code, reason::INTERNAL, message),
    }
}
