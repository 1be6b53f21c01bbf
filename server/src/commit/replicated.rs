//! The commit thread of a node of a cluster: decides on the local copy, proposes to the log, and applies what the log contains.
//!
//! One commit is in flight at a time. Submissions that arrive meanwhile are decided together after it. When another node's
//! commit is stored first, the submissions are decided again on the state that contains it.

use std::{sync::Arc, time::Duration};

use nearby_cluster::{
    announcement::NodeState,
    identity::Sequence,
    log::{CommitLog, Monotonic},
    message::{MAX_BATCH_BYTES, MAX_MESSAGE_BYTES},
    protocol::{Action, Blocked, Fault, HealError, Now, ProposeError, Protocol},
    replica::Replica,
};
use nearby_store::{OwnedBatch, Store, encoded_change_bytes};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::sleep,
};

use super::{
    ClusterOperation, Message, STOPPING, Submission, UpgradeError, close,
    in_flight::{BatchInFlight, InFlight, acknowledge, answer, give_up, submissions_of},
    local_copy::{DecidedBatch, LocalCopy},
    store_replica::StoreReplica,
    waiting::Waiting,
};
use crate::{
    clock::Clock,
    cluster::{
        ClusterParts, ClusterView, WriteState, slow_peers::SlowPeers, staleness::Staleness,
        view::ClusterState,
    },
    error::ServiceError,
    telemetry::metrics::Metrics,
    write_availability::WriteAvailability,
};

/// Time without the possibility to commit after which changes are rejected.
const REJECT_AFTER: Duration = Duration::from_secs(5);
/// Time after which the callers of a commit in flight get the error that its outcome is unknown, before the ten seconds of the
/// service config: clients repeat it then, at another node. It stays in flight.
const UNKNOWN_AFTER: Duration = Duration::from_secs(8);
/// Time within which an appended commit is synced to the local disk.
const SYNC_INTERVAL: Duration = Duration::from_millis(50);
/// Interval at which other threads learn the state of the node.
const VIEW_INTERVAL: Duration = Duration::from_millis(100);
/// Time for which a node decides nothing until the reason is shown: a commit in flight is a reason for some milliseconds.
const SHOW_BLOCKED_AFTER: Duration = Duration::from_secs(1);
/// Messages until one as of which the contents can be taken.
const MAX_CAPTURE_DISTANCE: u64 = 10_000;
/// Events that are handled before submissions are.
const MAX_EVENTS: usize = 64;

/// A change of the format that has not been proposed.
struct PendingUpgrade {
    format: u16,
    reply: oneshot::Sender<Result<Sequence, UpgradeError>>,
}

pub(super) struct ReplicatedWorker {
    protocol: Protocol<StoreReplica, InFlight>,
    log: Box<dyn CommitLog + Send>,
    wake: Arc<Notify>,
    view: ClusterView,
    staleness: Staleness,
    slow_peers: SlowPeers,
    availability: WriteAvailability,
    clock: Clock,
    metrics: Arc<Metrics>,
    waiting: Waiting,
    /// Time since which nothing could be decided for another reason than a commit in flight.
    blocked_since: Option<Monotonic>,
    heal_replies: Vec<oneshot::Sender<Result<u64, HealError>>>,
    upgrade: Option<PendingUpgrade>,
    /// The fault that was logged last.
    logged_fault: Option<Fault>,
    /// The state that was logged last.
    logged_state: Option<NodeState>,
    /// Commit nothing until the log is so long.
    advance_to: Sequence,
    sync_due: Option<Monotonic>,
    next_view: Monotonic,
    /// The leading broker, and how often it has changed.
    leader: (String, u64),
    /// Time in which no changes were accepted, and when it was counted last.
    unwritable: (Duration, Monotonic),
    is_stopping: bool,
}

impl ReplicatedWorker {
    pub(super) fn new(
        parts: ClusterParts,
        (store, copy): (Box<dyn Store>, LocalCopy),
        (availability, clock, metrics): (WriteAvailability, Clock, Arc<Metrics>),
    ) -> Self {
        let ClusterParts { config, log, wake, position, archive, view } = parts;
        let replica = StoreReplica {
            store,
            copy,
            archive,
            cluster: config.cluster,
            position,
            availability: availability.clone(),
            clock: Arc::clone(&clock),
            is_unsynced: false,
            captures: std::collections::BTreeMap::new(),
        };
        Self {
            protocol: Protocol::new(config, replica, view.now()),
            log,
            wake,
            view,
            staleness: Staleness::default(),
            slow_peers: SlowPeers::default(),
            availability,
            clock,
            metrics,
            waiting: Waiting::default(),
            blocked_since: None,
            heal_replies: Vec::new(),
            upgrade: None,
            logged_fault: None,
            logged_state: None,
            advance_to: Sequence::ZERO,
            sync_due: None,
            next_view: Duration::ZERO,
            leader: (String::new(), 0),
            unwritable: (Duration::ZERO, Duration::ZERO),
            is_stopping: false,
        }
    }

