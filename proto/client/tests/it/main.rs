//! Tests of the client against a scripted server that records its calls.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod connections;
mod deadlines;
mod errors;
mod fake_server;
mod methods;
mod pages;
mod retries;
mod streams;
mod writes;
