//! API keys: 256 random bits, printed once at creation and stored as a SHA-256 digest.
//!
//! The keys are in a TOML file, which `nearby keys` changes and servers poll. A key has the form `nearby_ID_SECRET`: the id
//! selects the entry of the file, is not secret and may appear in logs.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use nearby_index::UnixMicros;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::{AuthError, key_changes::KeyChanges, principal::Principal, rate_limit::Rate, role::Role};
use crate::fs::{
    atomic_write::{Readers, replace_file},
    lock_file,
    read_failures::{ReadFailures, Reload},
    regular_file::{self, Contents},
};
use crate::merchant_scope::MerchantScope;

/// Maximum size of the file: some 16,000 keys, revoked ones included. `nearby keys` and the server apply the same limit, so that
/// no file is written that the server does not read.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// Limit for other commands that change the file to end; each takes milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Valid keys per name: one in use, and the one that replaces it.
const MAX_VALID_PER_NAME: usize = 2;
const PREFIX: &str = "nearby_";
const IDENTIFIER_BYTES: usize = 4;
const SECRET_BYTES: usize = 32;

/// An entry of the API key file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Id of the key; not secret.
    pub id: String,
    /// Name of the client that uses the key.
    pub name: String,
    /// Roles of the key.
    pub roles: Vec<Role>,
    /// SHA-256 of the secret, in URL-safe base64 without padding.
    pub sha256: String,
    /// Time of creation.
    pub created: Timestamp,
    /// Time of expiry; `None` for a key that does not expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Time of revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// Rate limit, in units of work per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<NonZeroU32>,
    /// Burst of the rate limit, in units of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<NonZeroU32>,
    /// Weight of its share of an overloaded server, relative to other principals; 1 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<NonZeroU32>,
    /// The merchants that the key is limited to; all by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchants: Option<MerchantScope>,
}

/// Parameters of a new key.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Name of the client that uses the key.
    pub name: String,
    /// Roles of the key.
    pub roles: Vec<Role>,
    /// Time of expiry; `None` for a key that does not expire.
    pub expires: Option<Timestamp>,
    /// Rate limit; `None` for the default of the server.
    pub rate: Option<Rate>,
    /// Weight of its share of an overloaded server; `None` for 1.
    pub share: Option<NonZeroU32>,
    /// The merchants that the key is limited to; `None` for all.
    pub merchants: Option<MerchantScope>,
}

impl Key {
    /// Checks that the key is neither revoked nor expired.
    ///
    /// # Errors
    /// [`AuthError::Revoked`] or [`AuthError::Expired`].
    pub fn validate(&self, now: Timestamp) -> Result<(), AuthError> {
        if self.revoked.is_some() {
            return Err(AuthError::Revoked);
        }
        match self.expires {
            Some(expires) if expires <= now => Err(AuthError::Expired),
            _ => Ok(()),
        }
    }

    /// Checks that a key that is limited to merchants has no role for all of them.
    fn check(&self) -> Result<(), String> {
        let role = self.roles.iter().find(|role| !matches!(role, Role::Search | Role::Manage));
        match role.filter(|_| self.merchants.is_some()) {
            None => Ok(()),
            Some(role) => Err(format!(
                "a key that is limited to merchants cannot have the role {role}, which is for all merchants; use search or manage, or \
                 create two keys"
            )),
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.rate_per_s.map(|per_s| Rate::new(per_s, self.burst))
    }
}

/// The API key file cannot be used or changed.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The file does not exist.
    #[error("API key file {} does not exist; create it with: nearby keys add NAME --role search --keys {}", .0.display(), .0.display())]
    Missing(PathBuf),
    /// The file cannot be read or written.
    #[error("cannot read or write API key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file has invalid content.
    #[error("invalid API key file {path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The position in the file and the cause.
        reason: String,
    },
    /// The name already has the most valid keys allowed.
    #[error("{name} already has two valid API keys, {ids}; revoke one of them first")]
    TooMany {
        /// The name.
        name: String,
        /// Ids of the keys.
        ids: String,
    },
    /// The file has lost all its keys.
    #[error("API key file {} contains no key; revoke keys with nearby keys revoke, which keeps their entries", .0.display())]
    Empty(PathBuf),
    /// The file would have more than [`MAX_FILE_BYTES`].
    #[error("API key file {} would exceed 4 MiB; remove the entries of old revoked keys", .0.display())]
    TooLarge(PathBuf),
    /// The key has parameters that exclude each other.
    #[error("{0}")]
    Invalid(String),
    /// The key does not exist or is already revoked.
    #[error("no valid API key has the id {0}; nearby keys list shows all ids")]
    Unknown(String),
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    #[serde(default)]
    key: Vec<Key>,
}

