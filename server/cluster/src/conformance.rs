//! The conformance suite: behaviour that every engine must have.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use nearby_index::{Change, MerchantId, Revision};
use nearby_store::{OwnedBatch, RecoveredState, StateDigest, Store};

use crate::{
    identity::{ClusterId, CommitId, NodeName, ProcessId, Sequence},
    log::{Answer, CommitLog, LogEvent, LogInfo, Monotonic, Proposal},
    message::{Header, MAX_MESSAGE_BYTES, Message, MessageHash, NEWEST_FORMAT, tests::put},
};

/// Contents of merchants by id, and their revisions.
pub(crate) type Merchants = BTreeMap<String, (Revision, Vec<u8>)>;

/// A log that was opened.
pub(crate) struct Opened {
    pub(crate) log: Box<dyn CommitLog>,
    /// The state that opening has recovered. `None` for logs of messages, whose state is that of the messages.
    pub(crate) recovered: Option<(StateDigest, Merchants)>,
}

/// One log.
pub(crate) struct Fixture {
    /// Opens the log. Logs of messages may be opened several times at once.
    pub(crate) open: Box<dyn Fn() -> Opened>,
    /// Waits a little for events.
    pub(crate) pause: fn(),
}

/// Runs the suite. `fresh` creates an empty log.
pub(crate) fn run(fresh: impl Fn() -> Fixture) {
    commits_follow_one_another(&fresh());
    stale_and_future_bases_are_refused_without_a_trace(&fresh());
    acknowledged_commits_are_recovered(&fresh());
    announcements_come_back(&fresh());
    if (fresh().open)().recovered.is_none() {
        messages_are_delivered_and_read_verbatim(&fresh());
        of_two_writers_one_succeeds(&fresh());
        messages_have_a_size_limit(&fresh());
    }
}

/// A log under test, with a writer that keeps its own copy of the state.
struct Writer<'a> {
    log: Box<dyn CommitLog>,
    fixture: &'a Fixture,
    now: Monotonic,
    attempt: u64,
    state: State,
}

/// State after the commits so far.
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    digest: StateDigest,
    merchants: Merchants,
    hash: MessageHash,
}

pub(crate) fn merchants(state: &RecoveredState) -> Merchants {
    let of =
        |stored: &nearby_index::StoredMerchant| (stored.revision, stored.merchant.profile.given().concat());
    state.merchants.iter().map(|stored| (stored.merchant.id.to_string(), of(stored))).collect()
}

impl State {
    fn commit(
        &self,
        changes: &[Change],
        base: Sequence,
        counter: u64,
    ) -> (OwnedBatch, Vec<Option<Revision>>, Bytes, Self) {
        let mut after = self.clone();
        let mut replaces = Vec::new();
        for change in changes {
            let id = change.id().to_string();
            let before = match change {
                Change::Put(stored) => {
                    after.merchants.insert(id, (stored.revision, stored.merchant.profile.given().concat()))
                }
                Change::Delete { .. } => after.merchants.remove(&id),
            };
            replaces.push(before.map(|(revision, _)| revision));
        }
        let batch = OwnedBatch { changes: changes.to_vec(), ..OwnedBatch::default() };
        after.digest = batch.as_batch(&replaces).apply_to(self.digest);
        let header = Header {
            cluster: ClusterId([1; 16]),
            format: NEWEST_FORMAT,
            next_format: NEWEST_FORMAT,
            commit: CommitId { process: ProcessId([2; 16]), counter },
            base,
            previous: self.hash,
            before: self.digest,
            after: after.digest,
            time: nearby_index::UnixMicros(3),
            node: NodeName::parse("writer").unwrap(),
        };
        let message = header.encode(&batch.as_batch(&replaces)).unwrap();
        after.hash = MessageHash::of(&message);
        (batch, replaces, message, after)
    }

    fn next_revision(&self) -> u64 {
        self.digest.watermarks.last.0 + 1
    }
}

impl<'a> Writer<'a> {
    fn new(fixture: &'a Fixture) -> Self {
        let log = (fixture.open)().log;
        Self { log, fixture, now: Monotonic::ZERO, attempt: 0, state: State::default() }
    }

