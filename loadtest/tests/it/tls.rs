//! TLS and API keys.

use std::{fs, sync::Arc, time::Duration};

use nearby_loadtest::{
    h2_client::{ConnectionPool, encode_framed},
    runner::{Spacing, Stage},
};
use nearby_proto::v1::SearchNearbyResponse;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::TlsAcceptor;

use crate::stub_server::{Answer, runner, serve, settings, target};

/// Starts a TLS server; returns its URL and its certificate.
async fn start(answer: Answer) -> (String, String) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
            tokio::spawn(async move {
                // Fails if the client does not trust the certificate.
                if let Ok(socket) = acceptor.accept(socket).await {
                    serve(socket, answer).await;
                }
            });
        }
    });
    (format!("https://localhost:{port}"), own.cert.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_use_tls_and_the_api_key_and_require_a_trusted_certificate() {
    let answer = encode_framed(&SearchNearbyResponse::default());
    let answer: Answer = Arc::new(move |_, headers| {
        let has_key = headers.get("authorization").is_some_and(|value| value == "Bearer a-key");
        (if has_key { 0 } else { 16 }, answer.clone())
    });
    let (url, pem) = start(answer).await;
    let directory = tempfile::tempdir().unwrap();
    let (ca, key) = (directory.path().join("ca.pem"), directory.path().join("key"));
    fs::write(&ca, pem).unwrap();
    fs::write(&key, "a-key\n").unwrap();

    let run = async |target| {
        let stage = Stage::new("run", 200.0, Duration::from_millis(300));
        runner(settings(target), 0).await.run_open_loop(&[stage], Spacing::Even, 1).await.unwrap().remove(0)
    };
    let good = run(target(&url).trusting(&ca).unwrap().with_key_file(&key).unwrap()).await;
    assert!(good.good() > 50 && good.good_share() == 1.0, "{}", good.good_share());
    let keyless = run(target(&url).trusting(&ca).unwrap()).await;
    assert!(keyless.good() == 0 && keyless.answered() > 50);
    assert!(ConnectionPool::open(target(&url), 1, 1).await.is_err(), "the certificate is not trusted");
    fs::write(&ca, "no certificate").unwrap();
    assert!(target(&url).trusting(&ca).unwrap_err().to_string().contains("contains no PEM certificate"));
}
