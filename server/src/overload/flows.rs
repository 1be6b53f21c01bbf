//! The flows of all principals.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    fair_queue::{FlowId, FlowMap},
    flow::Flow,
};
use crate::telemetry::metrics::Metrics;

/// Flows from which those without a call are evicted. Evicted flows only lose the metrics that they have at hand.
const MAX_FLOWS: usize = 10_000;

#[derive(Debug)]
pub(super) struct Flows {
    by_id: Mutex<FlowMap<Arc<Flow>>>,
    metrics: Arc<Metrics>,
    /// Long searches of one principal that have a thread of their own.
    max_offloads: usize,
}

impl Flows {
    pub(super) fn new(metrics: Arc<Metrics>, max_offloads: usize) -> Self {
        Self { by_id: Mutex::default(), metrics, max_offloads }
    }

    /// The flow of a principal, whose share may have changed since its last call. `names` are only needed for a new flow.
    pub(super) fn get(
        &self,
        id: FlowId,
        share: NonZeroU32,
        names: &dyn Fn() -> (String, String),
    ) -> Arc<Flow> {
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flow) = by_id.get(&id) {
            flow.set_share(share);
            return Arc::clone(flow);
        }
        if by_id.len() >= MAX_FLOWS {
            by_id.retain(|_, flow| Arc::strong_count(flow) > 1);
        }
        let (label, name) = names();
        let flow =
            Arc::new(Flow::new(id, share, self.metrics.principals.of(&label, &name), self.max_offloads));
        by_id.insert(id, Arc::clone(&flow));
        flow
    }
}
