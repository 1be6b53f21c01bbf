//! The protocol of a node, without I/O: it takes events with a time, and returns actions.
//!
//! A node applies the messages of the log in order, and decides commits on its own state. A commit is proposed with the
//! position it was decided on, so that at most one of several that were decided on the same state is stored. The others are
//! decided again on the state that contains it.
//!
//! Safety rests on rules that do not need the broker to be right about anything but order and durability, and detects when it
//! is wrong about these:
//! 1. A commit counts only as the message after its base, and only if the hash of the message at the base is ours
//!    (`chain`). A message that does not follow from our state is read from the leader before anything is concluded from it.
//! 2. A proposal whose outcome is unknown is sent again byte for byte, until the message after its base is known
//!    (`flight`), but only while our last message is known to be in the log and no peer has applied more (`publish`).
//! 3. A node decides nothing before it is as far as all its peers and as the log's leader (`peers`, `watch`): a log may have
//!    lost what it acknowledged, and then a peer has it.
//! 4. Every node computes the digest after every commit and compares.
//!
//! | module | content |
//! |---|---|
//! | `chain` | the rules by which a message counts |
//! | `flight` | the publish in flight |
//! | `action` | requests to the log, and outcomes for callers |
//! | `config` | settings and time |
//! | `fault` | the reasons that a node decides nothing |
//! | `status` | the state of a node, for operators |
//! | `follow` | applying messages, reading what is missing, joining |
//! | `heal` | restoring what the log has lost |
//! | `peers` | the announcements of all nodes |
//! | `publish` | from a decided batch to its outcome |
//! | `watch` | the state of the log |

mod action;
mod chain;
mod config;
mod fault;
mod flight;
mod follow;
mod heal;
mod peers;
mod publish;
mod status;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use nearby_index::UnixMicros;

pub use self::{
    action::{Action, LogAction},
    chain::Void,
    config::{Config, Now, SharedDeriveFields},
    fault::{Blocked, Fault, HealError, ProposeError},
    peers::Peer,
    status::{Counters, Status},
};
use self::{
    chain::{Evidence, RecentHashes},
    flight::Flight,
    follow::{Joining, Reading},
    heal::Healing,
    peers::{Peers, is_duplicate},
    watch::{Inspected, Watch},
};
use crate::{
    announcement::{Announcement, NodeState},
    identity::Sequence,
    log::{LogEvent, LogInfo, Monotonic},
    replica::{Position, Replica, ReplicaError},
};

/// Interval of announcements and of inspections of the log.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Time without an answer to a publish after which new writes are refused.
const NO_QUORUM_AFTER: Duration = Duration::from_secs(5);
/// Time for which a draining node waits for the publish in flight.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause before a commit is stored again for which there was no space.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);
/// Difference from the median of all clocks at which a node decides nothing: 60 s.
const MAX_CLOCK_OFFSET_US: u64 = 60_000_000;

/// Time after the start in which another process under the same name makes this one stop, and the number of its announcements
/// that do.
const STARTING_TIME: Duration = Duration::from_secs(10);
const MIN_DUPLICATES: u64 = 8;

/// The protocol of a node.
#[derive(Debug)]
pub struct Protocol<R, T> {
    config: Config,
    replica: R,
    position: Position,
    recent: RecentHashes,
    flight: Option<Flight<T>>,
    peers: Peers,
    watch: Watch,
    joining: Option<Joining>,
    /// Messages that were received and not applied yet.
    inbox: BTreeMap<Sequence, Bytes>,
    /// Checks of the next message of the inbox.
    evidence: Evidence,
    /// True if the leader has had our last message since it was applied.
    is_base_confirmed: bool,
    /// True if a commit waits for that.
    is_base_wanted: bool,
    /// Time before which our last message is not compared again.
    next_history_read: Monotonic,
    reading: Option<Reading>,
    healing: Option<Healing>,
    /// Applied messages that may differ from those of the log.
    suspects: BTreeSet<Sequence>,
    /// The highest sequence that is said to exist, or to be under way.
    claimed: Sequence,
    /// Time at which the last message was applied.
    applied_at: Monotonic,
    last_progress: Monotonic,
    last_delivery: Monotonic,
    /// Deliveries that were started since the last message was applied.
    fruitless_follows: u32,
    fault: Option<Fault>,
    full_until: Option<Monotonic>,
    draining_since: Option<Monotonic>,
    next_heartbeat: Monotonic,
    started: Monotonic,
    counter: u64,
    counters: Counters,
    actions: Vec<Action<T>>,
}

