//! Sessions: a client that writes at one node and reads at others, and always sees its own writes.
//!
//! The response to a write names a revision. A read that requires this revision returns the write, at any node, or fails. No
//! later read of the session returns an older version.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nearby_client::{
    ClientError, Code,
    v1::{
        CoordinateSystem, GetMerchantRequest, Merchant, Position, SearchNearbyRequest, UpdateMerchantRequest,
    },
};
use nearby_proto::v1::{
    merchant_service_client::MerchantServiceClient, nearby_service_client::NearbyServiceClient,
};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use tokio::task::JoinHandle;
use tonic::{Request, metadata::MetadataMap};

use super::{
    expectation::{Expectation, SESSIONS, SharedSessions, display_name, number_in, session_id},
    ledger::{Answer, Ledger, answer_of},
    target::request_id,
};
use crate::{args::rng_of, cluster::nodes::NodeHandle, load::lock};

/// Pause between the rounds of a session.
const PAUSE: Duration = Duration::from_millis(20);
const RETRY_PAUSE: Duration = Duration::from_millis(20);
const WRITE_DEADLINE: Duration = Duration::from_secs(3);
/// Longer than a node waits for a revision.
const READ_DEADLINE: Duration = Duration::from_millis(2_500);

/// Trailer with the revision that a response was made at, and the metadata of a request that requires one.
const REVISION: &str = "nearby-revision";
const MIN_REVISION: &str = "nearby-min-revision";

/// Starts all sessions. They run until they are stopped.
pub(crate) fn start(
    nodes: &[NodeHandle],
    expectation: &Expectation,
    ledger: &Arc<Ledger>,
    seed: u64,
    stop: &Arc<AtomicBool>,
) -> Vec<JoinHandle<()>> {
    let start = |number| {
        let session = Session {
            number,
            nodes: nodes.into(),
            versions: Arc::clone(&expectation.sessions),
            ledger: Arc::clone(ledger),
            rng: rng_of(seed, number as u64 + 7_000),
            revision: 0,
        };
        tokio::spawn(session.run(Arc::clone(stop)))
    };
    (0..SESSIONS).map(start).collect()
}

struct Session {
    number: usize,
    nodes: Arc<[NodeHandle]>,
    versions: SharedSessions,
    ledger: Arc<Ledger>,
    rng: Pcg64Mcg,
    /// The highest revision that a response has named.
    revision: u64,
}

/// A place of its own for each session, so that a search finds nothing else.
fn place(session: usize) -> Position {
    let offset = f64::from(u32::try_from(session).unwrap_or_default());
    let coordinate_system = CoordinateSystem::Wgs84.into();
    Position { latitude: -50.0 - offset, longitude: 10.0, coordinate_system, accuracy_m: None }
}

