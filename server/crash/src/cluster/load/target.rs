//! All nodes as one target of changes: a change is repeated at other nodes until it is acknowledged or refused.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nearby_client::{ClientError, v1::Merchant};
use rand::{Rng, RngExt};
use rand_pcg::Pcg64Mcg;

use super::{
    etags::Etags,
    ledger::{Answer, Ledger, answer_of, label},
};
use crate::{
    args::rng_of,
    change::{Applied, Change, Target, send},
    cluster::nodes::NodeHandle,
    load::lock,
};

/// Pause before each change: two cores are to be left for elections.
const PACE: Duration = Duration::from_millis(5);
/// Pause after a change has failed at each node.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// Time that a writer stays away from its own node after a failure. Otherwise all writers would wait for the node that hangs.
const AWAY: Duration = Duration::from_secs(2);

/// The nodes of a cluster. Each clone has another node that it prefers.
pub(crate) struct ClusterTarget {
    nodes: Arc<[NodeHandle]>,
    ledger: Arc<Ledger>,
    etags: Arc<Mutex<Etags>>,
    /// Number of clones that were made, which assigns nodes and random numbers to them.
    clones: Arc<AtomicUsize>,
    seed: u64,
    rng: Pcg64Mcg,
    home: usize,
    at: usize,
    left_home: Instant,
    /// A refusal is a wrong answer, because no other writer changes the same merchants.
    is_exclusive: bool,
}

impl Clone for ClusterTarget {
    fn clone(&self) -> Self {
        let number = self.clones.fetch_add(1, Ordering::Relaxed);
        let home = number % self.nodes.len();
        Self {
            nodes: Arc::clone(&self.nodes),
            ledger: Arc::clone(&self.ledger),
            etags: Arc::clone(&self.etags),
            clones: Arc::clone(&self.clones),
            seed: self.seed,
            rng: rng_of(self.seed, number as u64),
            home,
            at: home,
            left_home: Instant::now(),
            is_exclusive: self.is_exclusive,
        }
    }
}

impl ClusterTarget {
    /// Creates a target for writers with merchants of their own.
    pub(crate) fn new(
        nodes: &[NodeHandle],
        ledger: &Arc<Ledger>,
        etags: &Arc<Mutex<Etags>>,
        seed: u64,
    ) -> Self {
        Self {
            nodes: nodes.into(),
            ledger: Arc::clone(ledger),
            etags: Arc::clone(etags),
            clones: Arc::new(AtomicUsize::new(1)),
            seed,
            rng: rng_of(seed, 0),
            home: 0,
            at: 0,
            left_home: Instant::now(),
            is_exclusive: true,
        }
    }

    /// Returns a target for writers that compete for the same merchants.
    pub(crate) fn shared(&self) -> Self {
        Self { is_exclusive: false, ..self.clone() }
    }

    /// Returns the node to which the next change goes first.
    pub(crate) fn node(&mut self) -> &NodeHandle {
        if self.at != self.home && self.left_home.elapsed() > AWAY {
            self.at = self.home;
        }
        &self.nodes[self.at]
    }

    /// Returns the random number generator of this clone.
    pub(crate) fn rng(&mut self) -> &mut Pcg64Mcg {
        &mut self.rng
    }

    fn leave(&mut self) {
        if self.at == self.home {
            self.left_home = Instant::now();
        }
        self.at = (self.at + 1) % self.nodes.len();
    }

    /// Adds a request id and, to some updates, the etag that the last acknowledgement had: the update then fails unless exactly
    /// that version is stored.
    fn prepare(&mut self, change: &mut Change) {
        let id = request_id(&mut self.rng);
        match change {
            Change::Create(request) => request.request_id = id,
            Change::Update(request) => {
                request.request_id = id;
                if let Some(merchant) = &mut request.merchant {
                    self.add_etag(merchant);
                }
            }
            Change::Delete(request) => request.request_id = id,
            Change::BatchCreate(request) => request.request_id = id,
            Change::BatchUpdate(request) => {
                request.request_id = id;
                for merchant in request.requests.iter_mut().filter_map(|update| update.merchant.as_mut()) {
                    self.add_etag(merchant);
                }
            }
            Change::BatchDelete(request) => request.request_id = id,
            Change::Import(_) => {}
        }
    }

    fn add_etag(&mut self, merchant: &mut Merchant) {
        if self.is_exclusive
            && self.rng.random_bool(0.5)
            && let Some(etag) = lock(&self.etags).get(&merchant.name)
        {
            etag.clone_into(&mut merchant.etag);
        }
    }
}

impl Target for ClusterTarget {
    async fn apply(&mut self, mut change: Change) -> Result<Applied, ClientError> {
        tokio::time::sleep(PACE).await;
        self.prepare(&mut change);
        let (mut was_unknown, mut attempts) = (false, 0);
        loop {
            let client = self.node().writer.clone();
            let error = match send(&client, change.clone()).await {
                Ok(applied) => {
                    self.ledger.acknowledge(self.at, was_unknown);
                    if self.is_exclusive {
                        lock(&self.etags).record(&change, &applied);
                    }
                    let may_repeat = was_unknown && matches!(change, Change::Import(_));
                    return Ok(Applied { may_repeat, ..applied });
                }
                Err(error) => error,
            };
            match answer_of(&error) {
                Answer::Refused => {
                    if self.is_exclusive {
                        let (node, label) = (self.at + 1, label(&error));
                        let history = if was_unknown { "after an unknown outcome" } else { "at once" };
                        self.ledger.report(format!(
                            "node-{node} refused {history} the {}, with which no other writer competes: {label}: {error}",
                            change.summary()
                        ));
                    }
                    return Err(error);
                }
                Answer::Unknown => was_unknown = true,
                Answer::Unavailable => {}
            }
            self.ledger.count_error(&error);
            self.leave();
            attempts += 1;
            if attempts % self.nodes.len() == 0 {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Returns a random UUID.
pub(crate) fn request_id(rng: &mut Pcg64Mcg) -> String {
    let (high, low) = (rng.next_u64(), rng.next_u64());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_random_uuids_of_version_4() {
        let mut rng = rng_of(1, 1);
        let (one, other) = (request_id(&mut rng), request_id(&mut rng));
        assert_ne!(one, other);
        let parts: Vec<&str> = one.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{one}");
        assert!(parts[2].starts_with('4') && ["8", "9", "a", "b"].contains(&&parts[3][..1]), "{one}");
    }
}
