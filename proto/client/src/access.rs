//! Credentials of the client, and the certificate authorities it trusts.

use thiserror::Error;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::Interceptor,
};

/// Error of [`Access::with_api_key`]. It does not contain the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("invalid API key: must be one line of printable ASCII without spaces")]
pub struct InvalidApiKey;

/// Credentials of the client, and the certificate authorities it trusts. By default no credentials are sent, and the
/// certificate authorities of the system are trusted.
#[derive(Clone, Default)]
pub struct Access {
    /// Trusted certificate authorities, in PEM.
    pub(crate) ca_certificate: Option<String>,
    /// Client certificate and its private key, in PEM.
    pub(crate) client_certificate: Option<(String, String)>,
    pub(crate) authorization: Option<MetadataValue<Ascii>>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access")
    }
}

impl Access {
    /// Trusts only servers whose certificate chain ends in one of these certificates, in PEM.
    #[must_use]
    pub fn with_ca_certificate(self, pem: impl Into<String>) -> Self {
        Self { ca_certificate: Some(pem.into()), ..self }
    }

    /// Authenticates with a client certificate and its private key, both in PEM.
    #[must_use]
    pub fn with_client_certificate(self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        Self { client_certificate: Some((certificate.into(), key.into())), ..self }
    }

    /// Sends an API key or a token with every call (`authorization: Bearer …`).
    ///
    /// # Errors
    ///
    /// The key is empty, or contains anything but printable ASCII without spaces.
    pub fn with_api_key(self, key: &str) -> Result<Self, InvalidApiKey> {
        let key = key.trim();
        let is_line = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        let value = is_line.then(|| format!("Bearer {key}").parse().ok()).flatten();
        let mut value: MetadataValue<Ascii> = value.ok_or(InvalidApiKey)?;
        value.set_sensitive(true);
        Ok(Self { authorization: Some(value), ..self })
    }

    pub(crate) fn requires_tls(&self) -> bool {
        self.ca_certificate.is_some() || self.client_certificate.is_some()
    }
}

/// Interceptor that adds the API key or token to every call, if there is one.
#[derive(Clone, Debug)]
pub(crate) struct AuthInterceptor(pub(crate) Option<MetadataValue<Ascii>>);

impl Interceptor for AuthInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(authorization) = &self.0 {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_key_is_absent_from_debug_output_and_errors() {
        let access = Access::default().with_api_key("nearby_secret\n").unwrap();
        let interceptor = AuthInterceptor(access.authorization.clone());
        assert!(!format!("{access:?} {interceptor:?}").contains("nearby_secret"));
        let error = Access::default().with_api_key("sécret").unwrap_err();
        assert!(!error.to_string().contains("cret"), "{error}");
        assert!(Access::default().with_api_key(" \n").is_err());
    }
}
