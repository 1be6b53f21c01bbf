//! TLS, with certificates that reload while the server runs.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    auth::{audit_log::AuditLog, client_certificates::expiry_of, key_changes::KeyChanges},
    fs::{
        read_failures::{ReadFailures, Reload},
        regular_file,
    },
};

/// Interval between checks of the files. Certificates are renewed days before they expire.
const RELOAD_INTERVAL: Duration = Duration::from_secs(2);

/// A certificate that expires within this time and is not renewed is logged as a warning.
const EXPIRY_WARNING: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

/// Paths of the certificates and the key, all in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Certificate authorities of client certificates; when set, clients must present one (mTLS).
    pub client_ca: Option<PathBuf>,
}

/// Error when TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path} ({setting}): {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A file does not contain the expected item.
    #[error("{path} contains no PEM {what}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The expected item.
        what: &'static str,
    },
    /// The certificate and the key do not belong together, or rustls rejects them.
    #[error("cannot use certificate {certificate} with key {key}: {source}")]
    Unusable {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// The cause.
        source: rustls::Error,
    },
    /// The file of client certificate authorities cannot be used.
    #[error("cannot verify client certificates with {path}: {reason}")]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
}

/// The current TLS configuration; clones share it.
#[derive(Clone)]
pub(crate) struct Tls {
    files: Arc<TlsFiles>,
    material: Arc<ArcSwap<TlsMaterial>>,
    read_failures: Arc<ReadFailures>,
    audit_log: Option<AuditLog>,
}

struct TlsMaterial {
    config: Arc<ServerConfig>,
    /// The same for a listener that also speaks HTTP/1.1.
    config_with_http1: Arc<ServerConfig>,
    /// Expiry of the certificate, in seconds since 1970.
    expiry_s: Option<i64>,
    /// Certificates that it was made from.
    fingerprints: BTreeMap<String, &'static str>,
    /// Contents of the files that were read last.
    contents: Contents,
}

/// The result of a TLS handshake.
pub(super) enum Handshake {
    /// The client has completed it.
    Completed(Box<TlsStream<TcpStream>>),
    /// The client speaks without TLS; none of its bytes has been read.
    Plaintext(TcpStream),
}

/// First byte of a TLS connection: the content type of a handshake record (RFC 8446 §5.1).
pub(super) const TLS_HANDSHAKE_RECORD: u8 = 0x16;

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls({})", self.files.certificate.display())
    }
}

impl Tls {
    /// Reads the files. The audit log receives their later changes.
    ///
    /// # Errors
    /// [`TlsError`], when a file cannot be read or used.
    pub(crate) fn load(files: TlsFiles, audit_log: Option<AuditLog>) -> Result<Self, TlsError> {
        let contents = Contents::read(&files)?;
        let config = contents.config(&files)?;
        contents.warn_of_permissions(&files);
        let material = Arc::new(ArcSwap::from_pointee(contents.into_material(config)));
        Ok(Self { files: Arc::new(files), material, read_failures: Arc::default(), audit_log })
    }

    pub(super) async fn accept(&self, socket: TcpStream, has_http1: bool) -> io::Result<Handshake> {
        let mut first = [0];
        if socket.peek(&mut first).await? == 1 && first != [TLS_HANDSHAKE_RECORD] {
            return Ok(Handshake::Plaintext(socket));
        }
        let material = self.material.load();
        let config = if has_http1 { &material.config_with_http1 } else { &material.config };
        let acceptor = TlsAcceptor::from(Arc::clone(config));
        Ok(Handshake::Completed(Box::new(acceptor.accept(socket).await?)))
    }

    /// Expiry of the certificate, in seconds since 1970.
    pub(crate) fn expiry_s(&self) -> Option<i64> {
        self.material.load().expiry_s
    }

    /// Returns whether earlier certificates are in use because the files cannot be read or used.
    pub(crate) fn is_reload_failing(&self) -> bool {
        self.read_failures.is_failing()
    }

    /// Reloads changed files, indefinitely. Open connections keep their certificates.
    pub(crate) async fn reload_loop(self) {
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let tls = self.clone();
            // `reload` logs its own errors.
            drop(tokio::task::spawn_blocking(move || tls.reload(Reload::Poll)).await);
        }
    }

    /// Reloads the files, if they have changed or on demand. If they cannot be used, logs it, for a poll once, and the current
    /// certificates stay in use.
    pub(crate) fn reload(&self, reload: Reload) {
        let current = self.material.load();
        let report = |error: TlsError| {
            tracing::error!(%error, "cannot read certificates; keeping the current ones");
        };
        let read = Contents::read(&self.files);
        let Some(contents) = self.read_failures.report_repeated(read, reload, report) else { return };
        if contents == current.contents && reload == Reload::Poll {
            return;
        }
        let config = contents.config(&self.files);
        self.read_failures.set_usable(config.is_ok());
        let material = match config {
            Ok(config) => {
                tracing::info!(certificate = %self.files.certificate.display(), "certificates reloaded");
                contents.warn_of_permissions(&self.files);
                let changes =
                    KeyChanges::between("certificates", &current.fingerprints, &contents.fingerprints());
                if let (Some(log), Some(changes)) = (&self.audit_log, changes) {
                    log.write_key_changes(jiff::Timestamp::now(), &changes);
                }
                contents.into_material(config)
            }
            Err(error) => {
                tracing::error!(%error, "cannot use new certificates; keeping the current ones");
                // Remembers the contents, so that the error is logged once; the certificate and its expiry stay.
                TlsMaterial {
                    config: Arc::clone(&current.config),
                    config_with_http1: Arc::clone(&current.config_with_http1),
                    expiry_s: current.expiry_s,
                    fingerprints: current.fingerprints.clone(),
                    contents,
                }
            }
        };
        self.material.store(Arc::new(material));
    }
}

