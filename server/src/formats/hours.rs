//! Converts the opening hours of a row: their text and time zone.

use nearby_proto::v1 as wire;

use super::{
    hours_text::normalize,
    osm_hours::weekly_periods,
    rows::Warnings,
    time_zone::{problem, time_zone},
};

pub(super) fn opening_hours(hours: &str, zone: &str, warnings: &mut Warnings) -> Option<wire::OpeningHours> {
    let time_zone = time_zone(zone);
    if time_zone.is_none() && !zone.is_empty() {
        warnings.push_about("TIME_ZONE_UNKNOWN", format!("{zone}: {}", problem(zone)));
    }
    let mut opening_hours = wire::OpeningHours {
        time_zone: time_zone.unwrap_or_default(),
        display_text: hours.to_owned(),
        ..Default::default()
    };
    if !hours.is_empty() {
        match weekly_periods(&normalize(hours)) {
            Err(_) => warnings.push("HOURS_NOT_UNDERSTOOD"),
            Ok(_) if opening_hours.time_zone.is_empty() => warnings.push("HOURS_WITHOUT_TIME_ZONE"),
            Ok(week) => {
                if week.omits_holidays {
                    warnings.push("HOURS_OF_HOLIDAYS_LEFT_OUT");
                }
                opening_hours.weekly_periods = week.periods;
            }
        }
    }
    (opening_hours != wire::OpeningHours::default()).then_some(opening_hours)
}
