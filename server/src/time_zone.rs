//! Names of time zones.

use std::sync::LazyLock;

use jiff::tz::TimeZoneDatabase;

/// The time zones that this build carries, the same on every machine.
static TIME_ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Whether IANA's database has a zone, or a link, of this name, in its spelling.
pub(crate) fn is_time_zone(name: &str) -> bool {
    TIME_ZONES.get(name).is_ok_and(|zone| zone.iana_name() == Some(name))
}
