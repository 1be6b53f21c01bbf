//! Clients that speak another protocol than this port: they get a short answer that says so instead of a reset, and the log
//! gets a line, at most one per minute and protocol.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink},
    time::timeout,
};

use super::{
    limits::{MAX_HEADER_LIST_BYTES, MAX_LOCAL_ERROR_RESETS},
    preface::Replayed,
    tls::TLS_HANDSHAKE_RECORD,
};

/// Limit for the whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Request bytes that are read and dropped: to close a socket with unread bytes resets it, and the client may lose the answer.
const MAX_DRAINED_BYTES: usize = 64 * 1024;
/// Size limit of the head of a request.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Concurrent calls of a client without TLS.
const MAX_STREAMS: u32 = 10;
/// Interval between two lines in the log.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

const HTTP1_ANSWER: &str = "This port serves gRPC over HTTP/2, not HTTP/1.1 or gRPC-Web. Use a gRPC client, or a proxy \
                            that translates gRPC-Web, such as Envoy. Probes and metrics are served on the address of \
                            --admin-listen.\n";
const HTTP1_WITHOUT_TLS_ANSWER: &str = "This port serves gRPC over HTTP/2 with TLS, not HTTP/1.1 without TLS. Use a gRPC \
                                        client with TLS (an https:// address).\n";

/// The status of calls without TLS, as gRPC writes it: FAILED_PRECONDITION, which no client retries.
const TLS_REQUIRED: [(&str, &str); 3] = [
    ("content-type", "application/grpc"),
    ("grpc-status", "9"),
    ("grpc-message", "this port requires TLS: use an https:// address"),
];

/// The protocol of a client that does not speak that of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrongProtocol {
    /// Most likely HTTP/1.1: a text that starts in upper case, as methods do.
    Http1,
    /// HTTP/1.1, without the TLS that the port requires.
    Http1WithoutTls,
    /// HTTP/2, without the TLS that the port requires.
    Http2WithoutTls,
    /// TLS on a port without TLS.
    Tls,
    /// Anything else.
    Unknown,
}

impl WrongProtocol {
    /// Recognises a protocol by the first bytes of a client, which are not those of HTTP/2.
    pub(super) fn of<IO>(client: &Replayed<IO>) -> Self {
        match client.replay() {
            [TLS_HANDSHAKE_RECORD, ..] => Self::Tls,
            [first, ..] if first.is_ascii_uppercase() => Self::Http1,
            _ => Self::Unknown,
        }
    }

    /// The same, for a client without TLS on a port that requires it.
    pub(super) fn without_tls<IO>(client: &Replayed<IO>) -> Self {
        match Self::of(client) {
            Self::Http1 => Self::Http1WithoutTls,
            other => other,
        }
    }

    /// Answers the client in its own protocol, if there is an answer. A client that does not take it in time loses it.
    pub(super) async fn answer<IO>(self, client: Replayed<IO>)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let answer = async {
            match self {
                Self::Http1 => respond(client, HTTP1_ANSWER).await,
                Self::Http1WithoutTls => respond(client, HTTP1_WITHOUT_TLS_ANSWER).await,
                Self::Http2WithoutTls => respond_that_tls_is_required(client).await,
                // An alert would be an error of the handshake; the end of the stream is what a port without TLS looks like.
                Self::Tls => drain(client).await,
                Self::Unknown => {}
            }
        };
        drop(timeout(ANSWER_TIMEOUT, answer).await);
    }

    /// The line in the log. Unknown protocols have none: port scanners would fill the log.
    const fn log_line(self) -> Option<&'static str> {
        match self {
            Self::Http1 => {
                Some("a client speaks HTTP/1.1 or gRPC-Web; this port serves gRPC over HTTP/2 only")
            }
            Self::Http1WithoutTls => {
                Some("a client speaks HTTP/1.1 without TLS; this port serves gRPC over HTTP/2 with TLS only")
            }
            Self::Http2WithoutTls => {
                Some("a client speaks HTTP/2 without TLS; this port requires TLS: use an https:// address")
            }
            Self::Tls => Some(
                "a client speaks TLS; this port has no certificate: set --tls-cert and --tls-key, or use an http:// address",
            ),
            Self::Unknown => None,
        }
    }
}

/// Responds to one HTTP/1.1 request with a text.
async fn respond<IO>(client: Replayed<IO>, text: &'static str)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request: Request<Incoming>| async move {
        drop(Limited::new(request.into_body(), MAX_DRAINED_BYTES).collect().await);
        let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
        *response.status_mut() = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
        let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        Ok::<_, Infallible>(response)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).keep_alive(false).max_buf_size(MAX_HEAD_BYTES);
    // The connection ends here, whether the client took the response or not.
    drop(builder.serve_connection(TokioIo::new(client), service).await);
}

