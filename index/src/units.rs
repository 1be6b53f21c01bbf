//! Numeric types that are validated once, on construction.

use std::{cmp::Ordering, num::NonZeroUsize};

use thiserror::Error;

/// A distance in metres: finite and non-negative, hence totally ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meters(f64);

impl Meters {
    /// Zero metres.
    pub const ZERO: Self = Self(0.0);

    /// Wraps a distance. Returns `None` if it is not finite or negative.
    #[must_use]
    pub fn new(distance_m: f64) -> Option<Self> {
        // Adding zero turns -0 into 0, so that equal distances have equal bits.
        (distance_m.is_finite() && distance_m >= 0.0).then_some(Self(distance_m + 0.0))
    }

    /// Returns the distance in metres.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Wraps the result of arithmetic that cannot leave the valid range.
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
        // For non-negative numbers other than NaN the bit patterns are ordered like the values, and cheaper
        // to compare.
        self.0.to_bits().cmp(&other.0.to_bits())
    }
}

/// A search radius: above 0 and at most [`Radius::MAX_M`] metres, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Radius(Meters);

/// The reason a number is not a valid [`Radius`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RadiusError {
    /// The number is NaN or infinite.
    #[error("must be a finite number of metres")]
    NotFinite,
    /// The number is zero or negative.
    #[error("must be more than 0 metres")]
    NotPositive,
    /// The number exceeds the range in which the distance formula is accurate.
    #[error("must be at most {} metres", Radius::MAX_M)]
    TooLarge,
}

impl Radius {
    /// Maximum radius in metres. Up to here `Ecef::distance` is accurate to 2e-3 m.
    pub const MAX_M: f64 = 50_000.0;

    /// Default radius of a search, and default of the configurable maximum: 5 km.
    pub const DEFAULT: Self = Self(Meters(5_000.0));

    /// The maximum radius.
    pub const MAX: Self = Self(Meters(Self::MAX_M));

    /// Parses a radius in metres.
    ///
    /// # Errors
    /// If it is not finite, not positive, or above [`Radius::MAX_M`].
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

    /// Returns the radius as a distance.
    #[must_use]
    pub const fn meters(self) -> Meters {
        self.0
    }
}

/// Maximum number of search results: 1 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit(NonZeroUsize);

impl Limit {
    /// No limit.
    pub const UNLIMITED: Self = Self(NonZeroUsize::MAX);

    /// One result.
    pub(crate) const ONE: Self = Self(NonZeroUsize::MIN);

    /// Wraps a number of results. Returns `None` for 0.
    #[must_use]
    pub fn new(limit: usize) -> Option<Self> {
        NonZeroUsize::new(limit).map(Self)
    }

    /// Returns the number of results.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0.get()
    }
}

/// A timestamp in microseconds since 1970-01-01T00:00:00Z, without leap seconds. This crate never reads the
/// clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMicros(pub i64);

/// The sequence number of a change. Each change has its own revision, one above that of the change before. It
/// identifies a version of a merchant (its etag) and the state of a snapshot or a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision before the first change.
    pub const ZERO: Self = Self(0);

    /// Returns the next revision.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_are_finite_and_non_negative() {
        assert_eq!(Meters::new(0.0).map(Meters::get), Some(0.0));
        assert_eq!(Meters::new(-0.0).map(|m| m.get().to_bits()), Some(0));
        for bad in [-1e-9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Meters::new(bad), None);
        }
    }

    #[test]
    fn radius_is_positive_and_bounded() {
        assert!(Radius::new(f64::MIN_POSITIVE).is_ok());
        assert!(Radius::new(Radius::MAX_M).is_ok());
        assert_eq!(Radius::new(Radius::MAX_M.next_up()), Err(RadiusError::TooLarge));
        assert_eq!(Radius::new(0.0), Err(RadiusError::NotPositive));
        assert_eq!(Radius::new(-5.0), Err(RadiusError::NotPositive));
        assert_eq!(Radius::new(f64::NAN), Err(RadiusError::NotFinite));
        assert_eq!(Radius::new(f64::INFINITY), Err(RadiusError::NotFinite));
    }

    #[test]
    fn limit_is_positive() {
        assert_eq!(Limit::new(0), None);
        assert_eq!(Limit::new(20).map(Limit::get), Some(20));
    }
}
