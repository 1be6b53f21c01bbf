//! Tokens that carry a search or a list from one page to the next.
//!
//! A token says where the page before ended: a distance and an id, or an id. Distances to known merchants would tell
//! where the user is, so a token is encrypted, and it is authenticated together with the query: it cannot be read, made
//! up, changed, or used with another query. AES-SIV (RFC 5297) does both and needs no nonce, so that nothing is kept on the
//! server: a token survives restarts. It also says at which revision the first page was read, and so is good only where
//! that is a revision of the same history: the key belongs to the data. Equal pages of equal queries have
//! equal tokens, and that is all that a token shows.

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
/// A version and a tag.
const SEALED_AT: usize = 1 + 16;

/// Seals and opens tokens with a key.
#[derive(Clone)]
pub struct PageTokens {
    key: [u8; KEY_BYTES],
}

impl PageTokens {
    /// With a key of its own, good until this process ends.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn ephemeral() -> io::Result<Self> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Self { key })
    }

    /// With the key in a file, which is made at the first start. Whoever calls holds the directory.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or holds something else.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => {
                let wrong = || {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        "does not hold a key of 32 bytes; remove it, and page tokens that were given out before are no longer taken",
                    )
                };
                Ok(Self { key: bytes.try_into().map_err(|_| wrong())? })
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
        // The version and the tag stand before what is sealed in place.
        let mut sealed = Vec::with_capacity(SEALED_AT + payload.0.len());
        sealed.push(VERSION);
        sealed.resize(SEALED_AT, 0);
        sealed.extend_from_slice(&payload.0);
        let (front, content) = sealed.split_at_mut(SEALED_AT);
        let tag = self
            .cipher()
            .encrypt_inout_detached([[VERSION].as_slice(), &query.0], content.into())
            .map_err(|_| ServiceError::Internal("a page token cannot be made"))?;
        front[1..].copy_from_slice(&tag);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a token; `None` where there is none, which asks for the first page.
    pub(crate) fn open(&self, token: &str, query: &Fingerprint) -> Result<Option<Payload>, ServiceError> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let Some((&VERSION, sealed)) = bytes.split_first() else { return Err(refused()) };
        let payload =
            self.cipher().decrypt([[VERSION].as_slice(), &query.0], sealed).map_err(|_| refused())?;
        Ok(Some(Payload(payload)))
    }

    fn cipher(&self) -> Aes128Siv {
        Aes128Siv::new(&self.key.into())
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
        reason::INVALID_PAGE_TOKEN,
        "must be next_page_token of the answer before, with the same query; ask again without it to start over",
    )
}

/// What a token is bound to: the query, as parts that cannot run into one another.
#[derive(Clone)]
pub(crate) struct Fingerprint(Vec<u8>);

/// Shows nothing: a query is where a person is.
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

/// What a token holds.
pub(crate) struct Payload(Vec<u8>);

impl Payload {
    /// Where a page of a search ended, and the revision of the first page.
    pub(crate) fn of_search(cursor: &Cursor, begun: Revision) -> Self {
        let rank = u32::try_from(cursor.rank).unwrap_or(u32::MAX);
        let (distance, begun) = (cursor.distance.get().to_le_bytes(), begun.0.to_le_bytes());
        let id = cursor.id.as_str().as_bytes();
        Self([distance.as_slice(), &rank.to_le_bytes(), &begun, id].concat())
    }
}

impl From<&MerchantId> for Payload {
    fn from(id: &MerchantId) -> Self {
        Self(id.as_str().as_bytes().to_vec())
    }
}

impl Payload {
    /// What tells a watcher's set from another.
    pub(crate) fn of_digest(digest: u64) -> Self {
        Self(digest.to_le_bytes().to_vec())
    }

    pub(crate) fn digest(&self) -> Option<u64> {
        Some(u64::from_le_bytes(self.0.as_slice().try_into().ok()?))
    }

    pub(crate) fn search(&self) -> Result<(Cursor, Revision), ServiceError> {
        let (distance, rest) = self.0.split_first_chunk().ok_or_else(refused)?;
        let distance = Meters::new(f64::from_le_bytes(*distance)).ok_or_else(refused)?;
        let (rank, rest) = rest.split_first_chunk().ok_or_else(refused)?;
        let rank = usize::try_from(u32::from_le_bytes(*rank)).unwrap_or_default();
        let (begun, id) = rest.split_first_chunk().ok_or_else(refused)?;
        Ok((Cursor { distance, id: parse_id(id)?, rank }, Revision(u64::from_le_bytes(*begun))))
    }

    pub(crate) fn id(&self) -> Result<MerchantId, ServiceError> {
        parse_id(&self.0)
    }
}

fn parse_id(bytes: &[u8]) -> Result<MerchantId, ServiceError> {
    std::str::from_utf8(bytes).ok().and_then(|id| MerchantId::parse(id).ok()).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        Cursor { distance: Meters::new(1_234.5).unwrap(), id: MerchantId::parse("café").unwrap(), rank: 40 }
    }

    #[test]
    fn a_token_opens_with_its_own_query_only() {
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

    /// A distance or an id in the clear would tell where the user is.
    #[test]
    fn a_token_shows_nothing_of_where_the_page_ended() {
        let tokens = PageTokens::ephemeral().unwrap();
        let token = tokens.seal(&Payload::of_search(&cursor(), Revision(7)), &Fingerprint::of("a")).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        let distance = cursor().distance.get();
        assert!(!holds("café".as_bytes()) && !holds("caf".as_bytes()));
        assert!(!holds(&distance.to_le_bytes()) && !holds(&distance.to_be_bytes()));
    }

    #[test]
    fn no_changed_token_opens() {
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
