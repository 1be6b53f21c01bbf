//! Files.

pub(crate) mod atomic_write;
pub(crate) mod read_failures;
