//! What scripts see: the exit codes of sysexits.h.

use std::{fmt, io, process::ExitCode};

use nearby_client::{ClientError, Code, Violation};

use super::terminal;
use crate::{
    app::error::{GracePeriodExceeded, StartError},
    auth::api_keys::KeysError,
    config::ConfigError,
    reason,
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
const NO_PERMISSION: u8 = 77;
const CONFIG: u8 = 78;

impl CliError {
    /// The same, with what it means for what was asked.
    #[must_use]
    pub fn with_context(self, context: &str) -> Self {
        Self { code: self.code, message: format!("{context}: {}", self.message) }
    }

    /// A call failed. `flag_of` says which flag a field of the request comes from, if any.
    pub fn of_call(error: &ClientError, flag_of: impl Fn(&str) -> Option<&'static str>) -> Self {
        let code = code_of(error);
        if error.violations().is_empty() {
            let remedy = match error.reason() {
                Some(reason) if reason == reason::CREDENTIALS_MISSING.as_str() => {
                    " (--api-key-file names a file with it)"
                }
                _ => "",
            };
            return Self { code, message: format!("{}{remedy}", error.message()) };
        }
        let mut message = "the server refused it:".to_owned();
        for Violation { field, description, .. } in error.violations() {
            let flag = flag_of(field).map(|flag| format!(" ({flag})")).unwrap_or_default();
            message.push_str(&format!("\n  {field}{flag}: {description}"));
        }
        Self { code, message }
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

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        Self::of_call(&error, |_| None)
    }
}

/// By what a script will do about it.
fn code_of(error: &ClientError) -> u8 {
    match error.code() {
        // Nothing that asking another time would mend.
        _ if error.reason() == Some(reason::STORE_READ_ONLY.as_str()) => IO,
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::OutOfRange => DATA,
        Code::Aborted | Code::ResourceExhausted => TEMPORARY,
        Code::Unavailable | Code::DeadlineExceeded => UNAVAILABLE,
        Code::Unauthenticated | Code::PermissionDenied => NO_PERMISSION,
        // What gives no reason is no Nearby server, but a proxy or something else altogether.
        _ if error.reason().is_none() => UNAVAILABLE,
        _ => SOFTWARE,
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Listen { .. } => UNAVAILABLE,
            StartError::File { .. } => CANNOT_CREATE,
            StartError::Tls(_) | StartError::Auth(_) | StartError::Traces { .. } => CONFIG,
            StartError::Store(error) | StartError::Damaged { fault: error, .. } => code_of_store(error),
            StartError::Internal(_) => SOFTWARE,
        };
        Self { code, message: error.to_string() }
    }
}

fn code_of_store(error: &StoreError) -> u8 {
    match error {
        StoreError::Locked { .. } => TEMPORARY,
        StoreError::Corrupt { .. } => DATA,
        StoreError::Occupied { .. } => CANNOT_CREATE,
        StoreError::Full { .. } | StoreError::Io { .. } | StoreError::ReadOnly { .. } => IO,
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self { code: code_of_store(&error), message: error.to_string() }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self { code: CONFIG, message: error.to_string() }
    }
}

impl From<KeysError> for CliError {
    fn from(error: KeysError) -> Self {
        let code = match &error {
            KeysError::Missing(_) => NO_INPUT,
            KeysError::Io { .. } => CANNOT_CREATE,
            KeysError::Malformed { .. } | KeysError::TooMany { .. } | KeysError::Unknown(_) => DATA,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<GracePeriodExceeded> for CliError {
    fn from(error: GracePeriodExceeded) -> Self {
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::Status;
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    #[test]
    fn codes_follow_what_is_to_be_done() {
        let of = |code, reason: &str| {
            let details = ErrorDetails::with_error_info(reason, "nearby", HashMap::new());
            code_of(&Status::with_error_details(code, "no", details).into())
        };
        assert_eq!(of(Code::Unavailable, "NOT_READY"), UNAVAILABLE);
        assert_eq!(of(Code::Unavailable, "STORE_READ_ONLY"), IO);
        assert_eq!(of(Code::ResourceExhausted, "TOO_MANY_WATCHERS"), TEMPORARY);
        assert_eq!(of(Code::OutOfRange, "REVISION_TOO_OLD"), DATA);
        assert_eq!(of(Code::Internal, "INTERNAL"), SOFTWARE);
        assert_eq!(code_of(&Status::internal("what is this?").into()), UNAVAILABLE);
    }
}
