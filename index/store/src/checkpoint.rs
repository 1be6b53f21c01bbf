//! Takes what the journal holds into a new base, beside commits that go on.

use std::{
    fs::File,
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
    Condition, Content, StoreError, Tally,
    blocks::Head,
    codec::{TALLY_KEY, encode_tally},
    fs::{UNFINISHED, at, install, remove},
    journal,
    recovery::{Files, base_name},
    sled as base, snapshot_file,
};

/// What a checkpoint takes in, and where to.
pub(crate) struct Plan {
    pub(crate) directory: PathBuf,
    pub(crate) content: Content,
    pub(crate) tally: Tally,
    /// The first segment of the journal that holds nothing of it.
    pub(crate) next_segment: u64,
    /// What a failure is told to.
    pub(crate) condition: Arc<Condition>,
}

/// A checkpoint that is under way.
#[derive(Debug)]
pub(crate) struct UnderWay {
    thread: JoinHandle<Result<(), StoreError>>,
    stop: Arc<AtomicBool>,
    /// As in the plan.
    pub(crate) next_segment: u64,
    /// As in the plan.
    pub(crate) tally: Tally,
}

impl UnderWay {
    /// Begins one, on a thread of its own.
    pub(crate) fn begin(plan: Plan) -> Result<Self, StoreError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, next_segment, tally) = (Arc::clone(&stop), plan.next_segment, plan.tally);
        let directory = plan.directory.clone();
        let run = move || plan.run(&|| stopped.load(Ordering::Relaxed));
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(run);
        let thread = thread.map_err(at("begin a checkpoint of", &directory))?;
        Ok(Self { thread, stop, next_segment, tally })
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for it.
    pub(crate) fn join(self) -> Result<(), StoreError> {
        self.thread.join().unwrap_or_else(|_| {
            Err(StoreError::Io {
                action: "write the checkpoint in",
                path: PathBuf::new(),
                source: std::io::Error::other("its thread panicked"),
            })
        })
    }

    /// Ends it before its time. What it has begun is removed.
    pub(crate) fn abandon(self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.join());
    }
}

impl Plan {
    /// Writes the base and the image, and removes what they take the place of.
    pub(crate) fn run(&self, stopped: &dyn Fn() -> bool) -> Result<(), StoreError> {
        self.write(stopped).inspect_err(|error| self.tell(error))
    }

    fn tell(&self, error: &StoreError) {
        if error.is_failure() {
            self.condition.fail(error);
        }
    }

    fn write(&self, stopped: &dyn Fn() -> bool) -> Result<(), StoreError> {
        let start = Instant::now();
        let base = self.directory.join(base_name(self.tally.extent.last));
        let unfinished = base.with_extension(UNFINISHED);
        // Where nothing was committed since there was one, it is there already, and is never written to.
        if !base.exists() {
            let written = write_base(&unfinished, &self.content, &self.tally, stopped);
            written.and_then(|()| install(&unfinished, &base)).inspect_err(|error| {
                // Told before a large base is removed: until then changes are acknowledged.
                self.tell(error);
                // The fault that is being reported comes first.
                drop(remove(&unfinished));
            })?;
        }
        let files = Files::find(&self.directory)?;
        for older in files.older_bases {
            remove(&older)?;
        }
        journal::remove_before(&files.journal, self.next_segment)?;
        // Only a cache: without it the next start takes longer.
        if let Err(error) = write_image(&files.image, &self.content, &self.tally) {
            tracing::warn!(%error, "no image is written");
        }
        let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(revision = self.tally.extent.last.0, elapsed_ms, "checkpoint written");
        Ok(())
    }
}

fn write_base(
    path: &Path,
    content: &Content,
    tally: &Tally,
    stopped: &dyn Fn() -> bool,
) -> Result<(), StoreError> {
    remove(path)?;
    let mut writer = base::Writer::create(path)?;
    writer.add((TALLY_KEY.to_vec(), encode_tally(tally)))?;
    for record in content.records() {
        if stopped() {
            let source = std::io::ErrorKind::Interrupted.into();
            return Err(StoreError::Io { action: "finish", path: path.to_owned(), source });
        }
        writer.add(record)?;
    }
    writer.finish()
}

/// Writes the image in the place of another. It is only a cache: no sync waits for it, and a start checks all of it.
pub(crate) fn write_image(path: &Path, content: &Content, tally: &Tally) -> Result<(), StoreError> {
    let unfinished = path.with_extension(UNFINISHED);
    let head = Head { tally: *tally, made: UnixMicros(0) };
    let write = || {
        let output = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
        snapshot_file::write(output, content, &head)?
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        std::fs::rename(&unfinished, path)
    };
    write().map_err(at("write", path)).inspect_err(|_| drop(remove(&unfinished)))
}
