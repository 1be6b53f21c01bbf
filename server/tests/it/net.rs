//! Connections: TLS, limits, and how they end.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nearby_proto::v1::{
    ListMerchantsRequest, merchant_service_client::MerchantServiceClient,
    nearby_service_client::NearbyServiceClient,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tonic::Code;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use crate::support::*;

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate of a name, and its key.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    fn trusted(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(self.pem())).domain_name("localhost")
    }
}

/// A directory with a certificate for the server in it.
struct Files {
    directory: tempfile::TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap(), authority: Authority::new() };
        files.renew();
        fs::write(files.path("ca.pem"), files.authority.pem()).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// As renewing tools do it: files of another name, put in place one after the other.
    fn renew(&self) {
        let (certificate, key) = self.authority.sign("localhost");
        for (name, pem) in [("cert.pem", certificate), ("key.pem", key)] {
            fs::write(self.path("new"), pem).unwrap();
            fs::rename(self.path("new"), self.path(name)).unwrap();
        }
    }

    async fn server(&self, tls: ClientTlsConfig, more: &[&str]) -> Server {
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| self.path(name).display().to_string());
        let mut flags = vec!["--tls-cert", &certificate, "--tls-key", &key];
        flags.extend(more);
        Server::start_over(Some(tls), &self.path("data"), &flags).await
    }
}

fn connects(server: &Server, tls: ClientTlsConfig) -> impl Future<Output = bool> {
    let endpoint = Channel::from_shared(server.url.clone()).unwrap().tls_config(tls).unwrap();
    async move {
        let Ok(channel) = endpoint.connect().await else { return false };
        let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
        health.check(tonic_health::pb::HealthCheckRequest::default()).await.is_ok()
    }
}

