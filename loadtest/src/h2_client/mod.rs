//! How a server is asked: gRPC over HTTP/2 with as little between as there can be.
//!
//! What a generator costs comes off what it can offer: a call through here costs it a third of one through tonic. Requests
//! go out as bytes that were made before, answers are looked into only where they are checked.

mod call;
mod framing;
mod pool;
mod target;

pub use self::{
    call::{Exchange, Path, Reply},
    framing::framed,
    pool::{Lines, Stream},
    target::{Target, TargetError},
};

/// The canonical code of a call, as numbered by gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u8);

impl Code {
    /// All went well.
    pub const OK: Self = Self(0);
    /// Given up.
    pub const CANCELLED: Self = Self(1);
    /// Nobody knows.
    pub const UNKNOWN: Self = Self(2);
    /// The deadline has passed, also where the call could not even be sent in time.
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    /// It is not allowed.
    pub const PERMISSION_DENIED: Self = Self(7);
    /// A quota.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// There is no such method.
    pub const UNIMPLEMENTED: Self = Self(12);
    /// What a peer must never do.
    pub const INTERNAL: Self = Self(13);
    /// The server, or the way to it, is not there.
    pub const UNAVAILABLE: Self = Self(14);
    /// Nobody knows who asks.
    pub const UNAUTHENTICATED: Self = Self(16);

    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];

    /// What a broken stream or connection counts as ("gRPC over HTTP2", Errors).
    pub(crate) fn of_h2(error: &h2::Error) -> Self {
        match error.reason() {
            // None: the connection itself is gone.
            None | Some(h2::Reason::REFUSED_STREAM) => Self::UNAVAILABLE,
            // The peer says goodbye, or an orderly end came between.
            Some(h2::Reason::NO_ERROR) if error.is_go_away() => Self::UNAVAILABLE,
            Some(h2::Reason::CANCEL) => Self::CANCELLED,
            Some(h2::Reason::ENHANCE_YOUR_CALM) => Self::RESOURCE_EXHAUSTED,
            Some(h2::Reason::INADEQUATE_SECURITY) => Self::PERMISSION_DENIED,
            Some(_) => Self::INTERNAL,
        }
    }

    /// What an HTTP status other than 200 counts as ("HTTP to gRPC Status Code Mapping").
    pub(crate) fn of_http(status: http::StatusCode) -> Option<Self> {
        match status.as_u16() {
            200 => None,
            400 => Some(Self::INTERNAL),
            401 => Some(Self::UNAUTHENTICATED),
            403 => Some(Self::PERMISSION_DENIED),
            404 => Some(Self::UNIMPLEMENTED),
            429 | 502..=504 => Some(Self::UNAVAILABLE),
            _ => Some(Self::UNKNOWN),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.get(usize::from(self.0)).copied().unwrap_or("UNKNOWN")
    }
}
