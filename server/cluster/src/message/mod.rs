//! The format of a commit in the log.
//!
//! | bytes | of a message, integers little-endian |
//! |---|---|
//! | 0–7 | `NEARBYLG` |
//! | 8–23 | cluster id |
//! | 24–25 | format of this message |
//! | 26–27 | format of the messages after this one |
//! | 28–51 | commit id: process (16 bytes), counter (u64) |
//! | 52–59 | base: sequence of the last message of the state that the commit was decided on |
//! | 60–75 | previous: hash of the whole message at the base |
//! | 76–115 | digest of the state before the commit |
//! | 116–155 | digest after it |
//! | 156–163 | log time, µs since 1970 |
//! | 164 | length of the node name |
//! | 165– | node name, then the batch as the store encodes it |
//! | last 16 | XXH3-128 of all bytes before |
//!
//! The first 26 bytes and the checksum are the same in all formats. A message of a newer format with a valid checksum is
//! therefore not damaged, but needs a newer release.
//!
//! The checksum is our own, because brokers have delivered messages whose own checksums did not cover a damaged part. The
//! digests cover keys and versions, but not contents: two histories that change the same merchants have equal digests. The hash
//! of the previous message distinguishes them.

use bytes::Bytes;
use nearby_index::UnixMicros;
use nearby_store::{
    Batch, BatchDecodeError, DeriveFields, OwnedBatch, StateDigest, decode_batch, encode_batch,
    encoded_forget_bytes,
};
use thiserror::Error;
use twox_hash::XxHash3_128;

use crate::identity::{ClusterId, CommitId, NodeName, ProcessId, Sequence};

const MAGIC: &[u8; 8] = b"NEARBYLG";
/// The newest format that this release reads and writes.
pub const NEWEST_FORMAT: u16 = if cfg!(feature = "next-format") { 2 } else { 1 };
const CHECKSUM_BYTES: usize = 16;
/// Bytes before the node name.
const FIXED_BYTES: usize = 165;

/// Maximum length of a message. The brokers' limit is 8 MiB for the message with its headers; messages within 64 bytes of it
/// got no answer and a dropped connection.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024 - 64 * 1024;
/// Maximum encoded length of the changes of a batch, unless it is a single transaction.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// Maximum encoded length of the records that a commit removes.
pub const MAX_FORGET_BYTES: usize = 64 * 1024;

/// Hash of a whole message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MessageHash(pub u128);

impl MessageHash {
    /// The hash before the first message.
    pub const ZERO: Self = Self(0);

    /// Hashes a message, which need not be one of ours.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        Self(XxHash3_128::oneshot(message))
    }
}

/// All of a message except its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The cluster.
    pub cluster: ClusterId,
    /// Format of this message.
    pub format: u16,
    /// Format of the messages after this one. Higher than [`Header::format`] in the commit that raises the format of the log.
    pub next_format: u16,
    /// The commit.
    pub commit: CommitId,
    /// Sequence of the last message of the state that the commit was decided on.
    pub base: Sequence,
    /// Hash of that message.
    pub previous: MessageHash,
    /// Digest of that state.
    pub before: StateDigest,
    /// Digest after the commit.
    pub after: StateDigest,
    /// Time of the commit: no earlier than that of the one before.
    pub time: UnixMicros,
    /// The node that decided the commit.
    pub node: NodeName,
}

/// A decoded message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// All but the batch.
    pub header: Header,
    /// The batch; empty in the genesis and in commits that only confirm a base.
    pub batch: OwnedBatch,
}

/// The reason that bytes are no message that counts.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MessageError {
    /// They do not begin with the magic and the id of the cluster.
    #[error("not a message of this cluster")]
    Foreign,
    /// The checksum does not match.
    #[error("the message is damaged")]
    Damaged,
    /// The checksum matches, but this release does not know the format.
    #[error("the message has format {0}, which needs a newer release")]
    UnsupportedFormat(u16),
    /// The checksum matches, but the content is invalid: the writer has a defect.
    #[error("the message has an invalid content: {0}")]
    Invalid(String),
}

impl From<BatchDecodeError> for MessageError {
    fn from(error: BatchDecodeError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// A commit is too large for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SizeError {
    /// The message is too long.
    #[error("a commit of {0} bytes is larger than the log accepts: at most {MAX_MESSAGE_BYTES}")]
    Message(usize),
    /// The records to remove are too many.
    #[error("a commit removes {0} bytes of records: at most {MAX_FORGET_BYTES}")]
    Forget(usize),
}

impl Header {
    /// Returns the header of the first message: the state that the cluster begins with.
    #[must_use]
    pub fn genesis(
        cluster: ClusterId,
        (commit, node): (CommitId, NodeName),
        state: StateDigest,
        time: UnixMicros,
    ) -> Self {
        let (base, previous) = (Sequence::ZERO, MessageHash::ZERO);
        let (format, next_format) = (NEWEST_FORMAT, NEWEST_FORMAT);
        Self { cluster, format, next_format, commit, base, previous, before: state, after: state, time, node }
    }

