//! The report of an import.

use std::{collections::BTreeMap, io, path::PathBuf};

use nearby_proto::v1::{ImportOutcome, ImportState, Merchant};
use serde::Serialize;

use super::{
    names::Names,
    rejected_file::RejectedFile,
    replace::Removal,
    suspicion::{RowPosition, Suspicions},
    warnings_file::WarningsFile,
};
use crate::{
    cli::{
        escape,
        exit_code::CliError,
        terminal::{count, grouped},
    },
    formats::{IgnoredNames, Rejected, Warnings},
};

/// A row that was sent, until its outcome arrives.
pub(super) struct PendingRow {
    /// Number of the row in the file.
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) source: Vec<u8>,
    pub(super) warnings: Warnings,
    position: RowPosition,
    country: String,
}

impl PendingRow {
    pub(super) fn new(number: u64, source: Vec<u8>, warnings: Warnings, merchant: &Merchant) -> Self {
        let position = merchant.position.unwrap_or_default();
        let address = merchant.address.as_ref();
        Self {
            number,
            name: merchant.name.clone(),
            source,
            warnings,
            position: RowPosition { latitude: position.latitude, longitude: position.longitude },
            country: address.map(|address| address.region_code.clone()).unwrap_or_default(),
        }
    }
}

/// A row that was rejected.
pub(super) struct RejectedRow {
    /// Number of the row in the file.
    pub(super) number: u64,
    pub(super) source: Vec<u8>,
    /// The name of its merchant; `None` if it cannot be read with certainty.
    pub(super) name: Option<String>,
    pub(super) reason: &'static str,
    pub(super) field: String,
    pub(super) description: String,
}

/// Counts of an import. The JSON field names are stable.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// True if nothing was stored.
    dry_run: bool,
    /// Rows processed.
    rows: u64,
    /// Rows that were stored.
    accepted: u64,
    /// Accepted rows that created a merchant.
    created: u64,
    /// Accepted rows that replaced or updated a merchant, of an earlier row or an earlier import.
    updated: u64,
    /// Accepted rows that are equal to the merchant that exists.
    unchanged: u64,
    /// Accepted rows that replaced an earlier accepted row of the same file with the same id.
    repeated_ids: u64,
    /// Rows that were not stored.
    rejected: u64,
    /// Rejected rows by reason.
    rejected_by_reason: BTreeMap<String, u64>,
    /// Rejected rows that are not in the file of rejected rows.
    rejected_not_written: u64,
    /// Accepted rows with data that could not be converted or is suspicious, by kind.
    warnings: BTreeMap<&'static str, u64>,
    /// Columns and properties of the file that were ignored.
    ignored_columns: Vec<String>,
    /// Merchants of the source that the file lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Removal>,
    #[serde(skip)]
    rejected_path: Option<PathBuf>,
}

/// Counts rows, and writes the files of rejected rows and of warnings.
pub(super) struct Tally {
    report: Report,
    ignored: IgnoredNames,
    /// The file of rejected rows; `None` if none is written.
    rejected: Option<RejectedFile>,
    warnings: Option<WarningsFile>,
    suspicions: Suspicions,
    names: Names,
    /// True once the server has acknowledged a call.
    has_begun: bool,
}

