//! Whether changes are taken: not while the disk has too little room, and never again once the store has failed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use nearby_store::{Condition, DiskSpace, StoreError};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::error::ServiceError;

/// Whether changes are taken, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// They are.
    Open,
    /// The disk has too little room. It passes.
    NoRoom,
    /// The store has failed, or the committer has ended. It does not pass.
    Failed,
}

/// Tells whether changes are taken. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Intake {
    state: Arc<watch::Sender<State>>,
}

impl Default for Intake {
    fn default() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::Open)) }
    }
}

impl Intake {
    /// Why changes are not taken, if they are not.
    ///
    /// # Errors
    /// [`ServiceError::DiskFull`] and [`ServiceError::ReadOnly`].
    pub fn check(&self) -> Result<(), ServiceError> {
        match *self.state.borrow() {
            State::Open => Ok(()),
            State::NoRoom => Err(ServiceError::DiskFull),
            State::Failed => Err(ServiceError::ReadOnly),
        }
    }

    /// Whether changes are taken.
    #[must_use]
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Wakes whenever that changes.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// What those are told whose changes the store did not take.
    pub(crate) fn refuse(&self, error: &StoreError) -> ServiceError {
        if matches!(error, StoreError::Full { .. }) {
            tracing::warn!(%error, "changes are refused until there is room");
            self.set(State::NoRoom);
            return ServiceError::DiskFull;
        }
        if !error.is_failure() {
            tracing::warn!(%error, "changes were refused for want of something that passes");
            return ServiceError::NotReady("short of files or memory");
        }
        tracing::error!(%error, "a commit failed; no more changes are taken until a restart");
        self.set(State::Failed);
        ServiceError::ReadOnly
    }

    /// Nothing is taken any more.
    pub(crate) fn fail(&self) {
        self.set(State::Failed);
    }

    pub(crate) fn set(&self, to: State) {
        self.state.send_if_modified(|state| {
            let changes = *state != to && *state != State::Failed;
            if changes {
                *state = to;
            }
            changes
        });
    }
}

/// How much of a disk must stay free for changes to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// A gibibyte, or a tenth of the disk where that is more.
    Usual,
    /// So many bytes.
    Bytes(u64),
}

impl Floor {
    /// In bytes, of a disk.
    #[must_use]
    pub fn of(self, space: DiskSpace) -> u64 {
        const GIBIBYTE: u64 = 1 << 30;
        match self {
            Self::Usual => GIBIBYTE.max(space.total_bytes / 10),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Below how many bytes an operator is warned: a fifth of the disk, or twice a floor of his own.
    fn warns_below(self, space: DiskSpace) -> u64 {
        match self {
            Self::Usual => self.of(space).max(space.total_bytes / 5),
            Self::Bytes(bytes) => bytes.saturating_mul(2),
        }
    }
}

/// Looks after the store: how much room its disk has, and whether it has failed.
pub(crate) struct Watchman {
    pub(crate) data_dir: PathBuf,
    pub(crate) floor: Floor,
    pub(crate) condition: Arc<Condition>,
    pub(crate) intake: Intake,
    /// Whether the disk was low when it was last looked at.
    pub(crate) is_low: bool,
}

impl Watchman {
    /// Looks before anybody asks.
    pub(crate) fn look_first(&mut self, space: DiskSpace) {
        self.is_low = self.look(space, false);
        if self.condition.failure().is_some() {
            self.intake.fail();
        }
    }

    /// Goes on until the task is dropped, or the store has failed.
    pub(crate) async fn run(mut self) {
        const EVERY: Duration = Duration::from_millis(500);

        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.condition.failure().is_none() {
            ticks.tick().await;
            let data_dir = self.data_dir.clone();
            let Ok(space) = tokio::task::spawn_blocking(move || DiskSpace::of(&data_dir)).await else {
                return;
            };
            match space {
                Ok(space) => self.is_low = self.look(space, self.is_low),
                Err(error) => tracing::warn!(%error, "cannot tell how much room the disk has"),
            }
        }
        self.intake.fail();
    }

    /// Whether the disk is low, and was before.
    fn look(&self, space: DiskSpace, was_low: bool) -> bool {
        let DiskSpace { free_bytes, total_bytes } = space;
        let (floor_bytes, before) = (self.floor.of(space), *self.intake.state.borrow());
        match (free_bytes < floor_bytes, before) {
            (true, State::Open) => {
                tracing::error!(
                    free_bytes,
                    floor_bytes,
                    "changes are refused: the disk has less room than --disk-floor-mib asks for"
                );
                self.intake.set(State::NoRoom);
            }
            (false, State::NoRoom) => {
                tracing::info!(free_bytes, floor_bytes, "changes are taken: the disk has room");
                self.intake.set(State::Open);
            }
            _ => {}
        }
        let is_low = free_bytes < self.floor.warns_below(space);
        if is_low && !was_low {
            tracing::warn!(free_bytes, total_bytes, floor_bytes, "the disk has little room left");
        }
        is_low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(free_bytes: u64) -> DiskSpace {
        DiskSpace { free_bytes, total_bytes: 100 << 30 }
    }

    #[test]
    fn the_floor_is_a_gibibyte_or_a_tenth() {
        assert_eq!(Floor::Usual.of(space(0)), 10 << 30);
        assert_eq!(Floor::Usual.of(DiskSpace { free_bytes: 0, total_bytes: 1 << 30 }), 1 << 30);
        assert_eq!(Floor::Bytes(5).of(space(0)), 5);
    }

    #[test]
    fn changes_are_refused_below_the_floor_and_taken_again_above_it() {
        let intake = Intake::default();
        let watchman = Watchman {
            data_dir: PathBuf::new(),
            floor: Floor::Bytes(1_000),
            condition: Arc::default(),
            intake: intake.clone(),
            is_low: false,
        };
        assert_eq!(intake.check(), Ok(()));
        assert!(watchman.look(space(999), false), "and is said to be low");
        assert_eq!(intake.check(), Err(ServiceError::DiskFull));
        assert!(!watchman.look(space(50 << 30), true));
        assert_eq!(intake.check(), Ok(()));
        let full = StoreError::Full { action: "write", path: PathBuf::new() };
        assert_eq!(
            (intake.refuse(&full), intake.check()),
            (ServiceError::DiskFull, Err(ServiceError::DiskFull))
        );
        watchman.look(space(50 << 30), true);
        assert_eq!(intake.check(), Ok(()));
        let failed = StoreError::ReadOnly { reason: String::new() };
        assert_eq!(intake.refuse(&failed), ServiceError::ReadOnly);
        watchman.look(space(0), true);
        watchman.look(space(50 << 30), true);
        assert_eq!(intake.check(), Err(ServiceError::ReadOnly), "for good");
    }
}