#[tokio::test]
async fn calls_go_over_tls_and_new_certificates_are_taken_without_a_call_that_fails() {
    let files = Files::new();
    let server = files.server(files.authority.trusted(), &[]).await;
    assert!(!connects(&server, Authority::new().trusted()).await, "whoever trusts another does not call");
    assert!(TcpStream::connect(address(&server)).is_ok());

    let ca = files.path("ca.pem").display().to_string();
    let mut command = nearby();
    command.args(["export", "-", "--format", "ndjson", "--server", &server.url, "--server-ca", &ca]);
    let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let shown = || {
        let (url, files) = (address(&server), &files);
        let pem = files.authority.pem();
        async move { tokio::task::spawn_blocking(move || serial_shown(url, &pem)).await.unwrap() }
    };
    let before = shown().await;
    let mut searches = server.searches().await;
    files.renew();
    let start = Instant::now();
    loop {
        // Over the connection from before, and over new ones.
        searches.search_nearby(search(60.0, 25.0)).await.unwrap();
        assert!(connects(&server, files.authority.trusted()).await);
        if shown().await != before {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the new certificate is never shown");
    }

    fs::write(files.path("cert.pem"), "no certificate").unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(connects(&server, files.authority.trusted()).await, "what cannot be used is not taken");
    assert!(fs::read_to_string(&server.log).unwrap().contains("those from before stay"));
}

/// The certificate that a server shows.
fn serial_shown(address: SocketAddr, trusted: &str) -> Vec<u8> {
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
async fn with_a_client_ca_only_whom_it_signed_may_call() {
    let files = Files::new();
    let callers = Authority::new();
    fs::write(files.path("callers.pem"), callers.pem()).unwrap();
    let (certificate, key) = callers.sign("backend.internal");
    let known = files.authority.trusted().identity(Identity::from_pem(&certificate, &key));
    let ca = files.path("callers.pem").display().to_string();
    let server = files.server(known.clone(), &["--tls-client-ca", &ca]).await;
    assert!(connects(&server, known).await);
    assert!(!connects(&server, files.authority.trusted()).await, "without a certificate");
    let (certificate, key) = files.authority.sign("backend.internal");
    let stranger = files.authority.trusted().identity(Identity::from_pem(certificate, key));
    assert!(!connects(&server, stranger).await, "with one of another authority");
}

fn address(server: &Server) -> SocketAddr {
    let (_, port) = server.url.rsplit_once(':').unwrap();
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

/// Whether the server has closed a connection, or closes it within a minute.
fn is_closed(mut connection: TcpStream) -> bool {
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // It may say something (its settings) before.
    let mut said = [0; 1_024];
    loop {
        match connection.read(&mut said) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[tokio::test]
async fn whoever_connects_and_does_not_speak_http_2_is_closed() {
    let server = Server::start().await;
    let address = address(&server);
    let closed = tokio::task::spawn_blocking(move || {
        let silent = TcpStream::connect(address).unwrap();
        let mut half = TcpStream::connect(address).unwrap();
        half.write_all(b"PRI * HTTP/2.0\r\n").unwrap();
        let mut old = TcpStream::connect(address).unwrap();
        old.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        [silent, half, old].map(is_closed)
    });
    assert_eq!(closed.await.unwrap(), [true; 3]);
    server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap();
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--max-connections-per-address", "4"];
    let server = Server::start_on(&directory.path().join("data"), &flags).await;
    let mut searches = server.searches().await;
    searches.search_nearby(search(60.0, 25.0)).await.unwrap();
    let address = address(&server);
    let (closed, held) = tokio::task::spawn_blocking(move || {
        // The channel above and what health asked over may still have theirs: some fit, and after at most four none does.
        let mut held = Vec::new();
        loop {
            let connection = TcpStream::connect(address).unwrap();
            connection.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            match (&connection).read(&mut [0; 1]) {
                Ok(0) => return (true, held),
                _ => held.push(connection),
            }
            assert!(held.len() <= 4, "more than four connections of one address");
        }
    })
    .await
    .unwrap();
    assert!(closed);
    searches.search_nearby(search(60.0, 25.0)).await.unwrap();
    drop(held);
    let start = Instant::now();
    while Channel::from_shared(server.url.clone()).unwrap().connect().await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(60), "places are never given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

// Elsewhere loopback has one address.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_breaks_the_rules_again_and_again_gets_no_new_connections_for_a_while() {
    const BREACHES: usize = 3;
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--max-breaches-per-address", "3"];
    let server = Server::start_on(&directory.path().join("data"), &flags).await;
    let mut searches = server.searches().await;
    let to = address(&server);
    let from = |last: u8| async move {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
        socket.connect(to).await.unwrap()
    };
    // All that the server says to settings, and then data of no stream (RFC 9113, 6.1).
    let breach = |last: u8| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut connection = from(last).await;
        let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        said.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        said.extend([0, 0, 1, 0, 0, 0, 0, 0, 0, 7]);
        // Where it is held off the connection may be gone before this is written.
        drop(connection.write_all(&said).await);
        let mut answer = Vec::new();
        drop(connection.read_to_end(&mut answer).await);
        answer
    };
    for _ in 0..BREACHES {
        assert!(!breach(9).await.is_empty(), "it is told what was wrong");
    }
    // The last breach is known once its connection has ended, which is after it was told.
    let held_off = async {
        while !breach(9).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), held_off).await.expect("it is never held off");
    // Others are not, and the connections that are there go on.
    assert!(!breach(10).await.is_empty());
    searches.search_nearby(search(60.0, 25.0)).await.unwrap();
}

/// "Rapid reset", a hundred at a time, and slowly enough that h2's own limit is never reached.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_gives_up_call_after_call_is_ended_and_held_off() {
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--max-breaches-per-address", "1"];
    let server = Server::start_on(&directory.path().join("data"), &flags).await;
    let to = address(&server);
    let connect = || async move {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 11], 0))).unwrap();
        socket.connect(to).await.unwrap()
    };
    let (mut caller, connection) = h2::client::handshake(connect().await).await.unwrap();
    tokio::spawn(connection);
    let path = "http://nearby/nearby.v1.NearbyService/SearchNearby";
    let mut given_up = 0;
    // Each caller waits until the server has seen what it began.
    while let Ok(ready) = caller.clone().ready().await {
        caller = ready;
        let begun: Vec<_> = (0..50)
            .map_while(|_| {
                let head = http::Request::post(path).header("content-type", "application/grpc");
                caller.send_request(head.body(()).unwrap(), false).ok()
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(2)).await;
        given_up += begun.len();
        begun.into_iter().for_each(|(_, mut body)| body.send_reset(h2::Reason::CANCEL));
        assert!(given_up < 100_000, "it is never ended");
    }
    assert!(given_up > 200, "{given_up}");
    let is_taken_in = async || {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut connection = connect().await;
        drop(connection.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await);
        connection.read_u8().await.is_ok()
    };
    let start = Instant::now();
    while is_taken_in().await {
        assert!(start.elapsed() < Duration::from_secs(5), "it is never held off");
    }
    server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap();
}

