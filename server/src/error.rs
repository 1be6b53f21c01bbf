//! Errors of the service, by what the caller does about them.

use std::{fmt, time::Duration};

use nearby_index::{MerchantId, Revision};
use thiserror::Error;

use crate::{
    auth::{AuthError, rate_limit::Exceeded, role::Role},
    reason::Reason,
};

/// An invalid field of a request. Never contains a user's coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request, such as `origin.latitude`.
    pub field: String,
    /// The reason, as a stable word.
    pub reason: Reason,
    /// Description of the violation and the remedy, for people.
    pub description: String,
}

/// A resource of which the server has a limited number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedResource {
    /// Waiting writes.
    Writes,
    /// Watching calls.
    Watchers,
    /// Streaming calls that are no watches.
    Streams,
    /// Unary calls of bulk work.
    BulkCalls,
    /// Backups in progress.
    Backups,
}

/// Why the service rejected a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ServiceError {
    /// The request is invalid: correct the fields named.
    #[error("{}", summary(.0))]
    Invalid(Vec<Violation>),
    /// The merchant does not exist.
    #[error("merchant {0} does not exist")]
    NotFound(MerchantId),
    /// The merchant exists.
    #[error("merchant {0} already exists; update it, or create one with another id")]
    AlreadyExists(MerchantId),
    /// The merchant has changed since the caller read it.
    #[error("merchant {0} has changed since its etag was read; read it again and repeat the change")]
    Conflict(MerchantId),
    /// The caller may not see hidden merchants.
    #[error(
        "hidden merchants require the role manage; omit visibility_scope, or use credentials with that role"
    )]
    HiddenNotAllowed,
    /// The caller may not see labels, and so not filter by them.
    #[error("filter.labels requires the role manage; omit it, or use credentials with that role")]
    LabelsNotAllowed,
    /// The credentials are missing or invalid.
    #[error("{}", auth_message(*.0))]
    Unauthenticated(AuthError),
    /// The principal lacks a role.
    #[error("permission denied: the method requires the role {0}; use credentials with that role")]
    RoleMissing(Role),
    /// The API key is limited to merchants, and the method is for all of them.
    #[error(
        "permission denied: the method is not available to API keys that are limited to merchants; use a key without this limit"
    )]
    KeyLimited,
    /// The API key is limited to other merchants.
    #[error(
        "permission denied: the API key is limited to merchants of which {0} is none; use another id, or another key"
    )]
    NotInScope(MerchantId),
    /// Another merchant of the API key waits for its review.
    #[error(
        "merchant {0} waits for its review, and of the merchants of this API key only one may at a time; retry after the review"
    )]
    ReviewPending(MerchantId),
    /// The principal exceeds its rate limit.
    #[error("{}", rate_limit_message(*.0))]
    RateLimited(Exceeded),
    /// The client IP exceeds its rate limit.
    #[error("rate limit of the client IP exceeded; retry in {:.3} s, and call less often", .0.as_secs_f64())]
    IpRateLimited(Duration),
    /// The response would be larger than clients accept.
    #[error("response larger than {} bytes; request fewer merchants at once, or a smaller view", .0)]
    ResponseTooLarge(usize),
    /// More cells contain merchants than fit into a response.
    #[error("more than {0} cells contain merchants; request a coarser resolution or a smaller area")]
    TooManyCells(usize),
    /// The changes since a revision are not known any more.
    #[error(
        "changes since revision {} are no longer known; the earliest revision to resume from is {}; export, and watch from \
         the revision of the export", .asked.0, .earliest.0
    )]
    RevisionTooOld {
        /// The revision to resume from.
        asked: Revision,
        /// The earliest revision that it is possible to resume from.
        earliest: Revision,
    },
    /// The server has not reached a revision.
    #[error(
        "this server is at revision {} and has never reached {}; if its data was restored, export, and watch from the \
         revision of the export", .now.0, .asked.0
    )]
    RevisionInFuture {
        /// The revision to resume from.
        asked: Revision,
        /// The current revision.
        now: Revision,
    },
    /// A page token, or a revision, is from another history.
    #[error(
        "the {0} is from another history of revisions: it was issued by another server, or before the data of this one was \
         restored or copied; {remedy}", remedy = history_remedy(.0)
    )]
    HistoryMismatch(&'static str),
    /// The watcher does not read.
    #[error("the watcher has read nothing for {} s; watch again from the last revision that it received", .0.as_secs())]
    WatcherTooSlow(Duration),
    /// The deadline of the call has passed.
    #[error("deadline exceeded; allow more time or request less")]
    DeadlineExceeded,
    /// The server is starting or stopping.
    #[error("the server is {0}; retry in a moment")]
    NotReady(&'static str),
    /// The principal has more work in progress than its share of the server, which did not execute the call. It may be retried after
    /// this time.
    #[error("the server is overloaded and did not execute the call; retry in {:.1} s", .0.as_secs_f64())]
    Overloaded(Duration),
    /// Too many calls of one kind at once.
    #[error("too many {0} at once; reduce concurrency and retry in a moment")]
    LimitReached(LimitedResource),
    /// The principal holds its share of a resource.
    #[error("too many {0} of this caller at once; end some, or retry in a moment")]
    PrincipalLimitReached(LimitedResource),
    /// The store has failed. Searches go on. The cause is in the log.
    #[error("read-only: the disk failed or the store is damaged; operator action required")]
    ReadOnly,
    /// The disk is full. Nothing was changed, and searches go on.
    #[error("changes are rejected while the server's disk is full; operator action required")]
    DiskFull,
    /// This node cannot commit to the log of its cluster for now. Nothing was changed, and searches go on.
    #[error("changes are rejected while this node cannot commit: {0}; retry in a moment, or at another node")]
    NoQuorum(&'static str),
    /// This node of a cluster has a fault. Nothing was changed, and searches go on.
    #[error(
        "changes are rejected: this node of the cluster has the fault {0}; use another node; operator action required"
    )]
    ClusterFault(&'static str),
    /// A commit was sent to the log of the cluster, and this node does not learn what became of it.
    #[error("the outcome is unknown: the change may be stored or not; repeat it with the same request id")]
    OutcomeUnknown,
    /// This node has not reached the revision that the caller has seen.
    #[error("this node is at revision {}, and the call requires {}; retry in a moment, or at another node", .now.0, .asked.0)]
    RevisionNotReached {
        /// The required revision.
        asked: Revision,
        /// The current revision.
        now: Revision,
    },
    /// The server is a single node.
    #[error("this server belongs to no cluster")]
    NoCluster,
    /// An operation on the cluster is not possible now.
    #[error("{0}")]
    ClusterOperation(String),
    /// A fault of this program.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl ServiceError {
    /// One invalid field.
    pub fn invalid(field: impl Into<String>, reason: Reason, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { field: field.into(), reason, description: description.into() }])
    }

    /// The same error for a request within a request: its fields are below `path`.
    #[must_use]
    pub fn below(self, path: &str) -> Self {
        match self {
            Self::Invalid(mut violations) => {
                for one in &mut violations {
                    one.field = match (path, one.field.as_str()) {
                        (path, "") => path.to_owned(),
                        ("", field) => field.to_owned(),
                        (path, field) => format!("{path}.{field}"),
                    };
                }
                Self::Invalid(violations)
            }
            other => other,
        }
    }
}

