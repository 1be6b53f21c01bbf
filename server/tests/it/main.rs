//! The real binary, tested from outside: one program, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a test may"
)]

mod admin;
mod auth;
mod cli;

mod contract;
mod kill;
mod demo;
mod large_messages;
mod maintenance;
mod malformed_requests;
mod net;
mod position_privacy;
mod real_data;
mod shutdown;
mod support;
mod traces;

