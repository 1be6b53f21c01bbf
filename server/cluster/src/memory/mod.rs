//! A log in memory, for tests: a broker and its clients in virtual time, which lie on demand.
//!
//! Faults are those of real brokers and networks: requests, answers and messages that are lost, late, repeated or damaged;
//! expectations that are not checked where a message is stored; copies that answer although they are old; messages that are
//! lost from the middle, replaced, or cut off at the end. All of them follow from a seed.

mod broker;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use self::broker::Broker;
use crate::{
    identity::Sequence,
    log::{LogEvent, Monotonic, Request, RequestQueue},
};

/// Frequencies of faults, each in 1,000 of the requests or messages concerned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Requests that do not arrive.
    pub lost_requests: u32,
    /// Proposals that arrive up to three seconds late, as those do that a client has buffered while it was disconnected.
    pub late_proposals: u32,
    /// Answers that do not arrive.
    pub lost_answers: u32,
    /// Answers that arrive up to three seconds late.
    pub late_answers: u32,
    /// Proposals that are stored without a check of their base.
    pub unchecked_bases: u32,
    /// Messages with a flipped bit, on the way to a follower.
    pub damaged_deliveries: u32,
    /// Messages that are not delivered to a follower.
    pub skipped_deliveries: u32,
    /// Messages that are delivered again.
    pub repeated_deliveries: u32,
    /// Inspections that an old copy answers.
    pub stale_inspections: u32,
    /// Announcements that a node does not receive.
    pub lost_announcements: u32,
    /// Upper bound of the latency of each request, answer and message.
    pub max_latency: Duration,
}

/// A broker with one log, whose clones share it.
#[derive(Clone, Debug)]
pub struct MemoryCluster {
    broker: Arc<Mutex<Broker>>,
}

impl MemoryCluster {
    /// Creates an empty log. All random choices follow from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { broker: Arc::new(Mutex::new(Broker::new(seed))) }
    }

    /// Connects a client.
    #[must_use]
    pub fn connect(&self) -> MemoryLog {
        let mut broker = self.broker();
        let (client, now) = (broker.add_client(), broker.now);
        drop(broker);
        MemoryLog { cluster: self.clone(), client, now }
    }

    /// Sets the frequencies of faults.
    pub fn set_faults(&self, faults: Faults) {
        self.broker().faults = faults;
    }

    /// Returns the time of the next request, answer or delivery.
    #[must_use]
    pub fn next_event(&self) -> Option<Monotonic> {
        self.broker().next_event()
    }

    /// Returns the sequence of the last message.
    #[must_use]
    pub fn last(&self) -> Sequence {
        self.broker().last
    }

    /// Returns a message.
    #[must_use]
    pub fn message(&self, sequence: Sequence) -> Option<Bytes> {
        self.broker().messages.get(&sequence).cloned()
    }

    /// Appends a message without an expectation, as any client with the right to publish can.
    pub fn publish_unchecked(&self, message: Bytes, now: Monotonic) {
        self.broker().append(message, now);
    }

    /// Replaces a message where it is stored.
    pub fn rewrite(&self, sequence: Sequence, message: Bytes) {
        self.broker().messages.insert(sequence, message);
    }

    /// Loses a message from the middle of the log: followers do not receive it, and the next one follows.
    pub fn lose(&self, sequence: Sequence) {
        self.broker().messages.remove(&sequence);
    }

    /// Loses all messages after a sequence. Later ones reuse their sequences.
    pub fn rewind(&self, last: Sequence) {
        let mut broker = self.broker();
        broker.messages.split_off(&last.next());
        broker.last = last;
    }

    /// Returns a copy of the log.
    #[must_use]
    pub fn copy(&self) -> BTreeMap<Sequence, Bytes> {
        self.broker().messages.clone()
    }

    /// Delivers from an old copy, as a broker does that was away while the log was given another history.
    pub fn deliver_from(&self, copy: BTreeMap<Sequence, Bytes>) {
        self.broker().old_copy = Some(copy);
    }

    /// Discards the messages before a sequence, as a log does that reaches its size limit.
    pub fn discard_before(&self, first: Sequence) {
        let mut broker = self.broker();
        broker.messages = broker.messages.split_off(&first);
        broker.first = first;
    }

    /// Changes a setting of the log.
    pub fn set_setting(&self, name: &str, value: &str) {
        self.broker().settings.insert(name.to_owned(), value.to_owned());
    }

    /// Takes the leader away, or elects one. Without a leader no request succeeds, and any copy answers inspections.
    pub fn set_leader(&self, has_leader: bool) {
        self.broker().has_leader = has_leader;
    }

    /// Loses the log, or creates it again without messages.
    pub fn set_exists(&self, exists: bool) {
        let mut broker = self.broker();
        (broker.exists, broker.has_leader, broker.last) = (exists, exists, Sequence::ZERO);
        broker.messages.clear();
    }

    fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client of a [`MemoryCluster`].
