//! When to stop.

use std::io;

/// Waits for SIGTERM or SIGINT, and says which it was.
///
/// # Errors
/// Where the system lets nobody listen for signals.
#[cfg(unix)]
pub async fn signal() -> io::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// Waits for Ctrl-C.
///
/// # Errors
/// Where the system lets nobody listen for it.
#[cfg(not(unix))]
pub async fn signal() -> io::Result<&'static str> {
    tokio::signal::ctrl_c().await.map(|()| "Ctrl-C")
}
