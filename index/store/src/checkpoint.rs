//! Checkpoints: write the committed state into a new base, concurrently with commits, and truncate the
//! journal.

use std::{
    io::BufWriter,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use nearby_index::UnixMicros;

use crate::{
    Contents, LogPosition, StateDigest, StoreError, StoreHealth,
    blocks::FileHeader,
    codec::{DIGEST_KEY, encode_digest, encode_position},
    files::{StoreFiles, base_name},
    fs::{TEMP_EXTENSION, create_private, io_error, remove, rename_durably},
    journal, sled as base, snapshot_file,
};

/// Input of a checkpoint.
pub(crate) struct CheckpointJob {
    pub(crate) directory: PathBuf,
    pub(crate) contents: Contents,
    pub(crate) digest: StateDigest,
    pub(crate) position: Option<LogPosition>,
    /// The first journal segment without data of this checkpoint; earlier ones are removed afterwards.
    pub(crate) next_segment: u64,
    /// Receives a failure.
    pub(crate) health: Arc<StoreHealth>,
}

/// A checkpoint running on its own thread.
#[derive(Debug)]
pub(crate) struct RunningCheckpoint {
    thread: JoinHandle<Result<(), StoreError>>,
    stop: Arc<AtomicBool>,
    /// As in the job.
    pub(crate) next_segment: u64,
    /// As in the job.
    pub(crate) digest: StateDigest,
}

impl RunningCheckpoint {
    /// Starts the checkpoint thread.
    pub(crate) fn start(job: CheckpointJob) -> Result<Self, StoreError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, next_segment, digest) = (Arc::clone(&stop), job.next_segment, job.digest);
        let directory = job.directory.clone();
        let run = move || job.run(&|| stopped.load(Ordering::Relaxed));
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(run);
        let thread = thread.map_err(io_error("start a checkpoint of", &directory))?;
        Ok(Self { thread, stop, next_segment, digest })
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for completion.
    pub(crate) fn join(self) -> Result<(), StoreError> {
        self.thread.join().unwrap_or_else(|_| {
            Err(StoreError::Io {
                action: "write a checkpoint in",
                path: PathBuf::new(),
                source: std::io::Error::other("the checkpoint thread panicked"),
            })
        })
    }

    /// Cancels the checkpoint and waits for it. It removes what it has written.
    pub(crate) fn abandon(self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.join());
    }
}

impl CheckpointJob {
    /// Writes base and snapshot file, and removes what they replace.
    pub(crate) fn run(&self, stopped: &dyn Fn() -> bool) -> Result<(), StoreError> {
        self.write(stopped).inspect_err(|error| self.health.record(error))
    }

    fn write(&self, stopped: &dyn Fn() -> bool) -> Result<(), StoreError> {
        let start = Instant::now();
        let base = self.directory.join(base_name(self.digest.watermarks.last));
        let temporary = base.with_extension(TEMP_EXTENSION);
        // If nothing was committed since the last checkpoint, its base exists already and is complete.
        if !base.exists() {
            let state = (&self.digest, self.position.as_ref());
            let written = write_base(&temporary, &self.contents, state, stopped);
            written.and_then(|()| rename_durably(&temporary, &base)).inspect_err(|error| {
                // Report before removing a large base, which takes time: commits are acknowledged until then.
                self.health.record(error);
                // Ignore cleanup errors: the original error is the one to report.
                drop(remove(&temporary));
            })?;
        }
        let files = StoreFiles::find(&self.directory)?;
        for older in files.older_bases {
            remove(&older)?;
        }
        journal::remove_before(&files.journal, self.next_segment)?;
        // Not an error: without this cache the next start only takes longer.
        let state = (&self.digest, self.position.as_ref());
        if let Err(error) = write_snapshot_file(&files.snapshot_file, &self.contents, state) {
            tracing::warn!(%error, "cannot write the snapshot file; the next start will be slower");
        }
        let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(revision = self.digest.watermarks.last.0, elapsed_ms, "checkpoint written");
        Ok(())
    }
}

/// Writes a base, which is durable on return, except for its name.
pub(crate) fn write_base(
    path: &Path,
    contents: &Contents,
    (digest, position): (&StateDigest, Option<&LogPosition>),
    stopped: &dyn Fn() -> bool,
) -> Result<(), StoreError> {
    remove(path)?;
    let mut writer = base::Writer::create(path)?;
    if let Some(position) = position {
        writer.add(encode_position(position))?;
    }
    writer.add((DIGEST_KEY.to_vec(), encode_digest(digest)))?;
    for record in contents.records() {
        if stopped() {
            let source = std::io::ErrorKind::Interrupted.into();
            return Err(StoreError::Io { action: "finish", path: path.to_owned(), source });
        }
        writer.add(record)?;
    }
    writer.finish()
}

/// Replaces the snapshot file. Not synced: it is only a cache, and every start verifies it completely.
pub(crate) fn write_snapshot_file(
    path: &Path,
    contents: &Contents,
    (digest, position): (&StateDigest, Option<&LogPosition>),
) -> Result<(), StoreError> {
    let temporary = path.with_extension(TEMP_EXTENSION);
    let head = FileHeader { digest: *digest, created_at: UnixMicros(0) };
    let write = || {
        // It contains hidden merchants.
        let output = BufWriter::with_capacity(1 << 20, create_private(&temporary)?);
        snapshot_file::write(output, contents, position, &head)?
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(io_error("write", path)).inspect_err(|_| drop(remove(&temporary)))
}
