//! Applying messages, reading what is missing, and joining.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Action, FULL_DISK_PAUSE, Fault, LogAction, Now, Protocol,
    chain::{Evidence, Verdict, examine},
};
use crate::{
    identity::{CommitId, Sequence},
    log::{LogInfo, Monotonic},
    message::MessageHash,
    replica::{Position, Replica, ReplicaError, ResolvedBatch},
};

/// Time without a message that must exist after which the leader is asked for it: the broker that delivers may hang, and a
/// client notices that only after 5 to 45 seconds.
const READ_AFTER: Duration = Duration::from_millis(150);
/// Time without a delivery after which it is started again.
const FOLLOW_AFTER: Duration = Duration::from_secs(2);
/// Deliveries without progress after which a message counts as lost.
const MAX_FRUITLESS_FOLLOWS: u32 = 5;
/// Time after which a read counts as lost.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before a read is repeated whose result decides nothing.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Reads of our last message that may find nothing, or damage, before its successor is taken as the proof of our history.
const MAX_JOIN_READS: u32 = 3;
/// Pause between reads of our last message while a copy of the log lags behind and a commit waits: at most 100 per second.
const BASE_PAUSE: Duration = Duration::from_millis(10);
/// Messages that are kept until their predecessors arrive.
const MAX_INBOX: usize = 64;

/// The comparison of our history with that of the log, before messages are delivered.
#[derive(Debug)]
pub(super) struct Joining {
    /// Only a description of the log that was asked for later counts.
    since: Monotonic,
    reads: u32,
    next_read: Monotonic,
}

impl Joining {
    pub(super) fn since(now: Monotonic) -> Self {
        Self { since: now, reads: 0, next_read: now }
    }
}

/// A read from the leader.
#[derive(Debug)]
pub(super) struct Reading {
    request: u64,
    sequence: Sequence,
    purpose: Purpose,
    until: Monotonic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The next message, which has not been delivered.
    Next,
    /// The next message, which does not follow from our state as it was delivered.
    Confirm,
    /// Our last message: the next one was decided on another.
    History,
    /// Our last message, before a commit is decided on it.
    Base,
    /// An applied message that may differ.
    Suspect,
    /// Our last message, to join.
    Join,
    /// The last message of the log, which ends before ours.
    End,
    /// The last message of the log, to restore what it has lost.
    Heal,
}

impl<R: Replica, T> Protocol<R, T> {
    /// Starts to compare our history with that of the log, and to follow it from there. A description of the log that was asked for
    /// at `since` or later counts.
    pub(super) fn join(&mut self, since: Monotonic) {
        self.joining = Some(Joining::since(since));
        self.evidence = Evidence::default();
        // The answers may be those of a leader that was deposed.
        if let Some(reading) = self.reading.take()
            && reading.purpose == Purpose::Suspect
        {
            self.suspects.insert(reading.sequence);
        }
    }

    /// As [`Protocol::join`], and asks for a description of the log at once.
    pub(super) fn rejoin(&mut self, now: Monotonic) {
        self.join(now);
        self.next_heartbeat = self.next_heartbeat.min(now);
    }

    /// Returns whether a commit may be decided on our last message, and sent: the log must contain that message, and no other in its
    /// place. The log does not compare histories, so that the commit would count here and nowhere else.
    ///
    /// A copy of the log that lags behind may have another history, and may be the one that was delivered. While there is one, the
    /// leader is asked. A last message that the log has discarded, lost or damaged where it is stored is taken as known: the next one
    /// contains its hash.
    pub(super) fn is_base_known(&self, now: Monotonic) -> bool {
        let is_in_log = self.watch.fresh(now).is_some_and(|info| {
            !self.is_shorter(info) && (self.is_base_confirmed || info.lagging.is_empty())
        });
        self.joining.is_none() && is_in_log
    }

    /// Returns whether the log ends before our last message, by its latest description. One from before our last commit may say less.
    pub(super) fn is_shorter(&self, latest: &LogInfo) -> bool {
        latest.last < self.position.applied && self.watch.requested() > self.applied_at
    }

    /// Asks the leader for our last message, if it must be confirmed before a commit is decided on it. To be called when a commit waits.
    pub fn request_base(&mut self, now: Now) {
        self.is_base_wanted = true;
        self.advance(now.monotonic);
    }

    /// Returns whether the leader is to be asked for our last message.
    fn must_confirm_base(&self, now: Monotonic) -> bool {
        let is_wanted = self.is_base_wanted || self.flight.is_some();
        let has_lagging_copy = self.watch.fresh(now).is_some_and(|info| !info.lagging.is_empty());
        is_wanted && self.joining.is_none() && !self.is_base_confirmed && has_lagging_copy
    }

