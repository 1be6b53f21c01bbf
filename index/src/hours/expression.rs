//! Opening hours as an expression.

use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;

use crate::{OpenStatus, Position, Schedule, Stretch, Wgs84};

/// Opening hours as an expression, with all that its evaluation depends on. Equal if those are: the schedule
/// does not count.
#[derive(Debug)]
pub struct ExpressionHours {
    zone: Box<str>,
    text: Box<str>,
    region: Option<[u8; 2]>,
    position: Option<Position<Wgs84>>,
    schedule: ArcSwapOption<Schedule>,
    /// The stretch of the schedule that was looked up last, packed. Searches for "open now" find it again
    /// with one load: without it, they cost 1.5 times as much as with weekly periods.
    recent: AtomicU64,
}

impl ExpressionHours {
    /// Creates hours from an IANA time zone name, the text of an expression, the ISO 3166-1 alpha-2 code of
    /// the country whose holidays apply, and the position if the expression depends on the sun. The last two
    /// are `None` if the expression does not depend on them, so that more merchants share the same hours.
    #[must_use]
    pub fn new(zone: &str, text: &str, region: Option<[u8; 2]>, position: Option<Position<Wgs84>>) -> Self {
        let schedule = ArcSwapOption::empty();
        let recent = AtomicU64::new(PackedStretch::EMPTY.0);
        Self { zone: zone.into(), text: text.into(), region, position, schedule, recent }
    }

    /// Returns the IANA name of the time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Returns the text of the expression.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the code of the country whose holidays apply.
    #[must_use]
    pub fn region(&self) -> Option<[u8; 2]> {
        self.region
    }

    /// Returns the position at which the sun rises and sets.
    #[must_use]
    pub fn position(&self) -> Option<Position<Wgs84>> {
        self.position
    }

    /// Returns the state at a second, in seconds since 1970; `None` if the schedule does not cover it.
    #[inline]
    #[must_use]
    pub fn status_at(&self, at_s: i64) -> Option<OpenStatus> {
        // Relaxed: a stretch is complete in itself, and any stretch of any schedule is right where it applies.
        match PackedStretch(self.recent.load(Ordering::Relaxed)).status_at(at_s) {
            Some(status) => Some(status),
            None => self.look_up(at_s),
        }
    }

    #[cold]
    fn look_up(&self, at_s: i64) -> Option<OpenStatus> {
        let schedule = self.schedule.load();
        let stretch = schedule.as_ref()?.stretch_at(at_s)?;
        if let Some(packed) = PackedStretch::new(&stretch) {
            self.recent.store(packed.0, Ordering::Relaxed);
        }
        Some(stretch.status)
    }

    /// Returns the schedule that was set last.
    pub fn schedule(&self) -> impl std::ops::Deref<Target = Option<Arc<Schedule>>> {
        self.schedule.load()
    }

    /// Replaces the schedule. It is a cache: the merchant does not change.
    pub fn set_schedule(&self, schedule: Schedule) {
        self.schedule.store(Some(Arc::new(schedule)));
        self.recent.store(PackedStretch::EMPTY.0, Ordering::Relaxed);
    }

    fn key(&self) -> (&str, &str, Option<[u8; 2]>, Option<[u64; 2]>) {
        let bits = |position: Position<Wgs84>| {
            [position.latitude_deg().to_bits(), position.longitude_deg().to_bits()]
        };
        (&self.zone, &self.text, self.region, self.position.map(bits))
    }
}

/// A stretch in 64 bits: its first minute since 1970, its length in minutes (both 31 bits), and its state.
#[derive(Clone, Copy)]
struct PackedStretch(u64);

impl PackedStretch {
    /// A stretch that contains no second.
    const EMPTY: Self = Self(0);

    /// Returns `None` for a stretch that does not start and end with a minute from 1970 to 6053.
    fn new(stretch: &Stretch<'_>) -> Option<Self> {
        let minutes = |at_s: i64| {
            let minutes = (at_s % 60 == 0).then(|| u64::try_from(at_s / 60).ok()).flatten()?;
            (minutes < 1 << 31).then_some(minutes)
        };
        let (from, until) = (minutes(stretch.from_s)?, minutes(stretch.until_s?)?);
        let status = match stretch.status {
            OpenStatus::Open => 0,
            OpenStatus::Closed => 1,
            OpenStatus::Unknown => 2,
        };
        Some(Self(from << 33 | until.checked_sub(from)? << 2 | status))
    }

    fn status_at(self, at_s: i64) -> Option<OpenStatus> {
        const LENGTH_MASK: u64 = (1 << 31) - 1;

        let minute = u64::try_from(at_s.div_euclid(60)).ok()?;
        let since = minute.checked_sub(self.0 >> 33)?;
        if since >= self.0 >> 2 & LENGTH_MASK {
            return None;
        }
        Some(match self.0 & 3 {
            0 => OpenStatus::Open,
            1 => OpenStatus::Closed,
            _ => OpenStatus::Unknown,
        })
    }
}

impl PartialEq for ExpressionHours {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ExpressionHours {}

impl Hash for ExpressionHours {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_those_of_the_schedule_in_any_order_of_lookups() {
        let hours = ExpressionHours::new("UTC", "24/7", None, None);
        assert_eq!(hours.status_at(60), None);
        let stretches = [
            (-120, OpenStatus::Unknown, None),
            (60, OpenStatus::Open, None),
            (180, OpenStatus::Closed, None),
            // Does not start with a minute, as in zones with a local mean time.
            (250, OpenStatus::Unknown, None),
            (300, OpenStatus::Open, None),
        ];
        let schedule = Schedule::new(360, stretches).unwrap();
        hours.set_schedule(schedule.clone());
        for round in 0..3_i64 {
            for at_s in (-130..370).map(|at_s| (at_s * (2 * round + 1)) % 500) {
                assert_eq!(hours.status_at(at_s), schedule.status_at(at_s), "{at_s}");
            }
        }
        let shorter = Schedule::new(120, [(60, OpenStatus::Closed, None)]).unwrap();
        hours.set_schedule(shorter);
        assert_eq!((hours.status_at(60), hours.status_at(180)), (Some(OpenStatus::Closed), None));
    }
}
