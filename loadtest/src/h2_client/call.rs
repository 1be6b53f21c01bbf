//! Calls and replies.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::code::Code;

/// The path of a method: `/package.Service/Method`.
pub type Path = &'static str;

/// A call to make.
#[derive(Clone, Debug)]
pub struct Call {
    /// Method.
    pub path: Path,
    /// Request messages, each with its length prefix.
    pub messages: Bytes,
    /// Time after which the response is useless to the caller.
    pub deadline: Instant,
    /// If `false`, response messages come back empty, which costs the generator less.
    pub keep_messages: bool,
}

/// The outcome of a call.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub code: Code,
    /// Status message of a failed call.
    pub message: Option<String>,
    /// Response messages.
    pub messages: Vec<Bytes>,
    /// Bytes of the response messages and their prefixes.
    pub bytes: u64,
    /// Time when the call was sent; `None` if it never got an HTTP/2 stream.
    pub sent: Option<Instant>,
    /// Time that it waited for an HTTP/2 stream; unknown for a long-lived stream.
    pub waited: Option<Duration>,
}

impl Reply {
    /// Creates a reply of which only the status code is known.
    #[must_use]
    pub fn of(code: Code) -> Self {
        Self { code, message: None, messages: Vec::new(), bytes: 0, sent: None, waited: None }
    }
}
