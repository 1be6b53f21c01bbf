//! The rules by which a message counts, and the table of answers to a publish.

use std::time::Duration;

use nearby_index::{Revision, UnixMicros};
use nearby_store::{OwnedBatch, Watermarks};

use super::{model::TestReplica, world::CLUSTER};
use crate::{
    announcement::{Announcement, NodeState},
    identity::{ClusterId, CommitId, NodeName, ProcessId, Sequence},
    log::{Answer, LogInfo},
    message::{Header, MessageHash, NEWEST_FORMAT, tests::put},
    protocol::{
        Config, Fault, Void,
        chain::{
            Evidence::{self, Confirmed, Delivered, HistoryConfirmed},
            RecentHashes, Verdict, examine, resolve,
        },
        flight::{Flight, Resolution},
        peers::Peers,
        watch::{Inspected, Watch},
    },
    replica::{Position, Replica, ResolvedBatch},
};

fn config() -> Config {
    Config {
        cluster: CLUSTER,
        node: NodeName::parse("a").unwrap(),
        process: ProcessId([1; 16]),
        address: String::new(),
        max_format: NEWEST_FORMAT,
        settings: std::collections::BTreeMap::new(),
        max_lag: 0,
        derive_fields: std::sync::Arc::new(|stored| stored),
    }
}

/// A local copy at sequence 5, and a commit that counts there.
fn sample() -> (TestReplica, Header, ResolvedBatch) {
    let mut replica = TestReplica::new();
    replica.position =
        Position { applied: Sequence(5), hash: MessageHash(55), time: UnixMicros(7), format: NEWEST_FORMAT };
    replica.digest.watermarks = Watermarks { last: Revision(3), deletions_since: Revision(0) };
    let batch = OwnedBatch { changes: vec![put("a", 4, b"x"), put("a", 5, b"y")], ..OwnedBatch::default() };
    let batch = resolve(&replica, batch);
    let header = Header {
        cluster: CLUSTER,
        format: NEWEST_FORMAT,
        next_format: NEWEST_FORMAT,
        commit: CommitId { process: ProcessId([2; 16]), counter: 1 },
        base: Sequence(5),
        previous: MessageHash(55),
        before: replica.digest,
        after: batch.batch.as_batch(&batch.replaces).apply_to(replica.digest),
        time: UnixMicros(8),
        node: NodeName::parse("b").unwrap(),
    };
    (replica, header, batch)
}

fn verdict(header: &Header, batch: &ResolvedBatch, evidence: Evidence) -> Verdict {
    let (replica, ..) = sample();
    let message = header.encode(&batch.batch.as_batch(&batch.replaces)).unwrap();
    examine(&replica, &replica.position(), &config(), &message, evidence)
}

#[test]
fn a_commit_on_our_state_counts() {
    let (_, header, batch) = sample();
    assert_eq!(batch.replaces, [None, Some(Revision(4))], "the second change replaces the first");
    let expected = Verdict::Accept(Box::new((header.clone(), batch.clone())));
    assert_eq!(verdict(&header, &batch, Delivered), expected);
}

#[test]
fn a_commit_on_another_base_does_not_count() {
    let (_, header, batch) = sample();
    for base in [0, 4, 6, u64::MAX] {
        let stale = Header { base: Sequence(base), ..header.clone() };
        assert_eq!(verdict(&stale, &batch, Delivered), Verdict::Confirm);
        assert_eq!(verdict(&stale, &batch, Confirmed), Verdict::Void(Void::Stale), "base {base}");
    }
}

#[test]
fn stray_and_damaged_messages_are_confirmed_first() {
    let (_, header, batch) = sample();
    let foreign = Header { cluster: ClusterId([9; 16]), ..header.clone() };
    assert_eq!(verdict(&foreign, &batch, Delivered), Verdict::Confirm);
    assert_eq!(verdict(&foreign, &batch, Confirmed), Verdict::Void(Void::Stray));

    let (replica, ..) = sample();
    let mut damaged = header.encode(&batch.batch.as_batch(&batch.replaces)).unwrap().to_vec();
    damaged[100] ^= 1;
    let damaged = damaged.into();
    let examined = |evidence| examine(&replica, &replica.position(), &config(), &damaged, evidence);
    assert_eq!(examined(Delivered), Verdict::Confirm);
    assert!(matches!(examined(Confirmed), Verdict::Fault(Fault::Damaged { sequence: Sequence(6), .. })));
}

