//! Converts errors to gRPC statuses, in one place.
//!
//! A status travels in HTTP/2 trailers. Clients on gRPC's C core refuse more than 8 KiB of them now and then and more
//! than 16 KiB always, and their callers see RESOURCE_EXHAUSTED instead of the error. Message and details are therefore
//! bounded here, whatever the request.

use std::{collections::HashMap, time::Duration};

use nearby_proto::CODE_NAMES;
use tonic::{
    Code, Status,
    metadata::{Ascii, MetadataValue},
};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::{
    auth::{AuthError, rate_limit::Exceeded},
    error::{LimitedResource, ServiceError, Violation},
    reason::{self, Reason},
    record::name_of,
};

/// Domain of the reasons in google.rpc.ErrorInfo.
const DOMAIN: &str = "nearby";
/// The type of google.rpc.ResourceInfo.
const MERCHANT: &str = "nearby.v1.Merchant";
/// Retry delay of temporary errors.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// Retry delay while the disk is full, which an operator has to resolve.
const DISK_FULL_RETRY_DELAY: Duration = Duration::from_secs(10);
/// Longest message. The trailers contain it twice, once with three bytes for each byte that is not ASCII.
const MAX_MESSAGE_BYTES: usize = 500;
/// Bytes of the violations of a request, which the trailers contain in base64.
const MAX_VIOLATION_BYTES: usize = 2_500;

impl From<ServiceError> for Status {
    fn from(error: ServiceError) -> Self {
        let (code, reason) = code_and_reason(&error);
        let mut message = error.to_string();
        let mut details = ErrorDetails::with_error_info(reason.as_str(), DOMAIN, HashMap::new());
        match &error {
            ServiceError::Invalid(violations) => {
                let reported = violations_that_fit(violations);
                if let Some(omitted @ 1..) = violations.len().checked_sub(reported.len()) {
                    message = format!("{omitted} more violations than are listed; {message}");
                }
                details.set_bad_request(reported);
            }
            ServiceError::NotFound(id) | ServiceError::AlreadyExists(id) => {
                details.set_resource_info(MERCHANT, name_of(id), "", error.to_string());
            }
            ServiceError::Conflict(id) => {
                details.set_resource_info(MERCHANT, name_of(id), "", error.to_string());
                details.add_precondition_failure_violation("ETAG", name_of(id), error.to_string());
            }
            ServiceError::ReviewPending(id) => {
                details.add_precondition_failure_violation("REVIEW", name_of(id), error.to_string());
            }
            ServiceError::LimitReached(resource) | ServiceError::PrincipalLimitReached(resource) => {
                details.add_quota_failure_violation(quota_subject(*resource), error.to_string());
            }
            ServiceError::RevisionTooOld { .. }
            | ServiceError::RevisionInFuture { .. }
            | ServiceError::HistoryMismatch(_) => {
                details.add_precondition_failure_violation("REVISION", "revision", error.to_string());
            }
            ServiceError::RateLimited(_) => {
                details.add_quota_failure_violation("nearby/principal", error.to_string());
            }
            ServiceError::IpRateLimited(_) => {
                details.add_quota_failure_violation("nearby/ip", error.to_string());
            }
            ServiceError::RoleMissing(role) => {
                let metadata = HashMap::from([("role".to_owned(), role.to_string())]);
                details.set_error_info(reason.as_str(), DOMAIN, metadata);
            }
            ServiceError::HiddenNotAllowed
            | ServiceError::KeyLimited
            | ServiceError::NotInScope(_)
            | ServiceError::LabelsNotAllowed
            | ServiceError::Unauthenticated(_)
            | ServiceError::ResponseTooLarge(_)
            | ServiceError::TooManyCells(_)
            | ServiceError::WatcherTooSlow(_)
            | ServiceError::DeadlineExceeded
            | ServiceError::NotReady(_)
            | ServiceError::Overloaded(_)
            | ServiceError::DiskFull
            | ServiceError::ReadOnly
            | ServiceError::NoQuorum(_)
            | ServiceError::ClusterFault(_)
            | ServiceError::OutcomeUnknown
            | ServiceError::RevisionNotReached { .. }
            | ServiceError::NoCluster
            | ServiceError::ClusterOperation(_)
            | ServiceError::Internal(_) => {}
        }
        if let Some(delay) = retry_delay(&error) {
            details.set_retry_info(Some(delay));
        }
        let mut status = Self::with_error_details(code, shortened(message), details);
        if let Some(pushback_ms) = pushback(&error) {
            status.metadata_mut().insert("grpc-retry-pushback-ms", pushback_ms);
        }
        status
    }
}

