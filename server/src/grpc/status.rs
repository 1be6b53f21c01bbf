//! The one place where an error becomes a gRPC status.
//!
//! A status travels in HTTP/2 trailers. Clients on gRPC's C core refuse more than 8 KiB of them now and then and more
//! than 16 KiB always, and their callers see RESOURCE_EXHAUSTED instead of the error. So message and details are
//! bounded here, whatever was wrong with the request.

use std::{collections::HashMap, time::Duration};

use tonic::{
    Code, Status,
    metadata::{Ascii, MetadataValue},
};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::convert::name_of;
use crate::{
    auth::{Exceeded, Refused},
    error::{Quota, ServiceError, Violation},
    reason::{self, Reason},
    telemetry::metrics::CODES,
};

/// Domain of the reasons in google.rpc.ErrorInfo.
const DOMAIN: &str = "nearby";
/// The type of google.rpc.ResourceInfo.
const MERCHANT: &str = "nearby.v1.Merchant";
/// When to try again what fails for a moment.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// When to try again what finds no room: somebody has to make some.
const RETRY_FULL_DISK_AFTER: Duration = Duration::from_secs(10);
/// Longest message. In the trailers it stands twice, once with three bytes for each that is not ASCII.
const MOST_MESSAGE_BYTES: usize = 500;
/// Room for the violations of a request, which the trailers hold in base64.
const MOST_VIOLATION_BYTES: usize = 2_500;

impl From<ServiceError> for Status {
    fn from(error: ServiceError) -> Self {
        let (code, reason) = code_and_reason(&error);
        let mut message = error.to_string();
        let mut details = ErrorDetails::with_error_info(reason.as_str(), DOMAIN, HashMap::new());
        match &error {
            ServiceError::Invalid(violations) => {
                let told = violations_that_fit(violations);
                let untold = violations.len() - told.len();
                if untold > 0 {
                    message = format!("{untold} more violations than are told here; {message}");
                }
                details.set_bad_request(told);
            }
            ServiceError::NotFound(id) | ServiceError::AlreadyExists(id) => {
                details.set_resource_info(MERCHANT, name_of(id), "", error.to_string());
            }
            ServiceError::Conflict(id) => {
                details.set_resource_info(MERCHANT, name_of(id), "", error.to_string());
                details.add_precondition_failure_violation("ETAG", name_of(id), error.to_string());
            }
            ServiceError::NotReady(_) | ServiceError::Busy => {
                details.set_retry_info(Some(RETRY_AFTER));
            }
            ServiceError::DiskFull => {
                details.set_retry_info(Some(RETRY_FULL_DISK_AFTER));
            }
            ServiceError::Overloaded(quota) => {
                let subject = match quota {
                    Quota::Writes => "nearby/waiting-writes",
                    Quota::Watchers => "nearby/watchers",
                    Quota::Backups => "nearby/backups",
                };
                details.add_quota_failure_violation(subject, error.to_string());
                details.set_retry_info(Some(RETRY_AFTER));
            }
            ServiceError::RevisionTooOld { .. } | ServiceError::RevisionInFuture { .. } => {
                details.add_precondition_failure_violation("REVISION", "revision", error.to_string());
            }
            ServiceError::QuotaExceeded(exceeded) => {
                details.add_quota_failure_violation("nearby/caller", error.to_string());
                if let Exceeded::Until(wait) = exceeded {
                    details.set_retry_info(Some(*wait));
                }
            }
            ServiceError::AddressQuotaExceeded(wait) => {
                details.add_quota_failure_violation("nearby/address", error.to_string());
                details.set_retry_info(Some(*wait));
            }
            ServiceError::RoleMissing(role) => {
                let metadata = HashMap::from([("role".to_owned(), role.to_string())]);
                details.set_error_info(reason.as_str(), DOMAIN, metadata);
            }
            ServiceError::HiddenNotAllowed
            | ServiceError::Unauthenticated(_)
            | ServiceError::AnswerTooLarge(_)
            | ServiceError::TooManyCells(_)
            | ServiceError::WatcherTooSlow(_)
            | ServiceError::DeadlineExceeded
            | ServiceError::ReadOnly
            | ServiceError::Internal(_) => {}
        }
        let mut status = Self::with_error_details(code, shortened(message), details);
        if let Some(pushback_ms) = pushback(&error) {
            status.metadata_mut().insert("grpc-retry-pushback-ms", pushback_ms);
        }
        status
    }
}

