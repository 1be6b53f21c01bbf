//! Checks opening hours.

use std::collections::BTreeSet;

use nearby_proto::v1 as wire;

use super::violations::Check;
use crate::{
    opening_hours::{Expression, is_time_zone},
    reason,
    record::listing::date_of,
};

/// Longest weekly period: a week.
const WEEK_MINUTES: i32 = 7 * 24 * 60;
const LAST_MINUTE_OF_DAY: i32 = 24 * 60 - 1;

/// Returns whether hours say when the merchant is open, and are not only a text to display.
pub(crate) fn are_known(hours: &wire::OpeningHours) -> bool {
    !(hours.weekly_periods.is_empty() && hours.special_days.is_empty() && hours.osm_expression.is_empty())
}

/// Checks opening hours. Returns their expression, if they have a valid one.
pub(super) fn check_hours(check: &mut Check, hours: &wire::OpeningHours) -> Option<Expression> {
    let has_hours = are_known(hours);
    if hours.time_zone.is_empty() {
        if has_hours {
            check.fail(
                "opening_hours.time_zone",
                reason::REQUIRED,
                "must name the IANA time zone that the hours are in, such as Asia/Shanghai",
            );
        }
    } else if !is_time_zone(&hours.time_zone) {
        check.fail(
            "opening_hours.time_zone",
            reason::TIME_ZONE_UNKNOWN,
            "must be a name from IANA's time zone database, such as Asia/Shanghai",
        );
    }
    check.text("opening_hours.display_text", &hours.display_text, 1_024);
    let expression = check_expression(check, hours);
    check.list("opening_hours.weekly_periods", &hours.weekly_periods, 64, |check, path, period| {
        match wire::Weekday::try_from(period.weekday) {
            Ok(wire::Weekday::Unspecified) | Err(_) => {
                check.fail(&format!("{path}.weekday"), reason::OUT_OF_RANGE, "must name a weekday");
            }
            Ok(_) => {}
        }
        check_period(check, path, period.start_minute, period.length_minutes, WEEK_MINUTES);
    });
    let mut dates = BTreeSet::new();
    check.list("opening_hours.special_days", &hours.special_days, 400, |check, path, day| {
        match day.date.as_ref().and_then(date_of) {
            None => check.fail(&format!("{path}.date"), reason::OUT_OF_RANGE, "must be a date that exists"),
            Some(date) if !dates.insert(date) => {
                check.fail(&format!("{path}.date"), reason::REPEATED, "must occur once only");
            }
            Some(_) => {}
        }
        check.list(&format!("{path}.periods"), &day.periods, 8, |check, path, period| {
            check_period(check, path, period.start_minute, period.length_minutes, 2 * 24 * 60);
        });
    });
    expression
}

fn check_expression(check: &mut Check, hours: &wire::OpeningHours) -> Option<Expression> {
    const PATH: &str = "opening_hours.osm_expression";

    if hours.osm_expression.is_empty() {
        return None;
    }
    check.text(PATH, &hours.osm_expression, 1_024);
    if hours.osm_expression.len() > 1_024 {
        return None;
    }
    let expression = Expression::parse(&hours.osm_expression).inspect_err(|error| {
        let description = format!("must be an opening_hours expression of OpenStreetMap: {error}");
        check.fail(PATH, reason::HOURS_INVALID, description);
    });
    for (field, is_empty) in
        [("weekly_periods", hours.weekly_periods.is_empty()), ("special_days", hours.special_days.is_empty())]
    {
        if !is_empty {
            let description = "must be empty beside osm_expression, which states the same";
            check.fail(&format!("opening_hours.{field}"), reason::UNEXPECTED, description);
        }
    }
    expression.ok()
}

fn check_period(check: &mut Check, path: &str, start_minute: i32, length_minutes: i32, max_minutes: i32) {
    check.range(&format!("{path}.start_minute"), start_minute, 0..=LAST_MINUTE_OF_DAY);
    check.range(&format!("{path}.length_minutes"), length_minutes, 1..=max_minutes);
}
