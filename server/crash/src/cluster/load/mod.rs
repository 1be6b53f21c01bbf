//! Load on all nodes, and what it requires of their contents afterwards.
//!
//! | writers and readers | finding |
//! |---|---|
//! | workers with merchants of their own: creations, updates, deletions, batches, imports | a lost or repeated write, a batch in part, a wrong refusal |
//! | writers that compete for counters | a lost or repeated update |
//! | a writer that creates merchants without ids | a repeated creation |
//! | sessions that write at one node and read at the others | a stale read |
//! | searches at a fixed rate | a failed search, and latencies |
//!
//! Every write has a request id. One whose outcome is not known is repeated with the same id at the next node, until it is
//! acknowledged or refused; the writer knows which of the two it must be.

mod counters;
mod creations;
pub(crate) mod etags;
pub(crate) mod expectation;
pub(crate) mod ledger;
pub(crate) mod searches;
mod sessions;
mod target;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use nearby_client::v1::{Merchant, UpdateMerchantRequest};
use tokio::task::JoinHandle;

use self::{expectation::Expectation, ledger::Ledger, searches::Searches, target::ClusterTarget};
use crate::{
    cluster::nodes::NodeHandle,
    load::{Clock, Load, Plan, position},
};

/// Time limit for writers to end their last change.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of probes of this process.
static PROBES: AtomicU64 = AtomicU64::new(0);
/// Deadline of a probe.
const PROBE_DEADLINE: Duration = Duration::from_secs(1);

/// Writers and readers that are running.
pub(crate) struct ClusterLoad {
    workers: Load,
    others: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    nodes: Vec<NodeHandle>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) searches: Arc<Mutex<Searches>>,
}

impl ClusterLoad {
    /// Starts the load.
    pub(crate) fn start(nodes: &[NodeHandle], expectation: &Expectation, seed: u64) -> Self {
        let (ledger, searches, stop) = (Arc::default(), Arc::default(), Arc::default());
        let target = ClusterTarget::new(nodes, &ledger, &expectation.etags, seed);
        let plan =
            Plan { clock: Clock::Disabled, seed, continue_after_rejection: true, merchants: 40, labels: 3 };
        let workers = Load::start(&target, &expectation.models, &plan);
        let mut others = sessions::start(nodes, expectation, &ledger, seed, &stop);
        others.push(creations::start(&target, expectation, &stop));
        for (number, node) in nodes.iter().enumerate() {
            others.push(counters::start(&target, expectation, &ledger, &stop));
            others.push(searches::start(number, node, &searches, &stop));
        }
        Self { workers, others, stop, nodes: nodes.to_vec(), ledger, searches }
    }

    /// Writes at one node only; returns `true` if the write is acknowledged.
    pub(crate) async fn probe(&self, node: usize) -> bool {
        probe(&self.nodes[node], node, &self.ledger).await
    }

    /// Ends the load. Writers end their last change first.
    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let deadline = tokio::time::Instant::now() + STOP_TIMEOUT;
        self.workers.stop(STOP_TIMEOUT).await;
        for mut task in self.others {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
                drop(task.await);
            }
        }
    }
}

/// Writes at one node only; returns `true` if the write is acknowledged.
pub(crate) async fn probe(node: &NodeHandle, number: usize, ledger: &Ledger) -> bool {
    let merchant = Merchant {
        name: format!("merchants/{}{number}", expectation::PROBE_PREFIX),
        // Each probe changes something.
        display_name: expectation::display_name(PROBES.fetch_add(1, Ordering::Relaxed)),
        position: Some(position(0.012)),
        ..Default::default()
    };
    let request =
        UpdateMerchantRequest { merchant: Some(merchant), allow_missing: true, ..Default::default() };
    let result = node.writer.with_deadline(PROBE_DEADLINE).update_merchant(request).await;
    match &result {
        Ok(_) => ledger.acknowledge(number, false),
        Err(error) => ledger.count_error(error),
    }
    result.is_ok()
}
