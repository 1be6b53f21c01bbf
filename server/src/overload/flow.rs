//! Flows: the work of one principal, whatever its connections and calls.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::sync::Semaphore;

use super::{fair_queue::FlowId, resource::RESOURCES};
use crate::telemetry::principals::PrincipalMetrics;

/// The state that all calls of a principal share.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) id: FlowId,
    /// Two keys of one principal may have different shares: that of the last call applies.
    share: AtomicU32,
    pub(crate) metrics: Arc<PrincipalMetrics>,
    /// Permits of long searches on threads of their own.
    pub(super) offloads: Arc<Semaphore>,
    /// Units of each resource that the principal holds: see [`super::principal_limits`].
    pub(super) held: [AtomicUsize; RESOURCES],
}

impl Flow {
    pub(super) fn new(
        id: FlowId,
        share: NonZeroU32,
        metrics: Arc<PrincipalMetrics>,
        offloads: usize,
    ) -> Self {
        Self {
            id,
            share: AtomicU32::new(share.get()),
            metrics,
            offloads: Arc::new(Semaphore::new(offloads)),
            held: Default::default(),
        }
    }

    pub(super) fn share(&self) -> NonZeroU32 {
        NonZeroU32::new(self.share.load(Relaxed)).unwrap_or(NonZeroU32::MIN)
    }

    pub(super) fn set_share(&self, share: NonZeroU32) {
        if self.share() != share {
            self.share.store(share.get(), Relaxed);
        }
    }
}
