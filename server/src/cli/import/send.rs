//! Sends rows to the server, call after call. The answer to a call acknowledges its rows.

use std::{collections::HashMap, io, time::Instant};

use nearby_client::Client;
use nearby_proto::v1::{ImportMerchantsRequest, ImportRow, Merchant};
use prost::Message;
use tokio::{sync::mpsc, task::JoinHandle};

use super::report::{Report, Seen};
use crate::{
    cli::{exit_code::CliError, terminal::count},
    error::Violation,
    formats::{Input, Position, Row},
    reason,
};

/// Rows of one call. Large enough that the cost of a call and of its commits is small, small enough that progress
/// shows, that little is sent again when a call fails, and that a slow disk has stored them within the minute that the
/// client allows an import.
const ROWS_A_CALL: usize = 10_000;
const ROWS_A_MESSAGE: usize = 500;
/// Well below the 4 MiB that a message may have.
const BYTES_A_MESSAGE: usize = 1024 * 1024;
/// Calls' worth of rows that are read while one is under way.
const CALLS_AHEAD: usize = 2;

/// A chunk of rows, and why there are no more where reading broke off.
pub(super) struct Chunk {
    rows: Vec<Row>,
    broken: Option<io::Error>,
}

/// A file that is being read.
pub(super) struct Reading {
    chunks: mpsc::Receiver<Chunk>,
    reader: JoinHandle<()>,
    pub(super) position: Position,
}

/// Reads a file on a thread of its own, in chunks of a call each.
pub(super) fn read_ahead(input: Input) -> Reading {
    let (sender, chunks) = mpsc::channel(CALLS_AHEAD);
    let Input { mut rows, position, .. } = input;
    let reader = tokio::task::spawn_blocking(move || {
        loop {
            let mut chunk = Chunk { rows: Vec::with_capacity(ROWS_A_CALL), broken: None };
            while chunk.rows.len() < ROWS_A_CALL {
                match rows.next() {
                    Some(Ok(row)) => chunk.rows.push(row),
                    Some(Err(error)) => {
                        chunk.broken = Some(error);
                        break;
                    }
                    None => break,
                }
            }
            let is_last = chunk.rows.len() < ROWS_A_CALL;
            if sender.blocking_send(chunk).is_err() || is_last {
                return;
            }
        }
    });
    Reading { chunks, reader, position }
}

/// An import under way.
pub(super) struct Sender {
    client: Client,
    report: Report,
    allow_null_island: bool,
}

impl Sender {
    pub(super) fn new(client: Client, report: Report, allow_null_island: bool) -> Self {
        Self { client, report, allow_null_island }
    }

    /// Sends everything; `progress` is told after each call how far it is and how many rows come in a second.
    pub(super) async fn send_all(
        &mut self,
        mut reading: Reading,
        progress: impl Fn(&Report, u64),
    ) -> Result<(), CliError> {
        let start = Instant::now();
        while let Some(Chunk { rows, broken }) = reading.chunks.recv().await {
            self.send_chunk(rows).await.map_err(|error| self.stopped(error))?;
            if let Some(error) = broken {
                return Err(self.stopped(error.into()));
            }
            let elapsed_ms = start.elapsed().as_millis().max(1);
            let rate = u128::from(self.report.rows()) * 1_000 / elapsed_ms;
            progress(&self.report, u64::try_from(rate).unwrap_or(u64::MAX));
        }
        // A reader that died must not look like the end of the file.
        reading.reader.await.map_err(|error| self.stopped(io::Error::other(error).into()))
    }

    /// An error that ends the import, with how far it came.
    pub(super) fn stopped(&self, error: CliError) -> CliError {
        error.with_context(&format!(
            "the import stopped; {} are stored, and running it again is safe",
            count(self.report.accepted(), "row", "rows")
        ))
    }

    async fn send_chunk(&mut self, chunk: Vec<Row>) -> Result<(), CliError> {
        let mut sent: HashMap<i64, Seen> = HashMap::with_capacity(chunk.len());
        let mut rows = Vec::with_capacity(chunk.len());
        for Row { number, source, merchant, warnings } in chunk {
            match merchant.and_then(small_enough) {
                Err(violation) => self.report.reject(number, &violation, &source)?,
                Ok(merchant) => {
                    let row_number = i64::try_from(number).unwrap_or(i64::MAX);
                    sent.insert(row_number, Seen { name: merchant.name.clone(), source, warnings });
                    rows.push(ImportRow { row_number, merchant: Some(merchant) });
                }
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let messages = messages(rows, self.allow_null_island);
        let answer = self.client.import_merchants(tokio_stream::iter(messages)).await?;
        for outcome in answer.outcomes {
            if let Some(seen) = sent.remove(&outcome.row_number) {
                self.report.count(&outcome, seen)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Report, CliError> {
        self.report.finish()
    }
}

/// One row that no message holds, as after an unclosed quote, must not stop all others.
fn small_enough(merchant: Merchant) -> Result<Merchant, Violation> {
    if merchant.encoded_len() <= BYTES_A_MESSAGE / 2 {
        return Ok(merchant);
    }
    Err(Violation {
        field: String::new(),
        reason: reason::TOO_LARGE,
        description: "is far larger than a merchant can be; perhaps a quote is not closed".to_owned(),
    })
}

/// Rows in messages that are neither too many nor too large.
fn messages(rows: Vec<ImportRow>, allow_null_island: bool) -> Vec<ImportMerchantsRequest> {
    let mut messages: Vec<ImportMerchantsRequest> = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let length = row.encoded_len();
        match messages.last_mut() {
            Some(last) if last.rows.len() < ROWS_A_MESSAGE && bytes + length <= BYTES_A_MESSAGE => {
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
