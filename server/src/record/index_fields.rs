//! Fields of a merchant that the index keeps beside its encoding: terms, opening hours and other details.

use std::sync::Arc;

use nearby_index::{
    AnyPosition, Details, ExpressionHours, Hours, Period, Position, ServiceArea, Term, TermKind, Terms,
    WeeklyHours, Wgs84,
};
use nearby_proto::v1 as wire;

use super::{
    area,
    listing::{closed_until, date_of, validity_of},
};
use crate::{
    error::ServiceError,
    opening_hours::{Expression, HolidayKind, country_at, day_number, region_code},
};

/// The area that a merchant serves.
pub(super) fn service_area_of(
    given: &wire::Merchant,
    position: AnyPosition,
) -> Result<Option<Arc<ServiceArea>>, ServiceError> {
    let area = given.service_area.as_ref().map(|area| area::service_area_of(area, position.to_wgs84()));
    area.transpose().map(|area| area.map(Arc::new)).map_err(|error| error.below("service_area"))
}

pub(super) fn terms_of(given: &wire::Merchant) -> Terms {
    let terms = |kind, names: &[String]| names.iter().map(|name| Term::new(kind, name)).collect::<Vec<_>>();
    let term = |kind, name: &str| (!name.is_empty()).then(|| Term::new(kind, name));
    let brand_and_source =
        [term(TermKind::Brand, &given.brand), term(TermKind::Source, &given.source)].into_iter().flatten();
    let categories = terms(TermKind::Category, &given.categories);
    let limited = (!validity_of(given).is_unlimited()).then(|| Term::new(TermKind::LimitedValidity, ""));
    let others = brand_and_source.chain(limited);
    categories.into_iter().chain(terms(TermKind::Service, &given.services)).chain(others).collect()
}

/// Details as the index keeps them. `expression` is the one of the opening hours, if the caller has parsed it.
pub(super) fn details_of(
    given: &wire::Merchant,
    position: AnyPosition,
    expression: Option<Expression>,
    service_area: Option<Arc<ServiceArea>>,
) -> Details {
    Details {
        hours: hours_of(given, position, expression).map(Hours::interned),
        attributes: given.attributes.iter().map(|(key, value)| (key.as_str(), *value)).collect(),
        validity: validity_of(given),
        closed_until: closed_until(given),
        service_area,
    }
}

/// Opening hours as the index keeps them; `None` if they state nothing. `expression` is theirs, if the caller has parsed it.
pub(crate) fn hours_of(
    given: &wire::Merchant,
    position: AnyPosition,
    expression: Option<Expression>,
) -> Option<Hours> {
    let hours = given.opening_hours.as_ref()?;
    if hours.osm_expression.is_empty() {
        return week_of(hours).map(Hours::Weekly);
    }
    // Hours that do not parse are rejected before they are stored.
    let expression = expression.or_else(|| Expression::parse(&hours.osm_expression).ok())?;
    let names_holidays =
        [HolidayKind::Public, HolidayKind::School].map(|kind| expression.names_holidays(kind));
    let region = names_holidays.contains(&true).then(|| region_of(given, position)).flatten();
    let position = expression.names_sun_events().then(|| rounded(position.to_wgs84())).flatten();
    Some(Hours::Expression(ExpressionHours::new(&hours.time_zone, &hours.osm_expression, region, position)))
}

/// Returns a position in its datum; `None` if the datum is not named or a coordinate is out of range.
pub(crate) fn position_of(given: &wire::Position) -> Option<AnyPosition> {
    area::position_in(given.coordinate_system(), given.latitude, given.longitude)?.ok()
}

/// Rounds a position to a hundredth of a degree, which moves sunrise by three seconds: merchants nearby share their hours.
fn rounded(position: Position<Wgs84>) -> Option<Position<Wgs84>> {
    let round = |degrees: f64| (degrees * 100.0).round() / 100.0;
    Position::new(round(position.latitude_deg()), round(position.longitude_deg())).ok()
}

/// Returns the country whose holidays apply to a merchant.
fn region_of(given: &wire::Merchant, position: AnyPosition) -> Option<[u8; 2]> {
    let of_address = given.address.as_ref().and_then(|address| region_code(&address.region_code));
    of_address.or_else(|| country_at(position.to_wgs84()))
}

fn week_of(given: &wire::OpeningHours) -> Option<WeeklyHours> {
    let period = |start_minute: i32, length_minutes: i32| {
        let (start_minute, length_minutes) = (u16::try_from(start_minute), u16::try_from(length_minutes));
        Some(Period { start_minute: start_minute.ok()?, length_minutes: length_minutes.ok()? })
    };
    let weekly = given.weekly_periods.iter().filter_map(|given| {
        let weekday = u8::try_from(given.weekday.checked_sub(1)?).ok()?;
        Some((weekday, period(given.start_minute, given.length_minutes)?))
    });
    let special = given.special_days.iter().filter_map(|given| {
        let periods =
            given.periods.iter().filter_map(|given| period(given.start_minute, given.length_minutes));
        Some((day_number(date_of(given.date.as_ref()?)?)?, periods.collect()))
    });
    WeeklyHours::new(&given.time_zone, weekly, special)
}
