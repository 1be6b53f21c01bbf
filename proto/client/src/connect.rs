//! Connection setup: address, TLS, keepalive.

use std::{error::Error, time::Duration};

use http::Uri;
use thiserror::Error;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::{
    Access,
    causes::{NOT_TLS, describe, is_end_of_stream, name_error, tls_error},
};

/// Error of establishing a connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address cannot be parsed.
    #[error("invalid server address {address}: expected HOST:PORT, such as 127.0.0.1:50051")]
    InvalidAddress {
        /// The address as given.
        address: String,
        /// The parse error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The scheme is neither `http://` nor `https://`.
    #[error("unsupported scheme in server address {address}: use http:// or https://")]
    UnsupportedScheme {
        /// The address as given.
        address: String,
    },
    /// The certificates or the key are invalid, or the connection is plaintext and cannot use them.
    #[error("{0}")]
    InvalidAccess(&'static str),
    /// The TLS handshake failed: the server does not speak TLS, or its certificate is not trusted.
    #[error("TLS handshake with {address} failed: {reason}")]
    Tls {
        /// The address as given.
        address: String,
        /// The cause reported by TLS.
        reason: String,
    },
    /// The name of the host does not resolve.
    #[error("cannot resolve the host name of {address}: {reason}")]
    UnknownHost {
        /// The address as given.
        address: String,
        /// The cause reported by the resolver.
        reason: String,
    },
    /// No connection could be established.
    #[error("cannot connect to {address}")]
    Unreachable {
        /// The address as given.
        address: String,
        /// The error of the transport.
        source: Box<dyn Error + Send + Sync>,
    },
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection dropped silently by the network is detected after the sum of interval and timeout, also while no call
/// is in flight. Otherwise every call would exceed its deadline until TCP gives up, which takes about 15 minutes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to a server; fails if no connection can be established.
pub(crate) async fn connect(address: &str, access: &Access) -> Result<Channel, ConnectError> {
    let endpoint = endpoint(address, access)?;
    let channel = endpoint.connect().await;
    channel.map_err(|error| {
        let address = address.to_owned();
        if let Some(cause) = tls_error(&error) {
            return ConnectError::Tls { address, reason: describe(cause) };
        }
        if let Some(cause) = name_error(&error) {
            return ConnectError::UnknownHost { address, reason: cause.to_string() };
        }
        if is_https(&address) && is_end_of_stream(&error) {
            return ConnectError::Tls { address, reason: NOT_TLS.to_owned() };
        }
        ConnectError::Unreachable { address, source: error.into() }
    })
}

/// Returns `true` for an address with TLS.
pub(crate) fn is_https(address: &str) -> bool {
    address.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}

fn endpoint(address: &str, access: &Access) -> Result<Endpoint, ConnectError> {
    let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    let tls = match scheme.as_str() {
        "https" => Some(tls(access)),
        "http" if access.requires_tls() => {
            return Err(ConnectError::InvalidAccess("certificates require TLS: use an https:// address"));
        }
        "http" => None,
        _ => return Err(ConnectError::UnsupportedScheme { address: address.to_owned() }),
    };
    let invalid_address = |source: Box<dyn Error + Send + Sync>| ConnectError::InvalidAddress {
        address: address.to_owned(),
        source,
    };
    let endpoint = Endpoint::from_shared(url).map_err(|error| invalid_address(error.into()))?;
    if has_invalid_port(endpoint.uri()) {
        return Err(invalid_address("the port must be a number from 0 to 65535".into()));
    }
    let endpoint = match tls {
        None => endpoint,
        Some(tls) => endpoint.tls_config(tls).map_err(|_| {
            ConnectError::InvalidAccess(
                "invalid certificates or private key: must be PEM, and the key must match the client certificate",
            )
        })?,
    };
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        // Nagle's algorithm would delay a small request until the previous one is acknowledged.
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true))
}

fn tls(access: &Access) -> ClientTlsConfig {
    let tls = match &access.ca_certificate {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &access.client_certificate {
        Some((certificate, key)) => tls.identity(Identity::from_pem(certificate, key)),
        None => tls,
    }
}

/// Checks for a suffix of the host that is not a valid port, which would otherwise be treated as port 80.
fn has_invalid_port(uri: &Uri) -> bool {
    uri.port_u16().is_none()
        && uri.authority().is_some_and(|authority| authority.as_str() != authority.host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_defaults_to_http() {
        for address in ["127.0.0.1:50051", "http://127.0.0.1:50051", "HTTP://[::1]:50051", "localhost:1"] {
            let endpoint = endpoint(address, &Access::default()).unwrap();
            assert_eq!(endpoint.uri().scheme_str(), Some("http"), "{address}");
            assert!(endpoint.uri().port().is_some(), "{address}");
        }
    }

    #[test]
    fn unsupported_schemes_and_invalid_addresses_are_rejected() {
        for address in ["unix:///run/nearby", "ftp://x"] {
            let error = endpoint(address, &Access::default()).unwrap_err();
            assert!(matches!(error, ConnectError::UnsupportedScheme { .. }), "{error:?}");
            assert!(error.to_string().contains(address) && error.to_string().contains("https://"));
        }
        for address in ["", "two words", "http://", "127.0.0.1:port", "127.0.0.1:50051x", "[::1]:99999"] {
            let result = endpoint(address, &Access::default());
            assert!(matches!(result, Err(ConnectError::InvalidAddress { .. })), "{address}");
        }
    }

    #[test]
    fn certificates_without_tls_are_rejected() {
        let access = Access::default().with_ca_certificate("-----BEGIN CERTIFICATE-----");
        assert!(matches!(endpoint("http://a", &access), Err(ConnectError::InvalidAccess(_))));
        assert!(endpoint("https://a", &Access::default()).is_ok());
    }
}
