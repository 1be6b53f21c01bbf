//! All kinds of faults: what they need, and what is expected of them.

use super::{
    brokers::files::{Area, Damage, Role},
    fixture::Upgrade,
    network::Layout,
    recovery::RemedyKind,
};

/// Brokers that a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Leader,
    /// One that does not lead.
    Follower,
    /// Two of three.
    Two,
    TwoFollowers,
    All,
}

/// Direction in which packets are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Both,
    /// From the member.
    Outgoing,
    /// To the member.
    Incoming,
}

/// Member that a fault of the network strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Struck {
    Leader,
    Follower,
    Node,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// SIGKILL, and a start after a time between these, in milliseconds.
    KillBrokers {
        which: Which,
        down_ms: (u64, u64),
    },
    /// SIGSTOP for a time.
    SuspendBrokers {
        which: Which,
        for_ms: u64,
    },
    /// Two hang, then the leader does while they wake up and elect another; then it wakes up as well.
    SwapSuspended,
    /// One is killed while another hangs, comes back with that one, and the third hangs: nats-server #7567.
    KillBesideSuspended,
    KillNodes {
        times: u64,
    },
    SuspendNode {
        for_ms: u64,
    },
    KillNodeAndLeader,
    KillEverything,
    RollBrokers,
    RollNodes,
    /// Packets are dropped without an answer.
    Partition {
        struck: Struck,
        direction: Direction,
    },
    /// A link is down.
    LinkDown {
        struck: Struck,
    },
    /// A node does not reach the brokers, and clients and other nodes reach it.
    NodeWithoutBrokers,
    /// The leader and a follower do not reach one another; both reach the third.
    Bridge,
    /// The leader and one node are cut off from everything else.
    Minority,
    /// All connections are slow, by a time between these, in milliseconds.
    Delay {
        ms: (u64, u64),
    },
    /// Connections break at random.
    BreakConnections,
    /// A broker's disk is emptied while it is down.
    WipeBrokers {
        which: Which,
    },
    /// A broker's disk goes back to an older copy.
    RollBack {
        which: Which,
    },
    /// The leader is away; of the other two, one was down before and the other goes back to an older copy.
    StaleMajority,
    /// The ends of the newest files of two brokers are cut off.
    CutTwo,
    /// All disks go back to one older copy, while a node is away that knows nothing of what is lost.
    RollBackAllBesideNode,
    FillBrokers {
        which: Which,
    },
    FillNode,
    /// A file of a broker that does not lead, while it is down.
    DamageFile {
        area: Area,
        role: Role,
        damage: Damage,
    },
    /// A message block of the leader, while it is running.
    DamageLive,
    /// The same, and the store of another broker is lost before the damage is found.
    DamageLiveAndWipe,
    /// Messages that are no commits of this cluster, on its subject.
    StrayMessages,
    /// The clock of a node is ahead by these seconds, or behind.
    SkewClock {
        seconds: i64,
    },
    /// The clock of a node jumps ahead and back.
    JumpClock,
    /// A number of nodes lose their directories and get copies of another node.
    LoseNodes {
        count: usize,
    },
    /// The log goes from three copies to one, and back.
    ChangeReplicas,
    /// A broker is lost for good, and another one takes its place under a new name.
    ReplaceBroker,
    /// Node after node is replaced by a release with a newer format, which the log has at the end.
    UpgradeNodes,
    /// Broker after broker is replaced by a newer release.
    UpgradeBrokers,
}

/// A kind of faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    /// Preferred arrangement of the network. The others need none.
    pub(crate) layout: Layout,
    /// Needs disks that can be filled.
    pub(crate) needs_disks: bool,
    /// Possible with one broker.
    pub(crate) allows_one_broker: bool,
    /// Ends within 15 s, without remedies: part of `--kind short`.
    pub(crate) is_short: bool,
    /// Median and maximum of the time without acknowledged writes, in milliseconds.
    pub(crate) limits_ms: Option<(u64, u64)>,
    /// Remedies that may be necessary.
    pub(crate) remedies: &'static [RemedyKind],
}

impl Kind {
    /// Returns what the fault replaces by another release. It has a cluster of its own.
    pub(crate) fn upgrade(&self) -> Option<Upgrade> {
        match self.fault {
            Fault::UpgradeNodes => Some(Upgrade::Nodes),
            Fault::UpgradeBrokers => Some(Upgrade::Brokers),
            _ => None,
        }
    }