#[test]
fn the_leader_distinguishes_another_history_from_ours() {
    let (_, header, batch) = sample();
    let foreign = Header { previous: MessageHash(56), ..header };
    assert_eq!(verdict(&foreign, &batch, Delivered), Verdict::Confirm);
    assert_eq!(verdict(&foreign, &batch, Confirmed), Verdict::ConfirmHistory);
    assert_eq!(verdict(&foreign, &batch, HistoryConfirmed), Verdict::Void(Void::ForeignHistory));
}

#[test]
fn other_digests_and_newer_formats_are_faults() {
    let (_, header, batch) = sample();
    let sequence = Sequence(6);
    let mut before = header.clone();
    before.before.records += 1;
    let mut after = header.clone();
    after.after.sum ^= 1;
    for diverged in [before, after] {
        assert_eq!(verdict(&diverged, &batch, Delivered), Verdict::Confirm);
        assert_eq!(verdict(&diverged, &batch, Confirmed), Verdict::Fault(Fault::Diverged { sequence }));
    }
    let format = NEWEST_FORMAT + 1;
    let expected = Verdict::Fault(Fault::UnsupportedFormat { sequence, format });
    for newer in [Header { format, ..header.clone() }, Header { next_format: format, ..header }] {
        assert_eq!(verdict(&newer, &batch, Delivered), Verdict::Confirm);
        assert_eq!(verdict(&newer, &batch, Confirmed), expected);
    }
}

#[test]
fn recent_hashes_are_kept_up_to_a_limit() {
    let mut recent = RecentHashes::default();
    assert_eq!(recent.get(Sequence(0)), None);
    for number in 10..5_010_u64 {
        recent.push(Sequence(number), MessageHash(number.into()));
    }
    assert_eq!(recent.get(Sequence(5_009)), Some(MessageHash(5_009)));
    assert_eq!(recent.get(Sequence(5_010)), None);
    assert_eq!(recent.get(Sequence(5_010 - 4_096)), Some(MessageHash(5_010 - 4_096)));
    assert_eq!(recent.get(Sequence(5_009 - 4_096)), None);
}

