//! Model test: the index compared with a linear scan over a list of all merchants.
//!
//! A run is a byte string, so that proptest can shrink it and a fuzzer can learn from it. The bytes decide
//! what happens: merchants are added in groups, moved, hidden and deleted; snapshots are held; queries of
//! every kind run against the newest snapshot and the held ones, and each result is compared with the list's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod areas;
mod history;
mod names;
mod queries;

use self::{history::History, queries::run_queries};

/// Runs the history that the bytes encode. Returns the number of results compared.
///
/// # Panics
/// If a result differs from the list's.
pub(crate) fn run(bytes: &[u8]) -> usize {
    let mut script = Script { bytes, state: 0x9e37_79b9_7f4a_7c15 };
    let mut history = History::begin(&mut script);
    let mut compared = 0;
    while script.should_continue() {
        history.step(&mut script);
        compared += run_queries(&history.now(), &mut script);
    }
    for moment in history.held_moments() {
        compared += run_queries(moment, &mut script);
    }
    compared
}

/// Reader of a history's bytes. Details that the bytes do not spell out come from a generator that they seed.
pub(crate) struct Script<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl Script<'_> {
    fn should_continue(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Returns the next byte, or 0 after the last.
    fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        self.state ^= u64::from(*byte) << 17;
        *byte
    }

    /// Returns a number below `end` from Marsaglia's xorshift.
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 11).unwrap() % end
    }

    /// Returns a number between −1 and 1.
    fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.below(2_000_001)).unwrap()) / 1e6 - 1.0
    }
}
