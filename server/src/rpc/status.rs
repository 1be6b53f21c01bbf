//! The one place where an error becomes a gRPC status.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::convert::name_of;
use crate::error::ServiceError;

/// Domain of the reasons in google.rpc.ErrorInfo.
const DOMAIN: &str = "nearby";
/// When to try again what fails for a moment.
const RETRY_AFTER: Duration = Duration::from_millis(500);

impl From<ServiceError> for Status {
    fn from(error: ServiceError) -> Self {
        let (code, reason) = match &error {
            ServiceError::Invalid(_) => (Code::InvalidArgument, "INVALID_ARGUMENT"),
            ServiceError::NotFound(_) => (Code::NotFound, "MERCHANT_NOT_FOUND"),
            ServiceError::AlreadyExists(_) => (Code::AlreadyExists, "MERCHANT_EXISTS"),
            ServiceError::Conflict(_) => (Code::Aborted, "ETAG_MISMATCH"),
            ServiceError::NotReady(_) => (Code::Unavailable, "NOT_READY"),
            ServiceError::Overloaded => (Code::ResourceExhausted, "TOO_MANY_WRITES"),
            ServiceError::ReadOnly(_) => (Code::Unavailable, "STORE_READ_ONLY"),
            ServiceError::Internal(_) => (Code::Internal, "INTERNAL"),
        };
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
        match &error {
            ServiceError::Invalid(violations) => {
                let fields: Vec<FieldViolation> = violations
                    .iter()
                    .map(|violation| {
                        FieldViolation::new(
                            &violation.field,
                            format!("{}: {}", violation.reason, violation.description),
                        )
                    })
                    .collect();
                details.set_bad_request(fields);
            }
            ServiceError::NotFound(id) | ServiceError::AlreadyExists(id) | ServiceError::Conflict(id) => {
                details.set_resource_info("nearby.v1.Merchant", name_of(id), "", error.to_string());
            }
            ServiceError::NotReady(_) | ServiceError::Overloaded => {
                details.set_retry_info(Some(RETRY_AFTER));
            }
            ServiceError::ReadOnly(_) | ServiceError::Internal(_) => {}
        }
        // A status line is for people and short; the details are complete.
        let message: String = error.to_string().chars().take(1_000).collect();
        Self::with_error_details(code, message, details)
    }
}
