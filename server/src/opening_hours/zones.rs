//! Time zones.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

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

/// Returns the zone with a name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TIME_ZONES.get(name).ok()
}
