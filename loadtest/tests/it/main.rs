//! The harness against servers that behave as a test wants: it must see what they do, and say so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may")]

mod outcomes;
mod stalled_server;
mod stub_server;
mod tls;
