//! What can go wrong in the service, by what the caller will do about it.

use std::{fmt, time::Duration};

use nearby_index::{MerchantId, Revision};
use thiserror::Error;

use crate::{
    auth::{Exceeded, Refused, Role},
    reason::Reason,
};

/// A field of a request that is not as it must be. Never holds a user's coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request, such as `origin.latitude`.
    pub field: String,
    /// Why, as a stable word.
    pub reason: Reason,
    /// What is wrong and what to do, for people.
    pub description: String,
}

/// Something that there is only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Writes that wait.
    Writes,
    /// Calls that watch.
    Watchers,
    /// Calls that take a backup.
    Backups,
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
    /// Hidden merchants are not for this caller.
    #[error(
        "hidden merchants are for callers of the role manage; leave visibility_scope out, or call with such a key"
    )]
    HiddenNotAllowed,
    /// Nobody knows who calls.
    #[error("{}", refusal(*.0))]
    Unauthenticated(Refused),
    /// Who calls is known, and may not do this.
    #[error(
        "this needs the role {0}, which the caller does not have; call with a key, token or certificate that has it"
    )]
    RoleMissing(Role),
    /// More was asked for than may be.
    #[error("{}", excess(*.0))]
    QuotaExceeded(Exceeded),
    /// More calls came from an address than may, whoever makes them.
    #[error("the quota of the caller's address is used up; try again in {:.3} s, and call less often", .0.as_secs_f64())]
    AddressQuotaExceeded(Duration),
    /// The answer would be larger than clients take.
    #[error("the answer would exceed {} bytes; ask for fewer merchants at once, or for a smaller view", .0)]
    AnswerTooLarge(usize),
    /// Merchants are in more cells than an answer holds.
    #[error("more than {0} cells have merchants; ask for a coarser resolution or a smaller area")]
    TooManyCells(usize),
    /// The changes since then are no longer known.
    #[error(
        "changes since revision {} are no longer known, the earliest to resume from is {}; start anew: export, and \
         watch from the revision of the export", .asked.0, .earliest.0
    )]
    RevisionTooOld {
        /// Where the caller wanted to resume.
        asked: Revision,
        /// The earliest revision that one can resume from.
        earliest: Revision,
    },
    /// The server has not come so far.
    #[error(
        "this server is at revision {} and has never been at {}; if its data was restored, start anew: export, and \
         watch from the revision of the export", .now.0, .asked.0
    )]
    RevisionInFuture {
        /// Where the caller wanted to resume.
        asked: Revision,
        /// Where the server is.
        now: Revision,
    },
    /// The watcher does not read.
    #[error("the watcher has read nothing for {} s; watch again from where it came to", .0.as_secs())]
    WatcherTooSlow(Duration),
    /// The caller's deadline has passed.
    #[error("the deadline of the call has passed; allow more time or ask for less")]
    DeadlineExceeded,
    /// Not yet, or no longer: try again in a moment.
    #[error("the server is {0}; try again in a moment")]
    NotReady(&'static str),
    /// There is more to do than the server can: the call waited too long and was not begun.
    #[error("the server has too much to do and did not begin this; try again in a moment")]
    Busy,
    /// Too many at once: try again in a moment, more slowly.
    #[error("too many {0} at once; have fewer, and try this one again in a moment")]
    Overloaded(Quota),
    /// The disk failed. Nothing is acknowledged any more; searches go on. Why is in the log, for the operator.
    #[error(
        "the server takes no changes until its operator has mended it: its disk failed, or its store is damaged"
    )]
    ReadOnly,
    /// The disk has too little room. Nothing was done, and it passes; searches go on.
    #[error("the server's disk has too little room and it takes no changes until its operator has made some")]
    DiskFull,
    /// A fault of this program.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl ServiceError {
    /// One field that is wrong.
    pub fn invalid(field: impl Into<String>, reason: Reason, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { field: field.into(), reason, description: description.into() }])
    }

    /// The same, of a request within a request: its fields are below `path`.
    #[must_use]
    pub fn below(self, path: &str) -> Self {
        match self {
            Self::Invalid(mut violations) => {
                violations.iter_mut().for_each(|one| one.field = format!("{path}.{}", one.field));
                Self::Invalid(violations)
            }
            other => other,
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writes => "writes are waiting",
            Self::Watchers => "calls are watching",
            Self::Backups => "backups are being taken",
        })
    }
}

fn refusal(refused: Refused) -> &'static str {
    match refused {
        Refused::Missing => {
            "the server must know who calls: show an API key or a token with the call (authorization: Bearer …)"
        }
        Refused::Unknown => "nobody is known by the key, token or certificate that was shown; use another",
        Refused::Expired => "the key or token that was shown has ended; get a new one",
        Refused::Revoked => "the key that was shown has been taken back; get a new one",
    }
}

fn excess(exceeded: Exceeded) -> String {
    match exceeded {
        Exceeded::Until(wait) => format!(
            "the caller's quota is used up; try again in {:.3} s, and ask less often",
            wait.as_secs_f64()
        ),
        Exceeded::Burst(most) => {
            format!("the caller's quota is {most} searches or merchants at once; send fewer in one call")
        }
    }
}

fn summary(violations: &[Violation]) -> String {
    let all: Vec<String> = violations.iter().map(|v| format!("{} {}", v.field, v.description)).collect();
    all.join("; ")
}
