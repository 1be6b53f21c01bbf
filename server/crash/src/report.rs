//! Output: a line for each failure, with its case and evidence, and the totals in the last line.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use crate::{args::Paths, error::Result};

/// Counts, in the order of their first use, and failures.
pub(crate) struct Report {
    command: &'static str,
    seed: u64,
    keep: PathBuf,
    counts: Vec<(String, u64)>,
    failures: u64,
    start: Instant,
}

/// Number of failures whose evidence is kept.
const MAX_EVIDENCE: u64 = 10;

impl Report {
    /// Creates an empty report.
    pub(crate) fn new(command: &'static str, seed: u64, paths: &Paths) -> Self {
        Self {
            command,
            seed,
            keep: paths.keep.clone(),
            counts: Vec::new(),
            failures: 0,
            start: Instant::now(),
        }
    }

    /// Adds to a count. A count is printed once it has been added to, even by 0.
    pub(crate) fn add(&mut self, key: impl AsRef<str>, number: u64) {
        match self.counts.iter_mut().find(|(known, _)| known == key.as_ref()) {
            Some((_, count)) => *count += number,
            None => self.counts.push((key.as_ref().to_owned(), number)),
        }
    }

    /// Sets a figure that is not a sum.
    pub(crate) fn set(&mut self, key: &str, number: u64) {
        self.counts.retain(|(known, _)| known != key);
        self.add(key, number);
    }

    /// Prints a failure and copies directories as evidence.
    pub(crate) fn fail(&mut self, case: u64, message: &str, evidence: &[(&str, &Path)]) -> Result<()> {
        self.failures += 1;
        let mut shown = String::new();
        if self.failures <= MAX_EVIDENCE && !evidence.is_empty() {
            let kept = self.keep.join(format!("{}-seed-{}-case-{case}", self.command, self.seed));
            for (name, from) in evidence {
                drop(fs::remove_dir_all(kept.join(name)));
                copy(from, &kept.join(name))?;
            }
            fs::write(kept.join("message"), message)?;
            shown = format!(" [{}]", kept.display());
        }
        let message: String = message.chars().take(1_500).collect();
        self.print(&format!(
            "FAILED {} --seed {} --case {case}: {}{shown}",
            self.command,
            self.seed,
            message.trim()
        ))
    }

    /// Prints a line.
    pub(crate) fn print(&self, line: &str) -> Result<()> {
        writeln!(io::stdout(), "{line}")?;
        Ok(())
    }

    /// Prints the totals and returns the exit code.
    pub(crate) fn finish(self) -> Result<ExitCode> {
        let counts: String = self.counts.iter().map(|(key, count)| format!(" {key}={count}")).collect();
        let seconds = self.start.elapsed().as_secs();
        let (command, seed, failures) = (self.command, self.seed, self.failures);
        writeln!(io::stdout(), "fault={command} seed={seed}{counts} seconds={seconds} failures={failures}")?;
        Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Copies a file, or a directory with its contents.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