#[derive(Debug)]
pub struct MemoryLog {
    cluster: MemoryCluster,
    client: usize,
    now: Monotonic,
}

impl MemoryLog {
    /// Cuts the client off from the broker, or reconnects it.
    pub fn set_connected(&self, is_connected: bool, now: Monotonic) {
        self.cluster.broker().set_connected(self.client, is_connected, now);
    }
}

impl Drop for MemoryLog {
    fn drop(&mut self) {
        self.cluster.broker().remove_client(self.client);
    }
}

impl RequestQueue for MemoryLog {
    fn send(&mut self, request: Request) {
        self.cluster.broker().send(self.client, request, self.now);
    }

    fn next_event(&mut self, now: Monotonic) -> Option<LogEvent> {
        self.now = self.now.max(now);
        self.cluster.broker().poll(self.client, self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conformance::{self, Fixture, Opened},
        log::CommitLog,
    };

    fn fixture(faults: Faults) -> Fixture {
        let cluster = MemoryCluster::new(1);
        cluster.set_faults(faults);
        Fixture {
            open: Box::new(move || Opened { log: Box::new(cluster.connect()), recovered: None }),
            pause: || {},
        }
    }

    #[test]
    fn an_honest_broker_passes_conformance_suite() {
        conformance::run(|| fixture(Faults::default()));
        conformance::run(|| fixture(Faults { max_latency: Duration::from_millis(40), ..Faults::default() }));
    }

    #[test]
    fn the_requests_of_a_new_client_do_not_overtake_those_of_one_that_left() {
        let cluster = MemoryCluster::new(1);
        let (mut listening, now) = (cluster.connect(), Duration::from_secs(5));
        for text in ["old", "new"] {
            let mut client = cluster.connect();
            // The first one has seen time pass; the second one announces itself before it has seen any event.
            while text == "old" && client.next_event(now).is_some() {}
            client.announce(text.into());
        }
        let heard = std::iter::from_fn(|| listening.next_event(now));
        let heard: Vec<Bytes> = heard
            .filter_map(|event| match event {
                LogEvent::Announcement(bytes) => Some(bytes),
                _ => None,
            })
            .collect();
        assert_eq!(heard, ["old", "new"]);
    }

    /// The suite detects engines that do not conform.
    #[test]
    fn a_lying_broker_fails_conformance_suite() {
        let lies = [
            Faults { unchecked_bases: 1_000, ..Faults::default() },
            Faults { skipped_deliveries: 500, ..Faults::default() },
            Faults { damaged_deliveries: 500, ..Faults::default() },
            Faults { lost_answers: 500, ..Faults::default() },
            Faults { lost_announcements: 1_000, ..Faults::default() },
            Faults { stale_inspections: 1_000, ..Faults::default() },
        ];
        for lie in lies {
            let found = std::panic::catch_unwind(|| conformance::run(|| fixture(lie)));
            assert!(found.is_err(), "not detected: {lie:?}");
        }
    }
}