/// The delay of google.rpc.RetryInfo, for errors that may go away by themselves.
fn retry_delay(error: &ServiceError) -> Option<Duration> {
    match error {
        ServiceError::NotReady(_)
        | ServiceError::NoQuorum(_)
        | ServiceError::OutcomeUnknown
        | ServiceError::RevisionNotReached { .. }
        | ServiceError::LimitReached(_)
        | ServiceError::PrincipalLimitReached(_) => Some(RETRY_DELAY),
        ServiceError::DiskFull => Some(DISK_FULL_RETRY_DELAY),
        ServiceError::Overloaded(delay)
        | ServiceError::RateLimited(Exceeded::Until(delay))
        | ServiceError::IpRateLimited(delay) => Some(*delay),
        _ => None,
    }
}

/// Delay before a retry, in milliseconds; -1 forbids retries. Clients that retry by a service config read neither reasons nor
/// google.rpc.RetryInfo, but they honour this.
fn pushback(error: &ServiceError) -> Option<MetadataValue<Ascii>> {
    match error {
        ServiceError::NotReady(_)
        | ServiceError::NoQuorum(_)
        | ServiceError::OutcomeUnknown
        | ServiceError::RevisionNotReached { .. } => Some(MetadataValue::from_static("500")),
        ServiceError::Overloaded(retry_delay) => retry_delay.as_millis().to_string().parse().ok(),
        ServiceError::ReadOnly
        | ServiceError::ClusterFault(_)
        | ServiceError::RateLimited(Exceeded::Burst(_)) => Some(MetadataValue::from_static("-1")),
        ServiceError::RateLimited(Exceeded::Until(wait)) | ServiceError::IpRateLimited(wait) => {
            (wait.as_millis() + 1).to_string().parse().ok()
        }
        _ => None,
    }
}

/// A status with a reason, for errors that are no [`ServiceError`].
pub(crate) fn with_reason(code: Code, reason: Reason, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason.as_str(), DOMAIN, HashMap::new());
    Status::with_error_details(code, shortened(message.to_owned()), details)
}

