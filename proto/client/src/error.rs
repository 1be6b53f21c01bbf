//! What a call that failed says.

use std::{error::Error, fmt, time::Duration};

use nearby_proto::v1::RequestStatus;
use prost::Message;
use tonic::{Code, Status, TimeoutExpired};
use tonic_types::{FieldViolation, StatusExt};

/// Why a call failed: the code says what kind of failure it is, the reason which one.
///
/// It is shown as the server's message, with the fields that are wrong where the message does not name them. It holds
/// nothing of the request, so no position of a user.
#[derive(Debug)]
pub struct ClientError(Box<Told>);

/// A field of the request that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request, such as `origin.latitude`.
    pub field: String,
    /// Why, as a stable word in capitals, such as `LATITUDE_OUT_OF_RANGE`.
    pub reason: String,
    /// Why and what to do, for people.
    pub description: String,
}

/// Behind a pointer, so that a `Result` stays small where all goes well.
#[derive(Debug)]
struct Told {
    code: Code,
    message: String,
    reason: Option<String>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    request_id: Option<String>,
    status: Status,
}

impl ClientError {
    /// What kind of failure it is.
    ///
    /// A deadline that has passed is `DeadlineExceeded` and a connection that broke is `Unavailable`, as gRPC has it,
    /// whatever tonic calls them.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Which failure it is, as a stable word in capitals such as `MERCHANT_NOT_FOUND`, where a Nearby server says so.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What is wrong, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields that are not as they must be, where that is what is wrong.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// How long to wait before asking again, where the server says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The id of the change that failed, the caller's or the one that this crate gave it. When nobody knows whether the
    /// change was made, such as after `DeadlineExceeded`, the same request with this id can be sent again.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The status as tonic gave it, with its metadata and all its details.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.0.status
    }

    /// The deadline has passed on this side.
    pub(crate) fn too_late(length: Duration) -> Self {
        Status::deadline_exceeded(format!("no answer within {length:?}")).into()
    }

    /// The same, of the change with this id.
    pub(crate) fn of_request(mut self, id: String) -> Self {
        self.0.request_id = Some(id);
        self
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        let fields = self.violations().iter().map(|violation| violation.field.as_str());
        let unnamed: Vec<&str> =
            fields.filter(|field| !field.is_empty() && !self.message().contains(field)).collect();
        if unnamed.is_empty() { Ok(()) } else { write!(f, " ({})", unnamed.join(", ")) }
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0.status)
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        let (code, message) = meaning(&status);
        let details = status.get_error_details();
        let violations = details.bad_request().map(|request| request.field_violations.as_slice());
        Self(Box::new(Told {
            code,
            message,
            reason: details.error_info().map(|info| info.reason.clone()),
            violations: violations.unwrap_or_default().iter().map(Violation::from).collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
            request_id: None,
            status,
        }))
    }
}

/// Why one request of a batch or of a stream failed: the same as if it had been a call of its own.
impl From<&RequestStatus> for ClientError {
    fn from(status: &RequestStatus) -> Self {
        let details = status.encode_to_vec().into();
        Status::with_details(Code::from_i32(status.code), status.message.as_str(), details).into()
    }
}

impl From<&FieldViolation> for Violation {
    fn from(violation: &FieldViolation) -> Self {
        Self {
            field: violation.field.clone(),
            reason: violation.reason.clone(),
            description: violation.description.clone(),
        }
    }
}

/// The code and the message that callers see.
///
/// tonic, as a client and as a server, calls a deadline that has passed CANCELLED. A connection that is gone it calls
/// CANCELLED, UNKNOWN or, where the server stopped in good order, INTERNAL: seen in this order of frequency when a server
/// stops under load. Only a status that was made on this side has a source, and nobody on this side cancels a call and
/// then looks at its answer.
fn meaning(status: &Status) -> (Code, String) {
    let code = status.code();
    if is_timeout(status) {
        return (Code::DeadlineExceeded, "no answer within the deadline".to_owned());
    }
    match sources(status).last() {
        // What the system said, without the layers that it went through.
        Some(cause)
            if matches!(code, Code::Unavailable | Code::Unknown | Code::Cancelled) || is_farewell(cause) =>
        {
            (Code::Unavailable, format!("no connection to the server: {cause}"))
        }
        Some(cause) if is_another_language(cause) => {
            const REMEDY: &str =
                "what answers speaks no gRPC there; where it speaks TLS, its address begins with https://";
            (code, format!("the connection to the server failed: {cause}: {REMEDY}"))
        }
        Some(cause) => (code, format!("the connection to the server failed: {cause}")),
        None if status.message().is_empty() => (code, code.description().to_owned()),
        None => (code, status.message().to_owned()),
    }
}

