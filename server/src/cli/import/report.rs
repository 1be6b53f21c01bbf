//! What became of the rows of an import.

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
    error::Violation,
};

/// What is remembered of a row until its outcome comes.
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) warnings: Vec<&'static str>,
}

/// Counts, and the file of rejected rows.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Rows looked at.
    rows: u64,
    /// Rows that were stored.
    accepted: u64,
    /// Accepted rows whose merchant was not in the store before.
    created: u64,
    /// Accepted rows whose merchant was in the store before, from an earlier row or an earlier import.
    updated: u64,
    /// Accepted rows with the id of an earlier accepted row of the same file, which they replaced.
    repeated_ids: u64,
    /// Rows that were not stored.
    rejected: u64,
    /// The same, by reason.
    rejected_by_reason: BTreeMap<String, u64>,
    /// What could not be kept of accepted rows, by kind.
    warnings: BTreeMap<&'static str, u64>,
    /// Columns of the file that mean nothing to Nearby.
    ignored_columns: Vec<String>,
    #[serde(skip)]
    seen: HashSet<u64>,
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
            seen: HashSet::new(),
            rejected_path,
            rejected_file: None,
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether there were rows, and none that could be stored.
    pub(super) fn is_all_rejected(&self) -> bool {
        self.rows > 0 && self.accepted == 0
    }

    /// Rows that are stored for certain.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Counts a row that the server has answered for.
    pub(super) fn count(&mut self, outcome: &ImportOutcome, seen: Seen) -> Result<(), CliError> {
        match outcome.state() {
            ImportState::Created => self.created += 1,
            ImportState::Updated => self.updated += 1,
            ImportState::Rejected | ImportState::Unspecified => {
                let violation = outcome.violations.first();
                let (field, reason, description) = violation.map_or(("", "REJECTED", ""), |violation| {
                    (violation.field.as_str(), violation.reason.as_str(), violation.description.as_str())
                });
                let number = u64::try_from(outcome.row_number).unwrap_or_default();
                return self.write_rejected(number, [reason, field, description], &seen.source);
            }
        }
        self.rows += 1;
        self.accepted += 1;
        for warning in seen.warnings {
            *self.warnings.entry(warning).or_default() += 1;
        }
        // Sixty-four bits of each id: among ten million ids the chance of a miscount is 3 in a million.
        let mut hasher = DefaultHasher::new();
        seen.name.hash(&mut hasher);
        self.repeated_ids += u64::from(!self.seen.insert(hasher.finish()));
        Ok(())
    }

    /// Counts a row that could not even be sent.
    pub(super) fn reject(
        &mut self,
        number: u64,
        violation: &Violation,
        source: &str,
    ) -> Result<(), CliError> {
        self.write_rejected(
            number,
            [violation.reason.as_str(), &violation.field, &violation.description],
            source,
        )
    }

    fn write_rejected(&mut self, number: u64, why: [&str; 3], source: &str) -> Result<(), CliError> {
        self.rows += 1;
        self.rejected += 1;
        *self.rejected_by_reason.entry(why[0].to_owned()).or_default() += 1;
        let path = &self.rejected_path;
        let cannot =
            |error: io::Error| CliError::cannot_create(format!("cannot write {}: {error}", path.display()));
        let file = match &mut self.rejected_file {
            Some(file) => file,
            none => {
                let mut file = csv::Writer::from_writer(File::create(path).map_err(cannot)?);
                file.write_record(["row", "reason", "field", "description", "source"])
                    .map_err(|error| cannot(error.into()))?;
                none.insert(file)
            }
        };
        let [reason, field, description] = why;
        file.write_record([&number.to_string(), reason, field, description, source])
            .map_err(|error| cannot(error.into()))
    }

    /// Completes the file of rejected rows.
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
            "{} read: {} accepted ({} new, {} replaced one that was there), {} rejected\n",
            count(self.rows, "row", "rows"),
            grouped(self.accepted),
            grouped(self.created),
            grouped(self.updated),
            grouped(self.rejected),
        );
        if self.repeated_ids > 0 {
            let rows = count(self.repeated_ids, "accepted row has", "accepted rows have");
            text.push_str(&format!("{rows} the id of an earlier row of the file; the later row won\n"));
        }
        for (reason, number) in &self.rejected_by_reason {
            text.push_str(&format!("  rejected {:>10}  {reason}\n", grouped(*number)));
        }
        for (warning, number) in &self.warnings {
            text.push_str(&format!("  warning  {:>10}  {warning}\n", grouped(*number)));
        }
        if !self.ignored_columns.is_empty() {
            text.push_str(&format!("columns not used: {}\n", self.ignored_columns.join(", ")));
        }
        if self.rejected > 0 {
            text.push_str(&format!("the rejected rows are in {}\n", self.rejected_path.display()));
        }
        text
    }
}
