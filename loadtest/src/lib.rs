//! # How much it bears
//!
//! A load harness for any Nearby server. It is a caller like any other: it needs the contract, not the server's code.
//!
//! | room | what it is |
//! |---|---|
//! | [`world`] | merchants made from a seed, and what the right answer to a search among them is |
//! | [`work`] | scenarios, and the requests they make of a seed; whether an answer is right |
//! | [`wire`] | calls over HTTP/2, with little between |
//! | [`drive`] | the open and the closed loop, and what was recorded |
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

pub mod abuse;
pub mod cli;
pub mod cost;
pub mod drive;
pub mod report;
#[cfg(feature = "rivals")]
pub mod rivals;
pub mod server;
pub mod sweep;
pub mod wire;
pub mod work;
pub mod world;
