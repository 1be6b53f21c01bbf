//! How a caller is let in, and knows whom it calls.

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::Interceptor,
};

use crate::connect::ConnectError;

/// How a caller is let in, and knows whom it calls. Empty by default: nothing is shown, and whom the system trusts is
/// trusted.
#[derive(Clone, Default)]
pub struct Access {
    /// Certificates to trust, in PEM.
    pub(crate) trusted: Option<String>,
    /// The caller's own certificate and its key, in PEM.
    pub(crate) identity: Option<(String, String)>,
    pub(crate) authorization: Option<MetadataValue<Ascii>>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access")
    }
}

impl Access {
    /// Trusts servers whose certificates lead to one of these, in PEM, and no others.
    #[must_use]
    pub fn trusting(self, pem: impl Into<String>) -> Self {
        Self { trusted: Some(pem.into()), ..self }
    }

    /// Shows a certificate, with its private key; both in PEM.
    #[must_use]
    pub fn showing(self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        Self { identity: Some((certificate.into(), key.into())), ..self }
    }

    /// Shows an API key or a token with every call (`authorization: Bearer …`).
    ///
    /// # Errors
    ///
    /// It is empty, or not printable ASCII without spaces.
    pub fn with_key(self, key: &str) -> Result<Self, ConnectError> {
        let key = key.trim();
        let is_line = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        let value = is_line.then(|| format!("Bearer {key}").parse().ok()).flatten();
        let mut value: MetadataValue<Ascii> =
            value.ok_or(ConnectError::Access("an API key is a line of printable ASCII"))?;
        value.set_sensitive(true);
        Ok(Self { authorization: Some(value), ..self })
    }

    pub(crate) fn is_for_tls(&self) -> bool {
        self.trusted.is_some() || self.identity.is_some()
    }
}

/// Puts the key into every call, if there is one.
#[derive(Clone, Debug)]
pub(crate) struct ShowKey(pub(crate) Option<MetadataValue<Ascii>>);

impl Interceptor for ShowKey {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("authorization", key.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown_to_people() {
        let access = Access::default().with_key("nearby_secret\n").unwrap();
        let shown = ShowKey(access.authorization.clone());
        assert!(!format!("{access:?} {shown:?}").contains("nearby_secret"));
        let error = Access::default().with_key("sécret").unwrap_err();
        assert!(!error.to_string().contains("cret"), "{error}");
        assert!(Access::default().with_key(" \n").is_err());
    }
}
