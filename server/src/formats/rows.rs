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
    /// Data of an accepted row that could not be converted, as words that the report counts.
    pub(crate) warnings: Vec<&'static str>,
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
