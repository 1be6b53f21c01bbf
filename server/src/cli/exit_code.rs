//! Exit codes of the command line, those of sysexits.h, and the errors behind them.

use std::{fmt, io, path::Path, process::ExitCode};

use nearby_client::{ClientError, Code, Violation};

use super::{escape, terminal};
use crate::{
    app::error::{GracePeriodExceeded, StartError},
    auth::{AuthConfigError, api_keys::KeysError},
    config::ConfigError,
    reason::{self, Reason},
};
use nearby_store::StoreError;

/// A command failed. Its message is escaped: it names files, values of merchants, and what a server says.
#[derive(Debug)]
pub struct CliError {
    code: u8,
    message: String,
}

/// EX_USAGE.
const USAGE: u8 = 64;
/// EX_DATAERR.
const DATA_ERROR: u8 = 65;
/// EX_NOINPUT.
const NO_INPUT: u8 = 66;
/// EX_UNAVAILABLE.
const UNAVAILABLE: u8 = 69;
/// EX_SOFTWARE.
const SOFTWARE: u8 = 70;
/// EX_CANTCREAT.
const CANNOT_CREATE: u8 = 73;
/// EX_IOERR.
const IO_ERROR: u8 = 74;
/// EX_TEMPFAIL.
const TEMPORARY_FAILURE: u8 = 75;
/// EX_NOPERM.
const NO_PERMISSION: u8 = 77;
/// EX_CONFIG.
const CONFIG: u8 = 78;

impl CliError {
    /// Prefixes the message with its context.
    #[must_use]
    pub fn with_context(self, context: &str) -> Self {
        Self { code: self.code, message: format!("{}: {}", escape::value(context), self.message) }
    }

    /// Appends details of several lines, such as the place of a fault in a TOML file.
    #[must_use]
    pub fn with_detail(self, detail: &str) -> Self {
        Self { code: self.code, message: format!("{}: {}", self.message, escape::lines(detail)) }
    }

    /// A message that quotes the place of a fault in a file, on several lines.
    fn about_content(code: u8, error: &dyn fmt::Display, path: &Path) -> Self {
        let message = error.to_string().replace(&path.display().to_string(), &escape::path(path));
        Self { code, message: escape::lines(&message).into_owned() }
    }

    fn new(code: u8, message: &str) -> Self {
        Self { code, message: escape::value(message).into_owned() }
    }

    /// A failed call. `flag_of` returns the flag that sets a field of the request, if any.
    pub fn of_call(error: &ClientError, flag_of: impl Fn(&str) -> Option<&'static str>) -> Self {
        let code = code_of(error);
        if error.violations().is_empty() {
            let remedy = match error.reason() {
                Some(reason) if reason == reason::CREDENTIALS_MISSING.as_str() => {
                    " (--api-key-file sets the file with the API key)"
                }
                None if error.message().contains("requires a client certificate") => {
                    " (--client-cert and --client-key set it)"
                }
                _ => "",
            };
            return Self::new(code, &format!("{}{remedy}", error.message()));
        }
        let mut message = "invalid request:".to_owned();
        for Violation { field, description, .. } in error.violations() {
            let flag = flag_of(field).map(|flag| format!(" ({flag})")).unwrap_or_default();
            let [field, description] = [field, description].map(|text| escape::value(text));
            message.push_str(&format!("\n  {field}{flag}: {description}"));
        }
        Self { code, message }
    }

    /// Invalid arguments.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, &message.into())
    }

    /// Invalid input data.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(DATA_ERROR, &message.into())
    }

    /// An input file is missing or cannot be read.
    pub fn no_input(message: impl Into<String>) -> Self {
        Self::new(NO_INPUT, &message.into())
    }

    /// An output file cannot be created.
    pub fn cannot_create(message: impl Into<String>) -> Self {
        Self::new(CANNOT_CREATE, &message.into())
    }

    /// The command was interrupted, or the server is not ready; retry.
    pub fn stopped(message: impl Into<String>) -> Self {
        Self::new(TEMPORARY_FAILURE, &message.into())
    }

    /// No server responds.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(UNAVAILABLE, &message.into())
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        // Decompressors and parsers report truncated and malformed files with these kinds.
        let is_invalid_data = matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
        );
        let code = if is_invalid_data { DATA_ERROR } else { IO_ERROR };
        Self::new(code, &error.to_string())
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        Self::of_call(&error, |_| None)
    }
}

