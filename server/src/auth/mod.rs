//! Authentication and authorization. Knows no wire types; the time is an argument.
//!
//! | module | contents |
//! |---|---|
//! | `role` | roles: the unit of authorization |
//! | `principal` | an authenticated client, with its roles and its rate limit |
//! | `bearer` | credentials in request headers |
//! | `api_keys` | API keys, in a file that `nearby keys` manages |
//! | `jwt`, `jwks`, `token_cache` | JSON Web Tokens, the keys that verify them, and the tokens verified so far |
//! | `jwt_crypto` | signature verification with ring |
//! | `client_certificates` | names in client certificates, and their roles |
//! | `rate_limit` | rate limits per principal and per client IP |
//! | `audit_log` | a log of changes and rejected calls: principal, method, outcome |
//! | `key_changes` | differences between two versions of keys, for the audit log |
//!
//! Once one method of authentication is configured (API keys, tokens or certificate roles), every call needs valid credentials.
//! Without any, authentication is disabled: any client may call any method.

pub mod api_keys;
pub mod audit_log;
pub(crate) mod bearer;
pub mod client_certificates;
pub mod jwks;
pub mod jwt;
mod jwt_crypto;
pub(crate) mod key_changes;
pub mod principal;
pub mod rate_limit;
pub mod role;
mod token_cache;

#[cfg(test)]
pub(crate) use jwt_crypto::testing;

use std::{path::PathBuf, sync::Arc, time::Duration};

use nearby_index::UnixMicros;
use thiserror::Error;

use self::{
    api_keys::{Keys, KeysError},
    audit_log::AuditLog,
    client_certificates::CertificateRoles,
    jwt::{TokenSettings, Tokens},
    key_changes::KeyChanges,
    principal::Principal,
    rate_limit::Rate,
    role::Roles,
};
use crate::fs::read_failures::Reload;

/// Methods of authentication. None by default, which disables authentication.
#[derive(Clone, Debug, Default)]
pub struct AuthSettings {
    /// Path of the API key file.
    pub keys: Option<PathBuf>,
    /// Accepted JSON Web Tokens.
    pub tokens: Option<TokenSettings>,
    /// Roles of client certificates.
    pub certificates: Vec<CertificateRoles>,
    /// Rate limit of each principal whose API key sets none.
    pub rate: Option<Rate>,
}

impl AuthSettings {
    /// Returns whether calls need credentials.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.keys.is_some() || self.tokens.is_some() || !self.certificates.is_empty()
    }
}

/// Authentication cannot be set up.
#[derive(Debug, Error)]
pub enum AuthConfigError {
    /// The API key file cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The JSON Web Key Set cannot be used.
    #[error("cannot use JWKS {jwks_source}: {reason}")]
    Jwks {
        /// The file or URL.
        jwks_source: String,
        /// The cause.
        reason: String,
    },
}

/// A call is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// The call presents no credentials.
    Missing,
    /// The credentials are malformed or belong to no principal.
    Unknown,
    /// The credentials have expired.
    Expired,
    /// The credentials have been revoked.
    Revoked,
}

/// Credentials of a call.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The API key or JSON Web Token.
    pub bearer: Option<&'a str>,
    /// The subject alternative names in the client certificate, which the TLS handshake has verified.
    pub certificate_names: &'a [String],
    /// The end of the validity of that certificate, in seconds since 1970.
    pub certificate_expiry_s: Option<i64>,
}

/// Time between two checks of the key files, and so the longest time for which a revoked key stays valid.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// Authenticates calls. Cheap to clone; clones share its state.
#[derive(Clone, Debug)]
pub struct Authenticator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Option<Keys>,
    tokens: Option<Tokens>,
    certificates: Vec<(CertificateRoles, Arc<Principal>)>,
    /// The principal of every call while authentication is disabled.
    anonymous: Option<Arc<Principal>>,
    audit_log: Option<AuditLog>,
}

impl Inner {
    fn reload_keys(&self, reload: Reload) {
        self.record(self.keys.as_ref().and_then(|keys| keys.reload(reload)));
    }

    fn reload_tokens(&self, reload: Reload) {
        self.record(self.tokens.as_ref().and_then(|tokens| tokens.reload(reload)));
    }

    fn record(&self, changes: Option<KeyChanges>) {
        if let (Some(log), Some(changes)) = (&self.audit_log, changes) {
            log.write_key_changes(jiff::Timestamp::now(), &changes);
        }
    }
}

