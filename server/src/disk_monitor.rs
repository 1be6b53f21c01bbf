//! Monitors the store: free disk space, and failure. Sets the write availability, which does not know its monitor.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nearby_store::{DiskSpace, StoreError, StoreHealth};
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use crate::write_availability::{State, WriteAvailability};

/// Free disk space below which changes are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinFreeSpace {
    /// A gibibyte, or a tenth of the disk if that is more.
    Default,
    /// A number of bytes.
    Bytes(u64),
}

impl MinFreeSpace {
    /// The limit in bytes, for a disk.
    #[must_use]
    pub fn bytes(self, space: DiskSpace) -> u64 {
        const GIBIBYTE: u64 = 1 << 30;
        match self {
            Self::Default => GIBIBYTE.max(space.total_bytes / 10),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Free space below which the operator is warned: a fifth of the disk, or twice a limit that the operator has set.
    fn warning_bytes(self, space: DiskSpace) -> u64 {
        match self {
            Self::Default => self.bytes(space).max(space.total_bytes / 5),
            Self::Bytes(bytes) => bytes.saturating_mul(2),
        }
    }
}

/// Monitors the store of one data directory.
pub(crate) struct DiskMonitor {
    data_dir: PathBuf,
    min_free: MinFreeSpace,
    health: Arc<StoreHealth>,
    availability: WriteAvailability,
    /// True if free space was below the warning limit at the last check.
    is_low: bool,
}

impl DiskMonitor {
    /// Makes a monitor, which has checked the store once.
    ///
    /// # Errors
    /// When the free space cannot be read.
    pub(crate) fn start(
        data_dir: PathBuf,
        min_free: MinFreeSpace,
        health: Arc<StoreHealth>,
        availability: WriteAvailability,
    ) -> Result<Self, StoreError> {
        let space = DiskSpace::of(&data_dir)?;
        let mut monitor = Self { data_dir, min_free, health, availability, is_low: false };
        monitor.check(space);
        if monitor.health.failure().is_some() {
            monitor.availability.fail();
        }
        Ok(monitor)
    }

    /// Checks the store twice a second, until it has failed.
    pub(crate) async fn run(self) {
        self.run_with(DiskSpace::of).await;
    }

    async fn run_with(
        mut self,
        space_of: impl Fn(&Path) -> Result<DiskSpace, StoreError> + Copy + Send + 'static,
    ) {
        // A commit appends at most a few mebibytes in this time, far below the default limit of a gibibyte.
        const CHECK_INTERVAL: Duration = Duration::from_millis(500);

        let mut ticks = interval(CHECK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.health.failure().is_none() {
            ticks.tick().await;
            let data_dir = self.data_dir.clone();
            match spawn_blocking(move || space_of(&data_dir)).await {
                // A panic, which the panic hook logs and counts, must not end the task: changes would fill the disk.
                Ok(Ok(space)) => drop(catch_unwind(AssertUnwindSafe(|| self.check(space)))),
                Ok(Err(error)) => tracing::warn!(%error, "cannot read the free disk space"),
                Err(error) if error.is_panic() => {}
                // The runtime stops.
                Err(_) => return,
            }
        }
        self.availability.fail();
    }

    fn check(&mut self, space: DiskSpace) {
        let DiskSpace { free_bytes, total_bytes } = space;
        let min_free_bytes = self.min_free.bytes(space);
        match (free_bytes < min_free_bytes, self.availability.state()) {
            (true, State::Writable) => {
                tracing::error!(
                    free_bytes,
                    min_free_bytes,
                    "rejecting changes: free disk space is below --min-free-disk-mib"
                );
                self.availability.set(State::DiskFull);
            }
            (false, State::DiskFull) => {
                tracing::info!(free_bytes, min_free_bytes, "accepting changes: the disk has space");
                self.availability.set(State::Writable);
            }
            _ => {}
        }
        let is_low = free_bytes < self.min_free.warning_bytes(space);
        if is_low && !self.is_low {
            tracing::warn!(free_bytes, total_bytes, min_free_bytes, "disk space is low");
        }
        self.is_low = is_low;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::error::ServiceError;

    fn space(free_bytes: u64) -> DiskSpace {
        DiskSpace { free_bytes, total_bytes: 100 << 30 }
    }

    #[test]
    fn the_default_is_a_gibibyte_or_a_tenth_of_the_disk() {
        assert_eq!(MinFreeSpace::Default.bytes(space(0)), 10 << 30);
        assert_eq!(MinFreeSpace::Default.bytes(DiskSpace { free_bytes: 0, total_bytes: 1 << 30 }), 1 << 30);
        assert_eq!(MinFreeSpace::Bytes(5).bytes(space(0)), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_does_not_end_the_monitor() {
        static CHECKS: AtomicU32 = AtomicU32::new(0);
        let availability = WriteAvailability::default();
        let monitor = DiskMonitor {
            data_dir: PathBuf::new(),
            min_free: MinFreeSpace::Bytes(1_000),
            health: Arc::default(),
            availability: availability.clone(),
            is_low: false,
        };
        let space_of = |_: &Path| {
            assert_ne!(CHECKS.fetch_add(1, Ordering::Relaxed), 0, "the first check panics");
            Ok(space(999))
        };
        let mut states = availability.subscribe();
        let running = tokio::spawn(monitor.run_with(space_of));
        states.wait_for(|state| *state == State::DiskFull).await.unwrap();
        assert!(CHECKS.load(Ordering::Relaxed) >= 2);
        running.abort();
    }

    #[test]
    fn changes_are_rejected_below_the_limit_and_accepted_above_it() {
        let availability = WriteAvailability::default();
        let mut monitor = DiskMonitor {
            data_dir: PathBuf::new(),
            min_free: MinFreeSpace::Bytes(1_000),
            health: Arc::default(),
            availability: availability.clone(),
            is_low: false,
        };
        assert_eq!(availability.check(), Ok(()));
        monitor.check(space(999));
        assert!(monitor.is_low);
        assert_eq!(availability.check(), Err(ServiceError::DiskFull));
        monitor.check(space(50 << 30));
        assert!(!monitor.is_low);
        assert_eq!(availability.check(), Ok(()));
        let full = StoreError::Full { action: "write", path: PathBuf::new() };
        assert_eq!(
            (availability.reject(&full), availability.check()),
            (ServiceError::DiskFull, Err(ServiceError::DiskFull))
        );
        monitor.check(space(50 << 30));
        assert_eq!(availability.check(), Ok(()));
        let failed = StoreError::ReadOnly { reason: String::new() };
        assert_eq!(availability.reject(&failed), ServiceError::ReadOnly);
        monitor.check(space(0));
        monitor.check(space(50 << 30));
        assert_eq!(availability.check(), Err(ServiceError::ReadOnly), "failure is final");
    }
}
