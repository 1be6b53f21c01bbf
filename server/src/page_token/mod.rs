//! Page tokens: continue a search or a list on the next page.
//!
//! A token contains the end of the previous page: a distance and an id, or an id. Distances to known merchants would reveal the
//! user's position, so a token is encrypted, and authenticated together with the query: a client can neither read, forge nor change
//! it, nor use it with another query. AES-SIV (RFC 5297) provides both and needs no nonce, so the server stores nothing per token,
//! and tokens survive restarts. A token of a search also contains the revision of the first page, so it is valid only in the same
//! history of revisions: the key belongs to the data directory. Equal pages of equal queries have equal tokens; a token reveals
//! nothing else.

use std::{fmt, fs, io, path::Path};

use aes_siv::{KeyInit, siv::Aes128Siv};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use nearby_index::{Cursor, MerchantId, Meters, Revision};

use crate::{
    error::ServiceError,
    fs::atomic_write::{Readers, replace_file},
    reason,
};

const VERSION: u8 = 3;
const KEY_BYTES: usize = 32;
/// Length of the version and the tag, which precede the ciphertext.
const HEADER_BYTES: usize = 1 + 16;

/// Encrypts and decrypts tokens.
#[derive(Clone)]
pub struct PageTokens {
    key: [u8; KEY_BYTES],
}

impl PageTokens {
    /// Uses a random key: the tokens are valid until the process ends.
    ///
    /// # Errors
    /// When the system has no random source.
    pub fn ephemeral() -> io::Result<Self> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Self { key })
    }

    /// Uses the key in a file, which is created if it is missing. The caller must hold the lock of the data directory.
    ///
    /// # Errors
    /// When the file cannot be read or written, or has invalid content.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => {
                let invalid = || {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        "not a key of 32 bytes; remove the file (page tokens issued before become invalid)",
                    )
                };
                Ok(Self { key: bytes.try_into().map_err(|_| invalid())? })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let tokens = Self::ephemeral()?;
                replace_file(path, &tokens.key, Readers::Owner)?;
                Ok(tokens)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn seal(&self, payload: &Payload, query: &Fingerprint) -> Result<String, ServiceError> {
        // Encrypts in place, behind the version and the tag.
        let mut sealed = Vec::with_capacity(HEADER_BYTES + payload.0.len());
        sealed.push(VERSION);
        sealed.resize(HEADER_BYTES, 0);
        sealed.extend_from_slice(&payload.0);
        let (header, content) = sealed.split_at_mut(HEADER_BYTES);
        let tag = self
            .cipher()
            .encrypt_inout_detached([[VERSION].as_slice(), &query.0], content.into())
            .map_err(|_| ServiceError::Internal("cannot encrypt a page token"))?;
        header[1..].copy_from_slice(&tag);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Decrypts a token; `None` if it is empty, which requests the first page.
    pub(crate) fn open(&self, token: &str, query: &Fingerprint) -> Result<Option<Payload>, ServiceError> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid_token())?;
        let Some((&VERSION, sealed)) = bytes.split_first() else { return Err(invalid_token()) };
        let payload =
            self.cipher().decrypt([[VERSION].as_slice(), &query.0], sealed).map_err(|_| invalid_token())?;
        Ok(Some(Payload(payload)))
    }

    fn cipher(&self) -> Aes128Siv {
        Aes128Siv::new(&self.key.into())
    }
}

/// Omits the key.
impl fmt::Debug for PageTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageTokens(..)")
    }
}

fn invalid_token() -> ServiceError {
    ServiceError::invalid(
        "page_token",
        reason::INVALID_PAGE_TOKEN,
        "must be next_page_token of the previous response, with the same query; omit it to start from the first page",
    )
}

/// Identifies the query that a token is bound to. Its parts are length-prefixed, so that different parts never have equal bytes.
#[derive(Clone)]
pub(crate) struct Fingerprint(Vec<u8>);

/// Omits the query: it contains a user's position.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

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

/// The content of a token.
pub(crate) struct Payload(Vec<u8>);

