//! TLS certificates that are generated for a test.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, Error, IsCa, KeyPair};

/// A certificate authority with a self-signed certificate.
#[derive(Debug)]
pub struct CertificateAuthority(CertifiedIssuer<'static, KeyPair>);

impl CertificateAuthority {
    /// Generates a key and a self-signed certificate.
    ///
    /// # Errors
    /// The key or the certificate cannot be generated.
    pub fn new() -> Result<Self, Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Returns the authority's certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate with this DNS name (subject alternative name); returns the certificate and its private key as
    /// PEM.
    ///
    /// # Errors
    /// The name is not a DNS name, or the key or the certificate cannot be generated.
    pub fn issue(&self, name: &str) -> Result<(String, String), Error> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec![name.to_owned()])?;
        Ok((params.signed_by(&key, &self.0)?.pem(), key.serialize_pem()))
    }
}
