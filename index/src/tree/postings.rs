//! Which points of a page have which terms: an inverted index of the page.

use std::sync::Arc;

use super::bits::{Bits, PAGE};
use crate::{Filter, StoredMerchant, Term, Terms};

/// For each term of a page the points that have it. Exact: a piece of the hash finds a list, and the first merchant on it
/// says whether it is the term that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    /// The first halves of the terms' hashes, rising; equal only where two terms happen to share one.
    hashes: Box<[u32]>,
    /// Where the list of each term starts in `points`, and at last where the last one ends.
    starts: Box<[u16]>,
    points: Box<[u8]>,
}

const _: () = assert!(PAGE <= 1 << 8, "the number of a point fits u8");
const _: () = assert!(PAGE * Terms::MOST < 1 << 16, "and that of a posting u16");

/// What is kept of a hash.
fn piece(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl Postings {
    /// Indexes the merchants of a page, at most [`PAGE`].
    pub(crate) fn new(records: &[Arc<StoredMerchant>]) -> Self {
        let mut entries: Vec<(&Term, u8)> = (0..=u8::MAX)
            .zip(records)
            .flat_map(|(point, stored)| {
                stored.merchant.terms.as_slice().iter().map(move |term| (term, point))
            })
            .collect();
        if entries.is_empty() {
            return Self::default();
        }
        // By hash alone, which is enough unless two terms happen to share one.
        entries.sort_unstable_by_key(|(term, point)| (term.hash(), *point));
        if entries.windows(2).any(|pair| pair[0].0.hash() == pair[1].0.hash() && pair[0].0 != pair[1].0) {
            entries.sort_unstable();
        }
        let (mut hashes, mut starts) = (Vec::new(), Vec::new());
        for (start, (term, _)) in (0..).zip(&entries) {
            if start == 0 || entries[usize::from(start) - 1].0 != *term {
                hashes.push(piece(term.hash()));
                starts.push(start);
            }
        }
        starts.push(u16::try_from(entries.len()).unwrap_or(u16::MAX));
        let points = entries.into_iter().map(|(_, point)| point).collect();
        Self { hashes: hashes.into(), starts: starts.into(), points }
    }

    /// Of some points those whose merchants have the terms that a filter asks for.
    pub(crate) fn matching(&self, filter: &Filter, records: &[Arc<StoredMerchant>], among: &Bits) -> Bits {
        let mut found = among.clone();
        for any_of in &filter.any_of {
            let mut having = Bits::NONE;
            any_of.iter().for_each(|term| self.points(term, records).for_each(|point| having.insert(point)));
            found.combine(&having, |found, having| found & having);
        }
        for term in &filter.none_of {
            self.points(term, records).for_each(|point| found.remove(point));
        }
        found
    }

    fn points(&self, term: &Term, records: &[Arc<StoredMerchant>]) -> impl Iterator<Item = usize> {
        let asked = piece(term.hash());
        let first = self.hashes.partition_point(|hash| *hash < asked);
        let list = (first..self.hashes.len())
            .take_while(|number| self.hashes[*number] == asked)
            .map(|number| {
                &self.points[usize::from(self.starts[number])..usize::from(self.starts[number + 1])]
            })
            .find(|list| records[usize::from(list[0])].merchant.terms.as_slice().contains(term));
        list.unwrap_or_default().iter().map(|point| usize::from(*point))
    }
}
