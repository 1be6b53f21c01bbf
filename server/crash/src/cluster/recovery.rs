//! The end of a fault: the harness waits until every node accepts writes, and does what an operator would do if that takes too long.
//!
//! | observation | remedy |
//! |---|---|
//! | a process has exited | start it again; if a broker exits again, wipe its store |
//! | the stream is gone | `nearby cluster init --recreate` on the directory of the node that has the most |
//! | nodes have more than the log | `nearby cluster heal` from the node that has the most |
//! | the log lacks what one node needs | replace its directory by a copy of another node |
//! | a broker is not healthy, or its copy not current, for half a minute | start it again, then wipe its store, one at a time |
//! | a broker has the stream without a leader, and another does not know the stream, for half a minute | the same |

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{fixture::Cluster, load::ClusterLoad, nodes::name};
use crate::error::Result;

/// Time limit for all remedies together.
const TIMEOUT: Duration = Duration::from_secs(240);
const POLL: Duration = Duration::from_millis(250);
/// Time after which a process that has exited is started again.
const EXIT_PATIENCE: Duration = Duration::from_secs(2);
/// Time after which a rewound or missing log is restored. It lets every node find the fault first.
const HEAL_PATIENCE: Duration = Duration::from_secs(3);
/// Time after which a node gets another directory. A gap may end by itself: nodes ask the leader, and several consumers.
const BOOTSTRAP_PATIENCE: Duration = Duration::from_secs(12);
/// Time after which a broker is started again, or its store is wiped.
const BROKER_PATIENCE: Duration = Duration::from_secs(30);
/// Age that a fault may have in a status: nodes announce themselves twice a second, and the one that answers hears them later.
const MAX_STATUS_AGE: Duration = Duration::from_secs(1);

/// An operator's action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Remedy {
    StartNode(usize),
    StartBroker(usize),
    WipeBroker(usize),
    CreateStream { with: usize },
    Heal { from: usize },
    Bootstrap { node: usize, from: Option<usize> },
}

/// Kind of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RemedyKind {
    StartNode,
    StartBroker,
    WipeBroker,
    CreateStream,
    Heal,
    Bootstrap,
}

impl Remedy {
    /// Returns the kind.
    pub(crate) fn kind(self) -> RemedyKind {
        match self {
            Self::StartNode(_) => RemedyKind::StartNode,
            Self::StartBroker(_) => RemedyKind::StartBroker,
            Self::WipeBroker(_) => RemedyKind::WipeBroker,
            Self::CreateStream { .. } => RemedyKind::CreateStream,
            Self::Heal { .. } => RemedyKind::Heal,
            Self::Bootstrap { .. } => RemedyKind::Bootstrap,
        }
    }
}

impl RemedyKind {
    /// Returns the words for a table.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::StartNode => "node started again",
            Self::StartBroker => "broker started again",
            Self::WipeBroker => "broker wiped",
            Self::CreateStream => "stream created again",
            Self::Heal => "healed",
            Self::Bootstrap => "bootstrapped",
        }
    }
}

/// State of the processes and the log at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Observation {
    exited_nodes: BTreeSet<usize>,
    exited_brokers: BTreeSet<usize>,
    /// Brokers that are running, and not healthy, not current, or the only ones that know the stream.
    bad_brokers: BTreeSet<usize>,
    /// The broker that leads the log.
    leader: Option<usize>,
    /// Labels of faults, by node.
    faults: BTreeMap<usize, String>,
    /// Last sequence that each node has applied.
    applied: BTreeMap<usize, u64>,
    is_stream_missing: bool,
}

/// A condition that may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
    NodeExited(usize),
    BrokerExited(usize),
    BrokerBad(usize),
    StreamMissing,
    Rewound,
    NodeStuck(usize),
}

/// End of a recovery.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recovery {
    pub(crate) remedies: Vec<Remedy>,
    /// Labels of all faults that nodes have reported.
    pub(crate) faults: BTreeSet<String>,
    /// Writes that were acknowledged while every node reported a fault.
    pub(crate) acknowledged_despite_faults: usize,
}

impl Observation {
    fn is_rewound(&self) -> bool {
        self.faults.values().any(|fault| fault == "rewound")
    }

