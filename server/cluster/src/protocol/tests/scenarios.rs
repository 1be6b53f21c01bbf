//! Single faults, and the state that they lead to.

use std::time::Duration;

use bytes::Bytes;
use nearby_store::OwnedBatch;

use super::{
    model::{Command, Outcome, TestReplica},
    world::{CLUSTER, World},
};
use crate::{
    announcement::NodeState,
    identity::Sequence,
    log::{LogEvent, LogInfo},
    memory::Faults,
    message::{Message, NEWEST_FORMAT, tests::put},
    protocol::{Action, Blocked, Fault, HealError, LogAction, Now, ProposeError},
    replica::{Replica, ReplicaError},
};

pub(super) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Starts nodes, and waits until each may decide.
pub(super) fn world(nodes: usize) -> World {
    let mut world = World::new(7, nodes);
    world.cluster.set_faults(Faults { max_latency: Duration::from_millis(1), ..Faults::default() });
    world.run_until("all nodes may decide", |world| (0..nodes).all(|node| world.blocked(node).is_none()));
    world
}

/// Commits commands one after the other at a node, and waits until the nodes that run have applied them.
pub(super) fn commit(world: &mut World, node: usize, commands: &[Command]) {
    for command in commands {
        let count = world.acknowledged.len();
        world.submit(node, *command);
        world.run_until("the command is acknowledged", |world| world.acknowledged.len() > count);
    }
    // No sync has taken place for the last of them otherwise.
    world.run_for(Duration::from_millis(100));
}

/// Sets a setting of the log, and restarts a node that requires it.
fn require_setting(world: &mut World, setting: (&'static str, &'static str)) {
    world.cluster.set_setting(setting.0, setting.1);
    world.required_setting = Some(setting);
    world.crash(0);
    world.start(0);
    world.run_until("the node may decide", |world| world.blocked(0).is_none());
}

pub(super) fn is_current(world: &World, node: usize) -> bool {
    world.replica(node).position.applied == world.cluster.last() && world.blocked(node).is_none()
}

/// Decodes a message, changes it, and encodes it again.
fn altered(message: &Bytes, alter: impl FnOnce(&mut Message)) -> Bytes {
    let mut message = Message::decode(message, CLUSTER, u16::MAX, &|stored| stored).unwrap();
    alter(&mut message);
    message.header.encode(&message.batch.as_batch(&[])).unwrap()
}

/// A message that changes the same merchant to another content: all digests are the same.
fn with_other_content(message: &Bytes) -> Bytes {
    altered(message, |message| {
        let change = &mut message.batch.changes[0];
        *change = put(change.id().as_str(), change.revision().0, b"another");
        let request = std::sync::Arc::make_mut(&mut message.batch.completed[0]);
        request.outcomes[0] = change.clone();
    })
}

#[test]
fn a_node_that_returns_to_a_rewound_log_writes_nothing_until_it_is_healed() {
    let mut world = world(3);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2)]);
    world.crash(2);
    let rewound_to = world.cluster.last();
    commit(&mut world, 1, &[Command::Put(1), Command::Put(3), Command::Delete(2)]);
    let (last, messages) = (world.cluster.last(), world.replica(0).messages.clone());

    // The brokers lose what the third node does not have. It returns, and is as far as the log.
    world.cluster.rewind(rewound_to);
    world.start(2);
    world.submit(2, Command::Put(9));
    world.run_for(secs(14));
    assert_eq!(world.replica(2).position.applied, rewound_to);
    assert!(matches!(world.blocked(2), Some(Blocked::Peer(_))), "{:?}", world.blocked(2));
    assert_eq!((world.fault(0), world.fault(1)), (None, None), "a deposed leader may say so for ten seconds");
    world.run_for(secs(4));
    let rewound = Some(Fault::Rewound { last: rewound_to });
    assert_eq!((world.fault(0), world.fault(1)), (rewound.clone(), rewound));
    assert!(matches!(world.blocked(2), Some(Blocked::Peer(_))), "nodes with a fault announce themselves");
    assert_eq!(world.cluster.last(), rewound_to, "nothing was written");

    // Two nodes restore it at once.
    let now = world.now;
    assert_eq!((world.protocol(0).heal(now), world.protocol(1).heal(now)), (Ok(()), Ok(())));
    world.run_until("the log is restored", |world| world.healed.len() == 2);
    let republished: u64 = world.healed.iter().map(|healed| healed.clone().unwrap()).sum();
    assert_eq!(republished, last.0 - rewound_to.0, "each message once");
    world.run_until("the log goes on", |world| world.acknowledged.len() == 6);
    world.run_until("all nodes are current", |world| (0..3).all(|node| is_current(world, node)));
    assert!(messages.iter().all(|(at, message)| world.cluster.message(*at).as_ref() == Some(message)));
    world.check();
}

