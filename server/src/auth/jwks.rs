//! JSON Web Key Sets (RFC 7517): the public keys of a token issuer, from a file or a URL.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{Jwk, JwkSet, PublicKeyUse},
};
use serde::Deserialize;

use super::jwt_crypto;
use crate::{
    fs::regular_file::{self, Contents},
    http_client,
};

/// Maximum size of a key set from a URL.
const MAX_BYTES: usize = 1 << 20;
/// Timeout of one fetch.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The source of a key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksSource {
    /// A file.
    File(PathBuf),
    /// An `https://` URL, or an `http://` URL of this host.
    Url(String),
}

impl FromStr for JwksSource {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some(("https", _)) => Ok(Self::Url(text.to_owned())),
            Some(("http", rest)) if is_loopback(rest) => Ok(Self::Url(text.to_owned())),
            Some(("http", _)) => {
                Err("must be https://: over plain http:// an attacker on the network could replace the keys")
            }
            Some(_) => Err("must be a file or an https:// URL"),
            None => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

/// Returns whether a URL, given without its scheme, has a loopback host.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    // The part before an @ is user information, not the host.
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}

impl JwksSource {
    /// Time between two reads.
    pub(super) const fn poll_interval(&self) -> Duration {
        match self {
            Self::File(_) => Duration::from_secs(1),
            Self::Url(_) => Duration::from_secs(300),
        }
    }

    /// Reads the key set as text. Blocks.
    pub(super) fn read(&self) -> Result<String, String> {
        match self {
            Self::File(path) => regular_file::read(path, regular_file::MAX_BYTES)
                .and_then(Contents::into_text)
                .map_err(|error| error.to_string()),
            Self::Url(url) => http_client::get_text_blocking(url, FETCH_TIMEOUT, MAX_BYTES),
        }
    }
}

/// Parses a key set, of which at least one key must be able to verify tokens with one of the algorithms. Keys of unknown types
/// are ignored (RFC 7517, section 5).
pub(super) fn parse(text: &str, algorithms: &[Algorithm]) -> Result<JwkSet, String> {
    #[derive(Deserialize)]
    struct Keys {
        keys: Vec<serde_json::Value>,
    }
    let set: Keys = serde_json::from_str(text).map_err(|error| format!("not a JSON Web Key Set: {error}"))?;
    let total = set.keys.len();
    let keys: Vec<Jwk> = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
    if !keys.iter().any(|key| is_usable(key, algorithms)) {
        return Err(format!(
            "none of its {total} keys can verify tokens with the allowed algorithms (--jwt-algorithms); RSA keys need 2,048 bits"
        ));
    }
    Ok(JwkSet { keys })
}

fn is_usable(key: &Jwk, algorithms: &[Algorithm]) -> bool {
    key.common.public_key_use != Some(PublicKeyUse::Encryption)
        && DecodingKey::from_jwk(key)
            .is_ok_and(|key| algorithms.iter().any(|algorithm| jwt_crypto::can_verify(*algorithm, &key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_sets_come_from_files_or_over_tls_or_loopback() {
        assert_eq!("keys.json".parse(), Ok(JwksSource::File("keys.json".into())));
        for url in ["http://127.0.0.1:8/k", "http://localhost/k", "http://[::1]:80/k", "https://a.example/k"]
        {
            assert_eq!(url.parse(), Ok(JwksSource::Url(url.to_owned())));
        }
        for wrong in [
            "http://a.example/k",
            "ftp://a.example/k",
            "http://127.0.0.1.a.example/k",
            "http://localhost.a/",
            "http://localhost:x@a.example/k",
        ] {
            assert!(wrong.parse::<JwksSource>().is_err(), "{wrong}");
        }
    }
}
