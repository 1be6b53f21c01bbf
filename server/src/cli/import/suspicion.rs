//! Positions that are valid and probably wrong: latitude and longitude swapped, far from the country of the address, or one coordinate
//! for many rows. They are stored, with a warning.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::formats::is_far_from_country;

/// Position of an accepted row.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowPosition {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

/// A square of one degree.
type Cell = (i16, i16);

/// Rows whose numbers are kept per square: a square with more is not one of mistakes. At 64,800 squares, 17 MB.
const MAX_ROWS_PER_CELL: usize = 32;
/// A square is suspicious if the squares that it becomes with its axes swapped have at least as many times its rows.
const SWAPPED_RATIO: u64 = 20;
/// Coordinates whose rows are counted at a time. Any coordinate with a larger share of the rows than one in 4,096 is among them.
const MAX_COORDINATES: usize = 4_096;
/// A coordinate is suspicious with this many rows, if they are also more than one in [`SHARE`]: malls and markets have hundreds.
const MIN_SHARED: u64 = 10;
const SHARE: u64 = 20;

/// Collects the positions of rows.
#[derive(Debug, Default)]
pub(super) struct Suspicions {
    rows: u64,
    cells: HashMap<Cell, (u64, Vec<u64>)>,
    /// Rows per coordinate, by the hash of the coordinate, and the first of them: the Misra-Gries summary of frequent elements.
    coordinates: HashMap<u64, (u64, u64)>,
}

/// Rows with a suspicion.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Suspicion {
    pub(super) code: &'static str,
    pub(super) rows: u64,
    /// The numbers of the rows, or of the first at each coordinate, and what to say of them.
    pub(super) numbers: Vec<(u64, String)>,
}

impl Suspicions {
    /// Adds a row. Returns true if it is far from its country.
    pub(super) fn add(&mut self, number: u64, position: RowPosition, country: &str) -> bool {
        self.rows += 1;
        let (rows, numbers) = self.cells.entry(cell_of(position)).or_default();
        *rows += 1;
        if numbers.len() < MAX_ROWS_PER_CELL {
            numbers.push(number);
        }
        self.count_coordinate(number, position);
        is_far_from_country(country, position.latitude, position.longitude)
    }

    fn count_coordinate(&mut self, number: u64, position: RowPosition) {
        // The hash does not outlive the process, so DefaultHasher need not be stable.
        let mut hasher = DefaultHasher::new();
        (position.latitude.to_bits(), position.longitude.to_bits()).hash(&mut hasher);
        let hash = hasher.finish();
        if let Some((rows, _)) = self.coordinates.get_mut(&hash) {
            *rows += 1;
        } else if self.coordinates.len() < MAX_COORDINATES {
            self.coordinates.insert(hash, (1, number));
        } else {
            self.coordinates.retain(|_, (rows, _)| {
                *rows -= 1;
                *rows > 0
            });
        }
    }

    /// Returns the suspicions that only the whole file tells.
    pub(super) fn finish(&self) -> Vec<Suspicion> {
        let mut swapped =
            Suspicion { code: "LATITUDE_AND_LONGITUDE_MAY_BE_SWAPPED", rows: 0, numbers: Vec::new() };
        for (cell, (rows, numbers)) in &self.cells {
            let around = |(latitude, longitude): Cell| {
                let offsets = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (latitude + dy, longitude + dx)));
                offsets.filter_map(|cell| self.cells.get(&cell)).map(|(rows, _)| *rows).sum::<u64>()
            };
            if around((cell.1, cell.0)) >= SWAPPED_RATIO * around(*cell) {
                swapped.rows += rows;
                swapped.numbers.extend(numbers.iter().map(|number| (*number, String::new())));
            }
        }
        swapped.numbers.sort_unstable();
        let mut shared = Suspicion { code: "COORDINATE_OF_MANY_ROWS", rows: 0, numbers: Vec::new() };
        for (rows, first) in self.coordinates.values() {
            if *rows >= MIN_SHARED && *rows * SHARE > self.rows {
                shared.rows += rows;
                shared.numbers.push((*first, format!("{rows} rows")));
            }
        }
        shared.numbers.sort_unstable();
        [swapped, shared].into_iter().filter(|suspicion| suspicion.rows > 0).collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "degrees of a position that the server accepts are at most 180"
)]
fn cell_of(position: RowPosition) -> Cell {
    (position.latitude.floor() as i16, position.longitude.floor() as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(positions: impl IntoIterator<Item = (f64, f64)>) -> Vec<Suspicion> {
        let mut suspicions = Suspicions::default();
        for (number, (latitude, longitude)) in (2..).zip(positions) {
            suspicions.add(number, RowPosition { latitude, longitude }, "");
        }
        suspicions.finish()
    }

    fn spread(count: u32) -> impl Iterator<Item = (f64, f64)> {
        (0..count).map(|n| (60.1 + f64::from(n) / 10_000.0, 24.9 + f64::from(n) / 20_000.0))
    }

    #[test]
    fn a_few_rows_at_the_swapped_position_of_the_others_are_suspicious() {
        let found = of(spread(60).chain([(24.91, 60.12), (24.95, 60.17)]));
        let expected = Suspicion {
            code: "LATITUDE_AND_LONGITUDE_MAY_BE_SWAPPED",
            rows: 2,
            numbers: vec![(62, String::new()), (63, String::new())],
        };
        assert_eq!(found, [expected]);
        assert_eq!(of(spread(30).chain([(24.91, 60.12), (24.95, 60.17)])), [], "too few to tell");
        assert_eq!(of(spread(60).chain([(48.9, 2.3)])), [], "elsewhere");
    }

    #[test]
    fn many_rows_at_one_coordinate_are_suspicious_unless_they_are_a_small_part() {
        let found = of(spread(50).chain((0..12).map(|_| (61.0, 25.5))));
        assert_eq!(
            found,
            [Suspicion {
                code: "COORDINATE_OF_MANY_ROWS",
                rows: 12,
                numbers: vec![(52, "12 rows".to_owned())]
            }]
        );
        assert_eq!(of(spread(500).chain((0..12).map(|_| (61.0, 25.5)))), [], "a mall");
        // More coordinates than are counted at a time.
        let many = spread(20_000).chain((0..3_000).map(|_| (61.0, 25.5)));
        assert_eq!(
            of(many).iter().map(|suspicion| suspicion.code).collect::<Vec<_>>(),
            ["COORDINATE_OF_MANY_ROWS"]
        );
    }

    #[test]
    fn a_row_far_from_its_country_is_suspicious() {
        let mut suspicions = Suspicions::default();
        let mut is_far =
            |latitude, longitude, country| suspicions.add(1, RowPosition { latitude, longitude }, country);
        assert!(!is_far(60.17, 24.94, "FI") && is_far(24.94, 60.17, "FI"));
        assert!(!is_far(60.17, 24.94, "") && !is_far(60.17, 24.94, "BV"), "unknown");
        assert!(!is_far(-17.8, 178.0, "FJ") && !is_far(-16.8, -179.9, "FJ") && is_far(-17.8, 100.0, "FJ"));
    }
}
