//! The numeric attributes of a page's merchants by key, ordered by value, so that a range is two binary searches.

use std::{collections::BTreeMap, sync::Arc};

use super::bitset::BitSet;
use crate::{AttributeRange, StoredMerchant};

/// The columns of a page. Unallocated without attributes.
#[derive(Debug, Default)]
pub(crate) struct AttributeColumns(Option<Box<[Column]>>);

/// The merchants that have one attribute, ordered by its value.
#[derive(Debug)]
struct Column {
    /// Interned, so that a pointer tells keys apart without reading them.
    key: Arc<str>,
    least: f64,
    greatest: f64,
    /// Every [`BLOCK`]th value, then all values: a search reads two or three cache lines instead of the eight of a binary search.
    values: Box<[f64]>,
    points: Box<[u8]>,
}

/// Values of a block, which fill two cache lines.
const BLOCK: usize = 16;

impl Column {
    /// Creates a column of at least one entry.
    fn new(key: &Arc<str>, mut entries: Vec<(f64, u8)>) -> Self {
        entries.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let (all, points): (Vec<f64>, Vec<u8>) = entries.into_iter().unzip();
        let (least, greatest) = (all.first().copied(), all.last().copied());
        let samples = all.iter().step_by(BLOCK).copied();
        Self {
            key: Arc::clone(key),
            least: least.unwrap_or(f64::NAN),
            greatest: greatest.unwrap_or(f64::NAN),
            values: samples.chain(all.iter().copied()).collect(),
            points: points.into(),
        }
    }

    /// Returns the number of values for which `is_before`, which holds for the first ones only.
    fn partition_point(&self, is_before: impl Fn(f64) -> bool) -> usize {
        let (samples, values) =
            self.values.split_at_checked(self.points.len().div_ceil(BLOCK)).unwrap_or_default();
        let blocks = samples.iter().take_while(|sample| is_before(**sample)).count();
        // All values of the blocks before the last one that begins with such a value are such values, too.
        let Some(start) = blocks.checked_sub(1).map(|block| block * BLOCK) else { return 0 };
        let block = values.get(start..).unwrap_or_default().iter().take(BLOCK);
        start + block.take_while(|value| is_before(**value)).count()
    }

    /// Returns the points whose value is from `min` to `max`. Comparisons are those of [`AttributeRange`], for which the zeros are equal;
    /// they lie side by side in the total order.
    fn points(&self, min: f64, max: f64) -> &[u8] {
        if min.is_nan() || max.is_nan() || min > self.greatest || max < self.least {
            return &[];
        }
        let start = if min <= self.least { 0 } else { self.partition_point(|value| value < min) };
        let end =
            if max >= self.greatest { self.points.len() } else { self.partition_point(|value| value <= max) };
        self.points.get(start..end).unwrap_or_default()
    }
}

impl AttributeColumns {
    /// Collects the attributes of the merchants of a page, at most 256.
    pub(crate) fn new(records: &[Arc<StoredMerchant>]) -> Self {
        let mut columns: BTreeMap<&Arc<str>, Vec<(f64, u8)>> = BTreeMap::new();
        for (point, stored) in (0..=u8::MAX).zip(records) {
            let details = stored.merchant.details.iter();
            for (key, value) in details.flat_map(|details| details.attributes.iter()) {
                columns.entry(key).or_default().push((value, point));
            }
        }
        let columns = columns.into_iter().map(|(key, entries)| Column::new(key, entries));
        let columns: Box<[Column]> = columns.collect();
        Self((!columns.is_empty()).then_some(columns))
    }

    /// Keeps the points of `among` that are in every range.
    pub(crate) fn retain(&self, ranges: &[AttributeRange], among: &mut BitSet) {
        for range in ranges {
            let mut inside = BitSet::EMPTY;
            self.points(range).iter().for_each(|point| inside.insert(usize::from(*point)));
            among.combine(&inside, |among, inside| among & inside);
        }
    }

    fn points(&self, range: &AttributeRange) -> &[u8] {
        let (min, max) = range.ends();
        self.column(range).map_or(&[], |column| column.points(min, max))
    }

    fn column(&self, range: &AttributeRange) -> Option<&Column> {
        let mut columns = self.0.as_deref().unwrap_or_default().iter();
        columns.find(|column| Arc::ptr_eq(&column.key, range.interned_key()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_column_finds_what_a_scan_finds(
            values in prop::collection::vec((0..40i8).prop_map(|tenths| f64::from(tenths - 20) / 10.0), 1..256),
            min in prop::option::of(-25..25i8), max in prop::option::of(-25..25i8),
        ) {
            let end = |end: Option<i8>, open: f64| end.map_or(open, |tenths| f64::from(tenths) / 10.0);
            let (min, max) = (end(min, f64::NEG_INFINITY), end(max, f64::INFINITY));
            let entries: Vec<(f64, u8)> = values.iter().copied().zip(0..).collect();
            let column = Column::new(&Arc::from("rating"), entries.clone());
            let mut found = column.points(min, max).to_vec();
            found.sort_unstable();
            let is_inside = |(value, point): (f64, u8)| (min <= value && value <= max).then_some(point);
            let expected: Vec<u8> = entries.into_iter().filter_map(is_inside).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
