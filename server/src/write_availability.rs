//! Availability for writes: the server rejects changes while the disk is full, and after the store has failed.

use std::sync::Arc;

use nearby_store::StoreError;
use tokio::sync::watch;

use crate::error::ServiceError;

/// Availability, and the reason when changes are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Changes are accepted.
    Writable,
    /// The disk has too little space. The server recovers by itself.
    DiskFull,
    /// The store has failed, or the commit thread has ended. The server does not recover without a restart.
    Failed,
    /// The store is a copy of a cluster's data, and this process is no node of it.
    ClusterCopy,
}

/// The current state; clones share it.
#[derive(Clone, Debug)]
pub struct WriteAvailability {
    state: Arc<watch::Sender<State>>,
}

impl Default for WriteAvailability {
    fn default() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::Writable)) }
    }
}

impl WriteAvailability {
    /// Returns an error while changes are not accepted.
    ///
    /// # Errors
    /// [`ServiceError::DiskFull`] and [`ServiceError::ReadOnly`].
    pub fn check(&self) -> Result<(), ServiceError> {
        match self.state() {
            State::Writable => Ok(()),
            State::DiskFull => Err(ServiceError::DiskFull),
            State::Failed => Err(ServiceError::ReadOnly),
            State::ClusterCopy => Err(ServiceError::ClusterOperation(
                "the store belongs to a cluster: change it through a running node, or make it the store of a single node with `nearby cluster leave`"
                    .to_owned(),
            )),
        }
    }

    /// The current state.
    #[must_use]
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Wakes at every change of the state.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// The error of changes that the store has rejected. Updates the state accordingly.
    pub(crate) fn reject(&self, error: &StoreError) -> ServiceError {
        if matches!(error, StoreError::Full { .. }) {
            tracing::warn!(%error, "disk full; rejecting changes until there is space");
            self.set(State::DiskFull);
            return ServiceError::DiskFull;
        }
        if !error.is_failure() {
            tracing::warn!(%error, "changes rejected: a system resource is temporarily exhausted");
            return ServiceError::NotReady("short of file descriptors or memory");
        }
        tracing::error!(%error, "commit failed; read-only until the server is restarted");
        self.set(State::Failed);
        ServiceError::ReadOnly
    }

    /// Sets [`State::Failed`].
    pub(crate) fn fail(&self) {
        self.set(State::Failed);
    }

    /// Sets the state, unless it is [`State::Failed`] or [`State::ClusterCopy`], which are final.
    pub(crate) fn set(&self, to: State) {
        self.state.send_if_modified(|state| {
            let changes = *state != to && !matches!(*state, State::Failed | State::ClusterCopy);
            if changes {
                *state = to;
            }
            changes
        });
    }
}
