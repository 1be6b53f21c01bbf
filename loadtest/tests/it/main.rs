//! Tests of the load generator against stub servers whose behaviour the test determines.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod outcomes;
mod stalled_server;
mod stub_server;
mod tls;