    /// Returns the highest sequence that is known or said to exist.
    #[must_use]
    pub fn known_last(&self, now: Monotonic) -> Sequence {
        let peer = self.peers.ahead(self.position.applied, now).map(|peer| peer.announcement.applied);
        let received = self.inbox.keys().next_back().copied();
        let known = [Some(self.watch.last()), Some(self.claimed), peer, received];
        known.into_iter().flatten().max().unwrap_or_default()
    }

    /// A message was delivered.
    pub(super) fn received(&mut self, sequence: Sequence, message: Bytes, now: Monotonic) {
        let applied = self.position.applied;
        if sequence <= applied {
            let known = self.recent.get(sequence);
            if known.is_some_and(|hash| hash != MessageHash::of(&message)) {
                self.suspects.insert(sequence);
            }
            return;
        }
        self.last_delivery = now;
        if sequence == applied.next() {
            self.last_progress = now;
        }
        if sequence == applied.next() || self.inbox.len() < MAX_INBOX {
            self.inbox.entry(sequence).or_insert(message);
        }
    }

    /// A read has a result.
    pub(super) fn read(&mut self, request: u64, message: Option<Bytes>, now: Monotonic) {
        let Some(reading) = self.reading.take_if(|reading| reading.request == request) else { return };
        let sequence = reading.sequence;
        let next = self.position.applied.next();
        match (reading.purpose, message) {
            (Purpose::Next | Purpose::Confirm, message) if sequence == next => match message {
                Some(message) => {
                    self.inbox.insert(next, message);
                    self.evidence = self.evidence.max(Evidence::Confirmed);
                    // Several messages may be missing.
                    self.last_progress = now.saturating_sub(READ_AFTER);
                }
                None => {
                    // What was delivered or said to be under way is not there, or not yet.
                    self.inbox.remove(&next);
                    if self.watch.fresh(now).is_some_and(|info| info.last < next) {
                        self.inbox.clear();
                    }
                    self.evidence = Evidence::default();
                    self.last_progress = now;
                }
            },
            // It was applied meanwhile.
            (Purpose::Next | Purpose::Confirm, _) => {}
            (Purpose::Join, message) => self.join_read(sequence, message, now),
            (Purpose::History | Purpose::Base, Some(message)) if sequence == self.position.applied => {
                if MessageHash::of(&message) == self.position.hash {
                    (self.is_base_confirmed, self.is_base_wanted) = (true, false);
                    if reading.purpose == Purpose::History && self.evidence == Evidence::Confirmed {
                        self.evidence = Evidence::HistoryConfirmed;
                    }
                } else if self.is_intact(&message) {
                    self.fail(Fault::Rewritten { sequence });
                } else {
                    self.next_history_read = now + RETRY_PAUSE;
                }
            }
            // Another message is the last one now.
            (Purpose::Base, _) if sequence != self.position.applied => {}
            // Joining reads it again, and takes a message that is lost or damaged as known in the end.
            (Purpose::Base, _) => self.rejoin(now),
            (Purpose::History, _) => self.next_history_read = now + RETRY_PAUSE,
            (Purpose::Suspect, Some(message)) => {
                let ours = self.recent.get(sequence);
                if ours.is_some_and(|ours| ours == MessageHash::of(&message)) {
                    self.counters.peer_mismatches += 1;
                } else if ours.is_some() && self.is_intact(&message) {
                    self.fail(Fault::Rewritten { sequence });
                }
            }
            (Purpose::End, Some(message)) => {
                let ours = self.replica.message(sequence);
                if ours.is_some_and(|ours| ours != message) && self.is_intact(&message) {
                    self.fail(Fault::Rewritten { sequence });
                }
            }
            (Purpose::Heal, Some(message)) => self.compare_to_heal(sequence, MessageHash::of(&message), now),
            (Purpose::Suspect | Purpose::End | Purpose::Heal, None) => {}
        }
    }

    /// Returns whether a message is not damaged, as far as can be seen.
    fn is_intact(&self, message: &Bytes) -> bool {
        use crate::message::{Message, MessageError};

        let config = &self.config;
        let decoded =
            Message::decode(message, config.cluster, config.max_format, config.derive_fields.as_ref());
        !matches!(decoded, Err(MessageError::Damaged))
    }

    fn join_read(&mut self, sequence: Sequence, message: Option<Bytes>, now: Monotonic) {
        if sequence != self.position.applied {
            // More was applied meanwhile: compare the message that is the last one now.
            return;
        }
        if message.as_ref().is_some_and(|message| MessageHash::of(message) == self.position.hash) {
            self.joined(now);
        } else if message.is_some_and(|message| self.is_intact(&message)) {
            self.fail(Fault::Rewritten { sequence });
        } else if let Some(joining) = &mut self.joining {
            joining.reads += 1;
            joining.next_read = now + RETRY_PAUSE;
            if joining.reads >= MAX_JOIN_READS {
                // The log has lost or damaged our last message. The next one contains the hash of it.
                self.joined(now);
            }
        }
    }

