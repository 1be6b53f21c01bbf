//! What the harness says: a line for each failure with what is needed to look at it, and the totals in the last line.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use crate::{Args, Outcome};

/// Counts, in the order in which they first came, and failures.
pub(crate) struct Report {
    command: &'static str,
    seed: u64,
    keep: PathBuf,
    counts: Vec<(String, u64)>,
    failures: u64,
    begun: Instant,
}

/// Evidence of more failures than this is not kept.
const MOST_EVIDENCE: u64 = 10;

impl Report {
    pub(crate) fn new(command: &'static str, args: &Args) -> Self {
        Self {
            command,
            seed: args.seed,
            keep: args.keep.clone(),
            counts: Vec::new(),
            failures: 0,
            begun: Instant::now(),
        }
    }

    /// Adds to a count, which is shown from then on.
    pub(crate) fn add(&mut self, key: impl AsRef<str>, number: u64) {
        match self.counts.iter_mut().find(|(known, _)| known == key.as_ref()) {
            Some((_, count)) => *count += number,
            None => self.counts.push((key.as_ref().to_owned(), number)),
        }
    }

    /// Sets a count that is no sum.
    pub(crate) fn set(&mut self, key: &str, number: u64) {
        self.counts.retain(|(known, _)| known != key);
        self.add(key, number);
    }

    /// Keeps directories as evidence and tells of a failure.
    pub(crate) fn fail(&mut self, case: u64, what: &str, evidence: &[(&str, &Path)]) -> Outcome<()> {
        self.failures += 1;
        let mut shown = String::new();
        if self.failures <= MOST_EVIDENCE && !evidence.is_empty() {
            let kept = self.keep.join(format!("{}-seed-{}-case-{case}", self.command, self.seed));
            for (name, from) in evidence {
                drop(fs::remove_dir_all(kept.join(name)));
                copy(from, &kept.join(name))?;
            }
            fs::write(kept.join("what"), what)?;
            shown = format!(" [{}]", kept.display());
        }
        let what: String = what.chars().take(1_500).collect();
        self.say(&format!(
            "FAILED {} --seed {} --case {case}: {}{shown}",
            self.command,
            self.seed,
            what.trim()
        ))
    }

    /// A line for who watches.
    pub(crate) fn say(&self, line: &str) -> Outcome<()> {
        writeln!(io::stdout(), "{line}")?;
        Ok(())
    }

    /// The totals, and the end.
    pub(crate) fn finish(self) -> Outcome<ExitCode> {
        let counts: String = self.counts.iter().map(|(key, count)| format!(" {key}={count}")).collect();
        let seconds = self.begun.elapsed().as_secs();
        let (command, seed, failures) = (self.command, self.seed, self.failures);
        writeln!(io::stdout(), "fault={command} seed={seed}{counts} seconds={seconds} failures={failures}")?;
        Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Copies a file, or a directory with all below it.
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