    /// Encodes a message without operations: a genesis, or a commit that only confirms its base.
    ///
    /// # Errors
    /// None in practice: such a message is short.
    pub fn encode_empty(&self) -> Result<Bytes, SizeError> {
        let deletions_since = self.after.watermarks.deletions_since;
        self.encode(&OwnedBatch { deletions_since, ..OwnedBatch::default() }.as_batch(&[]))
    }

    /// Encodes a message.
    ///
    /// # Errors
    /// If it would be larger than the log accepts.
    pub fn encode(&self, batch: &Batch<'_>) -> Result<Bytes, SizeError> {
        let forget_bytes = batch.forget.iter().map(encoded_forget_bytes).sum();
        if forget_bytes > MAX_FORGET_BYTES {
            return Err(SizeError::Forget(forget_bytes));
        }
        let (batch, node) = (encode_batch(batch), self.node.as_str().as_bytes());
        let length = FIXED_BYTES + node.len() + batch.len() + CHECKSUM_BYTES;
        if length > MAX_MESSAGE_BYTES {
            return Err(SizeError::Message(length));
        }
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.cluster.0);
        bytes.extend_from_slice(&self.format.to_le_bytes());
        bytes.extend_from_slice(&self.next_format.to_le_bytes());
        bytes.extend_from_slice(&self.commit.process.0);
        bytes.extend_from_slice(&self.commit.counter.to_le_bytes());
        bytes.extend_from_slice(&self.base.0.to_le_bytes());
        bytes.extend_from_slice(&self.previous.0.to_le_bytes());
        bytes.extend_from_slice(&self.before.to_bytes());
        bytes.extend_from_slice(&self.after.to_bytes());
        bytes.extend_from_slice(&self.time.0.to_le_bytes());
        // A name has at most 63 bytes.
        bytes.push(u8::try_from(node.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(node);
        bytes.extend_from_slice(&batch);
        seal(&mut bytes);
        Ok(bytes.into())
    }
}

impl Message {
    /// Decodes a message of a cluster. Formats up to `max_format` are read.
    ///
    /// # Errors
    /// See [`MessageError`].
    pub fn decode(
        bytes: &[u8],
        cluster: ClusterId,
        max_format: u16,
        derive_fields: DeriveFields<'_>,
    ) -> Result<Self, MessageError> {
        let mut rest = Fields(bytes);
        if rest.take() != Some(*MAGIC) || rest.take() != Some(cluster.0) {
            return Err(MessageError::Foreign);
        }
        rest.0 = unseal(bytes).and_then(|sealed| sealed.get(24..)).ok_or(MessageError::Damaged)?;
        let format = rest.u16().ok_or(MessageError::Damaged)?;
        if format > max_format {
            return Err(MessageError::UnsupportedFormat(format));
        }
        let truncated = || MessageError::Invalid("it is truncated".to_owned());
        let header = rest.header(cluster, format).ok_or_else(truncated)??;
        Ok(Self { header, batch: decode_batch(rest.0, derive_fields)? })
    }
}

/// Appends the checksum.
pub(crate) fn seal(bytes: &mut Vec<u8>) {
    let checksum = XxHash3_128::oneshot(bytes).to_le_bytes();
    bytes.extend_from_slice(&checksum);
}

/// Verifies the checksum. Returns the bytes before it.
pub(crate) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (sealed, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    (XxHash3_128::oneshot(sealed).to_le_bytes() == *checksum).then_some(sealed)
}

/// The remaining bytes of a decoder.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.0.split_off(..N)?.first_chunk().copied()
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// Decodes a text of at most 255 bytes and its length.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let [length] = self.take()?;
        std::str::from_utf8(self.0.split_off(..usize::from(length))?).ok()
    }

    /// Decodes the fields after the format. `None` if the bytes end too early.
    fn header(&mut self, cluster: ClusterId, format: u16) -> Option<Result<Header, MessageError>> {
        let next_format = self.u16()?;
        let commit = CommitId { process: ProcessId(self.take()?), counter: self.u64()? };
        let (base, previous) = (Sequence(self.u64()?), MessageHash(u128::from_le_bytes(self.take()?)));
        let before = StateDigest::from_bytes(&self.take()?);
        let after = StateDigest::from_bytes(&self.take()?);
        let time = UnixMicros(i64::from_le_bytes(self.take()?));
        let [length] = self.take()?;
        let node = self.0.split_off(..usize::from(length))?;
        let node = std::str::from_utf8(node).ok().and_then(|node| NodeName::parse(node).ok());
        let invalid = || MessageError::Invalid("the name of the node is invalid".to_owned());
        Some(node.ok_or_else(invalid).map(|node| Header {
            cluster,
            format,
            next_format,
            commit,
            base,
            previous,
            before,
            after,
            time,
            node,
        }))
    }
}

#[cfg(test)]
pub(crate) mod tests;
