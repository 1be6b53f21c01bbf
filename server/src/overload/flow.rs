//! Flows: the work of one principal, whatever its connections and calls.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tokio::sync::Semaphore;

use super::fair_queue::FlowId;
use crate::telemetry::principals::PrincipalMetrics;

/// The state that all calls of a principal share.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(super) id: FlowId,
    pub(super) share: NonZeroU32,
    pub(crate) metrics: Arc<PrincipalMetrics>,
    /// Permits of long searches on threads of their own.
    pub(super) offloads: Semaphore,
    is_shedding: AtomicBool,
}

impl Flow {
    pub(super) fn new(
        id: FlowId,
        share: NonZeroU32,
        metrics: Arc<PrincipalMetrics>,
        offloads: usize,
    ) -> Self {
        Self { id, share, metrics, offloads: Semaphore::new(offloads), is_shedding: AtomicBool::new(false) }
    }

    /// Returns whether requests of this principal are shed at the moment.
    pub(crate) fn is_shedding(&self) -> bool {
        self.is_shedding.load(Relaxed)
    }

    pub(super) fn set_shedding(&self, is_shedding: bool) {
        if self.is_shedding() != is_shedding {
            self.is_shedding.store(is_shedding, Relaxed);
        }
    }
}
