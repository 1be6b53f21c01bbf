//! The error of a command, and its exit code.

use std::{io, path::PathBuf};

use thiserror::Error as ThisError;

use crate::{dataset::CityError, h2_client::TargetError, report::ReportError, workload::ScenarioError};

/// Exit code for wrong usage (`EX_USAGE` of sysexits.h).
pub(crate) const USAGE: u8 = 64;
/// Exit code of an invalid run (`EX_TEMPFAIL` of sysexits.h): try again, or from another machine.
pub(crate) const INVALID: u8 = 75;

/// Errors of commands.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The address, TLS configuration or credentials are invalid.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The cities of the dataset cannot be loaded.
    #[error(transparent)]
    Cities(#[from] CityError),
    /// The scenario cannot be loaded.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A report cannot be read, written or merged.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The server cannot be reached.
    #[error("cannot reach a server at {0}: {1}")]
    Unreachable(String, io::Error),
    /// The server holds another dataset, or none.
    #[error(
        "the server does not hold the dataset of seed {seed} with {merchants} merchants: pass the --seed, --merchants and --extended that it was loaded with, load it with `nearby-loadtest generate --seed {seed} --merchants {merchants} --server {server}`, or pass --unknown-dataset to verify only order and distances"
    )]
    DatasetMismatch {
        /// Seed.
        seed: u64,
        /// Number of merchants.
        merchants: u64,
        /// Address of the server.
        server: String,
    },
    /// There is no such attack.
    #[error("unknown attack {0}; attacks: {1}")]
    UnknownAttack(String, String),
    /// There is no such noisy caller.
    #[error("unknown noisy caller {0}; noisy callers: {1}")]
    UnknownNoisyCaller(String, String),
    /// There is no such process.
    #[error("--server-pid: no process {0} on this machine")]
    NoProcess(u32),
    /// The run failed, or the dataset could not be imported.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A file cannot be written.
    #[error("cannot write {path}: {reason}", path = .0.display(), reason = .1)]
    Write(PathBuf, io::Error),
    /// An argument is invalid.
    #[error("{0}")]
    Usage(&'static str),
}

impl Error {
    /// Returns the exit code, by sysexits.h.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Target(_)
            | Self::Scenario(_)
            | Self::Usage(_)
            | Self::NoProcess(_)
            | Self::UnknownAttack(..)
            | Self::UnknownNoisyCaller(..) => USAGE,
            Self::Cities(_) | Self::Report(_) => 65,
            Self::Unreachable(..) => 69,
            Self::DatasetMismatch { .. } => 78,
            Self::Write(..) => 73,
            Self::Io(_) => 74,
        }
    }
}