#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: regular_file::Contents,
    client_ca: Option<Vec<u8>>,
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = |path: &Path, setting| {
            let path = path.to_owned();
            regular_file::read(&path, regular_file::MAX_BYTES).map_err(|source| TlsError::Unreadable {
                path,
                setting,
                source,
            })
        };
        Ok(Self {
            certificate: read(&files.certificate, "--tls-cert, NEARBY_TLS_CERT")?.bytes,
            key: read(&files.key, "--tls-key, NEARBY_TLS_KEY")?,
            client_ca: (files.client_ca.as_deref())
                .map(|path| Ok(read(path, "--tls-client-ca, NEARBY_TLS_CLIENT_CA")?.bytes))
                .transpose()?,
        })
    }

    /// The SHA-256 of the server's certificate and of the authorities of clients, with what they are for.
    fn fingerprints(&self) -> BTreeMap<String, &'static str> {
        let own = certificates(&self.certificate).into_iter().take(1).map(|own| (own, "server certificate"));
        let authorities = self.client_ca.as_deref().map(certificates).unwrap_or_default();
        let authorities = authorities.into_iter().map(|authority| (authority, "client authority"));
        own.chain(authorities)
            .map(|(certificate, purpose)| {
                let digest = Sha256::digest(&certificate);
                let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                (format!("{purpose} sha256:{hex}"), purpose)
            })
            .collect()
    }

    fn warn_of_permissions(&self, files: &TlsFiles) {
        if self.key.is_open_to_others {
            let file = files.key.display();
            tracing::warn!(%file, "private key is accessible to all users of this machine; run chmod o= on it");
        }
    }

    /// The material with its expiry, which is logged when it is near: nothing else reports it until clients fail.
    fn into_material(self, config: Arc<ServerConfig>) -> TlsMaterial {
        let expiry_s = certificates(&self.certificate).first().and_then(|certificate| expiry_of(certificate));
        let expires = expiry_s.and_then(|expiry_s| jiff::Timestamp::from_second(expiry_s).ok());
        let now = jiff::Timestamp::now();
        if let Some(expires) = expires.filter(|expires| expires.duration_since(now) < EXPIRY_WARNING) {
            let has_expired = expires <= now;
            tracing::warn!(%expires, has_expired, "certificate expires soon or has expired; renew it");
        }
        let mut with_http1 = ServerConfig::clone(&config);
        with_http1.alpn_protocols.push(b"http/1.1".to_vec());
        let config_with_http1 = Arc::new(with_http1);
        TlsMaterial { config, config_with_http1, expiry_s, fingerprints: self.fingerprints(), contents: self }
    }

    fn config(&self, files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
        let missing = |path: &Path, what| TlsError::Missing { path: path.to_owned(), what };
        let chain = certificates(&self.certificate);
        if chain.is_empty() {
            return Err(missing(&files.certificate, "certificate"));
        }
        let key =
            PrivateKeyDer::from_pem_slice(&self.key.bytes).map_err(|_| missing(&files.key, "private key"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let unusable_pair = |source| TlsError::Unusable {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            source,
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable_pair)?;
        let builder = match (&self.client_ca, &files.client_ca) {
            (Some(pem), Some(path)) => {
                let unusable = |reason| TlsError::ClientCa { path: path.clone(), reason };
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates(pem));
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| unusable(error.to_string()))?)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(unusable_pair)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    #[test]
    fn a_certificate_that_does_not_match_its_key_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
        let renew = |year: i32, key: &KeyPair| {
            let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            fs::write(&certificate, params.self_signed(key).unwrap().pem()).unwrap();
            params.not_after.unix_timestamp()
        };
        let [one, two] = [(); 2].map(|()| KeyPair::generate().unwrap());
        fs::write(&key, one.serialize_pem()).unwrap();
        let first = renew(2_100, &one);
        let files = TlsFiles { certificate: certificate.clone(), key: key.clone(), client_ca: None };
        let tls = Tls::load(files, None).unwrap();
        assert_eq!(tls.expiry_s(), Some(first));
        let second = renew(2_101, &two);
        tls.reload(Reload::Poll);
        assert_eq!((tls.expiry_s(), tls.is_reload_failing()), (Some(first), true));
        fs::remove_file(&key).unwrap();
        tls.reload(Reload::Poll);
        assert_eq!((tls.expiry_s(), tls.read_failures.count()), (Some(first), 1));
        fs::write(&key, two.serialize_pem()).unwrap();
        tls.reload(Reload::Poll);
        assert_eq!((tls.expiry_s(), tls.read_failures.count()), (Some(second), 0));
        assert!(!tls.is_reload_failing());
    }
}
