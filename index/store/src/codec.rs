//! The bytes on disk; nowhere else decides them.
//!
//! A key is a tag and what it is the key of:
//!
//! | key | value |
//! |---|---|
//! | `\0state` | the last committed revision, u64; in stores of before the journal |
//! | `\0since` | the revision since which all deletions are kept, u64; in those, but not in stores of release 0.1 |
//! | `\0tally` | the last committed revision, the one since which all deletions are kept, how many of the records below there are (u64 each), and their digest (16 bytes) |
//! | `d`, revision (8 bytes, big-endian) | the id of the merchant that was deleted then |
//! | `m`, id | the merchant, see below |
//! | `q`, request id (16 bytes), number (u16, big-endian) | one outcome of a request that was done, see below |
//!
//! Every value begins with a version (1 byte, 2) and a CRC-32C (4 bytes) of the key and of all that follows. The checksum
//! covers the key, so that a record under another's id is found out. What follows, all numbers little-endian:
//!
//! | bytes | of a merchant |
//! |---|---|
//! | 0–7 | revision |
//! | 8–15 | revision since which it is where it is; not there in version 1, which takes the one before |
//! | 16–23 | create time, µs since 1970 |
//! | 24–31 | update time, µs since 1970 |
//! | 32 | visibility: 1 visible, 2 hidden |
//! | 33 | datum: 1 WGS-84, 2 GCJ-02, 3 BD-09 |
//! | 34–41 | latitude, degrees, f64 |
//! | 42–49 | longitude, degrees, f64 |
//! | 50– | profile, what the caller gave of it |
//!
//! | bytes | of an outcome |
//! |---|---|
//! | 0–7 | when the request was done, µs since 1970 |
//! | 8–23 | fingerprint of the request |
//! | 24–25 | how many outcomes the request has |
//! | 26 | 1 stored, 2 deleted |
//! | 27 | length of the id in bytes |
//! | 28– | the id; then, if stored, the merchant as above, and if deleted, the revision |
//!
//! Version 1, of release 0.1, is still read. A later one has another number at its start.

use std::sync::Arc;

use nearby_index::{
    AnyPosition, Change, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Terms,
    UnixMicros, Visibility,
};

use crate::{DoneRequest, Forget, RequestId, Tally};

const VERSION: u8 = 2;
/// What release 0.1 wrote.
const VERSION_1: u8 = 1;
const BODY_AT: usize = 5;
const DELETION_TAG: u8 = b'd';
const MERCHANT_TAG: u8 = b'm';
const REQUEST_TAG: u8 = b'q';

/// Key of the state record. Sorts before all others, but for the next.
pub(crate) const STATE_KEY: &[u8] = b"\0state";
/// Key of the record that says since when deletions are kept.
pub(crate) const SINCE_KEY: &[u8] = b"\0since";
/// Key of the record that says what there is.
pub(crate) const TALLY_KEY: &[u8] = b"\0tally";

/// Why bytes are not a record. Names the fault, for the error that an operator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("a record is cut short")]
    Short,
    #[error("a record has version {0}, which this release does not know")]
    Version(u8),
    #[error("a record does not match its checksum")]
    Checksum,
    #[error("a key is not one that this program writes")]
    Key,
    #[error("a record holds a value that cannot be")]
    Value,
    #[error("an outcome of a request is missing")]
    Outcome,
}

/// A record as it lies on disk.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are merchants, and none is kept")]
pub(crate) enum Entry {
    State(Revision),
    Since(Revision),
    Tally(Tally),
    Deletion {
        id: MerchantId,
        revision: Revision,
    },
    Merchant(StoredMerchant),
    /// One outcome of a request, all of which follow one another in the order of their keys.
    Outcome {
        of: DoneRequest,
        count: u16,
        number: u16,
    },
}

