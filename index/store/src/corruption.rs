//! Handling of corruption found while reading: fail at the first finding, or collect all of them.

use std::{
    fmt::Display,
    sync::{Mutex, PoisonError},
};

/// Maximum number of findings kept; further ones are only counted.
const MAX_FINDINGS: usize = 100;

/// Decides whether a finding aborts the read, or is recorded while the affected data is skipped.
#[derive(Debug)]
pub(crate) struct CorruptionLog {
    is_tolerant: bool,
    findings: Mutex<(Vec<String>, usize)>,
}

impl CorruptionLog {
    /// Creates a log whose first finding aborts the read.
    pub(crate) fn strict() -> Self {
        Self { is_tolerant: false, findings: Mutex::default() }
    }

    /// Creates a log that records all findings.
    pub(crate) fn tolerant() -> Self {
        Self { is_tolerant: true, findings: Mutex::default() }
    }

    pub(crate) fn report<E: Display>(&self, finding: E) -> Result<(), E> {
        if !self.is_tolerant {
            return Err(finding);
        }
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.1 += 1;
        if findings.0.len() < MAX_FINDINGS {
            findings.0.push(finding.to_string());
        }
        Ok(())
    }

    /// Returns whether there are any findings.
    pub(crate) fn has_findings(&self) -> bool {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).1 > 0
    }

    /// Returns the findings.
    pub(crate) fn into_findings(self) -> Vec<String> {
        let (mut findings, count) = self.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        if count > findings.len() {
            findings.push(format!("and {} more", count - findings.len()));
        }
        findings
    }
}
