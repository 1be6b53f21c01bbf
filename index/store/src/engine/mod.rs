//! The engine on disk: a journal, and behind it a base that checkpoints take the journal into.
//!
//! ```text
//! commit     → journal: written, synced            acknowledged from here on
//! checkpoint → base-REVISION, written afresh       then the journal up to there goes
//!            → image                               a cache for the next start
//! ```

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nearby_index::{Change, Revision};

use crate::{
    Batch, Condition, Content, Faults, Loaded, Opening, Store, StoreError, Tally,
    checkpoint::{Plan, UnderWay, write_image},
    codec::{encode_deletion, encode_merchant, encode_request, merchant_key},
    fs::{bytes_below, create_durably, parent_of, remove, remove_unfinished, sync},
    journal::{Journal, Operation},
    lock::DirectoryLock,
    recovery::{Examined, Files, From, examine},
};

/// Keeps merchants in a directory, which it holds for this process.
#[derive(Debug)]
pub struct DurableStore {
    directory: PathBuf,
    /// None where the store was opened in spite of its faults.
    journal: Option<Journal>,
    /// What there is where there is no journal.
    salvaged: Tally,
    condition: Arc<Condition>,
    under_way: Option<UnderWay>,
    /// Bytes that the journal may have before a checkpoint is due.
    journal_bytes: u64,
    /// As set by whoever opened it.
    least_journal_bytes: u64,
    /// The revision of the image, or the base's where there is none.
    image_at: Revision,
    _lock: DirectoryLock,
}

impl DurableStore {
    /// Opens a directory, or makes it, and reads all that is in it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process holds it, [`StoreError::Io`] where it cannot be made or read,
    /// [`StoreError::Full`] where there is no room to open it, [`StoreError::Corrupt`] where what is in it is not what was
    /// committed.
    pub fn open(directory: &Path, opening: &Opening<'_>) -> Result<(Self, Loaded), StoreError> {
        create_durably(directory)?;
        let lock = DirectoryLock::acquire(directory)?;
        let files = Files::find(directory)?;
        // An earlier run may have been killed between giving something its name and making that durable.
        for named in [parent_of(directory), directory, &files.journal] {
            if named.is_dir() {
                sync(named)?;
            }
        }
        let faults = if opening.salvage { Faults::noted() } else { Faults::refused() };
        if let Some(what) = files.remains(directory)? {
            let error = StoreError::corrupt(directory, what);
            if !opening.salvage {
                return Err(error);
            }
            faults.found(error)?;
        }
        if !opening.salvage {
            remove_unfinished(directory)?;
        }
        let Examined { history, mut loaded, start } =
            examine(directory, &files, From::Fastest, opening, &faults)?;
        loaded.faults = faults.into_noted();
        let condition = Arc::new(Condition::default());
        let journal = if loaded.faults.is_empty() {
            files.older_bases.iter().try_for_each(|older| remove(older))?;
            Some(Journal::resume(&history, &loaded.tally, opening.journal_bytes)?)
        } else {
            condition.fail(&"it is damaged, and was opened for what is sound in it");
            None
        };
        let mut store = Self {
            directory: directory.to_owned(),
            journal,
            salvaged: loaded.tally,
            condition,
            under_way: None,
            journal_bytes: 0,
            least_journal_bytes: opening.journal_bytes,
            image_at: start.extent.last,
            _lock: lock,
        };
        let is_whole = files.base.is_some() || store.image_at == Revision::ZERO;
        if is_whole {
            store.journal_bytes = store.journal_bytes_for(files.base.as_deref());
        }
        Ok((store, loaded))
    }

    /// Whether a directory holds a store of this engine.
    #[must_use]
    pub fn is_in(directory: &Path) -> bool {
        let found = Files::find(directory);
        found.is_ok_and(|files| files.is_store() || files.remains(directory).is_ok_and(|it| it.is_some()))
    }

