//! Several nodes, their clients and one broker in virtual time.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use nearby_index::UnixMicros;

use super::model::{Command, Outcome, Submission, TestReplica};
use crate::{
    identity::{ClusterId, CommitId, NodeName, ProcessId, Sequence},
    log::{CommitLog, Monotonic},
    memory::{MemoryCluster, MemoryLog},
    message::{Header, Message, MessageHash, NEWEST_FORMAT},
    protocol::{Action, Blocked, Config, Counters, Fault, HealError, Now, Protocol, Status},
    replica::Replica,
};

pub(super) const CLUSTER: ClusterId = ClusterId([0xC1; 16]);
/// Time between syncs of a local copy: a crash loses what was applied since.
const SYNC_INTERVAL: Duration = Duration::from_millis(50);
/// Submissions of one batch.
const MAX_BATCH: usize = 8;

/// The submissions of a batch, and their outcomes if the batch counts.
type Ticket = Vec<(Submission, Outcome)>;

pub(super) struct Running {
    pub(super) protocol: Protocol<TestReplica, Ticket>,
    pub(super) log: MemoryLog,
    waiting: VecDeque<Submission>,
}

impl Running {
    /// Returns whether nothing waits and nothing is in flight.
    pub(super) fn is_idle(&self) -> bool {
        let now = Now { monotonic: Monotonic::ZERO, clock: UnixMicros(0) };
        self.waiting.is_empty() && self.protocol.status(now).in_flight.is_none()
    }
}

pub(super) struct Slot {
    pub(super) name: NodeName,
    pub(super) running: Option<Running>,
    /// The local copy as of its last sync.
    pub(super) disk: TestReplica,
    next_sync: Monotonic,
    pub(super) clock_offset_us: i64,
    /// Numbers of events of all runs.
    counters: Vec<Counters>,
    pub(super) is_connected: bool,
}

/// A command that was acknowledged to its caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acknowledged {
    pub(super) submission: Submission,
    pub(super) outcome: Outcome,
    pub(super) sequence: Sequence,
}

pub(super) struct World {
    pub(super) cluster: MemoryCluster,
    pub(super) nodes: Vec<Slot>,
    pub(super) now: Monotonic,
    random: u64,
    runs: u64,
    submissions: u64,
    pub(super) acknowledged: Vec<Acknowledged>,
    /// Submissions whose outcome their node does not know.
    pub(super) unresolved: VecDeque<Submission>,
    pub(super) max_acknowledged: Sequence,
    /// Results of restoring the log.
    pub(super) healed: Vec<Result<u64, HealError>>,
    /// Newest format that nodes started from now on read.
    pub(super) max_format: u16,
    /// A setting that nodes started from now on require of the log.
    pub(super) required_setting: Option<(&'static str, &'static str)>,
}

impl World {
    /// Starts nodes on a new log.
    pub(super) fn new(seed: u64, nodes: usize) -> Self {
        let cluster = MemoryCluster::new(seed);
        let state = TestReplica::new();
        let genesis = Header::genesis(
            CLUSTER,
            (CommitId { process: ProcessId([0; 16]), counter: 0 }, NodeName::parse("init").unwrap()),
            state.digest,
            UnixMicros(0),
        );
        cluster.publish_unchecked(genesis.encode_empty().unwrap(), Monotonic::ZERO);
        let slot = |number: usize| Slot {
            name: NodeName::parse(&format!("node-{number}")).unwrap(),
            running: None,
            disk: state.clone(),
            next_sync: Monotonic::ZERO,
            clock_offset_us: 0,
            counters: Vec::new(),
            is_connected: true,
        };
        let mut world = Self {
            cluster,
            nodes: (0..nodes).map(slot).collect(),
            now: Monotonic::ZERO,
            random: seed ^ 0x5EED,
            runs: 0,
            submissions: 0,
            acknowledged: Vec::new(),
            unresolved: VecDeque::new(),
            max_acknowledged: Sequence::ZERO,
            healed: Vec::new(),
            max_format: NEWEST_FORMAT,
            required_setting: None,
        };
        (0..nodes).for_each(|node| world.start(node));
        world
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % bound
    }

    pub(super) fn start(&mut self, node: usize) {
        self.runs += 1;
        let mut process = [0; 16];
        process[..8].copy_from_slice(&self.runs.to_le_bytes());
        let required = self.required_setting;
        let slot = &mut self.nodes[node];
        let config = Config {
            cluster: CLUSTER,
            node: slot.name.clone(),
            process: ProcessId(process),
            address: String::new(),
            max_format: self.max_format,
            settings: required.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            max_lag: 10,
            derive_fields: Arc::new(|stored| stored),
        };
        slot.disk.failure = None;
        let protocol = Protocol::new(config, slot.disk.clone(), self.now);
        let log = self.cluster.connect();
        if !slot.is_connected {
            log.set_connected(false, self.now);
        }
        slot.running = Some(Running { protocol, log, waiting: VecDeque::new() });
    }