fn code_and_reason(error: &ServiceError) -> (Code, Reason) {
    match error {
        ServiceError::Invalid(_) => (Code::InvalidArgument, reason::INVALID_ARGUMENT),
        ServiceError::NotFound(_) => (Code::NotFound, reason::MERCHANT_NOT_FOUND),
        ServiceError::AlreadyExists(_) => (Code::AlreadyExists, reason::MERCHANT_EXISTS),
        ServiceError::Conflict(_) => (Code::Aborted, reason::ETAG_MISMATCH),
        ServiceError::Unauthenticated(AuthError::Missing) => {
            (Code::Unauthenticated, reason::CREDENTIALS_MISSING)
        }
        ServiceError::Unauthenticated(AuthError::Unknown) => {
            (Code::Unauthenticated, reason::CREDENTIALS_INVALID)
        }
        ServiceError::Unauthenticated(AuthError::Expired) => {
            (Code::Unauthenticated, reason::CREDENTIALS_EXPIRED)
        }
        ServiceError::Unauthenticated(AuthError::Revoked) => {
            (Code::Unauthenticated, reason::CREDENTIALS_REVOKED)
        }
        ServiceError::RoleMissing(_) => (Code::PermissionDenied, reason::ROLE_MISSING),
        ServiceError::KeyLimited | ServiceError::NotInScope(_) => {
            (Code::PermissionDenied, reason::KEY_LIMITED)
        }
        ServiceError::ReviewPending(_) => (Code::FailedPrecondition, reason::REVIEW_PENDING),
        ServiceError::RateLimited(_) | ServiceError::IpRateLimited(_) => {
            (Code::ResourceExhausted, reason::QUOTA_EXCEEDED)
        }
        ServiceError::HiddenNotAllowed => (Code::PermissionDenied, reason::HIDDEN_NOT_ALLOWED),
        ServiceError::LabelsNotAllowed => (Code::PermissionDenied, reason::LABELS_NOT_ALLOWED),
        ServiceError::ResponseTooLarge(_) => (Code::ResourceExhausted, reason::RESPONSE_TOO_LARGE),
        ServiceError::TooManyCells(_) => (Code::OutOfRange, reason::TOO_MANY_CELLS),
        ServiceError::RevisionTooOld { .. } => (Code::OutOfRange, reason::REVISION_TOO_OLD),
        ServiceError::RevisionInFuture { .. } => (Code::OutOfRange, reason::REVISION_IN_FUTURE),
        ServiceError::HistoryMismatch(_) => (Code::OutOfRange, reason::HISTORY_MISMATCH),
        ServiceError::WatcherTooSlow(_) => (Code::Aborted, reason::WATCHER_TOO_SLOW),
        ServiceError::DeadlineExceeded => (Code::DeadlineExceeded, reason::DEADLINE_EXCEEDED),
        ServiceError::NotReady(_) => (Code::Unavailable, reason::NOT_READY),
        ServiceError::Overloaded(_) => (Code::Unavailable, reason::OVERLOADED),
        ServiceError::LimitReached(LimitedResource::Writes) => {
            (Code::ResourceExhausted, reason::TOO_MANY_WRITES)
        }
        ServiceError::LimitReached(LimitedResource::Watchers) => {
            (Code::ResourceExhausted, reason::TOO_MANY_WATCHERS)
        }
        ServiceError::LimitReached(LimitedResource::Streams) => {
            (Code::ResourceExhausted, reason::TOO_MANY_STREAMS)
        }
        ServiceError::LimitReached(LimitedResource::BulkCalls) => {
            (Code::ResourceExhausted, reason::TOO_MANY_BULK_CALLS)
        }
        ServiceError::PrincipalLimitReached(_) => (Code::ResourceExhausted, reason::PRINCIPAL_LIMIT),
        ServiceError::LimitReached(LimitedResource::Backups) => {
            (Code::ResourceExhausted, reason::TOO_MANY_BACKUPS)
        }
        ServiceError::DiskFull => (Code::ResourceExhausted, reason::DISK_FULL),
        ServiceError::ReadOnly => (Code::Unavailable, reason::STORE_READ_ONLY),
        ServiceError::NoQuorum(_) => (Code::Unavailable, reason::NO_QUORUM),
        ServiceError::ClusterFault(_) => (Code::Unavailable, reason::CLUSTER_FAULT),
        ServiceError::OutcomeUnknown => (Code::Unavailable, reason::OUTCOME_UNKNOWN),
        ServiceError::RevisionNotReached { .. } => (Code::Unavailable, reason::REVISION_NOT_REACHED),
        ServiceError::NoCluster => (Code::FailedPrecondition, reason::NOT_A_CLUSTER),
        ServiceError::ClusterOperation(_) => (Code::FailedPrecondition, reason::CLUSTER_OPERATION_FAILED),
        ServiceError::Internal(_) => (Code::Internal, reason::INTERNAL),
    }
}

/// The subject of a QuotaFailure.
fn quota_subject(resource: LimitedResource) -> &'static str {
    match resource {
        LimitedResource::Writes => "nearby/waiting-writes",
        LimitedResource::Watchers => "nearby/watchers",
        LimitedResource::Streams => "nearby/streams",
        LimitedResource::BulkCalls => "nearby/bulk-calls",
        LimitedResource::Backups => "nearby/backups",
    }
}

/// gRPC's name of a code.
pub(crate) fn code_name(code: Code) -> &'static str {
    let number = usize::try_from(i32::from(code)).unwrap_or_default();
    CODE_NAMES.get(number).copied().unwrap_or("UNKNOWN")
}

/// The reason of an error.
pub(crate) fn reason_of(error: &ServiceError) -> Reason {
    code_and_reason(error).1
}

fn shortened(mut message: String) -> String {
    while message.len() > MAX_MESSAGE_BYTES {
        message.pop();
    }
    message
}

