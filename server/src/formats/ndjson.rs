//! Reads NDJSON: one `nearby.v1.Merchant` per line, in protobuf JSON.

use std::io::{self, BufRead, BufReader, Read};

use nearby_proto::v1 as wire;

use super::{
    DatumArg, Row,
    rows::{Rows, Warnings, violation},
};
use crate::reason;

/// Returns the rows of an NDJSON file. `datum` applies to positions that name none; without it, the server rejects those.
pub(super) fn rows(text: impl Read + Send + 'static, datum: Option<DatumArg>) -> Rows {
    let lines = BufReader::new(text).split(b'\n').zip(1..);
    let rows = lines.filter_map(move |(line, number)| match line {
        Ok(line) if line.trim_ascii().is_empty() => None,
        Ok(line) => Some(Ok(row(number, line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line), datum))),
        Err(error) => Some(Err::<Row, io::Error>(error)),
    });
    Box::new(rows)
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

fn row(number: u64, line: &[u8], datum: Option<DatumArg>) -> Row {
    let merchant = serde_json::from_slice::<wire::Merchant>(line).map(|merchant| with_datum(merchant, datum));
    let merchant = merchant.map_err(|error| {
        let hint = if line.trim_ascii_start().starts_with(b"[") {
            "one object per line, not an array; "
        } else {
            ""
        };
        violation("", reason::NOT_A_MERCHANT, format!("must be a nearby.v1.Merchant in JSON: {hint}{error}"))
    });
    Row {
        number,
        source: String::from_utf8_lossy(line).trim_end().to_owned(),
        merchant,
        warnings: Warnings::default(),
    }
}

fn with_datum(mut merchant: wire::Merchant, datum: Option<DatumArg>) -> wire::Merchant {
    if let (Some(position), Some(datum)) = (&mut merchant.position, datum)
        && position.coordinate_system() == wire::CoordinateSystem::Unspecified
    {
        position.coordinate_system = wire::CoordinateSystem::from(datum).into();
    }
    merchant
}
