//! TLS, and certificates that are renewed while the server runs.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
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
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{auth::end_of, fs::read_failures::Missed};

/// How often the files are looked at: whoever renews a certificate does so days before it ends.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Who has not renewed a certificate by then has forgotten it.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

/// Where the certificates are, all in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, and those that lead from it to one that callers trust.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Whoever signs callers' certificates; with it callers must show one.
    pub client_ca: Option<PathBuf>,
}

/// Why there is no TLS.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path} ({setting}): {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What names it.
        setting: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it must.
    #[error("{path} holds no {what} in PEM")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What it must hold.
        what: &'static str,
    },
    /// The files do not fit together, such as a key that is of another certificate.
    #[error("{certificate} and {key} cannot be used: {source}")]
    Unfit {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The file of those who sign callers' certificates cannot be used.
    #[error("{path} cannot be used to know callers by: {reason}")]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// TLS as the files have it now; shared by its clones.
#[derive(Clone)]
pub(crate) struct Tls {
    files: Arc<TlsFiles>,
    now: Arc<ArcSwap<Loaded>>,
    missed: Arc<Missed>,
}

struct Loaded {
    config: Arc<ServerConfig>,
    /// When the certificate ends, in seconds since 1970.
    ends_s: Option<i64>,
    /// What the files held.
    contents: Contents,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls({})", self.files.certificate.display())
    }
}

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let contents = Contents::read(&files)?;
        let config = contents.config(&files)?;
        let mode = fs::metadata(&files.key).map_or(0, |key| key.permissions().mode());
        if mode & 0o007 != 0 {
            tracing::warn!(file = %files.key.display(), "everybody on this machine can use the private key: chmod o= keeps it");
        }
        let now = Arc::new(ArcSwap::from_pointee(contents.loaded(config)));
        Ok(Self { files: Arc::new(files), now, missed: Arc::default() })
    }

    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&self.now.load().config)).accept(socket).await
    }

    /// When the certificate ends, in seconds since 1970.
    pub(crate) fn ends_s(&self) -> Option<i64> {
        self.now.load().ends_s
    }

    /// Looks at the files now and then, for ever, and takes what is new: connections that there are stay as they are.
    pub(crate) async fn keep_up(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let tls = self.clone();
            // What goes wrong in it is said there.
            drop(tokio::task::spawn_blocking(move || tls.look()).await);
        }
    }

    /// Takes what is new in the files. What cannot be used is said once, and the certificates stay as they were.
    pub(crate) fn look(&self) {
        let loaded = self.now.load();
        let tell = |error: TlsError| {
            tracing::error!(%error, "the certificates cannot be read any more; those from before stay");
        };
        let Some(contents) = self.missed.heed(Contents::read(&self.files), tell) else { return };
        if contents == loaded.contents {
            return;
        }
        let loaded = match contents.config(&self.files) {
            Ok(config) => {
                tracing::info!(certificate = %self.files.certificate.display(), "certificates are renewed");
                contents.loaded(config)
            }
            Err(error) => {
                tracing::error!(%error, "new certificates cannot be used; those from before stay");
                // What is shown, and when it ends, is as it was.
                Loaded { config: Arc::clone(&loaded.config), ends_s: loaded.ends_s, contents }
            }
        };
        self.now.store(Arc::new(loaded));
    }
}

#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = |path: &Path, setting| {
            let path = path.to_owned();
            fs::read(&path).map_err(|source| TlsError::Unreadable { path, setting, source })
        };
        Ok(Self {
            certificate: read(&files.certificate, "--tls-cert, NEARBY_TLS_CERT")?,
            key: read(&files.key, "--tls-key, NEARBY_TLS_KEY")?,
            client_ca: (files.client_ca.as_deref())
                .map(|path| read(path, "--tls-client-ca, NEARBY_TLS_CLIENT_CA"))
                .transpose()?,
        })
    }

    /// What was made of it. Says so where it is of no use, or soon will be: nothing else would, until callers fail.
    fn loaded(self, config: Arc<ServerConfig>) -> Loaded {
        let ends_s = certificates(&self.certificate).first().and_then(|certificate| end_of(certificate));
        let ends = ends_s.and_then(|ends_s| jiff::Timestamp::from_second(ends_s).ok());
        let now = jiff::Timestamp::now();
        if let Some(ends) = ends.filter(|ends| ends.duration_since(now) < SOON) {
            let has_ended = ends <= now;
            tracing::warn!(%ends, has_ended, "the certificate ends soon, or has ended: callers refuse it then");
        }
        Loaded { config, ends_s, contents: self }
    }

    fn config(&self, files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
        let missing = |path: &Path, what| TlsError::Missing { path: path.to_owned(), what };
        let chain = certificates(&self.certificate);
        if chain.is_empty() {
            return Err(missing(&files.certificate, "certificate"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| missing(&files.key, "private key"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let unfit = |source| TlsError::Unfit {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            source,
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unfit)?;
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
        let mut config = builder.with_single_cert(chain, key).map_err(unfit)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).flatten().collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    #[test]
    fn a_certificate_that_does_not_fit_its_key_changes_nothing() {
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
        let tls = Tls::load(files).unwrap();
        assert_eq!(tls.ends_s(), Some(first));
        let second = renew(2_101, &two);
        tls.look();
        assert_eq!(tls.ends_s(), Some(first));
        fs::remove_file(&key).unwrap();
        tls.look();
        assert_eq!((tls.ends_s(), tls.missed.times()), (Some(first), 1));
        fs::write(&key, two.serialize_pem()).unwrap();
        tls.look();
        assert_eq!((tls.ends_s(), tls.missed.times()), (Some(second), 0));
    }
}
