//! # Server
//!
//! The gRPC server and its command line, as a library that the binary `nearby`, the benchmarks and the fuzzers share.
//!
//! ```text
//!          ┌──────────────── net ────────────────┐   ┌──────────────────── grpc ─────────────────────┐
//! client ─→│ listener → limits → tls → preface →  │──→│ setup → metrics → error details → panics      │
//!          │ write coalescing → HTTP/2 connection │   │   → deadline → authentication → load shedding │
//!          └──────────────────────────────────────┘   └───────────────┬───────────────────────────────┘
//!                                                                     │ convert (checks every field)
//!                              READ ┌─────────────────────────────────┴──────────────────────────┐ WRITE
//!                                   ▼                                                            ▼
//!            nearby_service: index snapshot.search(&Query)            merchant_service: commands, MerchantPatch
//!                                   │                                                            │ queue
//!                                   ▼                                                            ▼
//!            response_encoder: stored bytes → response          commit thread: decide → batch → store.commit (fdatasync)
//!                                                                     → index.apply (visible) → change feed → reply
//!
//! START    bind → lock → recover (snapshot file or base, then journal) → build index → commit thread → SERVING
//! STOP     NOT_SERVING → drain connections → commit thread finishes → snapshot file → exit
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`cli`] | the command line, one file per subcommand; a client of the contract like any other |
//! | [`app`] | starts and stops a server |
//! | [`config`] | settings |
//! | [`grpc`] | the services, their middleware, and the conversion of wire types |
//! | [`http`] | the HTTP listener: calls as JSON, files of merchants, the page |
//! | [`net`] | connections: limits, TLS, HTTP; knows no gRPC method |
//! | [`overload`] | overload control: what is rejected when there is more work than time |
//! | [`auth`] | authentication, roles, rate limits, audit log |
//! | `admin` | the admin endpoint: probes, metrics, status, log filter |
//! | [`service`] | what both gRPC services and the admin endpoint share |
//! | [`commit`] | the commit thread, the only way a merchant changes |
//! | [`record`] | the stored encoding of a merchant, and updates of it |
//! | [`merchant_scope`] | the merchants that an API key is limited to |
//! | [`change_feed`] | recent changes, for watchers |
//! | [`write_availability`], [`disk_monitor`] | whether changes are accepted, and the monitor that decides |
//! | [`page_token`] | encrypted page tokens |
//! | `opening_hours` | local times and opening hours |
//! | `formats` | CSV, NDJSON and GeoJSON files |
//! | [`telemetry`] | logs, metrics, traces, panics |
//! | [`error`], [`reason`] | errors and their stable reasons |
//! | [`clock`], `fs`, `http_client`, `web_uri` | time as an argument, file helpers, HTTP GET, checks of URIs |
//! | [`bench_support`], [`fuzz_targets`] | entry points for benchmarks and fuzzers |
//!
//! `tests/house.rs` holds the table of modules that a module may import.
//!
//! Invariants: an acknowledged change is on disk and visible; no request can panic the server; no log, error, token or metric
//! contains a user's coordinates.

mod admin;
pub mod app;
pub mod auth;
pub mod bench_support;
pub mod change_feed;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod commit;
pub mod config;
pub mod disk_monitor;
pub mod error;
mod formats;
pub(crate) mod fs;
pub mod fuzz_targets;
pub mod grpc;
pub mod http;
mod http_client;
mod language;
pub mod merchant_scope;
pub mod net;
pub mod opening_hours;
pub mod overload;
pub mod page_token;
pub mod reason;
pub mod record;
pub mod service;
pub mod telemetry;
mod watch_registry;
mod web_uri;
pub mod write_availability;