fn is_timeout(status: &Status) -> bool {
    status.code() == Code::Cancelled
        && (status.message() == TimeoutExpired(()).to_string()
            || sources(status).any(|error| error.is::<TimeoutExpired>()))
}

/// Whether the server has said that it takes no more calls on a connection, this one included.
fn is_farewell(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<h2::Error>().is_some_and(|error| {
        error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR)
    })
}

/// Whether what was read are no frames: the letters of HTTP/1 and a record of TLS, taken for one, are larger than frames may be.
fn is_another_language(cause: &(dyn Error + 'static)) -> bool {
    cause
        .downcast_ref::<h2::Error>()
        .is_some_and(|error| error.is_library() && error.reason() == Some(h2::Reason::FRAME_SIZE_ERROR))
}

fn sources(status: &Status) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(status.source(), |error| (**error).source())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn all_that_a_server_tells_is_there() {
        let mut details = ErrorDetails::with_error_info("INVALID_ARGUMENT", "nearby", HashMap::new());
        let violation = FieldViolation::new("origin.latitude", "is between -90 and 90");
        details.set_bad_request(vec![FieldViolation {
            reason: "LATITUDE_OUT_OF_RANGE".to_owned(),
            ..violation
        }]);
        details.set_retry_info(Some(Duration::from_millis(500)));
        let error = ClientError::from(Status::with_error_details(Code::InvalidArgument, "mend it", details));
        assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Some("INVALID_ARGUMENT")));
        assert_eq!(error.message(), "mend it");
        let [violation] = error.violations() else { panic!("{error:?}") };
        assert_eq!(
            (violation.field.as_str(), violation.reason.as_str()),
            ("origin.latitude", "LATITUDE_OUT_OF_RANGE")
        );
        assert_eq!(violation.description, "is between -90 and 90");
        assert_eq!(error.retry_after(), Some(Duration::from_millis(500)));
        assert_eq!(error.to_string(), "mend it (origin.latitude)");
        assert!(error.source().unwrap().is::<Status>());
    }

    #[test]
    fn a_field_that_the_message_names_is_not_named_again() {
        let details = ErrorDetails::with_bad_request(vec![
            FieldViolation::new("radius_m", "is above 0"),
            FieldViolation::new("page_size", "is not negative"),
        ]);
        let status = Status::with_error_details(Code::InvalidArgument, "radius_m: is above 0", details);
        assert_eq!(ClientError::from(status).to_string(), "radius_m: is above 0 (page_size)");
    }

    #[test]
    fn a_status_without_words_is_told_by_its_code() {
        let error = ClientError::from(Status::new(Code::Unavailable, ""));
        assert_eq!(error.to_string(), Code::Unavailable.description());
        assert_eq!((error.reason(), error.retry_after(), error.request_id()), (None, None, None));
    }

    #[test]
    fn timeouts_of_tonic_are_deadlines() {
        let own = Status::from_error(Box::new(TimeoutExpired(())));
        let of_the_server = Status::cancelled("Timeout expired");
        for status in [own, of_the_server] {
            assert_eq!(status.code(), Code::Cancelled, "tonic has mended this: take the special case out");
            assert_eq!(ClientError::from(status).code(), Code::DeadlineExceeded);
        }
        assert_eq!(ClientError::from(Status::cancelled("by the server")).code(), Code::Cancelled);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("dropped")]
    struct Dropped(#[source] Status);

    #[test]
    fn what_breaks_on_this_side_is_unavailable_and_what_the_server_calls_unknown_is_not() {
        let broken = Status::from_error(Box::new(std::io::Error::other("broken pipe")));
        assert_eq!(broken.code(), Code::Unknown);
        let error = ClientError::from(broken);
        assert_eq!(error.code(), Code::Unavailable);
        assert_eq!(error.to_string(), "no connection to the server: broken pipe");
        assert_eq!(ClientError::from(Status::unknown("who knows")).code(), Code::Unknown);

        // As it comes where a connection ends before the call has left: no caller has cancelled anything.
        let dropped = Status::from_error(Box::new(Dropped(Status::cancelled("connection closed"))));
        assert!(dropped.code() == Code::Cancelled && dropped.source().is_some());
        assert_eq!(ClientError::from(dropped).code(), Code::Unavailable);
    }

    #[test]
    fn one_request_of_a_batch_fails_as_a_call_does() {
        let details = ErrorDetails::with_error_info("INVALID_ARGUMENT", "nearby", HashMap::new());
        let whole = Status::with_error_details(Code::InvalidArgument, "no", details);
        let status = RequestStatus::decode(whole.details()).unwrap();
        let error = ClientError::from(&status);
        assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Some("INVALID_ARGUMENT")));
        assert_eq!(error.message(), "no");
    }
}