    fn joined(&mut self, now: Monotonic) {
        self.joining = None;
        self.is_base_confirmed = true;
        (self.last_delivery, self.last_progress) = (now, now);
        self.counters.follows += 1;
        // A gap ends only when the message is there.
        if self.is_healable() {
            self.fault = None;
        }
        self.request(LogAction::Follow(self.position.applied));
    }

    /// Applies what can be applied, and asks for what is missing.
    pub(super) fn advance(&mut self, now: Monotonic) {
        if self.reading.as_ref().is_some_and(|reading| now >= reading.until) {
            self.reading = None;
        }
        if self.full_until.is_some_and(|until| now >= until) {
            self.full_until = None;
        }
        while self.fault.as_ref().is_none_or(Fault::allows_messages) && self.full_until.is_none() {
            let next = self.position.applied.next();
            self.inbox = self.inbox.split_off(&next);
            let Some(message) = self.inbox.get(&next).cloned() else { break };
            if !self.apply_next(&message, now) {
                break;
            }
        }
        if self.fault.as_ref().is_none_or(Fault::allows_messages) {
            self.pursue_joining(now);
            self.pursue_missing(now);
        }
    }

    /// Examines and applies the next message. Returns whether it was applied.
    fn apply_next(&mut self, message: &Bytes, now: Monotonic) -> bool {
        let verdict = examine(&self.replica, &self.position, &self.config, message, self.evidence);
        match verdict {
            Verdict::Accept(accepted) => {
                let (header, batch) = *accepted;
                let position = Position {
                    time: self.position.time.max(header.time),
                    format: header.next_format,
                    ..self.position
                };
                let is_confirmed = self.evidence >= Evidence::Confirmed;
                let is_applied = self.apply(position, message, Some((header.commit, &batch)), now);
                self.is_base_confirmed |= is_applied && is_confirmed;
                is_applied
            }
            Verdict::Void(void) => {
                let is_applied = self.apply(self.position, message, None, now);
                if is_applied {
                    self.is_base_confirmed = true;
                    self.counters.count(void);
                }
                is_applied
            }
            Verdict::Confirm => {
                self.ask(self.position.applied.next(), Purpose::Confirm, now);
                false
            }
            Verdict::ConfirmHistory if self.position.applied == Sequence::ZERO => {
                self.evidence = Evidence::HistoryConfirmed;
                self.apply_next(message, now)
            }
            Verdict::ConfirmHistory => {
                let applied = self.position.applied;
                // The log no longer has our last message, and its next one was decided on another.
                if self.watch.fresh(now).is_some_and(|info| info.first > applied) {
                    self.fail(Fault::Rewritten { sequence: applied });
                } else if now >= self.next_history_read {
                    self.ask(applied, Purpose::History, now);
                }
                false
            }
            Verdict::Fault(fault) => {
                self.fail(fault);
                false
            }
        }
    }

    /// Applies the publish in flight, which is durable as the message after its base, from memory.
    pub(super) fn apply_flight(&mut self, now: Monotonic) {
        let Some(flight) = &self.flight else { return };
        if flight.header.base != self.position.applied {
            return;
        }
        let (message, batch) = (flight.message.clone(), std::sync::Arc::clone(&flight.batch));
        let (commit, time) = (flight.commit(), self.position.time.max(flight.header.time));
        // Whatever was delivered in its place is not what is stored.
        self.inbox.insert(flight.target(), message.clone());
        let position = Position { time, format: flight.header.next_format, ..self.position };
        self.is_base_confirmed |= self.apply(position, &message, Some((commit, &batch)), now);
    }

    /// Moves the local copy to the next message, and resolves the publish in flight. Returns whether it was possible.
    fn apply(
        &mut self,
        position: Position,
        message: &Bytes,
        commit: Option<(CommitId, &ResolvedBatch)>,
        now: Monotonic,
    ) -> bool {
        let sequence = self.position.applied.next();
        let position = Position { applied: sequence, hash: MessageHash::of(message), ..position };
        match self.replica.apply(&position, message, commit.map(|(_, batch)| batch)) {
            Ok(()) => {}
            Err(ReplicaError::Full(_)) => {
                self.full_until = Some(now + FULL_DISK_PAUSE);
                return false;
            }
            Err(ReplicaError::Failed(reason)) => {
                self.fail(Fault::Replica(reason));
                return false;
            }
        }
        self.position = position;
        (self.applied_at, self.is_base_confirmed) = (now, false);
        self.recent.push(sequence, position.hash);
        self.evidence = Evidence::default();
        self.inbox.remove(&sequence);
        self.fruitless_follows = 0;
        if matches!(self.fault, Some(Fault::Gap { .. })) {
            self.fault = None;
        }
        if let Some(flight) = self.flight.take_if(|flight| flight.target() == sequence) {
            if commit.is_some_and(|(commit, _)| commit == flight.commit()) {
                self.counters.commits += 1;
                self.actions.push(Action::Acknowledge(flight.ticket, sequence));
            } else {
                self.counters.conflicts += 1;
                self.actions.push(Action::DecideAgain(flight.ticket));
            }
        }
        true
    }