impl Payload {
    /// The end of a page of a search, and the revision of the first page.
    pub(crate) fn of_search(cursor: &Cursor, first_revision: Revision) -> Self {
        let rank = u32::try_from(cursor.rank).unwrap_or(u32::MAX);
        let (distance, revision) = (cursor.distance.get().to_le_bytes(), first_revision.0.to_le_bytes());
        let id = cursor.id.as_str().as_bytes();
        Self([distance.as_slice(), &rank.to_le_bytes(), &revision, id].concat())
    }
}

impl From<&MerchantId> for Payload {
    fn from(id: &MerchantId) -> Self {
        Self(id.as_str().as_bytes().to_vec())
    }
}

impl Payload {
    /// The digest of a watched set.
    pub(crate) fn of_digest(digest: u64) -> Self {
        Self(digest.to_le_bytes().to_vec())
    }

    pub(crate) fn digest(&self) -> Option<u64> {
        Some(u64::from_le_bytes(self.0.as_slice().try_into().ok()?))
    }

    pub(crate) fn search(&self) -> Result<(Cursor, Revision), ServiceError> {
        let (distance, rest) = self.0.split_first_chunk().ok_or_else(invalid_token)?;
        let distance = Meters::new(f64::from_le_bytes(*distance)).ok_or_else(invalid_token)?;
        let (rank, rest) = rest.split_first_chunk().ok_or_else(invalid_token)?;
        let rank = usize::try_from(u32::from_le_bytes(*rank)).unwrap_or_default();
        let (revision, id) = rest.split_first_chunk().ok_or_else(invalid_token)?;
        Ok((Cursor { distance, id: parse_id(id)?, rank }, Revision(u64::from_le_bytes(*revision))))
    }

    pub(crate) fn id(&self) -> Result<MerchantId, ServiceError> {
        parse_id(&self.0)
    }
}

fn parse_id(bytes: &[u8]) -> Result<MerchantId, ServiceError> {
    std::str::from_utf8(bytes).ok().and_then(|id| MerchantId::parse(id).ok()).ok_or_else(invalid_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        Cursor { distance: Meters::new(1_234.5).unwrap(), id: MerchantId::parse("café").unwrap(), rank: 40 }
    }

    #[test]
    fn a_token_decrypts_only_with_its_own_query_and_key() {
        let tokens = PageTokens::ephemeral().unwrap();
        let token = tokens
            .seal(&Payload::of_search(&cursor(), Revision(7)), &Fingerprint::of("a").with(b"b"))
            .unwrap();
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
        let opened = tokens.open(&token, &Fingerprint::of("a").with(b"b")).unwrap().unwrap();
        assert_eq!(opened.search().unwrap(), (cursor(), Revision(7)));
        assert!(tokens.open(&token, &Fingerprint::of("ab")).is_err());
        assert!(PageTokens::ephemeral().unwrap().open(&token, &Fingerprint::of("a").with(b"b")).is_err());
        assert!(tokens.open("", &Fingerprint::of("a")).unwrap().is_none());
    }

    /// A distance or an id in plain text would reveal the position of the user.
    #[test]
    fn a_token_does_not_contain_the_end_of_the_page_in_plain_text() {
        let tokens = PageTokens::ephemeral().unwrap();
        let token = tokens.seal(&Payload::of_search(&cursor(), Revision(7)), &Fingerprint::of("a")).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        let contains = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        let distance = cursor().distance.get();
        assert!(!contains("café".as_bytes()) && !contains("caf".as_bytes()));
        assert!(!contains(&distance.to_le_bytes()) && !contains(&distance.to_be_bytes()));
    }

    #[test]
    fn changed_or_truncated_tokens_are_rejected() {
        let tokens = PageTokens::ephemeral().unwrap();
        let token = tokens.seal(&Payload::of_search(&cursor(), Revision(7)), &Fingerprint::of("a")).unwrap();
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
        let token = first.seal(&Payload::of_search(&cursor(), Revision(7)), &Fingerprint::of("a")).unwrap();
        let second = PageTokens::load_or_create(&path).unwrap();
        assert_eq!(
            second.open(&token, &Fingerprint::of("a")).unwrap().unwrap().search().unwrap(),
            (cursor(), Revision(7))
        );
        fs::write(&path, b"short").unwrap();
        assert!(PageTokens::load_or_create(&path).is_err());
    }
}
