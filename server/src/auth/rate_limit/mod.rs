//! Rate limits: units of work per second of a principal, and calls per second of a client IP.

mod bucket;
mod per_ip;

use std::{
    fmt,
    num::NonZeroU32,
    ops::{Add, AddAssign, Mul},
    sync::LazyLock,
    time::{Duration, Instant},
};

use self::bucket::Bucket;
pub use self::per_ip::PerIpRateLimit;

/// A rate and its burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units per second: of work for a principal (see [`Cost`]), calls for a client IP.
    pub per_s: NonZeroU32,
    /// Units at once, after a period without calls.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A rate whose burst defaults to two seconds' worth.
    #[must_use]
    pub fn new(per_s: NonZeroU32, burst: Option<NonZeroU32>) -> Self {
        Self {
            per_s,
            burst: burst.unwrap_or_else(|| per_s.saturating_mul(NonZeroU32::MIN.saturating_add(1))),
        }
    }
}

/// An amount of work, in thousandths of a unit. One unit is a search that returns 20 merchants in the BASIC view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(u64);

impl Cost {
    /// No work.
    pub const ZERO: Self = Self(0);

    /// Whole units.
    #[must_use]
    pub const fn units(units: u64) -> Self {
        Self(units.saturating_mul(1_000))
    }

    /// Thousandths of a unit.
    #[must_use]
    pub const fn thousandths(thousandths: u64) -> Self {
        Self(thousandths)
    }

    /// The cost in thousandths of a unit.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The part above another cost.
    #[must_use]
    pub const fn above(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul<usize> for Cost {
    type Output = Self;

    fn mul(self, count: usize) -> Self {
        Self(self.0.saturating_mul(u64::try_from(count).unwrap_or(u64::MAX)))
    }
}

/// Writes units with up to three decimal places, such as `2.5`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1_000, self.0 % 1_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A call exceeds a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// The call is within the limit after this time.
    Until(Duration),
    /// The call is larger than the burst, and so never within the limit.
    Burst(NonZeroU32),
}

/// The origin of the time of all buckets.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The rate limit of one principal.
#[derive(Debug)]
pub(super) struct RateLimit(Bucket);

impl RateLimit {
    pub(super) fn new(rate: Rate) -> Self {
        Self(Bucket::new(rate))
    }

    /// Charges work that is about to begin.
    ///
    /// # Errors
    /// When it exceeds the limit; nothing is charged then.
    pub(super) fn charge(&self, cost: Cost) -> Result<(), Exceeded> {
        self.0.charge(cost, START.elapsed())
    }

    /// Charges work that has been done.
    pub(super) fn add_debt(&self, cost: Cost) {
        self.0.add_debt(cost, START.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_written_in_units() {
        let cases =
            [(0, "0"), (1, "0.001"), (250, "0.25"), (1_000, "1"), (2_500, "2.5"), (1_000_000, "1000")];
        for (thousandths, text) in cases {
            assert_eq!(Cost::thousandths(thousandths).to_string(), text);
        }
        assert_eq!((Cost::units(u64::MAX) + Cost::units(1)).get(), u64::MAX);
        assert_eq!((Cost::units(1) * usize::MAX).get(), u64::MAX);
    }
}