impl<R: Replica, T> Protocol<R, T> {
    /// Starts the protocol of a node at the position of its local copy.
    pub fn new(config: Config, replica: R, now: Monotonic) -> Self {
        let position = replica.position();
        let mut recent = RecentHashes::default();
        recent.push(position.applied, position.hash);
        Self {
            config,
            replica,
            position,
            recent,
            flight: None,
            peers: Peers::default(),
            watch: Watch::default(),
            joining: Some(Joining::since(now)),
            inbox: BTreeMap::new(),
            evidence: Evidence::default(),
            is_base_confirmed: false,
            is_base_wanted: false,
            next_history_read: now,
            reading: None,
            healing: None,
            suspects: BTreeSet::new(),
            claimed: Sequence::ZERO,
            applied_at: now,
            last_progress: now,
            last_delivery: now,
            fruitless_follows: 0,
            fault: None,
            full_until: None,
            draining_since: None,
            next_heartbeat: now,
            started: now,
            counter: 0,
            counters: Counters::default(),
            actions: Vec::new(),
        }
    }

    /// Returns the local copy.
    pub fn replica(&self) -> &R {
        &self.replica
    }

    /// Returns the local copy for changes that do not concern the log, such as checkpoints.
    pub fn replica_mut(&mut self) -> &mut R {
        &mut self.replica
    }

    /// Ends the protocol. Returns the local copy, and the ticket of the publish in flight, whose outcome stays unknown.
    pub fn into_parts(self) -> (R, Option<T>) {
        (self.replica, self.flight.map(|flight| flight.ticket))
    }

    /// Returns the actions since the last call, in order.
    #[must_use]
    pub fn take_actions(&mut self) -> Vec<Action<T>> {
        std::mem::take(&mut self.actions)
    }

    /// Handles an event of the log.
    pub fn handle(&mut self, now: Now, event: LogEvent) {
        let time = now.monotonic;
        match event {
            LogEvent::Answer { attempt, answer } => self.answered(attempt, &answer, time),
            LogEvent::Message { sequence, message } => self.received(sequence, message, time),
            LogEvent::Read { request, message } => self.read(request, message, time),
            LogEvent::Info { request, info } => self.informed(request, info, time),
            LogEvent::NoLog { request } => {
                if self.watch.is_missing(request, time) {
                    self.fail(Fault::Missing);
                }
            }
            LogEvent::Announcement(bytes) => self.announced(&bytes, now),
            LogEvent::Unfollowed | LogEvent::Reconnected => self.rejoin(time),
        }
        self.tick(now);
    }

    /// Does what is due. To be called no later than [`Protocol::next_tick`].
    pub fn tick(&mut self, now: Now) {
        let time = now.monotonic;
        if time >= self.next_heartbeat {
            self.next_heartbeat = time + HEARTBEAT;
            let request = self.watch.request(time);
            self.request(LogAction::Inspect(request));
            let announcement = self.announcement(now).encode();
            self.request(LogAction::Announce(announcement));
        }
        self.advance(time);
        self.pursue_flight(time);
        self.pursue_healing(time);
    }

    /// Time after `now` at which [`Protocol::tick`] has something to do.
    #[must_use]
    pub fn next_tick(&self, now: Monotonic) -> Monotonic {
        let may_send = self.is_base_known(now);
        let flight = self.flight.as_ref().filter(|flight| may_send || flight.is_unanswered());
        let flight = flight.and_then(|flight| flight.timer(self.watch.last()));
        let drained =
            self.draining_since.filter(|_| self.flight.is_some()).map(|since| since + DRAIN_TIMEOUT);
        let healing = self.healing.as_ref().map(|healing| healing.until);
        let timers =
            [healing, Some(self.next_heartbeat), flight, drained, self.full_until, self.next_follow_timer()];
        let next = timers.into_iter().flatten().min().unwrap_or_default();
        next.max(now + Duration::from_millis(1))
    }

