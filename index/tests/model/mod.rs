//! The index against the plainest thing that could answer: a list of all merchants, gone through from end to end.
//!
//! A run is a string of bytes, so that proptest can shrink it and a fuzzer can learn from it. The bytes say what happens:
//! merchants come in crowds, move, are hidden and deleted; snapshots are held; queries of every kind are asked of
//! the newest snapshot and of the held ones, and every answer is compared with the list's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod ask;
mod history;

use self::{ask::ask, history::History};

/// Runs what the bytes say. Returns how many answers were compared.
///
/// # Panics
/// Where an answer is not the list's.
pub(crate) fn run(bytes: &[u8]) -> usize {
    let mut script = Script { bytes, state: 0x9e37_79b9_7f4a_7c15 };
    let mut history = History::begin(&mut script);
    let mut compared = 0;
    while script.goes_on() {
        history.step(&mut script);
        compared += ask(&history.now(), &mut script);
    }
    for held in history.held() {
        compared += ask(held, &mut script);
    }
    compared
}

/// Bytes that decide, one after the other. What they do not spell out comes from numbers that they seed.
pub(crate) struct Script<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl Script<'_> {
    fn goes_on(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The next byte; 0 after the last.
    fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        self.state ^= u64::from(*byte) << 17;
        *byte
    }

    /// A number below another, as Marsaglia's xorshift goes on.
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 11).unwrap() % end
    }

    /// Between −1 and 1.
    fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.below(2_000_001)).unwrap()) / 1e6 - 1.0
    }
}