    /// Returns whether the fault can leave damage behind that shows only in a later round, which then gets another cluster.
    pub(crate) fn leaves_damage(&self) -> bool {
        matches!(self.fault, Fault::DamageLive | Fault::DamageLiveAndWipe)
    }
}

/// A kind that ends by itself.
const fn kind(name: &'static str, fault: Fault) -> Kind {
    Kind {
        name,
        fault,
        layout: Layout::Direct,
        needs_disks: false,
        allows_one_broker: false,
        is_short: false,
        limits_ms: None,
        remedies: &[],
    }
}

impl Kind {
    const fn short(self) -> Self {
        Self { is_short: true, ..self }
    }

    const fn any_size(self) -> Self {
        Self { allows_one_broker: true, ..self }
    }

    const fn limits(self, median_ms: u64, max_ms: u64) -> Self {
        Self { limits_ms: Some((median_ms, max_ms)), ..self }
    }

    const fn remedies(self, remedies: &'static [RemedyKind]) -> Self {
        Self { remedies, ..self }
    }

    const fn in_namespaces(self) -> Self {
        Self { layout: Layout::Namespaces, ..self }
    }

    const fn proxied(self) -> Self {
        Self { layout: Layout::Proxied, ..self }
    }

    const fn on_disks(self) -> Self {
        Self { needs_disks: true, ..self }
    }
}

/// Names that stand for several kinds.
pub(crate) const SHORT: &str = "short";
pub(crate) const ALL: &str = "all";

use Direction::{Both, Incoming, Outgoing};
use RemedyKind::{Bootstrap, CreateStream, Heal, StartBroker, WipeBroker};

/// A damaged store may keep a broker from starting, or its copy from becoming current.
const REPAIR: &[RemedyKind] = &[StartBroker, WipeBroker];
/// A damaged message may also have been delivered.
const REPAIR_AND_BOOTSTRAP: &[RemedyKind] = &[StartBroker, WipeBroker, Bootstrap, Heal];

const fn flip(name: &'static str, area: Area, role: Role) -> Kind {
    kind(name, Fault::DamageFile { area, role, damage: Damage::Flip }).remedies(REPAIR_AND_BOOTSTRAP)
}

const fn cut(name: &'static str, area: Area, role: Role) -> Kind {
    kind(name, Fault::DamageFile { area, role, damage: Damage::Cut }).remedies(REPAIR_AND_BOOTSTRAP)
}

const PROCESSES: &[Kind] = &[
    kind("leader-killed", Fault::KillBrokers { which: Which::Leader, down_ms: (2_000, 8_000) })
        .short()
        .any_size()
        .limits(7_000, 12_000),
    kind("leader-killed-briefly", Fault::KillBrokers { which: Which::Leader, down_ms: (50, 300) }).any_size(),
    kind("follower-killed", Fault::KillBrokers { which: Which::Follower, down_ms: (2_000, 5_000) })
        .short()
        .limits(500, 1_500),
    kind("two-killed", Fault::KillBrokers { which: Which::Two, down_ms: (3_000, 8_000) }),
    kind("two-followers-killed", Fault::KillBrokers { which: Which::TwoFollowers, down_ms: (3_000, 8_000) }),
    kind("all-killed", Fault::KillBrokers { which: Which::All, down_ms: (500, 3_000) }).any_size(),
    kind("leader-stopped", Fault::SuspendBrokers { which: Which::Leader, for_ms: 10_000 })
        .any_size()
        .limits(9_000, 12_000),
    kind("follower-stopped", Fault::SuspendBrokers { which: Which::Follower, for_ms: 8_000 })
        .short()
        .limits(1_000, 6_000),
    kind("two-stopped", Fault::SuspendBrokers { which: Which::TwoFollowers, for_ms: 8_000 }),
    kind("stopped-in-turn", Fault::SwapSuspended),
    kind("killed-beside-stopped", Fault::KillBesideSuspended),
    kind("node-killed", Fault::KillNodes { times: 3 }).short().any_size().limits(1_000, 2_000),
    kind("node-stopped", Fault::SuspendNode { for_ms: 6_000 }).short().any_size(),
    kind("node-and-leader-killed", Fault::KillNodeAndLeader).any_size(),
    kind("everything-killed", Fault::KillEverything).any_size(),
    kind("rolling-brokers", Fault::RollBrokers).short().limits(1_000, 3_000),
    kind("rolling-nodes", Fault::RollNodes).short().any_size().limits(1_000, 3_000),
];

