//! The image: a cache of what the index holds, from which a start is faster than from records.
//!
//! It holds merchants in the form that the index has them, in the order of their ids, so that nothing has to be worked out
//! again; and all else as records. It is as good as the tally at its head: a start that finds another one in the journal, or
//! anything else in doubt, reads the base instead. So its form may change with any release, and its version with it.
//!
//! Each block stands by itself. It begins with its kind: 1 merchants, 2 records. Of a merchant, numbers little-endian:
//!
//! | bytes | |
//! |---|---|
//! | 32 | revision, revision since which it is where it is, create time, update time |
//! | 2 | visibility and datum, as in its record |
//! | 16 | latitude, longitude |
//! | 1, … | length of the id, the id |
//! | 8, … | lengths of the four parts of its profile (u16 each), the parts |
//! | 4, … | the number of its terms in the block; where it is a new one, the terms: count, and of each kind, length, name |
//! | 4, … | the number of its hours in the block; where it is a new one, the hours; number 0 is none |

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
};

use nearby_index::{
    Hours, Merchant, MerchantId, Period, Profile, StoredMerchant, Term, TermKind, Terms, UnixMicros,
};

use crate::{
    Content,
    blocks::{BlockWriter, Head, Kind},
    codec::{DecodeError, Reader, decode_position, decode_visibility, encode_place},
    records::write_record,
};

/// Raise the version whenever the form changes, or what the index holds of a merchant.
pub(crate) const KIND: Kind = Kind { magic: b"NEARBYIM", version: 1 };
/// What a block begins with.
pub(crate) const MERCHANTS: u8 = 1;
pub(crate) const RECORDS: u8 = 2;

/// Writes all of it.
pub(crate) fn write<W: Write>(output: W, content: &Content, head: &Head) -> io::Result<W> {
    let mut writer = BlockWriter::new(output, KIND, head)?;
    let mut shared = Shared::default();
    let mut begins = true;
    for stored in content.snapshot.list(None) {
        begins = writer.add(|block| {
            if begins {
                block.push(MERCHANTS);
            }
            shared.write(stored, block);
        })?;
        if begins {
            shared = Shared::default();
        }
    }
    writer.end_block()?;
    let mut begins = true;
    for record in content.deletion_records().chain(content.request_records()) {
        begins = writer.add(|block| {
            if begins {
                block.push(RECORDS);
            }
            write_record(block, &record);
        })?;
    }
    writer.finish()
}

/// What merchants of a block share, written once.
#[derive(Default)]
struct Shared {
    terms: HashMap<Vec<u8>, u32>,
    hours: HashMap<Vec<u8>, u32>,
}

impl Shared {
    fn write(&mut self, stored: &StoredMerchant, block: &mut Vec<u8>) {
        let merchant = &stored.merchant;
        for number in [stored.revision.0, stored.position_revision.0] {
            block.extend_from_slice(&number.to_le_bytes());
        }
        for time in [stored.create_time, stored.update_time] {
            block.extend_from_slice(&time.0.to_le_bytes());
        }
        encode_place(merchant, block);
        let id = merchant.id.as_str().as_bytes();
        block.push(short(id.len()));
        block.extend_from_slice(id);
        let parts = merchant.profile.parts();
        for part in parts {
            block.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_le_bytes());
        }
        parts.iter().for_each(|part| block.extend_from_slice(part));
        number_of(&mut self.terms, 0, terms_bytes(&merchant.terms), block);
        match &merchant.hours {
            None => block.extend_from_slice(&0u32.to_le_bytes()),
            Some(hours) => number_of(&mut self.hours, 1, hours_bytes(hours), block),
        }
    }
}

/// Writes the number of something, and it itself where it is new.
fn number_of(known: &mut HashMap<Vec<u8>, u32>, from: u32, bytes: Vec<u8>, block: &mut Vec<u8>) {
    let next = from + u32::try_from(known.len()).unwrap_or(u32::MAX);
    if let Some(number) = known.get(&bytes) {
        block.extend_from_slice(&number.to_le_bytes());
    } else {
        block.extend_from_slice(&next.to_le_bytes());
        block.extend_from_slice(&bytes);
        known.insert(bytes, next);
    }
}

