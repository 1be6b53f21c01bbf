//! The reasons that a node decides nothing.

use thiserror::Error;

use crate::{
    identity::{NodeName, Sequence},
    log::CLUSTER_SETTING,
    message::SizeError,
};

/// A condition under which a node decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The log no longer contains the next message.
    #[error("the log begins at {first}; restart this node, which then copies another one")]
    Behind {
        /// First message of the log.
        first: Sequence,
    },
    /// The brokers know of no log.
    #[error(
        "the brokers have no stream of this name; if they have lost it, stop the node that has applied the most, run `nearby cluster init --recreate` there, \
             start it, and run `nearby cluster heal` when it reports `rewound`"
    )]
    Missing,
    /// The log has lost messages at its end.
    #[error("the log ends at {last}, and this node has applied more; run `nearby cluster heal`")]
    Rewound {
        /// Last message of the log.
        last: Sequence,
    },
    /// The log contains another message than the one that this node has applied.
    #[error(
        "message {sequence} of the log is not the one that this node has applied; run `nearby cluster join` on this node, or `nearby cluster init --replace` if its \
             history is the right one"
    )]
    Rewritten {
        /// Position of the message.
        sequence: Sequence,
    },
    /// The log has lost a message in its middle.
    #[error("message {sequence} of the log is missing; run `nearby cluster join` on this node")]
    Gap {
        /// Position of the message.
        sequence: Sequence,
    },
    /// This node or the writer of a message has computed another state.
    #[error(
        "message {sequence} was decided on another state than that of this node; run `nearby cluster join` on this node"
    )]
    Diverged {
        /// Position of the message.
        sequence: Sequence,
    },
    /// A message is damaged where it is stored.
    #[error("message {sequence} of the log cannot be applied: {reason}")]
    Damaged {
        /// Position of the message.
        sequence: Sequence,
        /// The finding.
        reason: String,
    },
    /// A message needs a newer release.
    #[error("message {sequence} of the log has format {format}; upgrade this node")]
    UnsupportedFormat {
        /// Position of the message.
        sequence: Sequence,
        /// Its format.
        format: u16,
    },
    /// Another process uses the name of this node.
    #[error(
        "another process announces itself under the name of this node; each node needs a name of its own"
    )]
    DuplicateName,
    /// The log does not have the required settings.
    #[error("the setting {name} of the log is {found:?} and must be {required:?}{}", remedy_of(name))]
    Settings {
        /// Name of the setting.
        name: String,
        /// The value found.
        found: String,
        /// The value required.
        required: String,
    },
    /// The local copy has failed.
    #[error("the local copy has failed: {0}; restart this node on a disk that works")]
    Replica(String),
}

/// Returns what to do about a setting, if it is not to set it back.
fn remedy_of(setting: &str) -> &'static str {
    if setting == CLUSTER_SETTING {
        "; it is the log of another cluster: check --cluster-stream, or if that cluster replaces this one, run `nearby cluster join --replace`"
    } else {
        ""
    }
}

impl Fault {
    /// Returns a label for metrics and announcements.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Behind { .. } => "behind",
            Self::Missing => "missing",
            Self::Rewound { .. } => "rewound",
            Self::Rewritten { .. } => "rewritten",
            Self::Gap { .. } => "gap",
            Self::Diverged { .. } => "diverged",
            Self::Damaged { .. } => "damaged",
            Self::UnsupportedFormat { .. } => "unsupported_format",
            Self::DuplicateName => "duplicate_name",
            Self::Settings { .. } => "settings",
            Self::Replica(_) => "replica",
        }
    }

    /// Returns whether messages are applied in spite of the fault: they may end it. A log with other settings may be that of another
    /// cluster, of which every message would pass for a stray one.
    pub(super) fn allows_messages(&self) -> bool {
        self.is_temporary() && !matches!(self, Self::Settings { .. })
    }

    /// Returns whether the fault can end without an operator: the log may get back what it has lost.
    pub(super) fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Behind { .. }
                | Self::Missing
                | Self::Rewound { .. }
                | Self::Gap { .. }
                | Self::Settings { .. }
        )
    }
}

/// The reason that a node decides nothing now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The node stops.
    Draining,
    /// The node has a fault.
    Fault,
    /// The local disk is full.
    DiskFull,
    /// The clock differs from the median of all clocks by more than a minute.
    Clock,
    /// A commit is in flight.
    InFlight,
    /// The node compares its history with that of the log.
    Joining,
    /// Our own announcements do not come back: peers that are ahead might not be heard.
    NotListening,
    /// A peer has applied more.
    Peer(NodeName),
    /// A peer has applied another message than this node, and one of the two will find that it is wrong.
    TwoHistories(NodeName),
    /// The log has not said lately where it ends.
    NoInfo,
    /// The log contains more.
    CatchingUp,
}

impl Blocked {
    /// Returns a description for callers and operators.
    #[must_use]
    pub fn description(&self) -> &'static str {
        match self {
            Self::Draining => "the node stops",
            Self::Fault => "the node has a fault",
            Self::DiskFull => "the local disk is full",
            Self::Clock => "the clock of the node differs from those of the others by more than a minute",
            Self::InFlight => "no majority of the brokers has stored the last commit",
            Self::Joining => "the node compares its history with that of the log",
            Self::NotListening => "the node does not receive its own announcements from the brokers",
            Self::Peer(_) => "another node has applied more",
            Self::TwoHistories(_) => "another node has applied another message",
            Self::NoInfo => "the brokers have no leader, or cannot be reached",
            Self::CatchingUp => "the node applies messages that it has missed",
        }
    }

    /// Returns the peer that is the reason, if it is one.
    #[must_use]
    pub fn peer(&self) -> Option<&NodeName> {
        match self {
            Self::Peer(name) | Self::TwoHistories(name) => Some(name),
            _ => None,
        }
    }
}

/// A batch was not proposed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProposeError {
    /// Nothing may be decided now.
    #[error("{}", .0.description())]
    Blocked(Blocked),
    /// The log would not accept the batch.
    #[error("{0}")]
    Size(SizeError),
    /// A node cannot read the format.
    #[error("the node {node} cannot read the format {format}; upgrade it first")]
    UnreadableFormat {
        /// The format.
        format: u16,
        /// The node.
        node: NodeName,
    },
    /// The log has this format, or a newer one.
    #[error("the log has the format {0} already")]
    FormatInUse(u16),
}

/// The reason that a log is not restored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HealError {
    /// The log contains all that this node has applied.
    #[error("the log has lost nothing that this node has applied")]
    NothingLost,
    /// The brokers do not say what the log contains.
    #[error(
        "the end of the log is not known: no broker is reachable, they have no leader or elected one a moment ago, or they have lost \
             the log; repeat this command in a quarter of a minute"
    )]
    LogUnknown,
    /// The last message of the log is not the one that this node has applied.
    #[error(
        "message {0} of the log is not the one that this node has applied: there are two histories; if that of the log is the \
             right one, run `nearby cluster join` on this node, and if it is that of this node, `nearby cluster init --replace`"
    )]
    TwoHistories(Sequence),
    /// This node has not kept a message that the log has lost.
    #[error("message {0} is not kept here; heal from a node that has it")]
    NotKept(Sequence),
}
