//! Time zones: their names, and what their clocks show.

use std::{cell::RefCell, sync::LazyLock};

use jiff::{
    Timestamp,
    civil::{Date, date},
    tz::TimeZoneDatabase,
};
use nearby_index::{LocalTime, StoredMerchant, UnixMicros};

/// The time zones that this build carries, the same on every machine.
static TIME_ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Whether IANA's database has a zone, or a link, of this name, in its spelling.
pub(crate) fn is_time_zone(name: &str) -> bool {
    TIME_ZONES.get(name).is_ok_and(|zone| zone.iana_name() == Some(name))
}

/// Days since 1 January 1970.
pub(crate) fn day_number(day: Date) -> Option<i32> {
    day.since(date(1970, 1, 1)).ok().map(|span| span.get_days())
}

/// Whether a merchant is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    Yes,
    No,
    /// Nobody knows.
    Unknown,
}

/// The clocks of all time zones at one moment, each looked at once.
#[derive(Debug)]
pub(crate) struct Clocks {
    at: Timestamp,
    read: RefCell<Vec<(String, Option<LocalTime>)>>,
}

impl Clocks {
    /// `None` where the moment lies beyond what calendars can tell: outside the years −9999 to 9999.
    pub(crate) fn at(moment: UnixMicros) -> Option<Self> {
        let at = Timestamp::from_microsecond(moment.0).ok()?;
        Some(Self { at, read: RefCell::default() })
    }

    pub(crate) fn is_open(&self, stored: &StoredMerchant) -> Open {
        let Some(hours) = &stored.merchant.hours else { return Open::Unknown };
        match self.shown_in(hours.zone()) {
            None => Open::Unknown,
            Some(time) if hours.is_open(time) => Open::Yes,
            Some(_) => Open::No,
        }
    }

    fn shown_in(&self, zone: &str) -> Option<LocalTime> {
        let mut read = self.read.borrow_mut();
        // A search meets one zone, or a few at a border.
        if let Some((_, time)) = read.iter().find(|(name, _)| name == zone) {
            return *time;
        }
        let time = self.look_at(zone);
        read.push((zone.to_owned(), time));
        time
    }

    fn look_at(&self, zone: &str) -> Option<LocalTime> {
        let time = self.at.to_zoned(TIME_ZONES.get(zone).ok()?);
        let day = day_number(time.date())?;
        let minute = i32::from(time.hour()) * 60 + i32::from(time.minute());
        Some(LocalTime { day, minute: u16::try_from(minute).ok()? })
    }
}
