//! Sends rows to the server in successive calls. The response to a call acknowledges its rows.

use std::{io, time::Instant};

use nearby_client::{Client, ClientError};
use nearby_proto::v1::{ImportMerchantsRequest, ImportMerchantsResponse, ImportRow};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};

use super::{
    report::{PendingRow, RejectedRow, Tally},
    stored,
};
use crate::{
    cli::{exit_code::CliError, terminal::count},
    formats::{Chunk, Input, MAX_ROW_BYTES, Messages, Position, Row, StoreOptions},
    reason,
};

/// Calls' worth of rows that are read ahead of the call in progress.
const CALLS_AHEAD: usize = 2;

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
            let chunk = Chunk::read(&mut rows);
            let is_last = chunk.is_last;
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
    tally: Tally,
    options: StoreOptions,
    /// The revision up to which all stored rows are acknowledged, to ask for those of a call that fails.
    revision: Option<u64>,
    /// The rows of the call in progress.
    in_call: Vec<Pending>,
}

/// A row that was sent, or one that was not.
type Pending = Result<PendingRow, RejectedRow>;

impl Sender {
    pub(super) fn new(client: Client, tally: Tally, options: StoreOptions) -> Self {
        Self { client, tally, options, revision: None, in_call: Vec::new() }
    }

    /// Sends all rows. Calls `progress` after each call, with the number of rows and the rows per second.
    pub(super) async fn send_all(
        &mut self,
        mut reading: Reading,
        progress: impl Fn(u64, u64),
    ) -> Result<(), CliError> {
        let start = Instant::now();
        self.revision = stored::current_revision(&self.client).await;
        while let Some(Chunk { rows, error, .. }) = reading.chunks.recv().await {
            self.send_chunk(rows).await?;
            if let Some(error) = error {
                return Err(error.into());
            }
            let elapsed_ms = start.elapsed().as_millis().max(1);
            let rate = u128::from(self.tally.rows()) * 1_000 / elapsed_ms;
            progress(self.tally.rows(), u64::try_from(rate).unwrap_or(u64::MAX));
        }
        // A panic of the reader must not look like the end of the file.
        reading.reader.await.map_err(io::Error::other)?;
        self.tally.begin();
        Ok(())
    }

    /// Adds to the error that ends the import how many rows are stored. Those of a call without a response are asked for.
    pub(super) async fn stopped(&mut self, error: CliError) -> CliError {
        if self.options.dry_run {
            return error.with_context("dry run stopped; nothing was stored");
        }
        let acknowledged = self.tally.accepted();
        let in_call: Vec<String> =
            std::mem::take(&mut self.in_call).into_iter().flatten().map(|row| row.name).collect();
        let asked = match self.revision {
            _ if in_call.is_empty() => Some(0),
            Some(since) => stored::count_stored(&self.client, since, &in_call).await,
            None => None,
        };
        let (at_least, rows) = match asked {
            Some(unacknowledged) => ("", acknowledged + unacknowledged),
            None => ("at least ", acknowledged),
        };
        if rows > 0 {
            self.tally.begin();
        }
        error.with_context(&format!(
            "import stopped; {at_least}{} stored; it is safe to run the import again",
            count(rows, "row", "rows")
        ))
    }

    async fn send_chunk(&mut self, chunk: Vec<Row>) -> Result<(), CliError> {
        let mut pending: Vec<Pending> = Vec::with_capacity(chunk.len());
        let mut messages = Messages::new(&self.options);
        for row in chunk {
            // A single row that no message can hold must not fail the call.
            let Row { number, source, merchant, rejected_name: name, warnings, fields, .. } =
                row.with_max_bytes(MAX_ROW_BYTES);
            match merchant {
                Err(violation) => {
                    let reason = violation.reason.as_str();
                    let (field, description) = (violation.field, violation.description);
                    pending.push(Err(RejectedRow { number, source, name, reason, field, description }));
                }
                Ok(mut merchant) => {
                    self.options.claim(&mut merchant);
                    pending.push(Ok(PendingRow::new(number, source, warnings, &merchant)));
                    let row_number = i64::try_from(number).unwrap_or(i64::MAX);
                    let row = ImportRow { row_number, merchant: Some(merchant), ..Default::default() };
                    messages.push(row, fields);
                }
            }
        }
        let mut outcomes = Vec::new();
        let messages = messages.into_vec();
        if !messages.is_empty() {
            self.in_call = pending;
            let response = self.call(&messages).await?;
            if response.outcomes.len() != self.in_call.iter().flatten().count() {
                return Err(CliError::unavailable("the server did not report an outcome for each row"));
            }
            pending = std::mem::take(&mut self.in_call);
            self.revision = self.revision.max(Some(response.revision));
            self.tally.begin();
            outcomes = response.outcomes;
        }
        // Outcomes are matched by position: row numbers need not differ.
        let mut outcomes = outcomes.into_iter();
        for row in pending {
            match row {
                Ok(row) => {
                    if let Some(outcome) = outcomes.next() {
                        self.tally.count(&outcome, row);
                    }
                }
                Err(row) => self.tally.reject(&row),
            }
        }
        Ok(())
    }

    /// Sends the messages of one call. While the rate limit rejects it, which is before any of its rows is stored, waits for as long as
    /// the server says.
    async fn call(
        &self,
        messages: &[ImportMerchantsRequest],
    ) -> Result<ImportMerchantsResponse, ClientError> {
        loop {
            let rejected = match self.client.import_merchants(tokio_stream::iter(messages.to_vec())).await {
                Err(error) if error.reason() == Some(reason::QUOTA_EXCEEDED.as_str()) => error,
                done => return done,
            };
            let Some(delay) = rejected.retry_after() else { return Err(rejected) };
            sleep(delay).await;
        }
    }

    pub(super) fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    pub(super) fn into_tally(self) -> Tally {
        self.tally
    }
}
