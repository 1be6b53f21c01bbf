//! # Who answers
//!
//! The server and its command line, as a library that the binary `nearby` and the tests share.
//!
//! ```text
//! READ   rpc → convert → service → IndexReader.snapshot().search(&Query) → Hits → convert → rpc
//! WRITE  rpc → convert → service → committer (batch) → Store::commit (durable) → IndexWriter::apply (visible) → reply
//! START  bind → lock → open: image, or base; journal → verify → build the index → serving
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | puts the server together and takes it apart |
//! | [`service`] | what the server can do, without wire types |
//! | [`committer`] | the one way a merchant changes |
//! | [`intake`] | whether changes are taken: room on the disk, and whether the store has failed |
//! | [`opening`] | opens the store and reads it into memory |
//! | [`feed`] | what changed lately, for those who follow |
//! | [`rpc`] | gRPC: the only room that knows of tonic and wire types |
//! | [`access`] | who may do what |
//! | [`error`], [`reason`] | what can go wrong, and the words for it |
//! | [`page_token`] | from one page to the next |
//! | `operations` | what operators ask, over HTTP |
//! | [`config`], [`observe`], [`shutdown`], [`clock`], `time_zone` | settings, logs, signals, time |
//! | `replace_file`, `missed` | a small file, there whole or not at all; files that are looked at and cannot be read |
//! | `files` | merchants in CSV, NDJSON and GeoJSON files |
//! | [`decoders`] | what reads bytes of strangers, for fuzzers |
//! | [`cli`] | the command line; a caller of the contract like any other |
//!
//! What must always hold: an acknowledged change is on disk and visible; no request can panic; no log, error, token or
//! metric holds a user's coordinates.

mod admin;
pub mod app;
pub mod auth;
pub mod bench_support;
pub mod change_feed;
pub mod cli;
pub mod clock;
pub mod commit;
pub mod config;
pub mod disk_monitor;
pub mod error;
mod formats;
pub(crate) mod fs;
pub mod fuzz_targets;
pub mod grpc;
mod http_client;
pub mod net;
mod opening_hours;
pub mod overload;
pub mod page_token;
pub mod reason;
pub mod record;
pub mod service;
pub mod telemetry;
pub mod write_availability;
