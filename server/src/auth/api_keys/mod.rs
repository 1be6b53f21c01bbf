//! API keys: 256 random bits that are told once and kept as a hash.
//!
//! They lie in a file of TOML that [`change`] keeps; servers reload at it and take what is new. A key reads
//! `nearby_IDENTIFIER_SECRET`: the identifier finds it, is no secret and may stand in logs.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
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

use super::{AuthError, principal::Principal, rate_limit::Rate, role::Role};
use crate::fs::{
    atomic_write::{Readers, replace_file},
    read_failures::ReadFailures,
};

/// How many keys of one name may be live: one, and the one that takes its place.
const MAX_LIVE: usize = 2;
const PREFIX: &str = "nearby_";
const IDENTIFIER_BYTES: usize = 4;
const SECRET_BYTES: usize = 32;

/// What is kept of a key.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What it is found by; no secret.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// What it allows.
    pub roles: Vec<Role>,
    /// SHA-256 of its secret, in base64 as URLs have it.
    pub sha256: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// Units of work a second that may be asked for with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<NonZeroU32>,
    /// Units of work at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<NonZeroU32>,
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose it is.
    pub name: String,
    /// What it allows.
    pub roles: Vec<Role>,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// How much may be asked for with it.
    pub rate: Option<Rate>,
}

impl Key {
    /// Whether it lets anybody in.
    ///
    /// # Errors
    /// Where it does no more.
    pub fn is_live(&self, now: Timestamp) -> Result<(), AuthError> {
        if self.revoked.is_some() {
            return Err(AuthError::Revoked);
        }
        match self.expires {
            Some(expires) if expires <= now => Err(AuthError::Expired),
            _ => Ok(()),
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.rate_per_s.map(|per_s| Rate::new(per_s, self.burst))
    }
}

/// Why a file of keys cannot be used or changed.
#[derive(Debug, Error)]
pub enum KeysError {
    /// It is not there.
    #[error("there is no file of keys {}; make one with: nearby keys add NAME --role search --keys {}", .0.display(), .0.display())]
    Missing(PathBuf),
    /// It cannot be read or written.
    #[error("cannot use the file of keys {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what it must be.
    #[error("the file of keys {path} is wrong: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// There are as many keys of that name as may be.
    #[error("{name} has two live keys already, {ids}: revoke one of them first")]
    TooMany {
        /// The name.
        name: String,
        /// The keys.
        ids: String,
    },
    /// There is no such key.
    #[error("there is no live key {0}")]
    Unknown(String),
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    #[serde(default)]
    key: Vec<Key>,
}

/// All keys of a file, those that are over too.
///
/// # Errors
/// Where it is not there or not what it must be.
pub fn list(path: &Path) -> Result<Vec<Key>, KeysError> {
    Ok(parse(path, &read(path)?)?.key)
}

fn read(path: &Path) -> Result<String, KeysError> {
    fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => KeysError::Missing(path.to_owned()),
        _ => KeysError::Io { path: path.to_owned(), source },
    })
}

pub(crate) fn parse(path: &Path, text: &str) -> Result<KeyFile, KeysError> {
    let malformed = |reason| KeysError::Malformed { path: path.to_owned(), reason };
    let file: KeyFile = toml::from_str(text).map_err(|error| malformed(error.to_string()))?;
    let mut ids = std::collections::HashSet::new();
    for key in &file.key {
        if !ids.insert(&key.id) {
            return Err(malformed(format!("the id {} is there twice", key.id)));
        }
        if digest_of(key).is_none() {
            return Err(malformed(format!("sha256 of {} is no SHA-256 in base64", key.id)));
        }
    }
    Ok(file)
}

fn digest_of(key: &Key) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(&key.sha256).ok()?.try_into().ok()
}

/// Adds a key to a file, which is made if it is not there, and tells it: it is not told again.
///
/// # Errors
/// Where there are two live ones of that name already, or the file cannot be changed.
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
    };
    change(path, |keys| {
        if keys.iter().any(|other| other.id == key.id) {
            return Err(failed(io::Error::other("another key has the new one's id by chance; try again")));
        }
        let is_live = |other: &&Key| other.name == key.name && other.is_live(now).is_ok();
        let live: Vec<&str> = keys.iter().filter(is_live).map(|key| key.id.as_str()).collect();
        if live.len() >= MAX_LIVE {
            return Err(KeysError::TooMany { name: key.name.clone(), ids: live.join(" and ") });
        }
        keys.push(key);
        Ok(())
    })?;
    Ok(SecretString::from(format!("{PREFIX}{id}_{secret}")))
}

/// Takes a key back; it stays in the file, for whoever wonders later.
///
/// # Errors
/// Where it is not there or was taken back before, or the file cannot be changed.
pub fn revoke(path: &Path, id: &str, now: Timestamp) -> Result<(), KeysError> {
    read(path)?;
    change(path, |keys| {
        let live = keys.iter_mut().find(|key| key.id == id && key.revoked.is_none());
        live.ok_or_else(|| KeysError::Unknown(id.to_owned()))?.revoked = Some(now);
        Ok(())
    })
}

