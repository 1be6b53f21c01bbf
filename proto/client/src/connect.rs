//! How a connection is made.

use std::{error::Error, io, time::Duration};

use http::Uri;
use thiserror::Error;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::Access;

/// Why there is no connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// What was given names no server.
    #[error("{address} is not the address of a server, such as 127.0.0.1:50051")]
    NotAnAddress {
        /// What was given.
        address: String,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Neither `http://` nor `https://`.
    #[error("{address}: only http:// and https:// are spoken")]
    NotHttp {
        /// What was given.
        address: String,
    },
    /// What was given to be let in with cannot be used, or says nothing of a connection in the clear.
    #[error("{0}")]
    Access(&'static str),
    /// Something answers there, but not as TLS and the certificates to trust ask for it.
    #[error("{address} answers, but not so that it can be trusted: {reason}")]
    Tls {
        /// What was given.
        address: String,
        /// What is wrong, as it was found.
        reason: String,
    },
    /// Nothing answers there.
    #[error("no server answers at {address}")]
    Unreachable {
        /// What was given.
        address: String,
        /// What the system said.
        source: Box<dyn Error + Send + Sync>,
    },
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that something between has dropped without a word is noticed after the two of them, also when no call is
/// under way: otherwise every call would run into its deadline until the system gave the connection up, which takes a
/// quarter of an hour.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to a server, which must answer.
pub(crate) async fn connect(address: &str, access: &Access) -> Result<Channel, ConnectError> {
    let endpoint = endpoint(address, access)?;
    let channel = endpoint.connect().await;
    channel.map_err(|error| match tls_fault(&error) {
        Some(fault) => ConnectError::Tls { address: address.to_owned(), reason: fault.to_string() },
        None => ConnectError::Unreachable { address: address.to_owned(), source: error.into() },
    })
}

/// What TLS found wrong, where it was that.
fn tls_fault<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut causes = std::iter::successors(Some(error), |&error| {
        // What an error of the system was made of is not among its sources.
        let made_of = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        made_of.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    });
    causes.find_map(|error| error.downcast_ref())
}

fn endpoint(address: &str, access: &Access) -> Result<Endpoint, ConnectError> {
    let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    let tls = match scheme.as_str() {
        "https" => Some(tls(access)),
        "http" if access.is_for_tls() => {
            return Err(ConnectError::Access(
                "certificates are for https:// alone: the address is one of http://",
            ));
        }
        "http" => None,
        _ => return Err(ConnectError::NotHttp { address: address.to_owned() }),
    };
    let not_an_address = |source: Box<dyn Error + Send + Sync>| ConnectError::NotAnAddress {
        address: address.to_owned(),
        source,
    };
    let endpoint = Endpoint::from_shared(url).map_err(|error| not_an_address(error.into()))?;
    if has_bad_port(endpoint.uri()) {
        return Err(not_an_address("its port is not a number from 0 to 65535".into()));
    }
    let endpoint = match tls {
        None => endpoint,
        Some(tls) => endpoint.tls_config(tls).map_err(|_| {
            ConnectError::Access(
                "the certificates or the key to be let in with are not in PEM, or do not fit",
            )
        })?,
    };
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        // A small request must not wait for the acknowledgement of the one before.
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true))
}

fn tls(access: &Access) -> ClientTlsConfig {
    let tls = match &access.trusted {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &access.identity {
        Some((certificate, key)) => tls.identity(Identity::from_pem(certificate, key)),
        None => tls,
    }
}

/// Whether something comes after the host that is no port: it would be taken as port 80.
fn has_bad_port(uri: &Uri) -> bool {
    uri.port_u16().is_none()
        && uri.authority().is_some_and(|authority| authority.as_str() != authority.host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_http_out() {
        for address in ["127.0.0.1:50051", "http://127.0.0.1:50051", "HTTP://[::1]:50051", "localhost:1"] {
            let endpoint = endpoint(address, &Access::default()).unwrap();
            assert_eq!(endpoint.uri().scheme_str(), Some("http"), "{address}");
            assert!(endpoint.uri().port().is_some(), "{address}");
        }
    }

    #[test]
    fn other_schemes_and_no_addresses_are_refused_clearly() {
        for address in ["unix:///run/nearby", "ftp://x"] {
            let error = endpoint(address, &Access::default()).unwrap_err();
            assert!(matches!(error, ConnectError::NotHttp { .. }), "{error:?}");
            assert!(error.to_string().contains(address) && error.to_string().contains("https://"));
        }
        for address in ["", "two words", "http://", "127.0.0.1:port", "127.0.0.1:50051x", "[::1]:99999"] {
            let refused = endpoint(address, &Access::default());
            assert!(matches!(refused, Err(ConnectError::NotAnAddress { .. })), "{address}");
        }
    }

    #[test]
    fn certificates_are_not_ignored_where_there_is_no_tls() {
        let access = Access::default().trusting("-----BEGIN CERTIFICATE-----");
        assert!(matches!(endpoint("http://a", &access), Err(ConnectError::Access(_))));
        assert!(endpoint("https://a", &Access::default()).is_ok());
    }
}
