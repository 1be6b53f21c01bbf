//! What can go wrong in the service, by what the caller will do about it.

use nearby_index::MerchantId;
use thiserror::Error;

/// A field of a request that is not as it must be. Never holds a user's coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request, such as `origin.latitude`.
    pub field: String,
    /// A stable word in capitals, such as `LATITUDE_OUT_OF_RANGE`.
    pub reason: &'static str,
    /// What is wrong and what to do, for people.
    pub description: String,
}

/// Why the service did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ServiceError {
    /// The request is wrong and will stay so: mend the fields named.
    #[error("{}", summary(.0))]
    Invalid(Vec<Violation>),
    /// There is no such merchant.
    #[error("there is no merchant {0}")]
    NotFound(MerchantId),
    /// There is one already.
    #[error("merchant {0} exists already; update it, or create one with another id")]
    AlreadyExists(MerchantId),
    /// The merchant changed since the caller read it: read it again and decide anew.
    #[error("merchant {0} has changed since its etag was read; read it again and repeat the change on top")]
    Conflict(MerchantId),
    /// Not yet, or no longer: try again in a moment.
    #[error("the server is {0}; try again in a moment")]
    NotReady(&'static str),
    /// Too many writes wait: try again in a moment, more slowly.
    #[error("too many writes are waiting; send fewer at once, and this one again in a moment")]
    Overloaded,
    /// The disk failed. Nothing is acknowledged any more; searches go on. Why is in the log, for the operator.
    #[error(
        "the server cannot write to its disk and takes no more changes until its operator has mended that"
    )]
    ReadOnly,
    /// A fault of this program.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl ServiceError {
    /// One field that is wrong.
    pub fn invalid(field: impl Into<String>, reason: &'static str, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { field: field.into(), reason, description: description.into() }])
    }
}

fn summary(violations: &[Violation]) -> String {
    let all: Vec<String> = violations.iter().map(|v| format!("{} {}", v.field, v.description)).collect();
    all.join("; ")
}
