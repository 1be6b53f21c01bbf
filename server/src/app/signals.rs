//! Signals: to stop, and to reload.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The meaning of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalAction {
    /// Stop the server.
    Stop {
        /// Name of the signal.
        signal: &'static str,
    },
    /// Reload certificates, keys and the log filter.
    Reload,
}

/// SIGTERM, SIGINT and SIGHUP, received from its creation on: no early signal is missed.
#[cfg(unix)]
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

#[cfg(unix)]
impl Signals {
    /// Installs the signal handlers.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal.
    pub async fn received(&mut self) -> SignalAction {
        tokio::select! {
            _ = self.terminate.recv() => SignalAction::Stop { signal: "SIGTERM" },
            _ = self.interrupt.recv() => SignalAction::Stop { signal: "SIGINT" },
            _ = self.hang_up.recv() => SignalAction::Reload,
        }
    }
}

impl Signals {
    /// Waits for a signal to stop and returns its name. Signals to reload have no effect.
    pub async fn stop(&mut self) -> &'static str {
        loop {
            if let SignalAction::Stop { signal } = self.received().await {
                return signal;
            }
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Installs the signal handler.
    ///
    /// # Errors
    /// Never.
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the signal.
    pub async fn received(&mut self) -> SignalAction {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        SignalAction::Stop { signal: "Ctrl-C" }
    }
}