/// Reads a record.
pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Entry, DecodeError> {
    let (version, body) = unseal(key, value)?;
    let mut body = Reader(body);
    if key == STATE_KEY || key == SINCE_KEY {
        let revision = body.revision()?;
        return Ok(if key == STATE_KEY { Entry::State(revision) } else { Entry::Since(revision) });
    }
    if key == TALLY_KEY {
        return Ok(Entry::Tally(Tally::from_bytes(&body.take()?)));
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
            let (done, fingerprint) = (UnixMicros(i64::from_le_bytes(body.take()?)), body.take()?);
            let count = u16::from_le_bytes(body.take()?);
            let outcomes = vec![decode_outcome(version, body)?];
            Ok(Entry::Outcome {
                of: DoneRequest { id: RequestId(*id), fingerprint, done, outcomes },
                count,
                number,
            })
        }
        _ => Err(DecodeError::Key),
    }
}

/// The value of the record that says what there is.
pub(crate) fn encode_tally(tally: &Tally) -> Vec<u8> {
    seal(TALLY_KEY, &tally.to_bytes())
}

/// Whether a key is that of a merchant.
pub(crate) fn is_merchant(key: &[u8]) -> bool {
    key.first() == Some(&MERCHANT_TAG)
}

/// The key of a merchant's record.
pub(crate) fn merchant_key(id: &MerchantId) -> Vec<u8> {
    [&[MERCHANT_TAG], id.as_str().as_bytes()].concat()
}

/// The value of a merchant's record.
pub(crate) fn encode_merchant(stored: &StoredMerchant) -> Vec<u8> {
    seal(&merchant_key(&stored.merchant.id), &merchant_body(stored))
}

/// The record of a deletion.
pub(crate) fn encode_deletion(id: &MerchantId, revision: Revision) -> (Vec<u8>, Vec<u8>) {
    let key = deletion_key(revision);
    let value = seal(&key, id.as_str().as_bytes());
    (key, value)
}

