//! Opening hours in files: expressions in the syntax of OpenStreetMap, and the time zones that they are in.

use std::sync::LazyLock;

use jiff::Timestamp;
use nearby_index::{AnyPosition, Position, Wgs84};
use nearby_proto::v1 as wire;
use tzf_rs::DefaultFinder;

use super::{
    hours_text::normalize,
    rows::{Row, Warnings},
    time_zone::{problem, time_zone},
};
use crate::{
    opening_hours::{
        Difference, Expression, HolidayCalendar, HolidayKind, country_at, first_difference, is_time_zone,
        region_code,
    },
    record::{hours_of, position_of},
};

/// Boundaries of time zones, of OpenStreetMap: 60 to 80 MiB of memory, loaded at the first row that needs them.
static ZONE_BOUNDARIES: LazyLock<DefaultFinder> = LazyLock::new(DefaultFinder::new);

/// Returns the opening hours that a row states as text and time zone: an expression, which is also returned parsed, or a text that is
/// only displayed.
pub(super) fn opening_hours(
    hours: &str,
    zone: &str,
    warnings: &mut Warnings,
) -> (Option<wire::OpeningHours>, Option<Expression>) {
    if hours.is_empty() && zone.is_empty() {
        return (None, None);
    }
    let time_zone = time_zone(zone);
    if time_zone.is_none() && !zone.is_empty() {
        warnings.push_about("TIME_ZONE_UNKNOWN", format!("{zone}: {}", problem(zone)));
    }
    let text = normalize(hours);
    let expression = Expression::parse(&text).ok();
    // The parser's error is about the text as it is written, not about a part of it that was converted.
    if expression.is_none()
        && !hours.is_empty()
        && let Err(error) = Expression::parse(hours)
    {
        warnings.push_about("HOURS_NOT_UNDERSTOOD", error.to_string());
    }
    let display_text = if expression.is_some() && text == hours { "" } else { hours };
    let opening_hours = wire::OpeningHours {
        time_zone: time_zone.unwrap_or_default(),
        display_text: display_text.to_owned(),
        osm_expression: expression.as_ref().map(|_| text.into_owned()).unwrap_or_default(),
        ..Default::default()
    };
    ((opening_hours != wire::OpeningHours::default()).then_some(opening_hours), expression)
}

/// Returns the text from which [`opening_hours`] reads the same hours; `None` if no text says all of them.
pub(super) fn text_of(hours: &wire::OpeningHours) -> Option<&str> {
    [&hours.osm_expression, &hours.display_text].into_iter().map(String::as_str).find(|text| {
        opening_hours(text, &hours.time_zone, &mut Warnings::default()).0.as_ref() == Some(hours)
    })
}

/// Completes the time zones of expressions, and checks those of NDJSON files.
#[derive(Debug)]
pub(crate) struct HoursConverter {
    time_zone: Option<String>,
    calendar: HolidayCalendar,
}

impl Default for HoursConverter {
    /// Takes time zones from positions, and holidays from the built-in calendar.
    fn default() -> Self {
        Self::new(None, HolidayCalendar::built_in())
    }
}

impl HoursConverter {
    /// Creates a converter. `time_zone` applies to hours that name none; without it, they are in the zone of their position.
    pub(crate) fn new(time_zone: Option<String>, calendar: HolidayCalendar) -> Self {
        Self { time_zone, calendar }
    }

    /// Keeps a text that is no expression as the hours to display, so that the state is unknown, and warns about it.
    pub(super) fn convert(&self, mut row: Row) -> Row {
        let Ok(merchant) = &mut row.merchant else { return row };
        let place = Place::of(merchant);
        let Some(hours) = merchant.opening_hours.as_mut().filter(|hours| !hours.osm_expression.is_empty())
        else {
            return row;
        };
        let parsed = row.expression.take().map_or_else(|| Expression::parse(&hours.osm_expression), Ok);
        match parsed {
            Err(error) => {
                row.warnings.push_about("HOURS_NOT_UNDERSTOOD", error.to_string());
                let text = std::mem::take(&mut hours.osm_expression);
                if hours.display_text.is_empty() {
                    hours.display_text = text;
                }
            }
            Ok(expression) => {
                self.warn_of_holidays(&expression, &place, &mut row.warnings);
                if hours.time_zone.is_empty() {
                    self.complete_time_zone(hours, &place, &mut row.warnings);
                }
            }
        }
        row
    }