    /// Kills a node. What it has applied since its last sync is lost.
    pub(super) fn crash(&mut self, node: usize) {
        let Some(mut running) = self.nodes[node].running.take() else { return };
        let status = running.protocol.status(self.now_of(node));
        self.nodes[node].counters.push(status.counters);
        let actions = running.protocol.take_actions();
        assert!(actions.iter().all(|action| matches!(action, Action::Log(_))));
        // Callers of what was waiting or in flight do not learn what became of it.
        self.unresolved.extend(running.waiting);
        let (_, ticket) = running.protocol.into_parts();
        self.unresolved.extend(ticket.into_iter().flatten().map(|(submission, _)| submission));
    }

    pub(super) fn set_connected(&mut self, node: usize, is_connected: bool) {
        self.nodes[node].is_connected = is_connected;
        if let Some(running) = &self.nodes[node].running {
            running.log.set_connected(is_connected, self.now);
        }
    }

    pub(super) fn now_of(&self, node: usize) -> Now {
        let micros = i64::try_from(self.now.as_micros()).unwrap();
        let clock = UnixMicros(1_700_000_000_000_000 + micros + self.nodes[node].clock_offset_us);
        Now { monotonic: self.now, clock }
    }

    /// Submits a new command to a node.
    pub(super) fn submit(&mut self, node: usize, command: Command) -> u64 {
        self.submissions += 1;
        let number = self.submissions;
        let submission = Submission { number, command, acknowledged_before: self.max_acknowledged };
        self.resubmit(node, submission);
        number
    }

    /// Submits a command that another node may have committed.
    pub(super) fn resubmit(&mut self, node: usize, submission: Submission) {
        match &mut self.nodes[node].running {
            Some(running) => running.waiting.push_back(submission),
            None => self.unresolved.push_back(submission),
        }
    }

    pub(super) fn running(&self, node: usize) -> &Running {
        self.nodes[node].running.as_ref().unwrap()
    }

    pub(super) fn protocol(&mut self, node: usize) -> &mut Protocol<TestReplica, Ticket> {
        &mut self.nodes[node].running.as_mut().unwrap().protocol
    }

    pub(super) fn replica(&self, node: usize) -> &TestReplica {
        self.running(node).protocol.replica()
    }

    pub(super) fn status(&self, node: usize) -> Status {
        self.running(node).protocol.status(self.now_of(node))
    }

    pub(super) fn fault(&self, node: usize) -> Option<Fault> {
        self.status(node).fault
    }

    pub(super) fn blocked(&self, node: usize) -> Option<Blocked> {
        self.running(node).protocol.blocked(self.now_of(node))
    }

    /// Sums a counter over all runs of all nodes.
    pub(super) fn total(&self, counter: fn(&Counters) -> u64) -> u64 {
        let ended = self.nodes.iter().flat_map(|slot| &slot.counters).map(counter).sum::<u64>();
        let running = (0..self.nodes.len()).filter(|node| self.nodes[*node].running.is_some());
        ended + running.map(|node| counter(&self.status(node).counters)).sum::<u64>()
    }

