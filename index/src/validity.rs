//! The time during which searches may return a merchant.

use crate::UnixMicros;

/// A half-open span of time: from its start, until just before its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// Start; `None` if there is none.
    pub from: Option<UnixMicros>,
    /// End, which is not included; `None` if there is none.
    pub until: Option<UnixMicros>,
}

impl Validity {
    /// Returns whether the span contains a point in time.
    #[must_use]
    pub fn contains(&self, time: UnixMicros) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time < until)
    }

    /// Returns whether the span contains every point in time.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the first point in time after another at which the span starts or ends.
    #[must_use]
    pub fn next_change(&self, after: UnixMicros) -> Option<UnixMicros> {
        [self.from, self.until].into_iter().flatten().filter(|change| *change > after).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_contains_its_start_and_not_its_end() {
        let time = UnixMicros;
        let span = Validity { from: Some(time(10)), until: Some(time(20)) };
        assert_eq!([9, 10, 19, 20].map(|at| span.contains(time(at))), [false, true, true, false]);
        assert_eq!(
            [9, 10, 19, 20].map(|at| span.next_change(time(at))),
            [Some(time(10)), Some(time(20)), Some(time(20)), None]
        );
        assert!(!span.is_unlimited() && Validity::default().is_unlimited());
        assert!(Validity { from: None, until: Some(time(0)) }.contains(time(i64::MIN)));
    }
}
