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

use std::{borrow::Cow, io, sync::Arc};

use memchr::memchr2;

use self::{
    cells::Splitter,
    dialect::Dialect,
    records::{Record, Records},
    rejected::CsvLayout,
};
use super::{
    DatumArg, Row,
    field::{Cell, Cells, Field},
    formula,
    mapping::Plan,
    merchant::merchant,
    options::ReadOptions,
    rows::{Warnings, name_of_id, violation},
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
        Some(Ok(match record {
            Record::TooLong { line } => Row::too_long(line),
            Record::Complete { line, bytes, misplaced_quote: Some(quote), .. } => {
                let description = format!(
                    "has a quoted cell from line {} to text behind a quote on line {}: close the quote, or double the \
                     quotes inside the cell",
                    quote.opened, quote.closed
                );
                // The row has no name: it can contain the rows of several merchants.
                Row::new(line, bytes.to_owned(), Err(violation("", reason::QUOTE_MISPLACED, description)))
            }
            Record::Complete { line, bytes, misplaced_quote: None, has_line_end } => {
                let fields = Some(Arc::clone(&self.fields));
                let mut warnings = Warnings::default();
                let (encoding, unescapes) = (self.layout.encoding, self.unescapes_formulas);
                let converted = match self.splitter.split(bytes) {
                    None => Err(violation("", reason::NOT_UTF_8, format!("must be {}", not_utf_8(encoding)))),
                    // A file that was cut within a number would have another one.
                    Some(cells) if !has_line_end && cells.len() < self.layout.columns => {
                        Err(violation("", reason::COLUMN_COUNT, self.layout.cut_off(cells.len())))
                    }
                    Some(mut cells) => self.layout.check_width(bytes, &mut cells).and_then(|()| {
                        merchant(&fields_in(cells, &self.plan, unescapes), self.datum, &mut warnings)
                    }),
                };
                match converted {
                    Ok((merchant, expression)) => {
                        Row { warnings, expression, fields, ..Row::new(line, bytes.to_owned(), Ok(merchant)) }
                    }
                    Err(violation) => {
                        let rejected_name =
                            rejected_name(bytes, &mut self.splitter, &self.layout, &self.plan, unescapes);
                        Row { rejected_name, ..Row::new(line, bytes.to_owned(), Err(violation)) }
                    }
                }
            }
        }))
    }
}

/// Returns the fields of a record.
fn fields_in<'a>(cells: Vec<Cow<'a, str>>, plan: &Plan, unescapes_formulas: bool) -> Cells<'a> {
    let unescape = |cell| if unescapes_formulas { formula::unescape(cell) } else { cell };
    let cells: Vec<Cell<'_>> = cells.into_iter().map(unescape).map(Cell::Text).collect();
    plan.fill(&cells)
}

/// Returns the name of the merchant of a rejected record, unless its cells may have been torn apart: by a delimiter too many or too few,
/// or by a quote that joins the rows of several merchants.
fn rejected_name(
    record: &[u8],
    splitter: &mut Splitter,
    layout: &CsvLayout,
    plan: &Plan,
    unescapes_formulas: bool,
) -> Option<String> {
    if memchr2(b'\n', b'\r', record).is_some() {
        return None;
    }
    let mut cells = splitter.split_lossy(record);
    let has_width = cells.len() >= layout.columns && layout.check_width(record, &mut cells).is_ok();
    if !has_width && !plan.is_in_first_column(Field::Id) {
        return None;
    }
    let fields = fields_in(cells, plan, unescapes_formulas);
    // An id with characters that could not be decoded is another one.
    let is_id = |id: &&str| !id.is_empty() && !id.contains(char::REPLACEMENT_CHARACTER);
    Some(fields.text(Field::Id)).filter(is_id).map(name_of_id)
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
    let has_hours = plan.fields().any(|field| field == Field::Hours);
    let of_merchant = |field| match field {
        Field::TimeZone if !has_hours => "opening_hours.time_zone",
        field => field.of_merchant(),
    };
    let mut fields: Vec<&'static str> =
        plan.fields().filter(|field| *field != Field::Id).map(of_merchant).collect();
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
