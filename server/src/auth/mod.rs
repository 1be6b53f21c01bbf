//! Who may do what. Pure: no wire types; the time is an argument.
//!
//! | module | what it is |
//! |---|---|
//! | `role` | what there is to be allowed |
//! | `keys` | API keys, in a file that the command line keeps |
//! | `tokens`, `jwks`, `remembered` | JSON Web Tokens, the keys that they are signed with, and what was found out about them |
//! | `certificates` | the names in callers' certificates |
//! | `quota` | how much somebody may ask for |
//! | `principal` | who calls, once that is known |
//! | `audit` | who changed what |
//!
//! Nothing is allowed to anybody once one of the ways to know a principal is set up; where none is, everybody may do everything.

pub mod api_keys;
pub mod audit_log;
pub(crate) mod bearer;
pub mod client_certificates;
pub mod jwks;
pub mod jwt;
mod jwt_crypto;
pub mod principal;
pub mod rate_limit;
pub mod role;
mod token_cache;

use std::{path::PathBuf, sync::Arc, time::Duration};

use nearby_index::UnixMicros;
use thiserror::Error;

use self::{
    api_keys::{Keys, KeysError},
    client_certificates::CertificateRoles,
    jwt::{TokenSettings, Tokens},
    principal::Principal,
    rate_limit::Rate,
    role::Roles,
};

/// How callers are known, if at all.
#[derive(Clone, Debug, Default)]
pub struct AuthSettings {
    /// The file of API keys.
    pub keys: Option<PathBuf>,
    /// Which tokens are taken.
    pub tokens: Option<TokenSettings>,
    /// Which certificates are allowed what.
    pub certificates: Vec<CertificateRoles>,
    /// How much each principal may ask for whose key says nothing of it.
    pub rate: Option<Rate>,
}

impl AuthSettings {
    /// Whether callers must say who they are.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.keys.is_some() || self.tokens.is_some() || !self.certificates.is_empty()
    }
}

/// Why callers cannot be known.
#[derive(Debug, Error)]
pub enum AuthConfigError {
    /// The file of API keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The keys of tokens cannot be used.
    #[error("the keys of tokens, {source_of_keys}, cannot be used: {reason}")]
    Jwks {
        /// Where they were to come from.
        source_of_keys: String,
        /// Why.
        reason: String,
    },
}

/// Why a principal was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// It showed nothing.
    Missing,
    /// What it showed is of nobody.
    Unknown,
    /// It was somebody's, and is over.
    Expired,
    /// It was somebody's, until it was taken back.
    Revoked,
}

/// What a principal shows.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// An API key, or a JSON Web Token.
    pub bearer: Option<&'a str>,
    /// The names in its certificate_names, which has been checked.
    pub certificate_names: &'a [String],
}

/// How often files are looked at: a key that was revoked ends within that time.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// Knows callers; shared by its clones.
#[derive(Clone, Debug)]
pub struct Authenticator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Option<Keys>,
    tokens: Option<Tokens>,
    certificates: Vec<(CertificateRoles, Arc<Principal>)>,
    anyone: Option<Arc<Principal>>,
}

impl Authenticator {
    /// Reads what there is to read.
    ///
    /// # Errors
    /// Where a file is not there, or not what it must be. Keys at a URL need not be there yet.
    pub fn load(settings: AuthSettings) -> Result<Self, AuthConfigError> {
        let anyone = (!settings.is_enabled()).then(|| Arc::new(Principal::anyone()));
        let AuthSettings { keys, tokens, certificates, rate } = settings;
        let of_certificate = |rule: CertificateRoles| {
            let principal = Principal::new("certificate_names", rule.name.clone(), rule.roles, rate);
            (rule, Arc::new(principal))
        };
        Ok(Self(Arc::new(Inner {
            keys: keys.map(|path| Keys::load(path, rate)).transpose()?,
            tokens: tokens.map(|tokens| Tokens::load(tokens, rate)).transpose()?,
            certificates: certificates.into_iter().map(of_certificate).collect(),
            anyone,
        })))
    }

    /// Everybody may do everything.
    #[must_use]
    pub fn open() -> Self {
        let anyone = Some(Arc::new(Principal::anyone()));
        Self(Arc::new(Inner { keys: None, tokens: None, certificates: Vec::new(), anyone }))
    }

    /// Whether everybody may do everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.anyone.is_some()
    }

    /// Who calls. What is credentials with the call counts before the certificate_names of its connection.
    ///
    /// # Errors
    /// Where nobody is known by it.
    pub fn authenticate(
        &self,
        credentials: Credentials<'_>,
        now: UnixMicros,
    ) -> Result<Arc<Principal>, AuthError> {
        let inner = &*self.0;
        if let Some(anyone) = &inner.anyone {
            return Ok(Arc::clone(anyone));
        }
        if let Some(bearer) = credentials.bearer {
            return match (&inner.keys, &inner.tokens) {
                (Some(keys), _) if api_keys::is_key(bearer) => keys.authenticate(bearer, now),
                (_, Some(tokens)) => tokens.authenticate(bearer, now),
                _ => Err(AuthError::Unknown),
            };
        }
        let known = |(rule, _): &&(CertificateRoles, _)| credentials.certificate_names.contains(&rule.name);
        match inner.certificates.iter().find(known) {
            Some((_, principal)) => Ok(Arc::clone(principal)),
            None if credentials.certificate_names.is_empty() => Err(AuthError::Missing),
            None => Err(AuthError::Unknown),
        }
    }

    /// Looks at the files now and then, for ever, and takes what is new.
    pub async fn reload_loop(self) {
        // Each for itself: whoever issues tokens may answer slowly, and a key that was revoked must not wait for it.
        tokio::join!(
            self.poll(|inner| inner.keys.iter().for_each(Keys::reload)),
            self.poll(|inner| inner.tokens.iter().for_each(Tokens::reload)),
        );
    }

    async fn poll(&self, reload: fn(&Inner)) {
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let inner = Arc::clone(&self.0);
            // What goes wrong in it is said there.
            drop(tokio::task::spawn_blocking(move || reload(&inner)).await);
        }
    }
}
