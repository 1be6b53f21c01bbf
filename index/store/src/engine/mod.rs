//! The on-disk engine: a write-ahead journal, and a base into which checkpoints move its content.
//!
//! ```text
//! commit     → journal: write, sync                durable from here on
//! append     → journal: write                      durable after the next sync
//! checkpoint → base-REVISION, rewritten in full    then the journal up to there is removed
//!            → snapshot file                       a cache for the next start
//! ```

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nearby_index::{Change, Revision};

use crate::{
    Batch, Contents, LogPosition, OpenMode, RecoveredState, StateDigest, Store, StoreError, StoreHealth,
    StoreOptions,
    checkpoint::{CheckpointJob, RunningCheckpoint, write_base, write_snapshot_file},
    codec::{encode_deletion, encode_merchant, encode_position, encode_request, merchant_key},
    corruption::CorruptionLog,
    files::StoreFiles,
    fs::{create_dir_durably, disk_usage, fsync, parent_of, remove, remove_temporary},
    journal::{Journal, Operation},
    lock::DirectoryLock,
    new_store,
    recovery::{RecoverFrom, Recovery, recover},
    replacement,
};

/// Keeps merchants in a directory, which it locks for this process.
#[derive(Debug)]
pub struct DurableStore {
    directory: PathBuf,
    /// `None` if the store was opened read-only.
    journal: Option<Journal>,
    /// Position in a replicated log after the last commit.
    position: Option<LogPosition>,
    /// Digest of the state found if there is no journal.
    damaged: StateDigest,
    health: Arc<StoreHealth>,
    running: Option<RunningCheckpoint>,
    /// Journal size in bytes at which a checkpoint is due.
    checkpoint_bytes: u64,
    /// Lower bound of that size, from [`StoreOptions::checkpoint_journal_bytes`].
    min_checkpoint_bytes: u64,
    /// Revision of the snapshot file, or of the base if there is none.
    snapshot_file_revision: Revision,
    _lock: DirectoryLock,
}

impl DurableStore {
    /// Opens or creates a store, and recovers its state.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process uses the directory, [`StoreError::Io`] if it cannot be
    /// created or read, [`StoreError::Full`] if there is not enough disk space, [`StoreError::Corrupt`] if
    /// its content is not what was committed.
    pub fn open(directory: &Path, options: &StoreOptions<'_>) -> Result<(Self, RecoveredState), StoreError> {
        let lock = match options.mode {
            OpenMode::ReadWrite => {
                create_dir_durably(directory)?;
                DirectoryLock::acquire(directory)?
            }
            OpenMode::ReadOnly | OpenMode::DamagedReadOnly => DirectoryLock::acquire_to_read(directory)?,
        };
        let may_write = lock.is_writable() && options.mode != OpenMode::ReadOnly;
        if options.mode == OpenMode::ReadWrite {
            replacement::finish(directory)?;
        }
        let files = StoreFiles::find(directory)?;
        // An earlier process may have been killed between renaming a file and syncing its directory.
        for named in [parent_of(directory), directory, &files.journal] {
            if may_write && named.is_dir() {
                fsync(named)?;
            }
        }
        let log =
            if options.tolerates_damage() { CorruptionLog::tolerant() } else { CorruptionLog::strict() };
        if let Some(what) = files.leftovers(directory)? {
            let error = StoreError::corrupt(directory, what);
            if !options.tolerates_damage() {
                return Err(error);
            }
            log.report(error)?;
        }
        if may_write && !options.tolerates_damage() {
            remove_temporary(directory)?;
        }
        let Recovery { history, mut state, start } =
            recover(directory, &files, RecoverFrom::Fastest, options, (&lock, &log))?;
        state.corruption = log.into_findings();
        let health = Arc::new(StoreHealth::default());
        let journal = if !state.corruption.is_empty() {
            health.fail(&"the store is damaged and was opened read-only");
            None
        } else if may_write {
            files.older_bases.iter().try_for_each(|older| remove(older))?;
            Some(Journal::resume(&history, &state.digest, options.checkpoint_journal_bytes)?)
        } else {
            health.set_read_only();
            None
        };
        let mut store = Self {
            directory: directory.to_owned(),
            journal,
            position: state.position,
            damaged: state.digest,
            health,
            running: None,
            checkpoint_bytes: 0,
            min_checkpoint_bytes: options.checkpoint_journal_bytes,
            snapshot_file_revision: start.watermarks.last,
            _lock: lock,
        };
        let is_whole = files.base.is_some() || store.snapshot_file_revision == Revision::ZERO;
        if is_whole {
            store.checkpoint_bytes = store.checkpoint_bytes_for(files.base.as_deref());
        }
        Ok((store, state))
    }

