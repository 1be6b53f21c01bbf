//! Rows of files, common to all formats.

use std::io;

use nearby_proto::v1 as wire;

use crate::{error::Violation, reason::Reason};

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

pub(super) fn violation(field: &str, reason: Reason, description: impl Into<String>) -> Violation {
    Violation { field: field.to_owned(), reason, description: description.into() }
}
