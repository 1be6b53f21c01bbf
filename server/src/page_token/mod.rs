//! Page tokens: continue a search or a list on the next page.
//!
//! A token contains the end of the previous page: a distance and an id, or an id. Distances to known merchants would reveal the
//! user's position, so a token is encrypted, and authenticated together with the query: a client can neither read, forge nor change
//! it, nor use it with another query. AES-SIV (RFC 5297) provides both and needs no nonce, so the server stores nothing per token,
//! and tokens survive restarts. A token of a search also contains the revision of the first page, so it is valid only in the same
//! history of revisions: every token of a page contains the [`HistoryId`], and servers that share only the key reject it. Equal pages
//! of equal queries have equal tokens; a token reveals nothing else.

mod history;
mod keys;

use std::{fmt, io, path::Path};

use aes_siv::{KeyInit, siv::Aes128Siv};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use nearby_index::{Cursor, MerchantId, Meters, Revision};
use prost::Message;

pub use self::history::HistoryId;
use self::keys::{Key, Keys};
use crate::{error::ServiceError, reason};

const VERSION: u8 = 4;
/// Length of the version and the tag, which precede the ciphertext.
const HEADER_BYTES: usize = 1 + 16;

/// Encrypts and decrypts tokens.
#[derive(Clone)]
pub struct PageTokens {
    keys: Keys,
    history: HistoryId,
}

impl PageTokens {
    /// Uses a random key: the tokens are valid until the process ends.
    ///
    /// # Errors
    /// When the system has no random source.
    pub fn ephemeral() -> io::Result<Self> {
        Ok(Self { keys: Keys::random()?, history: HistoryId::random()? })
    }

    /// Uses the keys of a file if one is given, else the key of the data directory, and the history of the data directory. Without
    /// `may_write`, what is missing in the directory lasts until the process ends. The caller must hold the lock of the directory.
    ///
    /// # Errors
    /// When a file cannot be read or written, or has invalid content.
    pub fn load(data_dir: &Path, key_file: Option<&Path>, may_write: bool) -> io::Result<Self> {
        let keys = match key_file {
            Some(file) => Keys::read(file).map_err(|error| {
                io::Error::new(error.kind(), format!("page token key {}: {error}", file.display()))
            })?,
            None => Keys::load_or_create(data_dir, may_write)?,
        };
        Ok(Self { keys, history: HistoryId::load_or_create(data_dir, may_write)? })
    }

    /// The same keys, for another history.
    pub(crate) fn with_history(self, history: HistoryId) -> Self {
        Self { history, ..self }
    }

    /// The history of the server's revisions.
    #[must_use]
    pub fn history(&self) -> HistoryId {
        self.history
    }

    /// Checks the history that a client names together with a revision.
    ///
    /// # Errors
    /// [`ServiceError::HistoryMismatch`], when it is not that of this server; an invalid id is none that it could be.
    pub(crate) fn check_history(&self, id: &str) -> Result<(), ServiceError> {
        if id.parse() == Ok(self.history) { Ok(()) } else { Err(ServiceError::HistoryMismatch("revision")) }
    }

    pub(crate) fn seal(&self, payload: &Payload, query: &Fingerprint) -> Result<String, ServiceError> {
        // Encrypts in place, behind the version and the tag.
        let history = self.history.to_bytes();
        let mut sealed = Vec::with_capacity(HEADER_BYTES + history.len() + payload.0.len());
        sealed.push(VERSION);
        sealed.resize(HEADER_BYTES, 0);
        sealed.extend_from_slice(&history);
        sealed.extend_from_slice(&payload.0);
        let (header, content) = sealed.split_at_mut(HEADER_BYTES);
        let tag = cipher(&self.keys.current)
            .encrypt_inout_detached([[VERSION].as_slice(), &query.0], content.into())
            .map_err(|_| ServiceError::Internal("cannot encrypt a page token"))?;
        header[1..].copy_from_slice(&tag);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Decrypts a token of a page; `None` if it is empty, which requests the first page.
    pub(crate) fn open(&self, token: &str, query: &Fingerprint) -> Result<Option<Payload>, ServiceError> {
        match self.decrypt(token, query)? {
            Some((history, _)) if history != self.history.to_bytes() => {
                Err(ServiceError::HistoryMismatch("page token"))
            }
            opened => Ok(opened.map(|(_, payload)| payload)),
        }
    }

    fn decrypt(&self, token: &str, query: &Fingerprint) -> Result<Option<([u8; 16], Payload)>, ServiceError> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid_token())?;
        let Some((&VERSION, sealed)) = bytes.split_first() else { return Err(invalid_token()) };
        let decrypt = |key| cipher(key).decrypt([[VERSION].as_slice(), &query.0], sealed).ok();
        let content = decrypt(&self.keys.current).or_else(|| self.keys.other.as_ref().and_then(decrypt));
        let content = content.ok_or_else(invalid_token)?;
        let (history, payload) = content.split_first_chunk().ok_or_else(invalid_token)?;
        Ok(Some((*history, Payload(payload.to_vec()))))
    }
}

