//! The error of the harness: it cannot continue. A fault that the server does not withstand is a failure in the report instead.

/// A result whose error ends the harness.
pub(crate) type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
