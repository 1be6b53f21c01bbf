//! Turns a response of gRPC into one of the Connect protocol.

use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Buf, Bytes};
use serde_json::{Map, Value, json};
use tonic::{Code, Status, body::Body as GrpcBody};

use axum::body::Body as HttpBody;

use super::{
    Protocol,
    codec::Codec,
    envelope::{enveloped, take_message},
    error,
    request::converted,
};
use crate::error::ServiceError;

/// Flag of the last message of a stream.
const END_OF_STREAM: u8 = 2;

/// The response of a unary call.
pub(super) async fn unary(
    response: Response<GrpcBody>,
    codec: &Codec,
    protocol: Protocol,
) -> Response<HttpBody> {
    let (head, body) = response.into_parts();
    let (message, trailers) = match collect(head.headers, body).await {
        Ok(collected) => collected,
        Err(status) => return unary_error(&status, &HeaderMap::new()),
    };
    if let Some(status) = error_of(&trailers) {
        return unary_error(&status, &trailers);
    }
    let message = if protocol.is_json { converted(message, codec.response).await } else { Ok(message) };
    match message {
        Ok(message) => {
            let mut response = Response::new(HttpBody::from(message));
            add_trailers(response.headers_mut(), &trailers);
            response.headers_mut().insert(header::CONTENT_TYPE, protocol.content_type());
            response
        }
        Err(status) => unary_error(&status, &trailers),
    }
}

/// The response of a unary call that ends with an error.
pub(super) fn unary_error(status: &Status, trailers: &HeaderMap) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(error::to_json(status).to_string()));
    *response.status_mut() = error::http_status(status);
    let headers = response.headers_mut();
    add_trailers(headers, trailers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = error::retry_after_s(status) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status.code() == Code::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The response of a call that streams responses.
pub(super) fn stream(
    response: Response<GrpcBody>,
    codec: &'static Codec,
    protocol: Protocol,
) -> Response<HttpBody> {
    let (head, body) = response.into_parts();
    let start = StreamState::Open { body, buffer: Vec::new(), trailers: head.headers, codec, protocol };
    let frames = stream::unfold(start, |state| async {
        match state {
            StreamState::Open { .. } => Some(next(state).await),
            StreamState::Ended => None,
        }
    });
    stream_response(HttpBody::new(StreamBody::new(frames)), protocol)
}

/// The response of a call that would stream responses and ends with an error at once.
pub(super) fn stream_error(status: &Status, protocol: Protocol) -> Response<HttpBody> {
    stream_response(HttpBody::from(end_of_stream(Some(status), &HeaderMap::new())), protocol)
}

fn stream_response(body: HttpBody, protocol: Protocol) -> Response<HttpBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, protocol.content_type());
    response
}

/// A stream of responses while it is sent.
enum StreamState {
    Open { body: GrpcBody, buffer: Vec<u8>, trailers: HeaderMap, codec: &'static Codec, protocol: Protocol },
    Ended,
}

type Next = (Result<Frame<Bytes>, std::convert::Infallible>, StreamState);

/// The next message of a stream.
async fn next(state: StreamState) -> Next {
    let StreamState::Open { mut body, mut buffer, mut trailers, codec, protocol } = state else {
        return (Ok(Frame::data(Bytes::new())), StreamState::Ended);
    };
    loop {
        if let Some(message) = take_message(&mut buffer) {
            let message =
                if protocol.is_json { converted(message, codec.response).await } else { Ok(message) };
            return match message {
                Ok(message) => {
                    let state = StreamState::Open { body, buffer, trailers, codec, protocol };
                    (Ok(Frame::data(enveloped(0, &message))), state)
                }
                Err(status) => ended(Some(&status), &trailers),
            };
        }
        match body.frame().await {
            None => return ended(status_of(&trailers).as_ref(), &trailers),
            Some(Err(status)) => return ended(Some(&status), &trailers),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(mut data) => {
                    let bytes = data.copy_to_bytes(data.remaining());
                    buffer.extend_from_slice(&bytes);
                }
                Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
            },
        }
    }
}

fn ended(status: Option<&Status>, trailers: &HeaderMap) -> Next {
    (Ok(Frame::data(end_of_stream(status, trailers))), StreamState::Ended)
}

/// The error of a response whose trailers are complete. One without a status has been cut.
fn status_of(trailers: &HeaderMap) -> Option<Status> {
    match Status::from_header_map(trailers) {
        Some(status) if status.code() == Code::Ok => None,
        Some(status) => Some(status),
        None => Some(Status::from(ServiceError::Internal("a response ended without a status"))),
    }
}

/// The last message of a stream.
fn end_of_stream(status: Option<&Status>, trailers: &HeaderMap) -> Bytes {
    let mut end = Map::new();
    if let Some(status) = status {
        end.insert("error".to_owned(), error::to_json(status));
    }
    let metadata: Map<String, Value> = metadata(trailers)
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), json!([value.to_str().ok()?]))))
        .collect();
    if !metadata.is_empty() {
        end.insert("metadata".to_owned(), Value::Object(metadata));
    }
    enveloped(END_OF_STREAM, Value::Object(end).to_string().as_bytes())
}

/// The error in headers or trailers.
pub(in crate::http) fn error_of(trailers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(trailers).filter(|status| status.code() != Code::Ok)
}

/// The message of a response.
///
/// # Errors
/// The status with which the call ended.
pub(in crate::http) async fn message_of(response: Response<GrpcBody>) -> Result<Bytes, Status> {
    let (head, body) = response.into_parts();
    let (message, trailers) = collect(head.headers, body).await?;
    match error_of(&trailers) {
        Some(status) => Err(status),
        None => Ok(message),
    }
}

/// Reads the message of a unary response, and its trailers. Those of a response without a message are in its headers.
async fn collect(headers: HeaderMap, body: GrpcBody) -> Result<(Bytes, HeaderMap), Status> {
    let collected = body.collect().await?;
    let mut trailers = headers;
    trailers.extend(collected.trailers().cloned().unwrap_or_default());
    if error_of(&trailers).is_some() {
        return Ok((Bytes::new(), trailers));
    }
    let mut buffer = collected.to_bytes().to_vec();
    let message = take_message(&mut buffer).ok_or(ServiceError::Internal("a response has no message"))?;
    Ok((message, trailers))
}

/// The trailers that belong to the call, and not to gRPC or HTTP.
fn metadata(trailers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    trailers.iter().filter(|(name, _)| {
        let name = name.as_str();
        name == "grpc-retry-pushback-ms"
            || !(name.starts_with("grpc-") || matches!(name, "content-type" | "date" | "content-length"))
    })
}

/// Adds the trailers of a unary call to its headers, as Connect names them.
fn add_trailers(headers: &mut HeaderMap, trailers: &HeaderMap) {
    for (name, value) in metadata(trailers) {
        if let Ok(name) = HeaderName::try_from(format!("trailer-{name}")) {
            headers.insert(name, value.clone());
        }
    }
}