    /// Returns whether the log is known well enough to compare our history with it.
    fn can_join(&self) -> bool {
        let info = self.joining.as_ref().and_then(|joining| self.watch.since(joining.since));
        let applied = self.position.applied;
        info.is_some_and(|info| info.last >= applied && info.first <= applied.next())
    }

    fn pursue_joining(&mut self, now: Monotonic) {
        if !self.can_join() {
            return;
        }
        let Some(joining) = &self.joining else { return };
        let applied = self.position.applied;
        let Some(info) = self.watch.since(joining.since) else { return };
        if applied == Sequence::ZERO || info.first > applied {
            // There is nothing to compare: the next message contains the hash of our last one.
            self.joined(now);
        } else if now >= joining.next_read {
            self.ask(applied, Purpose::Join, now);
        }
    }

    /// Reads messages that must exist and are not delivered, and starts deliveries again that have stopped.
    fn pursue_missing(&mut self, now: Monotonic) {
        if let Some(sequence) = self.suspects.first().copied().filter(|_| self.reading.is_none()) {
            self.suspects.remove(&sequence);
            self.ask(sequence, Purpose::Suspect, now);
        }
        let next = self.position.applied.next();
        if self.known_last(now) < next || self.full_until.is_some() {
            self.last_progress = now;
            self.last_delivery = now;
            if self.must_confirm_base(now) && now >= self.next_history_read && self.reading.is_none() {
                self.next_history_read = now + BASE_PAUSE;
                self.ask(self.position.applied, Purpose::Base, now);
            }
            return;
        }
        if now.saturating_sub(self.last_progress) >= READ_AFTER && !self.inbox.contains_key(&next) {
            self.ask(next, Purpose::Next, now);
        }
        if self.joining.is_none() && now.saturating_sub(self.last_delivery) >= FOLLOW_AFTER {
            self.fruitless_follows += 1;
            let is_kept = |info: &LogInfo| info.first <= next && next <= info.last;
            if self.fruitless_follows > MAX_FRUITLESS_FOLLOWS && self.watch.fresh(now).is_some_and(is_kept) {
                self.fail(Fault::Gap { sequence: next });
            }
            self.rejoin(now);
        }
    }

    /// Reads the last message of a log that ends before ours: it may have lost messages, or have another history.
    pub(super) fn compare_end(&mut self, last: Sequence, now: Monotonic) {
        if self.healing.is_none() && last > Sequence::ZERO {
            self.ask(last, Purpose::End, now);
        }
    }

    /// Reads the last message of the log, to compare it with ours.
    pub(super) fn read_to_heal(&mut self, last: Sequence, now: Monotonic) {
        self.ask(last, Purpose::Heal, now);
    }

    /// Reads from the leader, unless a read is under way.
    fn ask(&mut self, sequence: Sequence, purpose: Purpose, now: Monotonic) {
        if self.reading.is_none() {
            self.counter += 1;
            let request = self.counter;
            self.reading = Some(Reading { request, sequence, purpose, until: now + READ_TIMEOUT });
            self.counters.leader_reads += 1;
            self.request(LogAction::Read { request, sequence });
        }
    }

    /// Time at which [`Protocol::advance`] has something to do.
    pub(super) fn next_follow_timer(&self) -> Option<Monotonic> {
        if self.fault.as_ref().is_some_and(|fault| !fault.allows_messages()) {
            return None;
        }
        let next = self.position.applied.next();
        let is_behind = self.known_last(self.last_progress) >= next;
        let (is_reading, is_waiting) = (self.reading.is_some(), self.inbox.contains_key(&next));
        let timers = [
            self.reading.as_ref().map(|reading| reading.until),
            self.joining.as_ref().filter(|_| !is_reading && self.can_join()).map(|joining| joining.next_read),
            (is_waiting && !is_reading && self.full_until.is_none()).then_some(self.next_history_read),
            (!is_reading && !is_behind && self.must_confirm_base(self.last_progress))
                .then_some(self.next_history_read),
            (is_behind && !is_waiting && !is_reading).then(|| self.last_progress + READ_AFTER),
            (is_behind && self.joining.is_none()).then(|| self.last_delivery + FOLLOW_AFTER),
        ];
        timers.into_iter().flatten().min()
    }
}