/// The publish that is in flight when the log is rewound is sent again once the log has what it was decided on.
#[test]
fn a_publish_survives_a_rewind_that_is_healed() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2)]);
    let last = world.cluster.last();
    world.cluster.rewind(Sequence(last.0 - 1));
    world.submit(0, Command::Put(3));
    world.run_for(secs(5));
    assert_eq!(world.acknowledged.len(), 2);
    let now = world.now;
    assert_eq!(world.protocol(1).heal(now), Err(HealError::LogUnknown), "it may be a deposed leader");
    world.run_for(secs(12));
    let now = world.now;
    world.protocol(1).heal(now).unwrap();
    world.run_until("the publish is acknowledged", |world| world.acknowledged.len() == 3);
    world.run_until("all nodes are current", |world| (0..2).all(|node| is_current(world, node)));
    world.check();
}

/// The log was restored without the newest messages, since the nodes that have them were away. So was a broker, whose copy of the
/// log still contains them, and which delivers.
#[test]
fn messages_that_only_an_old_copy_contains_change_nothing() {
    let mut world = world(3);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2)]);
    let base = world.cluster.last();
    world.set_connected(2, false);
    commit(&mut world, 0, &[Command::Put(3); 12]);
    // Nothing detects the loss of commits together with the nodes that have applied them.
    (world.max_acknowledged, _) = (base, world.acknowledged.split_off(2));
    let old_copy = world.cluster.copy();
    world.cluster.rewind(Sequence(base.0 - 1));
    world.set_connected(2, true);
    world.run_for(secs(17));

    assert!(matches!(world.fault(2), Some(Fault::Rewound { .. })));
    (0..2).for_each(|node| world.crash(node));
    world.run_for(secs(11));
    let now = world.now;
    world.protocol(2).heal(now).unwrap();
    commit(&mut world, 2, &[Command::Put(1)]);
    world.cluster.deliver_from(old_copy);
    commit(&mut world, 2, &[Command::Put(5), Command::Put(1)]);
    let message = world.cluster.message(world.cluster.last()).unwrap();
    let now = world.now;
    world.cluster.publish_unchecked(message, now);
    world.run_until("a message that was not delivered is read", |world| is_current(world, 2));
    world.check();
    let reads = world.status(2).counters.leader_reads;
    world.run_for(secs(20));
    let more = world.status(2).counters.leader_reads - reads;
    assert!(more < 10, "a node that is current asks for nothing: {more} reads in 20 s");
    assert_eq!(world.total(|counters| counters.foreign_history), 0);

    // The nodes that were away have another history. They have written nothing.
    let messages = world.cluster.last();
    (0..2).for_each(|node| world.start(node));
    world.submit(0, Command::Put(6));
    world.run_for(secs(17));
    let rewritten = |world: &World, node| matches!(world.fault(node), Some(Fault::Rewritten { .. }));
    assert!(rewritten(&world, 0) && rewritten(&world, 1), "{:#?}", world.describe());
    assert_eq!((world.fault(2), world.cluster.last()), (None, messages));
    assert!(matches!(world.blocked(2), Some(Blocked::Peer(_))), "an operator decides which history is right");
}

/// A node that has lost its newest commit in a crash receives another message in its place, from an old copy.
#[test]
fn a_commit_is_not_decided_on_a_message_that_only_an_old_copy_contains() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2)]);
    world.set_connected(1, false);
    commit(&mut world, 0, &[Command::Put(3)]);
    let old_copy = world.cluster.copy();
    let base = Sequence(world.cluster.last().0 - 1);
    world.crash(0);
    world.cluster.rewind(base);
    world.max_acknowledged = base;
    let lost = world.acknowledged.pop().unwrap();
    assert!(lost.sequence > base);
    world.set_connected(1, true);
    world.run_for(secs(17));

    // The commit that replaces it is acknowledged, and the node is killed before it has synced it.
    let number = world.submit(1, Command::Put(4));
    let is_acknowledged = move |world: &World| {
        world.acknowledged.iter().any(|acknowledged| acknowledged.submission.number == number)
    };
    world.run_until("the commit is acknowledged", is_acknowledged);
    let (last, message) = (world.cluster.last(), world.cluster.message(world.cluster.last()));
    world.crash(1);
    world.cluster.deliver_from(old_copy);
    world.start(1);
    world.run_until("the old message is applied", |world| world.replica(1).position.applied == last);
    assert_ne!(world.replica(1).messages.get(&last), message.as_ref());
    world.submit(1, Command::Put(5));
    world.run_for(secs(10));
    let rewritten = Fault::Rewritten { sequence: last };
    assert_eq!((world.fault(1), world.cluster.last()), (Some(rewritten), last), "{:#?}", world.describe());
}

