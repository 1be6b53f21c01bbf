//! # Test support
//!
//! Starts `nearby serve` as a child process and waits until it is ready. Integration tests, the fault harness, the load
//! generator and the durability benchmark share this crate. It depends on no other crate of the workspace: a server is an
//! executable file and a set of flags, so nothing here links server code.
//!
//! ```text
//! ServerCommand ── spawn ──▶ StartingServer ── ready ──▶ ServerProcess ── kill, terminate, restart
//!                                   └──────── StartError (exit status and output)
//! ```
//!
//! Every process is a [`ManagedProcess`]: dropping it kills and reaps it.

mod binary;
mod build;
mod certificates;
pub mod flags;
mod process;
mod server;

pub use binary::{NearbyBinary, command};
pub use certificates::CertificateAuthority;
pub use process::{ManagedProcess, ProcessGroup};
pub use server::{ServerCommand, ServerProcess, StartError, StartingServer};