/// After how many milliseconds to try again, or never. Clients that retry by a service config look at neither reasons nor
/// google.rpc.RetryInfo, but they heed this.
fn pushback(error: &ServiceError) -> Option<MetadataValue<Ascii>> {
    match error {
        ServiceError::NotReady(_) | ServiceError::Busy => Some(MetadataValue::from_static("500")),
        ServiceError::ReadOnly | ServiceError::QuotaExceeded(Exceeded::Burst(_)) => {
            Some(MetadataValue::from_static("-1"))
        }
        ServiceError::QuotaExceeded(Exceeded::Until(wait)) | ServiceError::AddressQuotaExceeded(wait) => {
            (wait.as_millis() + 1).to_string().parse().ok()
        }
        _ => None,
    }
}

/// An error that was not made in this house, with a reason.
pub(crate) fn explained(code: Code, reason: Reason, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason.as_str(), DOMAIN, HashMap::new());
    Status::with_error_details(code, shortened(message.to_owned()), details)
}

fn code_and_reason(error: &ServiceError) -> (Code, Reason) {
    match error {
        ServiceError::Invalid(_) => (Code::InvalidArgument, reason::INVALID_ARGUMENT),
        ServiceError::NotFound(_) => (Code::NotFound, reason::MERCHANT_NOT_FOUND),
        ServiceError::AlreadyExists(_) => (Code::AlreadyExists, reason::MERCHANT_EXISTS),
        ServiceError::Conflict(_) => (Code::Aborted, reason::ETAG_MISMATCH),
        ServiceError::Unauthenticated(Refused::Missing) => {
            (Code::Unauthenticated, reason::CREDENTIALS_MISSING)
        }
        ServiceError::Unauthenticated(Refused::Unknown) => {
            (Code::Unauthenticated, reason::CREDENTIALS_INVALID)
        }
        ServiceError::Unauthenticated(Refused::Expired) => {
            (Code::Unauthenticated, reason::CREDENTIALS_EXPIRED)
        }
        ServiceError::Unauthenticated(Refused::Revoked) => {
            (Code::Unauthenticated, reason::CREDENTIALS_REVOKED)
        }
        ServiceError::RoleMissing(_) => (Code::PermissionDenied, reason::ROLE_MISSING),
        ServiceError::QuotaExceeded(_) | ServiceError::AddressQuotaExceeded(_) => {
            (Code::ResourceExhausted, reason::QUOTA_EXCEEDED)
        }
        ServiceError::HiddenNotAllowed => (Code::PermissionDenied, reason::HIDDEN_NOT_ALLOWED),
        ServiceError::AnswerTooLarge(_) => (Code::OutOfRange, reason::ANSWER_TOO_LARGE),
        ServiceError::TooManyCells(_) => (Code::OutOfRange, reason::TOO_MANY_CELLS),
        ServiceError::RevisionTooOld { .. } => (Code::OutOfRange, reason::REVISION_TOO_OLD),
        ServiceError::RevisionInFuture { .. } => (Code::OutOfRange, reason::REVISION_IN_FUTURE),
        ServiceError::WatcherTooSlow(_) => (Code::Aborted, reason::WATCHER_TOO_SLOW),
        ServiceError::DeadlineExceeded => (Code::DeadlineExceeded, reason::DEADLINE_EXCEEDED),
        ServiceError::NotReady(_) => (Code::Unavailable, reason::NOT_READY),
        ServiceError::Busy => (Code::Unavailable, reason::OVERLOADED),
        ServiceError::Overloaded(Quota::Writes) => (Code::ResourceExhausted, reason::TOO_MANY_WRITES),
        ServiceError::Overloaded(Quota::Watchers) => (Code::ResourceExhausted, reason::TOO_MANY_WATCHERS),
        ServiceError::Overloaded(Quota::Backups) => (Code::ResourceExhausted, reason::TOO_MANY_BACKUPS),
        ServiceError::DiskFull => (Code::ResourceExhausted, reason::DISK_FULL),
        ServiceError::ReadOnly => (Code::Unavailable, reason::STORE_READ_ONLY),
        ServiceError::Internal(_) => (Code::Internal, reason::INTERNAL),
    }
}