impl Tally {
    pub(super) fn new(
        rejected: Option<RejectedFile>,
        warnings: Option<WarningsFile>,
        ignored: IgnoredNames,
        dry_run: bool,
    ) -> Self {
        Self {
            report: Report { dry_run, ..Report::default() },
            ignored,
            rejected,
            warnings,
            suspicions: Suspicions::default(),
            names: Names::default(),
            has_begun: false,
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.report.rows
    }

    /// Rows whose storage the server has acknowledged.
    pub(super) fn accepted(&self) -> u64 {
        self.report.accepted
    }

    /// Records that the server has stored rows, or that the file has ended: files of an earlier import can be replaced.
    pub(super) fn begin(&mut self) {
        self.has_begun = true;
    }

    /// Counts a row by the outcome that the server reports.
    pub(super) fn count(&mut self, outcome: &ImportOutcome, row: PendingRow) {
        match outcome.state() {
            ImportState::Created => self.report.created += 1,
            ImportState::Updated => self.report.updated += 1,
            ImportState::Unchanged => self.report.unchanged += 1,
            ImportState::Rejected | ImportState::Unspecified => {
                let violation = outcome.violations.first();
                let (field, reason, description) = violation.map_or(("", "REJECTED", ""), |violation| {
                    (violation.field.as_str(), violation.reason.as_str(), violation.description.as_str())
                });
                let (number, source) = (row.number, row.source.as_slice());
                self.names.reject(Some(&row.name));
                self.write_rejected(&Rejected { number, source, reason, field, description });
                return;
            }
        }
        self.report.rows += 1;
        self.report.accepted += 1;
        self.count_name(&row, outcome.state());
        if self.suspicions.add(row.number, row.position, &row.country) {
            self.warn(row.number, "FAR_FROM_COUNTRY", &row.country);
        }
        if !outcome.previous_source.is_empty() {
            self.warn(row.number, "SOURCE_CHANGED", &outcome.previous_source);
        }
        for warning in row.warnings {
            self.warn(row.number, warning.code, &warning.detail);
        }
    }

    fn count_name(&mut self, row: &PendingRow, state: ImportState) {
        let accepted = self.names.accept(&row.name);
        if accepted.is_repeated {
            self.report.repeated_ids += 1;
            // A dry run has not stored the earlier row, and cannot tell whether this one changes it.
            if self.report.dry_run {
                self.report.created -= u64::from(state == ImportState::Created);
                self.report.unchanged -= u64::from(state == ImportState::Unchanged);
                self.report.updated += u64::from(state != ImportState::Updated);
            }
        }
        if accepted.differs_in_composition {
            self.warn(row.number, "ID_DIFFERS_ONLY_IN_COMPOSITION", &row.name);
        }
    }

    fn warn(&mut self, row: u64, code: &'static str, detail: &str) {
        *self.report.warnings.entry(code).or_default() += 1;
        if let Some(file) = &mut self.warnings {
            file.write(row, code, detail);
        }
    }

    /// Counts a row that was rejected before it was sent, and writes it.
    pub(super) fn reject(&mut self, row: &RejectedRow) {
        let RejectedRow { number, source, name, reason, field, description } = row;
        self.names.reject(name.as_deref());
        self.write_rejected(&Rejected { number: *number, source, reason, field, description });
    }

    /// The names in the file.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Returns true if there were rows, and all were rejected.
    pub(super) fn is_all_rejected(&self) -> bool {
        self.report.is_all_rejected()
    }

    /// Records the merchants that the file lacks.
    pub(super) fn set_missing(&mut self, removal: Removal) {
        self.report.missing = Some(removal);
    }

    fn write_rejected(&mut self, row: &Rejected<'_>) {
        self.report.rows += 1;
        self.report.rejected += 1;
        *self.report.rejected_by_reason.entry(row.reason.to_owned()).or_default() += 1;
        if let Some(rejected) = &mut self.rejected {
            rejected.write(row);
        }
    }

    /// Completes the files. Returns the report, and the error of a file that the user has named.
    pub(super) fn finish(mut self) -> Result<(Report, Option<CliError>), CliError> {
        for suspicion in self.suspicions.finish() {
            *self.report.warnings.entry(suspicion.code).or_default() += suspicion.rows;
            if let Some(file) = &mut self.warnings {
                suspicion
                    .numbers
                    .into_iter()
                    .for_each(|(number, detail)| file.write(number, suspicion.code, &detail));
            }
        }
        let unwritten_warnings = self.warnings.and_then(|warnings| warnings.finish().err());
        let mut report = self.report;
        report.ignored_columns = self.ignored.to_vec();
        let Some(rejected) = self.rejected else { return Ok((report, unwritten_warnings)) };
        let finished = rejected.finish(self.has_begun, report.rejected)?;
        report.rejected_not_written = finished.unwritten;
        report.rejected_path = Some(finished.path);
        Ok((report, finished.failure.or(unwritten_warnings)))
    }
}

impl Report {
    /// Returns whether there were rows, and all were rejected.
    pub(super) fn is_all_rejected(&self) -> bool {
        self.rows > 0 && self.accepted == 0
    }

    pub(super) fn to_json(&self) -> io::Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = if self.dry_run { "dry run: nothing was stored\n".to_owned() } else { String::new() };
        text += &format!(
            "{} read: {} accepted ({} new, {} replaced, {} unchanged), {} rejected\n",
            count(self.rows, "row", "rows"),
            grouped(self.accepted),
            grouped(self.created),
            grouped(self.updated),
            grouped(self.unchanged),
            grouped(self.rejected),
        );
        if self.repeated_ids > 0 {
            let rows = count(self.repeated_ids, "accepted row has", "accepted rows have");
            text.push_str(&format!("{rows} the id of an earlier row of the file and replaced it\n"));
        }
        if let Some(removal) = &self.missing {
            text.push_str(&removal.to_text(self.dry_run));
        }
        for (reason, number) in &self.rejected_by_reason {
            text.push_str(&format!("  rejected {:>10}  {}\n", grouped(*number), escape::value(reason)));
        }
        for (warning, number) in &self.warnings {
            text.push_str(&format!("  warning  {:>10}  {warning}\n", grouped(*number)));
        }
        if !self.ignored_columns.is_empty() {
            text.push_str(&format!("ignored columns: {}\n", escape::value(&self.ignored_columns.join(", "))));
        }
        if let Some(path) = self.rejected_path.as_ref().filter(|_| self.rejected > self.rejected_not_written)
        {
            text.push_str(&format!("rejected rows written to {}\n", escape::path(path)));
        }
        if self.rejected_not_written > 0 {
            let rows = count(self.rejected_not_written, "rejected row was", "rejected rows were");
            text.push_str(&format!("{rows} not written\n"));
        }
        text
    }
}
