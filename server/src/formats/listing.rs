//! Business status, reopening date and validity, in the cells of a table.

use jiff::{Timestamp as Time, civil::Date};
use nearby_proto::{v1 as wire, well_known::Timestamp};

use super::{
    field::{Cells, Field},
    rows::violation,
};
use crate::{error::Violation, reason};

/// Sets the fields of a merchant from the cells of its row.
pub(super) fn read(cells: &Cells<'_>, merchant: &mut wire::Merchant) -> Result<(), Violation> {
    merchant.business_status = business_status_of(cells.text(Field::BusinessStatus))?.into();
    merchant.reopening_date = date_of(cells.text(Field::ReopeningDate))?;
    merchant.valid_from = time_of("valid_from", cells.text(Field::ValidFrom))?;
    merchant.valid_until = time_of("valid_until", cells.text(Field::ValidUntil))?;
    Ok(())
}

/// Returns the text of a business status; empty for the default.
pub(super) fn business_status(status: wire::BusinessStatus) -> &'static str {
    match status {
        wire::BusinessStatus::Unspecified => "",
        wire::BusinessStatus::Operational => "operational",
        wire::BusinessStatus::ClosedTemporarily => "closed_temporarily",
        wire::BusinessStatus::ClosedPermanently => "closed_permanently",
    }
}

fn business_status_of(text: &str) -> Result<wire::BusinessStatus, Violation> {
    let mut all = (0..).map_while(|number| wire::BusinessStatus::try_from(number).ok());
    all.find(|status| business_status(*status).eq_ignore_ascii_case(text)).ok_or_else(|| {
        let description = "must be operational, closed_temporarily or closed_permanently";
        violation("business_status", reason::OUT_OF_RANGE, description)
    })
}

/// Returns a date as in ISO 8601.
pub(super) fn date(date: &wire::CalendarDate) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

fn date_of(text: &str) -> Result<Option<wire::CalendarDate>, Violation> {
    if text.is_empty() {
        return Ok(None);
    }
    let date: Date = text.parse().map_err(|_| {
        violation("reopening_date", reason::OUT_OF_RANGE, "must be a date such as 2026-03-01")
    })?;
    let (year, month, day) = (date.year().into(), date.month().into(), date.day().into());
    Ok(Some(wire::CalendarDate { year, month, day }))
}

/// Returns a point in time as in RFC 3339; empty for one that has none, which no server returns.
pub(super) fn time(time: &Timestamp) -> String {
    Time::new(time.seconds, time.nanos).map(|time| time.to_string()).unwrap_or_default()
}

fn time_of(field: &str, text: &str) -> Result<Option<Timestamp>, Violation> {
    if text.is_empty() {
        return Ok(None);
    }
    let time = parse_time(text).ok_or_else(|| {
        let description = "must be a time with an offset, such as 2026-03-01T08:00:00+02:00";
        violation(field, reason::OUT_OF_RANGE, description)
    })?;
    Ok(Some(time))
}

/// Parses a date, a time and a UTC offset as in RFC 3339.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let time: Time = text.parse().ok()?;
    // Below zero, both parts of the library's value are negative.
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    let (seconds, nanos) = if nanos < 0 { (seconds - 1, nanos + 1_000_000_000) } else { (seconds, nanos) };
    Some(Timestamp { seconds, nanos })
}
