//! Record encoding; the only module that defines on-disk bytes of records.
//!
//! A key is a tag followed by an identifier:
//!
//! | key | value |
//! |---|---|
//! | `\0state` | last committed revision, u64; written before the journal existed |
//! | `\0since` | revision since which all deletions are kept, u64; likewise, but absent in stores of release 0.1 |
//! | `\0log` | position in a replicated log: cluster id (16 bytes), sequence (u64), hash of its message (16 bytes), time of the last commit (µs since 1970), format (u16); absent on a single node |
//! | `\0tally` | state digest: last committed revision, revision since which all deletions are kept, number of the records below (u64 each), sum of their fingerprints (16 bytes) |
//! | `d`, revision (8 bytes, big-endian) | id of the merchant deleted at that revision |
//! | `m`, id | a merchant, see below |
//! | `q`, request id (16 bytes), number (u16, big-endian) | an outcome of a completed request, see below |
//!
//! Every value starts with a version (1 byte, 2) and a CRC-32C (4 bytes) of the key and the rest of the
//! value. The checksum covers the key, so that a record stored under another key is detected. The rest,
//! integers little-endian:
//!
//! | bytes | of a merchant |
//! |---|---|
//! | 0–7 | revision |
//! | 8–15 | revision of the last move; absent in version 1, which implies the revision |
//! | 16–23 | create time, µs since 1970 |
//! | 24–31 | update time, µs since 1970 |
//! | 32 | visibility: 1 visible, 2 hidden |
//! | 33 | datum: 1 WGS-84, 2 GCJ-02, 3 BD-09 |
//! | 34–41 | latitude, degrees, f64 |
//! | 42–49 | longitude, degrees, f64 |
//! | 50– | profile, the client's part |
//!
//! | bytes | of an outcome |
//! |---|---|
//! | 0–7 | completion time of the request, µs since 1970 |
//! | 8–23 | fingerprint of the request |
//! | 24–25 | number of outcomes of the request |
//! | 26 | 1 stored, 2 deleted |
//! | 27 | length of the id in bytes |
//! | 28– | id; then, if stored, the merchant as above, and if deleted, the revision |
//!
//! Version 1, written by release 0.1, is still read.

use std::sync::Arc;

use nearby_index::{
    AnyPosition, Change, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Terms,
    UnixMicros, Visibility,
};

use crate::{CompletedRequest, Forget, LogPosition, RequestId, StateDigest};

const VERSION: u8 = 2;
/// Written by release 0.1.
const VERSION_1: u8 = 1;
const BODY_AT: usize = 5;
/// Bytes of a merchant's body before the profile.
const PROFILE_AT: usize = 50;
const DELETION_TAG: u8 = b'd';
const MERCHANT_TAG: u8 = b'm';
const REQUEST_TAG: u8 = b'q';

/// Key of the last committed revision in old stores. Sorts before all other keys except [`SINCE_KEY`].
pub(crate) const STATE_KEY: &[u8] = b"\0state";
/// Key of the retention revision of deletions in old stores.
pub(crate) const SINCE_KEY: &[u8] = b"\0since";
/// Key of the position in a replicated log.
pub(crate) const LOG_KEY: &[u8] = b"\0log";
/// Key of the state digest.
pub(crate) const DIGEST_KEY: &[u8] = b"\0tally";

/// The reason a record is invalid, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("a record is truncated")]
    Short,
    #[error("a record has unsupported version {0}")]
    Version(u8),
    #[error("a record's checksum does not match")]
    Checksum,
    #[error("a key is invalid")]
    Key,
    #[error("a record contains an invalid value")]
    Value,
    #[error("an outcome of a request is missing")]
    Outcome,
}

/// A decoded record.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all entries are merchants, and none is kept for long")]
pub(crate) enum Entry {
    State(Revision),
    Since(Revision),
    Digest(StateDigest),
    Log(LogPosition),
    Deletion {
        id: MerchantId,
        revision: Revision,
    },
    Merchant(StoredMerchant),
    /// One outcome of a request; its other outcomes follow in key order.
    Outcome {
        of: CompletedRequest,
        count: u16,
        number: u16,
    },
}

impl Entry {
    /// Returns the revision that the state digest covers together with the key of the record.
    pub(crate) fn version(&self) -> Revision {
        match self {
            Self::Merchant(stored) => stored.revision,
            _ => Revision::ZERO,
        }
    }
}

