//! Attacks on the HTTP listener, over raw HTTP/1.1.
//!
//! | module | contents |
//! |---|---|
//! | (this) | the attacks |
//! | `connection` | raw HTTP/1.1 connections |
//! | `callers` | well-behaved callers of the HTTP listener |

mod callers;
mod connection;

use std::{io, net::SocketAddr, sync::LazyLock, time::Duration};

use tokio::{io::AsyncWriteExt, time::sleep};

pub use self::callers::HttpCallers;
use self::connection::{HttpConnection, read_responses, send};
use super::{
    catalog::{Attack, AttackFn, Listener, MAX_CONNECTIONS, attack},
    frames::{RawConnection, Termination},
};

const fn http(name: &'static str, connections: usize, limit_s: u64, run: AttackFn) -> Attack {
    Attack { listener: Listener::Http, ..attack(name, connections, limit_s, run) }
}

/// An attack whose connections the server may keep.
const fn held(name: &'static str, connections: usize, limit_s: u64, run: AttackFn) -> Attack {
    Attack { must_end: false, ..http(name, connections, limit_s, run) }
}

/// All attacks on the HTTP listener.
pub(super) static ATTACKS: [Attack; 20] = [
    http("http-silent", 200, 7, |to, number| Box::pin(silent(to, number))),
    http("http-slow-headers", 200, 70, |to, number| Box::pin(slow_headers(to, number))),
    http("http-slow-body", 200, 75, |to, number| Box::pin(slow_body(to, number))),
    http("http-expect-continue", 200, 70, |to, number| Box::pin(expect_continue(to, number))),
    http("http-endless-headers", 4, 10, |to, number| Box::pin(endless_headers(to, number))),
    http("http-huge-header", 4, 10, |to, number| Box::pin(huge_header(to, number))),
    http("http-smuggling", 4, 10, |to, number| Box::pin(smuggling(to, number))),
    http("http-half-closed", 200, 10, |to, number| Box::pin(half_closed(to, number))),
    http("http-tiny-chunks", 4, 10, |to, number| Box::pin(tiny_chunks(to, number))),
    http("http-huge-chunks", 4, 10, |to, number| Box::pin(huge_chunks(to, number))),
    http("http-endless-trailers", 4, 10, |to, number| Box::pin(endless_trailers(to, number))),
    http("http-bad-envelopes", 4, 10, |to, number| Box::pin(bad_envelopes(to, number))),
    http("http-endless-upload", 8, 30, |to, number| Box::pin(endless_upload(to, number))),
    http("http-slow-upload", 8, 75, |to, number| Box::pin(slow_upload(to, number))),
    http("http-pipelining", 4, 45, |to, number| Box::pin(pipelining(to, number))),
    Attack {
        // As over HTTP/2: unread responses may take 512 MiB, and the connections and what closing ones still hold the rest.
        max_growth_bytes: Some(768 * 1024 * 1024),
        measure_for: Duration::from_secs(20),
        ..held("http-slow-readers", 300, 25, |to, number| Box::pin(slow_readers(to, number)))
    },
    held("http-connection-flood", 100, 5, |to, number| Box::pin(connection_flood(to, number))),
    held("http-deep-json", 4, 5, |to, number| Box::pin(repeat(to, number, &DEEP_JSON))),
    held("http-wide-json", 4, 5, |to, number| Box::pin(repeat(to, number, &WIDE_JSON))),
    Attack {
        measure_for: Duration::from_secs(20),
        ..http("http-idle", MAX_CONNECTIONS, 90, |to, number| Box::pin(idle(to, number)))
    },
];

const SEARCH: &str = "/nearby.v1.NearbyService/SearchNearby";
const BATCH_SEARCH: &str = "/nearby.v1.NearbyService/BatchSearchNearby";
const WATCH: &str = "/nearby.v1.NearbyService/WatchNearbyFrom";
const JSON: &str = "application/json";
const ORIGIN: &str = r#"{"latitude":60.17,"longitude":24.94,"coordinateSystem":"COORDINATE_SYSTEM_WGS84"}"#;
/// A small request with a small response.
const MISSING: &[u8] = b"GET /missing HTTP/1.1\r\nhost: localhost\r\n\r\n";
const CHUNKED: &str = "transfer-encoding: chunked\r\n";
/// Interval of attackers that send a byte at a time.
const SLOW: Duration = Duration::from_secs(1);

