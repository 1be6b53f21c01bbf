//! The time for which a node has known of something newer than it has applied.

use std::{collections::VecDeque, time::Duration};

use nearby_cluster::{identity::Sequence, log::Monotonic};

/// Ends of the log that become known within this time count as one, and as known at the first of them: the staleness is at
/// most this much too high.
const RESOLUTION: Duration = Duration::from_millis(10);
/// Ends that are remembered: a node that is further behind has the staleness of the oldest.
const MAX_KNOWN: usize = 4_096;

/// Ends of the log that are not applied yet, and when each became known.
#[derive(Debug, Default)]
pub struct Staleness {
    /// Ascending in both.
    known: VecDeque<(Sequence, Monotonic)>,
}

impl Staleness {
    /// Records what is applied, and how far the log is known to reach. Returns the time since which something newer is known.
    pub fn update(&mut self, applied: Sequence, last: Sequence, now: Monotonic) -> Option<Monotonic> {
        while self.known.front().is_some_and(|(sequence, _)| *sequence <= applied) {
            self.known.pop_front();
        }
        // A peer that was ahead may be gone, together with what only it had.
        while self.known.back().is_some_and(|(sequence, _)| *sequence > last) {
            self.known.pop_back();
        }
        let highest = self.known.back().map_or(applied, |(sequence, _)| *sequence);
        if last > highest {
            let is_full = self.known.len() >= MAX_KNOWN;
            match self.known.back_mut() {
                Some((sequence, since)) if is_full || now.saturating_sub(*since) <= RESOLUTION => {
                    *sequence = last;
                }
                _ => self.known.push_back((last, now)),
            }
        }
        self.known.front().map(|(_, since)| *since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staleness_counts_from_the_oldest_message_that_is_known_and_not_applied() {
        let mut staleness = Staleness::default();
        let mut update = |applied, last, ms| {
            let now = Duration::from_millis(ms);
            let since = staleness.update(Sequence(applied), Sequence(last), now);
            since.map(|since| u64::try_from((now - since).as_millis()).unwrap())
        };
        assert_eq!(update(5, 5, 0), None);
        assert_eq!(update(5, 6, 100), Some(0));
        assert_eq!(update(5, 6, 150), Some(50));
        assert_eq!(update(5, 9, 160), Some(60));
        // Message 6 is applied; those up to 9 have been known for 15 ms.
        assert_eq!(update(6, 9, 175), Some(15));
        // A node that keeps up has no staleness that grows.
        assert_eq!(update(9, 9, 180), None);
        for step in 0..100 {
            assert!(update(9 + step, 10 + step, 200 + 20 * step).unwrap() <= 20);
        }
    }

    #[test]
    fn ends_of_the_log_are_bounded_in_number() {
        let mut staleness = Staleness::default();
        for step in 0..10_000 {
            staleness.update(Sequence(0), Sequence(step), Duration::from_millis(20 * step));
        }
        assert_eq!(staleness.known.len(), MAX_KNOWN);
        let (known, now) = (Sequence(9_000), Duration::from_secs(250));
        assert!(staleness.update(Sequence(0), known, now).is_some());
        assert!(staleness.known.back().unwrap().0 <= known, "what is not known any more is forgotten");
        assert_eq!(staleness.update(Sequence(10_000), Sequence(10_000), Duration::from_secs(300)), None);
    }
}
