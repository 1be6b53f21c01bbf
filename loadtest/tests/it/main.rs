//! The harness against servers that behave as a test wants: it must see what they do, and say so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may")]

mod answers;
mod pause;
mod server;
mod tls;
