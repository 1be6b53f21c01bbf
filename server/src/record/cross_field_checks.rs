//! Rules about several fields of a merchant, which an update of one of them can break.

use nearby_proto::v1 as wire;

use super::listing::micros_of;
use crate::{
    error::{ServiceError, Violation},
    reason::{self, Reason},
};

/// Checks the rules; `path` is the merchant's field in the request.
pub(crate) fn check(path: &str, given: &wire::Merchant) -> Result<(), ServiceError> {
    let mut violations = Vec::new();
    let mut fail = |field: &str, reason: Reason, description: &str| {
        let field = if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        violations.push(Violation { field, reason, description: description.to_owned() });
    };
    check_links(given, &mut fail);
    if given.reopening_date.is_some() && given.business_status() != wire::BusinessStatus::ClosedTemporarily {
        let description = "must be unset unless business_status is BUSINESS_STATUS_CLOSED_TEMPORARILY";
        fail("reopening_date", reason::UNEXPECTED, description);
    }
    let (from, until) =
        (given.valid_from.as_ref().and_then(micros_of), given.valid_until.as_ref().and_then(micros_of));
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        fail("valid_until", reason::OUT_OF_RANGE, "must be after valid_from");
    }
    if violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(violations)) }
}

/// Checks that each link is about a service that the merchant offers, and the only one about it.
fn check_links(given: &wire::Merchant, fail: &mut impl FnMut(&str, Reason, &str)) {
    for (number, link) in given.service_links.iter().enumerate() {
        let field = format!("service_links[{number}].service");
        if !given.services.contains(&link.service) {
            let description =
                "must be one of the services of the merchant; add it to services, or remove the link";
            fail(&field, reason::NOT_A_SERVICE, description);
        }
        if given.service_links.iter().take(number).any(|other| other.service == link.service) {
            fail(&field, reason::REPEATED, "must differ from the services of the other links");
        }
    }
}
