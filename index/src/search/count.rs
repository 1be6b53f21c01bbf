//! Counts what a walk finds.

use super::walk::Sink;
use crate::{Hit, Meters};

/// How many there are.
#[derive(Default)]
pub(super) struct Counter {
    pub(super) merchants: usize,
}

impl<'s> Sink<'s> for Counter {
    #[inline(always)]
    fn take(&mut self, _: Hit<'s>) {
        self.merchants += 1;
    }

    fn reach(&mut self) -> Option<Meters> {
        None
    }

    fn is_beyond(&self, _: &Hit<'s>) -> bool {
        false
    }

    fn counts(&self) -> bool {
        true
    }

    /// Of what lies within as a whole the number is known.
    fn take_unseen(&mut self, merchants: usize) {
        self.merchants += merchants;
    }
}
