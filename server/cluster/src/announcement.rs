//! Announcements of nodes to one another.
//!
//! | bytes | of an announcement, integers little-endian |
//! |---|---|
//! | 0–7 | `NEARBYAN` |
//! | 8–23 | cluster id |
//! | 24–39 | process |
//! | 40–47 | time of sending, µs on the sender's monotonic clock |
//! | 48–55 | sequence of the last message that the node has applied |
//! | 56–71 | hash of that message |
//! | 72–79 | revision |
//! | 80–87 | the node's clock, µs since 1970 |
//! | 88–89 | newest format of messages that the node reads |
//! | 90 | state |
//! | 91 | length of the node name, and the name |
//! | … | length of the address, and the address; length of the fault, and the fault |
//! | last 16 | XXH3-128 of all bytes before |
//!
//! Later releases may add fields before the checksum. They are ignored: all releases must understand how far a node is.

use std::time::Duration;

use bytes::Bytes;
use nearby_index::{Revision, UnixMicros};

use crate::{
    identity::{ClusterId, NodeName, ProcessId, Sequence},
    log::Monotonic,
    message::{Fields, MessageHash, seal, unseal},
};

const MAGIC: &[u8; 8] = b"NEARBYAN";

/// State of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// The node compares its history with that of the log.
    Joining,
    /// The node applies messages that it has missed.
    CatchingUp,
    /// The node is up to date.
    Serving,
    /// The node is up to date, but the log has not answered for some time: no writes.
    NoQuorum,
    /// The node stops.
    Draining,
    /// The node has a fault: no writes.
    Faulty,
}

impl NodeState {
    const ALL: [Self; 6] =
        [Self::Joining, Self::CatchingUp, Self::Serving, Self::NoQuorum, Self::Draining, Self::Faulty];
}

/// An announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The cluster.
    pub cluster: ClusterId,
    /// The node.
    pub node: NodeName,
    /// The run of the node.
    pub process: ProcessId,
    /// Time of sending, on the sender's clock. It tells the sender how old its announcement is when it comes back.
    pub sent: Monotonic,
    /// Sequence of the last message that the node has applied.
    pub applied: Sequence,
    /// Hash of that message.
    pub hash: MessageHash,
    /// Revision of the node's state.
    pub revision: Revision,
    /// The node's clock.
    pub clock: UnixMicros,
    /// Newest format of messages that the node reads.
    pub max_format: u16,
    /// State of the node.
    pub state: NodeState,
    /// Address of the node for other nodes; may be empty.
    pub address: String,
    /// Label of the node's fault; empty if there is none.
    pub fault: String,
}

impl Announcement {
    /// Encodes the announcement. Addresses and faults are cut after 255 bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.cluster.0);
        bytes.extend_from_slice(&self.process.0);
        let sent = u64::try_from(self.sent.as_micros()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&sent.to_le_bytes());
        bytes.extend_from_slice(&self.applied.0.to_le_bytes());
        bytes.extend_from_slice(&self.hash.0.to_le_bytes());
        bytes.extend_from_slice(&self.revision.0.to_le_bytes());
        bytes.extend_from_slice(&self.clock.0.to_le_bytes());
        bytes.extend_from_slice(&self.max_format.to_le_bytes());
        let state = NodeState::ALL.iter().zip(0_u8..).find(|(state, _)| **state == self.state);
        bytes.push(state.map_or(u8::MAX, |(_, number)| number));
        for text in [self.node.as_str(), &self.address, &self.fault] {
            let text = &text[..cut(text)];
            bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(text.as_bytes());
        }
        seal(&mut bytes);
        bytes.into()
    }

    /// Decodes an announcement. Returns `None` for damaged ones and those of other clusters.
    #[must_use]
    pub fn decode(bytes: &[u8], cluster: ClusterId) -> Option<Self> {
        let mut rest = Fields(unseal(bytes)?);
        if rest.take()? != *MAGIC || rest.take()? != cluster.0 {
            return None;
        }
        let (process, sent) = (ProcessId(rest.take()?), Duration::from_micros(rest.u64()?));
        let (applied, hash) = (Sequence(rest.u64()?), MessageHash(u128::from_le_bytes(rest.take()?)));
        let (revision, clock) = (Revision(rest.u64()?), UnixMicros(i64::from_le_bytes(rest.take()?)));
        let (max_format, [state]) = (rest.u16()?, rest.take()?);
        // A state of a later release: the node is there, and nothing else is known.
        let state = NodeState::ALL.get(usize::from(state)).copied().unwrap_or(NodeState::Faulty);
        let node = NodeName::parse(rest.text()?).ok()?;
        let (address, fault) = (rest.text()?.to_owned(), rest.text()?.to_owned());
        Some(Self {
            cluster,
            node,
            process,
            sent,
            applied,
            hash,
            revision,
            clock,
            max_format,
            state,
            address,
            fault,
        })
    }
}

/// Returns the length of the longest part of a text that a byte can count, without a part of a character.
fn cut(text: &str) -> usize {
    (0..=text.len().min(255)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Announcement {
        Announcement {
            cluster: ClusterId([1; 16]),
            node: NodeName::parse("node-1").unwrap(),
            process: ProcessId([2; 16]),
            sent: Duration::from_micros(1_234_567),
            applied: Sequence(42),
            hash: MessageHash(77),
            revision: Revision(99),
            clock: UnixMicros(1_700_000_000_000_000),
            max_format: 1,
            state: NodeState::Serving,
            address: "[::1]:50051".to_owned(),
            fault: "rewound".to_owned(),
        }
    }

    #[test]
    fn announcements_round_trip_in_every_state() {
        for state in NodeState::ALL {
            let announcement = Announcement { state, ..sample() };
            assert_eq!(Announcement::decode(&announcement.encode(), ClusterId([1; 16])), Some(announcement));
        }
        let long = Announcement { address: "é".repeat(200), ..sample() };
        let decoded = Announcement::decode(&long.encode(), ClusterId([1; 16])).unwrap();
        assert_eq!(decoded.address, "é".repeat(127));
    }

    #[test]
    fn damaged_and_foreign_announcements_are_ignored() {
        let bytes = sample().encode();
        assert_eq!(Announcement::decode(&bytes, ClusterId([9; 16])), None);
        for at in 0..bytes.len() {
            assert_eq!(Announcement::decode(&bytes[..at], ClusterId([1; 16])), None);
            for bit in 0..8 {
                let mut flipped = bytes.to_vec();
                flipped[at] ^= 1 << bit;
                assert_eq!(Announcement::decode(&flipped, ClusterId([1; 16])), None, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn fields_and_states_of_later_releases_are_ignored() {
        let bytes = sample().encode();
        let mut later = bytes[..bytes.len() - 16].to_vec();
        later[90] = 200;
        later.extend_from_slice(b"more");
        seal(&mut later);
        let expected = Announcement { state: NodeState::Faulty, ..sample() };
        assert_eq!(Announcement::decode(&later, ClusterId([1; 16])), Some(expected));
    }
}