#[tokio::test]
async fn old_connections_leave_and_no_call_fails_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_on(&directory.path().join("data"), &["--connection-age-s", "1"]).await;
    let mut searches = server.searches().await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        searches.search_nearby(search(60.0, 25.0)).await.unwrap();
    }
}

#[tokio::test]
async fn certificates_may_what_is_said_of_their_names() {
    let files = Files::new();
    let showing = |name: &str| {
        let (certificate, key) = files.authority.sign(name);
        files.authority.trusted().identity(Identity::from_pem(certificate, key))
    };
    let ca = files.path("ca.pem").display().to_string();
    let rules =
        ["--allow-certificate", "app.example=search", "--allow-certificate", "office.example=manage,operate"];
    let flags = [&["--tls-client-ca", &ca][..], &rules].concat();
    let server = files.server(showing("app.example"), &flags).await;
    let codes = |name: &str| {
        let endpoint = Channel::from_shared(server.url.clone()).unwrap().tls_config(showing(name)).unwrap();
        async move {
            let channel = endpoint.connect().await.unwrap();
            let mut searches = NearbyServiceClient::new(channel.clone());
            let mut merchants = MerchantServiceClient::new(channel);
            let found = searches.search_nearby(search(60.0, 25.0)).await;
            let listed = merchants.list_merchants(ListMerchantsRequest::default()).await;
            [found.map(drop), listed.map(drop)]
                .map(|answer| answer.map_or_else(|status| status.code(), |()| Code::Ok))
        }
    };
    assert_eq!(codes("app.example").await, [Code::Ok, Code::PermissionDenied]);
    assert_eq!(codes("office.example").await, [Code::Ok; 2]);
    assert_eq!(codes("stranger.example").await, [Code::Unauthenticated; 2]);
}

#[test]
fn what_others_could_listen_to_is_refused_unless_it_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let serve = |flags: &[&str]| {
        let data = directory.path().join("data");
        run(nearby().args(["serve", "--listen", "0.0.0.0:0", "--data-dir"]).arg(data).args(flags))
    };
    let refused = serve(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("--tls-cert") && said.contains("--insecure"), "{said}");
    let half = serve(&["--tls-cert", "cert.pem"]);
    assert!(String::from_utf8_lossy(&half.stderr).contains("--tls-key"), "{half:?}");
    let files = ["--tls-cert", "no-such.pem", "--tls-key", "no-such.pem"];
    let anybody = serve(&files);
    assert!(String::from_utf8_lossy(&anybody.stderr).contains("--keys"), "{anybody:?}");
    let missing = serve(&[&files[..], &["--tls-client-ca", "no-such.pem"]].concat());
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert_eq!(missing.status.code(), Some(78), "{said}");
    assert!(said.contains("no-such.pem"), "{said}");
    assert!(Path::new(directory.path()).exists());
}

#[tokio::test]
async fn a_caller_is_told_why_it_does_not_trust_the_server() {
    let files = Files::new();
    let server = files.server(files.authority.trusted(), &[]).await;
    fs::write(files.path("other.pem"), Authority::new().pem()).unwrap();
    let here = server.url.replace("localhost", "127.0.0.1");
    for (url, trusted, fault) in [
        (&server.url, "other.pem", "invalid peer certificate"),
        (&here, "ca.pem", "not valid for name \"127.0.0.1\""),
    ] {
        let trusted = files.path(trusted).display().to_string();
        let mut command = nearby();
        command.args(["search", "--at", "60,25", "--server", url, "--server-ca", &trusted]);
        let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert!(said.contains(fault) && said.contains("--server-ca"), "{said}");
    }
}
