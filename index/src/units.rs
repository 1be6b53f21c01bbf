//! Numbers that are parsed once at the door and valid ever after.

use std::{cmp::Ordering, num::NonZeroUsize};

use thiserror::Error;

/// A distance in metres: finite and never negative, so that it has a total order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meters(f64);

impl Meters {
    /// No distance at all.
    pub const ZERO: Self = Self(0.0);

    /// Wraps a distance. `None` where it is not finite or is negative.
    #[must_use]
    pub fn new(distance_m: f64) -> Option<Self> {
        // Adding zero turns -0 into 0, so that equal distances are equal bits.
        (distance_m.is_finite() && distance_m >= 0.0).then_some(Self(distance_m + 0.0))
    }

    /// The distance in metres.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// For arithmetic of this crate that cannot leave the range.
    pub(crate) fn from_valid(distance_m: f64) -> Self {
        debug_assert!(distance_m.is_finite() && distance_m >= 0.0);
        Self(distance_m)
    }
}

impl Eq for Meters {}

impl PartialOrd for Meters {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Meters {
    fn cmp(&self, other: &Self) -> Ordering {
        // Never negative and never NaN: then the bits are in the order of the numbers, and cheaper to compare.
        self.0.to_bits().cmp(&other.0.to_bits())
    }
}

/// How far a search reaches: above 0 and at most [`Radius::MAX_M`] metres. The edge is inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Radius(Meters);

/// Why a number cannot be a [`Radius`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RadiusError {
    /// Not a number, or infinite.
    #[error("must be a finite number of metres")]
    NotFinite,
    /// Zero or less.
    #[error("must be more than 0 metres")]
    NotPositive,
    /// Farther than the distance formula is exact for.
    #[error("must be at most {} metres", Radius::MAX_M)]
    TooLarge,
}

impl Radius {
    /// The farthest radius, in metres. Up to here [`crate::Ecef::distance`] is exact to 2e-3 m.
    pub const MAX_M: f64 = 50_000.0;

    /// Five kilometres: what a search covers that says nothing, and what an operator allows who says nothing.
    pub const DEFAULT: Self = Self(Meters(5_000.0));

    /// Parses a radius in metres.
    ///
    /// # Errors
    /// Where it is not finite, not above zero, or above [`Radius::MAX_M`].
    pub fn new(radius_m: f64) -> Result<Self, RadiusError> {
        if !radius_m.is_finite() {
            return Err(RadiusError::NotFinite);
        }
        if radius_m <= 0.0 {
            return Err(RadiusError::NotPositive);
        }
        if radius_m > Self::MAX_M {
            return Err(RadiusError::TooLarge);
        }
        Ok(Self(Meters(radius_m)))
    }

    /// The radius as a distance.
    #[must_use]
    pub const fn meters(self) -> Meters {
        self.0
    }
}

/// The most results of one search: 1 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit(NonZeroUsize);

impl Limit {
    /// All there are.
    pub const NONE: Self = Self(NonZeroUsize::MAX);

    /// Wraps a number of results. `None` for 0.
    #[must_use]
    pub fn new(limit: usize) -> Option<Self> {
        NonZeroUsize::new(limit).map(Self)
    }

    /// The number of results.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0.get()
    }
}

/// A moment, as microseconds since 1970-01-01T00:00:00Z without leap seconds. This crate never asks for the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMicros(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_finite_and_not_negative() {
        assert_eq!(Meters::new(0.0).map(Meters::get), Some(0.0));
        assert_eq!(Meters::new(-0.0).map(|m| m.get().to_bits()), Some(0));
        for bad in [-1e-9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Meters::new(bad), None);
        }
    }

    #[test]
    fn a_radius_is_above_zero_and_bounded() {
        assert!(Radius::new(f64::MIN_POSITIVE).is_ok());
        assert!(Radius::new(Radius::MAX_M).is_ok());
        assert_eq!(Radius::new(Radius::MAX_M.next_up()), Err(RadiusError::TooLarge));
        assert_eq!(Radius::new(0.0), Err(RadiusError::NotPositive));
        assert_eq!(Radius::new(-5.0), Err(RadiusError::NotPositive));
        assert_eq!(Radius::new(f64::NAN), Err(RadiusError::NotFinite));
        assert_eq!(Radius::new(f64::INFINITY), Err(RadiusError::NotFinite));
    }

    #[test]
    fn a_limit_is_not_zero() {
        assert_eq!(Limit::new(0), None);
        assert_eq!(Limit::new(20).map(Limit::get), Some(20));
    }
}
