//! File helpers: atomic replacement, and files that are read again.

pub(crate) mod atomic_write;
pub(crate) mod read_failures;
