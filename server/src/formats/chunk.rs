//! The rows of one call of ImportMerchants.

use std::io;

use super::rows::{Row, Rows};

/// Rows per call. Large enough that the cost of a call and of its commits is small; small enough that progress is visible, that
/// little is sent again after a failed call, and that a slow disk stores them within the minute that the client allows an import.
const ROWS_PER_CALL: usize = 10_000;
/// Bytes of rows per call, beyond which it has fewer: with two calls that are read ahead and a last row of 4 MiB, 48 MiB.
const BYTES_PER_CALL: usize = 8 * 1024 * 1024;

/// The rows of one call, and the error that ended reading, if any.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) rows: Vec<Row>,
    pub(crate) error: Option<io::Error>,
    /// True if there are no more rows.
    pub(crate) is_last: bool,
}

impl Chunk {
    /// Reads the next rows.
    pub(crate) fn read(rows: &mut Rows) -> Self {
        let (mut chunk, mut bytes) = (Self::default(), 0);
        while chunk.rows.len() < ROWS_PER_CALL && bytes < BYTES_PER_CALL && !chunk.is_last {
            match rows.next() {
                Some(Ok(row)) => {
                    bytes += row.source.len();
                    chunk.rows.push(row);
                }
                Some(Err(error)) => {
                    chunk.error = Some(error);
                    chunk.is_last = true;
                }
                None => chunk.is_last = true,
            }
        }
        chunk
    }
}
