//! Reads CSV with a header line.
//!
//! | module | contents |
//! |---|---|
//! | `records` | splits the file into records, with the line and the bytes of each |
//! | `cells` | splits a record into cells |
//! | `dialect` | the delimiter |
//! | `rejected` | writes rejected rows to a file that can be corrected and imported, and reads that file's reasons |

pub(super) mod cells;
pub(super) mod dialect;
pub(super) mod records;
pub(super) mod rejected;

use std::{io, sync::Arc};

use self::{
    cells::Splitter,
    dialect::Dialect,
    records::{Record, Records},
    rejected::CsvLayout,
};
use super::{
    DatumArg, Row,
    field::{Cell, Field},
    formula,
    mapping::Plan,
    merchant::merchant,
    options::ReadOptions,
    rows::{Warnings, violation},
    text::{Encoding, Text, invalid},
};
use crate::reason;

/// The rows of a CSV file.
pub(super) struct CsvRows {
    records: Records,
    splitter: Splitter,
    plan: Plan,
    fields: Arc<[&'static str]>,
    datum: DatumArg,
    pub(super) layout: CsvLayout,
    unescapes_formulas: bool,
    is_failed: bool,
}

impl CsvRows {
    /// Reads the header of a file.
    pub(super) fn open(text: Text, options: &ReadOptions) -> io::Result<Self> {
        let encoding = text.encoding;
        let mut records = Records::new(text.bytes);
        let dialect = dialect::detect(&mut records, options.delimiter, encoding, &options.mappings)?;
        let not_decoded = || invalid(format!("its header is not {}", not_utf_8(encoding)));
        let Dialect { delimiter, has_separator_line } = dialect.ok_or_else(not_decoded)?;
        records.delimiter = delimiter;
        let mut splitter = Splitter::new(records.delimiter, encoding);
        if let Encoding::Other(charset) = encoding
            && charset.has_multi_byte_letters()
            && records.delimiter >= 0x40
        {
            let name = charset.name();
            return Err(invalid(format!("with --encoding {name} columns must be separated by , ; or tab")));
        }
        let header = match records.next()? {
            Some(Record::Complete { bytes, .. }) => bytes.to_owned(),
            Some(Record::TooLong { .. }) => {
                return Err(invalid("has a header of more than 4 MiB".to_owned()));
            }
            None => return Err(invalid("is empty".to_owned())),
        };
        let cells = splitter.split(&header).ok_or_else(not_decoded)?;
        let mut headers: Vec<String> =
            cells.iter().map(|cell| super::visible_text::trim(cell).to_owned()).collect();
        let line_end = records.line_end();
        let reasons = rejected::column_of_reasons(&headers, &mut records);
        headers.truncate(reasons.unwrap_or(headers.len()));
        let plan = Plan::new(&headers, &options.mappings);
        check_columns(&plan, &headers)?;
        let layout = CsvLayout {
            encoding,
            delimiter,
            has_separator_line,
            line_end,
            columns: headers.len(),
            has_reasons: reasons.is_some(),
            header,
        };
        let datum = options.datum.unwrap_or(DatumArg::Wgs84);
        let fields = fields_of(&plan);
        Ok(Self {
            records,
            splitter,
            plan,
            fields,
            datum,
            layout,
            unescapes_formulas: options.unescapes_formulas,
            is_failed: false,
        })
    }

    /// Returns whether the file has some columns of addresses, but not all. The address of a merchant is replaced as a whole.
    pub(super) fn has_partial_address(&self) -> bool {
        let columns = Field::ALL.iter().filter(|field| field.of_merchant() == "address");
        let has = |field: &Field| self.plan.fields().any(|other| other == *field);
        let found = columns.clone().filter(|field| has(field)).count();
        found > 0 && found < columns.count()
    }

    /// Returns the columns that are not imported, except the reasons of an earlier rejection.
    pub(super) fn ignored(&self) -> &[String] {
        self.plan.ignored()
    }
}

impl Iterator for CsvRows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_failed {
            return None;
        }
        let record = match self.records.next() {
            Ok(record) => record?,
            Err(error) => {
                self.is_failed = true;
                return Some(Err(error));
            }
        };
        let mut warnings = Warnings::default();
        let (number, source, merchant) = match record {
            Record::TooLong { line } => return Some(Ok(Row::too_long(line))),
            Record::Complete { line, bytes, misplaced_quote: Some(quote) } => {
                let description = format!(
                    "has a quoted cell from line {} to text behind a quote on line {}: close the quote, or double the \
                     quotes inside the cell",
                    quote.opened, quote.closed
                );
                (line, bytes, Err(violation("", reason::QUOTE_MISPLACED, description)))
            }
            Record::Complete { line, bytes, misplaced_quote: None } => {
                let (unescapes, cells) = (self.unescapes_formulas, self.splitter.split(bytes));
                let encoding = self.layout.encoding;
                let cells = cells.ok_or_else(|| {
                    violation("", reason::NOT_UTF_8, format!("must be {}", not_utf_8(encoding)))
                });
                let merchant = cells.and_then(|mut cells| {
                    self.layout.check_width(bytes, &mut cells)?;
                    let unescape = |cell| if unescapes { formula::unescape(cell) } else { cell };
                    let cells: Vec<Cell<'_>> = cells.into_iter().map(unescape).map(Cell::Text).collect();
                    merchant(&self.plan.fill(&cells), self.datum, &mut warnings)
                });
                (line, bytes, merchant)
            }
        };
        let fields = Some(Arc::clone(&self.fields));
        Some(Ok(Row { number, source: source.to_owned(), merchant, warnings, fields }))
    }
}

/// Checks that the header has the columns that a merchant requires.
fn check_columns(plan: &Plan, headers: &[String]) -> io::Result<()> {
    if let Some((field, column)) = plan.missing().first() {
        let columns = headers.join(", ");
        return Err(invalid(format!(
            "has no column {column:?}, which --map names for {}; it has {columns}",
            field.name()
        )));
    }
    let has = |field: Field| plan.fields().any(|other| other == field);
    let has_point = has(Field::Point);
    let required = [
        (Field::Id, true),
        (Field::Name, true),
        (Field::Latitude, !has_point),
        (Field::Longitude, !has_point),
    ];
    let missing = required.into_iter().filter(|(field, is_required)| *is_required && !has(*field));
    let missing: Vec<&str> = missing.map(|(field, _)| field.name()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(invalid(format!(
        "has no column {}; the columns id, name, lat and lon are required: --map {}=COLUMN names a column for one",
        missing.join(", "),
        missing.first().unwrap_or(&"id")
    )))
}

/// Returns the fields of the contract that the columns hold.
fn fields_of(plan: &Plan) -> Arc<[&'static str]> {
    let mut fields: Vec<&'static str> =
        plan.fields().filter(|field| *field != Field::Id).map(Field::of_merchant).collect();
    fields.sort_unstable();
    fields.dedup();
    fields.into()
}

fn not_utf_8(encoding: Encoding) -> String {
    match encoding {
        Encoding::Utf8 { .. } => {
            "UTF-8: if the file has another encoding, name it with --encoding, such as gbk or windows-1252"
                .to_owned()
        }
        Encoding::Utf16 { .. } => "UTF-16".to_owned(),
        Encoding::Other(charset) => format!("{}: --encoding may name the wrong encoding", charset.name()),
    }
}
