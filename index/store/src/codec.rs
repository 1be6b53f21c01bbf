//! The bytes on disk; nowhere else decides them.
//!
//! A key is a tag and, for a merchant, its id. A value is, all numbers little-endian:
//!
//! | bytes | merchant record | state record |
//! |---|---|---|
//! | 0 | version, 1 | version, 1 |
//! | 1–4 | CRC-32C of the key and of all bytes of the value after these | the same |
//! | 5–12 | revision | last committed revision |
//! | 13–20 | create time, µs since 1970 | |
//! | 21–28 | update time, µs since 1970 | |
//! | 29 | visibility: 1 visible, 2 hidden | |
//! | 30 | datum: 1 WGS-84, 2 GCJ-02, 3 BD-09 | |
//! | 31–38 | latitude, degrees, f64 | |
//! | 39–46 | longitude, degrees, f64 | |
//! | 47– | profile | |
//!
//! The checksum covers the key, so that a record under another's id is found out. A later version adds a number at
//! byte 0 and keeps reading this one.

use nearby_index::{
    AnyPosition, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Terms, UnixMicros,
    Visibility,
};

const VERSION: u8 = 1;
const BODY_AT: usize = 5;
const MERCHANT_TAG: u8 = b'm';

/// Key of the state record. Sorts before all merchants.
pub(crate) const STATE_KEY: &[u8] = b"\0state";

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
}

/// The key of a merchant's record.
pub(crate) fn merchant_key(id: &MerchantId) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + id.as_str().len());
    key.push(MERCHANT_TAG);
    key.extend_from_slice(id.as_str().as_bytes());
    key
}

/// The value of a merchant's record.
pub(crate) fn encode_merchant(stored: &StoredMerchant) -> Vec<u8> {
    let merchant = &stored.merchant;
    let datum = match merchant.position {
        AnyPosition::Wgs84(_) => 1,
        AnyPosition::Gcj02(_) => 2,
        AnyPosition::Bd09(_) => 3,
    };
    let visibility = match merchant.visibility {
        Visibility::Visible => 1,
        Visibility::Hidden => 2,
    };
    let mut body = Vec::with_capacity(42 + merchant.profile.as_bytes().len());
    body.extend_from_slice(&stored.revision.0.to_le_bytes());
    body.extend_from_slice(&stored.create_time.0.to_le_bytes());
    body.extend_from_slice(&stored.update_time.0.to_le_bytes());
    body.extend_from_slice(&[visibility, datum]);
    body.extend_from_slice(&merchant.position.latitude_deg().to_le_bytes());
    body.extend_from_slice(&merchant.position.longitude_deg().to_le_bytes());
    body.extend_from_slice(merchant.profile.as_bytes());
    seal(&merchant_key(&merchant.id), &body)
}

/// Reads a merchant's record back.
pub(crate) fn decode_merchant(key: &[u8], value: &[u8]) -> Result<StoredMerchant, DecodeError> {
    let (tag, id) = key.split_first().ok_or(DecodeError::Key)?;
    if *tag != MERCHANT_TAG {
        return Err(DecodeError::Key);
    }
    let id =
        std::str::from_utf8(id).ok().and_then(|id| MerchantId::parse(id).ok()).ok_or(DecodeError::Key)?;
    let mut body = Reader(unseal(key, value)?);
    let revision = Revision(u64::from_le_bytes(body.take()?));
    let create_time = UnixMicros(i64::from_le_bytes(body.take()?));
    let update_time = UnixMicros(i64::from_le_bytes(body.take()?));
    let visibility = match body.take::<1>()? {
        [1] => Visibility::Visible,
        [2] => Visibility::Hidden,
        _ => return Err(DecodeError::Value),
    };
    let datum = body.take::<1>()?;
    let (latitude, longitude) = (f64::from_le_bytes(body.take()?), f64::from_le_bytes(body.take()?));
    let position = match datum {
        [1] => Position::new(latitude, longitude).map(AnyPosition::Wgs84),
        [2] => Position::new(latitude, longitude).map(AnyPosition::Gcj02),
        [3] => Position::new(latitude, longitude).map(AnyPosition::Bd09),
        _ => return Err(DecodeError::Value),
    };
    let position = position.map_err(|_| DecodeError::Value)?;
    let profile = Profile::new(body.0).map_err(|_| DecodeError::Value)?;
    Ok(StoredMerchant {
        // Terms are not stored: they are part of the profile, which only those who wrote it can read.
        merchant: Merchant { id, position, visibility, terms: Terms::default(), profile },
        revision,
        create_time,
        update_time,
    })
}

/// The value of the state record.
pub(crate) fn encode_state(last: Revision) -> Vec<u8> {
    seal(STATE_KEY, &last.0.to_le_bytes())
}

/// Reads the state record back.
pub(crate) fn decode_state(value: &[u8]) -> Result<Revision, DecodeError> {
    Ok(Revision(u64::from_le_bytes(Reader(unseal(STATE_KEY, value)?).take()?)))
}

fn seal(key: &[u8], body: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(BODY_AT + body.len());
    value.push(VERSION);
    value.extend_from_slice(&checksum(key, body).to_le_bytes());
    value.extend_from_slice(body);
    value
}

fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let mut header = Reader(value);
    match header.take::<1>()? {
        [VERSION] => {}
        [other] => return Err(DecodeError::Version(other)),
    }
    let expected = u32::from_le_bytes(header.take()?);
    if checksum(key, header.0) == expected { Ok(header.0) } else { Err(DecodeError::Checksum) }
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), body)
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*head)
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
                profile: Profile::new(profile).unwrap(),
            },
            revision: Revision(0x0102_0304_0506_0708),
            create_time: UnixMicros(1_700_000_000_000_000),
            update_time: UnixMicros(-1),
        }
    }

    /// Bytes that release 0.1 wrote. Every later release must read them.
    #[test]
    fn version_1_is_read_for_ever() {
        const WRITTEN: &str = "01a861d13d080706050403020100401e18240a0600ffffffffffffffff02020000000000c043400000000000105d4078797a";
        let stored = sample("café", AnyPosition::Gcj02(Position::new(39.5, 116.25).unwrap()), b"xyz");
        let hex: String = encode_merchant(&stored).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, WRITTEN);
        let written: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&WRITTEN[at..at + 2], 16).unwrap())
            .collect();
        assert_eq!(decode_merchant("mcafé".as_bytes(), &written), Ok(stored));
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
            prop_assert_eq!(decode_merchant(&key, &encode_merchant(&stored)), Ok(stored));
        }

        #[test]
        fn any_flipped_bit_and_any_cut_is_found(bit in 0usize..8, at in 0usize..60, other_id in "[a-z]{1,8}") {
            let stored = sample("shop", AnyPosition::Wgs84(Position::new(1.0, 2.0).unwrap()), b"0123456789abc");
            let (key, value) = (merchant_key(&stored.merchant.id), encode_merchant(&stored));
            prop_assert_eq!(value.len(), 60);
            let mut flipped = value.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(decode_merchant(&key, &flipped).is_err());
            prop_assert!(decode_merchant(&key, &value[..at]).is_err());
            prop_assume!(other_id != "shop");
            prop_assert_eq!(decode_merchant(format!("m{other_id}").as_bytes(), &value), Err(DecodeError::Checksum));
        }
    }

    #[test]
    fn state_is_read_back() {
        assert_eq!(decode_state(&encode_state(Revision(7))), Ok(Revision(7)));
        assert_eq!(decode_state(&[1, 2]), Err(DecodeError::Short));
        assert_eq!(decode_state(&[9; 13]), Err(DecodeError::Version(9)));
    }
}
