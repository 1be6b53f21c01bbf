//! File helpers: atomic replacement, lock files, and files that are read again.

pub(crate) mod atomic_write;
pub(crate) mod lock_file;
pub(crate) mod read_failures;
pub(crate) mod regular_file;
