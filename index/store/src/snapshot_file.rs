//! The snapshot file: a cache of the index content, from which startup is faster than from the base.
//!
//! It holds merchants as the index has them, in the order of their ids, so that nothing needs to be derived
//! but details beside opening hours, which few merchants have.
//! It is valid only if the digest in its header matches the journal; in any doubt, recovery reads the base
//! instead. The format, and its version, may therefore change with any release.
//!
//! Blocks are self-contained. A block starts with its type: 1 merchants, 2 records. Encoding of a merchant,
//! integers little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 32 | revision, revision of the last move, create time, update time |
//! | 2 | visibility and datum, as in its record |
//! | 16 | latitude, longitude |
//! | 1, … | length of the id, the id |
//! | 8, … | lengths of the four parts of its profile (u16 each), the parts |
//! | 4, … | index of its terms in the block; at first use followed by the terms: count, and for each kind, length, name |
//! | 4, … | index of its hours in the block; at first use followed by the hours; index 0 means none |
//! | 1 | 1 if it has details beside its hours, which are derived from the profile; otherwise 0 |
//!
//! Encoding of hours: 0 and weekly periods, or 1 and an expression with the country and the position that it
//! depends on, if any.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
};

use nearby_index::{
    Details, ExpressionHours, Hours, Merchant, MerchantId, Period, Position, Profile, StoredMerchant, Term,
    TermKind, Terms, UnixMicros, WeeklyHours, Wgs84,
};

use crate::{
    Contents, DeriveFields, LogPosition,
    blocks::{BlockWriter, FileHeader, FileKind, write_record},
    codec::{DecodeError, Reader, decode_position, decode_visibility, encode_location, encode_position},
};

/// Increment the version whenever the format or the content of the index changes. Version 1 has positions that were normalised with
/// GCJ-02 and BD-09 in other areas, and no expressions of opening hours; version 2 does not separate the internal fields of a profile; version 3
/// has no details beside hours.
pub(crate) const KIND: FileKind = FileKind { magic: b"NEARBYIM", version: 4 };
/// Kinds of hours.
const WEEKLY: u8 = 0;
const EXPRESSION: u8 = 1;
/// Block types.
pub(crate) const MERCHANTS: u8 = 1;
pub(crate) const RECORDS: u8 = 2;

/// Writes a snapshot file.
pub(crate) fn write<W: Write>(
    output: W,
    contents: &Contents,
    position: Option<&LogPosition>,
    header: &FileHeader,
) -> io::Result<W> {
    let mut writer = BlockWriter::new(output, KIND, header)?;
    let mut dictionary = BlockDictionary::default();
    let mut begins = true;
    for stored in contents.snapshot.list(None) {
        begins = writer.add(|block| {
            if begins {
                block.push(MERCHANTS);
            }
            dictionary.write(stored, block);
        })?;
        if begins {
            dictionary = BlockDictionary::default();
        }
    }
    writer.end_block()?;
    let mut begins = true;
    let position = position.map(encode_position).into_iter();
    for record in position.chain(contents.deletion_records()).chain(contents.request_records()) {
        begins = writer.add(|block| {
            if begins {
                block.push(RECORDS);
            }
            write_record(block, &record);
        })?;
    }
    writer.finish()
}

/// Dictionary of the terms and hours of a block, each written once.
#[derive(Default)]
struct BlockDictionary {
    terms: HashMap<Vec<u8>, u32>,
    hours: HashMap<Vec<u8>, u32>,
}

impl BlockDictionary {
    fn write(&mut self, stored: &StoredMerchant, block: &mut Vec<u8>) {
        let merchant = &stored.merchant;
        for number in [stored.revision.0, stored.position_revision.0] {
            block.extend_from_slice(&number.to_le_bytes());
        }
        for time in [stored.create_time, stored.update_time] {
            block.extend_from_slice(&time.0.to_le_bytes());
        }
        encode_location(merchant, block);
        let id = merchant.id.as_str().as_bytes();
        block.push(short(id.len()));
        block.extend_from_slice(id);
        let parts = merchant.profile.parts();
        for part in parts {
            block.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_le_bytes());
        }
        parts.iter().for_each(|part| block.extend_from_slice(part));
        number_of(&mut self.terms, 0, terms_bytes(&merchant.terms), block);
        match merchant.hours() {
            None => block.extend_from_slice(&0u32.to_le_bytes()),
            Some(hours) => number_of(&mut self.hours, 1, hours_bytes(hours), block),
        }
        let has_others = merchant.details.as_ref().is_some_and(|details| !details.is_hours_alone());
        block.push(u8::from(has_others));
    }
}

/// Writes the index of an entry, followed by the entry at its first use.
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

/// Ids, terms and zone names have at most 128 bytes.
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
            TermKind::Source => 4,
            TermKind::LimitedValidity => 5,
            // No merchant has one.
            TermKind::Attribute | TermKind::CategoryAncestor => 0,
        });
        bytes.push(short(term.name().len()));
        bytes.extend_from_slice(term.name().as_bytes());
    }
    bytes
}

fn hours_bytes(hours: &Hours) -> Vec<u8> {
    let mut bytes = Vec::new();
    match hours {
        Hours::Weekly(hours) => {
            bytes.push(WEEKLY);
            push_short(hours.zone(), &mut bytes);
            push_periods(hours, &mut bytes);
        }
        Hours::Expression(hours) => {
            bytes.push(EXPRESSION);
            push_short(hours.zone(), &mut bytes);
            let text = hours.text().as_bytes();
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
            bytes.extend_from_slice(text);
            // No country has the code 00.
            bytes.extend_from_slice(&hours.region().unwrap_or_default());
            bytes.push(u8::from(hours.position().is_some()));
            if let Some(position) = hours.position() {
                bytes.extend_from_slice(&position.latitude_deg().to_le_bytes());
                bytes.extend_from_slice(&position.longitude_deg().to_le_bytes());
            }
        }
    }
    bytes
}

