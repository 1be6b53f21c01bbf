//! Connections: TLS, limits, and how they are closed.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nearby_proto::v1::{
    ListMerchantsRequest, merchant_service_client::MerchantServiceClient,
    nearby_service_client::NearbyServiceClient,
};
use nearby_testkit::CertificateAuthority;
use tonic::{
    Code,
    transport::{Certificate, Channel, ClientTlsConfig, Identity},
};

use crate::support::*;

/// Log messages about certificate files.
const UNUSABLE_CERTIFICATES: &str = "keeping the current ones";

/// The HTTP/2 client preface (RFC 9113, 3.4) and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// TLS settings of a client that trusts an authority.
fn trusting(authority: &CertificateAuthority) -> ClientTlsConfig {
    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem())).domain_name("localhost")
}

/// TLS settings of a client with a certificate that `issuer` issued.
fn with_certificate(
    server: &CertificateAuthority,
    issuer: &CertificateAuthority,
    name: &str,
) -> ClientTlsConfig {
    let (certificate, key) = issuer.issue(name).unwrap();
    trusting(server).identity(Identity::from_pem(certificate, key))
}

/// A directory with a server certificate, its key and the certificate of its authority.
struct Files {
    directory: tempfile::TempDir,
    authority: CertificateAuthority,
}

impl Files {
    fn new() -> Self {
        let files =
            Self { directory: tempfile::tempdir().unwrap(), authority: CertificateAuthority::new().unwrap() };
        files.renew();
        fs::write(files.path("ca.pem"), files.authority.pem()).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Replaces certificate and key one after the other by renaming, as renewal tools do.
    fn renew(&self) {
        let (certificate, key) = self.authority.issue("localhost").unwrap();
        for (name, pem) in [("cert.pem", certificate), ("key.pem", key)] {
            fs::write(self.path("new"), pem).unwrap();
            fs::rename(self.path("new"), self.path(name)).unwrap();
        }
    }

    async fn server(&self, tls: ClientTlsConfig, more: &[&str]) -> TestServer {
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| self.path(name).display().to_string());
        let mut flags = vec!["--tls-cert", &certificate, "--tls-key", &key];
        flags.extend(more);
        TestServer::start_with_tls(tls, &self.path("data"), &flags).await
    }
}

/// Returns `true` if a client can connect and call the health service.
fn connects(server: &TestServer, tls: ClientTlsConfig) -> impl Future<Output = bool> {
    let endpoint = Channel::from_shared(server.url.clone()).unwrap().tls_config(tls).unwrap();
    async move {
        let Ok(channel) = endpoint.connect().await else { return false };
        let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
        health.check(tonic_health::pb::HealthCheckRequest::default()).await.is_ok()
    }
}

#[tokio::test]
async fn certificates_are_reloaded_without_a_failed_call_and_unusable_ones_are_ignored() {
    let files = Files::new();
    let server = files.server(trusting(&files.authority), &[]).await;
    let other = CertificateAuthority::new().unwrap();
    assert!(!connects(&server, trusting(&other)).await, "the client does not trust the authority");
    assert!(TcpStream::connect(address(&server)).is_ok());

    let ca = files.path("ca.pem").display().to_string();
    let mut command = nearby();
    command.args(["export", "-", "--format", "ndjson", "--server", &server.url, "--server-ca", &ca]);
    let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let served = || {
        let (url, files) = (address(&server), &files);
        let pem = files.authority.pem();
        async move { tokio::task::spawn_blocking(move || served_certificate(url, &pem)).await.unwrap() }
    };
    let before = served().await;
    let mut searches = server.searches().await;
    files.renew();
    let start = Instant::now();
    loop {
        // Over the existing connection and over a new one.
        searches.search_nearby(search(60.0, 25.0)).await.unwrap();
        assert!(connects(&server, trusting(&files.authority)).await);
        if served().await != before {
            break;
        }
        assert!(start.elapsed() < TIMEOUT, "the new certificate is never served");
    }

    fs::write(files.path("cert.pem"), "no certificate").unwrap();
    let is_reported = async || fs::read_to_string(&server.log).unwrap().contains(UNUSABLE_CERTIFICATES);
    wait_until("the unusable certificate is not in the log", is_reported).await;
    assert!(connects(&server, trusting(&files.authority)).await, "the current certificate stays in use");
}

