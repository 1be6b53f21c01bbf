//! Options of reading a file.

use std::sync::Arc;

use super::{
    DatumArg, FileFormat, csv::dialect::Delimiter, hours::HoursConverter, mapping::Mapping, text::Charset,
};

/// Options of reading a file.
#[derive(Clone, Debug)]
pub(crate) struct ReadOptions {
    pub(crate) format: FileFormat,
    /// Datum of positions that name none. Without it, those of a CSV file are WGS-84, and those of an NDJSON file are rejected.
    pub(crate) datum: Option<DatumArg>,
    /// Encoding of a file without a byte order mark; UTF-8 by default.
    pub(crate) charset: Option<Charset>,
    /// Delimiter of a CSV file; by default the one that its header uses.
    pub(crate) delimiter: Option<Delimiter>,
    /// Columns that fields come from.
    pub(crate) mappings: Vec<Mapping>,
    /// Removes the apostrophe with which an export to CSV marks formulas.
    pub(crate) unescapes_formulas: bool,
    /// Time zone and calendar of opening hours.
    pub(crate) hours: Arc<HoursConverter>,
}

impl ReadOptions {
    pub(crate) fn new(format: FileFormat, hours: HoursConverter) -> Self {
        Self {
            format,
            datum: None,
            charset: None,
            delimiter: None,
            mappings: Vec::new(),
            unescapes_formulas: true,
            hours: Arc::new(hours),
        }
    }
}