fn push_short(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(short(text.len()));
    bytes.extend_from_slice(text.as_bytes());
}

fn push_periods(hours: &WeeklyHours, bytes: &mut Vec<u8>) {
    let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes();
    let period = |bytes: &mut Vec<u8>, period: Period| {
        bytes.extend_from_slice(&period.start_minute.to_le_bytes());
        bytes.extend_from_slice(&period.length_minutes.to_le_bytes());
    };
    bytes.extend_from_slice(&count(hours.weekly().len()));
    for (day, of_day) in hours.weekly() {
        bytes.push(day);
        period(bytes, of_day);
    }
    bytes.extend_from_slice(&count(hours.special().len()));
    for (day, periods) in hours.special() {
        bytes.extend_from_slice(&day.to_le_bytes());
        bytes.extend_from_slice(&count(periods.len()));
        periods.iter().for_each(|of_day| period(bytes, *of_day));
    }
}

/// Decodes a block of merchants, without its type byte.
pub(crate) fn read(
    block: &[u8],
    derive_fields: DeriveFields<'_>,
) -> Result<Vec<Arc<StoredMerchant>>, DecodeError> {
    let mut block = Reader(block);
    let (mut terms, mut hours) = (Vec::new(), Vec::new());
    let mut merchants = Vec::new();
    while !block.0.is_empty() {
        let (stored, has_others) = read_merchant(&mut block, &mut terms, &mut hours)?;
        merchants.push(Arc::new(if has_others { derive_fields(stored) } else { stored }));
    }
    Ok(merchants)
}

/// Returns a merchant, and whether it has details beside its hours.
fn read_merchant(
    block: &mut Reader<'_>,
    terms: &mut Vec<Terms>,
    hours: &mut Vec<Option<Arc<Details>>>,
) -> Result<(StoredMerchant, bool), DecodeError> {
    let (revision, position_revision) = (block.revision()?, block.revision()?);
    let create_time = UnixMicros(i64::from_le_bytes(block.take()?));
    let update_time = UnixMicros(i64::from_le_bytes(block.take()?));
    let visibility = decode_visibility(block)?;
    let position = decode_position(block)?;
    let id = MerchantId::parse(text(block)?).map_err(|_| DecodeError::Value)?;
    let mut lengths = [0; 5];
    for length in &mut lengths {
        *length = usize::from(u16::from_le_bytes(block.take()?));
    }
    let mut parts = [&[][..]; 5];
    for (part, length) in parts.iter_mut().zip(lengths) {
        *part = block.bytes(length)?;
    }
    let profile = Profile::from_parts(parts).map_err(|_| DecodeError::Value)?;
    let number = u32::from_le_bytes(block.take()?) as usize;
    if number == terms.len() {
        terms.push(read_terms(block)?);
    }
    let terms = terms.get(number).ok_or(DecodeError::Value)?.clone();
    let details = match (u32::from_le_bytes(block.take()?) as usize).checked_sub(1) {
        None => None,
        Some(number) => {
            if number == hours.len() {
                let hours_alone =
                    Details { hours: Some(read_hours(block)?.interned()), ..Details::default() };
                hours.push(hours_alone.shared());
            }
            hours.get(number).ok_or(DecodeError::Value)?.clone()
        }
    };
    let has_others = match block.take()? {
        [0] => false,
        [1] => true,
        _ => return Err(DecodeError::Value),
    };
    let merchant = Merchant { id, position, visibility, terms, details, profile };
    Ok((StoredMerchant { merchant, revision, position_revision, create_time, update_time }, has_others))
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
            [4] => TermKind::Source,
            [5] => TermKind::LimitedValidity,
            _ => return Err(DecodeError::Value),
        };
        Ok(Term::new(kind, text(block)?))
    };
    (0..count).map(term).collect()
}

fn read_hours(block: &mut Reader<'_>) -> Result<Hours, DecodeError> {
    let [kind] = block.take()?;
    let zone = text(block)?;
    match kind {
        WEEKLY => read_periods(zone, block),
        EXPRESSION => read_expression(zone, block),
        _ => Err(DecodeError::Value),
    }
}

fn read_expression(zone: &str, block: &mut Reader<'_>) -> Result<Hours, DecodeError> {
    let length = usize::from(u16::from_le_bytes(block.take()?));
    let text = std::str::from_utf8(block.bytes(length)?).map_err(|_| DecodeError::Value)?;
    let region: [u8; 2] = block.take()?;
    let position = match block.take()? {
        [0] => None,
        [1] => {
            let (latitude, longitude) =
                (f64::from_le_bytes(block.take()?), f64::from_le_bytes(block.take()?));
            Some(Position::<Wgs84>::new(latitude, longitude).map_err(|_| DecodeError::Value)?)
        }
        _ => return Err(DecodeError::Value),
    };
    let region = Some(region).filter(|region| region != &[0; 2]);
    Ok(Hours::Expression(ExpressionHours::new(zone, text, region, position)))
}

fn read_periods(zone: &str, block: &mut Reader<'_>) -> Result<Hours, DecodeError> {
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
    WeeklyHours::new(zone, weekly, special).map(Hours::Weekly).ok_or(DecodeError::Value)
}
