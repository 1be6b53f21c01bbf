//! File helpers: atomic replacement, and reports of files that cannot be read.

pub(crate) mod atomic_write;
pub(crate) mod read_failures;
