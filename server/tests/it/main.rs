//! Integration tests: the real `nearby` binary, tested over its interfaces. One test program, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "tests"
)]

mod admin;
mod amplification;
mod audit;
mod auth;
mod cases;

mod cli;
mod cluster;
mod contract;
mod demo;
mod flow_control;
mod http;
mod import;
mod import_replace;
mod internal_fields;
mod kill;
mod large_messages;
mod limited_keys;
mod maintenance;
mod malformed_requests;
mod net;
mod old_stores;
mod page_tokens;
mod position_privacy;
mod principal_limits;
mod rate_limits;
mod read_only_file_system;
mod real_data;
mod reload;
mod revocation;
mod shutdown;
mod support;
mod terminal_output;
mod traces;
mod wrong_protocol;
