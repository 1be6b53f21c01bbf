//! The error of a benchmark.

use std::fmt;

/// A message that names the failed operation and its cause.
#[derive(Debug)]
pub(crate) struct Error(String);

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Prefixes an error with the failed operation.
pub(crate) fn context<E: fmt::Display>(operation: impl fmt::Display) -> impl FnOnce(E) -> Error {
    move |error| Error(format!("{operation}: {error}"))
}
