//! Converts UTF-16 to UTF-8 while reading, and back without loss: an unpaired surrogate becomes the three bytes that it would have in
//! UTF-8 (as in WTF-8), which are invalid there, so that its row is rejected and can be written as it was.

use std::io;

use super::converted::Convert;

/// Converts UTF-16.
pub(super) struct Utf16 {
    is_big_endian: bool,
    /// The first byte of a unit whose second byte has not been read.
    half_unit: Option<u8>,
    /// A leading surrogate whose trailing one has not been read.
    leading: Option<u16>,
}

impl Utf16 {
    pub(super) fn new(is_big_endian: bool) -> Self {
        Self { is_big_endian, half_unit: None, leading: None }
    }

    fn push(&mut self, unit: u16, output: &mut Vec<u8>) {
        if let Some(leading) = self.leading.take() {
            if let Some(Ok(c)) = char::decode_utf16([leading, unit]).next() {
                output.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return;
            }
            output.extend_from_slice(&surrogate_bytes(leading));
        }
        match unit {
            0xd800..=0xdbff => self.leading = Some(unit),
            0xdc00..=0xdfff => output.extend_from_slice(&surrogate_bytes(unit)),
            _ => {
                let c = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                output.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

impl Convert for Utf16 {
    fn convert(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        for byte in bytes {
            let Some(first) = self.half_unit.take() else {
                self.half_unit = Some(*byte);
                continue;
            };
            let pair = [first, *byte];
            let unit = if self.is_big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
            self.push(unit, output);
        }
        if bytes.is_empty() {
            output.extend(self.leading.take().into_iter().flat_map(surrogate_bytes));
            // Half a unit is malformed.
            output.extend(self.half_unit.take().map(|_| 0xff));
        }
        Ok(())
    }
}

/// Returns the bytes that a surrogate would have in UTF-8.
fn surrogate_bytes(unit: u16) -> [u8; 3] {
    let low_six = |bits: u16| 0x80 | (bits & 0x3f).to_le_bytes()[0];
    [0xe0 | (unit >> 12).to_le_bytes()[0], low_six(unit >> 6), low_six(unit)]
}

/// Converts the output of [`Utf16`] back.
pub(super) fn to_utf16(text: &[u8], is_big_endian: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * text.len());
    let mut push = |unit: u16| {
        bytes.extend_from_slice(&if is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() });
    };
    let mut malformed: Vec<u8> = Vec::new();
    for chunk in text.utf8_chunks() {
        if !chunk.valid().is_empty() {
            malformed.clear();
        }
        chunk.valid().encode_utf16().for_each(&mut push);
        malformed.extend_from_slice(chunk.invalid());
        if let [0xed, second, third] = *malformed.as_slice() {
            push(0xd000 | (u16::from(second & 0x3f) << 6) | u16::from(third & 0x3f));
            malformed.clear();
        }
    }
    bytes
}
