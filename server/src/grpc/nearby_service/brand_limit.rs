//! Limits the merchants of each brand: `max_per_brand`.

use std::{cell::Cell, collections::HashMap, num::NonZeroUsize};

use nearby_index::{
    Cursor, End, Hit, Limit, Query, SearchControl, SearchIter, Snapshot, StoredMerchant, TermKind, folded_key,
};

/// Ranked merchants of which each brand has at most a number. Counts from the start of the search, whichever page is wanted: a
/// merchant of an earlier page counts, too.
pub(crate) struct BrandLimited<'q, 's> {
    ranked: SearchIter<'q, 's>,
    brands: BrandCounts<'s>,
    /// The start of the page.
    after: Option<Cursor>,
    /// Counts the merchants that are examined.
    examined: &'q Cell<usize>,
}

impl<'q, 's> BrandLimited<'q, 's> {
    /// The merchants of a query after its cursor, ignoring its limit.
    pub(crate) fn new(
        (snapshot, query): (&'s Snapshot, &Query),
        control: SearchControl<'q>,
        max: NonZeroUsize,
        examined: &'q Cell<usize>,
    ) -> Self {
        let all = Query { after: None, limit: Limit::UNLIMITED, ..query.clone() };
        Self {
            ranked: snapshot.search_iter(all, control),
            brands: BrandCounts::new(max),
            after: query.after.clone(),
            examined,
        }
    }

    /// Returns whether the search was stopped before its end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.ranked.end() == Some(End::Stopped)
    }

    fn is_on_earlier_page(&self, hit: &Hit<'_>) -> bool {
        let rank = (hit.distance, &hit.merchant.merchant.id);
        self.after.as_ref().is_some_and(|after| rank <= (after.distance, &after.id))
    }
}

impl<'s> Iterator for BrandLimited<'_, 's> {
    type Item = Hit<'s>;

    fn next(&mut self) -> Option<Hit<'s>> {
        loop {
            let hit = self.ranked.next()?;
            self.examined.set(self.examined.get() + 1);
            if self.brands.admit(hit.merchant) && !self.is_on_earlier_page(&hit) {
                return Some(hit);
            }
        }
    }
}

/// Merchants counted by brand.
pub(super) struct BrandCounts<'s> {
    max: NonZeroUsize,
    /// The number of each brand as given in `counts`, so that each spelling is folded once; `None` if it folds to nothing.
    spellings: HashMap<&'s str, Option<usize>>,
    /// The number of each folded brand.
    brands: HashMap<String, usize>,
    counts: Vec<usize>,
}

impl<'s> BrandCounts<'s> {
    pub(super) fn new(max: NonZeroUsize) -> Self {
        Self { max, spellings: HashMap::new(), brands: HashMap::new(), counts: Vec::new() }
    }

    /// Counts a merchant. Returns false if its brand has as many already. Merchants without a brand are not limited.
    pub(super) fn admit(&mut self, stored: &'s StoredMerchant) -> bool {
        let mut terms = stored.merchant.terms.as_slice().iter();
        let Some(brand) = terms.find(|term| term.kind() == TermKind::Brand) else { return true };
        let Self { spellings, brands, counts, .. } = self;
        let number = *spellings.entry(brand.name()).or_insert_with(|| {
            let key = Some(folded_key(brand.name())).filter(|key| !key.is_empty())?;
            let next = brands.len();
            Some(*brands.entry(key).or_insert(next))
        });
        let Some(number) = number else { return true };
        if counts.len() <= number {
            counts.resize(number + 1, 0);
        }
        let Some(count) = counts.get_mut(number) else { return true };
        if *count == self.max.get() {
            return false;
        }
        *count += 1;
        true
    }
}