/// Decodes a record.
pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Entry, DecodeError> {
    let (version, body) = unseal(key, value)?;
    let mut body = Reader(body);
    if key == STATE_KEY || key == SINCE_KEY {
        let revision = body.revision()?;
        return Ok(if key == STATE_KEY { Entry::State(revision) } else { Entry::Since(revision) });
    }
    if key == DIGEST_KEY {
        return Ok(Entry::Digest(StateDigest::from_bytes(&body.take()?)));
    }
    if key == LOG_KEY {
        return Ok(Entry::Log(LogPosition {
            cluster: body.take()?,
            sequence: u64::from_le_bytes(body.take()?),
            hash: u128::from_le_bytes(body.take()?),
            time: UnixMicros(i64::from_le_bytes(body.take()?)),
            format: u16::from_le_bytes(body.take()?),
        }));
    }
    let (tag, rest) = key.split_first().ok_or(DecodeError::Key)?;
    match *tag {
        DELETION_TAG => {
            let revision = rest.try_into().map(u64::from_be_bytes).map_err(|_| DecodeError::Key)?;
            Ok(Entry::Deletion { id: id_of(body.0)?, revision: Revision(revision) })
        }
        MERCHANT_TAG => {
            let id = id_of(rest).map_err(|_| DecodeError::Key)?;
            Ok(Entry::Merchant(decode_merchant(version, id, body)?))
        }
        REQUEST_TAG => {
            let (id, number) = rest.split_first_chunk().ok_or(DecodeError::Key)?;
            let number = number.try_into().map(u16::from_be_bytes).map_err(|_| DecodeError::Key)?;
            let (completed_at, fingerprint) = (UnixMicros(i64::from_le_bytes(body.take()?)), body.take()?);
            let count = u16::from_le_bytes(body.take()?);
            let outcomes = vec![decode_outcome(version, body)?];
            Ok(Entry::Outcome {
                of: CompletedRequest { id: RequestId(*id), fingerprint, completed_at, outcomes },
                count,
                number,
            })
        }
        _ => Err(DecodeError::Key),
    }
}

/// Encodes the value of the digest record.
pub(crate) fn encode_digest(digest: &StateDigest) -> Vec<u8> {
    seal(DIGEST_KEY, &digest.to_bytes())
}

/// Encodes the record of a position in a replicated log.
pub(crate) fn encode_position(position: &LogPosition) -> (Vec<u8>, Vec<u8>) {
    let LogPosition { cluster, sequence, hash, time, format } = position;
    let mut body = cluster.to_vec();
    body.extend_from_slice(&sequence.to_le_bytes());
    body.extend_from_slice(&hash.to_le_bytes());
    body.extend_from_slice(&time.0.to_le_bytes());
    body.extend_from_slice(&format.to_le_bytes());
    (LOG_KEY.to_vec(), seal(LOG_KEY, &body))
}

/// Returns whether a key is that of a merchant.
pub(crate) fn is_merchant(key: &[u8]) -> bool {
    key.first() == Some(&MERCHANT_TAG)
}

/// Returns the key of a merchant's record.
pub(crate) fn merchant_key(id: &MerchantId) -> Vec<u8> {
    [&[MERCHANT_TAG], id.as_str().as_bytes()].concat()
}

/// Encodes the value of a merchant's record.
pub(crate) fn encode_merchant(stored: &StoredMerchant) -> Vec<u8> {
    seal(&merchant_key(&stored.merchant.id), &merchant_body(stored))
}

/// Encodes the record of a deletion.
pub(crate) fn encode_deletion(id: &MerchantId, revision: Revision) -> (Vec<u8>, Vec<u8>) {
    let key = deletion_key(revision);
    let value = seal(&key, id.as_str().as_bytes());
    (key, value)
}

/// Encodes the records of a completed request, one per outcome.
pub(crate) fn encode_request(request: &CompletedRequest) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    // A request has at most 1,000 changes.
    let count = u16::try_from(request.outcomes.len()).unwrap_or(u16::MAX);
    (0..count).zip(&request.outcomes).map(move |(number, outcome)| {
        let id = outcome.id().as_str().as_bytes();
        let (kind, rest) = match outcome {
            Change::Put(stored) => (1, merchant_body(stored)),
            Change::Delete { revision, .. } => (2, revision.0.to_le_bytes().to_vec()),
        };
        let id_length = u8::try_from(id.len()).unwrap_or(u8::MAX);
        let body = [
            &request.completed_at.0.to_le_bytes(),
            request.fingerprint.as_slice(),
            &count.to_le_bytes(),
            &[kind, id_length],
            id,
            &rest,
        ]
        .concat();
        let key = request_key(request.id, number);
        let value = seal(&key, &body);
        (key, value)
    })
}