const NETWORK: &[Kind] = &[
    kind("partition-leader", Fault::Partition { struck: Struck::Leader, direction: Both }).in_namespaces(),
    kind("partition-leader-outgoing", Fault::Partition { struck: Struck::Leader, direction: Outgoing })
        .in_namespaces(),
    kind("partition-leader-incoming", Fault::Partition { struck: Struck::Leader, direction: Incoming })
        .in_namespaces(),
    kind("partition-follower", Fault::Partition { struck: Struck::Follower, direction: Both })
        .in_namespaces(),
    kind("partition-follower-outgoing", Fault::Partition { struck: Struck::Follower, direction: Outgoing })
        .in_namespaces(),
    kind("partition-node", Fault::Partition { struck: Struck::Node, direction: Both })
        .in_namespaces()
        .any_size(),
    kind("partition-node-outgoing", Fault::Partition { struck: Struck::Node, direction: Outgoing })
        .in_namespaces()
        .any_size(),
    kind("partition-node-incoming", Fault::Partition { struck: Struck::Node, direction: Incoming })
        .in_namespaces()
        .any_size(),
    kind("node-without-brokers", Fault::NodeWithoutBrokers).in_namespaces().any_size(),
    kind("partition-minority", Fault::Minority).in_namespaces(),
    kind("partition-bridge", Fault::Bridge).in_namespaces(),
    kind("link-leader", Fault::LinkDown { struck: Struck::Leader }).in_namespaces(),
    kind("link-node", Fault::LinkDown { struck: Struck::Node }).in_namespaces().any_size(),
    kind("delay", Fault::Delay { ms: (20, 120) }).proxied().any_size(),
    kind("delay-long", Fault::Delay { ms: (300, 900) }).proxied().any_size(),
    kind("broken-connections", Fault::BreakConnections).proxied().any_size(),
];

const DISKS: &[Kind] = &[
    kind("wipe-follower", Fault::WipeBrokers { which: Which::Follower }),
    kind("wipe-leader", Fault::WipeBrokers { which: Which::Leader }),
    kind("wipe-two", Fault::WipeBrokers { which: Which::Two }).remedies(&[
        StartBroker,
        WipeBroker,
        CreateStream,
        Heal,
    ]),
    kind("wipe-all", Fault::WipeBrokers { which: Which::All }).remedies(&[CreateStream, Heal]).any_size(),
    kind("old-follower", Fault::RollBack { which: Which::Follower }).remedies(REPAIR),
    kind("old-leader", Fault::RollBack { which: Which::Leader }).remedies(REPAIR),
    kind("old-all", Fault::RollBack { which: Which::All }).remedies(&[Heal]).any_size(),
    kind("stale-majority", Fault::StaleMajority).remedies(&[StartBroker, WipeBroker, Heal]),
    kind("cut-two", Fault::CutTwo).remedies(REPAIR_AND_BOOTSTRAP),
    kind("old-all-beside-node", Fault::RollBackAllBesideNode).remedies(&[Heal]),
    kind("full-follower", Fault::FillBrokers { which: Which::Follower }).remedies(REPAIR).on_disks(),
    kind("full-leader", Fault::FillBrokers { which: Which::Leader }).remedies(REPAIR).on_disks(),
    kind("full-all", Fault::FillBrokers { which: Which::All }).remedies(REPAIR).on_disks().any_size(),
    kind("full-node", Fault::FillNode).on_disks().any_size(),
];

