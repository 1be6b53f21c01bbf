//! Graceful shutdown.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{ServerHandle, error::GracePeriodExceeded};

/// The server counts as idle once no call has been in flight for this time. A peer that is gone or suspended never closes its
/// connection, and waiting for it would use up the grace period.
const IDLE_PERIOD: Duration = Duration::from_secs(1);
/// Least time for the store to close, whatever the grace period: the snapshot file of ten million merchants takes seconds.
const MIN_CLOSE_TIMEOUT: Duration = Duration::from_secs(60);

impl ServerHandle {
    /// Stops the server: lets calls in flight finish, up to the grace period, and closes the store.
    ///
    /// # Errors
    /// [`GracePeriodExceeded`], when calls were cut off or the store did not close in time. No acknowledged change is lost.
    pub async fn stop(mut self) -> Result<(), GracePeriodExceeded> {
        self.disk_monitor.abort();
        self.health.set_all(false).await;
        self.handle.begin_stop();
        drop(self.stop);
        for path in &self.address_files {
            // It may have been removed already.
            drop(std::fs::remove_file(path));
        }
        let is_finished = tokio::select! {
            _ = &mut self.serving => true,
            () = self.in_flight.wait_until_idle(IDLE_PERIOD) => true,
            () = sleep(self.grace_period) => false,
        };
        self.serving.abort();
        self.handle.clear();
        // The commit thread finishes its queue even after calls were cut off.
        let commit_thread = tokio::task::spawn_blocking(move || self.commit_thread.stop());
        if let Some(traces) = self.traces.take() {
            // Only unsent spans can be lost.
            drop(tokio::task::spawn_blocking(move || traces.stop()).await);
        }
        let close_timeout = self.grace_period.max(MIN_CLOSE_TIMEOUT);
        let is_closed = matches!(timeout(close_timeout, commit_thread).await, Ok(Ok(Ok(()))));
        if is_finished && is_closed { Ok(()) } else { Err(GracePeriodExceeded(self.grace_period)) }
    }
}