    /// Runs until the commit thread is stopped, and closes the store.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let wake = Arc::clone(&self.wake);
        loop {
            self.take_events();
            self.take_messages(&mut messages);
            self.decide();
            self.perform();
            self.maintain();
            if self.is_stopping && self.protocol.is_drained() {
                break;
            }
            let now = self.view.now();
            let wait = self.next_timer(now).saturating_sub(now);
            let accepts = !self.is_stopping && !self.waiting.is_full();
            tokio::select! {
                biased;
                () = wake.notified() => {}
                message = messages.recv(), if accepts => match message {
                    Some(message) => self.handle(message),
                    None => self.stop(),
                },
                () = sleep(wait) => {}
            }
        }
        messages.close();
        self.waiting.reject(&STOPPING);
        let (mut replica, _) = self.protocol.into_parts();
        if let Err(error) = replica.sync() {
            tracing::error!(%error, "cannot sync the store; the next start applies the last commits again");
        }
        close(replica.store, replica.copy.contents());
    }

    fn now(&self) -> Now {
        Now { monotonic: self.view.now(), clock: (self.clock)() }
    }

    fn next_timer(&self, now: Monotonic) -> Monotonic {
        let timers = [Some(self.protocol.next_tick(now)), Some(self.next_view), self.sync_due];
        timers.into_iter().flatten().min().unwrap_or(now)
    }

    /// Handles the events of the log that have arrived.
    fn take_events(&mut self) {
        for _ in 0..MAX_EVENTS {
            let now = self.now();
            match self.log.poll(now.monotonic) {
                Some(event) => self.protocol.handle(now, event),
                None => {
                    self.protocol.tick(now);
                    // Before anything is decided: it may have ended the commit in flight.
                    return self.perform();
                }
            }
            self.perform();
        }
        // The rest at once, after submissions.
        self.wake.notify_one();
    }

    fn take_messages(&mut self, messages: &mut mpsc::Receiver<Message>) {
        while !self.is_stopping && !self.waiting.is_full() {
            let Ok(message) = messages.try_recv() else { return };
            self.handle(message);
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Submit(submission) => self.waiting.push(submission),
            Message::BackupContents(reply) => drop(reply.send(self.protocol.replica().contents())),
            Message::Cluster(operation) => self.operate(operation),
            Message::Stop => self.stop(),
        }
    }

    fn stop(&mut self) {
        self.is_stopping = true;
        self.protocol.drain(self.now());
        self.log_state(NodeState::Draining);
        self.waiting.reject(&STOPPING);
    }

    fn operate(&mut self, operation: ClusterOperation) {
        match operation {
            ClusterOperation::Heal(reply) => match self.protocol.heal(self.view.now()) {
                Ok(()) => self.heal_replies.push(reply),
                Err(error) => drop(reply.send(Err(error))),
            },
            ClusterOperation::Upgrade { format, reply } => {
                self.upgrade = Some(PendingUpgrade { format, reply });
            }
            ClusterOperation::Capture { sequence, advance, reply } => {
                let applied = self.protocol.replica().position().applied;
                // A node with a fault will not reach the message. The receiver sees an error.
                let is_reachable = self.protocol.fault().is_none()
                    && sequence.0 <= applied.0.saturating_add(MAX_CAPTURE_DISTANCE);
                if is_reachable {
                    self.protocol.replica_mut().capture(sequence, reply);
                }
                if is_reachable && advance {
                    self.advance_to = self.advance_to.max(sequence);
                }
            }
        }
    }

    /// Decides what waits, if that is possible now, and rejects it if it has not been for too long.
    fn decide(&mut self) {
        let now = self.now();
        let state = self.write_state(now);
        let (unwritable, counted) = &mut self.unwritable;
        if state != WriteState::Writable || self.availability.check().is_err() {
            *unwritable += now.monotonic.saturating_sub(*counted);
        }
        *counted = now.monotonic;
        self.view.set_write_state(state);
        if let Err(error) = state.check().and_then(|()| self.availability.check()) {
            self.waiting.reject(&error);
            if let Some(PendingUpgrade { reply, .. }) = self.upgrade.take() {
                drop(reply.send(Err(UpgradeError::Rejected(error))));
            }
            return;
        }
        while self.protocol.blocked(now).is_none() {
            if let Some(PendingUpgrade { format, reply }) = self.upgrade.take() {
                self.propose_upgrade(format, reply, now);
                continue;
            }
            let batch = self.waiting.take_batch();
            if !batch.is_empty() {
                self.decide_batch(batch, now);
            } else if self.protocol.replica().position().applied < self.advance_to
                && self.protocol.replica_mut().is_captured(self.advance_to)
            {
                self.propose(OwnedBatch::default(), InFlight::Unattended, now);
            } else {
                return;
            }
        }
        let is_waiting = !self.waiting.is_empty() || self.upgrade.is_some();
        if is_waiting || self.protocol.replica().position().applied < self.advance_to {
            self.protocol.request_base(now);
        }
    }

    fn decide_batch(&mut self, batch: Vec<Submission>, now: Now) {
        let works = batch.iter().map(|submission| submission.work.clone());
        let decided = self.protocol.replica().copy.decide(works, self.protocol.log_time(now));
        let DecidedBatch { batch: decided, results, .. } = decided;
        let is_trial = decided.changes.is_empty() && batch.iter().all(Submission::is_trial);
        let bytes: usize = decided.changes.iter().map(encoded_change_bytes).sum();
        if bytes > MAX_BATCH_BYTES && batch.len() > 1 {
            // Updates of single fields are small commands, and each stores a whole merchant.
            self.waiting.split(batch);
        } else if is_trial {
            // Commits nothing, and answers as of the state that is known here.
            acknowledge(batch.into_iter().zip(results).collect());
        } else {
            let (changes, began) = (decided.changes.len(), now.monotonic);
            let submissions = batch.into_iter().zip(results).collect();
            self.propose(decided, InFlight::Batch(BatchInFlight { submissions, changes, began }), now);
        }
    }

    fn propose(&mut self, batch: OwnedBatch, ticket: InFlight, now: Now) {
        let Err((ticket, error)) = self.protocol.propose(now, batch, ticket) else {
            return self.waiting.relax();
        };
        let InFlight::Batch(BatchInFlight { submissions: batch, .. }) = ticket else { return };
        match error {
            ProposeError::Size(error) if batch.len() == 1 => {
                tracing::error!(%error, "a request is larger than the log accepts");
                answer(batch, &ServiceError::ResponseTooLarge(MAX_MESSAGE_BYTES));
            }
            ProposeError::Size(_) => self.waiting.split(submissions_of(batch)),
            _ => self.waiting.put_back(submissions_of(batch)),
        }
    }

    fn propose_upgrade(
        &mut self,
        format: u16,
        reply: oneshot::Sender<Result<Sequence, UpgradeError>>,
        now: Now,
    ) {
        if let Err((InFlight::Upgrade(reply), error)) =
            self.protocol.upgrade(now, format, InFlight::Upgrade(reply))
        {
            drop(reply.send(Err(UpgradeError::Refused(error))));
        }
    }

    /// Does what the protocol asks for.
    fn perform(&mut self) {
        for action in self.protocol.take_actions() {
            match action {
                Action::Log(action) => action.perform(self.log.as_mut()),
                Action::Acknowledge(ticket, sequence) => self.acknowledged(ticket, sequence),
                Action::DecideAgain(InFlight::Batch(batch)) => {
                    self.waiting.put_back(submissions_of(batch.submissions));
                }
                Action::DecideAgain(InFlight::Upgrade(reply)) => {
                    drop(reply.send(Err(UpgradeError::Conflict)));
                }
                Action::DecideAgain(InFlight::Unattended) => {}
                Action::Unresolved(ticket) => give_up(ticket),
                Action::TooLarge(ticket) => {
                    tracing::error!(
                        "the log refuses a commit for its size, which was checked: the broker's limit is lower"
                    );
                    give_up(ticket);
                }
                Action::Healed { republished } => self.healed(&Ok(republished)),
                Action::NotHealed(error) => self.healed(&Err(error)),
            }
        }
    }

    fn acknowledged(&self, ticket: InFlight, sequence: Sequence) {
        match ticket {
            InFlight::Batch(BatchInFlight { submissions, changes, began }) => {
                self.metrics.commits.observe(self.view.now().saturating_sub(began), changes);
                acknowledge(submissions);
            }
            InFlight::Upgrade(reply) => drop(reply.send(Ok(sequence))),
            InFlight::Unattended => {}
        }
    }

    fn healed(&mut self, result: &Result<u64, HealError>) {
        self.heal_replies.drain(..).for_each(|reply| drop(reply.send(result.clone())));
    }

    /// The acceptance of changes: none during a fault, nor when none could be decided for too long.
    fn write_state(&mut self, now: Now) -> WriteState {
        if let Some(fault) = self.protocol.fault() {
            return WriteState::Fault(fault.label());
        }
        let (blocked, in_flight) = (self.protocol.blocked(now), self.protocol.in_flight(now));
        match &blocked {
            None => self.blocked_since = None,
            Some(Blocked::InFlight) => {
                if in_flight.is_some_and(|age| age < REJECT_AFTER) {
                    self.blocked_since = None;
                }
            }
            Some(_) => {
                self.blocked_since.get_or_insert(now.monotonic);
            }
        }
        let has_waited = |since| now.monotonic.saturating_sub(since) >= REJECT_AFTER;
        let is_late = in_flight.is_some_and(|age| age >= REJECT_AFTER);
        match &blocked {
            Some(reason) if is_late || self.blocked_since.is_some_and(has_waited) => {
                WriteState::NoQuorum(reason.description())
            }
            _ => WriteState::Writable,
        }
    }

    /// Does what is due besides the protocol.
    fn maintain(&mut self) {
        let now = self.now();
        let last = self.protocol.known_last(now.monotonic);
        let applied = self.protocol.replica().position().applied;
        self.view.set_stale_since(self.staleness.update(applied, last, now.monotonic));
        if self.protocol.replica().is_unsynced {
            let due = *self.sync_due.get_or_insert(now.monotonic + SYNC_INTERVAL);
            if now.monotonic >= due {
                self.sync_due = None;
                if let Err(error) = self.protocol.replica_mut().sync() {
                    self.protocol.replica_failed(&error);
                }
            }
        }
        let replica = self.protocol.replica_mut();
        if replica.store.is_checkpoint_due() {
            replica.store.checkpoint(replica.copy.contents());
        }
        if let Some(ticket) = self.protocol.ticket_mut()
            && ticket.began().is_some_and(|began| now.monotonic.saturating_sub(began) >= UNKNOWN_AFTER)
        {
            give_up(std::mem::replace(ticket, InFlight::Unattended));
        }
        if now.monotonic >= self.next_view {
            self.next_view = now.monotonic + VIEW_INTERVAL;
            self.publish_state(now);
        }
    }

    /// Logs the begin and the end of a fault.
    fn log_fault(&mut self, fault: Option<&Fault>) {
        match (fault, &self.logged_fault) {
            (Some(fault), logged) if logged.as_ref().map(Fault::label) != Some(fault.label()) => {
                tracing::error!(%fault, "this node accepts no changes; searches go on");
            }
            (None, Some(_)) => tracing::info!("the fault of this node has ended"),
            _ => return,
        }
        self.logged_fault = fault.cloned();
    }

    fn log_state(&mut self, state: NodeState) {
        if self.logged_state.replace(state) != Some(state) {
            let applied = self.protocol.replica().position().applied;
            tracing::info!(?state, applied = applied.0, "state of this node");
        }
    }

    fn publish_state(&mut self, now: Now) {
        let leader = self.protocol.log_info().map(|info| &info.leader);
        if let Some(leader) = leader.filter(|leader| **leader != self.leader.0) {
            self.leader.1 += u64::from(!self.leader.0.is_empty());
            self.leader.0 = leader.clone();
        }
        let peers = self.protocol.peers(now).map(|peer| (peer.announcement.clone(), peer.clock_offset));
        let applied = self.protocol.replica().position().applied;
        let slow_peers = self.slow_peers.update(applied, now.monotonic, self.protocol.peers(now));
        let status = self.protocol.status(now);
        let is_current = self.protocol.is_current(now);
        let is_long = |since| now.monotonic.saturating_sub(since) >= SHOW_BLOCKED_AFTER;
        let is_blocked = status.in_flight.is_some_and(|age| age >= SHOW_BLOCKED_AFTER)
            || self.blocked_since.is_some_and(is_long);
        let state = ClusterState {
            revision: self.protocol.replica().digest().watermarks.last,
            max_format: self.protocol.max_format(),
            blocked: self.protocol.blocked(now).filter(|_| is_blocked),
            log: self.protocol.log_info().cloned(),
            has_leader: self.protocol.has_leader(now),
            leader_changes: self.leader.1,
            unwritable: self.unwritable.0,
            slow_peers,
            peers: peers.collect(),
            status,
        };
        self.log_state(state.status.state);
        let fault = state.status.fault.clone();
        self.log_fault(fault.as_ref());
        self.view.set_state(state, is_current);
    }
}
