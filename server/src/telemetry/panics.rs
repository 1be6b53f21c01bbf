//! Panics: each is a fault of this program, is counted, and is told by where it happened. What it says is not told, as it could
//! hold anything, a user's position too.

use std::{
    panic,
    sync::atomic::{AtomicU64, Ordering},
};

/// Of this process: a panic belongs to no server.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Counts panics from now on, and logs where they happen instead of printing what they say.
pub fn watch() {
    panic::set_hook(Box::new(|panicked| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        let at = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a panic: this is a fault of the program, please report it");
    }));
}

/// How many there were.
#[must_use]
pub fn count() -> u64 {
    PANICS.load(Ordering::Relaxed)
}