/// Returns the certificate that a server presents, in DER.
fn served_certificate(address: SocketAddr, trusted: &str) -> Vec<u8> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let mut session = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut socket).unwrap();
    }
    session.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn with_a_client_ca_only_clients_with_its_certificates_can_connect() {
    let files = Files::new();
    let clients = CertificateAuthority::new().unwrap();
    fs::write(files.path("clients.pem"), clients.pem()).unwrap();
    let known = with_certificate(&files.authority, &clients, "backend.internal");
    let ca = files.path("clients.pem").display().to_string();
    let server = files.server(known.clone(), &["--tls-client-ca", &ca]).await;
    assert!(connects(&server, known).await);
    assert!(!connects(&server, trusting(&files.authority)).await, "no certificate");
    let unknown = with_certificate(&files.authority, &files.authority, "backend.internal");
    assert!(!connects(&server, unknown).await, "a certificate of another authority");

    // The command line names what is missing.
    let mut command = nearby();
    let ca = files.path("ca.pem").display().to_string();
    command.args(["search", "--at", "60,25", "--server", &server.url, "--server-ca", &ca]);
    let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    let error = text(&output.stderr);
    assert!(error.contains("server requires a client certificate"), "{error}");
    assert!(error.contains("--client-cert and --client-key"), "{error}");
}

/// Returns the TCP address of a server.
fn address(server: &TestServer) -> SocketAddr {
    let (_, port) = server.url.rsplit_once(':').unwrap();
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

/// Returns `true` if the server closes the connection within the time limit.
fn is_closed(mut connection: TcpStream) -> bool {
    connection.set_read_timeout(Some(TIMEOUT)).unwrap();
    // It may send its SETTINGS before.
    let mut received = [0; 1_024];
    loop {
        match connection.read(&mut received) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[tokio::test]
async fn connections_without_an_http_2_preface_are_closed() {
    let server = TestServer::start().await;
    let address = address(&server);
    let closed = tokio::task::spawn_blocking(move || {
        let silent = TcpStream::connect(address).unwrap();
        let mut incomplete = TcpStream::connect(address).unwrap();
        incomplete.write_all(b"PRI * HTTP/2.0\r\n").unwrap();
        let mut http_1 = TcpStream::connect(address).unwrap();
        http_1.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        [silent, incomplete, http_1].map(is_closed)
    });
    assert_eq!(closed.await.unwrap(), [true; 3]);
    server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap();
}

/// Opens a connection; returns `None` if the server closes it instead of responding to the preface.
fn try_connect(address: SocketAddr) -> Option<TcpStream> {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(TIMEOUT)).unwrap();
    connection.write_all(PREFACE).ok()?;
    connection.read_exact(&mut [0]).ok()?;
    Some(connection)
}

#[tokio::test]
async fn connections_per_ip_are_limited() {
    const LIMIT: usize = 4;
    let directory = tempfile::tempdir().unwrap();
    let flags = [flags::MAX_CONNECTIONS_PER_IP, &LIMIT.to_string()];
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let mut searches = server.searches().await;
    searches.search_nearby(search(60.0, 25.0)).await.unwrap();
    let address = address(&server);
    let held = tokio::task::spawn_blocking(move || {
        // One is that of the client above. Connections of health checks may not have been closed yet: try again until all
        // others are free.
        let (mut held, start) = (Vec::new(), Instant::now());
        while held.len() < LIMIT - 1 {
            held.extend(try_connect(address));
            assert!(start.elapsed() < TIMEOUT, "only {} connections", held.len() + 1);
        }
        assert!(try_connect(address).is_none(), "more than {LIMIT} connections");
        held
    });
    let held = held.await.unwrap();
    searches.search_nearby(search(60.0, 25.0)).await.unwrap();
    drop(held);
    let is_accepted =
        async || tokio::task::spawn_blocking(move || try_connect(address).is_some()).await.unwrap();
    wait_until("closed connections still count", is_accepted).await;
}

// Other systems have only one loopback address.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_ip_with_repeated_protocol_errors_is_banned_for_a_while() {
    const ERRORS: usize = 3;
    let directory = tempfile::tempdir().unwrap();
    let flags = [flags::MAX_PROTOCOL_ERRORS_PER_IP, "3"];
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let mut searches = server.searches().await;
    let to = address(&server);
    let from = |last: u8| async move {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
        socket.connect(to).await.unwrap()
    };
    // Sends DATA on stream 0, a protocol error (RFC 9113, 6.1); returns the response of the server.
    let violate_protocol = |last: u8| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut connection = from(last).await;
        let frames = [PREFACE, &[0, 0, 1, 0, 0, 0, 0, 0, 0, 7]].concat();
        // The connection of a banned IP may be closed before this is written.
        drop(connection.write_all(&frames).await);
        let mut response = Vec::new();
        drop(connection.read_to_end(&mut response).await);
        response
    };
    for _ in 0..ERRORS {
        assert!(!violate_protocol(9).await.is_empty(), "the connection is closed without a GOAWAY");
    }
    // The last error is recorded when its connection has ended, which is after the response.
    let banned = async {
        while !violate_protocol(9).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), banned).await.expect("the IP is never banned");
    // Other IPs and existing connections are not affected.
    assert!(!violate_protocol(10).await.is_empty());
    searches.search_nearby(search(60.0, 25.0)).await.unwrap();
}

