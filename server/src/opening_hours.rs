//! Time zones and local time: decides whether a merchant is open at a moment.

use std::{cell::RefCell, sync::LazyLock};

use jiff::{
    Timestamp,
    civil::{Date, date},
    tz::TimeZoneDatabase,
};
use nearby_index::{LocalTime, StoredMerchant, UnixMicros};

/// The time zone database of this build, so that every machine computes the same local time.
static TIME_ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Returns whether the IANA database contains a zone or a link with exactly this name.
pub(crate) fn is_time_zone(name: &str) -> bool {
    TIME_ZONES.get(name).is_ok_and(|zone| zone.iana_name() == Some(name))
}

/// Returns the number of days since 1 January 1970.
pub(crate) fn day_number(day: Date) -> Option<i32> {
    day.since(date(1970, 1, 1)).ok().map(|span| span.get_days())
}

/// Opening status of a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenStatus {
    Open,
    Closed,
    /// The merchant has no opening hours, or they are in an unknown time zone.
    Unknown,
}

/// The local time in each time zone at one moment, computed once per zone.
#[derive(Debug)]
pub(crate) struct Clocks {
    at: Timestamp,
    computed: RefCell<Vec<(String, Option<LocalTime>)>>,
}

impl Clocks {
    /// Returns `None` for a moment outside the years −9999 to 9999, which calendars cannot represent.
    pub(crate) fn at(moment: UnixMicros) -> Option<Self> {
        let at = Timestamp::from_microsecond(moment.0).ok()?;
        Some(Self { at, computed: RefCell::default() })
    }

    pub(crate) fn status(&self, stored: &StoredMerchant) -> OpenStatus {
        let Some(hours) = &stored.merchant.hours else { return OpenStatus::Unknown };
        match self.local_time(hours.zone()) {
            None => OpenStatus::Unknown,
            Some(time) if hours.is_open(time) => OpenStatus::Open,
            Some(_) => OpenStatus::Closed,
        }
    }

    fn local_time(&self, zone: &str) -> Option<LocalTime> {
        let mut computed = self.computed.borrow_mut();
        // A linear scan: the results of a search are in one zone, or in a few near a border.
        if let Some((_, time)) = computed.iter().find(|(name, _)| name == zone) {
            return *time;
        }
        let time = self.compute(zone);
        computed.push((zone.to_owned(), time));
        time
    }

    fn compute(&self, zone: &str) -> Option<LocalTime> {
        let time = self.at.to_zoned(TIME_ZONES.get(zone).ok()?);
        let day = day_number(time.date())?;
        let minute = i32::from(time.hour()) * 60 + i32::from(time.minute());
        Some(LocalTime { day, minute: u16::try_from(minute).ok()? })
    }
}