/// The log does not compare histories: it would store the commit of a node whose last message it has lost and replaced, and all
/// that this node decides on it.
#[test]
fn a_commit_in_flight_is_not_sent_again_before_its_base_is_compared() {
    // The log is replaced between two descriptions of it, or while there is no leader.
    let waits = (0..10).map(|number| (false, 4_000 + number * 70)).chain([(true, 5)]);
    for (has_leader, wait) in waits {
        let mut world = world(2);
        commit(&mut world, 0, &[Command::Put(1), Command::Put(2)]);
        let last = world.cluster.last();
        let replacement = with_other_content(&world.cluster.message(last).unwrap());
        // The announcements of another node arrive between those of the first one, which then proposes what waits.
        world.crash(1);
        world.run_for(Duration::from_millis(250));
        world.start(1);
        world.run_until("all may decide", |world| (0..2).all(|node| world.blocked(node).is_none()));
        world.run_for(Duration::from_millis(250));

        world.cluster.rewind(Sequence(last.0 - 1));
        world.cluster.set_leader(has_leader);
        world.submit(0, Command::Put(3));
        world.run_until("it is proposed", |world| world.status(0).in_flight.is_some());
        world.run_for(Duration::from_millis(wait));
        let now = world.now;
        world.cluster.publish_unchecked(replacement, now);
        world.cluster.set_leader(true);
        world.run_for(secs(10));
        assert!(matches!(world.fault(0), Some(Fault::Rewritten { .. })), "{:#?}", world.describe());
        assert_eq!((world.cluster.last(), world.unresolved.len()), (last, 1), "{has_leader} {wait}");
    }
}

#[test]
fn a_node_compares_its_history_again_when_the_log_was_shorter_than_it_for_a_moment() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2)]);
    let last = world.cluster.last();
    let replacement = with_other_content(&world.cluster.message(last).unwrap());
    world.crash(1);
    world.cluster.rewind(Sequence(last.0 - 1));
    world.run_for(secs(1));
    let now = world.now;
    world.cluster.publish_unchecked(replacement, now);
    world.submit(0, Command::Put(3));
    world.run_for(secs(10));
    assert!(matches!(world.fault(0), Some(Fault::Rewritten { .. })), "{:#?}", world.describe());
    assert_eq!(world.cluster.last(), last);
}

#[test]
fn a_log_that_brokers_have_lost_is_reported_and_restored() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2)]);
    let last = world.cluster.last();
    let now = world.now;
    assert_eq!(world.protocol(0).heal(now), Err(HealError::NothingLost), "also right after a commit");
    world.cluster.set_exists(false);
    world.run_for(secs(10));
    assert_eq!(world.fault(0), None, "brokers that have just started may not know it yet");
    assert_eq!(world.blocked(0), Some(Blocked::NoInfo));
    world.run_for(secs(7));
    assert_eq!((world.fault(0), world.fault(1)), (Some(Fault::Missing), Some(Fault::Missing)));
    let now = world.now;
    assert_eq!(world.protocol(0).heal(now), Err(HealError::LogUnknown));

    world.cluster.set_exists(true);
    world.run_for(secs(2));
    assert_eq!(world.fault(0), None);
    world.run_for(secs(15));
    let now = world.now;
    world.protocol(0).heal(now).unwrap();
    world.run_until("the log is restored", |world| world.healed == [Ok(last.0)]);
    commit(&mut world, 1, &[Command::Put(3)]);
    world.run_until("both nodes are current", |world| (0..2).all(|node| is_current(world, node)));
    world.check();
}

/// A log that was created again is empty.
#[test]
fn an_empty_log_is_restored_from_the_genesis_on() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2)]);
    let last = world.cluster.last();
    world.cluster.set_leader(false);
    world.run_for(secs(4));
    let now = world.now;
    assert_eq!(world.protocol(0).heal(now), Err(HealError::LogUnknown));
    world.cluster.set_leader(true);
    world.cluster.rewind(Sequence::ZERO);
    world.run_for(secs(17));
    let now = world.now;
    world.protocol(0).heal(now).unwrap();
    world.run_until("the log is restored", |world| world.healed == [Ok(last.0)]);
    commit(&mut world, 1, &[Command::Put(3)]);
    world.run_until("both nodes are current", |world| (0..2).all(|node| is_current(world, node)));
    world.check();
}

#[test]
fn a_log_is_restored_although_requests_and_answers_are_lost() {
    for seed in 0..10 {
        let mut world = World::new(seed, 2);
        world.run_for(secs(4));
        commit(&mut world, 0, &[Command::Put(1); 20]);
        let last = world.cluster.last();
        world.cluster.rewind(Sequence(4));
        world.run_for(secs(17));
        world.cluster.set_faults(Faults { lost_requests: 100, lost_answers: 100, ..Faults::default() });
        for node in 0..2 {
            let now = world.now;
            world.protocol(node).heal(now).unwrap();
        }
        world.run_until("the log is restored", |world| world.healed.len() == 2);
        assert!(world.healed.iter().all(Result::is_ok), "{:?}", world.healed);
        assert_eq!(world.cluster.last(), last);
        world.cluster.set_faults(Faults::default());
        world.run_until("both nodes are current", |world| (0..2).all(|node| is_current(world, node)));
        world.check();
    }
}