/// The first violations that fit.
fn violations_that_fit(violations: &[Violation]) -> Vec<FieldViolation> {
    let mut bytes = 0;
    let fitting = violations.iter().take_while(|violation| {
        bytes += violation.field.len() + violation.reason.as_str().len() + violation.description.len() + 16;
        bytes <= MAX_VIOLATION_BYTES
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
    use crate::{
        auth::role::Role,
        grpc::{middleware::error_details::details_for, unknown_method::unknown_method},
    };

    /// Every client must be able to receive every error.
    #[test]
    fn every_status_fits_into_trailers() {
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
            let reported = status.get_details_bad_request().unwrap().field_violations;
            assert!(
                reported.len() == count
                    || (reported.len() >= 5 && status.message().contains("more violations"))
            );
            assert_eq!(reported[0].reason, "COORDINATE_SYSTEM_UNSPECIFIED");
        }
    }

    /// ERRORS.md lists the codes with which calls end.
    #[test]
    fn every_reason_has_the_code_that_the_document_states() {
        let id = || MerchantId::parse("a").unwrap();
        let (asked, now) = (Revision(2), Revision(1));
        let errors = [
            ServiceError::Invalid(Vec::new()),
            ServiceError::NotFound(id()),
            ServiceError::AlreadyExists(id()),
            ServiceError::Conflict(id()),
            ServiceError::Unauthenticated(AuthError::Missing),
            ServiceError::Unauthenticated(AuthError::Unknown),
            ServiceError::Unauthenticated(AuthError::Expired),
            ServiceError::Unauthenticated(AuthError::Revoked),
            ServiceError::RoleMissing(Role::Manage),
            ServiceError::RateLimited(Exceeded::Until(Duration::from_millis(3))),
            ServiceError::IpRateLimited(Duration::from_millis(3)),
            ServiceError::HiddenNotAllowed,
            ServiceError::KeyLimited,
            ServiceError::ReviewPending(id()),
            ServiceError::LabelsNotAllowed,
            ServiceError::ResponseTooLarge(1),
            ServiceError::TooManyCells(1),
            ServiceError::RevisionTooOld { asked, earliest: now },
            ServiceError::RevisionInFuture { asked, now },
            ServiceError::HistoryMismatch("page token"),
            ServiceError::WatcherTooSlow(Duration::ZERO),
            ServiceError::DeadlineExceeded,
            ServiceError::NotReady("x"),
            ServiceError::Overloaded(RETRY_DELAY),
            ServiceError::LimitReached(LimitedResource::Writes),
            ServiceError::LimitReached(LimitedResource::Watchers),
            ServiceError::LimitReached(LimitedResource::Streams),
            ServiceError::LimitReached(LimitedResource::BulkCalls),
            ServiceError::PrincipalLimitReached(LimitedResource::Streams),
            ServiceError::LimitReached(LimitedResource::Backups),
            ServiceError::ReadOnly,
            ServiceError::DiskFull,
            ServiceError::NoQuorum("x"),
            ServiceError::ClusterFault("x"),
            ServiceError::OutcomeUnknown,
            ServiceError::RevisionNotReached { asked, now },
            ServiceError::NoCluster,
            ServiceError::ClusterOperation("x".to_owned()),
            ServiceError::Internal("x"),
        ];
        let from_below = [
            Status::unimplemented("Content is compressed with `gzip` which isn't supported"),
            Status::out_of_range("too large"),
            Status::internal("failed to decode Protobuf message"),
        ];
        let statuses = errors.map(Status::from).into_iter();
        let statuses = statuses.chain(from_below.map(|status| details_for(&status)));
        let statuses = statuses.chain([unknown_method("/a.B/C", false)]);
        let mut actual: Vec<(String, String)> = statuses
            .map(|status| {
                let info = status.get_details_error_info().unwrap();
                assert_eq!(info.domain, DOMAIN);
                (info.reason, code_name(status.code()).to_owned())
            })
            .collect();
        actual.sort();
        actual.dedup();
        let document = include_str!("../../../proto/ERRORS.md");
        let calls = document.split("\n## ").find(|section| section.starts_with("Reasons of calls")).unwrap();
        let rows = calls.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let documented: Vec<(String, String)> = rows
            .map(|(reason, rest)| (reason.to_owned(), rest.split_once(" | ").unwrap().0.to_owned()))
            .collect();
        assert_eq!(actual, documented);
    }
}
