//! Collectors of hits: what a traversal passes the merchants on to.

use crate::{Hit, Meters};

/// Receives the hits of a traversal.
pub(super) trait Collector<'s> {
    /// Adds a hit.
    fn push(&mut self, hit: Hit<'s>);

    /// Returns a tighter outer distance, if there is one since the last call.
    fn bound(&mut self) -> Option<Meters>;

    /// Returns whether this merchant, and hence all that rank after it, can no longer be in the result.
    fn is_beyond(&self, hit: &Hit<'s>) -> bool;

    /// Returns whether only the number of hits matters.
    fn is_count_only(&self) -> bool;

    /// Adds a number of hits without visiting them. Called only if [`Self::is_count_only`].
    fn add_count(&mut self, merchants: usize);
}
