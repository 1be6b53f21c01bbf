//! Sends rows to the server in successive calls. The response to a call acknowledges its rows.

use std::{collections::HashMap, io, time::Instant};

use nearby_client::Client;
use nearby_proto::v1::{ImportMerchantsRequest, ImportRow};
use prost::Message;
use tokio::{sync::mpsc, task::JoinHandle};

use super::report::{PendingRow, Report};
use crate::{
    cli::{exit_code::CliError, terminal::count},
    formats::{Input, Position, Row},
};

/// Rows per call. Large enough that the cost of a call and of its commits is small; small enough that progress is visible, that
/// little is sent again after a failed call, and that a slow disk stores them within the minute that the client allows an import.
const ROWS_PER_CALL: usize = 10_000;
const ROWS_PER_MESSAGE: usize = 500;
/// Well below the 4 MiB limit of a message.
const BYTES_PER_MESSAGE: usize = 1024 * 1024;
/// Calls' worth of rows that are read ahead of the call in progress.
const CALLS_AHEAD: usize = 2;

/// The rows of one call, and the error that ended reading, if any.
pub(super) struct Chunk {
    rows: Vec<Row>,
    error: Option<io::Error>,
}

/// A file that is being read.
pub(super) struct Reading {
    chunks: mpsc::Receiver<Chunk>,
    reader: JoinHandle<()>,
    pub(super) position: Position,
}

/// Reads a file on a separate thread, in chunks of one call each.
pub(super) fn read_ahead(input: Input) -> Reading {
    let (sender, chunks) = mpsc::channel(CALLS_AHEAD);
    let Input { mut rows, position, .. } = input;
    let reader = tokio::task::spawn_blocking(move || {
        loop {
            let mut chunk = Chunk { rows: Vec::with_capacity(ROWS_PER_CALL), error: None };
            while chunk.rows.len() < ROWS_PER_CALL {
                match rows.next() {
                    Some(Ok(row)) => chunk.rows.push(row),
                    Some(Err(error)) => {
                        chunk.error = Some(error);
                        break;
                    }
                    None => break,
                }
            }
            let is_last = chunk.rows.len() < ROWS_PER_CALL;
            if sender.blocking_send(chunk).is_err() || is_last {
                return;
            }
        }
    });
    Reading { chunks, reader, position }
}

/// An import in progress.
pub(super) struct Sender {
    client: Client,
    report: Report,
    allow_null_island: bool,
}

impl Sender {
    pub(super) fn new(client: Client, report: Report, allow_null_island: bool) -> Self {
        Self { client, report, allow_null_island }
    }

    /// Sends all rows. Calls `progress` after each call, with the report and the rows per second.
    pub(super) async fn send_all(
        &mut self,
        mut reading: Reading,
        progress: impl Fn(&Report, u64),
    ) -> Result<(), CliError> {
        let start = Instant::now();
        while let Some(Chunk { rows, error }) = reading.chunks.recv().await {
            self.send_chunk(rows).await.map_err(|error| self.stopped(error))?;
            if let Some(error) = error {
                return Err(self.stopped(error.into()));
            }
            let elapsed_ms = start.elapsed().as_millis().max(1);
            let rate = u128::from(self.report.rows()) * 1_000 / elapsed_ms;
            progress(&self.report, u64::try_from(rate).unwrap_or(u64::MAX));
        }
        // A panic of the reader must not look like the end of the file.
        reading.reader.await.map_err(|error| self.stopped(io::Error::other(error).into()))
    }

    /// Adds to the error that ends the import how many rows are stored.
    pub(super) fn stopped(&self, error: CliError) -> CliError {
        error.with_context(&format!(
            "import stopped; {} stored; it is safe to run the import again",
            count(self.report.accepted(), "row", "rows")
        ))
    }

    async fn send_chunk(&mut self, chunk: Vec<Row>) -> Result<(), CliError> {
        let mut pending: HashMap<i64, PendingRow> = HashMap::with_capacity(chunk.len());
        let mut rows = Vec::with_capacity(chunk.len());
        for row in chunk {
            // A single row that no message can hold must not fail the call.
            let Row { number, source, merchant, warnings } = row.with_max_bytes(BYTES_PER_MESSAGE / 2);
            match merchant {
                Err(violation) => {
                    let violation = [violation.reason.as_str(), &violation.field, &violation.description];
                    self.report.reject(number, violation, &source)?;
                }
                Ok(merchant) => {
                    let row_number = i64::try_from(number).unwrap_or(i64::MAX);
                    pending.insert(row_number, PendingRow { name: merchant.name.clone(), source, warnings });
                    rows.push(ImportRow { row_number, merchant: Some(merchant) });
                }
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let messages = messages(rows, self.allow_null_island);
        let response = self.client.import_merchants(tokio_stream::iter(messages)).await?;
        for outcome in response.outcomes {
            if let Some(row) = pending.remove(&outcome.row_number) {
                self.report.count(&outcome, row)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Report, CliError> {
        self.report.finish()
    }
}

/// Distributes rows over messages within the limits of rows and bytes.
fn messages(rows: Vec<ImportRow>, allow_null_island: bool) -> Vec<ImportMerchantsRequest> {
    let mut messages: Vec<ImportMerchantsRequest> = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let length = row.encoded_len();
        match messages.last_mut() {
            Some(last) if last.rows.len() < ROWS_PER_MESSAGE && bytes + length <= BYTES_PER_MESSAGE => {
                bytes += length;
                last.rows.push(row);
            }
            _ => {
                bytes = length;
                messages.push(ImportMerchantsRequest { rows: vec![row], allow_null_island });
            }
        }
    }
    messages
}