    /// Takes all into a new base, and waits for it.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn compact(&mut self, content: Content) -> Result<(), StoreError> {
        self.finish_checkpoint();
        let journal = match &mut self.journal {
            Some(journal) if self.condition.failure().is_none() => journal,
            _ => return Err(read_only(&self.condition)),
        };
        let (next_segment, tally) = (journal.roll()?, *journal.tally());
        self.plan(content, tally, next_segment).run(&|| false)?;
        if let Some(journal) = &mut self.journal {
            journal.forget_before(next_segment);
        }
        self.image_at = tally.extent.last;
        Ok(())
    }

    /// A checkpoint writes all anew: the larger the base, the longer the journal may become before that pays, up to where
    /// a start would take long.
    fn journal_bytes_for(&self, base: Option<&Path>) -> u64 {
        let base_bytes = base.map_or(0, bytes_below);
        (base_bytes / 4).clamp(self.least_journal_bytes, 4 * self.least_journal_bytes)
    }

    fn finish_checkpoint(&mut self) {
        let Some(under_way) = self.under_way.take() else { return };
        let (next_segment, tally) = (under_way.next_segment, under_way.tally);
        match under_way.join() {
            Ok(()) => {
                if let Some(journal) = &mut self.journal {
                    journal.forget_before(next_segment);
                }
                self.image_at = tally.extent.last;
                let base = Files::find(&self.directory).ok().and_then(|files| files.base);
                self.journal_bytes = self.journal_bytes_for(base.as_deref());
            }
            Err(error) => {
                tracing::warn!(%error, "a checkpoint failed; the journal keeps everything, and it will be tried again");
                self.journal_bytes += self.least_journal_bytes / 2;
            }
        }
    }

    fn plan(&self, content: Content, tally: Tally, next_segment: u64) -> Plan {
        let (directory, condition) = (self.directory.clone(), Arc::clone(&self.condition));
        Plan { directory, content, tally, next_segment, condition }
    }

    fn begin_checkpoint(&mut self, content: Content) -> Result<(), StoreError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let (next_segment, tally) = (journal.roll()?, *journal.tally());
        let plan = self.plan(content, tally, next_segment);
        self.under_way = Some(UnderWay::begin(plan)?);
        Ok(())
    }
}

impl Drop for DurableStore {
    /// A checkpoint must not go on in a directory that another may hold.
    fn drop(&mut self) {
        if let Some(under_way) = self.under_way.take() {
            under_way.abandon();
        }
    }
}

impl Store for DurableStore {
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let journal = match &mut self.journal {
            Some(journal) if self.condition.failure().is_none() => journal,
            _ => return Err(read_only(&self.condition)),
        };
        let tally = journal.tally().after(batch);
        journal.append(&operations_of(batch), &tally).inspect_err(|error| {
            if error.is_failure() {
                self.condition.fail(error);
            }
        })
    }

    fn tally(&self) -> Tally {
        self.journal.as_ref().map_or(self.salvaged, |journal| *journal.tally())
    }

    fn condition(&self) -> Arc<Condition> {
        Arc::clone(&self.condition)
    }

    fn is_checkpoint_due(&mut self) -> bool {
        match &self.under_way {
            Some(under_way) if !under_way.is_finished() => false,
            _ => {
                self.finish_checkpoint();
                let used = self.journal.as_ref().map_or(0, Journal::used);
                used >= self.journal_bytes && self.condition.failure().is_none()
            }
        }
    }

    fn checkpoint(&mut self, content: Content) {
        let is_under_way = self.under_way.as_ref().is_some_and(|under_way| !under_way.is_finished());
        if is_under_way || self.condition.failure().is_some() {
            return;
        }
        self.finish_checkpoint();
        if let Err(error) = self.begin_checkpoint(content) {
            if error.is_failure() {
                self.condition.fail(&error);
            }
            tracing::warn!(%error, "a checkpoint cannot begin; the journal keeps everything, and it will be tried again");
            self.journal_bytes += self.least_journal_bytes / 2;
        }
    }

    fn close(mut self: Box<Self>, content: Content) -> Result<(), StoreError> {
        if let Some(under_way) = self.under_way.take() {
            under_way.abandon();
        }
        let tally = self.tally();
        let changes = tally.extent.last.0.saturating_sub(self.image_at.0);
        // What a start replays in a moment needs no new image.
        let is_worth_it = changes > tally.records / 50 + 1_000;
        if self.condition.failure().is_some() || self.journal.is_none() || !is_worth_it {
            return Ok(());
        }
        write_image(&Files::find(&self.directory)?.image, &content, &tally)
    }
}

fn read_only(condition: &Condition) -> StoreError {
    StoreError::ReadOnly { reason: condition.failure().unwrap_or_default().to_owned() }
}

/// What a batch writes and removes.
fn operations_of(batch: &Batch<'_>) -> Vec<Operation> {
    // First: of two operations on one key the later counts.
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
    let done = batch.done.iter().flat_map(|request| encode_request(request));
    operations.extend(done.map(|(key, value)| (key, Some(value))));
    operations
}

#[cfg(test)]
mod tests;
