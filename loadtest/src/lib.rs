//! # How much it bears
//!
//! A load harness for any Nearby server. It is a caller like any other: it needs the contract, not the server's code.
//!
//! | room | what it is |
//! |---|---|
//! | [`dataset`] | merchants made from a seed, and what the right answer to a search among them is |
//! | [`workload`] | scenarios, and the requests they make of a seed; whether an answer is right |
//! | [`h2_client`] | calls over HTTP/2, with little between |
//! | [`runner`] | the open and the closed loop, and what was recorded |
//! | [`report`] | what is told: terminal, JSON, HTML |
//! | [`server`] | a server of our own to load, where none is given |
//! | `sweep`, `cost` | what is found out with many runs |
//! | `rivals` | the same questions to what people use today (feature `rivals`) |
//! | [`cli`] | the commands |
//!
//! ```text
//! seed → World → Requests → Driver ── open or closed loop ──→ Record → Report → terminal, JSON, HTML
//!           └──────────────→ Oracle ── judges one answer in a hundred ──┘
//! ```
//!
//! # What must never be
//!
//! A latency counted from when a call was sent, where it was due before: a server that stands still would look quick. A
//! figure of a generator that could not keep up, told as the server's.

pub mod attacks;
pub mod cli;
#[cfg(feature = "rivals")]
pub mod compare;
pub mod cost;
pub mod dataset;
pub mod h2_client;
pub mod report;
pub mod runner;
pub mod server;
pub mod sweep;
pub mod verify;
pub mod workload;
