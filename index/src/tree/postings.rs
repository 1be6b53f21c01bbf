//! Inverted index of a page: the points that have a term, or a category below one.

use std::sync::Arc;

use super::bitset::{BitSet, PAGE_SIZE};
use crate::{Filter, StoredMerchant, Term, Terms, terms::IndexedTerm};

/// Posting lists by term. A hash prefix finds candidate lists, and the merchants confirm the term: if only
/// one list has the prefix and was made for exactly this term, its first merchant suffices; otherwise each
/// merchant is checked.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    /// Upper halves of the terms' hashes, ascending; equal only for colliding terms.
    hashes: Box<[u32]>,
    /// Start of each term's list in `points`, followed by the end of the last list.
    starts: Box<[u16]>,
    points: Box<[u8]>,
}

const _: () = assert!(PAGE_SIZE <= 1 << 8, "a point index fits u8");
const _: () = assert!(PAGE_SIZE * Terms::MAX_INDEXED < 1 << 16, "a posting index fits u16");

/// The part of a hash that is stored.
fn hash_prefix(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl Postings {
    /// Indexes the merchants of a page, at most [`PAGE_SIZE`].
    pub(crate) fn new(records: &[Arc<StoredMerchant>]) -> Self {
        let mut entries: Vec<(IndexedTerm<'_>, u8)> = (0..=u8::MAX)
            .zip(records)
            .flat_map(|(point, stored)| stored.merchant.terms.indexed().map(move |term| (term, point)))
            .collect();
        if entries.is_empty() {
            return Self::default();
        }
        // Sorting by hash suffices unless two terms collide.
        entries.sort_unstable_by_key(|(term, point)| (term.hash, *point));
        if entries.windows(2).any(|pair| pair[0].0.hash == pair[1].0.hash && pair[0].0 != pair[1].0) {
            entries.sort_unstable();
        }
        // Two categories of a merchant can have the same ancestor.
        entries.dedup();
        let (mut hashes, mut starts) = (Vec::new(), Vec::new());
        for (start, (term, _)) in (0..).zip(&entries) {
            if start == 0 || entries[usize::from(start) - 1].0 != *term {
                hashes.push(hash_prefix(term.hash));
                starts.push(start);
            }
        }
        starts.push(u16::try_from(entries.len()).unwrap_or(u16::MAX));
        let points = entries.into_iter().map(|(_, point)| point).collect();
        Self { hashes: hashes.into(), starts: starts.into(), points }
    }

    /// Returns the points of `among` that match a filter's terms.
    pub(crate) fn matching(
        &self,
        filter: &Filter,
        records: &[Arc<StoredMerchant>],
        among: &BitSet,
    ) -> BitSet {
        let mut found = among.clone();
        for any_of in &filter.any_of {
            let mut having = BitSet::EMPTY;
            any_of.iter().for_each(|term| self.each_point(term, records, |point| having.insert(point)));
            found.combine(&having, |found, having| found & having);
        }
        for term in &filter.none_of {
            self.each_point(term, records, |point| found.remove(point));
        }
        found
    }

    fn each_point(&self, term: &Term, records: &[Arc<StoredMerchant>], mut act: impl FnMut(usize)) {
        let has_it = |point: &u8| records[usize::from(*point)].merchant.terms.contains(term);
        let asked = hash_prefix(term.hash());
        let first = self.hashes.partition_point(|hash| *hash < asked);
        let lists = self.hashes[first..].iter().take_while(|hash| **hash == asked).count();
        for number in first..first + lists {
            let list = &self.points[usize::from(self.starts[number])..usize::from(self.starts[number + 1])];
            if lists == 1 && term.is_indexed_exactly() {
                // All merchants of a list share a term: the first tells whether it is this one.
                if list.first().is_some_and(has_it) {
                    list.iter().for_each(|point| act(usize::from(*point)));
                }
            } else {
                list.iter().filter(|point| has_it(point)).for_each(|point| act(usize::from(*point)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AnyPosition, Merchant, MerchantId, Position, Profile, Revision, TermKind, UnixMicros, Visibility,
    };

    fn merchant(terms: &[&Term]) -> Arc<StoredMerchant> {
        Arc::new(StoredMerchant {
            merchant: Merchant {
                id: MerchantId::parse("m").unwrap(),
                position: AnyPosition::Wgs84(Position::new(0.0, 0.0).unwrap()),
                visibility: Visibility::Visible,
                terms: terms.iter().copied().cloned().collect(),
                details: None,
                profile: Profile::new(b"").unwrap(),
            },
            revision: Revision(1),
            position_revision: Revision(0),
            create_time: UnixMicros(0),
            update_time: UnixMicros(0),
        })
    }

    /// Two terms with the same hash prefix, found by trial.
    fn twins() -> [Term; 2] {
        let mut seen = std::collections::HashMap::new();
        for number in 0.. {
            let term = Term::new(TermKind::Category, &format!("t{number}"));
            if let Some(twin) = seen.insert(hash_prefix(term.hash()), term.clone()) {
                return [twin, term];
            }
        }
        unreachable!("pieces are few")
    }

    #[test]
    fn colliding_terms_are_distinguished() {
        let [one, other] = twins();
        let records = [merchant(&[&one, &other]), merchant(&[&one]), merchant(&[&other]), merchant(&[])];
        let postings = Postings::new(&records);
        let all = (0..4).fold(BitSet::EMPTY, |mut all, point| {
            all.insert(point);
            all
        });
        let found = |any_of: &[&Term], none_of: &[&Term]| -> Vec<usize> {
            let any_of: Vec<Vec<Term>> = any_of.iter().map(|term| vec![Term::clone(term)]).collect();
            let none_of = none_of.iter().copied().cloned().collect();
            let filter = Filter { any_of, none_of, ..Filter::default() };
            postings.matching(&filter, &records, &all).iter().collect()
        };
        assert_eq!(found(&[&one], &[]), [0, 1]);
        assert_eq!(found(&[&other], &[]), [0, 2]);
        assert_eq!(found(&[&one, &other], &[]), [0]);
        assert_eq!(found(&[], &[&one]), [2, 3]);
        assert_eq!(found(&[&other], &[&one]), [2]);
    }
}
