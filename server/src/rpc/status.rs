//! The one place where an error becomes a gRPC status.
//!
//! A status travels in HTTP/2 trailers. Clients on gRPC's C core refuse more than 8 KiB of them now and then and more
//! than 16 KiB always, and their callers see RESOURCE_EXHAUSTED instead of the error. So message and details are
//! bounded here, whatever was wrong with the request.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::convert::name_of;
use crate::error::{ServiceError, Violation};

/// Domain of the reasons in google.rpc.ErrorInfo.
const DOMAIN: &str = "nearby";
/// When to try again what fails for a moment.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Longest message. In the trailers it stands twice, once with three bytes for each that is not ASCII.
const MOST_MESSAGE_BYTES: usize = 500;
/// Room for the violations of a request, which the trailers hold in base64.
const MOST_VIOLATION_BYTES: usize = 2_500;

impl From<ServiceError> for Status {
    fn from(error: ServiceError) -> Self {
        let (code, reason) = match &error {
            ServiceError::Invalid(_) => (Code::InvalidArgument, "INVALID_ARGUMENT"),
            ServiceError::NotFound(_) => (Code::NotFound, "MERCHANT_NOT_FOUND"),
            ServiceError::AlreadyExists(_) => (Code::AlreadyExists, "MERCHANT_EXISTS"),
            ServiceError::Conflict(_) => (Code::Aborted, "ETAG_MISMATCH"),
            ServiceError::NotReady(_) => (Code::Unavailable, "NOT_READY"),
            ServiceError::Overloaded => (Code::ResourceExhausted, "TOO_MANY_WRITES"),
            ServiceError::ReadOnly => (Code::Unavailable, "STORE_READ_ONLY"),
            ServiceError::Internal(_) => (Code::Internal, "INTERNAL"),
        };
        let mut message = error.to_string();
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
        match &error {
            ServiceError::Invalid(violations) => {
                let told = violations_that_fit(violations);
                let untold = violations.len() - told.len();
                if untold > 0 {
                    message = format!("{untold} more violations than are told here; {message}");
                }
                details.set_bad_request(told);
            }
            ServiceError::NotFound(id) | ServiceError::AlreadyExists(id) | ServiceError::Conflict(id) => {
                details.set_resource_info("nearby.v1.Merchant", name_of(id), "", error.to_string());
            }
            ServiceError::NotReady(_) | ServiceError::Overloaded => {
                details.set_retry_info(Some(RETRY_AFTER));
            }
            ServiceError::ReadOnly | ServiceError::Internal(_) => {}
        }
        while message.len() > MOST_MESSAGE_BYTES {
            message.pop();
        }
        Self::with_error_details(code, message, details)
    }
}

/// As many violations as there is room for, from the first on.
fn violations_that_fit(violations: &[Violation]) -> Vec<FieldViolation> {
    let mut bytes = 0;
    let fitting = violations.iter().take_while(|violation| {
        bytes += violation.field.len() + violation.reason.len() + violation.description.len() + 16;
        bytes <= MOST_VIOLATION_BYTES
    });
    fitting
        .map(|violation| FieldViolation {
            reason: violation.reason.to_owned(),
            ..FieldViolation::new(&violation.field, &violation.description)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every client must be able to receive every error.
    #[test]
    fn a_status_fits_into_trailers_whatever_was_wrong() {
        let violation = |number: usize| Violation {
            field: format!("merchant.opening_hours.special_days[{number}].periods[0].length_minutes"),
            reason: "COORDINATE_SYSTEM_UNSPECIFIED",
            description: "é".repeat(100),
        };
        for count in [1, 5, 3_200] {
            let status = Status::from(ServiceError::Invalid((0..count).map(violation).collect()));
            let response = status.clone().into_http::<()>();
            let trailers = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
            assert!(trailers.sum::<usize>() < 7_000);
            let told = status.get_details_bad_request().unwrap().field_violations;
            assert!(told.len() == count || (told.len() >= 5 && status.message().contains("more violations")));
            assert_eq!(told[0].reason, "COORDINATE_SYSTEM_UNSPECIFIED");
        }
    }
}