    fn conditions(&self) -> BTreeSet<Condition> {
        // The causes of these are the log and the brokers: JetStream is off on a broker whose disk was full.
        let is_stuck = |fault: &str| !["missing", "rewound", "settings"].contains(&fault);
        let stuck = self.faults.iter().filter(|(_, fault)| is_stuck(fault)).map(|(node, _)| *node);
        (self.exited_nodes.iter().map(|node| Condition::NodeExited(*node)))
            .chain(self.exited_brokers.iter().map(|broker| Condition::BrokerExited(*broker)))
            .chain(self.bad_brokers.iter().map(|broker| Condition::BrokerBad(*broker)))
            .chain(self.is_stream_missing.then_some(Condition::StreamMissing))
            .chain(self.is_rewound().then_some(Condition::Rewound))
            .chain(stuck.map(Condition::NodeStuck))
            .collect()
    }

    /// Returns the node that has applied the most.
    fn furthest(&self, among: impl Fn(usize) -> bool) -> Option<usize> {
        let candidates = self.applied.iter().filter(|(node, _)| among(**node));
        candidates.max_by_key(|(_, applied)| **applied).map(|(node, _)| *node)
    }
}

/// Chooses the next remedy: one at a time, the cause before the consequence.
fn decide(seen: &Observation, lasting: &BTreeMap<Condition, Duration>, done: &[Remedy]) -> Option<Remedy> {
    let lasts = |condition, patience| lasting.get(&condition).is_some_and(|duration| *duration >= patience);
    for node in &seen.exited_nodes {
        if lasts(Condition::NodeExited(*node), EXIT_PATIENCE) {
            return Some(Remedy::StartNode(*node));
        }
    }
    for broker in &seen.exited_brokers {
        if lasts(Condition::BrokerExited(*broker), EXIT_PATIENCE) {
            return Some(start_or_wipe(*broker, done));
        }
    }
    if seen.is_stream_missing || seen.is_rewound() {
        if !seen.exited_brokers.is_empty() {
            return None;
        }
        return if lasts(Condition::StreamMissing, HEAL_PATIENCE) {
            seen.furthest(|_| true).map(|with| Remedy::CreateStream { with })
        } else if lasts(Condition::Rewound, HEAL_PATIENCE) {
            // The node that has the most may not know yet that the log is rewound. Another one would restore less.
            let is_rewound = |node: &usize| seen.faults.get(node).is_some_and(|fault| fault == "rewound");
            let is_whole = |node| seen.faults.get(&node).is_none_or(|fault| fault != "rewritten");
            seen.furthest(is_whole).filter(is_rewound).map(|from| Remedy::Heal { from })
        } else {
            None
        };
    }
    for node in seen.faults.keys() {
        if !lasts(Condition::NodeStuck(*node), BOOTSTRAP_PATIENCE) {
            continue;
        }
        let from = seen.furthest(|other| !seen.faults.contains_key(&other));
        // If every node lacks the same message, the archive of a node may have it.
        return from.map(|from| Remedy::Bootstrap { node: *node, from: Some(from) }).or_else(|| {
            let has_healed = done.iter().any(|remedy| remedy.kind() == RemedyKind::Heal);
            seen.furthest(|_| true).filter(|_| !has_healed).map(|from| Remedy::Heal { from })
        });
    }
    // A broker may be bad because of the others: all are started again before the store of one is wiped.
    let is_lasting = |broker: &&usize| lasts(Condition::BrokerBad(**broker), BROKER_PATIENCE);
    let bad: Vec<usize> = seen.bad_brokers.iter().filter(is_lasting).copied().collect();
    let remedies = bad.iter().map(|broker| Remedy::StartBroker(*broker));
    let remedies = remedies.chain(bad.iter().map(|broker| Remedy::WipeBroker(*broker)));
    // A leader whose copy is damaged cannot fill an empty one. Another broker leads after its restart.
    let leader = seen.leader.filter(|_| !bad.is_empty());
    let mut remedies = remedies.chain(leader.map(Remedy::StartBroker));
    remedies.find(|remedy| !done.contains(remedy))
}

fn start_or_wipe(broker: usize, done: &[Remedy]) -> Remedy {
    if done.contains(&Remedy::StartBroker(broker)) {
        Remedy::WipeBroker(broker)
    } else {
        Remedy::StartBroker(broker)
    }
}