#[test]
fn nothing_is_published_into_the_log_of_another_cluster() {
    let mut world = world(1);
    require_setting(&mut world, ("nearby.cluster", "ours"));
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2), Command::Put(3)]);
    world.cluster.rewind(Sequence::ZERO);
    world.cluster.set_setting("nearby.cluster", "theirs");
    world.run_for(secs(20));
    assert!(matches!(world.fault(0), Some(Fault::Settings { .. })), "{:?}", world.fault(0));
    let now = world.now;
    assert_eq!(world.protocol(0).heal(now), Err(HealError::LogUnknown));

    world.cluster.set_setting("nearby.cluster", "ours");
    world.run_for(secs(17));
    world.cluster.set_leader(false);
    let now = world.now;
    world.protocol(0).heal(now).unwrap();
    world.run_for(secs(3));
    world.cluster.set_setting("nearby.cluster", "theirs");
    world.cluster.set_leader(true);
    world.run_until("it is given up", |world| world.healed == [Err(HealError::LogUnknown)]);
    assert_eq!(world.cluster.last(), Sequence::ZERO);
}

#[test]
fn a_log_with_another_history_is_not_restored() {
    let mut world = world(1);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2), Command::Put(3)]);
    let last = Sequence(world.cluster.last().0 - 1);
    world.cluster.rewind(last);
    let replacement = with_other_content(&world.cluster.message(last).unwrap());
    let original = world.cluster.message(last).unwrap();
    world.cluster.rewrite(last, replacement.clone());
    world.run_for(secs(17));
    assert_eq!(world.fault(0), Some(Fault::Rewritten { sequence: last }));
    let now = world.now;
    assert_eq!(world.protocol(0).heal(now), Err(HealError::TwoHistories(last)));

    // The log is replaced after the node has found that it is rewound.
    let mut world = self::world(1);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2), Command::Put(3)]);
    assert_eq!(world.cluster.message(last), Some(original));
    world.cluster.rewind(last);
    world.run_for(secs(17));
    world.cluster.rewrite(last, replacement);
    let now = world.now;
    world.protocol(0).heal(now).unwrap();
    world.run_until("it is refused", |world| world.healed == [Err(HealError::TwoHistories(last))]);

    let mut world = self::world(1);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(2), Command::Put(3)]);
    world.cluster.rewind(last);
    world.protocol(0).replica_mut().messages.remove(&last.next());
    world.run_for(secs(17));
    let now = world.now;
    world.protocol(0).heal(now).unwrap();
    world.run_until("it is refused", |world| world.healed == [Err(HealError::NotKept(last.next()))]);
    assert_eq!(world.cluster.last(), last);
}

#[test]
fn the_format_of_the_log_rises_once_all_nodes_read_the_newer_one() {
    let mut world = world(2);
    let newer = NEWEST_FORMAT + 1;
    let upgrade = |world: &mut World, node: usize, format| {
        let now = world.now_of(node);
        world.protocol(node).upgrade(now, format, Vec::new()).map_err(|(_, error)| error)
    };
    let restart = |world: &mut World, node: usize| {
        world.crash(node);
        world.start(node);
        world.run_until("all nodes may decide", |world| (0..2).all(|node| world.blocked(node).is_none()));
    };
    let unreadable = |node: &str| {
        let node = crate::identity::NodeName::parse(node).unwrap();
        Err(ProposeError::UnreadableFormat { format: newer, node })
    };
    assert_eq!(upgrade(&mut world, 0, NEWEST_FORMAT), Err(ProposeError::FormatInUse(NEWEST_FORMAT)));
    world.max_format = newer;
    restart(&mut world, 0);
    assert_eq!(upgrade(&mut world, 0, newer), unreadable("node-1"), "a peer has the older release");
    assert_eq!(upgrade(&mut world, 1, newer), unreadable("node-1"), "this node has");
    commit(&mut world, 0, &[Command::Put(1)]);
    restart(&mut world, 1);
    upgrade(&mut world, 0, newer).unwrap();
    world.run_for(secs(1));
    commit(&mut world, 1, &[Command::Put(2)]);
    commit(&mut world, 0, &[Command::Put(3)]);
    let formats: Vec<u16> = (1..=world.cluster.last().0)
        .map(|number| {
            let message = world.cluster.message(Sequence(number)).unwrap();
            Message::decode(&message, CLUSTER, newer, &|stored| stored).unwrap().header.format
        })
        .collect();
    assert_eq!(formats, [NEWEST_FORMAT, NEWEST_FORMAT, NEWEST_FORMAT, newer, newer]);
    world.check();

    // A node of the older release stops before it applies what it may not understand.
    world.max_format = NEWEST_FORMAT;
    world.crash(1);
    world.nodes[1].disk = TestReplica::new();
    world.start(1);
    world.run_for(secs(1));
    let expected = Some(Fault::UnsupportedFormat { sequence: Sequence(3), format: newer });
    assert_eq!(world.fault(1), expected);
}