    /// Returns the reason that no commit may be decided now, if there is one.
    #[must_use]
    pub fn blocked(&self, now: Now) -> Option<Blocked> {
        let time = now.monotonic;
        if self.draining_since.is_some() {
            return Some(Blocked::Draining);
        }
        if self.fault.is_some() {
            return Some(Blocked::Fault);
        }
        if self.full_until.is_some() {
            return Some(Blocked::DiskFull);
        }
        if self.flight.is_some() {
            return Some(Blocked::InFlight);
        }
        if self.peers.clock_offset(time).unsigned_abs() > MAX_CLOCK_OFFSET_US {
            return Some(Blocked::Clock);
        }
        if self.joining.is_some() {
            return Some(if self.watch.fresh(time).is_some() { Blocked::Joining } else { Blocked::NoInfo });
        }
        if !self.peers.is_listening(time) {
            return Some(Blocked::NotListening);
        }
        if let Some(peer) = self.peers.ahead(self.position.applied, time) {
            return Some(Blocked::Peer(peer.announcement.node.clone()));
        }
        if let Some(peer) = self.peers.present(time).find(|peer| self.contradicts(&peer.announcement)) {
            return Some(Blocked::TwoHistories(peer.announcement.node.clone()));
        }
        match self.watch.fresh(time) {
            None => Some(Blocked::NoInfo),
            Some(info) if info.last > self.position.applied => Some(Blocked::CatchingUp),
            Some(_) if !self.is_base_known(time) => Some(Blocked::Joining),
            Some(_) => None,
        }
    }

    /// Returns the time of a commit that is decided now: never before that of the last one, on whichever node.
    #[must_use]
    pub fn log_time(&self, now: Now) -> UnixMicros {
        now.clock.max(self.position.time)
    }

    /// Stops deciding. The publish in flight is resolved or given up within ten seconds.
    pub fn drain(&mut self, now: Now) {
        self.draining_since.get_or_insert(now.monotonic);
        let announcement = self.announcement(now).encode();
        self.request(LogAction::Announce(announcement));
    }