/// Returns all keys of a file, including expired and revoked ones.
///
/// # Errors
/// When the file is missing or invalid.
pub fn list(path: &Path) -> Result<Vec<Key>, KeysError> {
    Ok(parse(path, text_of(path, &read(path)?)?)?.key)
}

fn read(path: &Path) -> Result<Contents, KeysError> {
    regular_file::read(path, MAX_FILE_BYTES).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => KeysError::Missing(path.to_owned()),
        _ => KeysError::Io { path: path.to_owned(), source },
    })
}

fn text_of<'c>(path: &Path, contents: &'c Contents) -> Result<&'c str, KeysError> {
    std::str::from_utf8(&contents.bytes)
        .map_err(|_| KeysError::Malformed { path: path.to_owned(), reason: "not UTF-8 text".to_owned() })
}

pub(crate) fn parse(path: &Path, text: &str) -> Result<KeyFile, KeysError> {
    let malformed = |reason| KeysError::Malformed { path: path.to_owned(), reason };
    let file: KeyFile = toml::from_str(text).map_err(|error| malformed(error.to_string()))?;
    let mut ids = std::collections::HashSet::new();
    for key in &file.key {
        if !ids.insert(&key.id) {
            return Err(malformed(format!("duplicate id {}", key.id)));
        }
        if digest_of(key).is_none() {
            return Err(malformed(format!(
                "sha256 of the key {} is not a SHA-256 digest in URL-safe base64",
                key.id
            )));
        }
        key.check().map_err(malformed)?;
    }
    Ok(file)
}

fn digest_of(key: &Key) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(&key.sha256).ok()?.try_into().ok()
}

/// Adds a key to a file, which is created if it is missing. Returns the key, of which the file stores only the digest.
///
/// # Errors
/// When the name already has two valid keys, or the file cannot be changed.
pub fn add(path: &Path, new: NewKey, now: Timestamp) -> Result<SecretString, KeysError> {
    let failed = |source: io::Error| KeysError::Io { path: path.to_owned(), source };
    let mut random = [0; IDENTIFIER_BYTES + SECRET_BYTES];
    getrandom::fill(&mut random).map_err(|error| failed(io::Error::other(error.to_string())))?;
    let (id, secret) = random.split_at(IDENTIFIER_BYTES);
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = URL_SAFE_NO_PAD.encode(secret);
    let key = Key {
        sha256: URL_SAFE_NO_PAD.encode(Sha256::digest(&secret)),
        id: id.clone(),
        name: new.name,
        roles: new.roles,
        created: now,
        expires: new.expires,
        revoked: None,
        rate_per_s: new.rate.map(|rate| rate.per_s),
        burst: new.rate.map(|rate| rate.burst),
        share: new.share,
        merchants: new.merchants,
    };
    key.check().map_err(KeysError::Invalid)?;
    change(path, |keys| {
        if keys.iter().any(|other| other.id == key.id) {
            return Err(failed(io::Error::other("the random id of the new key is already in use; retry")));
        }
        let is_valid = |other: &&Key| other.name == key.name && other.validate(now).is_ok();
        let valid: Vec<&str> = keys.iter().filter(is_valid).map(|key| key.id.as_str()).collect();
        if valid.len() >= MAX_VALID_PER_NAME {
            return Err(KeysError::TooMany { name: key.name.clone(), ids: valid.join(" and ") });
        }
        keys.push(key);
        Ok(())
    })?;
    Ok(SecretString::from(format!("{PREFIX}{id}_{secret}")))
}

