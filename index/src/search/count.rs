//! Counts what a walk finds, or shows it.

use super::traversal::Sink;
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

/// Shows each as it is found, in no order.
pub(super) struct Each<F>(pub(super) F);

impl<'s, F: FnMut(Hit<'s>)> Sink<'s> for Each<F> {
    #[inline(always)]
    fn take(&mut self, hit: Hit<'s>) {
        (self.0)(hit);
    }

    fn reach(&mut self) -> Option<Meters> {
        None
    }

    fn is_beyond(&self, _: &Hit<'s>) -> bool {
        false
    }

    fn counts(&self) -> bool {
        false
    }

    fn take_unseen(&mut self, _: usize) {}
}