    /// Returns whether a directory holds a store of this engine.
    #[must_use]
    pub fn exists(directory: &Path) -> bool {
        let found = StoreFiles::find(directory);
        found.is_ok_and(|files| files.is_store() || files.leftovers(directory).is_ok_and(|it| it.is_some()))
    }

    /// Writes a full checkpoint and waits for it.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn compact(&mut self, contents: Contents) -> Result<(), StoreError> {
        self.finish_checkpoint();
        let (next_segment, digest) = self.roll().inspect_err(|error| self.health.record(error))?;
        self.checkpoint_job(contents, digest, next_segment).run(&|| false)?;
        if let Some(journal) = &mut self.journal {
            journal.forget_before(next_segment);
        }
        self.snapshot_file_revision = digest.watermarks.last;
        Ok(())
    }

    /// Closes the store and removes its position in a replicated log: it is that of a single node when it is opened next, and
    /// the log of the cluster in its directory is removed. Everything else stays as it is. `contents` is the state after the last
    /// commit or appended batch. A crash leaves the store with its position, or without it.
    ///
    /// # Errors
    /// As [`Store::commit`], and [`StoreError::Corrupt`] if `contents` is another state. The position is removed or not.
    pub fn remove_position(mut self, contents: &Contents) -> Result<(), StoreError> {
        if let Some(running) = self.running.take() {
            running.abandon();
        }
        writable(&mut self.journal, &self.health)?;
        // Base, snapshot file and journal contain positions, and none of them may be left: so all are replaced.
        let (staging, digest) = (replacement::prepare_staging(&self.directory)?, self.digest());
        new_store::create(&staging, &digest, |base| write_base(base, contents, (&digest, None), &|| false))?;
        replacement::replace_locked(&self.directory)
    }

    /// A checkpoint rewrites everything: the larger the base, the longer the journal may grow before that
    /// pays off, bounded so that replay at startup stays short.
    fn checkpoint_bytes_for(&self, base: Option<&Path>) -> u64 {
        let base_bytes = base.map_or(0, disk_usage);
        (base_bytes / 4).clamp(self.min_checkpoint_bytes, 4 * self.min_checkpoint_bytes)
    }

    fn finish_checkpoint(&mut self) {
        let Some(running) = self.running.take() else { return };
        let (next_segment, digest) = (running.next_segment, running.digest);
        match running.join() {
            Ok(()) => {
                if let Some(journal) = &mut self.journal {
                    journal.forget_before(next_segment);
                }
                self.snapshot_file_revision = digest.watermarks.last;
                let base = StoreFiles::find(&self.directory).ok().and_then(|files| files.base);
                self.checkpoint_bytes = self.checkpoint_bytes_for(base.as_deref());
            }
            Err(error) => {
                tracing::warn!(%error, "checkpoint failed; the journal is kept, and the checkpoint will be retried");
                self.checkpoint_bytes += self.min_checkpoint_bytes / 2;
            }
        }
    }

    /// Starts a new segment of the journal for the commits after a checkpoint. Returns its number and the digest.
    fn roll(&mut self) -> Result<(u64, StateDigest), StoreError> {
        let journal = writable(&mut self.journal, &self.health)?;
        let (next_segment, digest) = (journal.roll()?, *journal.digest());
        // A checkpoint keeps the base of a revision that has not changed, whose position may be an earlier one.
        if let Some(position) = &self.position {
            journal.commit(&[position_operation(position)], &digest)?;
        }
        Ok((next_segment, digest))
    }

    fn checkpoint_job(&self, contents: Contents, digest: StateDigest, next_segment: u64) -> CheckpointJob {
        let (directory, health) = (self.directory.clone(), Arc::clone(&self.health));
        CheckpointJob { directory, contents, digest, position: self.position, next_segment, health }
    }

    fn start_checkpoint(&mut self, contents: Contents) -> Result<(), StoreError> {
        let (next_segment, digest) = self.roll()?;
        let job = self.checkpoint_job(contents, digest, next_segment);
        self.running = Some(RunningCheckpoint::start(job)?);
        Ok(())
    }
}

