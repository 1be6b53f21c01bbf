//! Adds details to the errors that tonic makes, of calls that never reach a handler.
//!
//! They have a code and a message only. This layer gives them the google.rpc.ErrorInfo that all other errors have, and a
//! better code where tonic's misleads: a message that cannot be decoded is the caller's fault.

use http::{Request, Response};
use tonic::{Code, Status, body::Body};

use super::{GrpcService, Middleware, call};
use crate::{
    grpc::{
        method::{MAX_MESSAGE_BYTES, Route},
        status::with_reason,
        unknown_method::unknown_method,
    },
    reason,
};

/// Adds details to errors that have none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorDetails {
    /// True if the server serves reflection.
    pub(crate) has_reflection: bool,
}

impl Middleware for ErrorDetails {
    async fn handle(self, request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        // Health checks and reflection, whose errors are tonic's, and methods that do not exist.
        let other = Route::of(&request).method().is_none().then(|| request.uri().clone());
        let response = call(inner, request).await;
        // Most errors are ours. To decode one and to encode it again would cost as much as to make it.
        if response.headers().contains_key("grpc-status-details-bin") {
            return response;
        }
        let status = Status::from_header_map(response.headers()).filter(|status| status.code() != Code::Ok);
        match (status, other) {
            (Some(status), Some(uri)) if status.code() == Code::Unimplemented => {
                unknown_method(uri.path(), self.has_reflection).into_http()
            }
            (Some(status), None) => details_for(&status).into_http(),
            (Some(_), Some(_)) | (None, _) => response,
        }
    }
}

/// Adds details to an error of tonic; an error that has details stays as it is.
pub(crate) fn with_details(status: Status) -> Status {
    if status.details().is_empty() { details_for(&status) } else { status }
}

/// Parts of tonic's INTERNAL messages about requests that it cannot decode. Any other INTERNAL is the server's fault.
const DECODE_ERRORS: [&str; 5] =
    ["decode", "decoding", "Missing request message", "compression flag", "compressed"];

/// The error of ours that tonic's error means.
pub(crate) fn details_for(status: &Status) -> Status {
    let message = status.message();
    match status.code() {
        Code::Unimplemented if message.contains("compressed") => with_reason(
            Code::Unimplemented,
            reason::ENCODING_UNSUPPORTED,
            "compressed messages are not supported; send them uncompressed",
        ),
        // tonic's code for a message above its own limit, which `net::message_limits` normally reports first.
        Code::OutOfRange => with_reason(
            Code::ResourceExhausted,
            reason::MESSAGE_TOO_LARGE,
            &format!("message larger than {} MiB; send less per message", MAX_MESSAGE_BYTES >> 20),
        ),
        Code::Internal if DECODE_ERRORS.iter().any(|part| message.contains(part)) => with_reason(
            Code::InvalidArgument,
            reason::MESSAGE_MALFORMED,
            "the message cannot be decoded as the request of this method",
        ),
        code => with_reason(code, reason::INTERNAL, message),
    }
}