/// Returns the length of key and value of a merchant's record.
pub(crate) fn merchant_record_bytes(stored: &StoredMerchant) -> usize {
    let given: usize = stored.merchant.profile.given().iter().map(|piece| piece.len()).sum();
    1 + stored.merchant.id.as_str().len() + BODY_AT + PROFILE_AT + given
}

/// Returns the length of key and value of a deletion's record.
pub(crate) fn deletion_record_bytes(id: &MerchantId) -> usize {
    9 + BODY_AT + id.as_str().len()
}

/// Returns the keys of the records to remove.
pub(crate) fn keys_of(forget: &Forget) -> Vec<Vec<u8>> {
    match forget {
        Forget::Deletion(revision) => vec![deletion_key(*revision)],
        Forget::Request { id, outcomes } => request_keys(*id, *outcomes).collect(),
    }
}

/// Returns the keys of a request's records.
pub(crate) fn request_keys(id: RequestId, outcomes: usize) -> impl Iterator<Item = Vec<u8>> {
    let count = u16::try_from(outcomes).unwrap_or(u16::MAX);
    (0..count).map(move |number| request_key(id, number))
}

/// Returns the key of a deletion's record.
pub(crate) fn deletion_key(revision: Revision) -> Vec<u8> {
    [[DELETION_TAG].as_slice(), &revision.0.to_be_bytes()].concat()
}

fn request_key(id: RequestId, number: u16) -> Vec<u8> {
    [[REQUEST_TAG].as_slice(), &id.0, &number.to_be_bytes()].concat()
}

fn merchant_body(stored: &StoredMerchant) -> Vec<u8> {
    let given = stored.merchant.profile.given();
    let mut body = Vec::with_capacity(PROFILE_AT + given.iter().map(|piece| piece.len()).sum::<usize>());
    body.extend_from_slice(&stored.revision.0.to_le_bytes());
    body.extend_from_slice(&stored.position_revision.0.to_le_bytes());
    body.extend_from_slice(&stored.create_time.0.to_le_bytes());
    body.extend_from_slice(&stored.update_time.0.to_le_bytes());
    encode_location(&stored.merchant, &mut body);
    given.iter().for_each(|piece| body.extend_from_slice(piece));
    body
}

/// Encodes visibility, datum, latitude and longitude.
pub(crate) fn encode_location(merchant: &Merchant, body: &mut Vec<u8>) {
    let datum = match merchant.position {
        AnyPosition::Wgs84(_) => 1,
        AnyPosition::Gcj02(_) => 2,
        AnyPosition::Bd09(_) => 3,
    };
    let visibility = match merchant.visibility {
        Visibility::Visible => 1,
        Visibility::Hidden => 2,
    };
    body.extend_from_slice(&[visibility, datum]);
    body.extend_from_slice(&merchant.position.latitude_deg().to_le_bytes());
    body.extend_from_slice(&merchant.position.longitude_deg().to_le_bytes());
}

pub(crate) fn decode_visibility(body: &mut Reader<'_>) -> Result<Visibility, DecodeError> {
    match body.take()? {
        [1] => Ok(Visibility::Visible),
        [2] => Ok(Visibility::Hidden),
        _ => Err(DecodeError::Value),
    }
}

pub(crate) fn decode_position(body: &mut Reader<'_>) -> Result<AnyPosition, DecodeError> {
    let datum = body.take()?;
    let (latitude, longitude) = (f64::from_le_bytes(body.take()?), f64::from_le_bytes(body.take()?));
    let position = match datum {
        [1] => Position::new(latitude, longitude).map(AnyPosition::Wgs84),
        [2] => Position::new(latitude, longitude).map(AnyPosition::Gcj02),
        [3] => Position::new(latitude, longitude).map(AnyPosition::Bd09),
        _ => return Err(DecodeError::Value),
    };
    position.map_err(|_| DecodeError::Value)
}

