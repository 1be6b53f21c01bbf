//! The client against a server of the tests' own, which does as it is told and remembers what it was asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod connections;
mod deadlines;
mod errors;
mod fake_server;
mod methods;
mod pages;
mod retries;
mod streams;
mod writes;
