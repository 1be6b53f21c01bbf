//! What reads bytes of a disk, with bytes that nobody wrote: for fuzzers. None of it may panic, whatever the bytes.

use crate::{codec, records::read_records};

/// Reads bytes as records of a block, and as one record whose checksum is right.
pub fn read_anything(bytes: &[u8]) {
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
    fn bytes_that_nobody_wrote_are_no_records() {
        for bytes in [&[][..], &[0; 40], &[0xFF; 40], &[1, b'm', 3, 4, 5], &[200; 3]] {
            read_anything(bytes);
        }
    }
}