fn decode_merchant(version: u8, id: MerchantId, mut body: Reader<'_>) -> Result<StoredMerchant, DecodeError> {
    let revision = body.revision()?;
    let position_revision = if version == VERSION_1 { revision } else { body.revision()? };
    let create_time = UnixMicros(i64::from_le_bytes(body.take()?));
    let update_time = UnixMicros(i64::from_le_bytes(body.take()?));
    let visibility = decode_visibility(&mut body)?;
    let position = decode_position(&mut body)?;
    let profile = Profile::new(body.0).map_err(|_| DecodeError::Value)?;
    Ok(StoredMerchant {
        // Terms and hours are not stored: they are derived from the profile, whose format only its writer
        // knows.
        merchant: Merchant { id, position, visibility, terms: Terms::default(), details: None, profile },
        revision,
        position_revision,
        create_time,
        update_time,
    })
}

fn decode_outcome(version: u8, mut body: Reader<'_>) -> Result<Change, DecodeError> {
    let ([kind], [id_length]) = (body.take()?, body.take()?);
    let (id, rest) = body.0.split_at_checked(usize::from(id_length)).ok_or(DecodeError::Short)?;
    let (id, mut rest) = (id_of(id)?, Reader(rest));
    match kind {
        1 => Ok(Change::Put(Arc::new(decode_merchant(version, id, rest)?))),
        2 => Ok(Change::Delete { id, revision: rest.revision()? }),
        _ => Err(DecodeError::Value),
    }
}

fn id_of(bytes: &[u8]) -> Result<MerchantId, DecodeError> {
    let id = std::str::from_utf8(bytes).map_err(|_| DecodeError::Value)?;
    MerchantId::parse(id).map_err(|_| DecodeError::Value)
}

pub(crate) fn seal(key: &[u8], body: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(BODY_AT + body.len());
    value.push(VERSION);
    value.extend_from_slice(&checksum(key, body).to_le_bytes());
    value.extend_from_slice(body);
    value
}

/// Verifies the checksum. Returns the version and the body.
fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Result<(u8, &'a [u8]), DecodeError> {
    let mut header = Reader(value);
    let [version] = header.take()?;
    if version != VERSION && version != VERSION_1 {
        return Err(DecodeError::Version(version));
    }
    let expected = u32::from_le_bytes(header.take()?);
    if checksum(key, header.0) == expected { Ok((version, header.0)) } else { Err(DecodeError::Checksum) }
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), body)
}

