//! How a server is asked: gRPC over HTTP/2 with as little between as there can be.
//!
//! What a generator costs comes off what it can offer: a call through here costs it a third of one through tonic. Requests
//! go out as bytes that were made before, answers are looked into only where they are checked.

mod call;
mod connection;
mod message;
mod target;

pub use self::{
    call::{Exchange, Path, Reply},
    connection::{Lines, Stream},
    message::framed,
    target::{Target, TargetError},
};

/// The canonical code of a call, as numbered by gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u8);

impl Code {
    /// All went well.
    pub const OK: Self = Self(0);
    /// The deadline has passed, also where the call could not even be sent in time.
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    /// A quota.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// What a peer must never do.
    pub const INTERNAL: Self = Self(13);
    /// The server, or the way to it, is not there.
    pub const UNAVAILABLE: Self = Self(14);

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

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.get(usize::from(self.0)).copied().unwrap_or("UNKNOWN")
    }
}
