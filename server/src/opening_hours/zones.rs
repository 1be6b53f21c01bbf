//! Time zones.

use std::sync::LazyLock;

use jiff::{
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use nearby_index::UnixMicros;

/// The time zone database of this build, so that every machine computes the same local time.
static TIME_ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Returns the name of a zone or a link in the spelling of the IANA database, from any case.
pub(crate) fn iana_name(name: &str) -> Option<String> {
    zone(name)?.iana_name().map(str::to_owned)
}

/// Returns whether the IANA database contains a zone or a link with exactly this name.
pub(crate) fn is_time_zone(name: &str) -> bool {
    TIME_ZONES.get(name).is_ok_and(|zone| zone.iana_name() == Some(name))
}

/// Returns the first instant of a date in a zone.
pub(crate) fn first_instant(date: Date, zone_name: &str) -> Option<UnixMicros> {
    let start = date.to_zoned(zone(zone_name)?).ok()?;
    Some(UnixMicros(start.timestamp().as_microsecond()))
}

/// Returns the zone with a name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TIME_ZONES.get(name).ok()
}