/// The remaining bytes of a decoder.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        self.0.split_off(..length).ok_or(DecodeError::Short)
    }

    pub(crate) fn revision(&mut self) -> Result<Revision, DecodeError> {
        Ok(Revision(u64::from_le_bytes(self.take()?)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(id: &str, position: AnyPosition, profile: &[u8]) -> StoredMerchant {
        StoredMerchant {
            merchant: Merchant {
                id: MerchantId::parse(id).unwrap(),
                position,
                visibility: Visibility::Hidden,
                terms: Terms::default(),
                details: None,
                profile: Profile::new(profile).unwrap(),
            },
            revision: Revision(0x0102_0304_0506_0708),
            position_revision: Revision(5),
            create_time: UnixMicros(1_700_000_000_000_000),
            update_time: UnixMicros(-1),
        }
    }

    /// Written by release 0.1. All later releases must read it.
    #[test]
    fn version_1_stays_readable() {
        const WRITTEN: &str = "01a861d13d080706050403020100401e18240a0600ffffffffffffffff02020000000000c043400000000000105d4078797a";
        let stored = sample("café", AnyPosition::Gcj02(Position::new(39.5, 116.25).unwrap()), b"xyz");
        // Version 1 does not store the revision of the last move.
        let stored = StoredMerchant { position_revision: stored.revision, ..stored };
        assert_eq!(decode("mcafé".as_bytes(), &bytes(WRITTEN)), Ok(Entry::Merchant(stored)));
    }

    #[test]
    fn version_2_encoding_is_stable() {
        const WRITTEN: &str = "027e9106180807060504030201050000000000000000401e18240a0600ffffffffffffffff02020000000000c043400000000000105d4078797a";
        let stored = sample("café", AnyPosition::Gcj02(Position::new(39.5, 116.25).unwrap()), b"xyz");
        let hex: String = encode_merchant(&stored).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, WRITTEN);
        assert_eq!(decode("mcafé".as_bytes(), &bytes(WRITTEN)), Ok(Entry::Merchant(stored)));
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn written_merchants_are_read_back(
            id in "[a-z:# é]{0,20}[a-z]",
            latitude in -90.0f64..=90.0, longitude in -180.0f64..=180.0, datum in 0..3,
            profile in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let position = match datum {
                0 => AnyPosition::Wgs84(Position::new(latitude, longitude).unwrap()),
                1 => AnyPosition::Gcj02(Position::new(latitude, longitude).unwrap()),
                _ => AnyPosition::Bd09(Position::new(latitude, longitude).unwrap()),
            };
            let stored = sample(&format!("x{id}"), position, &profile);
            let key = merchant_key(&stored.merchant.id);
            prop_assert_eq!(decode(&key, &encode_merchant(&stored)), Ok(Entry::Merchant(stored)));
        }

        #[test]
        fn bit_flips_truncation_and_wrong_keys_are_detected(bit in 0usize..8, at in 0usize..68, other_id in "[a-z]{1,8}") {
            let stored = sample("shop", AnyPosition::Wgs84(Position::new(1.0, 2.0).unwrap()), b"0123456789abc");
            let (key, value) = (merchant_key(&stored.merchant.id), encode_merchant(&stored));
            prop_assert_eq!(value.len(), 68);
            let mut flipped = value.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(decode(&key, &flipped).is_err());
            prop_assert!(decode(&key, &value[..at]).is_err());
            prop_assume!(other_id != "shop");
            prop_assert_eq!(decode(format!("m{other_id}").as_bytes(), &value), Err(DecodeError::Checksum));
        }
    }

    #[test]
    fn revisions_round_trip() {
        for (key, entry) in [(STATE_KEY, Entry::State(Revision(7))), (SINCE_KEY, Entry::Since(Revision(7)))] {
            assert_eq!(decode(key, &seal(key, &7u64.to_le_bytes())), Ok(entry));
            assert_eq!(decode(key, &[1, 2]), Err(DecodeError::Short));
            assert_eq!(decode(key, &[9; 13]), Err(DecodeError::Version(9)));
        }
    }

    #[test]
    fn deletions_round_trip_and_sort_by_revision() {
        let id = MerchantId::parse("café").unwrap();
        let (key, value) = encode_deletion(&id, Revision(258));
        assert_eq!(decode(&key, &value), Ok(Entry::Deletion { id: id.clone(), revision: Revision(258) }));
        assert!(key > encode_deletion(&id, Revision(255)).0);
        assert_eq!(keys_of(&Forget::Deletion(Revision(258))), [key]);
    }

    /// On-disk format: every later version must read it.
    #[test]
    fn position_encoding_is_stable() {
        const WRITTEN: &str = "0237ab87a3c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c104030201000000000605000000000000000000000000000000401e18240a06000100";
        let position = LogPosition {
            cluster: [0xC1; 16],
            sequence: 0x0102_0304,
            hash: 0x0506,
            time: UnixMicros(1_700_000_000_000_000),
            format: 1,
        };
        let (key, value) = encode_position(&position);
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, WRITTEN);
        assert_eq!(decode(&key, &value), Ok(Entry::Log(position)));
    }

    /// Written by the first release that stored completed requests.
    #[test]
    fn request_encoding_of_version_2_is_stable() {
        const WRITTEN: &str = "023133aba000401e18240a06000303030303030303030303030303030302000204676f6e650900000000000000022d78408b00401e18240a06000303030303030303030303030303030302000105636166c3a90807060504030201050000000000000000401e18240a0600ffffffffffffffff02030000000000c043400000000000105d4078797a";
        let gone = Change::Delete { id: MerchantId::parse("gone").unwrap(), revision: Revision(9) };
        let position = AnyPosition::Bd09(Position::new(39.5, 116.25).unwrap());
        let request = CompletedRequest {
            id: RequestId([7; 16]),
            fingerprint: [3; 16],
            completed_at: UnixMicros(1_700_000_000_000_000),
            outcomes: vec![gone, Change::Put(Arc::new(sample("café", position, b"xyz")))],
        };
        let records: Vec<(Vec<u8>, Vec<u8>)> = encode_request(&request).collect();
        let hex: String =
            records.iter().flat_map(|(_, value)| value).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, WRITTEN);
        for (number, (key, value)) in (0..).zip(&records) {
            let outcomes = vec![request.outcomes[usize::from(number)].clone()];
            let of = CompletedRequest { outcomes, ..request.clone() };
            assert_eq!(decode(key, value), Ok(Entry::Outcome { of, count: 2, number }));
        }
        let keys: Vec<Vec<u8>> = records.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys_of(&Forget::Request { id: request.id, outcomes: 2 }), keys);
    }
}