/// Waits until every node accepts writes and every broker is healthy. The error of the inner result is a cluster that does not
/// recover.
pub(crate) async fn recover(
    cluster: &mut Cluster,
    load: &ClusterLoad,
) -> Result<std::result::Result<Recovery, String>> {
    let start = Instant::now();
    let mut recovery = Recovery::default();
    let mut since: BTreeMap<Condition, Instant> = BTreeMap::new();
    let mut all_faulty_since: Option<Instant> = None;
    let mut writable = BTreeSet::new();
    let mut last_observation = start;
    loop {
        for node in 0..cluster.nodes.count() {
            if !writable.contains(&node) && load.probe(node).await {
                writable.insert(node);
            }
        }
        let seen = observe(cluster).await?;
        let now = Instant::now();
        let observed = std::mem::replace(&mut last_observation, now);
        recovery.faults.extend(seen.faults.values().cloned());
        if seen.faults.len() == cluster.nodes.count() {
            all_faulty_since.get_or_insert(now);
        } else if let Some(from) = all_faulty_since.take() {
            // The fault of a node has ended since the last observation.
            let until = observed.checked_sub(MAX_STATUS_AGE).unwrap_or(from);
            recovery.acknowledged_despite_faults += load.ledger.acknowledged_between(from, until);
        }
        let conditions = seen.conditions();
        if conditions.is_empty() && writable.len() == cluster.nodes.count() {
            return Ok(Ok(recovery));
        }
        since.retain(|condition, _| conditions.contains(condition));
        for condition in &conditions {
            since.entry(*condition).or_insert(now);
        }
        let lasting = since.iter().map(|(condition, at)| (*condition, now - *at)).collect();
        if let Some(remedy) = decide(&seen, &lasting, &recovery.remedies) {
            if let Some(from) = all_faulty_since.take() {
                let until = now.checked_sub(MAX_STATUS_AGE).unwrap_or(from);
                recovery.acknowledged_despite_faults += load.ledger.acknowledged_between(from, until);
            }
            recovery.remedies.push(remedy);
            if let Err(error) = apply(cluster, remedy).await {
                return Ok(Err(format!("{remedy:?}: {error}; {recovery:?}")));
            }
            since.clear();
            writable.clear();
        }
        if start.elapsed() > TIMEOUT {
            return Ok(Err(format!(
                "no recovery within {} s: writable nodes {writable:?}, {seen:?}, {recovery:?}",
                TIMEOUT.as_secs()
            )));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn observe(cluster: &mut Cluster) -> Result<Observation> {
    let mut seen = Observation::default();
    for node in 0..cluster.nodes.count() {
        if !cluster.nodes.is_running(node)? {
            seen.exited_nodes.insert(node);
        }
    }
    let states = cluster.brokers.stream_states().await;
    for broker in 0..cluster.brokers.count() {
        if !cluster.brokers.is_running(broker)? {
            seen.exited_brokers.insert(broker);
        } else if !cluster.brokers.is_healthy(broker).await {
            seen.bad_brokers.insert(broker);
        }
    }
    seen.is_stream_missing =
        states.is_empty() && seen.exited_brokers.is_empty() && seen.bad_brokers.is_empty();
    for (broker, state) in &states {
        // Brokers that have lost their disks can make up a majority, and know of no stream.
        if state.leader.is_none() && states.len() < cluster.brokers.count() && seen.exited_brokers.is_empty()
        {
            seen.bad_brokers.insert(*broker);
        }
        if state.leader == Some(*broker) {
            seen.leader = Some(*broker);
            seen.bad_brokers
                .extend(state.lagging.iter().filter(|lagging| !seen.exited_brokers.contains(lagging)));
        }
    }
    if let Ok(status) = cluster.status().await {
        for number in 0..cluster.nodes.count() {
            let Some(node) = status.nodes.iter().find(|node| node.name == name(number)) else { continue };
            seen.applied.insert(number, node.applied);
            if !node.fault.is_empty() {
                seen.faults.insert(number, node.fault.clone());
            }
        }
    }
    Ok(seen)
}

async fn apply(cluster: &mut Cluster, remedy: Remedy) -> Result<()> {
    match remedy {
        Remedy::StartNode(node) => cluster.nodes.start(node).await,
        Remedy::StartBroker(broker) => {
            cluster.brokers.kill(broker)?;
            cluster.brokers.start(broker)
        }
        Remedy::WipeBroker(broker) => {
            cluster.brokers.kill(broker)?;
            cluster.brokers.wipe(broker)?;
            cluster.brokers.start(broker)
        }
        Remedy::CreateStream { with } => {
            cluster.nodes.terminate(with).await?;
            cluster.nodes.create_stream(with, cluster.brokers.count()).await?;
            cluster.nodes.start(with).await
        }
        Remedy::Heal { from } => cluster.commands.heal(cluster.nodes.url(from)).await.map(drop),
        Remedy::Bootstrap { node, from } => {
            cluster.nodes.kill(node)?;
            cluster.nodes.bootstrap(node, from).await?;
            cluster.nodes.start(node).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(seen: &Observation, seconds: u64) -> BTreeMap<Condition, Duration> {
        let conditions = seen.conditions().into_iter();
        conditions.map(|condition| (condition, Duration::from_secs(seconds))).collect()
    }

    fn with_faults(faults: &[(usize, &str)]) -> Observation {
        let faults = faults.iter().map(|(node, fault)| (*node, (*fault).to_owned())).collect();
        Observation { faults, applied: [(0, 10), (1, 30), (2, 20)].into(), ..Observation::default() }
    }

    #[test]
    fn a_rewound_log_is_healed_from_the_node_that_has_the_most() {
        let seen = with_faults(&[(0, "rewound"), (1, "rewound")]);
        assert_eq!(decide(&seen, &lasting(&seen, 1), &[]), None, "it may end by itself");
        assert_eq!(decide(&seen, &lasting(&seen, 5), &[]), Some(Remedy::Heal { from: 1 }));
        let seen = with_faults(&[(0, "rewound"), (2, "rewound")]);
        assert_eq!(decide(&seen, &lasting(&seen, 5), &[]), None, "node 1 has more than these");
        let missing = Observation { is_stream_missing: true, ..with_faults(&[]) };
        assert_eq!(decide(&missing, &lasting(&missing, 5), &[]), Some(Remedy::CreateStream { with: 1 }));
    }

    #[test]
    fn a_node_that_is_stuck_alone_is_bootstrapped_from_one_that_is_not() {
        let seen = with_faults(&[(1, "gap")]);
        assert_eq!(decide(&seen, &lasting(&seen, 5), &[]), None);
        let settings = with_faults(&[(1, "settings")]);
        assert_eq!(decide(&settings, &lasting(&settings, 20), &[]), None);
        let expected = Remedy::Bootstrap { node: 1, from: Some(2) };
        assert_eq!(decide(&seen, &lasting(&seen, 20), &[]), Some(expected));
        let all = with_faults(&[(0, "gap"), (1, "gap"), (2, "gap")]);
        let healed = Remedy::Heal { from: 1 };
        assert_eq!(decide(&all, &lasting(&all, 20), &[]), Some(healed));
        assert_eq!(decide(&all, &lasting(&all, 20), &[healed]), None, "the same remedy would not help again");
    }

    #[test]
    fn a_broker_is_started_again_before_it_is_wiped() {
        let exited = Observation { exited_brokers: [2].into(), ..Observation::default() };
        assert_eq!(decide(&exited, &lasting(&exited, 3), &[]), Some(Remedy::StartBroker(2)));
        let started = [Remedy::StartBroker(2)];
        assert_eq!(decide(&exited, &lasting(&exited, 3), &started), Some(Remedy::WipeBroker(2)));
        let bad = Observation { bad_brokers: [0, 1].into(), leader: Some(2), ..Observation::default() };
        assert_eq!(decide(&bad, &lasting(&bad, 20), &[]), None);
        let mut done = Vec::new();
        while let Some(remedy) = decide(&bad, &lasting(&bad, 31), &done) {
            done.push(remedy);
        }
        let started = [Remedy::StartBroker(0), Remedy::StartBroker(1)];
        let wiped = [Remedy::WipeBroker(0), Remedy::WipeBroker(1), Remedy::StartBroker(2)];
        assert_eq!(done, [&started[..], &wiped[..]].concat(), "the leader last: its copy may be damaged");
    }
}
