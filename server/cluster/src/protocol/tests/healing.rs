//! Restoring the log while something else fails.

use super::{
    model::Command,
    scenarios::{commit, is_current, secs, world},
    world::World,
};
use crate::{identity::Sequence, memory::Faults};

/// An event during a restoration, and the number of nodes that restore.
type Interruption = (&'static str, usize, fn(&mut World));

const INTERRUPTIONS: [Interruption; 6] = [
    ("the log has no leader for a while", 1, |world| {
        world.cluster.set_leader(false);
        world.run_for(secs(5));
        world.cluster.set_leader(true);
    }),
    ("the node is cut off", 1, |world| {
        world.set_connected(0, false);
        world.run_for(secs(5));
        world.set_connected(0, true);
    }),
    ("the log is rewound again", 1, |world| world.cluster.rewind(Sequence(world.cluster.last().0 - 3))),
    ("the log is lost, and made again", 1, |world| {
        world.cluster.set_exists(false);
        world.run_for(secs(5));
        world.cluster.set_exists(true);
    }),
    ("answers are lost and late", 1, |world| {
        world.cluster.set_faults(Faults { lost_answers: 500, late_answers: 300, ..Faults::default() });
        world.run_for(secs(5));
        world.cluster.set_faults(Faults::default());
    }),
    ("another node restores it as well", 2, |world| {
        let now = world.now;
        world.protocol(1).heal(now).unwrap();
    }),
];

#[test]
fn an_interrupted_restoration_goes_on_where_the_log_ends() {
    for (what, restoring, interrupt) in INTERRUPTIONS {
        let mut world = world(2);
        let puts: Vec<Command> = (1..=12).map(Command::Put).collect();
        commit(&mut world, 0, &puts);
        let (last, messages) = (world.cluster.last(), world.replica(0).messages.clone());
        world.cluster.rewind(Sequence(2));
        world.run_for(secs(18));
        let now = world.now;
        world.protocol(0).heal(now).unwrap();
        world.run_until(what, |world| world.cluster.last() >= Sequence(7));
        assert!(world.healed.is_empty() && world.cluster.last() < last, "{what}");

        interrupt(&mut world);
        assert!(world.healed.is_empty(), "{what}");
        world.run_until(what, |world| world.healed.len() == restoring);
        assert!(world.healed.iter().all(Result::is_ok), "{what}: {:?}", world.healed);
        world.run_until(what, |world| (0..2).all(|node| is_current(world, node)));
        assert_eq!(world.cluster.last(), last, "{what}");
        for (at, message) in &messages {
            assert_eq!(world.cluster.message(*at).as_ref(), Some(message), "{what}");
        }
        commit(&mut world, 1, &[Command::Put(13)]);
        world.check();
    }
}