/// A rapid-reset attack (CVE-2023-44487), slow enough that the limit of h2 itself does not apply.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_resets_every_call_is_disconnected_and_its_ip_banned() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let directory = tempfile::tempdir().unwrap();
    let flags = [flags::MAX_PROTOCOL_ERRORS_PER_IP, "1"];
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let to = address(&server);
    let connect = async || {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 11], 0))).unwrap();
        socket.connect(to).await.unwrap()
    };
    // An attack counts only if its connection is younger than a second when it exceeds its budget: on a machine that stalls for so long,
    // another one succeeds.
    let (start, mut max_resets) = (Instant::now(), 0);
    loop {
        let mut connection = connect().await;
        drop(connection.write_all(PREFACE).await);
        if connection.read_u8().await.is_err() {
            break;
        }
        assert!(start.elapsed() < TIMEOUT, "the IP is never banned");
        // The server may ban the IP between the two connections, and close the second one.
        if let Ok((client, connection)) = h2::client::handshake(connect().await).await {
            tokio::spawn(connection);
            max_resets = max_resets.max(reset_every_call(client).await);
        }
    }
    assert!(max_resets > 200, "{max_resets}");
    server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap();
}

/// Sends calls and resets them until the server disconnects the client; returns the number of resets.
#[cfg(target_os = "linux")]
async fn reset_every_call(mut client: h2::client::SendRequest<bytes::Bytes>) -> usize {
    let path = "http://nearby/nearby.v1.NearbyService/SearchNearby";
    let mut resets = 0;
    // Waits until the server has accepted the calls before it resets them.
    while let Ok(ready) = client.clone().ready().await {
        client = ready;
        let calls: Vec<_> = (0..50)
            .map_while(|_| {
                let head = http::Request::post(path).header("content-type", "application/grpc");
                client.send_request(head.body(()).unwrap(), false).ok()
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(2)).await;
        resets += calls.len();
        calls.into_iter().for_each(|(_, mut body)| body.send_reset(h2::Reason::CANCEL));
        assert!(resets < 100_000, "the client is never disconnected");
    }
    resets
}

#[tokio::test]
async fn connections_are_replaced_at_their_maximum_age_without_a_failed_call() {
    let directory = tempfile::tempdir().unwrap();
    let server =
        TestServer::start_on(&directory.path().join("data"), &[flags::MAX_CONNECTION_AGE_S, "1"]).await;
    let (address, connections) = (address(&server), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&connections);
    let connector = tower::service_fn(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { tokio::net::TcpStream::connect(address).await.map(hyper_util::rt::TokioIo::new) }
    });
    let endpoint = Channel::from_shared(server.url.clone()).unwrap();
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    let mut searches = NearbyServiceClient::new(channel);
    let start = Instant::now();
    // The server has drained two connections when the client opens its third.
    while connections.load(Ordering::SeqCst) < 3 {
        searches.search_nearby(search(60.0, 25.0)).await.unwrap();
        assert!(start.elapsed() < TIMEOUT, "connections are never drained");
    }
}

