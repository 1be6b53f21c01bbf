//! Publishing: from a decided batch to its outcome.

use std::sync::Arc;

use nearby_store::OwnedBatch;

use super::{
    Action, DRAIN_TIMEOUT, LogAction, Now, Peer, ProposeError, Protocol,
    chain::resolve,
    flight::{Flight, Resolution},
};
use crate::{
    identity::{CommitId, Sequence},
    log::{Answer, Monotonic},
    message::Header,
    replica::Replica,
};

impl<R: Replica, T> Protocol<R, T> {
    /// Proposes a batch that was decided on the present state of the local copy. An empty batch confirms that the state is
    /// current, so that its refusals may be answered: a node that lags would refuse what another has acknowledged.
    ///
    /// # Errors
    /// The ticket, and the reason: nothing may be decided now, or the log would not accept the batch for its size.
    pub fn propose(&mut self, now: Now, batch: OwnedBatch, ticket: T) -> Result<(), (T, ProposeError)> {
        self.submit(now, batch, self.position.format, ticket)
    }

    /// Proposes that all later messages have a newer format, which every node that announces itself must be able to read.
    ///
    /// # Errors
    /// As [`Protocol::propose`], and if this node or another cannot read the format, or the log has it already.
    pub fn upgrade(&mut self, now: Now, format: u16, ticket: T) -> Result<(), (T, ProposeError)> {
        let cannot_read = |peer: &&Peer| peer.announcement.max_format < format;
        let peer = self.peers.present(now.monotonic).find(cannot_read).map(|peer| &peer.announcement.node);
        if let Some(node) = peer.or((self.config.max_format < format).then_some(&self.config.node)) {
            let node = node.clone();
            return Err((ticket, ProposeError::UnreadableFormat { format, node }));
        }
        if format <= self.position.format {
            return Err((ticket, ProposeError::FormatInUse(self.position.format)));
        }
        self.submit(now, OwnedBatch::default(), format, ticket)
    }

    fn submit(
        &mut self,
        now: Now,
        mut batch: OwnedBatch,
        next_format: u16,
        ticket: T,
    ) -> Result<(), (T, ProposeError)> {
        if let Some(blocked) = self.blocked(now) {
            return Err((ticket, ProposeError::Blocked(blocked)));
        }
        let before = self.replica.digest();
        if batch.changes.is_empty() && batch.completed.is_empty() && batch.forget.is_empty() {
            batch.deletions_since = before.watermarks.deletions_since;
        }
        let batch = resolve(&self.replica, batch);
        self.counter += 1;
        let header = Header {
            cluster: self.config.cluster,
            format: self.position.format,
            next_format,
            commit: CommitId { process: self.config.process, counter: self.counter },
            base: self.position.applied,
            previous: self.position.hash,
            before,
            after: batch.batch.as_batch(&batch.replaces).apply_to(before),
            time: self.log_time(now),
            node: self.config.node.clone(),
        };
        let message = match header.encode(&batch.batch.as_batch(&batch.replaces)) {
            Ok(message) => message,
            Err(error) => return Err((ticket, ProposeError::Size(error))),
        };
        let leader = self.log_info().map(|info| info.leader.clone());
        self.flight = Some(Flight::new((header, batch, message), ticket, leader, now.monotonic));
        self.pursue_flight(now.monotonic);
        Ok(())
    }

    /// A proposal was answered.
    pub(super) fn answered(&mut self, attempt: u64, answer: &Answer, now: Monotonic) {
        if self.answered_to_heal(attempt, answer, now) {
            return;
        }
        let Some(flight) = &mut self.flight else { return };
        let Some(resolution) = flight.answered(attempt, answer, now) else { return };
        let target = flight.target();
        if matches!(answer, Answer::Stored(sequence) if *sequence != target) {
            self.counters.misplaced += 1;
        }
        match resolution {
            Resolution::Stored => self.apply_flight(now),
            Resolution::Behind => self.claimed = self.claimed.max(target),
            Resolution::Shorter => self.rejoin(now),
            Resolution::Pending => {}
            Resolution::TooLarge => {
                if let Some(flight) = self.flight.take() {
                    self.actions.push(Action::TooLarge(flight.ticket));
                }
            }
        }
    }

    /// Sends the publish in flight when it is due, and gives it up when the node has drained for too long.
    pub(super) fn pursue_flight(&mut self, now: Monotonic) {
        let (last, may_send) = (self.watch.last(), self.is_base_known(now));
        let Some(flight) = &mut self.flight else { return };
        if self.draining_since.is_some_and(|since| now.saturating_sub(since) >= DRAIN_TIMEOUT) {
            if let Some(flight) = self.flight.take() {
                self.actions.push(Action::Unresolved(flight.ticket));
            }
            return;
        }
        if flight.has_timed_out(now) {
            // The broker may hang; the client would take two pings to notice.
            flight.back_off(now);
            self.actions.push(Action::Log(LogAction::Reconnect));
        }
        if !may_send || !flight.is_due(now, last) {
            return;
        }
        // A peer that has applied more has the message after the base. If the log has lost it, it must be restored and not replaced.
        if self.peers.ahead(self.position.applied, now).is_some() {
            flight.wait_for_message(now);
        } else {
            self.counters.republished += u64::from(flight.tries() > 0);
            self.counter += 1;
            flight.sent(self.counter, now);
            let (attempt, base) = (self.counter, flight.header.base);
            let (batch, message) = (Arc::clone(&flight.batch), flight.message.clone());
            // What was said to be under way may never be stored.
            self.claimed = Sequence::ZERO;
            self.actions.push(Action::Log(LogAction::Propose { attempt, base, batch, message }));
        }
    }
}
