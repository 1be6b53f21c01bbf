//! Collectors that count hits or pass them to a callback.

use super::collector::Collector;
use crate::{Hit, Meters};

/// Counts hits.
#[derive(Default)]
pub(super) struct Counter {
    pub(super) merchants: usize,
}

impl<'s> Collector<'s> for Counter {
    #[inline(always)]
    fn push(&mut self, _: Hit<'s>) {
        self.merchants += 1;
    }

    fn bound(&mut self) -> Option<Meters> {
        None
    }

    fn is_beyond(&self, _: &Hit<'s>) -> bool {
        false
    }

    fn is_count_only(&self) -> bool {
        true
    }

    /// Used for subtrees that lie entirely within the radius: their count is known without visiting them.
    fn add_count(&mut self, merchants: usize) {
        self.merchants += merchants;
    }
}

/// Passes each hit to a callback, in the order found.
pub(super) struct ForEach<F>(pub(super) F);

impl<'s, F: FnMut(Hit<'s>)> Collector<'s> for ForEach<F> {
    #[inline(always)]
    fn push(&mut self, hit: Hit<'s>) {
        (self.0)(hit);
    }

    fn bound(&mut self) -> Option<Meters> {
        None
    }

    fn is_beyond(&self, _: &Hit<'s>) -> bool {
        false
    }

    fn is_count_only(&self) -> bool {
        false
    }

    fn add_count(&mut self, _: usize) {}
}
