//! Rows of files, common to all formats.

use std::io;

use nearby_proto::v1 as wire;
use prost::Message;

use crate::{
    error::Violation,
    reason::{self, Reason},
};

/// Rows of a file, in order. After an I/O error there are no more.
pub(super) type Rows = Box<dyn Iterator<Item = io::Result<Row>> + Send>;

/// One row of a file.
#[derive(Debug)]
pub(crate) struct Row {
    /// First line of the row, from 1; in GeoJSON, the number of the feature.
    pub(crate) number: u64,
    /// Text of the row, for the file of rejected rows.
    pub(crate) source: String,
    /// The merchant, or the reason why the row is rejected.
    pub(crate) merchant: Result<wire::Merchant, Violation>,
    /// Data of an accepted row that could not be converted.
    pub(crate) warnings: Warnings,
}

/// Warnings of a row, as words that the report counts.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Vec<Warning>);

/// A warning of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// A stable word.
    pub(crate) code: &'static str,
    /// The part of the row that it is about, or empty.
    pub(crate) detail: String,
}

impl Warnings {
    pub(super) fn push(&mut self, code: &'static str) {
        self.push_about(code, "");
    }

    /// Adds a warning about a part of the row.
    pub(super) fn push_about(&mut self, code: &'static str, detail: impl Into<String>) {
        self.0.push(Warning { code, detail: detail.into() });
    }
}

impl IntoIterator for Warnings {
    type Item = Warning;
    type IntoIter = std::vec::IntoIter<Warning>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Row {
    /// Rejects a merchant whose encoding is longer than `max_bytes`, as after an unclosed quote.
    pub(crate) fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        if self.merchant.as_ref().is_ok_and(|merchant| merchant.encoded_len() > max_bytes) {
            let description = "is far larger than the limit of a merchant; check for an unclosed quote";
            self.merchant = Err(violation("", reason::TOO_LARGE, description));
        }
        self
    }
}

pub(super) fn violation(field: &str, reason: Reason, description: impl Into<String>) -> Violation {
    Violation { field: field.to_owned(), reason, description: description.into() }
}
