//! Errors of HTTP responses that are not gRPC: those of a proxy, or of a server of something else.
//!
//! tonic decodes the page of such a response as a message, and its error is about flags of compression. Here the response gets
//! the status that gRPC's table assigns to its HTTP status, and a message that names the HTTP status and the usual remedy.

use std::task::{Context, Poll};

use futures_util::{TryFutureExt, future::MapOk};
use http::{HeaderMap, Request, Response, StatusCode, header};
use tonic::{Code, Status};
use tower::Service;

/// Longest part of a header in a message.
const MAX_HEADER_CHARS: usize = 60;

/// Converts responses that are not gRPC to errors.
#[derive(Clone, Debug)]
pub(crate) struct HttpErrors<S>(pub(crate) S);

impl<S, Body, ResponseBody> Service<Request<Body>> for HttpErrors<S>
where
    S: Service<Request<Body>, Response = Response<ResponseBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = MapOk<S::Future, fn(Response<ResponseBody>) -> Response<ResponseBody>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.call(request).map_ok(with_status)
    }
}

/// Adds a gRPC status to the headers of a response that is not gRPC, so that its body is not decoded.
fn with_status<B>(mut response: Response<B>) -> Response<B> {
    if let Some(status) = status_of(response.status(), response.headers()) {
        // A status without details consists of valid headers.
        drop(status.add_header(response.headers_mut()));
    }
    response
}

/// The error of a response; `None` if it is gRPC.
fn status_of(http: StatusCode, headers: &HeaderMap) -> Option<Status> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = text(header::CONTENT_TYPE);
    let is_grpc = content_type.is_empty() || content_type.starts_with("application/grpc");
    if headers.contains_key("grpc-status") || (http == StatusCode::OK && is_grpc) {
        return None;
    }
    let server = match text(header::SERVER) {
        "" => String::new(),
        server => format!(" from {}", server.chars().take(MAX_HEADER_CHARS).collect::<String>()),
    };
    let message = format!("HTTP {http}{server} instead of a gRPC response: {}", remedy(http));
    Some(Status::new(code_of(http), message))
}

/// The code of an HTTP status, by the table of gRPC ("HTTP to gRPC Status Code Mapping").
fn code_of(http: StatusCode) -> Code {
    match http {
        StatusCode::BAD_REQUEST => Code::Internal,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::Unimplemented,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// The usual cause and remedy of an HTTP status in front of a gRPC server.
fn remedy(http: StatusCode) -> &'static str {
    match http {
        StatusCode::PAYLOAD_TOO_LARGE => {
            "the request exceeds the limit of a proxy, which counts all messages of a stream; lift the limit (nginx: \
             client_max_body_size 0)"
        }
        StatusCode::BAD_GATEWAY => {
            "a proxy cannot reach the server, or speaks HTTP/1.1 to it; check that the server runs and that the proxy forwards \
             gRPC (nginx: grpc_pass, not proxy_pass)"
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            "a proxy has no server to forward to, or limits its load; check that the server runs and that its health check passes"
        }
        StatusCode::GATEWAY_TIMEOUT => {
            "a proxy waited too long for the server; raise its timeout (nginx: grpc_read_timeout; HAProxy: timeout server; Envoy: \
             timeout of the route)"
        }
        StatusCode::REQUEST_TIMEOUT => {
            "a proxy waited too long for the request; raise its timeout (nginx: client_body_timeout; HAProxy: timeout client)"
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "a proxy does not admit the call; check the credentials that it requires"
        }
        StatusCode::TOO_MANY_REQUESTS => {
            "a proxy limits the rate of requests; send fewer, or raise its limit"
        }
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "the headers exceed a limit of a proxy; shorten the token, or raise the limit"
        }
        StatusCode::HTTP_VERSION_NOT_SUPPORTED => {
            "a proxy forwards calls over HTTP/1.1; have it forward gRPC over HTTP/2 (nginx: grpc_pass, not proxy_pass)"
        }
        _ if http.is_redirection() => "use the address that it redirects to",
        _ if http.is_server_error() => "a proxy, or a server that is not Nearby, failed; see its log",
        _ => {
            "the address is not that of a gRPC server, or a proxy in front of it does not forward this path; check both"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(http: u16, headers: &[(&'static str, &str)]) -> Option<Status> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        status_of(StatusCode::from_u16(http).unwrap(), &map)
    }

    #[test]
    fn grpc_responses_stay_as_they_are() {
        let grpc = ("content-type", "application/grpc+proto");
        assert!(status(200, &[grpc]).is_none());
        assert!(status(200, &[]).is_none());
        assert!(status(200, &[("content-type", "text/html"), ("grpc-status", "0")]).is_none());
        assert!(status(503, &[grpc, ("grpc-status", "14")]).is_none());
    }

    #[test]
    fn other_responses_name_the_http_status_and_the_likely_setting() {
        for (http, code, parts) in [
            (413, Code::Unknown, &["HTTP 413 Payload Too Large from nginx/1.22", "client_max_body_size"][..]),
            (502, Code::Unavailable, &["502 Bad Gateway", "grpc_pass"]),
            (503, Code::Unavailable, &["503 Service Unavailable", "no server to forward to"]),
            (504, Code::Unavailable, &["504 Gateway Timeout", "grpc_read_timeout", "timeout server"]),
            (401, Code::Unauthenticated, &["credentials"]),
            (404, Code::Unimplemented, &["does not forward this path"]),
            (308, Code::Unknown, &["308 Permanent Redirect", "redirects to"]),
            (200, Code::Unknown, &["HTTP 200 OK", "not that of a gRPC server"]),
            (520, Code::Unknown, &["HTTP 520 ", "see its log"]),
        ] {
            let status = status(http, &[("content-type", "text/html"), ("server", "nginx/1.22")]).unwrap();
            assert_eq!(status.code(), code, "{http}");
            for part in parts {
                assert!(status.message().contains(part), "{}", status.message());
            }
        }
        let long = status(500, &[("server", &"x".repeat(5_000))]).unwrap();
        assert!(long.message().len() < 300);
    }
}
