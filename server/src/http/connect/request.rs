//! Turns a request of the Connect protocol into one of gRPC.

use std::error::Error;

use axum::body::Body as HttpBody;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::body::Bytes;
use tonic::{Code, Status};

use super::{Protocol, codec::Codec, envelope::enveloped};
use crate::{
    error::ServiceError,
    grpc::{method::Method, status::with_reason},
    net::{
        message_limits::{MessageLimitError, PREFIX_BYTES, PendingBytes, collect},
        peer::Peer,
    },
    reason,
};

type BoxError = Box<dyn Error + Send + Sync>;
/// The body of the request of gRPC: one message, which is read and converted when the call has been admitted.
pub(super) type CallBody =
    StreamBody<futures_util::stream::BoxStream<'static, Result<Frame<Bytes>, BoxError>>>;

/// Headers of HTTP and of Connect, which end here; `grpc-timeout` is Connect's own.
const CONSUMED: [&str; 13] = [
    "accept-encoding",
    "connect-accept-encoding",
    "connect-content-encoding",
    "connect-protocol-version",
    "connect-timeout-ms",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "grpc-encoding",
    "grpc-timeout",
    "keep-alive",
    "transfer-encoding",
];
/// Bytes of JSON from which on it is converted on another thread: at most some hundred microseconds of work below.
const INLINE_BYTES: usize = 64 * 1024;

/// Turns a request into one of gRPC.
///
/// # Errors
/// A status if a header of the protocol is invalid.
pub(super) fn to_grpc(
    request: Request<HttpBody>,
    (method, codec, protocol): (&Method, &'static Codec, Protocol),
) -> Result<Request<CallBody>, Status> {
    let (mut head, body) = request.into_parts();
    check_encoding(&head.headers, protocol)?;
    check_version(&head.headers)?;
    let timeout = timeout_of(&head.headers)?;
    head.headers = headers_of_call(head.headers);
    if let Some(timeout) = timeout {
        head.headers.insert(HeaderName::from_static("grpc-timeout"), timeout);
    }
    let pending = head.extensions.get::<Peer>().map(|peer| peer.pending_bytes.clone()).unwrap_or_default();
    let max_bytes = method.max_message_bytes;
    let message = async move {
        let read = read_message(body, protocol, max_bytes, &pending).await?;
        let encoded = if protocol.is_json { converted(read, codec.request).await? } else { read };
        Ok(Frame::data(enveloped(0, &encoded)))
    };
    let body = StreamBody::new(Box::pin(futures_util::stream::once(message)) as _);
    Ok(Request::from_parts(head, body))
}

/// The headers of a call: those of a request without the ones that end here.
pub(in crate::http) fn headers_of_call(mut headers: HeaderMap) -> HeaderMap {
    for name in CONSUMED {
        headers.remove(name);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers
}

/// Converts a message, on another thread if it is large.
pub(super) async fn converted(
    message: Bytes,
    convert: fn(&[u8]) -> Result<Vec<u8>, Status>,
) -> Result<Bytes, Status> {
    if message.len() <= INLINE_BYTES {
        return convert(&message).map(Bytes::from);
    }
    let converted = tokio::task::spawn_blocking(move || convert(&message)).await;
    converted.map_err(|_| Status::from(ServiceError::Internal("a conversion panicked")))?.map(Bytes::from)
}

/// The error for a body that cannot be read: one of the client, not of the server.
pub(in crate::http) fn malformed_body(error: &dyn std::fmt::Display) -> Status {
    tracing::debug!(%error, "the body of a request cannot be read");
    let message = "the body of the request is malformed, or was not sent to its end";
    with_reason(Code::InvalidArgument, reason::MESSAGE_MALFORMED, message)
}

/// Reads the one message of a request.
async fn read_message(
    body: HttpBody,
    protocol: Protocol,
    max_bytes: usize,
    pending: &PendingBytes,
) -> Result<Bytes, BoxError> {
    let prefix = if protocol.is_stream { PREFIX_BYTES } else { 0 };
    let mut read = collect(body, max_bytes + prefix, pending).await.map_err(|error| {
        // The size of the message, without its prefix.
        match error.downcast::<MessageLimitError>() {
            Ok(limit) => match *limit {
                MessageLimitError::TooLarge { .. } => {
                    BoxError::from(MessageLimitError::TooLarge { max_bytes })
                }
                other => other.into(),
            },
            Err(error) => malformed_body(&error).into(),
        }
    })?;
    if !protocol.is_stream {
        return Ok(read);
    }
    let envelope = "the request must be one message with a prefix of five bytes: a zero, and its length";
    let malformed = || with_reason(Code::InvalidArgument, reason::MESSAGE_MALFORMED, envelope);
    let Some((&[flags, length @ ..], _)) = read.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(malformed().into());
    };
    if flags & 1 != 0 {
        return Err(compressed().into());
    }
    let message = read.split_off(PREFIX_BYTES);
    if flags != 0 || usize::try_from(u32::from_be_bytes(length)) != Ok(message.len()) {
        return Err(malformed().into());
    }
    Ok(message)
}

fn check_encoding(headers: &HeaderMap, protocol: Protocol) -> Result<(), Status> {
    let name = if protocol.is_stream { "connect-content-encoding" } else { "content-encoding" };
    match headers.get(name) {
        Some(encoding) if encoding != "identity" => Err(compressed()),
        _ => Ok(()),
    }
}

fn compressed() -> Status {
    with_reason(
        Code::Unimplemented,
        reason::ENCODING_UNSUPPORTED,
        "compressed messages are not supported; send them uncompressed",
    )
}

fn check_version(headers: &HeaderMap) -> Result<(), Status> {
    match headers.get("connect-protocol-version") {
        Some(version) if version != "1" => Err(ServiceError::invalid(
            "connect-protocol-version",
            reason::HEADER_INVALID,
            "must be 1, or be left out",
        )
        .into()),
        _ => Ok(()),
    }
}

/// The timeout of a call as gRPC has it.
fn timeout_of(headers: &HeaderMap) -> Result<Option<HeaderValue>, Status> {
    let Some(given) = headers.get("connect-timeout-ms") else { return Ok(None) };
    let milliseconds =
        given.to_str().ok().filter(|text| text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit()));
    let milliseconds: Option<u64> = milliseconds.and_then(|text| text.parse().ok());
    let Some(milliseconds) = milliseconds else {
        let description = "must be a number of milliseconds with at most ten digits";
        return Err(ServiceError::invalid("connect-timeout-ms", reason::TIMEOUT_INVALID, description).into());
    };
    // gRPC has at most eight digits, and a unit.
    let text = match milliseconds {
        0..=99_999_999 => format!("{milliseconds}m"),
        _ => format!("{}S", milliseconds / 1_000),
    };
    Ok(HeaderValue::try_from(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_those_of_grpc() {
        let timeout = |text: &str| {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static("connect-timeout-ms"),
                text.parse().unwrap(),
            )]);
            timeout_of(&headers)
                .map(|value| value.unwrap().to_str().unwrap().to_owned())
                .map_err(|status| status.code())
        };
        for (given, expected) in
            [("0", "0m"), ("99999999", "99999999m"), ("100000000", "100000S"), ("9999999999", "9999999S")]
        {
            assert_eq!(timeout(given).unwrap(), expected);
        }
        for given in ["", "-1", "1.5", "1 ", "10000000000", "x"] {
            assert_eq!(timeout(given), Err(Code::InvalidArgument), "{given}");
        }
    }
}