/// The start of a call, up to the headers of its body.
fn start(path: &str, content_type: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\n")
}

/// A call with a body.
fn call(path: &str, body: &str) -> Vec<u8> {
    format!("{}content-length: {}\r\n\r\n{body}", start(path, JSON), body.len()).into()
}

/// A call with a chunked body, of which nothing has been sent.
fn chunked(path: &str, content_type: &str) -> Vec<u8> {
    format!("{}{CHUNKED}\r\n", start(path, content_type)).into()
}

/// A chunk.
fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// Connects and sends nothing.
async fn silent(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let mut connection = RawConnection::connect(to, number).await?;
    read_responses(&mut connection.reads).await.map(|responses| responses.termination())
}

/// Slow-loris: a byte of the headers per second.
async fn slow_headers(to: SocketAddr, number: usize) -> io::Result<Termination> {
    send(to, number, start(SEARCH, JSON).into(), |_| b"x".to_vec(), SLOW).await
}

/// A byte of the body per second.
async fn slow_body(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let head = format!("{}content-length: 1000\r\n\r\n", start(SEARCH, JSON));
    send(to, number, head.into(), |_| b" ".to_vec(), SLOW).await
}

/// Announces a body, and never sends it.
async fn expect_continue(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let head = format!("{}content-length: 100\r\nexpect: 100-continue\r\n\r\n", start(SEARCH, JSON));
    send(to, number, head.into(), |_| Vec::new(), SLOW).await
}

/// Headers without end.
async fn endless_headers(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let headers = "x-more: m\r\n".repeat(100).into_bytes();
    send(to, number, start(SEARCH, JSON).into(), move |_| headers.clone(), Duration::ZERO).await
}

/// A header, or a URL, without end.
async fn huge_header(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let first = if number.is_multiple_of(2) { start(SEARCH, JSON) + "x-huge: " } else { "GET /".to_owned() };
    send(to, number, first.into(), |_| [b'h'; 1_000].to_vec(), Duration::ZERO).await
}

/// Requests whose end a proxy in front of the server may see elsewhere. What follows the end that the proxy sees is the request of
/// another client: the server must not take a part of it for a request of this one, and so must close the connection.
async fn smuggling(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let smuggled = String::from_utf8_lossy(MISSING);
    let body = format!("0\r\n\r\n{smuggled}");
    let length = format!("content-length: {}\r\n", body.len());
    let headers = [
        format!("{length}{CHUNKED}"),
        format!("{CHUNKED}{length}"),
        format!("content-length: 5\r\n{length}"),
        format!("{length}transfer-encoding : chunked\r\n"),
        format!("{length}transfer-encoding: chunked, identity\r\n"),
        format!("{length}transfer-encoding: xchunked\r\n"),
        format!("{length}transfer-encoding:\r\n chunked\r\n"),
        "content-length: +5\r\n".to_owned(),
        "content-length: 5, 5\r\n".to_owned(),
    ];
    for headers in headers {
        let request = format!("{}{headers}\r\n{body}", start(SEARCH, JSON));
        let mut connection = RawConnection::connect(to, number).await?;
        connection.write(request.as_bytes()).await?;
        let responses = read_responses(&mut connection.reads).await?;
        if responses.count > 1 {
            return Ok(Termination::Fault("a smuggled request was answered"));
        }
    }
    Ok(Termination::Closed)
}

