//! Whether a connection's callers ask for so much more than they may that most of its calls are refused.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

/// What a call that is let in takes back, in refusals: nine of ten refused tip the balance, four of five do not.
const LET_IN: u32 = 4;
/// So many refusals ahead, calls are refused for the most part.
const MOSTLY: u32 = 16;
/// Some calls that are let in make good whatever was before.
const MOST: u32 = 2 * MOSTLY;

/// How far refusals for a quota are ahead, of one connection; shared by its clones. Whoever loses a race with another call is not
/// counted, which matters to nobody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Excess(Arc<AtomicU32>);

impl Excess {
    /// A call was refused, as a quota was used up.
    pub(crate) fn refused(&self) {
        self.0.store((self.0.load(Relaxed) + 1).min(MOST), Relaxed);
    }

    /// A call was let in.
    pub(crate) fn let_in(&self) {
        // Most connections have nothing to make good, and share nothing that is written.
        match self.0.load(Relaxed) {
            0 => {}
            ahead => self.0.store(ahead.saturating_sub(LET_IN), Relaxed),
        }
    }

    /// Whether most calls are refused.
    pub(super) fn is_most(&self) -> bool {
        self.0.load(Relaxed) >= MOSTLY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After so many rounds of calls that are let in and of others that are not.
    fn is_most(rounds: u32, let_in: u32, refused: u32) -> bool {
        let excess = Excess::default();
        for _ in 0..rounds {
            (0..let_in).for_each(|_| excess.let_in());
            (0..refused).for_each(|_| excess.refused());
        }
        excess.is_most()
    }

    #[test]
    fn it_takes_nine_refusals_of_ten_and_ends_with_some_calls_that_are_let_in() {
        assert!(is_most(10, 1, 9));
        assert!(!is_most(1_000, 1, 4));
        assert!(!is_most(1, 0, 15));
        let excess = Excess::default();
        (0..1_000).for_each(|_| excess.refused());
        assert!(excess.is_most());
        (0..5).for_each(|_| excess.let_in());
        assert!(!excess.is_most());
    }
}
