//! Connections that hold what they can: other clients go on.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// Connections of each kind.
const CONNECTIONS: usize = 50;

async fn open(address: SocketAddr, start: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(start.as_bytes()).await.unwrap();
    socket
}

#[tokio::test]
async fn calls_succeed_beside_connections_that_stall() {
    let server = HttpServer::start(&[]).await;
    let rows: String =
        (0..9_000).map(|number| format!("m{number},{},60.0,25.0\n", "x".repeat(200))).collect();
    let import = server.request("/import").header("content-type", "text/csv");
    assert_eq!(server.send(import, format!("id,name,lat,lon\n{rows}")).await.status, StatusCode::OK);
    let head = |path: &str, content_type: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let kinds = [
        // A part of the first line, and of the headers.
        "POST /nearby".to_owned(),
        format!("POST {SEARCH} HTTP/1.1\r\nhost: localhost\r\nx-"),
        // A body that is announced and does not come, and a part of one.
        head(SEARCH, "application/json", 1_000),
        head(CREATE, "application/json", 4_000_000) + "{\"merchant\": {\"displayName\": \"",
        // A long response that is not read.
        head("/export", "application/json", 2) + "{}",
        head(WATCH, "application/connect+json", 10_000),
    ];
    let mut held = Vec::new();
    for kind in &kinds {
        for _ in 0..CONNECTIONS {
            held.push(open(server.address, kind).await);
        }
    }
    for _ in 0..100 {
        assert_eq!(server.call(SEARCH, &search_json()).await.status, StatusCode::OK);
    }
    server.create("after", 60.0, 25.0).await;
    // None of them has been answered but the exports, whose clients read now.
    let mut first = [0; 12];
    let export = &mut held[4 * CONNECTIONS];
    tokio::time::timeout(TIMEOUT, export.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    drop(held);
    assert!(server.server.terminate().await.success());
}

#[tokio::test]
async fn bodies_that_are_malformed_or_cut_are_errors_of_the_client() {
    let server = HttpServer::start(&[]).await;
    let trailers = format!("0\r\n{}", "x-more: m\r\n".repeat(3_000));
    for (path, content_type) in [
        (SEARCH, "application/json"),
        (SEARCH, "application/proto"),
        (WATCH, "application/connect+json"),
        ("/import", "text/csv"),
    ] {
        for body in ["no size\r\n", "10000000000000000\r\n", trailers.as_str()] {
            let start = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n{body}"
            );
            let mut socket = open(server.address, &start).await;
            let mut response = Vec::new();
            // The server closes the connection, in whose buffers there may be more of the body: a reset is no error here.
            drop(tokio::time::timeout(TIMEOUT, socket.read_to_end(&mut response)).await.unwrap());
            let response = String::from_utf8(response).unwrap();
            assert!(response.contains("MESSAGE_MALFORMED"), "{path} {content_type} {body:.20}: {response}");
            assert!(!response.starts_with("HTTP/1.1 5"), "{path}: {response}");
        }
    }
}

#[tokio::test]
async fn the_limit_of_connections_per_ip_holds_for_the_http_listener() {
    let server = HttpServer::start(&["--max-connections-per-ip", "3"]).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(open(server.address, "POST /").await);
    }
    wait_until("a fourth connection is accepted", async || {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let mut byte = [0];
        // The server closes it before any byte of a response.
        matches!(tokio::time::timeout(TIMEOUT, socket.read(&mut byte)).await.unwrap(), Ok(0) | Err(_))
    })
    .await;
    drop(held);
    wait_until("connections are not given back", async || {
        let mut socket = open(server.address, "GET / HTTP/1.1\r\nhost: evil.test\r\n\r\n").await;
        let mut first = [0; 12];
        socket.read_exact(&mut first).await.is_ok()
    })
    .await;
}