impl Session {
    async fn run(mut self, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            let writer = self.rng.random_range(0..self.nodes.len());
            if let Some(version) = self.write(writer, &stop).await {
                for reader in 0..self.nodes.len() {
                    self.read(reader, version).await;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Stores the next version, first at this node; returns the version.
    async fn write(&mut self, mut node: usize, stop: &AtomicBool) -> Option<u64> {
        let version = lock(&self.versions)[self.number].acknowledged + 1;
        lock(&self.versions)[self.number].sent = 1;
        let merchant = Merchant {
            name: format!("merchants/{}", session_id(self.number)),
            display_name: display_name(version),
            position: Some(place(self.number)),
            ..Default::default()
        };
        let id = request_id(&mut self.rng);
        let (merchant, mut was_unknown) = (Some(merchant), false);
        let request =
            UpdateMerchantRequest { merchant, allow_missing: true, request_id: id, ..Default::default() };
        loop {
            let mut client = MerchantServiceClient::new(self.nodes[node].channel.clone());
            let error = match within(
                WRITE_DEADLINE,
                client.update_merchant(with_deadline(request.clone(), WRITE_DEADLINE)),
            )
            .await
            {
                Ok(response) => {
                    self.ledger.acknowledge(node, was_unknown);
                    lock(&self.versions)[self.number] =
                        super::expectation::Number { acknowledged: version, sent: 0 };
                    self.see(node, response.metadata());
                    return Some(version);
                }
                Err(error) => error,
            };
            match answer_of(&error) {
                Answer::Refused => {
                    self.ledger.report(format!(
                        "node-{} refused version {version} of session {}: {error}",
                        node + 1,
                        self.number
                    ));
                    return None;
                }
                Answer::Unknown => was_unknown = true,
                Answer::Unavailable => {}
            }
            self.ledger.count_error(&error);
            if stop.load(Ordering::Relaxed) && !was_unknown {
                return None;
            }
            node = (node + 1) % self.nodes.len();
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Records the revision of a response. A session without one cannot require it.
    fn see(&mut self, node: usize, metadata: &MetadataMap) {
        let revision = metadata.get(REVISION).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        match revision {
            Some(revision) => self.revision = self.revision.max(revision),
            None => self.ledger.report(format!("a response of node-{} has no {REVISION}", node + 1)),
        }
    }

    /// Reads the merchant at a node, by its name and by its place, at the revision of the session.
    async fn read(&mut self, node: usize, version: u64) {
        let Some(epoch) = self.nodes[node].presence.epoch() else { return };
        let (revision, channel) = (self.revision, self.nodes[node].channel.clone());
        let is_found_by_search = self.rng.random_bool(0.5);
        let found = if is_found_by_search {
            let request = SearchNearbyRequest { origin: Some(place(self.number)), ..Default::default() };
            let call = async {
                NearbyServiceClient::new(channel).search_nearby(at_revision(request, revision)?).await
            };
            within(READ_DEADLINE, call).await.map(|response| {
                let metadata = response.metadata().clone();
                let merchants =
                    response.into_inner().results.into_iter().filter_map(|result| result.merchant);
                (metadata, merchants.map(|merchant| merchant.display_name).next())
            })
        } else {
            let request = GetMerchantRequest { name: format!("merchants/{}", session_id(self.number)) };
            let call = async {
                MerchantServiceClient::new(channel).get_merchant(at_revision(request, revision)?).await
            };
            within(READ_DEADLINE, call)
                .await
                .map(|response| (response.metadata().clone(), Some(response.into_inner().display_name)))
        };
        match found {
            Ok((metadata, name)) => {
                self.ledger.count_read(false);
                let read = name.as_deref().and_then(number_in);
                if read != Some(version) {
                    self.ledger.report(format!(
                        "session {} has stored version {version}, and node-{} returns {read:?} at revision {revision} or later",
                        self.number,
                        node + 1
                    ));
                }
                let before = self.revision;
                self.see_read(node, &metadata, before);
            }
            // The node lags behind, or has gone meanwhile.
            Err(error) if matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded) => {
                if self.nodes[node].presence.epoch() == Some(epoch) {
                    self.ledger.count_read(true);
                }
            }
            Err(error) => self.ledger.report(format!("session {}: node-{}: {error}", self.number, node + 1)),
        }
    }

    /// Checks that the revision of a response to a read is not before the required one.
    fn see_read(&mut self, node: usize, metadata: &MetadataMap, required: u64) {
        self.see(node, metadata);
        let revision = metadata.get(REVISION).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if revision.is_some_and(|revision| revision < required) {
            self.ledger.report(format!(
                "session {}: node-{} has answered at revision {revision:?}, and {required} was required",
                self.number,
                node + 1
            ));
        }
    }
}

fn with_deadline<T>(message: T, deadline: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    request
}

fn at_revision<T>(message: T, revision: u64) -> Result<Request<T>, tonic::Status> {
    let mut request = with_deadline(message, READ_DEADLINE);
    let value =
        revision.to_string().parse().map_err(|_| tonic::Status::internal("a revision is no metadata"))?;
    request.metadata_mut().insert(MIN_REVISION, value);
    Ok(request)
}

/// Bounds a call also where the node does not answer at all.
async fn within<T>(
    deadline: Duration,
    call: impl Future<Output = Result<T, tonic::Status>>,
) -> Result<T, ClientError> {
    match tokio::time::timeout(deadline, call).await {
        Ok(result) => result.map_err(ClientError::from),
        Err(_) => Err(tonic::Status::deadline_exceeded("no response").into()),
    }
}
