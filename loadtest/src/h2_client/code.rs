//! gRPC status codes.

use nearby_proto::CODE_NAMES;

/// A gRPC status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u8);

impl Code {
    /// Success.
    pub const OK: Self = Self(0);
    /// Cancelled, usually by the caller.
    pub const CANCELLED: Self = Self(1);
    /// Unknown error.
    pub const UNKNOWN: Self = Self(2);
    /// The deadline has passed, possibly before the call could be sent.
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    /// The caller lacks permission.
    pub const PERMISSION_DENIED: Self = Self(7);
    /// A quota or limit is exhausted.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// Unknown method.
    pub const UNIMPLEMENTED: Self = Self(12);
    /// The peer broke the protocol, or failed internally.
    pub const INTERNAL: Self = Self(13);
    /// The server is unreachable or overloaded.
    pub const UNAVAILABLE: Self = Self(14);
    /// Missing or invalid credentials.
    pub const UNAUTHENTICATED: Self = Self(16);

    /// Maps an HTTP/2 error to a status code ("gRPC over HTTP2", Errors).
    pub(crate) fn of_h2(error: &h2::Error) -> Self {
        match error.reason() {
            // No reason: the connection itself failed.
            None | Some(h2::Reason::REFUSED_STREAM) => Self::UNAVAILABLE,
            // Graceful shutdown of the connection.
            Some(h2::Reason::NO_ERROR) if error.is_go_away() => Self::UNAVAILABLE,
            Some(h2::Reason::CANCEL) => Self::CANCELLED,
            Some(h2::Reason::ENHANCE_YOUR_CALM) => Self::RESOURCE_EXHAUSTED,
            Some(h2::Reason::INADEQUATE_SECURITY) => Self::PERMISSION_DENIED,
            Some(_) => Self::INTERNAL,
        }
    }

    /// Maps an HTTP status other than 200 to a status code ("HTTP to gRPC Status Code Mapping").
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

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        CODE_NAMES.get(usize::from(self.0)).copied().unwrap_or("UNKNOWN")
    }
}
