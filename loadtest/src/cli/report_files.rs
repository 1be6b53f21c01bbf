//! Report files, and the exit code that a report leads to.

use std::{io, path::PathBuf, process::ExitCode};

use clap::Args;

use super::output;
use crate::{
    error::{Error, INVALID},
    report::{Report, html, summary},
};

/// Report files to write.
#[derive(Args, Clone, Debug)]
pub(super) struct ReportFiles {
    /// JSON report, for programs and for `merge`
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// HTML report: one self-contained page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl ReportFiles {
    /// Checks that the files can be written, before a long run rather than after it.
    pub(super) fn check_writable(&self) -> Result<(), Error> {
        [&self.json, &self.html].into_iter().flatten().try_for_each(check_writable)
    }

    /// Prints a summary, writes the files and returns the exit code. Invalid runs count only if `must_be_valid` returns `true`
    /// for their name.
    pub(super) fn finish(
        &self,
        report: &Report,
        must_be_valid: impl Fn(&str) -> bool,
    ) -> Result<ExitCode, Error> {
        output::text(&summary(report));
        if let Some(path) = &self.json {
            write(path, &serde_json::to_string(report).map_err(io::Error::other)?)?;
        }
        if let Some(path) = &self.html {
            write(path, &html(report))?;
        }
        if !report.is_correct() {
            return Ok(ExitCode::FAILURE);
        }
        if report.invalid_reasons().any(|(phase, _)| must_be_valid(phase)) {
            return Ok(ExitCode::from(INVALID));
        }
        let has_failed = report.phases.iter().any(|phase| phase.good_share == 0.0);
        Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Checks that a file can be written, creating it if necessary.
pub(super) fn check_writable(path: &PathBuf) -> Result<(), Error> {
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(path);
    opened.map(drop).map_err(|error| Error::Write(path.clone(), error))
}

/// Writes a file.
pub(super) fn write(path: &PathBuf, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|error| Error::Write(path.clone(), error))
}