impl Drop for DurableStore {
    /// Stops a running checkpoint: another process may lock the directory next.
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abandon();
        }
    }
}

impl Store for DurableStore {
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let journal = writable(&mut self.journal, &self.health)?;
        let digest = batch.apply_to(*journal.digest());
        let committed = journal.commit(&operations_of(batch), &digest);
        committed.inspect_err(|error| self.health.record(error))?;
        self.position = batch.position.or(self.position);
        Ok(())
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let journal = writable(&mut self.journal, &self.health)?;
        let digest = batch.apply_to(*journal.digest());
        let appended = journal.append(&operations_of(batch), &digest);
        appended.inspect_err(|error| self.health.record(error))?;
        self.position = batch.position.or(self.position);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        if !self.journal.as_ref().is_some_and(Journal::has_unsynced) {
            return Ok(());
        }
        let journal = writable(&mut self.journal, &self.health)?;
        journal.sync().inspect_err(|error| self.health.record(error))
    }

    fn digest(&self) -> StateDigest {
        self.journal.as_ref().map_or(self.damaged, |journal| *journal.digest())
    }

    fn position(&self) -> Option<LogPosition> {
        self.position
    }

    fn health(&self) -> Arc<StoreHealth> {
        Arc::clone(&self.health)
    }

    fn is_checkpoint_due(&mut self) -> bool {
        match &self.running {
            Some(running) if !running.is_finished() => false,
            _ => {
                self.finish_checkpoint();
                let used = self.journal.as_ref().map_or(0, Journal::used);
                used >= self.checkpoint_bytes && self.health.failure().is_none()
            }
        }
    }

    fn checkpoint(&mut self, contents: Contents) {
        let is_under_way = self.running.as_ref().is_some_and(|running| !running.is_finished());
        if is_under_way || self.health.failure().is_some() {
            return;
        }
        self.finish_checkpoint();
        if let Err(error) = self.start_checkpoint(contents) {
            self.health.record(&error);
            tracing::warn!(%error, "cannot start a checkpoint; the journal is kept, and the checkpoint will be retried");
            self.checkpoint_bytes += self.min_checkpoint_bytes / 2;
        }
    }

    fn close(mut self: Box<Self>, contents: Contents) -> Result<(), StoreError> {
        if let Some(running) = self.running.take() {
            running.abandon();
        }
        if self.health.failure().is_some() || self.journal.is_none() {
            return Ok(());
        }
        self.sync()?;
        let digest = self.digest();
        let changes = digest.watermarks.last.0.saturating_sub(self.snapshot_file_revision.0);
        // A short replay costs less than a new snapshot file.
        let is_worthwhile = changes > digest.records / 50 + 1_000;
        if !is_worthwhile {
            return Ok(());
        }
        let path = StoreFiles::find(&self.directory)?.snapshot_file;
        write_snapshot_file(&path, &contents, (&digest, self.position.as_ref()))
    }
}

/// Returns the journal of a store that may be written to.
fn writable<'a>(
    journal: &'a mut Option<Journal>,
    health: &StoreHealth,
) -> Result<&'a mut Journal, StoreError> {
    match journal {
        Some(journal) if health.failure().is_none() => Ok(journal),
        _ => Err(StoreError::ReadOnly { reason: health.failure().unwrap_or_default().to_owned() }),
    }
}

/// Returns the journal operations of a batch.
fn operations_of(batch: &Batch<'_>) -> Vec<Operation> {
    // Removals come first: of two operations on one key the later wins.
    let mut operations: Vec<Operation> = batch.forgotten_keys().into_iter().map(|key| (key, None)).collect();
    for change in batch.changes {
        match change {
            Change::Put(stored) => {
                operations.push((merchant_key(&stored.merchant.id), Some(encode_merchant(stored))));
            }
            Change::Delete { id, revision } => {
                operations.push((merchant_key(id), None));
                let (key, value) = encode_deletion(id, *revision);
                operations.push((key, Some(value)));
            }
        }
    }
    let done = batch.completed.iter().flat_map(|request| encode_request(request));
    operations.extend(done.map(|(key, value)| (key, Some(value))));
    if let Some(position) = &batch.position {
        operations.push(position_operation(position));
    }
    operations
}

fn position_operation(position: &LogPosition) -> Operation {
    let (key, value) = encode_position(position);
    (key, Some(value))
}

#[cfg(test)]
mod tests;
