//! The report of an import, and the file of rejected rows.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::PathBuf,
};

use nearby_proto::v1::{ImportOutcome, ImportState};
use serde::Serialize;

use crate::{
    cli::{
        exit_code::CliError,
        terminal::{count, grouped},
    },
    formats::Warnings,
};

/// A row that was sent, until its outcome arrives.
pub(super) struct PendingRow {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) warnings: Warnings,
}

/// Counts of an import, and the file of rejected rows. The JSON field names are stable.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Rows processed.
    rows: u64,
    /// Rows that were stored.
    accepted: u64,
    /// Accepted rows that created a merchant.
    created: u64,
    /// Accepted rows that replaced a merchant, of an earlier row or an earlier import.
    updated: u64,
    /// Accepted rows that replaced an earlier accepted row of the same file with the same id.
    repeated_ids: u64,
    /// Rows that were not stored.
    rejected: u64,
    /// Rejected rows by reason.
    rejected_by_reason: BTreeMap<String, u64>,
    /// Data of accepted rows that could not be converted, by kind.
    warnings: BTreeMap<&'static str, u64>,
    /// Columns of the file that were ignored.
    ignored_columns: Vec<String>,
    /// Hashes of the accepted ids.
    #[serde(skip)]
    accepted_ids: HashSet<u64>,
    #[serde(skip)]
    rejected_path: PathBuf,
    #[serde(skip)]
    rejected_file: Option<csv::Writer<File>>,
}

impl Report {
    pub(super) fn new(rejected_path: PathBuf, ignored_columns: Vec<String>) -> Self {
        Self {
            rows: 0,
            accepted: 0,
            created: 0,
            updated: 0,
            repeated_ids: 0,
            rejected: 0,
            rejected_by_reason: BTreeMap::new(),
            warnings: BTreeMap::new(),
            ignored_columns,
            accepted_ids: HashSet::new(),
            rejected_path,
            rejected_file: None,
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns whether there were rows, and all were rejected.
    pub(super) fn is_all_rejected(&self) -> bool {
        self.rows > 0 && self.accepted == 0
    }

    /// Rows whose storage the server has acknowledged.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Counts a row by the outcome that the server reports.
    pub(super) fn count(&mut self, outcome: &ImportOutcome, row: PendingRow) -> Result<(), CliError> {
        match outcome.state() {
            ImportState::Created => self.created += 1,
            ImportState::Updated => self.updated += 1,
            ImportState::Rejected | ImportState::Unspecified => {
                let violation = outcome.violations.first();
                let (field, reason, description) = violation.map_or(("", "REJECTED", ""), |violation| {
                    (violation.field.as_str(), violation.reason.as_str(), violation.description.as_str())
                });
                let number = u64::try_from(outcome.row_number).unwrap_or_default();
                return self.reject(number, [reason, field, description], &row.source);
            }
        }
        self.rows += 1;
        self.accepted += 1;
        for warning in row.warnings {
            *self.warnings.entry(warning.code).or_default() += 1;
        }
        // 64 bits per id instead of the id: among ten million ids, the probability of a collision is 3 in a million. The hash does
        // not outlive the process, so DefaultHasher need not be stable.
        let mut hasher = DefaultHasher::new();
        row.name.hash(&mut hasher);
        self.repeated_ids += u64::from(!self.accepted_ids.insert(hasher.finish()));
        Ok(())
    }

    /// Counts a rejected row, and writes it with the reason, field and description of its violation.
    pub(super) fn reject(&mut self, number: u64, violation: [&str; 3], source: &str) -> Result<(), CliError> {
        self.rows += 1;
        self.rejected += 1;
        *self.rejected_by_reason.entry(violation[0].to_owned()).or_default() += 1;
        let path = &self.rejected_path;
        let cannot_write =
            |error: io::Error| CliError::cannot_create(format!("cannot write {}: {error}", path.display()));
        let file = match &mut self.rejected_file {
            Some(file) => file,
            none => {
                let mut file = csv::Writer::from_writer(File::create(path).map_err(cannot_write)?);
                file.write_record(["row", "reason", "field", "description", "source"])
                    .map_err(|error| cannot_write(error.into()))?;
                none.insert(file)
            }
        };
        let [reason, field, description] = violation;
        file.write_record([&number.to_string(), reason, field, description, source])
            .map_err(|error| cannot_write(error.into()))
    }

    /// Flushes the file of rejected rows.
    pub(super) fn finish(mut self) -> Result<Self, CliError> {
        if let Some(file) = &mut self.rejected_file {
            file.flush()?;
        }
        Ok(self)
    }

    pub(super) fn to_json(&self) -> io::Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = format!(
            "{} read: {} accepted ({} new, {} replaced), {} rejected\n",
            count(self.rows, "row", "rows"),
            grouped(self.accepted),
            grouped(self.created),
            grouped(self.updated),
            grouped(self.rejected),
        );
        if self.repeated_ids > 0 {
            let rows = count(self.repeated_ids, "accepted row has", "accepted rows have");
            text.push_str(&format!("{rows} the id of an earlier row of the file and replaced it\n"));
        }
        for (reason, number) in &self.rejected_by_reason {
            text.push_str(&format!("  rejected {:>10}  {reason}\n", grouped(*number)));
        }
        for (warning, number) in &self.warnings {
            text.push_str(&format!("  warning  {:>10}  {warning}\n", grouped(*number)));
        }
        if !self.ignored_columns.is_empty() {
            text.push_str(&format!("ignored columns: {}\n", self.ignored_columns.join(", ")));
        }
        if self.rejected > 0 {
            text.push_str(&format!("rejected rows written to {}\n", self.rejected_path.display()));
        }
        text
    }
}
