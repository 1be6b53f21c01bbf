//! Output of converters that read whole chunks.

pub(super) const CHUNK_BYTES: usize = 1 << 15;

/// Converted bytes that wait to be read.
#[derive(Default)]
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    read: usize,
}

impl Output {
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let waiting = self.bytes.get(self.read..).unwrap_or_default();
        let count = waiting.len().min(buffer.len());
        buffer[..count].copy_from_slice(&waiting[..count]);
        self.read += count;
        count
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.read = 0;
    }
}