fn flight() -> Flight<()> {
    let (_, header, batch) = sample();
    let message = header.encode(&batch.batch.as_batch(&batch.replaces)).unwrap();
    Flight::new((header, batch, message), (), Some("broker-1".to_owned()), Duration::ZERO)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sends the first attempt, with number 1, and gives it an answer.
fn answered(answer: &Answer) -> (Flight<()>, Option<Resolution>) {
    let mut flight = flight();
    assert!(flight.is_due(ms(0), Sequence(5)));
    flight.sent(1, ms(0));
    let resolution = flight.answered(1, answer, ms(10));
    (flight, resolution)
}

#[test]
fn only_the_sequence_after_the_base_resolves_a_publish() {
    let (_, stored) = answered(&Answer::Stored(Sequence(6)));
    assert_eq!(stored, Some(Resolution::Stored));
    for elsewhere in [5, 7, 1_000] {
        let (flight, resolution) = answered(&Answer::Stored(Sequence(elsewhere)));
        assert_eq!(resolution, Some(Resolution::Behind));
        assert!(!flight.is_due(ms(1_009), Sequence(5)) && flight.is_due(ms(1_010), Sequence(5)));
    }
    assert_eq!(answered(&Answer::TooLarge).1, Some(Resolution::TooLarge));
}

#[test]
fn a_refused_publish_waits_for_the_message_after_its_base() {
    let (flight, resolution) = answered(&Answer::WrongLast(Sequence(9)));
    assert_eq!(resolution, Some(Resolution::Behind));
    assert!(!flight.is_due(ms(1_009), Sequence(5)) && flight.is_due(ms(1_010), Sequence(5)));
}

#[test]
fn a_publish_on_a_log_that_ends_before_its_base_waits_until_it_does_not() {
    let (flight, resolution) = answered(&Answer::WrongLast(Sequence(3)));
    assert_eq!(resolution, Some(Resolution::Shorter));
    assert!(!flight.is_due(ms(60_000), Sequence(4)), "the log still ends before the base");
    assert!(!flight.is_due(ms(1_009), Sequence(5)) && flight.is_due(ms(1_010), Sequence(5)));
}

#[test]
fn unknown_outcomes_are_repeated_with_growing_pauses() {
    let mut flight = flight();
    let (mut pauses, mut now) = (Vec::new(), ms(0));
    for attempt in 1..=8 {
        flight.sent(attempt, now);
        assert_eq!(flight.answered(attempt, &Answer::Unknown(String::new()), now), Some(Resolution::Pending));
        pauses.push((flight.timer(Sequence::ZERO).unwrap() - now).as_millis());
        now = flight.timer(Sequence::ZERO).unwrap();
        assert!(flight.is_due(now, Sequence(5)));
    }
    assert_eq!(pauses, [40, 80, 160, 320, 640, 640, 640, 640]);
}

#[test]
fn attempts_time_out_later_each_time() {
    let mut flight = flight();
    let timeouts: Vec<u128> = (1..=6)
        .map(|attempt| {
            flight.sent(attempt, ms(0));
            assert!(
                !flight.has_timed_out(flight.timer(Sequence::ZERO).unwrap() - ms(1))
                    && flight.has_timed_out(flight.timer(Sequence::ZERO).unwrap())
            );
            flight.timer(Sequence::ZERO).unwrap().as_millis()
        })
        .collect();
    assert_eq!(timeouts, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
}

#[test]
fn an_attempt_is_repeated_at_once_when_another_leader_is_elected() {
    let mut flight = flight();
    for attempt in 1..=3 {
        flight.sent(attempt, ms(0));
    }
    flight.is_led_by(Some("broker-1"), ms(100));
    flight.is_led_by(None, ms(200));
    assert!(!flight.is_due(ms(200), Sequence(5)), "there is no receiver");
    flight.is_led_by(Some("broker-2"), ms(300));
    assert!(flight.is_due(ms(300), Sequence(5)));
    flight.sent(4, ms(300));
    assert_eq!(flight.timer(Sequence(5)), Some(ms(1_300)), "timeouts begin again");
    // The same one again, after a time without any.
    flight.is_led_by(None, ms(400));
    flight.is_led_by(Some("broker-2"), ms(500));
    assert!(flight.is_due(ms(500), Sequence(5)));
    // A pause after an answer goes on.
    flight.sent(5, ms(500));
    flight.answered(5, &Answer::WrongLast(Sequence(9)), ms(600));
    flight.is_led_by(Some("broker-3"), ms(700));
    assert!(!flight.is_due(ms(1_599), Sequence(5)) && flight.is_due(ms(1_600), Sequence(5)));
}

#[test]
fn answers_to_any_attempt_of_the_same_commit_count_and_others_do_not() {
    let mut flight = flight();
    for attempt in 7..10 {
        flight.sent(attempt, ms(0));
    }
    for attempt in [6, 10] {
        assert_eq!(flight.answered(attempt, &Answer::Stored(Sequence(6)), ms(0)), None);
    }
    for attempt in 7..10 {
        let resolution = flight.answered(attempt, &Answer::Stored(Sequence(6)), ms(0));
        assert_eq!(resolution, Some(Resolution::Stored));
    }
}

#[test]
fn announcements_that_come_back_late_do_not_prove_that_peers_would_be_heard() {
    let mut peers = Peers::default();
    for sent in [1_000, 1_500, 2_000] {
        peers.echoed(ms(sent));
        assert!(!peers.is_listening(ms(sent)), "at {sent}");
    }
    peers.echoed(ms(2_500));
    assert!(peers.is_listening(ms(2_500)) && peers.is_listening(ms(4_500)));
    assert!(!peers.is_listening(ms(4_501)), "the last one is too old");
    // Buffered announcements come back at once, and are as old as they are.
    peers.echoed(ms(4_600));
    assert!(!peers.is_listening(ms(4_600)), "there was a break of more than two seconds");
    peers.echoed(ms(2_000));
    peers.echoed(ms(6_100));
    assert!(peers.is_listening(ms(6_100)));
}

#[test]
fn the_clock_is_compared_with_the_median_of_all_clocks() {
    let mut peers = Peers::default();
    let mut hear = |name: &str, clock| {
        let announcement = Announcement {
            cluster: CLUSTER,
            node: NodeName::parse(name).unwrap(),
            process: ProcessId([1; 16]),
            sent: ms(0),
            applied: Sequence(1),
            hash: MessageHash::ZERO,
            revision: Revision(0),
            clock: UnixMicros(clock),
            max_format: NEWEST_FORMAT,
            state: NodeState::Serving,
            address: String::new(),
            fault: String::new(),
        };
        peers.heard(announcement, ms(0), UnixMicros(500));
        peers.clock_offset(ms(10_000))
    };
    assert_eq!(hear("a", 1_500), 500, "of two clocks neither is right");
    assert_eq!(hear("b", 900_000_500), 1_000);
    assert_eq!(hear("b", 500), 0, "of three clocks two agree");
    assert_eq!(hear("c", 2_500), 500);
    assert_eq!(peers.clock_offset(ms(10_001)), 0, "silent peers do not count");
}

#[test]
fn descriptions_of_the_log_are_as_old_as_their_requests() {
    let mut watch = Watch::default();
    let info = |last: u64| LogInfo { is_authoritative: true, last: Sequence(last), ..LogInfo::default() };
    let stale = LogInfo { is_authoritative: false, ..info(1) };
    let (first, second, between) = (watch.request(ms(0)), watch.request(ms(500)), watch.request(ms(400)));
    let latest = Inspected::Latest { is_interrupted: false };
    assert_eq!(watch.answered(second, info(20), ms(600)), latest);
    assert_eq!(watch.answered(first, info(10), ms(700)), Inspected::Outdated, "an older one arrives later");
    assert_eq!(watch.answered(between, stale.clone(), ms(700)), Inspected::Outdated);
    assert_eq!(watch.answered(99, info(30), ms(700)), Inspected::Outdated, "never asked for");
    assert_eq!(watch.last(), Sequence(20));
    assert!(watch.fresh(ms(2_500)).is_some() && watch.fresh(ms(2_501)).is_none());
    let third = watch.request(ms(1_000));
    let answered = watch.answered(third, stale, ms(1_100));
    assert_eq!(answered, Inspected::NoLeader, "without a leader any copy answers");
    assert_eq!(watch.last(), Sequence(20));
}

#[test]
fn another_leader_or_a_break_between_descriptions_is_an_interruption() {
    let mut watch = Watch::default();
    let mut is_interrupted = |leader: &str, incarnation, sent| {
        let request = watch.request(ms(sent));
        let info =
            LogInfo { is_authoritative: true, leader: leader.to_owned(), incarnation, ..LogInfo::default() };
        watch.answered(request, info, ms(sent)) == Inspected::Latest { is_interrupted: true }
    };
    assert!(!is_interrupted("a", 1, 0), "there was none before");
    assert!(!is_interrupted("a", 1, 2_000));
    assert!(is_interrupted("a", 1, 4_001), "elections take four seconds");
    assert!(is_interrupted("b", 1, 4_500));
    assert!(is_interrupted("b", 2, 5_000));
    assert!(!is_interrupted("b", 2, 5_500));
}

#[test]
fn a_log_is_rewound_when_leaders_have_said_so_for_a_quarter_of_a_minute_without_a_break() {
    let mut watch = Watch::default();
    let mut is_rewound = |last: u64, sent| {
        let request = watch.request(ms(sent));
        let info = LogInfo { is_authoritative: true, last: Sequence(last), ..LogInfo::default() };
        watch.answered(request, info, ms(sent));
        watch.is_rewound(Sequence(7), ms(sent))
    };
    assert!(!is_rewound(6, 0), "the answer may be from before the last commit");
    assert!((15..=29).all(|second| !is_rewound(6, second * 1_000)), "there was no leader for 15 s");
    assert!(is_rewound(6, 30_000));
    assert!(!is_rewound(7, 30_500));
    assert!(!is_rewound(6, 31_000));
}

#[test]
fn copies_that_lag_for_half_a_minute_are_reported() {
    let mut watch = Watch::default();
    let inform = |watch: &mut Watch, lagging: &[&str], now| {
        let request = watch.request(now);
        let lagging = lagging.iter().map(|name| (*name).to_owned()).collect();
        watch.answered(request, LogInfo { is_authoritative: true, lagging, ..LogInfo::default() }, now);
        watch.has_lost_redundancy(now)
    };
    assert!(!inform(&mut watch, &["b"], ms(1_000)));
    assert!(!inform(&mut watch, &["b"], ms(30_999)));
    assert!(inform(&mut watch, &["c"], ms(31_000)));
    assert!(!inform(&mut watch, &[], ms(31_500)));
    assert!(!inform(&mut watch, &["b"], ms(32_000)));
}
