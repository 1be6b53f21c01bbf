//! Finds frame boundaries in a byte stream: each frame has a prefix of fixed length that states how many bytes follow it.

/// Position in the current frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameScanner<const PREFIX: usize> {
    prefix: [u8; PREFIX],
    /// Bytes of the prefix that have arrived.
    prefix_bytes: usize,
    /// Bytes after the prefix, and those of them that have not arrived.
    length: usize,
    missing: usize,
}

impl<const PREFIX: usize> FrameScanner<PREFIX> {
    /// A scanner at the start of a stream whose first `bytes` bytes precede the first frame.
    pub(super) fn after(bytes: usize) -> Self {
        Self { prefix: [0; PREFIX], prefix_bytes: 0, length: bytes, missing: bytes }
    }

    /// Bytes of an incomplete frame that have arrived, its prefix included; 0 at a frame boundary.
    pub(super) fn partial_bytes(self) -> usize {
        if self.missing == 0 { self.prefix_bytes } else { PREFIX + self.length - self.missing }
    }

    /// Scans data that arrived; `length` reads the length of a frame from its prefix.
    pub(super) fn scan<E>(
        &mut self,
        mut data: &[u8],
        mut length: impl FnMut(&[u8; PREFIX]) -> Result<usize, E>,
    ) -> Result<(), E> {
        while !data.is_empty() {
            if self.missing == 0 {
                let part = data.len().min(PREFIX - self.prefix_bytes);
                self.prefix[self.prefix_bytes..self.prefix_bytes + part].copy_from_slice(&data[..part]);
                (self.prefix_bytes, data) = (self.prefix_bytes + part, &data[part..]);
                if self.prefix_bytes == PREFIX {
                    self.length = length(&self.prefix)?;
                    (self.prefix_bytes, self.missing) = (0, self.length);
                }
            } else {
                let part = data.len().min(self.missing);
                (self.missing, data) = (self.missing - part, &data[part..]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn partial_bytes_are_those_after_the_last_frame_boundary(
            before in 0usize..30,
            sizes in prop::collection::vec(0u8..100, 1..6),
            cuts in prop::collection::vec(1usize..40, 1..60),
        ) {
            const PREFIX: usize = 3;
            let frame = |size: &u8| [vec![0, 0, *size], vec![7; usize::from(*size)]].concat();
            let all = [vec![9; before], sizes.iter().flat_map(frame).collect()].concat();
            let mut ends = vec![before];
            ends.extend(sizes.iter().scan(before, |at, size| { *at += usize::from(*size) + PREFIX; Some(*at) }));
            let (mut scanner, mut at, mut seen) = (FrameScanner::<PREFIX>::after(before), 0, Vec::new());
            for cut in cuts {
                let next = (at + cut).min(all.len());
                let scanned: Result<(), ()> = scanner.scan(&all[at..next], |[_, _, size]| {
                    seen.push(*size);
                    Ok((*size).into())
                });
                scanned.unwrap();
                if let Some(last) = ends.iter().rev().find(|end| **end <= next) {
                    prop_assert_eq!(scanner.partial_bytes(), next - last);
                }
                at = next;
            }
            prop_assert!(sizes.starts_with(&seen));
            prop_assert!(at < all.len() || seen.len() == sizes.len());
        }
    }
}