#[tokio::test]
async fn client_certificates_have_the_roles_of_their_names() {
    let files = Files::new();
    let with_name = |name: &str| with_certificate(&files.authority, &files.authority, name);
    let ca = files.path("ca.pem").display().to_string();
    let roles = [flags::CERT_ROLES, "app.example=search", flags::CERT_ROLES, "office.example=manage,operate"];
    let flags = [&["--tls-client-ca", &ca][..], &roles].concat();
    let server = files.server(with_name("app.example"), &flags).await;
    let codes = |name: &str| {
        let endpoint = Channel::from_shared(server.url.clone()).unwrap().tls_config(with_name(name)).unwrap();
        async move {
            let channel = endpoint.connect().await.unwrap();
            let mut searches = NearbyServiceClient::new(channel.clone());
            let mut merchants = MerchantServiceClient::new(channel);
            let found = searches.search_nearby(search(60.0, 25.0)).await;
            let listed = merchants.list_merchants(ListMerchantsRequest::default()).await;
            [found.map(drop), listed.map(drop)]
                .map(|result| result.map_or_else(|status| status.code(), |()| Code::Ok))
        }
    };
    assert_eq!(codes("app.example").await, [Code::Ok, Code::PermissionDenied]);
    assert_eq!(codes("office.example").await, [Code::Ok; 2]);
    assert_eq!(codes("unknown.example").await, [Code::Unauthenticated; 2]);
}

#[test]
fn listening_on_public_addresses_requires_tls_or_insecure() {
    let directory = tempfile::tempdir().unwrap();
    let serve = |flags: &[&str]| {
        let data = directory.path().join("data");
        run(nearby().args(["serve", "--listen", "0.0.0.0:0", "--data-dir"]).arg(data).args(flags))
    };
    let insecure = serve(&[]);
    let message = String::from_utf8_lossy(&insecure.stderr).into_owned();
    assert_eq!(insecure.status.code(), Some(78), "{message}");
    assert!(message.contains("--tls-cert") && message.contains("--insecure"), "{message}");
    let no_key = serve(&["--tls-cert", "cert.pem"]);
    assert!(String::from_utf8_lossy(&no_key.stderr).contains("--tls-key"), "{no_key:?}");
    let files = ["--tls-cert", "no-such.pem", "--tls-key", "no-such.pem"];
    let unauthenticated = serve(&files);
    assert!(String::from_utf8_lossy(&unauthenticated.stderr).contains("--keys"), "{unauthenticated:?}");
    let missing = serve(&[&files[..], &["--tls-client-ca", "no-such.pem"]].concat());
    let message = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert_eq!(missing.status.code(), Some(78), "{message}");
    assert!(message.contains("no-such.pem"), "{message}");
    assert!(!directory.path().join("data").exists(), "a server that does not start creates no store");
}

#[tokio::test]
async fn the_command_line_reports_why_it_does_not_trust_a_server() {
    let files = Files::new();
    let server = files.server(trusting(&files.authority), &[]).await;
    fs::write(files.path("other.pem"), CertificateAuthority::new().unwrap().pem()).unwrap();
    let by_ip = server.url.replace("localhost", "127.0.0.1");
    for (url, trusted, fault) in [
        (&server.url, "other.pem", "invalid peer certificate"),
        (&by_ip, "ca.pem", "not valid for name \"127.0.0.1\""),
    ] {
        let trusted = files.path(trusted).display().to_string();
        let mut command = nearby();
        command.args(["search", "--at", "60,25", "--server", url, "--server-ca", &trusted]);
        let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(69), "{message}");
        assert!(message.contains(fault) && message.contains("--server-ca"), "{message}");
    }
}
