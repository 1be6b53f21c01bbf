//! Where in a row of frames a stream of bytes is: each has a head of so many bytes, which says how many come after it.

/// How far the frame has come that is not whole yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framing<const HEAD: usize> {
    head: [u8; HEAD],
    /// How much of the head is there.
    known: usize,
    /// What comes after the head, and how much of that is still to come.
    length: usize,
    missing: usize,
}

impl<const HEAD: usize> Framing<HEAD> {
    /// At the beginning, where so many bytes come that are no frame.
    pub(super) fn after(bytes: usize) -> Self {
        Self { head: [0; HEAD], known: 0, length: bytes, missing: bytes }
    }

    /// How much has come of a frame that is not whole.
    pub(super) fn begun(self) -> usize {
        if self.missing == 0 { self.known } else { HEAD + self.length - self.missing }
    }

    /// Goes over what has come, and takes the length of each frame from what reads its head.
    pub(super) fn pass<E>(
        &mut self,
        mut data: &[u8],
        mut length: impl FnMut(&[u8; HEAD]) -> Result<usize, E>,
    ) -> Result<(), E> {
        while !data.is_empty() {
            if self.missing == 0 {
                let part = data.len().min(HEAD - self.known);
                self.head[self.known..self.known + part].copy_from_slice(&data[..part]);
                (self.known, data) = (self.known + part, &data[part..]);
                if self.known == HEAD {
                    self.length = length(&self.head)?;
                    (self.known, self.missing) = (0, self.length);
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
        fn what_is_begun_is_what_comes_after_the_last_end(
            before in 0usize..30,
            sizes in prop::collection::vec(0u8..100, 1..6),
            cuts in prop::collection::vec(1usize..40, 1..60),
        ) {
            const HEAD: usize = 3;
            let frame = |size: &u8| [vec![0, 0, *size], vec![7; usize::from(*size)]].concat();
            let all = [vec![9; before], sizes.iter().flat_map(frame).collect()].concat();
            let mut ends = vec![before];
            ends.extend(sizes.iter().scan(before, |at, size| { *at += usize::from(*size) + HEAD; Some(*at) }));
            let (mut framing, mut at, mut seen) = (Framing::<HEAD>::after(before), 0, Vec::new());
            for cut in cuts {
                let next = (at + cut).min(all.len());
                let passed: Result<(), ()> = framing.pass(&all[at..next], |[_, _, size]| {
                    seen.push(*size);
                    Ok((*size).into())
                });
                passed.unwrap();
                if let Some(last) = ends.iter().rev().find(|end| **end <= next) {
                    prop_assert_eq!(framing.begun(), next - last);
                }
                at = next;
            }
            prop_assert!(sizes.starts_with(&seen));
            prop_assert!(at < all.len() || seen.len() == sizes.len());
        }
    }
}
