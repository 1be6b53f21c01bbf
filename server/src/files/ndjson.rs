//! One `nearby.v1.Merchant` a line, in protobuf's JSON.

use std::io::{self, BufRead, BufReader, Read};

use super::{Row, input::Rows, violation};

pub(super) fn rows(text: impl Read + Send + 'static) -> Rows {
    let lines = BufReader::new(text).split(b'\n').zip(1..);
    let rows = lines.filter_map(|(line, number)| match line {
        Ok(line) if line.trim_ascii().is_empty() => None,
        Ok(line) => Some(Ok(row(number, &line))),
        Err(error) => Some(Err::<Row, io::Error>(error)),
    });
    Box::new(rows)
}

fn row(number: u64, line: &[u8]) -> Row {
    let merchant = serde_json::from_slice(line).map_err(|error| {
        violation("", "NOT_A_MERCHANT", format!("must be a nearby.v1.Merchant in JSON: {error}"))
    });
    Row {
        number,
        source: String::from_utf8_lossy(line).trim_end().to_owned(),
        merchant,
        warnings: Vec::new(),
    }
}
