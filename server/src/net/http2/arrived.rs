//! The arrival of a request.

use std::time::Instant;

use http::Request;

/// The time at which a request arrived, in its extensions. Its call starts when the connection and the runtime get to it, which may be
/// later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived(Instant);

impl Arrived {
    pub(in crate::net) fn now() -> Self {
        Self(Instant::now())
    }

    /// The time at which a request arrived.
    pub(crate) fn of<B>(request: &Request<B>) -> Instant {
        request.extensions().get().map_or_else(Instant::now, |Self(at)| *at)
    }
}
