//! HTTP GET for the few times the program is an HTTP client: fetching a JSON Web Key Set, and `nearby status`.

use std::{thread, time::Duration};

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

/// Fetches the body of `url` as text. `https` verifies the server against the operating system's certificate authorities.
/// Redirects are not followed: a redirect could lead from a trusted origin to another.
///
/// # Errors
/// The reason, when the request takes longer than `timeout`, the status is not a success, the body is longer than
/// `max_bytes`, or the body is not UTF-8.
pub(crate) async fn get_text(url: &str, timeout: Duration, max_bytes: usize) -> Result<String, String> {
    let uri: hyper::Uri = url.parse().map_err(|error| format!("invalid URL: {error}"))?;
    tokio::time::timeout(timeout, fetch(uri, max_bytes))
        .await
        .map_err(|_| format!("no response within {} s", timeout.as_secs()))?
}

async fn fetch(uri: hyper::Uri, max_bytes: usize) -> Result<String, String> {
    let connector = match uri.scheme_str() {
        Some("https") => HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| format!("cannot read the system's certificate authorities: {error}"))?,
        // Plain HTTP must work on a machine without certificate authorities.
        _ => HttpsConnectorBuilder::new().with_tls_config(
            rustls::ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth(),
        ),
    };
    let connector = connector.https_or_http().enable_http1().build();
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let response = client.get(uri).await.map_err(|error| with_sources(&error))?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()));
    }
    let body =
        Limited::new(response.into_body(), max_bytes).collect().await.map_err(|error| error.to_string())?;
    String::from_utf8(body.to_bytes().into()).map_err(|_| "the body is not UTF-8".to_owned())
}

/// Blocking form of [`get_text`], on a thread and a runtime of its own, so that it may be called from any thread.
///
/// # Errors
/// As [`get_text`].
pub(crate) fn get_text_blocking(url: &str, timeout: Duration, max_bytes: usize) -> Result<String, String> {
    thread::scope(|scope| {
        let request = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| error.to_string())?;
            runtime.block_on(get_text(url, timeout, max_bytes))
        });
        request.join().unwrap_or_else(|_| Err("the HTTP client panicked".to_owned()))
    })
}

/// The error and its sources, since hyper-util's own text says only "client error (Connect)".
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