    /// Runs until a time has passed.
    pub(super) fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.step(end) {}
    }

    /// Runs until a condition holds. Panics if it does not within a minute of virtual time.
    pub(super) fn run_until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(60);
        while !condition(self) {
            assert!(self.step(end), "not reached: {what}; {:#?}", self.describe());
        }
    }

    pub(super) fn describe(&self) -> Vec<String> {
        let describe = |node: usize| {
            let Some(running) = &self.nodes[node].running else { return format!("node {node} is down") };
            format!(
                "node {node}: {:?}, blocked {:?}, waiting {}, log ends at {}",
                self.status(node),
                self.blocked(node),
                running.waiting.len(),
                self.cluster.last()
            )
        };
        (0..self.nodes.len()).map(describe).collect()
    }

    /// Moves to the next event before `end`. Returns false at the end.
    fn step(&mut self, end: Monotonic) -> bool {
        let running = self.nodes.iter().filter_map(|slot| slot.running.as_ref());
        let ticks = running.map(|running| running.protocol.next_tick(self.now));
        let is_dirty = |slot: &&Slot| {
            slot.running
                .as_ref()
                .is_some_and(|running| running.protocol.replica().position != slot.disk.position)
        };
        let ticks = ticks.chain(self.nodes.iter().filter(is_dirty).map(|slot| slot.next_sync));
        // Everything that arrives within a tenth of a millisecond is handled together.
        let next = ticks.chain(self.cluster.next_event()).min().unwrap_or(end);
        let next = next.max(self.now + Duration::from_micros(100));
        if next >= end {
            self.now = end;
            return false;
        }
        self.now = next;
        for node in 0..self.nodes.len() {
            self.run_node(node);
        }
        true
    }

    fn run_node(&mut self, node: usize) {
        let now = self.now_of(node);
        let Some(mut running) = self.nodes[node].running.take() else { return };
        while let Some(event) = running.log.poll(self.now) {
            running.protocol.handle(now, event);
            self.perform(&mut running);
        }
        running.protocol.tick(now);
        self.perform(&mut running);
        if !running.waiting.is_empty() && running.protocol.blocked(now).is_none() {
            let count = running.waiting.len().min(MAX_BATCH);
            let submissions: Vec<Submission> = running.waiting.drain(..count).collect();
            let time = running.protocol.log_time(now);
            let (batch, outcomes) = running.protocol.replica().decide(&submissions, time);
            let ticket = submissions.into_iter().zip(outcomes).collect();
            let proposed = running.protocol.propose(now, batch, ticket);
            proposed.map_err(|(_, error)| error).unwrap();
            self.perform(&mut running);
        } else if !running.waiting.is_empty() {
            running.protocol.request_base(now);
            self.perform(&mut running);
        }
        let slot = &mut self.nodes[node];
        if self.now >= slot.next_sync {
            slot.next_sync = self.now + SYNC_INTERVAL;
            if slot.disk.position != running.protocol.replica().position {
                slot.disk = running.protocol.replica().clone();
            }
        }
        slot.running = Some(running);
    }

    fn perform(&mut self, running: &mut Running) {
        for action in running.protocol.take_actions() {
            match action {
                Action::Log(action) => action.perform(&mut running.log),
                Action::Acknowledge(ticket, sequence) => {
                    // Acknowledged means visible here.
                    assert!(running.protocol.replica().position().applied >= sequence);
                    for (submission, outcome) in ticket {
                        self.acknowledged.push(Acknowledged { submission, outcome, sequence });
                    }
                    self.max_acknowledged = self.max_acknowledged.max(sequence);
                }
                Action::DecideAgain(ticket) => {
                    for (submission, _) in ticket.into_iter().rev() {
                        running.waiting.push_front(submission);
                    }
                }
                Action::Unresolved(ticket) => {
                    self.unresolved.extend(ticket.into_iter().map(|(submission, _)| submission));
                }
                Action::TooLarge(_) => panic!("no batch is so large"),
                Action::Healed { republished } => self.healed.push(Ok(republished)),
                Action::NotHealed(error) => self.healed.push(Err(error)),
            }
        }
    }

    /// Compares all nodes with an independent replay of the log, and the replay with what was acknowledged.
    pub(super) fn check(&self) {
        let reference = self.replay();
        for (node, slot) in self.nodes.iter().enumerate() {
            let Some(running) = &slot.running else { continue };
            let replica = running.protocol.replica();
            assert_eq!(replica.position.applied, self.cluster.last(), "node {node}");
            assert_eq!(replica.digest, reference.digest, "node {node}");
            assert_eq!(replica.merchants, reference.merchants, "contents of node {node}");
            assert_eq!(replica.requests, reference.requests, "requests of node {node}");
            assert_eq!(replica.messages, reference.messages, "messages of node {node}");
        }
        for Acknowledged { submission, outcome, sequence, .. } in &self.acknowledged {
            let committed = reference.committed.get(&submission.number);
            match outcome {
                Outcome::Stored(_) => {
                    let committed = committed.unwrap_or_else(|| panic!("{submission:?} is lost"));
                    assert!(committed <= sequence, "{submission:?}");
                }
                Outcome::Refused => {
                    assert_eq!(committed, None, "{submission:?} was refused, and is committed")
                }
            }
            // Whatever was acknowledged anywhere before it was submitted has been taken into account.
            assert!(*sequence > submission.acknowledged_before, "{submission:?} at {sequence} is stale");
        }
    }

    /// Applies the log by the rules, without any of the protocol's code.
    fn replay(&self) -> TestReplica {
        let mut state = TestReplica::new();
        for number in 1..=self.cluster.last().0 {
            let bytes = self.cluster.message(Sequence(number)).unwrap();
            let counts = |message: &Message| {
                message.header.base.0 + 1 == number && message.header.previous == state.position.hash
            };
            let message = Message::decode(&bytes, CLUSTER, u16::MAX, &|stored| stored).ok();
            let mut position = state.position;
            (position.applied, position.hash) = (Sequence(number), MessageHash::of(&bytes));
            let message = message.filter(counts);
            if let Some(message) = &message {
                assert_eq!(message.header.before, state.digest);
                assert!(message.header.time >= position.time, "log time moves backwards");
                (position.time, position.format) = (message.header.time, message.header.next_format);
            }
            let batch = message
                .as_ref()
                .map(|message| crate::protocol::chain::resolve(&state, message.batch.clone()));
            state.apply(&position, &bytes, batch.as_ref()).unwrap();
            if let Some(message) = message {
                assert_eq!(message.header.after, state.digest);
            }
        }
        state
    }
}
