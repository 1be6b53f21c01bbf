//! Records one after the other, in the blocks of a backup and of an image: length of the key (u16), length of the value
//! (u32), key, value.

use crate::{
    codec::{DecodeError, Reader},
    sled::Record,
};

/// Puts a record behind others.
pub(crate) fn write_record(block: &mut Vec<u8>, (key, value): &Record) {
    block.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes());
    block.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    block.extend_from_slice(key);
    block.extend_from_slice(value);
}

/// The records of a block.
pub(crate) fn read_records(block: &[u8]) -> Result<Vec<Record>, DecodeError> {
    let mut block = Reader(block);
    let mut records = Vec::new();
    while !block.0.is_empty() {
        let key_bytes = usize::from(u16::from_le_bytes(block.take()?));
        let value_bytes = u32::from_le_bytes(block.take()?) as usize;
        records.push((block.bytes(key_bytes)?.to_vec(), block.bytes(value_bytes)?.to_vec()));
    }
    Ok(records)
}