fn cipher(key: &Key) -> Aes128Siv {
    Aes128Siv::new(key.into())
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
        // Most requests fit: the fingerprint of a search grew four times, which was 3 % of the instructions of a search in a stream.
        Self(Vec::with_capacity(256)).with(method.as_bytes())
    }

    /// Adds a message, as [`Self::with`] adds its encoding.
    pub(crate) fn with_message(mut self, message: &impl Message) -> Self {
        let len = message.encoded_len();
        self.0.reserve(size_of::<u64>() + len);
        self.0.extend_from_slice(&(len as u64).to_le_bytes());
        // Fails only for a buffer that cannot grow.
        let _ = message.encode(&mut self.0);
        self
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
    use std::fs;

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
    fn servers_that_share_the_key_and_not_the_history_reject_the_token_of_a_page_with_a_reason() {
        let (directory, query) = (tempfile::tempdir().unwrap(), Fingerprint::of("a"));
        let key_file = directory.path().join("shared");
        fs::write(&key_file, "7e".repeat(32)).unwrap();
        let server = |name: &str| {
            let data = directory.path().join(name);
            fs::create_dir_all(&data).unwrap();
            PageTokens::load(&data, Some(&key_file), true).unwrap()
        };
        let (one, two) = (server("one"), server("two"));
        let token = one.seal(&Payload::of_search(&cursor(), Revision(7)), &query).unwrap();
        assert_eq!(two.open(&token, &query).err(), Some(ServiceError::HistoryMismatch("page token")));
        let restarted = server("one");
        assert_eq!(
            restarted.open(&token, &query).unwrap().unwrap().search().unwrap(),
            (cursor(), Revision(7))
        );
        assert!(restarted.check_history(&one.history().to_string()).is_ok());
        assert!(two.check_history(&one.history().to_string()).is_err());

        // The digest of a watched set contains revisions.
        let digest = one.seal(&Payload::of_digest(9), &query).unwrap();
        assert!(two.open(&digest, &query).is_err());
    }

    #[test]
    fn during_a_rotation_tokens_of_both_keys_are_valid() {
        let (directory, query) = (tempfile::tempdir().unwrap(), Fingerprint::of("a"));
        let (old, new) = ("01".repeat(32), "02".repeat(32));
        let with_keys = |keys: &str| {
            fs::write(directory.path().join("keys"), keys).unwrap();
            PageTokens::load(directory.path(), Some(&directory.path().join("keys")), true).unwrap()
        };
        let seal = |tokens: &PageTokens| tokens.seal(&Payload::from(&cursor().id), &query).unwrap();
        let is_valid = |tokens: &PageTokens, token: &str| tokens.open(token, &query).is_ok();
        let before = with_keys(&old);
        let prepared = with_keys(&format!("{old}\n{new}\n"));
        let rotated = with_keys(&format!("{new}\n{old}\n"));
        let after = with_keys(&new);
        assert!(is_valid(&prepared, &seal(&before)) && is_valid(&before, &seal(&prepared)));
        assert!(is_valid(&prepared, &seal(&rotated)) && is_valid(&rotated, &seal(&prepared)));
        assert!(is_valid(&after, &seal(&rotated)) && is_valid(&rotated, &seal(&after)));
        assert!(!is_valid(&after, &seal(&before)) && !is_valid(&before, &seal(&rotated)));
    }
}
