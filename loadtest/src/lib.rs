//! # Load testing
//!
//! A load generator for any Nearby server. It is a client like any other: it depends on the contract, not on the server.
//!
//! | module | contents |
//! |---|---|
//! | [`dataset`] | synthetic merchants derived from a seed, and the oracle: the correct response to a search among them |
//! | [`workload`] | scenarios, and the requests that a scenario and a seed define |
//! | [`verify`] | verification of responses against the oracle |
//! | [`h2_client`] | a minimal gRPC client over HTTP/2 |
//! | [`runner`] | open and closed loop, and the recording of outcomes |
//! | [`report`] | reports: terminal, JSON, HTML |
//! | [`server`] | a server process, for runs without `--server` |
//! | [`sweep`], [`cost`] | measurements that consist of many runs |
//! | [`fairness`] | a normal client beside noisy ones |
//! | [`watchers`] | writes beside few and many watches |
//! | [`attacks`] | hostile clients, and their effect on well-behaved ones |
//! | `compare` | the same searches on Redis, Tile38 and PostGIS (feature `rivals`) |
//! | [`error`], [`cli`] | errors and exit codes, the command line |
//!
//! ```text
//! seed → Dataset → RequestGenerator → Runner ── open or closed loop ──→ Record → Report → terminal, JSON, HTML
//!           └─────→ Oracle ── verifies one response in a hundred ─────────┘
//! ```
//!
//! # Invariants
//!
//! * Open-loop latency is measured from when a call was due, never from when it was sent: otherwise a stalled server would
//!   look fast (coordinated omission).
//! * Figures of a generator that did not keep up are marked invalid, never reported as the server's.

pub mod attacks;
pub mod cli;
#[cfg(feature = "rivals")]
pub mod compare;
pub mod cost;
pub mod dataset;
pub mod error;
pub mod fairness;
pub mod h2_client;
mod import;
mod random;
pub mod report;
pub mod runner;
pub mod server;
pub mod sweep;
pub mod verify;
pub mod watchers;
pub mod workload;
