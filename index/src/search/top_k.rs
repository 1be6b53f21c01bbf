//! Keeps the nearest of what a walk finds, in order.

use std::cmp::Ordering;

use super::traversal::Sink;
use crate::{Hit, Hits, Limit, Meters};

/// The nearest so many, and for a while a few more: throwing out what is too far pays once there are enough of them.
///
/// Ordering moves no hits but their keys: the distance of a hit, whose bits are in the order of the numbers, with the
/// number of the hit in place of the last sixteen. Two keys that differ elsewhere are in the order of their hits; of two
/// that do not, the hits themselves decide. So a comparison is nearly always one of two whole numbers.
pub(super) struct Nearest<'h, 's> {
    hits: &'h mut Hits<'s>,
    /// One more than the limit: it tells whether there is a next page.
    keep: usize,
    /// How many may gather before those that are too far are thrown out.
    most: usize,
    worst: Option<Hit<'s>>,
}

const NUMBER: u64 = 0xffff;
const NUMBERED: usize = 0xffff;
/// Keys can number all that is kept and all that comes on top before it is thrown out. With a larger limit nothing is
/// thrown out on the way.
const MOST_KEPT: usize = NUMBERED / 4;

impl<'h, 's> Nearest<'h, 's> {
    /// Whatever `hits` held is gone.
    pub(super) fn new(limit: Limit, hits: &'h mut Hits<'s>) -> Self {
        hits.hits.clear();
        hits.found.clear();
        hits.keys.clear();
        let keep = limit.get().saturating_add(1);
        // A share of them, so that throwing out costs each of them only a little, however many they are.
        Self { hits, keep, most: keep.saturating_add((keep / 4).max(10)), worst: None }
    }

    /// Puts them in their order. Returns whether there are more than the limit, which are left out.
    pub(super) fn finish(self) -> bool {
        let Hits { hits, found, keys, .. } = self.hits;
        if found.len() > NUMBERED {
            // More than keys can number, as all that lie within fifty kilometres of a capital.
            std::mem::swap(hits, found);
            hits.sort_unstable_by(Hit::rank);
        } else {
            if keys.len() / 2 > self.keep {
                select(keys, found, self.keep);
                keys.truncate(self.keep);
            }
            sort(keys, found);
            hits.extend(keys.iter().take(self.keep).map(|key| found[number(*key)]));
        }
        let is_more = hits.len() >= self.keep;
        hits.truncate(self.keep - 1);
        is_more
    }

    /// Throws out what is too far. Returns what is the farthest now.
    fn compact(&mut self) -> Hit<'s> {
        let Hits { hits, found, keys, .. } = &mut *self.hits;
        let worst = select(keys, found, self.keep);
        keys.truncate(self.keep);
        if found.len() > NUMBERED / 2 {
            // Numbers run out: give new ones to those that are left.
            hits.extend(keys.iter().map(|key| found[number(*key)]));
            std::mem::swap(hits, found);
            hits.clear();
            keys.clear();
            keys.extend(found.iter().enumerate().map(|(number, hit)| key(hit, number)));
        }
        worst
    }
}

fn key(hit: &Hit<'_>, number: usize) -> u64 {
    hit.distance.get().to_bits() & !NUMBER | number as u64 & NUMBER
}

fn number(key: u64) -> usize {
    (key & NUMBER) as usize
}

/// Moves the first so many in rank to the front. Returns the last of them.
fn select<'s>(keys: &mut [u64], found: &[Hit<'s>], count: usize) -> Hit<'s> {
    let (_, last, _) = keys.select_nth_unstable(count - 1);
    let last = *last;
    if keys.iter().filter(|key| is_tie(**key, last)).count() == 1 {
        return found[number(last)];
    }
    let (_, last, _) = keys.select_nth_unstable_by(count - 1, |a, b| rank(found, *a, *b));
    found[number(*last)]
}

/// Sorts by rank.
fn sort(keys: &mut [u64], found: &[Hit<'_>]) {
    keys.sort_unstable();
    for ties in keys.chunk_by_mut(|a, b| is_tie(*a, *b)).filter(|ties| ties.len() > 1) {
        ties.sort_unstable_by(|a, b| rank(found, *a, *b));
    }
}

/// Whether two keys leave open which of their hits comes first.
fn is_tie(a: u64, b: u64) -> bool {
    (a ^ b) & !NUMBER == 0
}

fn rank(found: &[Hit<'_>], a: u64, b: u64) -> Ordering {
    if is_tie(a, b) { found[number(a)].rank(&found[number(b)]) } else { a.cmp(&b) }
}

impl<'s> Sink<'s> for Nearest<'_, 's> {
    #[inline(always)]
    fn take(&mut self, hit: Hit<'s>) {
        self.hits.keys.push(key(&hit, self.hits.found.len()));
        self.hits.found.push(hit);
    }

    #[inline(always)]
    fn reach(&mut self) -> Option<Meters> {
        if self.hits.keys.len() <= self.most || self.keep > MOST_KEPT {
            return None;
        }
        let worst = self.compact();
        self.worst = Some(worst);
        Some(worst.distance)
    }

    #[inline(always)]
    fn is_beyond(&self, hit: &Hit<'s>) -> bool {
        self.worst.is_some_and(|worst| hit.rank(&worst).is_gt())
    }

    fn counts(&self) -> bool {
        false
    }

    fn take_unseen(&mut self, _: usize) {}
}