const FILES: &[Kind] = &[
    flip("flip-stream-block", Area::Stream, Role::Block),
    flip("flip-stream-index", Area::Stream, Role::Index),
    flip("flip-stream-state", Area::Stream, Role::State),
    flip("flip-raft-block", Area::Raft, Role::Block),
    flip("flip-raft-index", Area::Raft, Role::Index),
    flip("flip-raft-snapshot", Area::Raft, Role::Snapshot),
    flip("flip-raft-state", Area::Raft, Role::State),
    flip("flip-meta-block", Area::Meta, Role::Block),
    flip("flip-meta-index", Area::Meta, Role::Index),
    flip("flip-meta-snapshot", Area::Meta, Role::Snapshot),
    flip("flip-meta-state", Area::Meta, Role::State),
    cut("cut-stream-block", Area::Stream, Role::Block),
    cut("cut-stream-index", Area::Stream, Role::Index),
    cut("cut-stream-state", Area::Stream, Role::State),
    cut("cut-raft-block", Area::Raft, Role::Block),
    cut("cut-raft-index", Area::Raft, Role::Index),
    cut("cut-raft-snapshot", Area::Raft, Role::Snapshot),
    cut("cut-raft-state", Area::Raft, Role::State),
    cut("cut-meta-block", Area::Meta, Role::Block),
    cut("cut-meta-index", Area::Meta, Role::Index),
    cut("cut-meta-snapshot", Area::Meta, Role::Snapshot),
    cut("cut-meta-state", Area::Meta, Role::State),
    kind("flip-live", Fault::DamageLive).remedies(REPAIR_AND_BOOTSTRAP),
    kind("flip-live-and-wipe", Fault::DamageLiveAndWipe).remedies(REPAIR_AND_BOOTSTRAP),
];

const OTHERS: &[Kind] = &[
    kind("stray", Fault::StrayMessages).short().any_size(),
    kind("clock-ahead", Fault::SkewClock { seconds: 30 }).any_size(),
    kind("clock-behind", Fault::SkewClock { seconds: -30 }).short().any_size(),
    kind("clock-far-ahead", Fault::SkewClock { seconds: 300 }).any_size(),
    kind("clock-jumps", Fault::JumpClock).any_size(),
    kind("node-lost", Fault::LoseNodes { count: 1 }).short().any_size(),
    kind("two-nodes-lost", Fault::LoseNodes { count: 2 }),
    kind("replicas-changed", Fault::ChangeReplicas),
    kind("broker-replaced", Fault::ReplaceBroker),
    kind("upgrade-nodes", Fault::UpgradeNodes).any_size(),
    kind("upgrade-brokers", Fault::UpgradeBrokers),
];

/// Returns all kinds.
pub(crate) fn all() -> impl Iterator<Item = &'static Kind> {
    [PROCESSES, NETWORK, DISKS, FILES, OTHERS].into_iter().flatten()
}

/// Returns the kinds with these names, of which `short` and `all` stand for several.
pub(crate) fn select(names: &[String], brokers: usize) -> Result<Vec<&'static Kind>, String> {
    let mut selected: Vec<&Kind> = Vec::new();
    for name in names {
        let matches: Vec<&Kind> = all()
            .filter(|kind| name == ALL || kind.name == name || (name == SHORT && kind.is_short))
            .collect();
        if matches.is_empty() {
            let known: Vec<&str> = all().map(|kind| kind.name).chain([SHORT, ALL]).collect();
            return Err(format!("there is no kind {name}; there are: {}", known.join(" ")));
        }
        for kind in matches {
            if !selected.iter().any(|selected| selected.name == kind.name) {
                selected.push(kind);
            }
        }
    }
    selected.retain(|kind| brokers > 1 || kind.allows_one_broker);
    if selected.is_empty() {
        return Err("none of these kinds is possible with one broker".to_owned());
    }
    Ok(selected)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use super::*;

    fn select_names(names: &[&str], brokers: usize) -> Result<Vec<&'static str>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(select(&names, brokers)?.into_iter().map(|kind| kind.name).collect())
    }

    #[test]
    fn names_are_unique_and_none_is_a_group() {
        let names: BTreeSet<&str> = all().map(|kind| kind.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(!names.contains(SHORT) && !names.contains(ALL));
    }

    #[test]
    fn kinds_are_selected_by_name_once() {
        assert_eq!(select_names(&["stray", "node-killed", "stray"], 3).unwrap(), ["stray", "node-killed"]);
        assert!(select_names(&["no-such"], 3).unwrap_err().contains("leader-killed"));
        assert_eq!(select_names(&[ALL], 3).unwrap().len(), all().count());
        assert!(select_names(&["follower-killed"], 1).is_err());
        assert!(select_names(&[SHORT], 1).unwrap().len() < select_names(&[SHORT], 3).unwrap().len());
    }

    #[test]
    fn short_kinds_end_by_themselves() {
        assert!(all().filter(|kind| kind.is_short).all(|kind| kind.remedies.is_empty() && !kind.needs_disks));
    }
}
