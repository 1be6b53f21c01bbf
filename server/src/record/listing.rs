//! State of a listing: visibility, business status, validity and review, which together decide whether searches return a merchant.

use jiff::civil::Date;
use nearby_index::{Merchant, UnixMicros, Validity, Visibility};
use nearby_proto::{v1 as wire, well_known::Timestamp};

use super::partial_decode;
use crate::opening_hours::first_instant;

/// The visibility to searches, apart from the validity, which depends on the time.
pub(crate) fn visibility_of(given: &wire::Merchant) -> Visibility {
    let is_visible = match given.visibility() {
        wire::Visibility::Visible | wire::Visibility::Unspecified => true,
        wire::Visibility::Hidden | wire::Visibility::Missing => false,
    };
    let is_closed = given.business_status() == wire::BusinessStatus::ClosedPermanently;
    if is_visible && !is_closed && is_approved(given.review.as_ref()) {
        Visibility::Visible
    } else {
        Visibility::Hidden
    }
}

fn is_approved(review: Option<&wire::Review>) -> bool {
    match review.map(wire::Review::state) {
        None | Some(wire::ReviewState::Unspecified | wire::ReviewState::Approved) => true,
        Some(wire::ReviewState::Pending | wire::ReviewState::Rejected) => false,
    }
}

/// The time during which searches may return a merchant.
pub(crate) fn validity_of(given: &wire::Merchant) -> Validity {
    Validity {
        from: given.valid_from.as_ref().and_then(micros_of),
        until: given.valid_until.as_ref().and_then(micros_of),
    }
}

/// The time until which a merchant is closed whatever its hours.
pub(crate) fn closed_until(given: &wire::Merchant) -> Option<UnixMicros> {
    if given.business_status() != wire::BusinessStatus::ClosedTemporarily {
        return None;
    }
    let date = given.reopening_date.as_ref().and_then(date_of);
    let zone = given.opening_hours.as_ref().map_or("", |hours| hours.time_zone.as_str());
    let zone = if zone.is_empty() { "UTC" } else { zone };
    Some(date.and_then(|date| first_instant(date, zone)).unwrap_or(UnixMicros(i64::MAX)))
}

/// A date, if it exists.
pub(crate) fn date_of(given: &wire::CalendarDate) -> Option<Date> {
    let year = i16::try_from(given.year).ok().filter(|year| (1..=9999).contains(year))?;
    Date::new(year, i8::try_from(given.month).ok()?, i8::try_from(given.day).ok()?).ok()
}

/// The point in time, if it is in the years 1 to 9999.
pub(crate) fn micros_of(given: &Timestamp) -> Option<UnixMicros> {
    /// The first second of year 1.
    const FIRST: i64 = -62_135_596_800;
    let fraction = u32::try_from(given.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)? / 1_000;
    let micros = given.seconds.checked_mul(1_000_000)?.checked_add(i64::from(fraction))?;
    // Calendars end a few hours before year 9999 does, so that the last point in time has a local date in every zone.
    let is_representable = jiff::Timestamp::from_microsecond(micros).is_ok();
    (given.seconds >= FIRST && is_representable).then_some(UnixMicros(micros))
}

/// The review of a stored merchant; `None` if it is approved.
pub(crate) fn review_of(merchant: &Merchant) -> Option<wire::Review> {
    // A merchant that is not approved is hidden: the profiles of all others need not be decoded.
    if merchant.visibility == Visibility::Visible {
        return None;
    }
    partial_decode::review(&merchant.profile).filter(|review| !is_approved(Some(review)))
}

/// Returns whether the review of a merchant is pending.
pub(crate) fn is_review_pending(merchant: &Merchant) -> bool {
    review_of(merchant).is_some_and(|review| review.state() == wire::ReviewState::Pending)
}