/// Revokes a key. Its entry stays in the file, as a record.
///
/// # Errors
/// When the key does not exist or is already revoked, or the file cannot be changed.
pub fn revoke(path: &Path, id: &str, now: Timestamp) -> Result<(), KeysError> {
    read(path)?;
    change(path, |keys| {
        let key = keys.iter_mut().find(|key| key.id == id && key.revoked.is_none());
        key.ok_or_else(|| KeysError::Unknown(id.to_owned()))?.revoked = Some(now);
        Ok(())
    })
}

/// Changes a file under an exclusive lock, which serializes concurrent commands.
fn change(path: &Path, edit: impl FnOnce(&mut Vec<Key>) -> Result<(), KeysError>) -> Result<(), KeysError> {
    let failed = |source| KeysError::Io { path: path.to_owned(), source };
    let _lock = lock_file::lock(&path.with_extension("lock"), LOCK_TIMEOUT).map_err(failed)?;
    let mut file = match read(path) {
        Ok(contents) => parse(path, text_of(path, &contents)?)?,
        Err(KeysError::Missing(_)) => KeyFile::default(),
        Err(error) => return Err(error),
    };
    edit(&mut file.key)?;
    let text = toml::to_string(&file)
        .map_err(|error| KeysError::Malformed { path: path.to_owned(), reason: error.to_string() })?;
    let text =
        format!("# Managed by `nearby keys`. Contains digests of the keys, not the keys themselves.\n{text}");
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(KeysError::TooLarge(path.to_owned()));
    }
    replace_file(path, text.as_bytes(), Readers::Owner).map_err(failed)
}