/// Changes a file while nobody else does.
fn change(path: &Path, edit: impl FnOnce(&mut Vec<Key>) -> Result<(), KeysError>) -> Result<(), KeysError> {
    let failed = |source| KeysError::Io { path: path.to_owned(), source };
    let lock = File::create(path.with_extension("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let mut file = match read(path) {
        Ok(text) => parse(path, &text)?,
        Err(KeysError::Missing(_)) => KeyFile::default(),
        Err(error) => return Err(error),
    };
    edit(&mut file.key)?;
    let text = toml::to_string(&file)
        .map_err(|error| KeysError::Malformed { path: path.to_owned(), reason: error.to_string() })?;
    let text = format!(
        "# Kept by `nearby keys`. The keys themselves are not in here, only what tells them.\n{text}"
    );
    replace_file(path, text.as_bytes(), Readers::Owner).map_err(failed)
}

/// Whether a text looks like a key rather than a token.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// The identifier and the secret of what looks like a key.
pub(crate) fn split(shown: &str) -> Option<(&str, &str)> {
    shown.strip_prefix(PREFIX)?.split_once('_')
}

/// The keys of a file, as a server knows them.
#[derive(Debug)]
pub(super) struct Keys {
    path: PathBuf,
    /// For keys that say nothing of it.
    rate: Option<Rate>,
    now: ArcSwap<Known>,
    failures: ReadFailures,
}

#[derive(Debug)]
struct Known {
    text: String,
    by_id: HashMap<String, (Key, [u8; 32], Arc<Principal>)>,
}

impl Keys {
    pub(super) fn load(path: PathBuf, rate: Option<Rate>) -> Result<Self, KeysError> {
        let text = read(&path)?;
        let known = Known::new(&path, text, rate, None)?;
        if known.live(Timestamp::now()) == 0 {
            tracing::warn!(file = %path.display(), "no API key is live: nobody can call with one");
        }
        Ok(Self { path, rate, now: ArcSwap::from_pointee(known), failures: ReadFailures::default() })
    }

    pub(super) fn authenticate(&self, shown: &str, now: UnixMicros) -> Result<Arc<Principal>, AuthError> {
        let known = self.now.load();
        let (id, secret) = split(shown).ok_or(AuthError::Unknown)?;
        let (key, digest, caller) = known.by_id.get(id).ok_or(AuthError::Unknown)?;
        if !bool::from(Sha256::digest(secret)[..].ct_eq(&digest[..])) {
            return Err(AuthError::Unknown);
        }
        key.is_live(Timestamp::from_microsecond(now.0).unwrap_or(Timestamp::MAX))?;
        Ok(Arc::clone(caller))
    }

    /// Takes what is new in the file. What cannot be used is said once, and the keys stay as they were.
    pub(super) fn reload(&self) {
        let known = self.now.load();
        let report = |error: KeysError| {
            tracing::error!(%error, "the API keys cannot be read any more; those from before stay, revoked ones too");
        };
        let Some(text) = self.failures.report_repeated(read(&self.path), report) else { return };
        if text == known.text {
            return;
        }
        match Known::new(&self.path, text.clone(), self.rate, Some(&known)) {
            Ok(new) => {
                tracing::info!(live = new.live(Timestamp::now()), "API keys are read anew");
                self.now.store(Arc::new(new));
            }
            Err(error) => {
                tracing::error!(%error, "new API keys cannot be used; those from before stay");
                self.now.store(Arc::new(Known { text, by_id: known.by_id.clone() }));
            }
        }
    }
}

impl Known {
    /// Whoever is in both keeps what is left of its quota.
    fn new(path: &Path, text: String, rate: Option<Rate>, before: Option<&Self>) -> Result<Self, KeysError> {
        let file = parse(path, &text)?;
        let known = file.key.into_iter().filter_map(|key| {
            let digest = digest_of(&key)?;
            let same = before.and_then(|before| before.by_id.get(&key.id));
            let same = same.filter(|(old, ..)| (&old.roles, old.rate()) == (&key.roles, key.rate()));
            let caller = same.map(|(_, _, caller)| Arc::clone(caller)).unwrap_or_else(|| {
                let name = format!("{} ({})", key.name, key.id);
                let roles = key.roles.iter().copied().collect();
                Arc::new(Principal::new("key", name, roles, key.rate().or(rate)))
            });
            Some((key.id.clone(), (key, digest, caller)))
        });
        Ok(Self { by_id: known.collect(), text })
    }

    fn live(&self, now: Timestamp) -> usize {
        self.by_id.values().filter(|(key, ..)| key.is_live(now).is_ok()).count()
    }
}

#[cfg(test)]
mod tests;