#[test]
fn a_rewritten_message_is_recognized_by_the_hash_in_its_successor() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1), Command::Put(1)]);
    let at = world.cluster.last();
    let digest = world.replica(0).digest;
    let (rewritten, successor) = {
        let message = world.cluster.message(at).unwrap();
        let rewritten = with_other_content(&message);
        let successor = altered(&message, |message| {
            message.header.base = at;
            message.header.previous = crate::message::MessageHash::of(&rewritten);
            message.header.before = digest;
            message.header.commit.counter += 1_000;
            message.batch.changes = vec![put("m1", digest.watermarks.last.0 + 1, b"next")];
            message.batch.completed.clear();
            let replaces = [Some(digest.watermarks.last)];
            message.header.after = message.batch.as_batch(&replaces).apply_to(digest);
        });
        (rewritten, successor)
    };
    world.cluster.rewrite(at, rewritten);
    world.cluster.publish_unchecked(successor, world.now);
    world.run_for(secs(2));
    for node in 0..2 {
        assert_eq!(world.fault(node), Some(Fault::Rewritten { sequence: at }), "node {node}");
        assert_eq!(world.replica(node).position.applied, at);
    }
    world.submit(0, Command::Put(5));
    world.run_for(secs(20));
    assert_eq!(world.acknowledged.len(), 2, "no write succeeds");
    assert_eq!(world.status(0).state, NodeState::Faulty);
}

#[test]
fn a_message_of_another_history_counts_nowhere() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1)]);
    let (at, message) = (world.cluster.last(), world.cluster.message(world.cluster.last()).unwrap());
    let foreign = altered(&message, |message| {
        message.header.base = at;
        message.header.previous.0 ^= 1;
    });
    world.cluster.publish_unchecked(foreign, world.now);
    commit(&mut world, 1, &[Command::Put(2)]);
    assert_eq!(world.total(|counters| counters.foreign_history), 2);
    world.run_until("all nodes are current", |world| (0..2).all(|node| is_current(world, node)));
    assert_eq!((world.fault(0), world.fault(1)), (None, None));
    world.check();
}

#[test]
fn a_node_that_has_applied_another_message_does_not_join() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1)]);
    let at = world.cluster.last();
    world.crash(1);
    world.run_for(secs(11));
    world.cluster.rewrite(at, with_other_content(&world.cluster.message(at).unwrap()));
    world.start(1);
    world.run_for(secs(1));
    assert_eq!(world.fault(1), Some(Fault::Rewritten { sequence: at }));
}

/// A node with another message at the same sequence hears of it, and asks the leader which is right.
#[test]
fn announcements_reveal_another_history() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1)]);
    let at = world.cluster.last();
    world.crash(1);
    world.cluster.rewrite(at, with_other_content(&world.cluster.message(at).unwrap()));
    world.nodes[1].disk = TestReplica::new();
    world.start(1);
    world.submit(1, Command::Put(2));
    world.run_for(secs(1));
    assert_eq!(world.replica(1).position.applied, at, "the new node applies what the log contains");
    assert_eq!((world.fault(0), world.fault(1)), (Some(Fault::Rewritten { sequence: at }), None));
}

#[test]
fn a_message_that_is_damaged_where_it_is_stored_stops_the_node_that_needs_it() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1)]);
    world.crash(1);
    commit(&mut world, 0, &[Command::Put(2)]);
    let at = world.cluster.last();
    let mut damaged = world.cluster.message(at).unwrap().to_vec();
    damaged[200] ^= 4;
    world.cluster.rewrite(at, damaged.into());
    world.start(1);
    world.run_for(secs(5));
    assert!(matches!(world.fault(1), Some(Fault::Damaged { sequence, .. }) if sequence == at));
    assert_eq!(world.fault(0), None);
    commit(&mut world, 0, &[Command::Put(3)]);
    assert!(world.replica(1).position.applied < at);
}

#[test]
fn a_message_that_is_lost_from_the_middle_is_a_gap_until_it_is_back() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1)]);
    world.crash(1);
    commit(&mut world, 0, &[Command::Put(2), Command::Put(3)]);
    let lost = Sequence(world.cluster.last().0 - 1);
    let message = world.cluster.message(lost).unwrap();
    world.cluster.lose(lost);
    world.start(1);
    world.run_for(secs(8));
    assert_eq!(world.fault(1), None, "deliveries are started again first");
    world.run_for(secs(12));
    assert_eq!(world.fault(1), Some(Fault::Gap { sequence: lost }));
    assert_eq!(world.fault(0), None);
    commit(&mut world, 0, &[Command::Put(4)]);
    world.cluster.rewrite(lost, message);
    world.run_until("both nodes are current", |world| (0..2).all(|node| is_current(world, node)));
    assert_eq!(world.fault(1), None);
    world.check();
}

#[test]
fn a_node_behind_the_beginning_of_the_log_needs_a_bootstrap() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1)]);
    world.crash(1);
    let applied = world.nodes[1].disk.position.applied;
    commit(&mut world, 0, &[Command::Put(2), Command::Put(3), Command::Put(4)]);
    let first = Sequence(applied.0 + 3);
    world.cluster.discard_before(first);
    world.start(1);
    world.run_for(secs(5));
    assert_eq!(world.fault(1), Some(Fault::Behind { first }));
    assert_eq!(world.status(1).state, NodeState::Faulty);

    // The directory is replaced by an exact copy of a peer's.
    world.crash(1);
    world.nodes[1].disk = world.nodes[0].disk.clone();
    world.start(1);
    world.run_until("both nodes are current", |world| (0..2).all(|node| is_current(world, node)));
}