/// gRPC's name of a code.
pub(super) fn code_name(code: Code) -> &'static str {
    let number = usize::try_from(i32::from(code)).unwrap_or_default();
    CODES.get(number).copied().unwrap_or("UNKNOWN")
}

/// The stable word for an error.
pub(super) fn reason_of(error: &ServiceError) -> Reason {
    code_and_reason(error).1
}

fn shortened(mut message: String) -> String {
    while message.len() > MOST_MESSAGE_BYTES {
        message.pop();
    }
    message
}

/// As many violations as there is room for, from the first on.
fn violations_that_fit(violations: &[Violation]) -> Vec<FieldViolation> {
    let mut bytes = 0;
    let fitting = violations.iter().take_while(|violation| {
        bytes += violation.field.len() + violation.reason.as_str().len() + violation.description.len() + 16;
        bytes <= MOST_VIOLATION_BYTES
    });
    fitting
        .map(|violation| FieldViolation {
            reason: violation.reason.as_str().to_owned(),
            ..FieldViolation::new(&violation.field, &violation.description)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use nearby_index::{MerchantId, Revision};

    use super::*;
    use crate::{auth::Role, grpc::middleware::error_details::explain};

    /// Every client must be able to receive every error.
    #[test]
    fn a_status_fits_into_trailers_whatever_was_wrong() {
        let violation = |number: usize| Violation {
            field: format!("merchant.opening_hours.special_days[{number}].periods[0].length_minutes"),
            reason: reason::COORDINATE_SYSTEM_UNSPECIFIED,
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

    /// The codes in the document are those that calls end with.
    #[test]
    fn every_reason_of_a_call_has_the_code_that_the_document_says() {
        let id = || MerchantId::parse("a").unwrap();
        let (asked, now) = (Revision(2), Revision(1));
        let errors = [
            ServiceError::Invalid(Vec::new()),
            ServiceError::NotFound(id()),
            ServiceError::AlreadyExists(id()),
            ServiceError::Conflict(id()),
            ServiceError::Unauthenticated(Refused::Missing),
            ServiceError::Unauthenticated(Refused::Unknown),
            ServiceError::Unauthenticated(Refused::Expired),
            ServiceError::Unauthenticated(Refused::Revoked),
            ServiceError::RoleMissing(Role::Manage),
            ServiceError::QuotaExceeded(Exceeded::Until(Duration::from_millis(3))),
            ServiceError::AddressQuotaExceeded(Duration::from_millis(3)),
            ServiceError::HiddenNotAllowed,
            ServiceError::AnswerTooLarge(1),
            ServiceError::TooManyCells(1),
            ServiceError::RevisionTooOld { asked, earliest: now },
            ServiceError::RevisionInFuture { asked, now },
            ServiceError::WatcherTooSlow(Duration::ZERO),
            ServiceError::DeadlineExceeded,
            ServiceError::NotReady("x"),
            ServiceError::Busy,
            ServiceError::Overloaded(Quota::Writes),
            ServiceError::Overloaded(Quota::Watchers),
            ServiceError::Overloaded(Quota::Backups),
            ServiceError::ReadOnly,
            ServiceError::DiskFull,
            ServiceError::Internal("x"),
        ];
        let from_below = [
            Status::unimplemented(""),
            Status::unimplemented("Content is compressed with `gzip` which isn't supported"),
            Status::out_of_range("too large"),
            Status::internal("failed to decode Protobuf message"),
        ];
        let statuses = errors.map(Status::from).into_iter().chain(from_below.map(|status| explain(&status)));
        let mut said: Vec<(String, String)> = statuses
            .map(|status| {
                let info = status.get_details_error_info().unwrap();
                assert_eq!(info.domain, DOMAIN);
                (info.reason, code_name(status.code()).to_owned())
            })
            .collect();
        said.sort();
        said.dedup();
        let document = include_str!("../../../proto/ERRORS.md");
        let calls = document.split("\n## ").find(|section| section.starts_with("Reasons of calls")).unwrap();
        let rows = calls.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let written: Vec<(String, String)> = rows
            .map(|(reason, rest)| (reason.to_owned(), rest.split_once(" | ").unwrap().0.to_owned()))
            .collect();
        assert_eq!(said, written);
    }
}
