//! Reads NDJSON: one `nearby.v1.Merchant` per line, in protobuf JSON.

use std::io;

use nearby_proto::v1 as wire;
use serde::Deserialize;

use super::{
    DatumArg, Row,
    csv::records::{Record, Records},
    rows::{Warnings, violation},
    text::Text,
    website::drop_invalid_uris,
};
use crate::reason;

/// The rows of an NDJSON file.
pub(super) struct NdjsonRows {
    lines: Records,
    datum: Option<DatumArg>,
    is_failed: bool,
}

impl NdjsonRows {
    /// Reads a file. `datum` applies to positions that name none; without it, the server rejects those.
    pub(super) fn open(text: Text, datum: Option<DatumArg>) -> Self {
        Self { lines: Records::lines(text.into_utf8()), datum, is_failed: false }
    }
}

impl Iterator for NdjsonRows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_failed {
            return None;
        }
        loop {
            return match self.lines.next() {
                Ok(None) => None,
                Ok(Some(Record::TooLong { line })) => Some(Ok(Row::too_long(line))),
                Ok(Some(Record::Complete { line, bytes, .. })) => match without_marks(bytes) {
                    text if text.trim_ascii().is_empty() => continue,
                    text => Some(Ok(row(line, text, self.datum))),
                },
                Err(error) => {
                    self.is_failed = true;
                    Some(Err(error))
                }
            };
        }
    }
}

/// Returns a line without byte order marks, as of files that were joined, and without the separators of RFC 7464.
fn without_marks(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_prefix("\u{feff}".as_bytes()).or_else(|| line.strip_prefix(b"\x1e")) {
        line = rest;
    }
    line
}

fn row(number: u64, text: &[u8], datum: Option<DatumArg>) -> Row {
    let mut warnings = Warnings::default();
    let merchant = serde_json::from_slice::<wire::Merchant>(text).map(|mut merchant| {
        drop_invalid_uris(&mut merchant, &mut warnings);
        with_datum(merchant, datum)
    });
    let merchant = merchant.map_err(|error| {
        let start = text.trim_ascii_start();
        let hint = if start.starts_with(b"[") {
            "one object per line, not an array; "
        } else if start.starts_with(b"{") && is_geojson(text) {
            "this is GeoJSON: import it with --format geojson; "
        } else {
            ""
        };
        violation("", reason::NOT_A_MERCHANT, format!("must be a nearby.v1.Merchant in JSON: {hint}{error}"))
    });
    let rejected_name = if merchant.is_ok() { None } else { rejected_name(text) };
    Row { rejected_name, warnings, ..Row::new(number, text.to_owned(), merchant) }
}

/// Returns the name that a rejected line states.
fn rejected_name(line: &[u8]) -> Option<String> {
    // The rest is not parsed into values, which would take many times the memory of a long line.
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    serde_json::from_slice::<Named>(line).ok().map(|named| named.name)
}

fn is_geojson(text: &[u8]) -> bool {
    let start = String::from_utf8_lossy(text.get(..256).unwrap_or(text)).replace(' ', "");
    start.contains("\"type\":\"Feature")
}

fn with_datum(mut merchant: wire::Merchant, datum: Option<DatumArg>) -> wire::Merchant {
    if let (Some(position), Some(datum)) = (&mut merchant.position, datum)
        && position.coordinate_system() == wire::CoordinateSystem::Unspecified
    {
        position.coordinate_system = wire::CoordinateSystem::from(datum).into();
    }
    merchant
}
