//! H3 cells, for privacy, density counts and partitioning; never for ranking. The only module that uses
//! `h3o`.

use std::fmt;

use h3o::{CellIndex, LatLng, Resolution};

use crate::{Position, Wgs84};

/// An H3 resolution, 0 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellResolution(Resolution);

impl CellResolution {
    /// Parses a resolution. Returns `None` outside 0 to 15.
    #[must_use]
    pub fn new(resolution: i32) -> Option<Self> {
        u8::try_from(resolution).ok().and_then(|resolution| Resolution::try_from(resolution).ok()).map(Self)
    }
}

/// A cell of any resolution, for merchant positions. For a user's position, use [`CoarseCell`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(CellIndex);

impl Cell {
    /// Returns the cell that contains a position. `None` cannot occur for a valid position; the `Option`
    /// avoids a panic path.
    #[must_use]
    pub fn of(position: Position<Wgs84>, resolution: CellResolution) -> Option<Self> {
        let point = LatLng::new(position.latitude_deg(), position.longitude_deg()).ok()?;
        Some(Self(point.to_cell(resolution.0)))
    }

    /// Returns the centre of the cell. `None` cannot occur; the `Option` avoids a panic path.
    #[must_use]
    pub fn center(self) -> Option<Position<Wgs84>> {
        position(LatLng::from(self.0))
    }

    /// Returns the vertices of the cell, counter-clockwise: 5 to 10 of them.
    #[must_use]
    pub fn outline(self) -> Vec<Position<Wgs84>> {
        self.0.boundary().iter().copied().filter_map(position).collect()
    }
}

/// Rounding can take a longitude out of its range.
fn position(point: LatLng) -> Option<Position<Wgs84>> {
    Position::new(point.lat().clamp(-90.0, 90.0), point.lng().clamp(-180.0, 180.0)).ok()
}

/// Formats the index in hexadecimal, as H3 tools do.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A cell at H3 resolution 5 (about 250 km²): the finest location of a user that may be logged or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CoarseCell(Cell);

impl CoarseCell {
    /// Returns the cell that contains a position. `None` cannot occur for a valid position; the `Option`
    /// avoids a panic path.
    #[must_use]
    pub fn of(position: Position<Wgs84>) -> Option<Self> {
        Cell::of(position, CellResolution(Resolution::Five)).map(Self)
    }
}

/// Formats the index in hexadecimal, as H3 tools do.
impl fmt::Display for CoarseCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outline_of_a_cell_is_around_its_center_and_within_the_ranges() {
        for (latitude, longitude) in
            [(60.17, 24.94), (0.0, 180.0), (-90.0, 0.0), (64.7, -180.0), (58.16, 11.25)]
        {
            for resolution in 0..=15 {
                let resolution = CellResolution::new(resolution).unwrap();
                let cell = Cell::of(Position::new(latitude, longitude).unwrap(), resolution).unwrap();
                assert_eq!(Cell::of(cell.center().unwrap(), resolution), Some(cell));
                let outline = cell.outline();
                assert!((5..=10).contains(&outline.len()), "{outline:?}");
                // Counter-clockwise as seen from outside: every turn around the centre has the same sense.
                let xyz = |position| crate::Ecef::from(position).xyz_m();
                let center = xyz(cell.center().unwrap());
                for (one, next) in outline.iter().zip(outline.iter().cycle().skip(1)) {
                    let (one, next) = (xyz(*one), xyz(*next));
                    let cross = [
                        one[1] * next[2] - one[2] * next[1],
                        one[2] * next[0] - one[0] * next[2],
                        one[0] * next[1] - one[1] * next[0],
                    ];
                    assert!((0..3).map(|axis| cross[axis] * center[axis]).sum::<f64>() > 0.0);
                }
            }
        }
    }

    #[test]
    fn nearby_positions_share_a_coarse_cell() {
        let cell = |latitude, longitude| CoarseCell::of(Position::new(latitude, longitude).unwrap()).unwrap();
        assert_eq!(cell(60.1699, 24.9384), cell(60.1719, 24.9414), "two positions in central Helsinki");
        assert_eq!(cell(60.1699, 24.9384).to_string().len(), 15);
        assert!(CoarseCell::of(Position::new(-90.0, 180.0).unwrap()).is_some());
    }
}
