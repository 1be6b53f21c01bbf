//! Who may do what. Pure: no wire types; the time is an argument.
//!
//! | module | what it is |
//! |---|---|
//! | `role` | what there is to be allowed |
//! | `keys` | API keys, in a file that the command line keeps |
//! | `tokens`, `jwks`, `remembered` | JSON Web Tokens, the keys that they are signed with, and what was found out about them |
//! | `certificates` | the names in callers' certificates |
//! | `quota` | how much somebody may ask for |
//! | `caller` | who calls, once that is known |
//! | `audit` | who changed what |
//!
//! Nothing is allowed to anybody once one of the ways to know a caller is set up; where none is, everybody may do everything.

pub mod api_keys;
pub mod audit_log;
mod client_certificates;
mod jwks;
mod jwt;
mod jwt_crypto;
mod principal;
mod rate_limit;
mod role;
mod token_cache;

use std::{path::PathBuf, sync::Arc, time::Duration};

use nearby_index::UnixMicros;
use thiserror::Error;

use self::{
    api_keys::{Keys, KeysError},
    jwt::Tokens,
};
pub use self::{
    client_certificates::{CertificateRule, end_of, names_in},
    jwks::JwksSource,
    jwt::{TokenSettings, algorithms},
    principal::Caller,
    rate_limit::{Exceeded, PerAddress, Rate},
    role::{Role, Roles},
};

/// How callers are known, if at all.
#[derive(Clone, Debug, Default)]
pub struct AccessSettings {
    /// The file of API keys.
    pub keys: Option<PathBuf>,
    /// Which tokens are taken.
    pub tokens: Option<TokenSettings>,
    /// Which certificates are allowed what.
    pub certificates: Vec<CertificateRule>,
    /// How much each caller may ask for whose key says nothing of it.
    pub rate: Option<Rate>,
}

impl AccessSettings {
    /// Whether callers must say who they are.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.keys.is_some() || self.tokens.is_some() || !self.certificates.is_empty()
    }
}

/// Why callers cannot be known.
#[derive(Debug, Error)]
pub enum AccessError {
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

/// Why a caller was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It showed nothing.
    Missing,
    /// What it showed is of nobody.
    Unknown,
    /// It was somebody's, and is over.
    Expired,
    /// It was somebody's, until it was taken back.
    Revoked,
}

/// What a caller shows.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// An API key, or a JSON Web Token.
    pub bearer: Option<&'a str>,
    /// The names in its certificate, which has been checked.
    pub certificate: &'a [String],
}

/// How often files are looked at: a key that was revoked ends within that time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Knows callers; shared by its clones.
#[derive(Clone, Debug)]
pub struct Access(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Option<Keys>,
    tokens: Option<Tokens>,
    certificates: Vec<(CertificateRule, Arc<Caller>)>,
    anyone: Option<Arc<Caller>>,
}

impl Access {
    /// Reads what there is to read.
    ///
    /// # Errors
    /// Where a file is not there, or not what it must be. Keys at a URL need not be there yet.
    pub fn load(settings: AccessSettings) -> Result<Self, AccessError> {
        let anyone = (!settings.is_any()).then(|| Arc::new(Caller::anyone()));
        let AccessSettings { keys, tokens, certificates, rate } = settings;
        let of_certificate = |rule: CertificateRule| {
            let caller = Caller::new("certificate", rule.name.clone(), rule.roles, rate);
            (rule, Arc::new(caller))
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
        let anyone = Some(Arc::new(Caller::anyone()));
        Self(Arc::new(Inner { keys: None, tokens: None, certificates: Vec::new(), anyone }))
    }

    /// Whether everybody may do everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.anyone.is_some()
    }

    /// Who calls. What is shown with the call counts before the certificate of its connection.
    ///
    /// # Errors
    /// Where nobody is known by it.
    pub fn identify(&self, shown: Credentials<'_>, now: UnixMicros) -> Result<Arc<Caller>, Refused> {
        let inner = &*self.0;
        if let Some(anyone) = &inner.anyone {
            return Ok(Arc::clone(anyone));
        }
        if let Some(bearer) = shown.bearer {
            return match (&inner.keys, &inner.tokens) {
                (Some(keys), _) if api_keys::is_key(bearer) => keys.identify(bearer, now),
                (_, Some(tokens)) => tokens.identify(bearer, now),
                _ => Err(Refused::Unknown),
            };
        }
        let known = |(rule, _): &&(CertificateRule, _)| shown.certificate.contains(&rule.name);
        match inner.certificates.iter().find(known) {
            Some((_, caller)) => Ok(Arc::clone(caller)),
            None if shown.certificate.is_empty() => Err(Refused::Missing),
            None => Err(Refused::Unknown),
        }
    }

    /// Looks at the files now and then, for ever, and takes what is new.
    pub async fn keep_up(self) {
        // Each for itself: whoever issues tokens may answer slowly, and a key that was revoked must not wait for it.
        tokio::join!(
            self.look_again_and_again(|inner| inner.keys.iter().for_each(Keys::look)),
            self.look_again_and_again(|inner| inner.tokens.iter().for_each(Tokens::look)),
        );
    }

    async fn look_again_and_again(&self, look: fn(&Inner)) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let inner = Arc::clone(&self.0);
            // What goes wrong in it is said there.
            drop(tokio::task::spawn_blocking(move || look(&inner)).await);
        }
    }
}
