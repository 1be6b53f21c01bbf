//! Prepares a request for the layers: looks its method up, once, and limits its messages.

use std::{error::Error, time::Duration};

use http::Request;
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use hyper::body::Bytes;
use tonic::{Code, Status, body::Body};

use crate::{
    error::ServiceError,
    grpc::{
        method::Route,
        request_bounds::{BoundedBody, RequestBounds},
        status::with_reason,
    },
    net::{
        message_limits::{MessageLimitBody, MessageLimitError},
        peer::Peer,
    },
    reason,
};

/// Retry delay when too many bytes of incomplete messages wait: half a second at 1 Gbit/s is a quarter of their limit.
const PENDING_RETRY_DELAY: Duration = Duration::from_millis(500);

/// Prepares a request.
pub(crate) fn request_setup<B>(request: Request<B>) -> Request<Body>
where
    B: HttpBody<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let route = Route::of_path(request.uri().path());
    let pending = request.extensions().get::<Peer>().map(|peer| peer.pending_bytes.clone());
    let mut request = request.map(|body| {
        let body = MessageLimitBody::new(body, route.max_message_bytes(), &pending.unwrap_or_default());
        let body =
            body.map_err(|error: Box<dyn Error + Send + Sync>| match error.downcast::<MessageLimitError>() {
                Ok(error) => Box::new(status_of(*error)),
                Err(other) => other,
            });
        match RequestBounds::of(route) {
            Some(bounds) => Body::new(BoundedBody::new(body, bounds)),
            None => Body::new(body),
        }
    });
    request.extensions_mut().insert(route);
    request
}

fn status_of(error: MessageLimitError) -> Status {
    match error {
        MessageLimitError::TooLarge { max_bytes } => {
            let max_kib = max_bytes / 1024;
            let message =
                format!("message larger than {max_kib} KiB, the limit of this method; send less per message");
            with_reason(Code::ResourceExhausted, reason::MESSAGE_TOO_LARGE, &message)
        }
        MessageLimitError::Timeout => ServiceError::DeadlineExceeded.into(),
        MessageLimitError::TooManyPending => ServiceError::Overloaded(PENDING_RETRY_DELAY).into(),
    }
}