    /// Returns whether the node is draining and no publish is in flight.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.draining_since.is_some() && self.flight.is_none()
    }

    /// Returns the fault of the node, if it has one.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Returns the newest format that this node reads.
    #[must_use]
    pub fn max_format(&self) -> u16 {
        self.config.max_format
    }

    /// Returns the age of the publish in flight.
    #[must_use]
    pub fn in_flight(&self, now: Now) -> Option<Duration> {
        self.flight.as_ref().map(|flight| now.monotonic.saturating_sub(flight.began))
    }

    /// Returns the state of the node.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        let time = now.monotonic;
        Status {
            state: self.state(time),
            fault: self.fault.clone(),
            position: self.position,
            lag: self.lag(time),
            in_flight: self.in_flight(now),
            clock_offset: self.peers.clock_offset(time),
            has_lost_redundancy: self.watch.has_lost_redundancy(time),
            counters: self.counters,
        }
    }

    /// Returns the ticket of the commit in flight.
    pub fn ticket_mut(&mut self) -> Option<&mut T> {
        self.flight.as_mut().map(|flight| &mut flight.ticket)
    }

    /// Returns the latest description of the log by its leader.
    #[must_use]
    pub fn log_info(&self) -> Option<&LogInfo> {
        self.watch.since(Monotonic::ZERO)
    }

    /// Returns whether the leader has described the log lately.
    #[must_use]
    pub fn has_leader(&self, now: Now) -> bool {
        self.watch.fresh(now.monotonic).is_some()
    }

    /// Returns whether the node lacks so few messages that it is ready.
    #[must_use]
    pub fn is_current(&self, now: Now) -> bool {
        self.lag(now.monotonic) <= self.config.max_lag
    }

    /// The local copy has failed outside of a commit.
    pub fn replica_failed(&mut self, error: &ReplicaError) {
        self.fail(Fault::Replica(error.to_string()));
    }

    /// Returns the peers that were heard of lately.
    pub fn peers(&self, now: Now) -> impl Iterator<Item = &Peer> {
        self.peers.present(now.monotonic)
    }

    fn state(&self, now: Monotonic) -> NodeState {
        let is_waiting =
            self.flight.as_ref().is_some_and(|flight| now.saturating_sub(flight.began) >= NO_QUORUM_AFTER);
        if self.draining_since.is_some() {
            NodeState::Draining
        } else if self.fault.is_some() {
            NodeState::Faulty
        } else if self.joining.is_some() {
            NodeState::Joining
        } else if self.lag(now) > self.config.max_lag {
            NodeState::CatchingUp
        } else if is_waiting {
            NodeState::NoQuorum
        } else {
            NodeState::Serving
        }
    }

    fn lag(&self, now: Monotonic) -> u64 {
        self.known_last(now).0.saturating_sub(self.position.applied.0)
    }

    fn announcement(&self, now: Now) -> Announcement {
        Announcement {
            cluster: self.config.cluster,
            node: self.config.node.clone(),
            process: self.config.process,
            sent: now.monotonic,
            applied: self.position.applied,
            hash: self.position.hash,
            revision: self.replica.digest().watermarks.last,
            clock: now.clock,
            max_format: self.config.max_format,
            state: self.state(now.monotonic),
            address: self.config.address.clone(),
            fault: self.fault.as_ref().map_or("", Fault::label).to_owned(),
        }
    }

    fn request(&mut self, action: LogAction) {
        self.actions.push(Action::Log(action));
    }

    /// Sets a fault. A fault that needs an operator is not replaced.
    fn fail(&mut self, fault: Fault) {
        if self.fault.as_ref().is_none_or(Fault::is_temporary) {
            let is_temporary = fault.is_temporary();
            self.fault = Some(fault);
            // Nothing more is applied, so that the outcome will not become known here.
            if let Some(flight) = self.flight.take_if(|_| !is_temporary) {
                self.actions.push(Action::Unresolved(flight.ticket));
            }
        }
    }

    fn announced(&mut self, bytes: &[u8], now: Now) {
        let Some(announcement) = Announcement::decode(bytes, self.config.cluster) else { return };
        if is_duplicate(&announcement, &self.config.node, self.config.process) {
            self.counters.duplicates += 1;
            // The process that came first goes on. A few announcements may be from the run before this one.
            let is_starting = now.monotonic.saturating_sub(self.started) <= STARTING_TIME;
            if is_starting && self.counters.duplicates >= MIN_DUPLICATES {
                self.fail(Fault::DuplicateName);
            }
            return;
        }
        if announcement.node == self.config.node {
            self.peers.echoed(announcement.sent);
            return;
        }
        if self.contradicts(&announcement) {
            // One of the two has another history than the log.
            self.suspects.insert(announcement.applied);
        }
        self.peers.heard(announcement, now.monotonic, now.clock);
    }

    /// Returns whether a node that has no fault has applied another message than this one.
    fn contradicts(&self, announcement: &Announcement) -> bool {
        announcement.state != NodeState::Faulty
            && self.recent.get(announcement.applied).is_some_and(|hash| hash != announcement.hash)
    }

    fn informed(&mut self, request: u64, info: LogInfo, now: Monotonic) {
        let (first, last) = (info.first, info.last);
        let settings = self.config.settings.iter().find_map(|(name, required)| {
            let found = info.settings.get(name).cloned().unwrap_or_default();
            let (name, required) = (name.clone(), required.clone());
            (found != required).then_some(Fault::Settings { name, found, required })
        });
        let leader = info.is_authoritative.then(|| info.leader.clone());
        let inspected = self.watch.answered(request, info, now);
        if let Some(flight) = self.flight.as_mut().filter(|_| inspected != Inspected::Outdated) {
            flight.is_led_by(leader.as_deref(), now);
        }
        let Inspected::Latest { is_interrupted } = inspected else { return };
        let is_shorter = self.log_info().is_some_and(|info| self.is_shorter(info));
        if is_interrupted {
            self.compare_to_heal_again(now);
        }
        if is_interrupted || (is_shorter && self.joining.is_none()) {
            self.join(self.watch.requested());
        }
        let is_over = matches!(self.fault, Some(Fault::Settings { .. } | Fault::Missing));
        if let Some(fault) = settings {
            // It may be the log of another cluster: nothing else that it says counts.
            return self.fail(fault);
        }
        if is_over {
            self.fault = None;
        }
        let applied = self.position.applied;
        let is_rewound = self.watch.is_rewound(applied, now);
        if first > applied.next() {
            self.fail(Fault::Behind { first });
        } else if is_rewound {
            self.fail(Fault::Rewound { last });
            self.compare_end(last, now);
        } else if last >= applied && self.is_healable() && self.joining.is_none() {
            self.join(now);
        }
    }

    /// Returns whether a fault ends when the log has what this node has.
    fn is_healable(&self) -> bool {
        matches!(self.fault, Some(Fault::Behind { .. } | Fault::Rewound { .. }))
    }
}

#[cfg(test)]
pub(crate) mod tests;
