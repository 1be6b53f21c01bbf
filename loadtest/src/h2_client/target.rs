//! Address of a server, TLS configuration and credentials.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderValue, Uri};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use thiserror::Error;

/// A server to connect to.
#[derive(Clone)]
pub struct Target {
    pub(super) address: String,
    pub(super) authority: String,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) deadline: Duration,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({})", self.address)
    }
}

/// Errors of configuring a target.
#[derive(Debug, Error)]
pub enum TargetError {
    /// The address is invalid.
    #[error("{0} is not a server address such as http://127.0.0.1:50051 or https://nearby.example")]
    NotAnAddress(String),
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// CA certificates were given for a plaintext connection.
    #[error("--tls-ca requires an https:// address")]
    NotOverTls,
    /// The file contains no certificate.
    #[error("{0} contains no PEM certificate")]
    NoCertificate(PathBuf),
    /// The file contains no API key.
    #[error("{0} contains no API key: expected one line of printable ASCII")]
    NoKey(PathBuf),
    /// TLS cannot be configured.
    #[error("cannot configure TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl Target {
    /// Returns host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Creates a target from an address; `https://` selects TLS.
    ///
    /// # Errors
    /// The address is invalid.
    pub fn new(server: &str, deadline: Duration) -> Result<Self, TargetError> {
        let not_an_address = || TargetError::NotAnAddress(server.to_owned());
        let url = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
        let uri: Uri = url.parse().map_err(|_| not_an_address())?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(not_an_address()),
        };
        let host = uri.host().ok_or_else(not_an_address)?;
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 50_051 });
        let tls = match is_tls {
            true => Some((config(system_roots())?, name(host).ok_or_else(not_an_address)?)),
            false => None,
        };
        let authority = uri.authority().map_or_else(|| host.to_owned(), ToString::to_string);
        Ok(Self { address: format!("{host}:{port}"), authority, tls, authorization: None, deadline })
    }

    /// Trusts the CA certificates of a PEM file instead of those of the system.
    ///
    /// # Errors
    /// The target does not use TLS, or the file cannot be read or contains no certificate.
    pub fn trusting(mut self, path: &PathBuf) -> Result<Self, TargetError> {
        let Some((_, name)) = self.tls.take() else { return Err(TargetError::NotOverTls) };
        let pem = fs::read(path).map_err(|source| TargetError::Unreadable { path: path.clone(), source })?;
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_slice_iter(&pem).flatten();
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(TargetError::NoCertificate(path.clone()));
        }
        self.tls = Some((config(roots)?, name));
        Ok(self)
    }

    /// Sends the API key of a file with each call.
    ///
    /// # Errors
    /// The file cannot be read or contains no key.
    pub fn with_key_file(mut self, path: &PathBuf) -> Result<Self, TargetError> {
        let key = fs::read_to_string(path)
            .map_err(|source| TargetError::Unreadable { path: path.clone(), source })?;
        let value = format!("Bearer {}", key.trim());
        let mut value = HeaderValue::from_str(&value).map_err(|_| TargetError::NoKey(path.clone()))?;
        if key.trim().is_empty() {
            return Err(TargetError::NoKey(path.clone()));
        }
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// Returns the value of the header `authorization`, if there is one.
    #[must_use]
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Returns the deadline of a call.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }
}

/// Returns the system's CA certificates. If there are none, the handshake reports it.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn name(host: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']').to_owned()).ok()
}

fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, TargetError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_parse_with_and_without_a_scheme() {
        let target = |server| {
            Target::new(server, Duration::from_secs(1)).map(|target| (target.address, target.tls.is_some()))
        };
        assert_eq!(target("127.0.0.1:5").unwrap(), ("127.0.0.1:5".to_owned(), false));
        assert_eq!(target("http://[::1]:5").unwrap(), ("[::1]:5".to_owned(), false));
        assert_eq!(target("https://nearby.example").unwrap(), ("nearby.example:443".to_owned(), true));
        assert!(target("ftp://x").is_err() && target("http://").is_err());
    }
}
