//! Panics: counted, and logged with their location. The message is omitted, as it could contain anything, including a user's
//! position.

use std::{
    panic,
    sync::atomic::{AtomicU64, Ordering},
};

/// Panics of the process: a panic cannot be attributed to one of its servers.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Installs a panic hook that counts panics and logs their location, instead of printing their message.
pub fn watch() {
    panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "panic: this is a bug, please report it");
    }));
}

/// Returns the number of panics since the process started.
#[must_use]
pub fn count() -> u64 {
    PANICS.load(Ordering::Relaxed)
}
