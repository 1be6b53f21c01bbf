//! Fuzz targets: decoders of on-disk data, run on arbitrary bytes. None may panic.

use crate::{blocks::read_records, codec};

/// Decodes bytes as the records of a block, and as a single record with a valid checksum.
pub fn fuzz_decode(bytes: &[u8]) {
    if let Ok(records) = read_records(bytes) {
        records.iter().for_each(|(key, value)| drop(codec::decode(key, value)));
    }
    let Some((&length, rest)) = bytes.split_first() else { return };
    let (key, body) = rest.split_at(usize::from(length).min(rest.len()));
    drop(codec::decode(key, &codec::seal(key, body)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        for bytes in [&[][..], &[0; 40], &[0xFF; 40], &[1, b'm', 3, 4, 5], &[200; 3]] {
            fuzz_decode(bytes);
        }
    }
}
