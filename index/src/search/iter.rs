//! Iteration over all results in order, without collecting them first.

use super::search;
use crate::{Cursor, End, Hit, Hits, Limit, Query, SearchControl, tree::Tree};

/// Merchants by distance and then by id. Searches in batches, each four times as large as the one before:
/// taking only the first few costs little more than a small search, and taking all costs little more than one
/// full search.
#[derive(Debug)]
pub struct SearchIter<'q, 's> {
    tree: &'s Tree,
    query: Query,
    control: SearchControl<'q>,
    hits: Hits<'s>,
    at: usize,
    batch: usize,
    /// Remaining part of the query's limit.
    left: usize,
    is_last: bool,
}

const FIRST_BATCH: usize = 64;
const LARGEST_BATCH: usize = 4_096;

impl<'q, 's> SearchIter<'q, 's> {
    pub(crate) fn new(tree: &'s Tree, query: Query, control: SearchControl<'q>) -> Self {
        let left = query.limit.get();
        Self { tree, query, control, hits: Hits::default(), at: 0, batch: FIRST_BATCH, left, is_last: false }
    }

    /// Returns the reason why there are no more hits; `None` while there may be more.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        (self.is_last && self.at == self.hits.hits.len()).then_some(self.hits.end)
    }

    /// Returns the cursor from which to resume: after the last hit returned, or the start of the query.
    /// [`Self::end`] tells whether more hits remain.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.hits.cursor(self.at).or_else(|| self.query.after.clone())
    }

    fn next_batch(&mut self) {
        self.query.after = self.cursor();
        let Some(limit) = Limit::new(self.batch.min(self.left)) else { return };
        self.query.limit = limit;
        search(self.tree, &self.query, self.control, &mut self.hits);
        self.at = 0;
        self.batch = (self.batch * 4).min(LARGEST_BATCH);
        self.left -= self.hits.hits.len();
        self.is_last = self.hits.end != End::Limit || self.left == 0;
    }
}

impl<'s> Iterator for SearchIter<'_, 's> {
    type Item = Hit<'s>;

    fn next(&mut self) -> Option<Hit<'s>> {
        if self.at == self.hits.hits.len() && !self.is_last {
            self.next_batch();
        }
        let next = self.hits.hits.get(self.at).copied()?;
        self.at += 1;
        Some(next)
    }
}
