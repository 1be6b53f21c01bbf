//! How a connection is made.

use std::{error::Error, time::Duration};

use http::Uri;
use thiserror::Error;
use tonic::transport::{Channel, Endpoint};

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
    /// This crate speaks neither TLS nor anything else but `http://`.
    #[error("{address}: only http:// is spoken; there is no TLS yet")]
    NotHttp {
        /// What was given.
        address: String,
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
pub(crate) async fn connect(address: &str) -> Result<Channel, ConnectError> {
    let endpoint = endpoint(address)?;
    let channel = endpoint.connect().await;
    channel.map_err(|error| ConnectError::Unreachable { address: address.to_owned(), source: error.into() })
}

fn endpoint(address: &str) -> Result<Endpoint, ConnectError> {
    let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let is_http = url.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http"));
    if !is_http {
        return Err(ConnectError::NotHttp { address: address.to_owned() });
    }
    let not_an_address = |source: Box<dyn Error + Send + Sync>| ConnectError::NotAnAddress {
        address: address.to_owned(),
        source,
    };
    let endpoint = Endpoint::from_shared(url).map_err(|error| not_an_address(error.into()))?;
    if has_bad_port(endpoint.uri()) {
        return Err(not_an_address("its port is not a number from 0 to 65535".into()));
    }
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        // A small request must not wait for the acknowledgement of the one before.
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true))
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
            let endpoint = endpoint(address).unwrap();
            assert_eq!(endpoint.uri().scheme_str(), Some("http"), "{address}");
            assert!(endpoint.uri().port().is_some(), "{address}");
        }
    }

    #[test]
    fn other_schemes_and_no_addresses_are_refused_clearly() {
        for address in ["https://nearby.example", "unix:///run/nearby", "ftp://x"] {
            let error = endpoint(address).unwrap_err();
            assert!(matches!(error, ConnectError::NotHttp { .. }), "{error:?}");
            assert!(error.to_string().contains(address) && error.to_string().contains("no TLS yet"));
        }
        for address in ["", "two words", "http://", "127.0.0.1:port", "127.0.0.1:50051x", "[::1]:99999"] {
            assert!(matches!(endpoint(address), Err(ConnectError::NotAnAddress { .. })), "{address}");
        }
    }
}
