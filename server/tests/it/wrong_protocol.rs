//! Clients that do not speak gRPC over HTTP/2, or not with the TLS of the port.

use std::fs;

use nearby_proto::v1 as wire;
use nearby_testkit::CertificateAuthority;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::transport::{Certificate, ClientTlsConfig};

use crate::support::*;

const GRPC_WEB: &[u8] = b"POST /nearby.v1.NearbyService/SearchNearby HTTP/1.1\r\nHost: x\r\n\
                          Content-Type: application/grpc-web+proto\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0";

/// Sends bytes; returns all that the server sends until it closes the connection.
async fn exchange(server: &TestServer, sent: &[u8]) -> String {
    let port = server.url.rsplit(':').next().unwrap();
    let mut connection = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    connection.write_all(sent).await.unwrap();
    let mut received = Vec::new();
    connection.read_to_end(&mut received).await.unwrap();
    String::from_utf8_lossy(&received).into_owned()
}

fn logged(server: &TestServer, part: &str) -> usize {
    fs::read_to_string(&server.log).unwrap().lines().filter(|line| line.contains(part)).count()
}

#[tokio::test]
async fn clients_of_http_1_and_tls_get_an_answer_and_are_logged_once_and_never_banned() {
    let server = TestServer::start().await;
    for _ in 0..30 {
        for request in [GRPC_WEB, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let response = exchange(&server, request).await;
            assert!(response.starts_with("HTTP/1.1 505 HTTP Version Not Supported\r\n"), "{response}");
            assert!(response.contains("This port serves gRPC over HTTP/2, not HTTP/1.1"), "{response}");
        }
        assert_eq!(exchange(&server, &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]).await, "");
    }
    assert_eq!(logged(&server, "a client speaks HTTP/1.1 or gRPC-Web"), 1);
    assert_eq!(logged(&server, "a client speaks TLS; this port has no certificate"), 1);
    assert_eq!(logged(&server, "/metrics"), 0, "no path is logged");
    server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap();

    let address = server.url.replace("http://", "https://");
    let output = tokio::task::spawn_blocking(move || {
        run(nearby().args(["search", "--at", "60,25", "--server", &address]))
    });
    let output = output.await.unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{error}");
    assert!(error.contains("the port most likely does not speak TLS: use an http:// address"), "{error}");
}

#[test]
fn a_host_name_that_does_not_resolve_is_named() {
    let output =
        run(nearby().args(["search", "--at", "60,25", "--server", "http://no-such-host.invalid:50051"]));
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{error}");
    assert!(error.contains("cannot resolve the host name of http://no-such-host.invalid:50051"), "{error}");
}

#[tokio::test]
async fn clients_without_tls_get_an_answer_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let authority = CertificateAuthority::new().unwrap();
    let (certificate, key) = authority.issue("localhost").unwrap();
    fs::write(path("cert.pem"), certificate).unwrap();
    fs::write(path("key.pem"), key).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .domain_name("localhost");
    let flags = ["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")];
    let server = TestServer::start_with_tls(tls, &directory.path().join("data"), &flags).await;

    let response = exchange(&server, GRPC_WEB).await;
    assert!(response.starts_with("HTTP/1.1 505 "), "{response}");
    assert!(response.contains("gRPC over HTTP/2 with TLS, not HTTP/1.1 without TLS"), "{response}");
    assert_eq!(logged(&server, "a client speaks HTTP/1.1 without TLS"), 1);

    let offers_http_1 = tokio::task::spawn_blocking({
        let (address, pem) = (server.url.replace("https://", ""), authority.pem().to_owned());
        move || handshake_with_alpn(&address, &pem, b"http/1.1")
    });
    let error = offers_http_1.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
    // The client learns of the failure before the server logs it.
    wait_until("the handshake is logged", async || {
        logged(&server, "a client speaks HTTP/1.1 or gRPC-Web") == 1
    })
    .await;

    let address = server.url.replace("https://", "");
    let output = tokio::task::spawn_blocking(move || {
        run(nearby().args(["search", "--at", "60,25", "--server", &address]))
    });
    let output = output.await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("this port requires TLS: use an https:// address"), "{error}");
    assert_eq!(output.status.code(), Some(69));
    wait_until("the call is logged", async || logged(&server, "a client speaks HTTP/2 without TLS") > 0)
        .await;
    server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap();
}

/// Attempts a TLS handshake that offers one application protocol.
fn handshake_with_alpn(address: &str, trusted: &str, protocol: &[u8]) -> std::io::Result<()> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = "localhost".try_into().unwrap();
    let mut session = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
    let port = address.rsplit(':').next().unwrap();
    let mut socket = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut socket)?;
    }
    Ok(())
}

/// Over TLS, a browser negotiates HTTP/2; a page can make it send a POST of `text/plain` anywhere.
#[tokio::test]
async fn http_requests_that_are_no_grpc_calls_are_refused_and_change_nothing() {
    let server = TestServer::start().await;
    let mut merchants = server.merchants().await;
    let create =
        wire::CreateMerchantRequest { merchant: Some(merchant("a", 1.0, 2.0)), ..Default::default() };
    merchants.create_merchant(create).await.unwrap();
    let stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    let delete = wire::DeleteMerchantRequest { name: "merchants/a".to_owned(), ..Default::default() };
    let message = prost::Message::encode_to_vec(&delete);
    let framed = [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()][..], &message].concat();
    for (method, content_type, expected) in [
        ("POST", "text/plain", 415),
        ("POST", "application/x-www-form-urlencoded", 415),
        ("POST", "application/grpc-web+proto", 415),
        ("GET", "application/grpc", 405),
        ("OPTIONS", "application/grpc", 405),
        ("POST", "application/grpc+proto", 200),
    ] {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}/nearby.v1.MerchantService/DeleteMerchant", server.url))
            .header("content-type", content_type)
            .body(())
            .unwrap();
        let (response, mut body) = client.send_request(request, false).unwrap();
        body.send_data(framed.clone().into(), true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{method} {content_type}");
        assert_eq!(response.headers().contains_key("allow"), expected == 405);
        let get = wire::GetMerchantRequest { name: "merchants/a".to_owned() };
        let is_deleted = merchants.get_merchant(get).await.is_err();
        assert_eq!(is_deleted, expected == 200, "{method} {content_type}");
    }
}
