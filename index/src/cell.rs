//! H3 cells: for privacy, density and partitioning, never for ranking. The only place that says `h3o::`.

use std::fmt;

use h3o::{CellIndex, LatLng, Resolution};

use crate::{Position, Wgs84};

/// How fine cells are: an H3 resolution, 0 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellResolution(Resolution);

impl CellResolution {
    /// Parses a resolution. `None` where it is not from 0 to 15.
    #[must_use]
    pub fn new(resolution: i32) -> Option<Self> {
        u8::try_from(resolution).ok().and_then(|resolution| Resolution::try_from(resolution).ok()).map(Self)
    }
}

/// A cell of any resolution, for where merchants are. What may be said of a user is a [`CoarseCell`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(CellIndex);

impl Cell {
    /// The cell that a position lies in. `None` never happens for a valid position; it spares callers a panic.
    #[must_use]
    pub fn of(position: Position<Wgs84>, resolution: CellResolution) -> Option<Self> {
        let point = LatLng::new(position.latitude_deg(), position.longitude_deg()).ok()?;
        Some(Self(point.to_cell(resolution.0)))
    }
}

/// The index in hexadecimal, as H3 tools write it.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A cell at H3 resolution 5, about 250 km²: the finest statement that may be made anywhere about where a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CoarseCell(Cell);

impl CoarseCell {
    /// The cell that a position lies in. `None` never happens for a valid position; it spares callers a panic.
    #[must_use]
    pub fn of(position: Position<Wgs84>) -> Option<Self> {
        Cell::of(position, CellResolution(Resolution::Five)).map(Self)
    }
}

/// The index in hexadecimal, as H3 tools write it.
impl fmt::Display for CoarseCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coarse_cell_is_wide() {
        let cell = |latitude, longitude| CoarseCell::of(Position::new(latitude, longitude).unwrap()).unwrap();
        assert_eq!(cell(60.1699, 24.9384), cell(60.1719, 24.9414), "two places in the centre of Helsinki");
        assert_eq!(cell(60.1699, 24.9384).to_string().len(), 15);
        assert!(CoarseCell::of(Position::new(-90.0, 180.0).unwrap()).is_some());
    }
}
