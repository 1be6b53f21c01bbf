//! Where a server is, and how it wants to be spoken to.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderValue, Uri};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use thiserror::Error;

/// A server.
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

/// Why there is no target.
#[derive(Debug, Error)]
pub enum TargetError {
    /// The address is none.
    #[error("{0} is not the address of a server, such as http://127.0.0.1:50051 or https://nearby.example")]
    NotAnAddress(String),
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Certificates to trust say nothing of a connection in the clear.
    #[error("--tls-ca is for https:// alone: the server's address begins with http://")]
    NotOverTls,
    /// A file has no certificate.
    #[error("{0} holds no certificate in PEM")]
    NoCertificate(PathBuf),
    /// A file has no key.
    #[error("{0} does not hold an API key: one line of printable ASCII")]
    NoKey(PathBuf),
    /// TLS cannot be had.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Target {
    /// Host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A server at an address, with `https://` over TLS.
    ///
    /// # Errors
    /// The address is none.
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

    /// Trusts those whom a file of certificates names, in PEM; over TLS only.
    ///
    /// # Errors
    /// The server is not spoken to over TLS, or the file cannot be read or has no certificate.
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

    /// Shows the API key that a file holds.
    ///
    /// # Errors
    /// The file cannot be read or holds none.
    pub fn with_key_of(mut self, path: &PathBuf) -> Result<Self, TargetError> {
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

    /// How long a call may take.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }
}

/// Those whom the system trusts. Where it trusts nobody, the handshake says so.
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
    fn addresses_are_taken_with_and_without_a_scheme() {
        let target = |server| {
            Target::new(server, Duration::from_secs(1)).map(|target| (target.address, target.tls.is_some()))
        };
        assert_eq!(target("127.0.0.1:5").unwrap(), ("127.0.0.1:5".to_owned(), false));
        assert_eq!(target("http://[::1]:5").unwrap(), ("[::1]:5".to_owned(), false));
        assert_eq!(target("https://nearby.example").unwrap(), ("nearby.example:443".to_owned(), true));
        assert!(target("ftp://x").is_err() && target("http://").is_err());
    }
}
