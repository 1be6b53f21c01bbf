//! Rejects HTTP requests that are no gRPC calls.
//!
//! A web page can make a browser send a POST of `text/plain` to any address, without a preflight request that this server could
//! refuse. Without the check, the body of such a request would be read as a message, and a call without credentials, or with a
//! client certificate of the browser, would be carried out.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use tonic::body::Body;

use super::{GrpcService, Middleware, call};

/// Content type of calls, alone or with the encoding of messages or parameters behind it.
const GRPC: &[u8] = b"application/grpc";

const WRONG_METHOD: &str = "gRPC calls are POST requests; use a gRPC client\n";
const WRONG_CONTENT_TYPE: &str = "the content type must be application/grpc; use a gRPC client, or for gRPC-Web a proxy that \
                                  translates it, such as Envoy\n";

/// Rejects requests that are no gRPC calls with 405 or 415, as the gRPC protocol recommends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequireGrpc;

impl Middleware for RequireGrpc {
    async fn handle(self, request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        if request.method() != Method::POST {
            let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        if !is_grpc(request.headers()) {
            return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, WRONG_CONTENT_TYPE);
        }
        call(inner, request).await
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let (start, rest) = value.as_bytes().split_at_checked(GRPC.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';'))
}

fn answer(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::new(text.to_owned()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_content_types_of_grpc_are_accepted() {
        let is_grpc = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, value.parse().unwrap());
            }
            is_grpc(&headers)
        };
        for accepted in
            ["application/grpc", "application/grpc+proto", "application/grpc;charset=x", "Application/GRPC"]
        {
            assert!(is_grpc(&[accepted]), "{accepted}");
        }
        for rejected in [
            "",
            "text/plain",
            "application/json",
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grp",
        ] {
            assert!(!is_grpc(&[rejected]), "{rejected}");
        }
        assert!(!is_grpc(&[]) && !is_grpc(&["application/grpc", "text/plain"]));
    }
}