/// The last message of a node may have been discarded: the next one contains its hash.
#[test]
fn a_node_at_the_beginning_of_the_log_joins() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1)]);
    world.crash(1);
    let applied = world.nodes[1].disk.position.applied;
    commit(&mut world, 0, &[Command::Put(2), Command::Put(3)]);
    world.cluster.discard_before(applied.next());
    world.start(1);
    world.run_until("both nodes are current", |world| (0..2).all(|node| is_current(world, node)));
    commit(&mut world, 1, &[Command::Put(4)]);
}

#[test]
fn a_newer_format_stops_a_node_before_it_applies_it() {
    let mut world = world(2);
    commit(&mut world, 0, &[Command::Put(1)]);
    let (at, message) = (world.cluster.last(), world.cluster.message(world.cluster.last()).unwrap());
    let newer = altered(&message, |message| {
        message.header.base = at;
        message.header.format = NEWEST_FORMAT + 1;
    });
    world.cluster.publish_unchecked(newer, world.now);
    world.run_for(secs(1));
    let expected = Some(Fault::UnsupportedFormat { sequence: at.next(), format: NEWEST_FORMAT + 1 });
    assert_eq!((world.fault(0), world.fault(1)), (expected.clone(), expected));
}

#[test]
fn another_state_of_the_writer_is_a_divergence() {
    let mut world = world(1);
    commit(&mut world, 0, &[Command::Put(1)]);
    let (at, message) = (world.cluster.last(), world.cluster.message(world.cluster.last()).unwrap());
    let previous = world.replica(0).position.hash;
    let diverged = altered(&message, |message| {
        message.header.base = at;
        message.header.previous = previous;
    });
    world.cluster.publish_unchecked(diverged, world.now);
    world.run_for(secs(1));
    assert_eq!(world.fault(0), Some(Fault::Diverged { sequence: at.next() }));
    assert_eq!(world.replica(0).position.applied, at, "nothing has changed");
}

#[test]
fn a_node_that_would_not_hear_its_peers_decides_nothing() {
    let mut world = world(2);
    world.cluster.set_faults(Faults { lost_announcements: 1_000, ..Faults::default() });
    world.run_for(secs(3));
    assert_eq!(world.blocked(0), Some(Blocked::NotListening));
    world.submit(0, Command::Put(1));
    world.run_for(secs(10));
    assert!(world.acknowledged.is_empty());
    world.cluster.set_faults(Faults::default());
    world.run_until("it is acknowledged", |world| !world.acknowledged.is_empty());
}

#[test]
fn a_second_process_under_the_same_name_stops() {
    let mut world = world(2);
    world.run_for(secs(11));
    world.crash(1);
    world.nodes[1].name = world.nodes[0].name.clone();
    world.start(1);
    world.run_for(secs(6));
    assert_eq!((world.fault(0), world.fault(1)), (None, Some(Fault::DuplicateName)));
    commit(&mut world, 0, &[Command::Put(1)]);
}

#[test]
fn a_node_with_a_wrong_clock_decides_nothing_and_times_never_go_back() {
    let mut world = world(3);
    world.nodes[0].clock_offset_us = 50_000_000;
    world.run_for(secs(1));
    commit(&mut world, 0, &[Command::Put(1)]);
    let ahead = world.replica(0).position.time;
    commit(&mut world, 1, &[Command::Put(2)]);
    assert!(world.replica(1).position.time >= ahead, "times of commits do not depend on who writes");
    world.nodes[0].clock_offset_us = 70_000_000;
    world.run_for(secs(1));
    assert_eq!((world.blocked(0), world.blocked(1)), (Some(Blocked::Clock), None));
    assert!(world.status(0).clock_offset < -60_000_000);
    commit(&mut world, 2, &[Command::Put(3)]);
    world.check();
}

#[test]
fn a_full_disk_blocks_a_node_until_there_is_space_and_a_failed_one_until_it_restarts() {
    let mut world = world(2);
    let set_failure = |world: &mut World, failure| {
        world.protocol(1).replica_mut().failure = failure;
    };
    set_failure(&mut world, Some(ReplicaError::Full("test".to_owned())));
    commit(&mut world, 0, &[Command::Put(1)]);
    assert_eq!(world.blocked(1), Some(Blocked::DiskFull));
    world.run_for(secs(5));
    assert_eq!((world.blocked(1), world.fault(1)), (Some(Blocked::DiskFull), None));
    set_failure(&mut world, None);
    world.run_until("both nodes are current", |world| (0..2).all(|node| is_current(world, node)));
    world.check();

    set_failure(&mut world, Some(ReplicaError::Failed("test".to_owned())));
    commit(&mut world, 0, &[Command::Put(1)]);
    assert_eq!(world.fault(1), Some(Fault::Replica("test".to_owned())));
    world.submit(1, Command::Put(2));
    world.run_for(secs(5));
    world.crash(1);
    world.start(1);
    let submission = world.unresolved.pop_front().unwrap();
    world.resubmit(1, submission);
    world.run_until("it is acknowledged", |world| world.acknowledged.len() == 3);
    world.run_until("both nodes are current", |world| (0..2).all(|node| is_current(world, node)));
    world.check();
}

