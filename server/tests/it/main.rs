//! The real binary, tested from outside: one program, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a test may"
)]

mod access;
mod canary;
mod care;
mod command_line;
mod contract;
mod crash;
mod demo;
mod lifecycle;
mod limits;
mod malformed;
mod operations;
mod real_data;
mod support;
mod traces;
mod transport;
