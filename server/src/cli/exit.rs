//! What scripts see: the exit codes of sysexits.h.

use std::{fmt, io, process::ExitCode};

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::terminal;
use crate::{
    app::{CutOff, StartError},
    config::ConfigError,
};
use nearby_store::StoreError;

/// A command that did not do what it was to do.
#[derive(Debug)]
pub struct CliError {
    code: u8,
    message: String,
}

const USAGE: u8 = 64;
const DATA: u8 = 65;
const NO_INPUT: u8 = 66;
const UNAVAILABLE: u8 = 69;
const SOFTWARE: u8 = 70;
const CANNOT_CREATE: u8 = 73;
const IO: u8 = 74;
const TEMPORARY: u8 = 75;
const CONFIG: u8 = 78;

impl CliError {
    /// The same, with what it means for what was asked.
    #[must_use]
    pub fn with_context(self, context: &str) -> Self {
        Self { code: self.code, message: format!("{context}: {}", self.message) }
    }

    /// The command line cannot be followed.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into() }
    }

    /// The input is not what it must be.
    pub fn data(message: impl Into<String>) -> Self {
        Self { code: DATA, message: message.into() }
    }

    /// A file that was named is not there or cannot be read.
    pub fn no_input(message: impl Into<String>) -> Self {
        Self { code: NO_INPUT, message: message.into() }
    }

    /// A file cannot be made.
    pub fn cannot_create(message: impl Into<String>) -> Self {
        Self { code: CANNOT_CREATE, message: message.into() }
    }

    /// It was stopped half way; it can be done again.
    pub fn stopped(message: impl Into<String>) -> Self {
        Self { code: TEMPORARY, message: message.into() }
    }

    /// A server does not answer.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { code: UNAVAILABLE, message: message.into() }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        // How a file that is cut off or not what it seems shows itself.
        let is_data = matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
        );
        let code = if is_data { DATA } else { IO };
        Self { code, message: error.to_string() }
    }
}

impl From<Status> for CliError {
    fn from(status: Status) -> Self {
        let code = match status.code() {
            Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::OutOfRange => DATA,
            Code::Aborted | Code::ResourceExhausted => TEMPORARY,
            // A connection that breaks, or something that speaks no gRPC, is Unknown to tonic.
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => UNAVAILABLE,
            _ => SOFTWARE,
        };
        let violations =
            status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
        let message = if status.code() == Code::Unknown {
            format!("the connection to the server broke ({})", status.message())
        } else if status.code() == Code::Cancelled {
            format!("the server did not answer in time ({})", status.message())
        } else if violations.is_empty() {
            status.message().to_owned()
        } else {
            let lines = violations
                .iter()
                .map(|violation| format!("\n  {}: {}", violation.field, violation.description));
            format!("the server refused it:{}", lines.collect::<String>())
        };
        Self { code, message }
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Listen { .. } => UNAVAILABLE,
            StartError::File { .. } => CANNOT_CREATE,
            StartError::Store(StoreError::Locked { .. }) => TEMPORARY,
            StartError::Store(StoreError::Corrupt { .. }) => DATA,
            StartError::Store(StoreError::Io { .. } | StoreError::ReadOnly { .. }) => IO,
            StartError::Internal(_) => SOFTWARE,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self { code: CONFIG, message: error.to_string() }
    }
}

impl From<CutOff> for CliError {
    fn from(error: CutOff) -> Self {
        Self { code: TEMPORARY, message: error.to_string() }
    }
}

/// Tells a person what went wrong, and the shell by its code.
#[must_use]
pub fn of_error(error: &CliError) -> ExitCode {
    terminal::err(format!("nearby: {error}\n"));
    ExitCode::from(error.code)
}

/// Help and versions are no errors; clap's other complaints are wrong usage.
#[must_use]
pub fn of_usage(usage: &clap::Error) -> ExitCode {
    // Nowhere to say it is no reason to fail.
    drop(usage.print());
    if usage.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}
