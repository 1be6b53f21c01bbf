//! The file of an import: received as a whole, and then read row by row on another thread.

use std::{
    fs::File,
    io::{self, Seek, Write},
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::body::Body as HttpBody;
use http_body_util::BodyExt;
use hyper::body::Bytes;
use nearby_proto::v1 as wire;
use prost::Message;
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, timeout, timeout_at},
};
use tonic::{Code, Status};

use super::options::ImportOptions;
use crate::http::connect;
use crate::{
    error::{LimitedResource, ServiceError},
    formats::{self, IgnoredNames, Input, MAX_ROW_BYTES, Messages, Row},
    grpc::status::with_reason,
    reason,
};

/// Size limit of a file.
const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Limit for a file to arrive.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// Limit for this many bytes more of a file to arrive: a client that sends a byte now and then must not keep a place of the uploads.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(60);
const PROGRESS_BYTES: usize = 64 * 1024;
/// Files that are received or read at a time: each takes up to 64 MiB of the disk, and the memory of a call or two.
static UPLOADS: LazyLock<std::sync::Arc<Semaphore>> =
    LazyLock::new(|| std::sync::Arc::new(Semaphore::new(4)));

/// The rows of one call.
pub(super) struct Chunk {
    /// The rows that are sent, as encoded messages with the prefix of gRPC.
    pub(super) messages: Vec<Bytes>,
    /// All rows, in order.
    pub(super) entries: Vec<Entry>,
    /// The error that ended reading.
    pub(super) error: Option<Status>,
    /// True if there are no more rows.
    is_last: bool,
}

/// One row of a file.
pub(super) enum Entry {
    /// It was sent.
    Sent {
        /// Its number in the file.
        row: u64,
        /// The name of its merchant.
        name: String,
    },
    /// It cannot be converted to a merchant.
    Rejected {
        /// Its line in the response.
        line: Value,
    },
}

/// A file that is uploaded.
pub(super) struct Upload {
    state: Mutex<State>,
    is_read: AtomicBool,
    ignored: std::sync::OnceLock<IgnoredNames>,
}

enum State {
    Waiting(HttpBody, Box<ImportOptions>),
    /// With the permit of its place among the uploads.
    Reading(
        mpsc::Receiver<Chunk>,
        #[expect(dead_code, reason = "held until the upload ends")] OwnedSemaphorePermit,
    ),
    Failed,
}

impl Upload {
    /// The file in a body, of which nothing has been read.
    pub(super) fn new(body: HttpBody, options: ImportOptions) -> Self {
        let state = Mutex::new(State::Waiting(body, Box::new(options)));
        Self { state, is_read: AtomicBool::new(false), ignored: std::sync::OnceLock::new() }
    }

    /// Returns whether all rows have been returned.
    pub(super) fn is_read(&self) -> bool {
        self.is_read.load(Ordering::Acquire)
    }

    /// Columns and properties that are not used.
    pub(super) fn ignored_names(&self) -> Vec<String> {
        self.ignored.get().map(IgnoredNames::to_vec).unwrap_or_default()
    }

    /// The next rows. Receives the file first, if that has not been done.
    pub(super) async fn next(&self) -> Result<Chunk, Status> {
        let mut state = self.state.lock().await;
        if matches!(*state, State::Waiting(..)) {
            let State::Waiting(body, options) = std::mem::replace(&mut *state, State::Failed) else {
                return Err(ServiceError::Internal("an upload has no state").into());
            };
            *state = self.start(body, *options).await?;
        }
        let State::Reading(chunks, _) = &mut *state else {
            return Err(ServiceError::Internal("an upload has failed before").into());
        };
        let chunk = chunks.recv().await.ok_or(ServiceError::Internal("the reader of a file has failed"))?;
        self.is_read.store(chunk.is_last, Ordering::Release);
        Ok(chunk)
    }

    async fn start(&self, body: HttpBody, options: ImportOptions) -> Result<State, Status> {
        let permit = std::sync::Arc::clone(&UPLOADS).try_acquire_owned();
        let permit = permit.map_err(|_| ServiceError::LimitReached(LimitedResource::BulkCalls))?;
        let file =
            timeout(UPLOAD_TIMEOUT, receive(body)).await.map_err(|_| ServiceError::DeadlineExceeded)??;
        let opened = tokio::task::spawn_blocking(move || {
            let input = Input::read(file, &options.read)?;
            Ok::<_, io::Error>((input, options))
        });
        let opened = opened.await.map_err(|_| ServiceError::Internal("the reader of a file has failed"))?;
        let (input, options) = opened.map_err(|error| unreadable(&error))?;
        self.ignored.get_or_init(|| input.ignored.clone());
        let (sender, chunks) = mpsc::channel(1);
        tokio::task::spawn_blocking(move || read(input, &options, &sender));
        Ok(State::Reading(chunks, permit))
    }
}

