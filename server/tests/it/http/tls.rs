//! The HTTP listener with TLS: HTTP/1.1 and HTTP/2.

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::*;

#[tokio::test]
async fn both_versions_of_http_are_served_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(path("cert.pem"), cert.pem()).unwrap();
    fs::write(path("key.pem"), signing_key.serialize_pem()).unwrap();
    let (cert_flag, key_flag, http) = (path("cert.pem"), path("key.pem"), path("http"));
    let flags = [
        "--tls-cert",
        &cert_flag,
        "--tls-key",
        &key_flag,
        "--http-listen",
        "127.0.0.1:0",
        "--http-address-file",
        &http,
    ];
    let tls = tonic::transport::ClientTlsConfig::new()
        .ca_certificate(tonic::transport::Certificate::from_pem(cert.pem()))
        .domain_name("localhost");
    let _server = TestServer::start_with_tls(tls, &directory.path().join("data"), &flags).await;
    let address = fs::read_to_string(&http).unwrap();
    let port: u16 = address.trim().rsplit(':').next().unwrap().parse().unwrap();
    for (protocol, expected) in [(&b"h2"[..], "HTTP/2.0"), (b"http/1.1", "HTTP/1.1")] {
        let (version, found) = search_over_tls(port, &cert.pem(), protocol).await;
        assert_eq!((version.as_str(), found), (expected, json!({})), "there are no merchants");
    }
}

async fn connect(
    port: u16,
    trusted: &str,
    protocol: &[u8],
) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
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
    let socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let stream = connector.connect("localhost".try_into().unwrap(), socket).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    stream
}

/// Searches over a connection with an application protocol. Returns the version of HTTP, and the response without its revision.
async fn search_over_tls(port: u16, trusted: &str, protocol: &[u8]) -> (String, Value) {
    let stream = connect(port, trusted, protocol).await;
    let request = Request::post(format!("https://localhost:{port}{SEARCH}"))
        .header("host", format!("localhost:{port}"))
        .header("content-type", "application/json");
    let text = Bytes::from(search_json().to_string());
    let (version, body) = if protocol == b"h2" {
        let (requests, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = request.body(()).unwrap();
        let (response, mut body) = requests.ready().await.unwrap().send_request(request, false).unwrap();
        body.send_data(text, true).unwrap();
        let response = response.await.unwrap();
        let version = format!("{:?}", response.version());
        let mut body = response.into_body();
        let mut read = Vec::new();
        while let Some(data) = body.data().await {
            read.extend_from_slice(&data.unwrap());
        }
        (version, Bytes::from(read))
    } else {
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut requests, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let response = requests.send_request(request.body(Full::new(text)).unwrap()).await.unwrap();
        let version = format!("{:?}", response.version());
        (version, response.into_body().collect().await.unwrap().to_bytes())
    };
    let mut found: Value = serde_json::from_slice(&body).unwrap();
    found.as_object_mut().unwrap().remove("revision");
    (version, found)
}
