//! Rows of files, common to all formats.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use nearby_proto::v1 as wire;
use prost::Message;

use super::field::Field;
use crate::{
    error::Violation,
    opening_hours::Expression,
    reason::{self, Reason},
    record::NAME_PREFIX,
};

/// Bytes of a row. Longer rows are skipped without being kept in memory: no merchant is as large, but the outline of a shop may be.
pub(crate) const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;

/// Warning of a country that is not known.
pub(super) const COUNTRY_UNKNOWN: &str = "COUNTRY_UNKNOWN";

/// Rows of a file, in order. After an I/O error there are no more.
pub(super) type Rows = Box<dyn Iterator<Item = io::Result<Row>> + Send>;

/// One row of a file.
#[derive(Debug)]
pub(crate) struct Row {
    /// First line of the row, from 1; in GeoJSON, the number of the feature.
    pub(crate) number: u64,
    /// Bytes of the row, for the file of rejected rows; empty if there are more than [`MAX_ROW_BYTES`].
    pub(crate) source: Vec<u8>,
    /// The merchant, or the reason why the row is rejected.
    pub(crate) merchant: Result<wire::Merchant, Violation>,
    /// The name of the merchant that a rejected row is about; `None` if it cannot be read with certainty.
    pub(crate) rejected_name: Option<String>,
    /// Data of an accepted row that could not be converted.
    pub(crate) warnings: Warnings,
    /// The expression of the merchant's opening hours, if the reader has parsed it.
    pub(super) expression: Option<Expression>,
    /// The fields of the contract that the row replaces in a merchant that exists; `None` for the whole merchant.
    pub(crate) fields: Option<Arc<[&'static str]>>,
}

/// Returns the name of a merchant by its id in a file. An id cannot contain a slash: the one in the id of an OpenStreetMap element,
/// such as `node/123`, is replaced. Other ids stay as they are.
pub(super) fn name_of_id(id: &str) -> String {
    match id.split_once('/') {
        Some((kind @ ("node" | "way" | "relation"), number))
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{NAME_PREFIX}{kind}-{number}")
        }
        _ => format!("{NAME_PREFIX}{id}"),
    }
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
    pub(super) fn new(number: u64, source: Vec<u8>, merchant: Result<wire::Merchant, Violation>) -> Self {
        let warnings = Warnings::default();
        Self { number, source, merchant, rejected_name: None, warnings, expression: None, fields: None }
    }

    /// A row that has been skipped.
    pub(super) fn too_long(number: u64) -> Self {
        let description = format!(
            "is longer than {} MiB; check for a missing line end or an unclosed quote",
            MAX_ROW_BYTES / (1024 * 1024)
        );
        Self::new(number, Vec::new(), Err(violation("", reason::TOO_LARGE, description)))
    }

    /// Rejects a merchant whose encoding is longer than `max_bytes`, as after an unclosed quote.
    pub(crate) fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        if let Ok(merchant) = &mut self.merchant
            && merchant.encoded_len() > max_bytes
        {
            self.rejected_name = Some(std::mem::take(&mut merchant.name));
            let description = "is far larger than the limit of a merchant; check for an unclosed quote";
            self.merchant = Err(violation("", reason::TOO_LARGE, description));
        }
        self
    }

    /// Leaves the country of a merchant as it is if that of the row is unknown.
    pub(super) fn without_unknown_country(mut self) -> Self {
        if let Some(fields) = &self.fields
            && self.warnings.0.iter().any(|warning| warning.code == COUNTRY_UNKNOWN)
        {
            let country = Field::Country.of_merchant();
            self.fields = Some(fields.iter().copied().filter(|field| *field != country).collect());
        }
        self
    }
}

/// A rejected row.
pub(crate) struct Rejected<'a> {
    /// Its number in the file that is imported: [`Row::number`].
    pub(crate) number: u64,
    pub(crate) source: &'a [u8],
    /// The parts of its violation.
    pub(crate) reason: &'a str,
    pub(crate) field: &'a str,
    pub(crate) description: &'a str,
}

/// Names of columns and properties that are not used. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct IgnoredNames(Arc<Mutex<BTreeMap<String, usize>>>);

impl IgnoredNames {
    /// Names that are kept: properties can be generated, such as one for each day.
    const MAX: usize = 200;

    pub(super) fn add(&self, name: &str) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = names.len();
        if count < Self::MAX && !names.contains_key(name) {
            names.insert(name.to_owned(), count);
        }
    }

    /// Returns the names, in the order in which they were found.
    pub(crate) fn to_vec(&self) -> Vec<String> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<(&String, &usize)> = names.iter().collect();
        names.sort_by_key(|(_, at)| **at);
        names.into_iter().map(|(name, _)| name.clone()).collect()
    }
}

pub(super) fn violation(field: &str, reason: Reason, description: impl Into<String>) -> Violation {
    Violation { field: field.to_owned(), reason, description: description.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_openstreetmap_elements_lose_their_slash() {
        for (id, expected) in [
            ("node/123", "node-123"),
            ("way/1", "way-1"),
            ("node/", "node/"),
            ("node/1/2", "node/1/2"),
            ("../etc", "../etc"),
            ("relation/x", "relation/x"),
        ] {
            assert_eq!(name_of_id(id), format!("merchants/{expected}"));
        }
    }
}
