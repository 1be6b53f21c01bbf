//! The broker: one log, and the requests and events under way.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

use super::Faults;
use crate::{
    identity::Sequence,
    log::{Answer, LogEvent, LogInfo, Monotonic, Request},
    message::MAX_MESSAGE_BYTES,
};

/// Requests and messages that are late arrive up to so much later.
const MAX_DELAY: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
struct Client {
    is_connected: bool,
    /// Next message to deliver, if the client follows.
    next: Option<Sequence>,
    /// Events under way, by arrival and order.
    events: BTreeMap<(Monotonic, u64), LogEvent>,
    /// Arrival of the last message: messages do not overtake one another.
    last_delivery: Monotonic,
}

#[derive(Debug)]
pub(super) struct Broker {
    pub(super) messages: BTreeMap<Sequence, Bytes>,
    pub(super) first: Sequence,
    pub(super) last: Sequence,
    pub(super) has_leader: bool,
    /// False if the brokers know of no log; there is no leader then.
    pub(super) exists: bool,
    /// Messages that followers receive instead of those of the log.
    pub(super) old_copy: Option<BTreeMap<Sequence, Bytes>>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) faults: Faults,
    clients: BTreeMap<usize, Client>,
    added: usize,
    requests: BTreeMap<(Monotonic, u64), (usize, Request)>,
    /// The latest time that a client has passed to `poll`, at which a new client begins: its requests do not overtake those that were
    /// sent before it connected.
    pub(super) now: Monotonic,
    /// Numbers requests and events.
    counter: u64,
    random: u64,
}

