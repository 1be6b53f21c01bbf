//! The Connect protocol: calls as JSON or protobuf over HTTP, for clients that do not speak gRPC, such as browsers and curl.
//!
//! A request is turned into one of gRPC, and its response back: authentication, limits, audit and metrics are those of every call. The
//! message is read and converted behind them, as that of gRPC is.
//!
//! | module | contents |
//! |---|---|
//! | `codec` | JSON of the messages of each method |
//! | `envelope` | messages with a prefix |
//! | `request` | a request as one of gRPC |
//! | `response` | a response of gRPC as one of Connect |
//! | `error` | errors as JSON, and their HTTP status |

mod codec;
mod envelope;
mod error;
mod request;
mod response;

use axum::body::Body as HttpBody;
use http::{HeaderMap, HeaderValue, Method as HttpMethod, Request, Response, StatusCode, Uri, header};
use tonic::{Code, Status, body::Body as GrpcBody};
use tower::ServiceExt;

pub(super) use self::{
    envelope::{enveloped, take_message},
    error::to_json as error_json,
    request::{headers_of_call, malformed_body},
    response::{error_of, message_of},
};
use super::{Calls, plain_text};
use crate::{
    grpc::{
        method::{Method, Route},
        middleware::request_setup::request_setup,
        status::with_reason,
        unknown_method::unknown_method,
    },
    reason,
};

/// The form of the messages of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Protocol {
    is_stream: bool,
    is_json: bool,
}

impl Protocol {
    /// The protocol of a request, by its content type.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let mut parts = value.to_str().ok()?.split(';').map(str::trim);
        let (is_stream, is_json) = match parts.next()?.to_ascii_lowercase().as_str() {
            "application/json" => (false, true),
            "application/proto" => (false, false),
            "application/connect+json" => (true, true),
            "application/connect+proto" => (true, false),
            _ => return None,
        };
        let is_utf8 = |part: &str| is_json && part.to_ascii_lowercase().replace('"', "") == "charset=utf-8";
        parts.all(is_utf8).then_some(Self { is_stream, is_json })
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match (self.is_stream, self.is_json) {
            (false, true) => "application/json",
            (false, false) => "application/proto",
            (true, true) => "application/connect+json",
            (true, false) => "application/connect+proto",
        })
    }
}

const WRONG_METHOD: &str = "calls are POST requests, so that no position is in a URL\n";
const UNKNOWN_PATH: &str = "there is nothing at this path\n";
const WRONG_CONTENT_TYPE: &str = "the content type must be application/json or application/proto, or for a method that streams \
                                  responses application/connect+json or application/connect+proto\n";

/// The response to a request that fails with a status.
pub(super) fn error_response(status: &Status) -> Response<HttpBody> {
    response::unary_error(status, &HeaderMap::new())
}

/// The call of a method whose request is the JSON in the body of another request; `None` if it is no JSON.
pub(super) fn json_call(
    mut request: Request<HttpBody>,
    path: &'static str,
) -> Result<Option<Request<GrpcBody>>, Status> {
    let Some(protocol @ Protocol { is_stream: false, is_json: true }) = Protocol::of(request.headers())
    else {
        return Ok(None);
    };
    let (Some(method), Some(codec)) = (Route::of_path(path).method(), codec::codec_of(path)) else {
        return Ok(None);
    };
    *request.uri_mut() = Uri::from_static(path);
    Ok(Some(request_setup(request::to_grpc(request, (method, codec, protocol))?)))
}

/// Makes a call.
pub(super) async fn call(calls: Calls, request: Request<HttpBody>) -> Response<HttpBody> {
    if request.method() != HttpMethod::POST {
        if Route::of_path(request.uri().path()).method().is_none() {
            return plain_text(StatusCode::NOT_FOUND, UNKNOWN_PATH);
        }
        let mut response = plain_text(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let Some(protocol) = Protocol::of(request.headers()) else {
        return plain_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, WRONG_CONTENT_TYPE);
    };
    let failed = |status: &Status| {
        if protocol.is_stream {
            response::stream_error(status, protocol)
        } else {
            response::unary_error(status, &HeaderMap::new())
        }
    };
    let path = request.uri().path();
    let Some(method) = Route::of_path(path).method() else { return failed(&unknown_method(path, false)) };
    let Some(codec) = codec::codec_of(path) else { return failed(&streams_requests(method)) };
    if method.is_unary == protocol.is_stream {
        return plain_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, WRONG_CONTENT_TYPE);
    }
    let request = match request::to_grpc(request, (method, codec, protocol)) {
        Ok(request) => request_setup(request),
        Err(status) => return failed(&status),
    };
    let Ok(response) = calls.oneshot(request).await;
    if protocol.is_stream {
        response::stream(response, codec, protocol)
    } else {
        response::unary(response, codec, protocol).await
    }
}

fn streams_requests(method: &Method) -> Status {
    let remedy = match method.name() {
        "WatchNearby" => "WatchNearbyFrom",
        "ImportMerchants" => "POST /import",
        _ => "BatchSearchNearby",
    };
    let message = format!("{} streams its requests, which takes gRPC; use {remedy}", method.name());
    with_reason(Code::Unimplemented, reason::METHOD_UNKNOWN, &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_content_types_of_connect_are_accepted() {
        let of = |text: &str| {
            Protocol::of(&HeaderMap::from_iter([(header::CONTENT_TYPE, text.parse().unwrap())]))
                .map(|protocol| (protocol.is_stream, protocol.is_json))
        };
        for (text, expected) in [
            ("application/json", (false, true)),
            ("Application/JSON; charset=UTF-8", (false, true)),
            ("application/json; charset=\"utf-8\"", (false, true)),
            ("application/proto", (false, false)),
            ("application/connect+json", (true, true)),
            ("application/connect+proto", (true, false)),
        ] {
            assert_eq!(of(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "text/plain",
            "application/json; charset=latin1",
            "application/proto; x",
            "application/grpc",
            "application/x-www-form-urlencoded",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(Protocol::of(&HeaderMap::new()), None);
    }
}
