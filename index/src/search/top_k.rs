//! Keeps the k nearest hits of a traversal, in order.

use std::cmp::Ordering;

use super::collector::Collector;
use crate::{Hit, Hits, Limit, Meters};

/// Collects the k nearest hits plus a buffer: discarding the rest pays off once enough have accumulated.
///
/// Sorting permutes 8-byte keys, not hits. A key is the distance of a hit, whose bit pattern is ordered like
/// the value, with the lowest 16 bits replaced by the index of the hit. Keys that differ in the upper bits
/// are ordered like their hits; if those bits are equal, the hits themselves are compared. A comparison is
/// therefore almost always a single integer comparison.
pub(super) struct TopK<'h, 's> {
    hits: &'h mut Hits<'s>,
    /// One more than the limit: the extra hit tells whether there is a next page.
    keep: usize,
    /// Number of candidates above which those beyond the k nearest are discarded.
    compact_at: usize,
    worst: Option<Hit<'s>>,
}

const INDEX_MASK: u64 = 0xffff;
const MAX_INDEXED: usize = 0xffff;
/// Largest k for which 16-bit indexes suffice for the k kept and the buffer. Above it, nothing is discarded
/// before the end.
const MAX_COMPACTED: usize = MAX_INDEXED / 4;

impl<'h, 's> TopK<'h, 's> {
    /// Clears `hits` first.
    pub(super) fn new(limit: Limit, hits: &'h mut Hits<'s>) -> Self {
        hits.hits.clear();
        hits.candidates.clear();
        hits.keys.clear();
        let keep = limit.get().saturating_add(1);
        // The buffer is proportional to k, so that discarding has constant amortised cost per candidate.
        Self { hits, keep, compact_at: keep.saturating_add((keep / 4).max(10)), worst: None }
    }

    /// Sorts the hits and truncates them to the limit. Returns whether there were more.
    pub(super) fn finish(self) -> bool {
        let Hits { hits, candidates, keys, .. } = self.hits;
        if candidates.len() > MAX_INDEXED {
            // More candidates than 16-bit indexes can address, such as everything within 50 km of a capital.
            std::mem::swap(hits, candidates);
            hits.sort_unstable_by(Hit::cmp_rank);
        } else {
            if keys.len() / 2 > self.keep {
                select(keys, candidates, self.keep);
                keys.truncate(self.keep);
            }
            sort(keys, candidates);
            hits.extend(keys.iter().take(self.keep).map(|key| candidates[index_of(*key)]));
        }
        let is_more = hits.len() >= self.keep;
        hits.truncate(self.keep - 1);
        is_more
    }

    /// Discards candidates beyond the k nearest. Returns the farthest that remains.
    fn compact(&mut self) -> Hit<'s> {
        let Hits { hits, candidates, keys, .. } = &mut *self.hits;
        let worst = select(keys, candidates, self.keep);
        keys.truncate(self.keep);
        if candidates.len() > MAX_INDEXED / 2 {
            // Indexes are running out: renumber the remaining candidates.
            hits.extend(keys.iter().map(|key| candidates[index_of(*key)]));
            std::mem::swap(hits, candidates);
            hits.clear();
            keys.clear();
            keys.extend(candidates.iter().enumerate().map(|(number, hit)| key(hit, number)));
        }
        worst
    }
}

fn key(hit: &Hit<'_>, number: usize) -> u64 {
    hit.distance.get().to_bits() & !INDEX_MASK | number as u64 & INDEX_MASK
}

fn index_of(key: u64) -> usize {
    (key & INDEX_MASK) as usize
}

/// Moves the first `count` keys in rank order to the front. Returns the last of them.
fn select<'s>(keys: &mut [u64], candidates: &[Hit<'s>], count: usize) -> Hit<'s> {
    let (_, last, _) = keys.select_nth_unstable(count - 1);
    let last = *last;
    if keys.iter().filter(|key| is_tie(**key, last)).count() == 1 {
        return candidates[index_of(last)];
    }
    let (_, last, _) = keys.select_nth_unstable_by(count - 1, |a, b| cmp_rank(candidates, *a, *b));
    candidates[index_of(*last)]
}

/// Sorts keys by rank.
fn sort(keys: &mut [u64], candidates: &[Hit<'_>]) {
    keys.sort_unstable();
    for ties in keys.chunk_by_mut(|a, b| is_tie(*a, *b)).filter(|ties| ties.len() > 1) {
        ties.sort_unstable_by(|a, b| cmp_rank(candidates, *a, *b));
    }
}

/// Returns whether two keys alone do not determine the order of their hits.
fn is_tie(a: u64, b: u64) -> bool {
    (a ^ b) & !INDEX_MASK == 0
}

fn cmp_rank(candidates: &[Hit<'_>], a: u64, b: u64) -> Ordering {
    if is_tie(a, b) { candidates[index_of(a)].cmp_rank(&candidates[index_of(b)]) } else { a.cmp(&b) }
}

impl<'s> Collector<'s> for TopK<'_, 's> {
    #[inline(always)]
    fn push(&mut self, hit: Hit<'s>) {
        self.hits.keys.push(key(&hit, self.hits.candidates.len()));
        self.hits.candidates.push(hit);
    }

    #[inline(always)]
    fn bound(&mut self) -> Option<Meters> {
        if self.hits.keys.len() <= self.compact_at || self.keep > MAX_COMPACTED {
            return None;
        }
        let worst = self.compact();
        self.worst = Some(worst);
        Some(worst.distance)
    }

    #[inline(always)]
    fn is_beyond(&self, hit: &Hit<'s>) -> bool {
        self.worst.is_some_and(|worst| hit.cmp_rank(&worst).is_gt())
    }

    fn is_count_only(&self) -> bool {
        false
    }

    fn add_count(&mut self, _: usize) {}
}