    /// Reads the displayed hours of a stored merchant as an expression. Returns the hours with it, and when they first differ from
    /// those that are stored, from a moment on. `None` if they do not differ, if the text is no expression, and for a merchant that
    /// has an expression already, or special days, which a text does not contain.
    pub(crate) fn corrected(
        &self,
        stored: &wire::Merchant,
        from: Timestamp,
    ) -> Option<(wire::OpeningHours, Difference)> {
        let before = stored.opening_hours.as_ref()?;
        if before.display_text.is_empty()
            || !before.osm_expression.is_empty()
            || !before.special_days.is_empty()
        {
            return None;
        }
        let place = Place::of(stored);
        let (hours, expression) =
            opening_hours(&before.display_text, &before.time_zone, &mut Warnings::default());
        let (mut hours, expression) = (hours?, expression?);
        if hours.time_zone.is_empty() {
            hours.time_zone = self.zone_of(&place)?;
        }
        let position = AnyPosition::Wgs84(place.position?);
        let after = wire::Merchant { opening_hours: Some(hours.clone()), ..stored.clone() };
        let (before, after) =
            (hours_of(stored, position, None), hours_of(&after, position, Some(expression))?);
        let difference = first_difference(before.as_ref(), &after, &self.calendar, from)?;
        Some((hours, difference))
    }

    fn warn_of_holidays(&self, expression: &Expression, place: &Place, warnings: &mut Warnings) {
        for (kind, code) in
            [(HolidayKind::Public, "HOLIDAYS_UNKNOWN"), (HolidayKind::School, "SCHOOL_HOLIDAYS_UNKNOWN")]
        {
            if expression.names_holidays(kind) {
                let region = place.region();
                if !self.calendar.has(region, kind) {
                    let country = region.map(|code| String::from_utf8_lossy(&code).into_owned());
                    warnings.push_about(code, country.unwrap_or_else(|| "no country".to_owned()));
                }
            }
        }
    }

    /// Returns the zone of hours that name none.
    fn zone_of(&self, place: &Place) -> Option<String> {
        self.time_zone.clone().or_else(|| place.position.and_then(zone_at))
    }

    fn complete_time_zone(&self, hours: &mut wire::OpeningHours, place: &Place, warnings: &mut Warnings) {
        match self.zone_of(place) {
            Some(zone) => hours.time_zone = zone,
            None => {
                warnings.push("HOURS_WITHOUT_TIME_ZONE");
                hours.display_text = std::mem::take(&mut hours.osm_expression);
            }
        }
    }
}

/// The facts that decide the calendar and the time zone of a merchant's hours.
struct Place {
    region_code: Option<[u8; 2]>,
    position: Option<Position<Wgs84>>,
}

impl Place {
    fn of(merchant: &wire::Merchant) -> Self {
        let code = merchant.address.as_ref().map_or("", |address| &address.region_code);
        let position = merchant.position.as_ref().and_then(position_of);
        Self { region_code: region_code(code), position: position.map(AnyPosition::to_wgs84) }
    }

    fn region(&self) -> Option<[u8; 2]> {
        self.region_code.or_else(|| self.position.and_then(country_at))
    }
}

/// Returns the time zone at a position, if the database of this build has it. Boundaries are simplified: within about 100 m of one,
/// it may be the zone beside it.
fn zone_at(position: Position<Wgs84>) -> Option<String> {
    let name = ZONE_BOUNDARIES.get_tz_name(position.longitude_deg(), position.latitude_deg());
    is_time_zone(name).then(|| name.to_owned())
}