/// A commit whose own node cannot store it is durable all the same. Its callers wait, and it is not decided again.
#[test]
fn a_publish_in_flight_is_applied_once_the_disk_has_space() {
    let mut world = world(2);
    let replica = |world: &mut World, failure| {
        world.protocol(0).replica_mut().failure = failure;
    };
    replica(&mut world, Some(ReplicaError::Full("test".to_owned())));
    world.submit(0, Command::Create(1));
    world.run_for(secs(3));
    assert!(world.acknowledged.is_empty());
    assert_eq!(world.replica(1).position.applied, world.cluster.last(), "the other node has it");
    replica(&mut world, None);
    world.run_until("it is acknowledged", |world| world.acknowledged.len() == 1);
    assert!(world.replica(0).merchants.len() == 1);
    world.check();
}

#[test]
fn without_a_leader_writes_wait_and_a_node_reports_it() {
    let mut world = world(2);
    world.submit(0, Command::Put(1));
    world.run_until("it is acknowledged", |world| world.acknowledged.len() == 1);
    world.cluster.set_leader(false);
    world.submit(0, Command::Put(2));
    world.run_for(secs(4));
    assert_eq!(world.status(0).state, NodeState::Serving);
    world.run_for(secs(3));
    // The last answer of a leader is too old to decide on.
    world.submit(1, Command::Put(3));
    world.run_for(secs(1));
    assert_eq!(world.status(0).state, NodeState::NoQuorum);
    assert_eq!(world.blocked(1), Some(Blocked::NoInfo));
    assert_eq!(world.acknowledged.len(), 1);
    world.cluster.set_leader(true);
    world.run_until("both are acknowledged", |world| world.acknowledged.len() == 3);
    assert_eq!(world.status(0).state, NodeState::Serving);
    world.run_until("both nodes are current", |world| (0..2).all(|node| is_current(world, node)));
    world.check();
}

#[test]
fn a_node_drains_within_ten_seconds() {
    let mut world = world(2);
    let drain = |world: &mut World, node: usize| {
        let now = world.now_of(node);
        world.protocol(node).drain(now);
    };
    drain(&mut world, 1);
    assert!(world.running(1).protocol.is_drained(), "nothing is in flight");
    assert_eq!((world.blocked(1), world.status(1).state), (Some(Blocked::Draining), NodeState::Draining));

    world.cluster.set_leader(false);
    world.submit(0, Command::Put(1));
    world.run_for(Duration::from_millis(100));
    drain(&mut world, 0);
    world.run_for(secs(9));
    assert!(!world.running(0).protocol.is_drained());
    world.run_for(secs(2));
    assert!(world.running(0).protocol.is_drained());
    assert_eq!(world.unresolved.len(), 1, "its caller repeats the request elsewhere");
}

#[test]
fn a_changed_setting_of_the_log_stops_writes_until_it_is_changed_back() {
    let mut world = world(2);
    require_setting(&mut world, ("discard", "old"));
    world.cluster.set_setting("discard", "new");
    world.run_for(secs(1));
    assert!(matches!(world.fault(0), Some(Fault::Settings { ref found, .. }) if found == "new"));
    // It may be the log of another cluster, of which every message would pass for a stray one.
    let applied = world.replica(0).position.applied;
    world.cluster.publish_unchecked(bytes::Bytes::from_static(b"stray"), world.now);
    world.run_for(secs(3));
    assert_eq!(world.replica(0).position.applied, applied);
    world.cluster.set_setting("discard", "old");
    world.run_until("the node may decide", |world| world.blocked(0).is_none());
}

/// Nodes with a delivery that has stopped read from the leader within 150 ms.
#[test]
fn a_stopped_delivery_is_bridged_by_reads() {
    let mut world = world(2);
    world.cluster.set_faults(Faults { skipped_deliveries: 1_000, ..Faults::default() });
    let commands = [Command::Put(1); 10];
    commit(&mut world, 0, &commands);
    world.run_for(secs(1));
    assert_eq!(world.replica(1).position.applied, world.cluster.last());
    assert!(world.total(|counters| counters.leader_reads) >= 10);
    world.check();
}

#[test]
fn a_node_that_lags_behind_the_log_decides_nothing() {
    let mut world = world(1);
    world.cluster.set_faults(Faults { skipped_deliveries: 1_000, ..Faults::default() });
    world.cluster.publish_unchecked(Bytes::from_static(b"stray"), world.now);
    world.run_until("it hears of it", |world| world.blocked(0) == Some(Blocked::CatchingUp));
    world.run_until("it has read it", |world| is_current(world, 0));
    assert_eq!(world.total(|counters| counters.stray), 1);
}

