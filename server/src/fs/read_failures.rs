//! Files that are looked at again and again, and cannot be read.

use std::sync::atomic::{AtomicU32, Ordering};

/// How often in a row a file could not be read.
#[derive(Debug, Default)]
pub(crate) struct Missed(AtomicU32);

impl Missed {
    /// What was read. Where nothing could be, twice in a row, that is told, and not again until something was: a file that is being
    /// replaced may be away for a moment.
    pub(crate) fn heed<T, E>(&self, read: Result<T, E>, tell: impl FnOnce(E)) -> Option<T> {
        match read {
            Ok(read) => {
                self.0.store(0, Ordering::Relaxed);
                Some(read)
            }
            Err(error) => {
                if self.0.fetch_add(1, Ordering::Relaxed) == 1 {
                    tell(error);
                }
                None
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn times(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_twice_in_a_row_is_told_once() {
        let missed = Missed::default();
        let told = |read| {
            let mut told = false;
            let read: Option<()> = missed.heed(read, |()| told = true);
            (read.is_some(), told)
        };
        let outcomes = [Err(()), Ok(()), Err(()), Err(()), Err(()), Ok(()), Err(()), Err(())].map(told);
        assert_eq!(
            outcomes.map(|(is_read, _)| is_read),
            [false, true, false, false, false, true, false, false]
        );
        assert_eq!(outcomes.map(|(_, told)| told), [false, false, false, true, false, false, false, true]);
    }
}