/// The records of a request that was done.
pub(crate) fn encode_request(request: &DoneRequest) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    // A request has a thousand changes at most.
    let count = u16::try_from(request.outcomes.len()).unwrap_or(u16::MAX);
    (0..count).zip(&request.outcomes).map(move |(number, outcome)| {
        let id = outcome.id().as_str().as_bytes();
        let (kind, rest) = match outcome {
            Change::Put(stored) => (1, merchant_body(stored)),
            Change::Delete { revision, .. } => (2, revision.0.to_le_bytes().to_vec()),
        };
        let id_length = u8::try_from(id.len()).unwrap_or(u8::MAX);
        let body = [
            &request.done.0.to_le_bytes(),
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

/// The keys of records that are to go.
pub(crate) fn keys_of(forget: &Forget) -> Vec<Vec<u8>> {
    match forget {
        Forget::Deletion(revision) => vec![deletion_key(*revision)],
        Forget::Request { id, outcomes } => request_keys(*id, *outcomes).collect(),
    }
}

/// The keys of a request's records.
pub(crate) fn request_keys(id: RequestId, outcomes: usize) -> impl Iterator<Item = Vec<u8>> {
    let count = u16::try_from(outcomes).unwrap_or(u16::MAX);
    (0..count).map(move |number| request_key(id, number))
}

/// The key of a deletion's record.
pub(crate) fn deletion_key(revision: Revision) -> Vec<u8> {
    [[DELETION_TAG].as_slice(), &revision.0.to_be_bytes()].concat()
}

fn request_key(id: RequestId, number: u16) -> Vec<u8> {
    [[REQUEST_TAG].as_slice(), &id.0, &number.to_be_bytes()].concat()
}

fn merchant_body(stored: &StoredMerchant) -> Vec<u8> {
    let given = stored.merchant.profile.given();
    let mut body = Vec::with_capacity(50 + given.iter().map(|piece| piece.len()).sum::<usize>());
    body.extend_from_slice(&stored.revision.0.to_le_bytes());
    body.extend_from_slice(&stored.position_revision.0.to_le_bytes());
    body.extend_from_slice(&stored.create_time.0.to_le_bytes());
    body.extend_from_slice(&stored.update_time.0.to_le_bytes());
    encode_place(&stored.merchant, &mut body);
    given.iter().for_each(|piece| body.extend_from_slice(piece));
    body
}

/// Visibility, datum, latitude and longitude.
pub(crate) fn encode_place(merchant: &Merchant, body: &mut Vec<u8>) {
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
        // Terms and hours are not stored: they are part of the profile, which only those who wrote it can read.
        merchant: Merchant { id, position, visibility, terms: Terms::default(), hours: None, profile },
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

/// The version of a record, and what follows.
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

/// What is left to read.
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
                hours: None,
                profile: Profile::new(profile).unwrap(),
            },
            revision: Revision(0x0102_0304_0506_0708),
            position_revision: Revision(5),
            create_time: UnixMicros(1_700_000_000_000_000),
            update_time: UnixMicros(-1),
        }
    }

    /// Bytes that release 0.1 wrote. Every later release must read them.
    #[test]
    fn version_1_is_read_for_ever() {
        const WRITTEN: &str = "01a861d13d080706050403020100401e18240a0600ffffffffffffffff02020000000000c043400000000000105d4078797a";
        let stored = sample("café", AnyPosition::Gcj02(Position::new(39.5, 116.25).unwrap()), b"xyz");
        // It did not say since when a merchant is where it is.
        let stored = StoredMerchant { position_revision: stored.revision, ..stored };
        assert_eq!(decode("mcafé".as_bytes(), &bytes(WRITTEN)), Ok(Entry::Merchant(stored)));
    }

    #[test]
    fn version_2_is_written_and_read_for_ever() {
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
        fn what_is_written_is_read(
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
        fn any_flipped_bit_and_any_cut_is_found(bit in 0usize..8, at in 0usize..68, other_id in "[a-z]{1,8}") {
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
    fn revisions_are_read_back() {
        for (key, entry) in [(STATE_KEY, Entry::State(Revision(7))), (SINCE_KEY, Entry::Since(Revision(7)))] {
            assert_eq!(decode(key, &seal(key, &7u64.to_le_bytes())), Ok(entry));
            assert_eq!(decode(key, &[1, 2]), Err(DecodeError::Short));
            assert_eq!(decode(key, &[9; 13]), Err(DecodeError::Version(9)));
        }
    }

    #[test]
    fn deletions_are_read_back_and_sort_by_revision() {
        let id = MerchantId::parse("café").unwrap();
        let (key, value) = encode_deletion(&id, Revision(258));
        assert_eq!(decode(&key, &value), Ok(Entry::Deletion { id: id.clone(), revision: Revision(258) }));
        assert!(key > encode_deletion(&id, Revision(255)).0);
        assert_eq!(keys_of(&Forget::Deletion(Revision(258))), [key]);
    }

    /// Bytes that the release which began to remember requests wrote.
    #[test]
    fn requests_of_version_2_are_read_for_ever() {
        const WRITTEN: &str = "023133aba000401e18240a06000303030303030303030303030303030302000204676f6e650900000000000000022d78408b00401e18240a06000303030303030303030303030303030302000105636166c3a90807060504030201050000000000000000401e18240a0600ffffffffffffffff02030000000000c043400000000000105d4078797a";
        let gone = Change::Delete { id: MerchantId::parse("gone").unwrap(), revision: Revision(9) };
        let position = AnyPosition::Bd09(Position::new(39.5, 116.25).unwrap());
        let request = DoneRequest {
            id: RequestId([7; 16]),
            fingerprint: [3; 16],
            done: UnixMicros(1_700_000_000_000_000),
            outcomes: vec![gone, Change::Put(Arc::new(sample("café", position, b"xyz")))],
        };
        let records: Vec<(Vec<u8>, Vec<u8>)> = encode_request(&request).collect();
        let hex: String =
            records.iter().flat_map(|(_, value)| value).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, WRITTEN);
        for (number, (key, value)) in (0..).zip(&records) {
            let outcomes = vec![request.outcomes[usize::from(number)].clone()];
            let of = DoneRequest { outcomes, ..request.clone() };
            assert_eq!(decode(key, value), Ok(Entry::Outcome { of, count: 2, number }));
        }
        let keys: Vec<Vec<u8>> = records.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys_of(&Forget::Request { id: request.id, outcomes: 2 }), keys);
    }
}