impl Authenticator {
    /// Reads the API key file and the JSON Web Key Set. The audit log receives their later changes.
    ///
    /// # Errors
    /// When a file is missing or invalid. A key set at a URL may be unavailable; [`Self::reload_loop`] fetches it again.
    pub fn load(settings: AuthSettings, audit_log: Option<AuditLog>) -> Result<Self, AuthConfigError> {
        let anonymous = (!settings.is_enabled()).then(|| Arc::new(Principal::anonymous()));
        let AuthSettings { keys, tokens, certificates, rate } = settings;
        let with_principal = |rule: CertificateRoles| {
            let principal = Principal::new("certificate", rule.name.clone(), rule.roles, rate);
            (rule, Arc::new(principal))
        };
        Ok(Self(Arc::new(Inner {
            keys: keys.map(|path| Keys::load(path, rate)).transpose()?,
            tokens: tokens.map(|tokens| Tokens::load(tokens, rate)).transpose()?,
            certificates: certificates.into_iter().map(with_principal).collect(),
            anonymous,
            audit_log,
        })))
    }

    /// An authenticator that accepts every call.
    #[must_use]
    pub fn disabled() -> Self {
        let anonymous = Some(Arc::new(Principal::anonymous()));
        Self(Arc::new(Inner {
            keys: None,
            tokens: None,
            certificates: Vec::new(),
            anonymous,
            audit_log: None,
        }))
    }

    /// Returns whether authentication is disabled: any client may call any method.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.0.anonymous.is_some()
    }

    /// Returns the principal of a call. A key or token takes precedence over the client certificate.
    ///
    /// # Errors
    /// When the credentials are missing, unknown, expired or revoked.
    pub fn authenticate(
        &self,
        credentials: Credentials<'_>,
        now: UnixMicros,
    ) -> Result<Arc<Principal>, AuthError> {
        let inner = &*self.0;
        if let Some(anonymous) = &inner.anonymous {
            return Ok(Arc::clone(anonymous));
        }
        if let Some(bearer) = credentials.bearer {
            return match (&inner.keys, &inner.tokens) {
                (Some(keys), _) if api_keys::is_key(bearer) => keys.authenticate(bearer, now),
                (_, Some(tokens)) => tokens.authenticate(bearer, now),
                _ => Err(AuthError::Unknown),
            };
        }
        let matches = |(rule, _): &&(CertificateRoles, _)| credentials.certificate_names.contains(&rule.name);
        match inner.certificates.iter().find(matches) {
            // The handshake has checked it, but a connection can last longer than the certificate.
            Some(_)
                if credentials.certificate_expiry_s.is_some_and(|expiry_s| expiry_s < now.0 / 1_000_000) =>
            {
                Err(AuthError::Expired)
            }
            Some((_, principal)) => Ok(Arc::clone(principal)),
            None if credentials.certificate_names.is_empty() => Err(AuthError::Missing),
            None => Err(AuthError::Unknown),
        }
    }

    /// Returns whether earlier API keys, and earlier keys of tokens, are in use because their files cannot be read or used.
    #[must_use]
    pub fn failing_reloads(&self) -> (bool, bool) {
        let Inner { keys, tokens, .. } = &*self.0;
        (keys.as_ref().is_some_and(Keys::is_failing), tokens.as_ref().is_some_and(Tokens::is_failing))
    }

    /// Reloads the API key file and the key set when they change. Never returns.
    pub async fn reload_loop(self) {
        // In separate loops: an issuer may respond slowly, and the revocation of an API key must not wait for it.
        tokio::join!(
            self.poll(|inner| inner.reload_keys(Reload::Poll)),
            self.poll(|inner| inner.reload_tokens(Reload::Poll)),
        );
    }

    /// Reloads the API key file and the key set now, whether they have changed or not. Blocks, for seconds if the issuer responds
    /// slowly.
    pub(crate) fn reload(&self) {
        self.0.reload_keys(Reload::Demand);
        self.0.reload_tokens(Reload::Demand);
    }

    async fn poll(&self, reload: fn(&Inner)) {
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let inner = Arc::clone(&self.0);
            // `reload` logs its errors itself.
            drop(tokio::task::spawn_blocking(move || reload(&inner)).await);
        }
    }
}