/// Returns whether a text has the form of an API key rather than of a token.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Returns the id of a presented key, which is not secret. `None` if it cannot be one: it is the text of a client.
pub(crate) fn id_of(presented: &str) -> Option<&str> {
    let (id, _) = split(presented)?;
    (id.len() == 2 * IDENTIFIER_BYTES && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

/// The id and the secret of a presented key.
pub(crate) fn split(presented: &str) -> Option<(&str, &str)> {
    presented.strip_prefix(PREFIX)?.split_once('_')
}

/// The API keys of a server, reloaded from their file.
#[derive(Debug)]
pub(super) struct Keys {
    path: PathBuf,
    /// Rate limit of keys that set none.
    default_rate: Option<Rate>,
    loaded: ArcSwap<LoadedKeys>,
    failures: ReadFailures,
}

#[derive(Debug)]
struct LoadedKeys {
    /// The file, to detect a change.
    contents: Contents,
    by_id: HashMap<String, (Key, [u8; 32], Arc<Principal>)>,
}

impl Keys {
    pub(super) fn load(path: PathBuf, default_rate: Option<Rate>) -> Result<Self, KeysError> {
        let contents = read(&path)?;
        let loaded = LoadedKeys::parse(&path, contents, default_rate, None)?;
        loaded.warn_of_permissions(&path);
        if loaded.valid_count(Timestamp::now()) == 0 {
            tracing::warn!(file = %path.display(), "no API key is valid; no client can authenticate with one");
        }
        let loaded = ArcSwap::from_pointee(loaded);
        Ok(Self { path, default_rate, loaded, failures: ReadFailures::default() })
    }

    pub(super) fn authenticate(&self, presented: &str, now: UnixMicros) -> Result<Arc<Principal>, AuthError> {
        let loaded = self.loaded.load();
        let (id, secret) = split(presented).ok_or(AuthError::Unknown)?;
        let (key, digest, principal) = loaded.by_id.get(id).ok_or(AuthError::Unknown)?;
        // In constant time, so that the duration of a call does not reveal a prefix of the digest.
        if !bool::from(Sha256::digest(secret)[..].ct_eq(&digest[..])) {
            return Err(AuthError::Unknown);
        }
        key.validate(Timestamp::from_microsecond(now.0).unwrap_or(Timestamp::MAX))?;
        Ok(Arc::clone(principal))
    }

    /// Returns whether earlier keys are in use because the file cannot be read or used.
    pub(super) fn is_failing(&self) -> bool {
        self.failures.is_failing()
    }

    /// Loads the keys if the file has changed, or on demand. If the file is invalid, logs the error, for a poll once, and keeps
    /// the current keys. Returns the keys that have changed.
    pub(super) fn reload(&self, reload: Reload) -> Option<KeyChanges> {
        let current = self.loaded.load();
        let report = |error: KeysError| {
            // An error, as no revocation takes effect while the file is unreadable.
            tracing::error!(%error, "cannot read API keys; keeping the current ones");
        };
        let read = read(&self.path);
        let contents = self.failures.report_repeated(read, reload, report)?;
        if contents == current.contents && reload == Reload::Poll {
            return None;
        }
        let parsed = LoadedKeys::parse(&self.path, contents.clone(), self.default_rate, Some(&current));
        self.failures.set_usable(parsed.is_ok());
        match parsed {
            Ok(new) => {
                tracing::info!(valid = new.valid_count(Timestamp::now()), "API keys reloaded");
                new.warn_of_permissions(&self.path);
                let changes = KeyChanges::between("api_keys", &current.by_name(), &new.by_name());
                self.loaded.store(Arc::new(new));
                changes
            }
            Err(error) => {
                tracing::error!(%error, "cannot use new API keys; keeping the current ones");
                self.loaded.store(Arc::new(LoadedKeys { contents, by_id: current.by_id.clone() }));
                None
            }
        }
    }
}

impl LoadedKeys {
    /// Parses the content of a file. A key that is also in `before`, with the same parameters, keeps its principal, and with
    /// it the state of its rate limit.
    fn parse(
        path: &Path,
        contents: Contents,
        default_rate: Option<Rate>,
        before: Option<&Self>,
    ) -> Result<Self, KeysError> {
        let file = parse(path, text_of(path, &contents)?)?;
        // As after a full disk, or in the middle of a write. Keys that are withdrawn on purpose keep their entries.
        if file.key.is_empty() && before.is_some_and(|before| !before.by_id.is_empty()) {
            return Err(KeysError::Empty(path.to_owned()));
        }
        let entries = file.key.into_iter().filter_map(|key| {
            let digest = digest_of(&key)?;
            let same = before.and_then(|before| before.by_id.get(&key.id));
            let same = same.filter(|(old, ..)| {
                (&old.roles, old.rate(), old.share, &old.merchants)
                    == (&key.roles, key.rate(), key.share, &key.merchants)
            });
            let principal = same.map(|(_, _, principal)| Arc::clone(principal)).unwrap_or_else(|| {
                let name = format!("{} ({})", key.name, key.id);
                let roles = key.roles.iter().copied().collect();
                let principal = Principal::new("key", name, roles, key.rate().or(default_rate));
                let share = key.share.unwrap_or(NonZeroU32::MIN);
                Arc::new(
                    principal
                        .labelled(&key.name)
                        .identified_by_label()
                        .with_share(share)
                        .limited_to(key.merchants.clone()),
                )
            });
            Some((key.id.clone(), (key, digest, principal)))
        });
        Ok(Self { by_id: entries.collect(), contents })
    }

    /// The keys by the names of their principals.
    fn by_name(&self) -> BTreeMap<String, Key> {
        self.by_id.values().map(|(key, _, principal)| (principal.name.clone(), key.clone())).collect()
    }

    fn warn_of_permissions(&self, path: &Path) {
        if self.contents.is_open_to_others {
            let file = path.display();
            tracing::warn!(%file, "API key file is accessible to all users of this machine; run chmod o= on it");
        }
    }

    fn valid_count(&self, now: Timestamp) -> usize {
        self.by_id.values().filter(|(key, ..)| key.validate(now).is_ok()).count()
    }
}

#[cfg(test)]
mod tests;