/// Receives a file. One that is compressed is rejected: nothing bounds what it expands to.
async fn receive(mut body: HttpBody) -> Result<File, Status> {
    let failed = |_: io::Error| Status::from(ServiceError::DiskFull);
    let mut file = tempfile::tempfile().map_err(failed)?;
    let (mut bytes, mut start) = (0, Vec::new());
    let (mut deadline, mut next) = (Instant::now() + PROGRESS_TIMEOUT, PROGRESS_BYTES);
    while let Some(frame) =
        timeout_at(deadline, body.frame()).await.map_err(|_| ServiceError::DeadlineExceeded)?
    {
        let frame = frame.map_err(|error| connect::malformed_body(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        bytes += data.len();
        if bytes >= next {
            (deadline, next) = (Instant::now() + PROGRESS_TIMEOUT, bytes + PROGRESS_BYTES);
        }
        if bytes > MAX_FILE_BYTES {
            let message = "the file is larger than 64 MiB; split it, or use nearby import";
            return Err(with_reason(Code::ResourceExhausted, reason::MESSAGE_TOO_LARGE, message));
        }
        start.extend(data.iter().take(4_usize.saturating_sub(start.len())));
        file = tokio::task::spawn_blocking(move || file.write_all(&data).map(|()| file))
            .await
            .map_err(|_| ServiceError::Internal("a file cannot be written"))?
            .map_err(failed)?;
    }
    const GZIP: &[u8] = &[0x1f, 0x8b];
    const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
    if start.starts_with(GZIP) || start.starts_with(ZSTD) {
        let message = "the file is compressed; send it uncompressed, or use nearby import";
        return Err(with_reason(Code::Unimplemented, reason::ENCODING_UNSUPPORTED, message));
    }
    file.rewind().map_err(failed)?;
    Ok(file)
}

fn unreadable(error: &io::Error) -> Status {
    let message = format!("the file cannot be read: {error}");
    with_reason(Code::InvalidArgument, reason::MESSAGE_MALFORMED, &message)
}

/// Reads all rows.
fn read(input: Input, options: &ImportOptions, sender: &mpsc::Sender<Chunk>) {
    let mut rows = input.rows;
    loop {
        let read = formats::Chunk::read(&mut rows);
        let mut messages = Messages::new(&options.store);
        let add = |row: Row| add(row.with_max_bytes(MAX_ROW_BYTES), options, &mut messages);
        let entries = read.rows.into_iter().map(add).collect();
        let messages = messages
            .into_vec()
            .iter()
            .map(|message| connect::enveloped(0, &message.encode_to_vec()))
            .collect();
        let is_last = read.is_last;
        let error = read.error.as_ref().map(unreadable);
        if sender.blocking_send(Chunk { messages, entries, error, is_last }).is_err() || is_last {
            return;
        }
    }
}

fn add(row: Row, options: &ImportOptions, messages: &mut Messages<'_>) -> Entry {
    let Row { number, merchant, rejected_name, fields, .. } = row;
    match merchant {
        Ok(mut merchant) => {
            options.store.claim(&mut merchant);
            let name = merchant.name.clone();
            let row_number = i64::try_from(number).unwrap_or(i64::MAX);
            messages
                .push(wire::ImportRow { row_number, merchant: Some(merchant), ..Default::default() }, fields);
            Entry::Sent { row: number, name }
        }
        Err(violation) => {
            let violations = [json!({
                "field": violation.field,
                "reason": violation.reason.as_str(),
                "description": violation.description,
            })];
            let name = rejected_name.unwrap_or_default();
            Entry::Rejected {
                line: json!({ "row": number, "name": name, "state": "rejected", "violations": violations }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    /// A body of `count` parts, one each `interval`.
    fn body(count: usize, part: &'static [u8], interval: Duration) -> HttpBody {
        let parts = stream::iter(0..count).then(move |_| async move {
            tokio::time::sleep(interval).await;
            Ok::<_, io::Error>(Bytes::from_static(part))
        });
        HttpBody::from_stream(parts)
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_makes_no_progress_is_given_up() {
        static PART: [u8; PROGRESS_BYTES] = [b'x'; PROGRESS_BYTES];
        let start = Instant::now();
        let slow = receive(body(1_000, b"x", Duration::from_secs(1))).await.unwrap_err();
        assert_eq!((slow.code(), start.elapsed().as_secs()), (Code::DeadlineExceeded, 60));
        let steady = receive(body(5, &PART, PROGRESS_TIMEOUT - Duration::from_secs(1))).await.unwrap();
        assert_eq!(steady.metadata().unwrap().len(), 5 * PROGRESS_BYTES as u64);
    }
}
