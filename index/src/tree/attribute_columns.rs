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
    key: Arc<str>,
    values: Box<[f64]>,
    points: Box<[u8]>,
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
        let column = |(key, mut entries): (&Arc<str>, Vec<(f64, u8)>)| {
            entries.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
            let (values, points): (Vec<f64>, Vec<u8>) = entries.into_iter().unzip();
            Column { key: Arc::clone(key), values: values.into(), points: points.into() }
        };
        Self((!columns.is_empty()).then(|| columns.into_iter().map(column).collect()))
    }

    /// Keeps the points of `among` that are in every range.
    pub(crate) fn retain(&self, ranges: &[AttributeRange], among: &mut BitSet) {
        for range in ranges {
            let mut inside = BitSet::EMPTY;
            self.points(range).iter().for_each(|point| inside.insert(usize::from(*point)));
            among.combine(&inside, |among, inside| among & inside);
        }
    }

    /// Returns the points in a range. Comparisons are those of [`AttributeRange`], for which the zeros are equal; they lie side by side
    /// in the total order.
    fn points(&self, range: &AttributeRange) -> &[u8] {
        let columns = self.0.as_deref().unwrap_or_default();
        let Ok(at) = columns.binary_search_by(|column| (*column.key).cmp(range.key().name())) else {
            return &[];
        };
        let Some(column) = columns.get(at) else { return &[] };
        let (min, max) = range.ends();
        if min.is_nan() || max.is_nan() {
            return &[];
        }
        let start = column.values.partition_point(|value| *value < min);
        let end = column.values.partition_point(|value| *value <= max);
        column.points.get(start..end).unwrap_or_default()
    }
}
