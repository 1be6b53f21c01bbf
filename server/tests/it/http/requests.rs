//! Requests that the listener rejects before they are calls, and headers of its responses.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

#[tokio::test]
async fn other_hosts_and_origins_are_rejected() {
    let server =
        HttpServer::start(&["--http-hosts", "nearby.test", "--http-origins", "https://shop.test"]).await;
    let port = server.address.port();
    let own = [
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        "https://nearby.test".to_owned(),
    ];
    for origin in own.iter().map(String::as_str).chain(["https://shop.test"]) {
        let answer = server.call_with(SEARCH, &search_json(), &[("origin", origin)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{origin}");
    }
    for origin in ["https://evil.test", "null", "http://shop.test", "https://nearby.test.evil.test"] {
        let answer = server.call_with(SEARCH, &search_json(), &[("origin", origin)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
    }
    for (host, expected) in [
        ("nearby.test", StatusCode::OK),
        ("Localhost.:80", StatusCode::OK),
        ("evil.test", StatusCode::MISDIRECTED_REQUEST),
        ("127.0.0.1.evil.test", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let answer = server.call_with(SEARCH, &search_json(), &[("host", host)]).await;
        assert_eq!(answer.status, expected, "{host}");
    }
}

#[tokio::test]
async fn only_pages_of_the_operators_origins_may_read_responses() {
    let server = HttpServer::start(&["--http-origins", "https://shop.test"]).await;
    let preflight = |origin: &'static str| {
        Request::options(format!("http://{}{SEARCH}", server.address))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,authorization")
    };
    let allowed = server.send(preflight("https://shop.test"), "").await;
    assert_eq!(
        (allowed.status, allowed.header("access-control-allow-origin")),
        (StatusCode::OK, "https://shop.test")
    );
    assert_eq!(allowed.header("access-control-allow-methods"), "POST");
    assert!(allowed.header("access-control-allow-credentials").is_empty(), "there are no cookies");
    let rejected = server.send(preflight("https://evil.test"), "").await;
    assert_eq!(
        (rejected.status, rejected.header("access-control-allow-origin")),
        (StatusCode::FORBIDDEN, "")
    );
    let called = server.call_with(SEARCH, &search_json(), &[("origin", "https://shop.test")]).await;
    assert_eq!(called.header("access-control-allow-origin"), "https://shop.test");
}

#[tokio::test]
async fn other_content_types_and_methods_are_rejected_unread() {
    let server = HttpServer::start(&[]).await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/grpc",
        "",
    ] {
        let request = server.request(SEARCH).header("content-type", content_type);
        let answer = server.send(request, search_json().to_string()).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    // A call that streams responses has a content type of its own, and so has one that does not.
    for (path, content_type) in [(SEARCH, "application/connect+json"), (WATCH, "application/json")] {
        let answer = server.send(server.request(path).header("content-type", content_type), "{}").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    for method in ["GET", "PUT", "DELETE"] {
        let request = Request::builder().method(method).uri(format!("http://{}{SEARCH}", server.address));
        let answer = server.send(request, "").await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "POST"),
            "{method}"
        );
    }
    for path in ["/nothing", "/nearby.v1.NearbyService/Nothing", "/nearby.v1.NearbyService"] {
        let answer = server.send(Request::get(format!("http://{}{path}", server.address)), "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    // The body of 64 MiB that this announces is never asked for.
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST {SEARCH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 67108864\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut read = vec![0; 16];
    tokio::time::timeout(TIMEOUT, socket.read_exact(&mut read)).await.unwrap().unwrap();
    assert_eq!(&read[..12], b"HTTP/1.1 415");
}

#[tokio::test]
async fn messages_that_are_no_requests_are_rejected() {
    let server = HttpServer::start(&[]).await;
    let answer = |body: Vec<u8>, headers: &'static [(&'static str, &'static str)]| {
        let mut request = server.request(SEARCH);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        server.send(request, body)
    };
    const JSON: (&str, &str) = ("content-type", "application/json");
    const PROTO: (&str, &str) = ("content-type", "application/proto");
    for (body, headers, expected) in [
        (b"".to_vec(), &[JSON][..], ("invalid_argument", "MESSAGE_MALFORMED")),
        (b"{".to_vec(), &[JSON], ("invalid_argument", "MESSAGE_MALFORMED")),
        (b"{\"origin\": {\"lat\": 1}}".to_vec(), &[JSON], ("invalid_argument", "INVALID_ARGUMENT")),
        (b"\xff\xff".to_vec(), &[JSON], ("invalid_argument", "MESSAGE_MALFORMED")),
        (b"\xff\xff".to_vec(), &[PROTO], ("invalid_argument", "MESSAGE_MALFORMED")),
        (vec![b' '; 200_000], &[JSON], ("resource_exhausted", "MESSAGE_TOO_LARGE")),
        ("[".repeat(100_000).into(), &[JSON], ("invalid_argument", "MESSAGE_MALFORMED")),
        (b"{}".to_vec(), &[JSON, ("content-encoding", "gzip")], ("unimplemented", "ENCODING_UNSUPPORTED")),
        (
            b"{}".to_vec(),
            &[JSON, ("connect-protocol-version", "2")],
            ("invalid_argument", "INVALID_ARGUMENT"),
        ),
        (b"{}".to_vec(), &[JSON, ("connect-timeout-ms", "soon")], ("invalid_argument", "INVALID_ARGUMENT")),
        (b"{}".to_vec(), &[JSON, ("connect-timeout-ms", "0")], ("deadline_exceeded", "DEADLINE_EXCEEDED")),
    ] {
        let (code, reason) = answer(body.clone(), headers).await.code_and_reason();
        assert_eq!(
            (code.as_str(), reason.as_str()),
            expected,
            "{headers:?} {:?}",
            String::from_utf8_lossy(&body[..body.len().min(40)])
        );
    }
    // Nothing of that has harmed the server.
    assert_eq!(server.call(SEARCH, &search_json()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_response_restricts_what_a_browser_does_with_it() {
    let server = HttpServer::start(&["--photo-origins", "https://photos.test"]).await;
    let host = [("host", "evil.test")];
    for answer in [
        server.call(SEARCH, &search_json()).await,
        server.call(SEARCH, &json!({ "x": 1 })).await,
        server.call_with(SEARCH, &search_json(), &host).await,
        server.send(server.request(SEARCH), "").await,
    ] {
        for (name, expected) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "geolocation=(self)"),
            ("cache-control", "no-store"),
            ("strict-transport-security", ""),
            (
                "content-security-policy",
                "default-src 'self'; img-src 'self' data: blob: https://photos.test; worker-src 'self'; object-src 'none'; base-uri \
                 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
        ] {
            assert_eq!(answer.header(name), expected, "{name} of {}", answer.status);
        }
    }
}

#[tokio::test]
async fn connections_that_send_no_request_end() {
    let server = HttpServer::start(&[]).await;
    // Bytes that are neither a preface of HTTP/2 nor a request of HTTP/1.1.
    let mut garbage = TcpStream::connect(server.address).await.unwrap();
    garbage.write_all(b"\x00\x01\x02\x03 nonsense\r\n\r\n").await.unwrap();
    let mut read = Vec::new();
    tokio::time::timeout(TIMEOUT, garbage.read_to_end(&mut read)).await.unwrap().unwrap();
    assert!(read.is_empty() || read.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&read));
    // More headers than any client sends.
    let mut many = TcpStream::connect(server.address).await.unwrap();
    let headers: String = (0..1_000).map(|number| format!("x-{number}: y\r\n")).collect();
    many.write_all(format!("POST {SEARCH} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").as_bytes())
        .await
        .unwrap();
    let mut read = Vec::new();
    drop(tokio::time::timeout(TIMEOUT, many.read_to_end(&mut read)).await.unwrap());
    assert!(read.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&read));
    // A silent one ends after the time for a first byte, five seconds.
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut read = Vec::new();
    tokio::time::timeout(Duration::from_secs(60), silent.read_to_end(&mut read)).await.unwrap().unwrap();
    assert!(read.is_empty());
}

#[tokio::test]
async fn an_address_that_others_reach_needs_tls_and_credentials() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = nearby();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--http-listen", "0.0.0.0:0", "--data-dir"])
        .arg(directory.path());
    let output = run(&mut command);
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("http_listen (--http-listen"), "{error}");
}