/// Two commands on one merchant at nodes that do not know of one another's: a refusal is answered on the state that contains
/// everything acknowledged before.
#[expect(clippy::print_stdout, reason = "the seed reproduces a failure")]
#[test]
fn refusals_are_confirmed_by_the_log() {
    for seed in 0..20 {
        println!("seed {seed}");
        let mut world = World::new(seed, 3);
        world.cluster.set_faults(Faults { max_latency: Duration::from_millis(300), ..Faults::default() });
        world.run_for(secs(5));
        for number in 0..40 {
            // Each command is submitted when the one before was acknowledged, at another node.
            let count = world.acknowledged.len();
            let command = if number % 2 == 0 { Command::Create(1) } else { Command::Delete(1) };
            world.submit(number % 3, command);
            world.run_until("it is acknowledged", |world| world.acknowledged.len() > count);
            let acknowledged = world.acknowledged[count];
            assert_ne!(acknowledged.outcome, Outcome::Refused, "{acknowledged:?}");
        }
        world.run_for(secs(2));
        world.check();
    }
}

#[test]
fn the_position_of_a_new_node_is_before_the_genesis() {
    let world = world(1);
    assert_eq!(world.replica(0).position().applied, Sequence(1), "the genesis is applied");
    assert_eq!(world.cluster.last(), Sequence(1));
}

/// A leader has our last message, and the next one, which answers meanwhile, does not.
#[test]
fn nothing_is_decided_while_the_latest_description_of_the_log_ends_before_our_last_message() {
    let mut world = world(1);
    commit(&mut world, 0, &[Command::Put(1)]);
    let start = world.now_of(0);
    let (applied, message) = (world.cluster.last(), world.cluster.message(world.cluster.last()));
    let protocol = world.protocol(0);
    let info = protocol.log_info().unwrap().clone();
    let mut run = |millis, event: LogEvent| {
        let now = Now { monotonic: start.monotonic + Duration::from_millis(millis), ..start };
        protocol.handle(now, event);
        let asked = protocol.take_actions().into_iter().find_map(|action| match action {
            Action::Log(LogAction::Inspect(request) | LogAction::Read { request, .. }) => Some(request),
            _ => None,
        });
        (asked, protocol.blocked(now))
    };
    let described = |request: Option<u64>, last| LogEvent::Info {
        request: request.unwrap(),
        info: LogInfo { last, ..info.clone() },
    };
    let (first, blocked) = run(1, LogEvent::Reconnected);
    assert_eq!(blocked, Some(Blocked::Joining));
    let (read, _) = run(2, described(first, applied));
    let (second, _) = run(600, LogEvent::Announcement(Bytes::new()));
    let (_, blocked) = run(601, described(second, Sequence(applied.0 - 1)));
    assert_eq!(blocked, Some(Blocked::Joining));
    let (_, blocked) = run(602, LogEvent::Read { request: read.unwrap(), message });
    assert_eq!(blocked, Some(Blocked::Joining), "it was in the log");
    let (third, _) = run(1_200, LogEvent::Announcement(Bytes::new()));
    let (_, blocked) = run(1_201, described(third, applied));
    assert_eq!(blocked, None);
}

/// An answer that is older than the latest one says nothing of the present leader.
#[test]
fn a_publish_is_sent_again_once_when_another_leader_answers() {
    let mut world = world(1);
    commit(&mut world, 0, &[Command::Put(1)]);
    let start = world.now_of(0);
    let sequence = world.cluster.last();
    let message = world.cluster.message(sequence);
    let protocol = world.protocol(0);
    let mut info = protocol.log_info().unwrap().clone();
    let mut run = |millis, event: Option<LogEvent>| {
        let elapsed = Duration::from_millis(millis);
        let now = Now { monotonic: start.monotonic + elapsed, ..start };
        match event {
            Some(event) => protocol.handle(now, event),
            None if millis == 0 => protocol.propose(now, OwnedBatch::default(), Vec::new()).unwrap(),
            None => protocol.tick(now),
        }
        let actions = protocol.take_actions();
        let sent = actions.iter().filter(|action| matches!(action, Action::Log(LogAction::Propose { .. })));
        let inspected = actions.iter().find_map(|action| match action {
            Action::Log(LogAction::Inspect(request)) => Some(*request),
            _ => None,
        });
        let read = actions.iter().find_map(|action| match action {
            Action::Log(LogAction::Read { request, .. }) => Some(*request),
            _ => None,
        });
        (sent.count(), inspected, read)
    };
    assert_eq!(run(0, None).0, 1);
    let [first, second] = [490, 990].map(|millis| run(millis, None).1.unwrap());
    (info.leader, info.last) = ("another".to_owned(), sequence);
    let (sent, _, read) = run(991, Some(LogEvent::Info { request: second, info: info.clone() }));
    assert_eq!(sent, 0, "the new leader may not have the base");
    let late = LogEvent::Read { request: read.unwrap() - 1, message: message.clone() };
    assert_eq!(run(992, Some(late)).0, 0, "the answer to another read may be that of the leader before");
    assert_eq!(run(992, Some(LogEvent::Read { request: read.unwrap(), message })).0, 1);
    info.is_authoritative = false;
    assert_eq!(run(993, Some(LogEvent::Info { request: first, info: info.clone() })).0, 0);
    let (sent, third, _) = run(1_490, None);
    info.is_authoritative = true;
    assert_eq!(sent + run(1_491, Some(LogEvent::Info { request: third.unwrap(), info })).0, 0);
}