    /// Waits for an event that `pick` accepts. Other events are discarded.
    fn wait<E>(&mut self, pick: impl Fn(LogEvent) -> Option<E>) -> E {
        for _ in 0..100_000 {
            while let Some(event) = self.log.poll(self.now) {
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
            self.now += Duration::from_millis(1);
            (self.fixture.pause)();
        }
        panic!("the log does not answer");
    }

    fn propose(&mut self, changes: &[Change], base: Sequence) -> (Answer, Bytes, State) {
        self.attempt += 1;
        let attempt = self.attempt;
        let (batch, replaces, message, after) = self.state.commit(changes, base, attempt);
        let batch = batch.as_batch(&replaces);
        self.log.propose(&Proposal { attempt, base, batch: &batch, message: message.clone() });
        let answer = self.wait(|event| match event {
            LogEvent::Answer { attempt: of, answer } => (of == attempt).then_some(answer),
            _ => None,
        });
        (answer, message, after)
    }

    /// Commits changes at a base that is the last message.
    fn commit(&mut self, changes: &[Change], base: Sequence) -> Bytes {
        let (answer, message, after) = self.propose(changes, base);
        assert_eq!(answer, Answer::Stored(base.next()));
        self.state = after;
        message
    }

    fn info(&mut self) -> LogInfo {
        self.attempt += 1;
        let number = self.attempt;
        self.log.inspect(number);
        self.wait(|event| match event {
            LogEvent::Info { request, info } => (request == number).then_some(info),
            _ => None,
        })
    }

    fn read(&mut self, sequence: Sequence) -> Option<Bytes> {
        self.attempt += 1;
        let number = self.attempt;
        self.log.read(number, sequence);
        self.wait(|event| match event {
            LogEvent::Read { request, message } => (request == number).then_some(message),
            _ => None,
        })
    }

    /// Waits for the delivery of a message. Earlier ones may be delivered before it.
    fn delivered(&mut self, at: Sequence) -> Bytes {
        self.wait(|event| match event {
            LogEvent::Message { sequence, message } => (sequence == at).then_some(message),
            _ => None,
        })
    }

    fn next_message(&mut self) -> (Sequence, Bytes) {
        self.wait(|event| match event {
            LogEvent::Message { sequence, message } => Some((sequence, message)),
            _ => None,
        })
    }
}

fn delete(id: &str, revision: u64) -> Change {
    Change::Delete { id: MerchantId::parse(id).unwrap(), revision: Revision(revision) }
}

fn commits_follow_one_another(fixture: &Fixture) {
    let mut writer = Writer::new(fixture);
    assert_eq!(writer.info().last, Sequence::ZERO);
    for base in 0..5 {
        let revision = writer.state.next_revision();
        writer.commit(&[put("a", revision, b"one"), put("b", revision + 1, b"two")], Sequence(base));
    }
    let info = writer.info();
    assert_eq!((info.is_authoritative, info.last), (true, Sequence(5)));
    assert_eq!(writer.read(Sequence(6)), None);
}

fn stale_and_future_bases_are_refused_without_a_trace(fixture: &Fixture) {
    let mut writer = Writer::new(fixture);
    writer.commit(&[put("a", 1, b"one")], Sequence(0));
    writer.commit(&[put("a", 2, b"two")], Sequence(1));
    for base in [0, 1, 3, 1_000] {
        let (answer, ..) = writer.propose(&[delete("a", 3)], Sequence(base));
        assert_eq!(answer, Answer::WrongLast(Sequence(2)), "base {base}");
    }
    assert_eq!(writer.info().last, Sequence(2));
    writer.commit(&[put("a", 3, b"three")], Sequence(2));
    assert_recovered(writer, fixture);
}

fn acknowledged_commits_are_recovered(fixture: &Fixture) {
    let mut writer = Writer::new(fixture);
    for base in 0..20_u64 {
        let revision = writer.state.next_revision();
        let id = format!("m{}", base % 7);
        let changes = [put(&id, revision, &base.to_le_bytes()), put("café", revision + 1, &[7; 3_000])];
        let changes = if base % 5 == 4 { &[delete(&id, revision)][..] } else { &changes };
        writer.commit(changes, Sequence(base));
    }
    assert_recovered(writer, fixture);
}

/// Drops the writer, opens the log again and compares its content with the writer's state.
fn assert_recovered(writer: Writer<'_>, fixture: &Fixture) {
    let expected = writer.state.clone();
    drop(writer);
    let Opened { log, recovered } = (fixture.open)();
    let found = recovered.unwrap_or_else(|| {
        let mut reader = Writer { log, ..Writer::new(fixture) };
        let last = reader.info().last;
        reader.log.follow(Sequence::ZERO);
        let mut state = nearby_store::MemoryStore::default();
        let mut versions: BTreeMap<MerchantId, Revision> = BTreeMap::new();
        for number in 1..=last.0 {
            let (sequence, bytes) = reader.next_message();
            assert_eq!(sequence, Sequence(number));
            let message =
                Message::decode(&bytes, ClusterId([1; 16]), NEWEST_FORMAT, &|stored| stored).unwrap();
            assert_eq!(message.header.before, state.digest());
            let changes = &message.batch.changes;
            let replaces: Vec<Option<Revision>> = changes
                .iter()
                .map(|change| match change {
                    Change::Put(stored) => versions.insert(change.id().clone(), stored.revision),
                    Change::Delete { id, .. } => versions.remove(id),
                })
                .collect();
            state.commit(&message.batch.as_batch(&replaces)).unwrap();
            assert_eq!(message.header.after, state.digest());
        }
        (state.digest(), merchants(&state.loaded()))
    });
    assert_eq!(found, (expected.digest, expected.merchants));
}

fn announcements_come_back(fixture: &Fixture) {
    let mut writer = Writer::new(fixture);
    // A log of messages may lose announcements until the subscription is known to all brokers.
    for number in 0.. {
        assert!(number < 1_000, "no announcement comes back");
        let announcement = Bytes::from(format!("announcement {number}"));
        writer.log.announce(announcement.clone());
        for _ in 0..50 {
            match writer.log.poll(writer.now) {
                Some(LogEvent::Announcement(back)) if back == announcement => return,
                _ => (writer.now += Duration::from_millis(1), (fixture.pause)()),
            };
        }
    }
}

fn messages_are_delivered_and_read_verbatim(fixture: &Fixture) {
    let mut writer = Writer::new(fixture);
    let mut written = Vec::new();
    for base in 0..10 {
        written.push(writer.commit(&[put("a", base + 1, &base.to_le_bytes())], Sequence(base)));
    }
    for (message, number) in written.iter().zip(1..) {
        assert_eq!(writer.read(Sequence(number)).as_ref(), Some(message));
    }
    let mut reader = Writer::new(fixture);
    for after in [0, 4, 9] {
        reader.log.follow(Sequence(after));
        for number in after + 1..=10 {
            let at = usize::try_from(number - 1).unwrap();
            assert_eq!(reader.delivered(Sequence(number)), written[at]);
        }
    }
    let last = writer.commit(&[put("a", 11, b"last")], Sequence(10));
    assert_eq!(reader.delivered(Sequence(11)), last, "later messages are delivered as well");
    let mut behind = Writer::new(fixture);
    behind.log.follow(Sequence(11));
    let next = writer.commit(&[put("a", 12, b"next")], Sequence(11));
    assert_eq!(behind.delivered(Sequence(12)), next, "and those after the end");
}

fn of_two_writers_one_succeeds(fixture: &Fixture) {
    let (mut one, mut two) = (Writer::new(fixture), Writer::new(fixture));
    for base in 0..10 {
        let changes = [put("a", base + 1, b"x")];
        let (first, second) = if base % 2 == 0 { (&mut one, &mut two) } else { (&mut two, &mut one) };
        let (answer, _, after) = first.propose(&changes, Sequence(base));
        assert_eq!(answer, Answer::Stored(Sequence(base + 1)));
        let (refused, ..) = second.propose(&changes, Sequence(base));
        assert_eq!(refused, Answer::WrongLast(Sequence(base + 1)));
        (one.state, two.state) = (after.clone(), after);
    }
    assert_eq!(one.info().last, Sequence(10));
}

fn messages_have_a_size_limit(fixture: &Fixture) {
    let mut writer = Writer::new(fixture);
    // A client knows the limit once it is connected.
    writer.info();
    let batch = OwnedBatch::default();
    let mut send = |length: usize, base: Sequence| {
        writer.attempt += 1;
        let attempt = writer.attempt;
        let batch = batch.as_batch(&[]);
        writer.log.propose(&Proposal { attempt, base, batch: &batch, message: vec![7; length].into() });
        writer.wait(|event| match event {
            LogEvent::Answer { attempt: of, answer } => (of == attempt).then_some(answer),
            _ => None,
        })
    };
    assert_eq!(send(MAX_MESSAGE_BYTES, Sequence(0)), Answer::Stored(Sequence(1)));
    assert_eq!(send(9 * 1024 * 1024, Sequence(1)), Answer::TooLarge);
    assert_eq!(send(1, Sequence(1)), Answer::Stored(Sequence(2)));
}
