//! # Replicated commit log
//!
//! Several servers with the same content: each commit of one server is a message of a replicated log, and every server applies
//! the messages in order. This crate defines the messages, the logs that keep them, and the protocol of a node.
//!
//! | module | content |
//! |---|---|
//! | [`message`] | the format of a commit in the log |
//! | [`identity`] | names and numbers: cluster, node, process, commit, sequence |
//! | [`announcement`] | positions and states of nodes, which they send to one another |
//! | [`protocol`] | when a message counts, when a node may decide, when it publishes again; without I/O |
//! | [`archive`] | the last messages, verbatim, which restore a log |
//! | [`replica`] | the local copy, as the protocol uses it |
//! | [`log`](log::CommitLog) | the trait of commit logs: order and durability |
//! | [`local`] | the log of a single node: the journal of its store |
//! | [`jetstream`] | the log on NATS JetStream |
//! | [`memory`] | a log in memory that lies on demand, for tests |
//! | `conformance` | the test suite that every log passes |
//! | `fuzz_targets` | entry points for fuzzers |
//!
//! Invariants:
//! - **A message is accepted as a whole or not at all**: a checksum covers every byte, and a message of a newer format is
//!   distinguished from a damaged one.
//! - **Acknowledged means durable and visible**: stored by a majority of the brokers, and applied by the node that answers.
//! - **A history has one past**: each message contains the hash of the one that it was decided on.

pub mod announcement;
pub mod archive;
#[cfg(test)]
mod conformance;
mod fuzz_targets;
pub mod identity;
pub mod jetstream;
pub mod local;
pub mod log;
pub mod memory;
pub mod message;
pub mod protocol;
pub mod replica;

pub use self::fuzz_targets::fuzz_message;