/// Closes its half of the connection within a request, or after it.
async fn half_closed(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let request = call(SEARCH, &format!(r#"{{"origin":{ORIGIN}}}"#));
    let end = if number.is_multiple_of(2) { request.len() } else { request.len() - 1 };
    let mut connection = RawConnection::connect(to, number).await?;
    connection.write(&request[..end]).await?;
    connection.writes.shutdown().await?;
    read_responses(&mut connection.reads).await.map(|responses| responses.termination())
}

/// A body in chunks of one byte, without end.
async fn tiny_chunks(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let chunks = chunk(b" ").repeat(1_000);
    send(to, number, chunked(SEARCH, JSON), move |_| chunks.clone(), Duration::ZERO).await
}

/// Chunks that are too large, or have an extension without end.
async fn huge_chunks(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let size = ["ffffffffffffffff\r\n", "10000000000000000\r\n", "7fffffff\r\n", "1;x="][number % 4];
    let first = [&chunked(SEARCH, JSON), size.as_bytes()].concat();
    send(to, number, first, |_| [b' '; 1_000].to_vec(), Duration::ZERO).await
}

/// Trailers without end.
async fn endless_trailers(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let first = [&chunked(SEARCH, JSON)[..], b"0\r\n"].concat();
    let trailers = "x-more: m\r\n".repeat(100).into_bytes();
    send(to, number, first, move |_| trailers.clone(), Duration::ZERO).await
}

/// Envelopes of a stream that are invalid, too large, or without end.
async fn bad_envelopes(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let envelope: &[u8] =
        [&[0, 255, 255, 255, 255], &[1, 0, 0, 0, 2], &[255, 0, 0, 0, 2], &[0; 5]][number % 4];
    let first = [chunked(WATCH, "application/connect+json"), chunk(envelope)].concat();
    let more = chunk(&envelope.repeat(200));
    send(to, number, first, move |_| more.clone(), Duration::ZERO).await
}

/// A file without end.
async fn endless_upload(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let first = [chunked("/import?datum=wgs84", "text/csv"), chunk(b"id,name,latitude,longitude\n")].concat();
    let rows = chunk("x,X,60.17,24.94\n".repeat(4_000).as_bytes());
    send(to, number, first, move |_| rows.clone(), Duration::ZERO).await
}

/// A byte of a file per second. Four of these files are received at a time.
async fn slow_upload(to: SocketAddr, number: usize) -> io::Result<Termination> {
    send(to, number, chunked("/import?datum=wgs84", "text/csv"), |_| chunk(b"i"), SLOW).await
}

/// Requests without end, whose responses are never read.
async fn pipelining(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let mut connection = RawConnection::connect(to, number).await?;
    let requests = MISSING.repeat(100);
    while connection.write(&requests).await.is_ok() {}
    Ok(Termination::Closed)
}

/// Requests large responses and reads none of them.
async fn slow_readers(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let search = format!(r#"{{"origin":{ORIGIN},"pageSize":500,"view":"MERCHANT_VIEW_FULL"}}"#);
    let request = call(BATCH_SEARCH, &format!(r#"{{"requests":[{}]}}"#, [&*search; 50].join(",")));
    let mut connection = RawConnection::connect(to, number).await?;
    // A write fails once the server has closed the connection.
    while connection.write(&request).await.is_ok() {
        sleep(Duration::from_millis(500)).await;
    }
    Ok(Termination::Closed)
}

/// A connection per request.
async fn connection_flood(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let request = call(SEARCH, &format!(r#"{{"origin":{ORIGIN},"pageSize":1}}"#));
    loop {
        let mut connection = HttpConnection::from(RawConnection::connect(to, number).await?);
        connection.exchange(&request).await?;
    }
}

/// Sends a request again and again.
async fn repeat(to: SocketAddr, number: usize, request: &[u8]) -> io::Result<Termination> {
    let mut connection = HttpConnection::from(RawConnection::connect(to, number).await?);
    loop {
        if connection.exchange(request).await?.status == 500 {
            return Ok(Termination::Fault("an internal error"));
        }
    }
}

/// As many arrays within each other as a search may have bytes.
static DEEP_JSON: LazyLock<Vec<u8>> =
    LazyLock::new(|| call(SEARCH, &format!(r#"{{"origin":{}"#, "[".repeat(128 * 1024 - 10))));

/// As many texts in a list as a batch of searches may have bytes.
static WIDE_JSON: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let texts = r#""a","#.repeat(1024 * 1024 - 100);
    call(BATCH_SEARCH, &format!(r#"{{"requests":[{{"filter":{{"anyCategories":[{texts}"a"]}}}}]}}"#))
});

/// Makes one request and stays idle.
async fn idle(to: SocketAddr, number: usize) -> io::Result<Termination> {
    // Spread over 2 s: the accept queue is not what is tested here.
    sleep(Duration::from_micros(200 * (number % MAX_CONNECTIONS) as u64)).await;
    let mut connection = HttpConnection::from(RawConnection::connect(to, number).await?);
    connection.exchange(MISSING).await?;
    connection.closed().await
}