/// Returns the exit code of a failed call, chosen by the reaction that a script needs: correct the input, retry, or call for help.
fn code_of(error: &ClientError) -> u8 {
    let is = |reason: Reason| error.reason() == Some(reason.as_str());
    match error.code() {
        // The code suggests a retry, but only an operator can repair the store.
        _ if is(reason::STORE_READ_ONLY) => IO_ERROR,
        // Unlike the other exhausted resources, a size does not change with time: only a smaller request succeeds.
        _ if is(reason::RESPONSE_TOO_LARGE) || is(reason::MESSAGE_TOO_LARGE) => DATA_ERROR,
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::OutOfRange => DATA_ERROR,
        _ if is(reason::NOT_A_CLUSTER) => CONFIG,
        Code::Aborted | Code::ResourceExhausted => TEMPORARY_FAILURE,
        Code::Unavailable | Code::DeadlineExceeded => UNAVAILABLE,
        Code::Unauthenticated | Code::PermissionDenied => NO_PERMISSION,
        // An error without a reason comes from a proxy or another program, not from a Nearby server.
        _ if error.reason().is_none() => UNAVAILABLE,
        Code::FailedPrecondition => TEMPORARY_FAILURE,
        _ => SOFTWARE,
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Listen { .. } => UNAVAILABLE,
            StartError::File { .. } => CANNOT_CREATE,
            StartError::Tls(_)
            | StartError::Auth(_)
            | StartError::Traces { .. }
            | StartError::Member { .. }
            | StartError::NotAMember { .. }
            | StartError::NoClusterAddress
            | StartError::OtherCluster { .. }
            | StartError::Holidays { .. } => CONFIG,
            StartError::Store(error) | StartError::Damaged { fault: error, .. } => code_of_store(error),
            StartError::Internal(_) => SOFTWARE,
        };
        match &error {
            StartError::Auth(AuthConfigError::Keys(KeysError::Malformed { path, .. }))
            | StartError::Holidays { path: Some(path), .. } => Self::about_content(code, &error, path),
            _ => Self::new(code, &error.to_string()),
        }
    }
}

fn code_of_store(error: &StoreError) -> u8 {
    match error {
        StoreError::Locked { .. } => TEMPORARY_FAILURE,
        StoreError::Corrupt { .. } | StoreError::NoPosition { .. } => DATA_ERROR,
        StoreError::Occupied { .. } | StoreError::NotADirectory { .. } => CANNOT_CREATE,
        StoreError::NeedsScratch { .. } => CONFIG,
        StoreError::Full { .. } | StoreError::Io { .. } | StoreError::ReadOnly { .. } => IO_ERROR,
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::new(code_of_store(&error), &error.to_string())
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        match &error {
            ConfigError::Malformed { path, .. } => Self::about_content(CONFIG, &error, path),
            _ => Self::new(CONFIG, &error.to_string()),
        }
    }
}

impl From<KeysError> for CliError {
    fn from(error: KeysError) -> Self {
        let code = match &error {
            KeysError::Invalid(_) => USAGE,
            KeysError::Missing(_) => NO_INPUT,
            KeysError::Io { .. } => CANNOT_CREATE,
            KeysError::Malformed { .. }
            | KeysError::TooMany { .. }
            | KeysError::Empty(_)
            | KeysError::TooLarge(_)
            | KeysError::Unknown(_) => DATA_ERROR,
        };
        match &error {
            KeysError::Malformed { path, .. } => Self::about_content(code, &error, path),
            _ => Self::new(code, &error.to_string()),
        }
    }
}

impl From<GracePeriodExceeded> for CliError {
    fn from(error: GracePeriodExceeded) -> Self {
        Self::new(TEMPORARY_FAILURE, &error.to_string())
    }
}

/// Prints an error and returns its exit code.
#[must_use]
pub fn of_error(error: &CliError) -> ExitCode {
    terminal::err(format!("nearby: {error}\n"));
    ExitCode::from(error.code)
}

/// Prints the output of clap and returns its exit code: success for help and version, usage for errors.
#[must_use]
pub fn of_usage(usage: &clap::Error) -> ExitCode {
    if usage.use_stderr() {
        terminal::err(usage.to_string());
        return ExitCode::from(USAGE);
    }
    // There is no other place to report a failure to print.
    drop(usage.print());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::Status;
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    #[test]
    fn exit_codes_follow_the_reaction_that_a_script_needs() {
        let exit_code = |code, reason: &str| {
            let details = ErrorDetails::with_error_info(reason, "nearby", HashMap::new());
            code_of(&Status::with_error_details(code, "failed", details).into())
        };
        assert_eq!(exit_code(Code::Unavailable, "NOT_READY"), UNAVAILABLE);
        assert_eq!(exit_code(Code::Unavailable, "STORE_READ_ONLY"), IO_ERROR);
        assert_eq!(exit_code(Code::ResourceExhausted, "TOO_MANY_WATCHERS"), TEMPORARY_FAILURE);
        assert_eq!(exit_code(Code::ResourceExhausted, "RESPONSE_TOO_LARGE"), DATA_ERROR);
        assert_eq!(exit_code(Code::ResourceExhausted, "MESSAGE_TOO_LARGE"), DATA_ERROR);
        assert_eq!(exit_code(Code::ResourceExhausted, "QUOTA_EXCEEDED"), TEMPORARY_FAILURE);
        assert_eq!(exit_code(Code::OutOfRange, "REVISION_TOO_OLD"), DATA_ERROR);
        assert_eq!(exit_code(Code::Internal, "INTERNAL"), SOFTWARE);
        assert_eq!(code_of(&Status::internal("no details").into()), UNAVAILABLE);
    }
}