/// Ends each call with a status, until the client leaves.
async fn respond_that_tls_is_required<IO>(client: Replayed<IO>)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|_: Request<Incoming>| async {
        let mut response = Response::new(Empty::<Bytes>::new());
        for (name, value) in TLS_REQUIRED {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Ok::<_, Infallible>(response)
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_local_error_reset_streams(MAX_LOCAL_ERROR_RESETS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES);
    drop(builder.serve_connection(TokioIo::new(client), service).await);
}

/// Ends the stream, and reads what the client has sent.
async fn drain(mut client: impl AsyncRead + AsyncWrite + Unpin) {
    if client.shutdown().await.is_ok() {
        let max = u64::try_from(MAX_DRAINED_BYTES).unwrap_or(u64::MAX);
        drop(copy(&mut client.take(max), &mut sink()).await);
    }
}

/// Limits the lines in the log; clones share the state.
#[derive(Clone, Debug, Default)]
pub(super) struct WrongProtocolLog(Arc<Mutex<HashMap<&'static str, Logged>>>);

/// The last line of one kind.
#[derive(Debug)]
struct Logged {
    at: Instant,
    /// Clients since then.
    omitted: u64,
}

impl WrongProtocolLog {
    /// Logs that a client is misconfigured.
    pub(super) fn log(&self, protocol: WrongProtocol, client: Option<IpAddr>) {
        if let Some(line) = protocol.log_line()
            && let Some(omitted) = self.record(line, Instant::now())
        {
            tracing::warn!(client = client.map(tracing::field::display), omitted, "{line}");
        }
    }

    /// Returns the number of clients since the last line of this kind if it is time for another one.
    fn record(&self, line: &'static str, now: Instant) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(line) {
            Some(logged) if now.saturating_duration_since(logged.at) < LOG_INTERVAL => {
                logged.omitted += 1;
                None
            }
            logged => {
                let omitted = logged.map_or(0, |logged| logged.omitted);
                all.insert(line, Logged { at: now, omitted: 0 });
                Some(omitted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::net::preface::{PrefaceError, read_preface};

    /// The response to what a client sends.
    async fn response_to(sent: &[u8], requires_tls: bool) -> String {
        let (mut near, far) = duplex(64 * 1024);
        near.write_all(sent).await.unwrap();
        let Err(PrefaceError::OtherProtocol(client)) = read_preface(far).await else { panic!() };
        let protocol =
            if requires_tls { WrongProtocol::without_tls(&client) } else { WrongProtocol::of(&client) };
        let receive = async {
            let mut received = Vec::new();
            near.read_to_end(&mut received).await.unwrap();
            near.shutdown().await.unwrap();
            drop(near);
            received
        };
        let ((), received) = tokio::join!(protocol.answer(client), receive);
        String::from_utf8_lossy(&received).into_owned()
    }

    #[tokio::test]
    async fn http_1_clients_get_a_response_that_names_grpc() {
        let grpc_web = b"POST /nearby.v1.NearbyService/SearchNearby HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\n\
                         Content-Length: 5\r\n\r\n\0\0\0\0\0";
        for request in [&grpc_web[..], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"PUT / HTTP/1.0\r\n\r\n"] {
            let response = response_to(request, false).await;
            assert!(response.contains(" 505 HTTP Version Not Supported\r\n"), "{response}");
            assert!(response.ends_with(HTTP1_ANSWER), "{response}");
            assert!(response_to(request, true).await.ends_with(HTTP1_WITHOUT_TLS_ANSWER));
        }
        assert!(response_to(b"HELO there\r\n\r\n", false).await.contains(" 400 Bad Request\r\n"));
    }

    #[tokio::test]
    async fn http_2_calls_without_tls_get_a_status_that_says_so() {
        let (near, far) = duplex(64 * 1024);
        tokio::spawn(async { WrongProtocol::Http2WithoutTls.answer(read_preface(far).await.unwrap()).await });
        let (mut client, connection) = h2::client::handshake(near).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::post("http://x/nearby.v1.NearbyService/SearchNearby").body(()).unwrap();
        let (response, _) = client.send_request(request, true).unwrap();
        let response = response.await.unwrap();
        let text = |name| response.headers()[name].to_str().unwrap();
        assert_eq!((response.status(), text("grpc-status")), (StatusCode::OK, "9"));
        assert!(text("grpc-message").contains("requires TLS"));
    }

    #[tokio::test]
    async fn clients_with_tls_and_unknown_clients_get_no_bytes() {
        for sent in [&[TLS_HANDSHAKE_RECORD, 3, 1, 0, 200][..], b"\0\x01\x02", b"get / http"] {
            assert_eq!(response_to(sent, false).await, "");
        }
    }

    #[test]
    fn lines_in_the_log_are_limited_per_protocol() {
        let log = WrongProtocolLog::default();
        let start = Instant::now();
        assert_eq!(["a", "b"].map(|line| log.record(line, start)), [Some(0), Some(0)]);
        let soon = start + LOG_INTERVAL - Duration::from_secs(1);
        assert_eq!(["a", "a", "b"].map(|line| log.record(line, soon)), [None; 3]);
        let later = start + LOG_INTERVAL;
        assert_eq!(["a", "a", "b"].map(|line| log.record(line, later)), [Some(2), None, Some(1)]);
    }
}
