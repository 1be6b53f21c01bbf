//! Tokens that carry a search or a list from one page to the next.
//!
//! A token holds where the page before ended (a distance and an id, or an id) and a message authentication code over
//! that and over the query. So it cannot be made up, cannot be used with another query, holds no coordinate of the
//! user, and needs nothing kept on the server: it survives restarts and is good on every server with the same key.

use std::{fmt, fs, io, io::Write, path::Path};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac, digest::Key};
use nearby_index::{Cursor, MerchantId, Meters};
use sha2::Sha256;

use crate::error::ServiceError;

const VERSION: u8 = 1;
/// Bytes of the code that a token carries: half of HMAC-SHA-256, as RFC 2104 section 5 allows.
const CODE_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

/// Seals and opens tokens with a key.
#[derive(Clone)]
pub(crate) struct PageTokens {
    key: [u8; KEY_BYTES],
}

impl PageTokens {
    /// With a key of its own, good until this process ends.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub(crate) fn ephemeral() -> io::Result<Self> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Self { key })
    }

    /// With the key in a file, which is made at the first start.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or holds something else.
    pub(crate) fn load_or_create(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => {
                let wrong = || io::Error::new(io::ErrorKind::InvalidData, "does not hold a key of 32 bytes");
                Ok(Self { key: bytes.try_into().map_err(|_| wrong())? })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let tokens = Self::ephemeral()?;
                write_secret(path, &tokens.key)?;
                Ok(tokens)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn seal(&self, payload: &Payload, query: &Fingerprint) -> String {
        let mut token = Vec::with_capacity(1 + payload.0.len() + CODE_BYTES);
        token.push(VERSION);
        token.extend_from_slice(&payload.0);
        let code = self.code(&token, query).finalize().into_bytes();
        token.extend_from_slice(&code[..CODE_BYTES]);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Opens a token; `None` where there is none, which asks for the first page.
    pub(crate) fn open(&self, token: &str, query: &Fingerprint) -> Result<Option<Payload>, ServiceError> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let (signed, code) = bytes.split_last_chunk::<CODE_BYTES>().ok_or_else(refused)?;
        self.code(signed, query).verify_truncated_left(code).map_err(|_| refused())?;
        match signed.split_first() {
            Some((&VERSION, payload)) => Ok(Some(Payload(payload.to_vec()))),
            _ => Err(refused()),
        }
    }

    fn code(&self, token: &[u8], query: &Fingerprint) -> Hmac<Sha256> {
        // RFC 2104 section 2: a key shorter than the block is filled up with zeros.
        let mut block = Key::<Hmac<Sha256>>::default();
        block[..KEY_BYTES].copy_from_slice(&self.key);
        let mut code = Hmac::<Sha256>::new(&block);
        code.update(&query.0);
        code.update(token);
        code
    }
}

/// Shows nothing of the key.
impl fmt::Debug for PageTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageTokens(..)")
    }
}

fn refused() -> ServiceError {
    ServiceError::invalid(
        "page_token",
        "INVALID_PAGE_TOKEN",
        "must be next_page_token of the answer before, with the same query; ask again without it to start over",
    )
}

/// What a token is bound to: the query, as parts that cannot run into one another.
pub(crate) struct Fingerprint(Vec<u8>);

impl Fingerprint {
    pub(crate) fn of(method: &str) -> Self {
        Self(Vec::new()).with(method.as_bytes())
    }

    pub(crate) fn with(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(&(part.len() as u64).to_le_bytes());
        self.0.extend_from_slice(part);
        self
    }
}

/// What a token holds.
pub(crate) struct Payload(Vec<u8>);

impl From<&Cursor> for Payload {
    fn from(cursor: &Cursor) -> Self {
        Self([&cursor.distance.get().to_le_bytes(), cursor.id.as_str().as_bytes()].concat())
    }
}

impl From<&MerchantId> for Payload {
    fn from(id: &MerchantId) -> Self {
        Self(id.as_str().as_bytes().to_vec())
    }
}

impl Payload {
    pub(crate) fn cursor(&self) -> Result<Cursor, ServiceError> {
        let (distance, id) = self.0.split_first_chunk().ok_or_else(refused)?;
        let distance = Meters::new(f64::from_le_bytes(*distance)).ok_or_else(refused)?;
        Ok(Cursor { distance, id: parse_id(id)? })
    }

    pub(crate) fn id(&self) -> Result<MerchantId, ServiceError> {
        parse_id(&self.0)
    }
}

fn parse_id(bytes: &[u8]) -> Result<MerchantId, ServiceError> {
    std::str::from_utf8(bytes).ok().and_then(|id| MerchantId::parse(id).ok()).ok_or_else(refused)
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        Cursor { distance: Meters::new(1_234.5).unwrap(), id: MerchantId::parse("café").unwrap() }
    }

    #[test]
    fn a_token_opens_with_its_own_query_only() {
        let tokens = PageTokens::ephemeral().unwrap();
        let token = tokens.seal(&Payload::from(&cursor()), &Fingerprint::of("a").with(b"b"));
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
        let opened = tokens.open(&token, &Fingerprint::of("a").with(b"b")).unwrap().unwrap();
        assert_eq!(opened.cursor().unwrap(), cursor());
        assert!(tokens.open(&token, &Fingerprint::of("ab")).is_err());
        assert!(PageTokens::ephemeral().unwrap().open(&token, &Fingerprint::of("a").with(b"b")).is_err());
        assert!(tokens.open("", &Fingerprint::of("a")).unwrap().is_none());
    }

    #[test]
    fn no_changed_token_opens() {
        let tokens = PageTokens::ephemeral().unwrap();
        let token = tokens.seal(&Payload::from(&cursor()), &Fingerprint::of("a"));
        for (at, byte) in token.bytes().enumerate() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if byte == b'A' { b'B' } else { b'A' };
            assert!(
                tokens.open(&String::from_utf8(changed).unwrap(), &Fingerprint::of("a")).is_err(),
                "{at}"
            );
            assert!(tokens.open(&token[..at], &Fingerprint::of("a")).is_err() || at == 0);
        }
    }

    #[test]
    fn the_key_survives_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("page-token.key");
        let first = PageTokens::load_or_create(&path).unwrap();
        assert_eq!(PageTokens::load_or_create(&path).unwrap().key, first.key);
        fs::write(&path, b"short").unwrap();
        assert!(PageTokens::load_or_create(&path).is_err());
    }
}