/// Ids have 128 bytes at most, terms and zones too.
fn short(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

fn terms_bytes(terms: &Terms) -> Vec<u8> {
    let mut bytes = vec![short(terms.as_slice().len())];
    for term in terms.as_slice() {
        bytes.push(match term.kind() {
            TermKind::Category => 1,
            TermKind::Brand => 2,
            TermKind::Service => 3,
        });
        bytes.push(short(term.name().len()));
        bytes.extend_from_slice(term.name().as_bytes());
    }
    bytes
}

fn hours_bytes(hours: &Hours) -> Vec<u8> {
    let mut bytes = vec![short(hours.zone().len())];
    bytes.extend_from_slice(hours.zone().as_bytes());
    let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes();
    let period = |bytes: &mut Vec<u8>, period: Period| {
        bytes.extend_from_slice(&period.start_minute.to_le_bytes());
        bytes.extend_from_slice(&period.length_minutes.to_le_bytes());
    };
    bytes.extend_from_slice(&count(hours.weekly().len()));
    for (day, of_day) in hours.weekly() {
        bytes.push(day);
        period(&mut bytes, of_day);
    }
    bytes.extend_from_slice(&count(hours.special().len()));
    for (day, periods) in hours.special() {
        bytes.extend_from_slice(&day.to_le_bytes());
        bytes.extend_from_slice(&count(periods.len()));
        periods.iter().for_each(|of_day| period(&mut bytes, *of_day));
    }
    bytes
}

/// Reads a block of merchants, after its first byte.
pub(crate) fn read(block: &[u8]) -> Result<Vec<Arc<StoredMerchant>>, DecodeError> {
    let mut block = Reader(block);
    let (mut terms, mut hours) = (Vec::new(), Vec::new());
    let mut merchants = Vec::new();
    while !block.0.is_empty() {
        merchants.push(Arc::new(read_merchant(&mut block, &mut terms, &mut hours)?));
    }
    Ok(merchants)
}

fn read_merchant(
    block: &mut Reader<'_>,
    terms: &mut Vec<Terms>,
    hours: &mut Vec<Arc<Hours>>,
) -> Result<StoredMerchant, DecodeError> {
    let (revision, position_revision) = (block.revision()?, block.revision()?);
    let create_time = UnixMicros(i64::from_le_bytes(block.take()?));
    let update_time = UnixMicros(i64::from_le_bytes(block.take()?));
    let visibility = decode_visibility(block)?;
    let position = decode_position(block)?;
    let id = MerchantId::parse(text(block)?).map_err(|_| DecodeError::Value)?;
    let mut lengths = [0; 4];
    for length in &mut lengths {
        *length = usize::from(u16::from_le_bytes(block.take()?));
    }
    let mut parts = [&[][..]; 4];
    for (part, length) in parts.iter_mut().zip(lengths) {
        *part = block.bytes(length)?;
    }
    let profile = Profile::from_parts(parts).map_err(|_| DecodeError::Value)?;
    let number = u32::from_le_bytes(block.take()?) as usize;
    if number == terms.len() {
        terms.push(read_terms(block)?);
    }
    let terms = terms.get(number).ok_or(DecodeError::Value)?.clone();
    let hours = match (u32::from_le_bytes(block.take()?) as usize).checked_sub(1) {
        None => None,
        Some(number) => {
            if number == hours.len() {
                hours.push(read_hours(block)?.interned());
            }
            Some(Arc::clone(hours.get(number).ok_or(DecodeError::Value)?))
        }
    };
    let merchant = Merchant { id, position, visibility, terms, hours, profile };
    Ok(StoredMerchant { merchant, revision, position_revision, create_time, update_time })
}

fn text<'a>(block: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    let [length] = block.take()?;
    std::str::from_utf8(block.bytes(usize::from(length))?).map_err(|_| DecodeError::Value)
}

fn read_terms(block: &mut Reader<'_>) -> Result<Terms, DecodeError> {
    let [count] = block.take()?;
    let term = |_| {
        let kind = match block.take()? {
            [1] => TermKind::Category,
            [2] => TermKind::Brand,
            [3] => TermKind::Service,
            _ => return Err(DecodeError::Value),
        };
        Ok(Term::new(kind, text(block)?))
    };
    (0..count).map(term).collect()
}

fn read_hours(block: &mut Reader<'_>) -> Result<Hours, DecodeError> {
    let zone = text(block)?;
    let count = |block: &mut Reader<'_>| Ok(u16::from_le_bytes(block.take()?));
    let period = |block: &mut Reader<'_>| {
        let start_minute = u16::from_le_bytes(block.take()?);
        Ok(Period { start_minute, length_minutes: u16::from_le_bytes(block.take()?) })
    };
    let mut weekly = Vec::new();
    for _ in 0..count(block)? {
        let [day] = block.take()?;
        weekly.push((day, period(block)?));
    }
    let mut special = Vec::new();
    for _ in 0..count(block)? {
        let day = i32::from_le_bytes(block.take()?);
        let periods = (0..count(block)?).map(|_| period(block)).collect::<Result<_, _>>()?;
        special.push((day, periods));
    }
    Hours::new(zone, weekly, special).ok_or(DecodeError::Value)
}