fn history_remedy(subject: &str) -> &'static str {
    match subject {
        "revision" => "export, and watch from the revision of the export",
        _ => "start again from the first page",
    }
}

impl fmt::Display for LimitedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writes => "waiting writes",
            Self::Watchers => "watching calls",
            Self::Streams => "streaming calls",
            Self::BulkCalls => "batches, density and list calls",
            Self::Backups => "backups",
        })
    }
}

fn auth_message(error: AuthError) -> &'static str {
    match error {
        AuthError::Missing => {
            "missing credentials: send an API key or a token with the call (authorization: Bearer …)"
        }
        AuthError::Unknown => "invalid credentials: unknown API key, token or client certificate",
        AuthError::Expired => "expired credentials: get a new key or token",
        AuthError::Revoked => "revoked credentials: get a new key",
    }
}

fn rate_limit_message(exceeded: Exceeded) -> String {
    match exceeded {
        Exceeded::Until(wait) => {
            format!("rate limit exceeded; retry in {:.3} s, and call less often", wait.as_secs_f64())
        }
        Exceeded::Burst(max) => {
            format!("the rate limit allows at most {max} units of work at once; send less per call")
        }
    }
}

fn summary(violations: &[Violation]) -> String {
    let all: Vec<String> = violations.iter().map(|v| format!("{} {}", v.field, v.description)).collect();
    all.join("; ")
}
