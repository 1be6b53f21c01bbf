//! Returns the cost of a call in a trailer, if its caller asks for it.

use std::{pin::Pin, sync::Arc, task::Context};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Body as _, Frame};
use tonic::{Status, body::Body};

use super::{BodyObserver, GrpcService, Middleware, ObservedBody, PolledFrame, call};
use crate::{
    error::ServiceError,
    grpc::{charges::CallCost, method::Route},
    reason,
};

/// The header by which a caller asks for the cost.
const RETURN_COST: &str = "nearby-return-cost";
/// The trailer with the cost, in units.
const COST: HeaderName = HeaderName::from_static("nearby-cost");

/// Returns the costs of calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReturnCost;

impl Middleware for ReturnCost {
    async fn handle(self, mut request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        // Health checks and reflection cost nothing.
        if Route::of(&request).method().is_none() {
            return call(inner, request).await;
        }
        match is_asked(request.headers()) {
            Ok(false) => call(inner, request).await,
            Ok(true) => {
                let cost = Arc::<CallCost>::default();
                request.extensions_mut().insert(Arc::clone(&cost));
                let mut response = call(inner, request).await;
                // A response without a message has its trailers in the headers.
                if response.headers().contains_key("grpc-status") {
                    insert(response.headers_mut(), &cost);
                    return response;
                }
                ObservedBody::observe(response, Trailer(cost))
            }
            Err(error) => Status::from(error).into_http(),
        }
    }
}

/// Adds the cost to the trailers.
struct Trailer(Arc<CallCost>);

impl BodyObserver for Trailer {
    fn poll_frame(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Result<PolledFrame, Status> {
        Ok(body.poll_frame(context).map_ok(|frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                insert(&mut trailers, &self.0);
                Frame::trailers(trailers)
            }
            Err(data) => data,
        }))
    }
}

fn insert(headers: &mut HeaderMap, cost: &CallCost) {
    if let Ok(value) = HeaderValue::try_from(cost.get().to_string()) {
        headers.insert(COST, value);
    }
}

fn is_asked(headers: &HeaderMap) -> Result<bool, ServiceError> {
    let mut values = headers.get_all(RETURN_COST).iter().map(HeaderValue::as_bytes);
    match (values.next(), values.next()) {
        (None | Some(b"false"), None) => Ok(false),
        (Some(b"true"), None) => Ok(true),
        _ => Err(ServiceError::invalid(
            RETURN_COST,
            reason::HEADER_INVALID,
            "must be true or false, sent once; leave it out for no cost",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_true_or_false() {
        let is_asked = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(RETURN_COST, value.parse().unwrap());
            }
            is_asked(&headers)
        };
        assert_eq!((is_asked(&[]), is_asked(&["false"])), (Ok(false), Ok(false)));
        assert_eq!(is_asked(&["true"]), Ok(true));
        for wrong in [&["True"][..], &["1"], &[""], &["true", "true"]] {
            assert!(is_asked(wrong).is_err(), "{wrong:?}");
        }
    }
}
