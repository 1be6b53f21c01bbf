//! All within a radius, in order, without gathering them all first.

use super::search;
use crate::{Cursor, End, Hit, Hits, Limit, Query, Snapshot, Steering};

/// Merchants by distance and then by id, found a batch at a time, each batch four times as large as the one before: who
/// takes only the first few pays for little more, and who takes all for little more than that.
#[derive(Debug)]
pub struct Ranked<'q, 's> {
    snapshot: &'s Snapshot,
    query: Query,
    steering: Steering<'q>,
    hits: Hits<'s>,
    at: usize,
    batch: usize,
    /// Of the query's limit, what has not been found yet.
    left: usize,
    is_last: bool,
}

const FIRST_BATCH: usize = 64;
const LARGEST_BATCH: usize = 4_096;

impl<'q, 's> Ranked<'q, 's> {
    pub(crate) fn new(snapshot: &'s Snapshot, query: Query, steering: Steering<'q>) -> Self {
        let left = query.limit.get();
        Self {
            snapshot,
            query,
            steering,
            hits: Hits::default(),
            at: 0,
            batch: FIRST_BATCH,
            left,
            is_last: false,
        }
    }

    /// Why there are no more; `None` as long as there may be.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        (self.is_last && self.at == self.hits.hits.len()).then_some(self.hits.end)
    }

    /// Where one would go on that stopped here: after the last hit that was returned, or where the query began. Whether
    /// there is anything to go on to, [`Self::end`] says.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.hits.cursor(self.at).or_else(|| self.query.after.clone())
    }

    fn next_batch(&mut self) {
        self.query.after = self.cursor();
        let Some(limit) = Limit::new(self.batch.min(self.left)) else { return };
        self.query.limit = limit;
        search(&self.snapshot.tree, &self.query, self.steering, &mut self.hits);
        self.at = 0;
        self.batch = (self.batch * 4).min(LARGEST_BATCH);
        self.left -= self.hits.hits.len();
        self.is_last = self.hits.end != End::Limit || self.left == 0;
    }
}

impl<'s> Iterator for Ranked<'_, 's> {
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