impl Broker {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            messages: BTreeMap::new(),
            first: Sequence(1),
            last: Sequence::ZERO,
            has_leader: true,
            exists: true,
            old_copy: None,
            settings: BTreeMap::new(),
            faults: Faults::default(),
            clients: BTreeMap::new(),
            added: 0,
            requests: BTreeMap::new(),
            now: Monotonic::ZERO,
            counter: 0,
            random: seed,
        }
    }

    pub(super) fn add_client(&mut self) -> usize {
        // Never that of a client that has left: what was sent to it does not reach another one.
        let id = self.added;
        self.added += 1;
        self.clients.insert(id, Client { is_connected: true, ..Client::default() });
        id
    }

    pub(super) fn remove_client(&mut self, id: usize) {
        self.clients.remove(&id);
    }

    pub(super) fn is_connected(&self, id: usize) -> bool {
        self.clients.get(&id).is_some_and(|client| client.is_connected)
    }

    pub(super) fn set_connected(&mut self, id: usize, is_connected: bool, now: Monotonic) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if client.is_connected == is_connected {
            return;
        }
        client.is_connected = is_connected;
        client.next = None;
        if is_connected {
            self.push(id, LogEvent::Reconnected, now);
        } else {
            client.events.clear();
        }
    }

    pub(super) fn next_event(&self) -> Option<Monotonic> {
        let events = self.clients.values().filter_map(|client| client.events.keys().next());
        events.chain(self.requests.keys().next()).map(|(due, _)| *due).min()
    }

    /// Accepts a request, which arrives later. A client that reconnects does so at once.
    pub(super) fn send(&mut self, client: usize, request: Request, now: Monotonic) {
        if matches!(request, Request::Reconnect) {
            if self.is_connected(client) {
                self.set_connected(client, false, now);
                self.set_connected(client, true, now);
            }
            return;
        }
        let is_lost = self.happens(self.faults.lost_requests);
        if is_lost || !self.is_connected(client) {
            return;
        }
        let mut due = now + self.latency();
        if matches!(request, Request::Propose { .. }) && self.happens(self.faults.late_proposals) {
            due += self.up_to(MAX_DELAY);
        }
        self.counter += 1;
        self.requests.insert((due, self.counter), (client, request));
    }

    /// Processes all requests that have arrived, then returns the next event of a client.
    pub(super) fn poll(&mut self, client: usize, now: Monotonic) -> Option<LogEvent> {
        self.now = self.now.max(now);
        while let Some(entry) = self.requests.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), (client, request)) = entry.remove_entry();
            self.process(client, request, at);
        }
        let events = &mut self.clients.get_mut(&client)?.events;
        let entry = events.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }

    fn process(&mut self, client: usize, request: Request, now: Monotonic) {
        match request {
            Request::Propose { attempt, base, message } => {
                let answer = self.store(base, message, now);
                self.answer(client, LogEvent::Answer { attempt, answer }, now);
            }
            Request::Follow(after) => {
                if let Some(client) = self.clients.get_mut(&client) {
                    client.next = Some(after.next());
                }
                self.deliver(client, now);
            }
            // Without a leader a read gets no answer.
            Request::Read { request, sequence } if self.has_leader => {
                let message = self.messages.get(&sequence).cloned();
                self.answer(client, LogEvent::Read { request, message }, now);
            }
            Request::Read { .. } | Request::Reconnect => {}
            Request::Inspect(request) if !self.exists => {
                self.answer(client, LogEvent::NoLog { request }, now);
            }
            Request::Inspect(request) => {
                let info = self.info();
                self.answer(client, LogEvent::Info { request, info }, now);
            }
            Request::Announce(announcement) => {
                for id in self.clients.keys().copied().collect::<Vec<_>>() {
                    if !self.happens(self.faults.lost_announcements) && self.is_connected(id) {
                        let due = now + self.latency();
                        self.push(id, LogEvent::Announcement(announcement.clone()), due);
                    }
                }
            }
        }
    }

    fn store(&mut self, base: Sequence, message: Bytes, now: Monotonic) -> Answer {
        if message.len() > MAX_MESSAGE_BYTES + 64 * 1024 {
            return Answer::TooLarge;
        }
        if !self.has_leader {
            return Answer::Unknown("no leader".to_owned());
        }
        if base != self.last && !self.happens(self.faults.unchecked_bases) {
            return Answer::WrongLast(self.last);
        }
        Answer::Stored(self.append(message, now))
    }

    pub(super) fn append(&mut self, message: Bytes, now: Monotonic) -> Sequence {
        self.last = self.last.next();
        self.messages.insert(self.last, message);
        for client in self.clients.keys().copied().collect::<Vec<_>>() {
            self.deliver(client, now);
        }
        self.last
    }

    /// Delivers the messages that a follower has not received.
    fn deliver(&mut self, id: usize, now: Monotonic) {
        let Some(next) = self.clients.get(&id).and_then(|client| client.next) else { return };
        let copy = self.old_copy.as_ref().unwrap_or(&self.messages);
        let messages: Vec<_> =
            copy.range(next..).map(|(sequence, message)| (*sequence, message.clone())).collect();
        for (sequence, mut message) in messages {
            if let Some(client) = self.clients.get_mut(&id) {
                client.next = Some(sequence.next());
            }
            if self.happens(self.faults.skipped_deliveries) {
                continue;
            }
            if self.happens(self.faults.damaged_deliveries) {
                message = self.damaged(&message);
            }
            let copies = if self.happens(self.faults.repeated_deliveries) { 2 } else { 1 };
            for _ in 0..copies {
                let due = now + self.latency();
                let Some(client) = self.clients.get_mut(&id) else { return };
                let due = due.max(client.last_delivery);
                client.last_delivery = due;
                self.push(id, LogEvent::Message { sequence, message: message.clone() }, due);
            }
        }
    }

    fn damaged(&mut self, message: &Bytes) -> Bytes {
        let mut bytes = message.to_vec();
        let bit = self.below(bytes.len() as u64 * 8);
        let at = usize::try_from(bit / 8).unwrap_or_default();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << (bit % 8);
        }
        bytes.into()
    }

    fn info(&mut self) -> LogInfo {
        let mut info = LogInfo {
            leader: "memory".to_owned(),
            is_authoritative: self.has_leader,
            first: self.first,
            last: self.last,
            incarnation: 1,
            settings: self.settings.clone(),
            lagging: self.old_copy.iter().map(|_| "old".to_owned()).collect(),
        };
        if !self.has_leader || self.happens(self.faults.stale_inspections) {
            info.is_authoritative = false;
            info.last = Sequence(self.below(self.last.0 + 1));
        }
        info
    }

    fn answer(&mut self, client: usize, event: LogEvent, now: Monotonic) {
        if self.happens(self.faults.lost_answers) {
            return;
        }
        let mut due = now + self.latency();
        if self.happens(self.faults.late_answers) {
            due += self.up_to(MAX_DELAY);
        }
        self.push(client, event, due);
    }

    fn push(&mut self, client: usize, event: LogEvent, due: Monotonic) {
        self.counter += 1;
        if let Some(client) = self.clients.get_mut(&client).filter(|client| client.is_connected) {
            client.events.insert((due, self.counter), event);
        }
    }

    fn latency(&mut self) -> Duration {
        self.up_to(self.faults.max_latency)
    }

    fn up_to(&mut self, max: Duration) -> Duration {
        let micros = u64::try_from(max.as_micros()).unwrap_or(u64::MAX - 1);
        Duration::from_micros(self.below(micros + 1))
    }

    fn happens(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.below(1_000) < u64::from(per_mille)
    }

    /// SplitMix64: the same numbers from a seed on every machine.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}
