//! Fault `model`: random sequences of store operations and faults, compared with an in-memory model: commits, checkpoints, stops,
//! crashes, torn journal ends, lost snapshot files, compactions, backups and restores.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use nearby_index::{
    AnyPosition, Change, IndexWriter, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant,
    Terms, UnixMicros, Visibility,
};
use nearby_store::{
    Batch, CompletedRequest, Contents, DurableStore, Forget, RecoveredState, RequestId, Store, StoreOptions,
    Watermarks, backup, verify,
};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::{
    args::{Args, rng_of},
    error::Result,
    report::Report,
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    args: Args,
}

pub(crate) fn run(args: &ModelArgs) -> Result<ExitCode> {
    let mut report = Report::new("model", args.args.seed, &args.args.paths);
    let work = args.args.paths.work_dir()?;
    ["sequences", "steps", "crashes", "restores"].iter().for_each(|key| report.add(key, 0));
    for case in args.args.cases() {
        let directory = work.path().join("sequence");
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory)?;
        report.add("sequences", 1);
        match sequence(&directory, &mut rng_of(args.args.seed, case)) {
            Ok(counts) => {
                report.add("steps", counts.steps);
                report.add("crashes", counts.crashes);
                report.add("restores", counts.restores);
            }
            Err(error) => report.fail(case, &error.to_string(), &[("sequence", &directory)])?,
        }
    }
    report.finish()
}

/// Counts of a sequence.
#[derive(Default)]
struct Counts {
    steps: u64,
    crashes: u64,
    restores: u64,
}

/// Expected content of a store.
#[derive(Clone, Default)]
struct Model {
    watermarks: Watermarks,
    merchants: BTreeMap<MerchantId, Arc<StoredMerchant>>,
    deletions: BTreeMap<Revision, MerchantId>,
    requests: BTreeMap<RequestId, Arc<CompletedRequest>>,
}

/// A store, its model, and the index that a server would have in memory.
struct Pair {
    directory: PathBuf,
    store: DurableStore,
    index: IndexWriter,
    model: Model,
}

/// A short journal, so that checkpoints are due.
const OPTIONS: StoreOptions<'static> =
    StoreOptions { checkpoint_journal_bytes: 1 << 18, ..StoreOptions::DEFAULT };

/// Runs a random sequence. Fails if the store differs from the model after a step.
fn sequence(directory: &Path, rng: &mut Pcg64Mcg) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut pair = Pair::open(directory.join("0"), Model::default())?;
    let mut backups: Vec<(PathBuf, Model)> = Vec::new();
    let mut copies = 0;
    for _ in 0..rng.random_range(5..60) {
        counts.steps += 1;
        match rng.random_range(0..100) {
            0..60 => pair.commit(rng)?,
            60..68 => pair.checkpoint(rng)?,
            68..74 => pair = pair.stop()?,
            74..84 => {
                counts.crashes += 1;
                pair = pair.crash(rng)?;
            }
            84..88 => pair = pair.lose_snapshot_file()?,
            88..91 => pair = pair.compact()?,
            91..96 => {
                let path = directory.join(format!("{}.backup", backups.len()));
                backups.push((path.clone(), pair.back_up(&path)?));
            }
            _ => {
                let Some(at) = backups.len().checked_sub(1) else { continue };
                let (backup, model) = &backups[rng.random_range(0..=at)];
                copies += 1;
                counts.restores += 1;
                pair = restore(backup, directory.join(format!("{copies}")), model)?;
            }
        }
    }
    let Pair { directory, store, model, .. } = pair.stop()?;
    drop(store);
    let report = verify(&directory, &OPTIONS)?;
    if !report.corruption.is_empty() || report.merchants != model.merchants.len() as u64 {
        return Err(
            format!("verify reports {report:?}; {} merchants are expected", model.merchants.len()).into()
        );
    }
    Ok(counts)
}

impl Pair {
    /// Opens a store, whose content must equal the model.
    fn open(directory: PathBuf, model: Model) -> Result<Self> {
        let (store, recovered) = DurableStore::open(&directory, &OPTIONS)?;
        model.compare(&recovered)?;
        let index = IndexWriter::load(recovered.merchants, recovered.digest.watermarks.last);
        Ok(Self { directory, store, index, model })
    }

    /// Commits a random batch.
    fn commit(&mut self, rng: &mut Pcg64Mcg) -> Result<()> {
        let mut next = self.model.clone();
        let (mut changes, mut replaces) = (Vec::new(), Vec::new());
        for _ in 0..rng.random_range(1..=40) {
            let (change, replaced) = next.change(rng)?;
            changes.push(change);
            replaces.push(replaced);
        }
        let mut forget = Vec::new();
        if rng.random_bool(0.3)
            && let Some((revision, _)) = self.model.deletions.first_key_value()
        {
            forget.push(Forget::Deletion(*revision));
            next.watermarks.deletions_since = *revision;
            next.deletions.remove(revision);
        }
        if rng.random_bool(0.2)
            && let Some((id, request)) = self.model.requests.first_key_value()
        {
            forget.push(Forget::Request { id: *id, outcomes: request.outcomes.len() });
            next.requests.remove(id);
        }
        let mut completed = Vec::new();
        if rng.random_bool(0.3) {
            let request = CompletedRequest {
                id: RequestId(rng.random::<u128>().to_le_bytes()),
                fingerprint: [7; 16],
                completed_at: UnixMicros(1),
                outcomes: changes.clone(),
            };
            next.requests.insert(request.id, Arc::new(request.clone()));
            completed.push(Arc::new(request));
        }
        let deletions_since = next.watermarks.deletions_since;
        let batch = Batch {
            changes: &changes,
            replaces: &replaces,
            completed: &completed,
            forget: &forget,
            deletions_since,
            position: None,
        };
        self.store.commit(&batch)?;
        self.index.apply(&changes);
        self.model = next;
        Ok(())
    }

    fn content(&self) -> Contents {
        Contents {
            snapshot: self.index.reader().snapshot(),
            deletions: self.model.deletions.iter().map(|(at, id)| (*at, id.clone())).collect(),
            requests: self.model.requests.values().cloned().collect(),
        }
    }

    /// Starts a checkpoint if one is due, or at random, and may wait for it.
    fn checkpoint(&mut self, rng: &mut Pcg64Mcg) -> Result<()> {
        if self.store.is_checkpoint_due() || rng.random_bool(0.3) {
            self.store.checkpoint(self.content());
            if rng.random_bool(0.5) {
                std::thread::sleep(Duration::from_millis(rng.random_range(0..40)));
            }
        }
        Ok(())
    }

    fn stop(self) -> Result<Self> {
        let content = self.content();
        Box::new(self.store).close(content)?;
        Self::open(self.directory, self.model)
    }

    /// Drops the store without closing it, and may leave an incomplete commit at the end of the journal.
    fn crash(self, rng: &mut Pcg64Mcg) -> Result<Self> {
        let Self { directory, store, model, .. } = self;
        drop(store);
        if rng.random_bool(0.7) {
            tear_journal_end(&directory.join("journal"), rng)?;
        }
        Self::open(directory, model)
    }

    fn lose_snapshot_file(self) -> Result<Self> {
        let Self { directory, store, model, .. } = self;
        drop(store);
        drop(fs::remove_file(directory.join("image")));
        Self::open(directory, model)
    }

    fn compact(mut self) -> Result<Self> {
        let content = self.content();
        self.store.compact(content)?;
        let Self { directory, store, model, .. } = self;
        drop(store);
        Self::open(directory, model)
    }

    fn back_up(&self, path: &Path) -> Result<Model> {
        let file = fs::File::create(path)?;
        backup::write(file, &self.content(), &self.store.digest(), None, UnixMicros(3))?;
        Ok(self.model.clone())
    }
}

/// Restores a backup: the store has its merchants and requests, no deletions, and a revision far beyond that of the backup.
fn restore(path: &Path, directory: PathBuf, model: &Model) -> Result<Pair> {
    backup::restore(path, &directory)?;
    let last = Revision(model.watermarks.last.0 + backup::REVISIONS_SKIPPED);
    let watermarks = Watermarks { last, deletions_since: last };
    Pair::open(directory, Model { watermarks, deletions: BTreeMap::new(), ..model.clone() })
}

/// Writes bytes after the last commit of the last segment, as an incomplete write leaves them.
fn tear_journal_end(journal: &Path, rng: &mut Pcg64Mcg) -> Result<()> {
    let mut segments: Vec<PathBuf> =
        fs::read_dir(journal)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    segments.retain(|path| path.extension().is_some_and(|ending| ending == "journal"));
    segments.sort();
    let Some(path) = segments.last() else { return Ok(()) };
    let mut bytes = fs::read(path)?;
    let end = end_of(&bytes);
    let length = rng.random_range(0..2_000).min(bytes.len() - end);
    let first = bytes[4_096 + 8..].first_chunk().copied().map_or(0, u32::from_le_bytes) as usize;
    if rng.random_bool(0.5) {
        // A prefix of a real frame, but never all of it, which would be a complete write. Unwritten bytes are zero, so at least
        // the last byte that is not zero must be missing.
        let frame = bytes.get(4_096..4_096 + 64 + first).unwrap_or_default();
        let length = length.min(frame.iter().rposition(|byte| *byte != 0).unwrap_or_default());
        bytes.copy_within(4_096..4_096 + length, end);
    } else {
        bytes[end..end + length].iter_mut().for_each(|byte| *byte = rng.random());
    }
    Ok(fs::write(path, bytes)?)
}

/// Returns the end of the last commit of a segment. A frame has a header of 64 bytes, with its length in bytes 8 to 11.
fn end_of(segment: &[u8]) -> usize {
    let mut end = 4_096;
    while segment[end..].starts_with(b"NJF1") {
        let length = segment[end + 8..].first_chunk().copied().map_or(0, u32::from_le_bytes);
        end += 64 + length as usize;
    }
    end
}

impl Model {
    /// Makes a random change; returns it with the revision that it replaces.
    fn change(&mut self, rng: &mut Pcg64Mcg) -> Result<(Change, Option<Revision>)> {
        let revision = self.watermarks.last.next();
        self.watermarks.last = revision;
        let id = MerchantId::parse(&format!("m{}", rng.random_range(0..200)))?;
        let before = self.merchants.get(&id).cloned();
        let replaced = before.as_ref().map(|before| before.revision);
        if before.is_some() && rng.random_bool(0.25) {
            self.merchants.remove(&id);
            self.deletions.insert(revision, id.clone());
            return Ok((Change::Delete { id, revision }, replaced));
        }
        let position = Position::new(rng.random_range(-89.0..89.0), rng.random_range(-179.0..179.0))?;
        let length = if rng.random_bool(0.01) { 30_000 } else { rng.random_range(0..600) };
        let merchant = Merchant {
            id: id.clone(),
            position: AnyPosition::Wgs84(position),
            visibility: if rng.random_bool(0.1) { Visibility::Hidden } else { Visibility::Visible },
            terms: Terms::default(),
            details: None,
            profile: Profile::new(&vec![rng.random(); length])?,
        };
        let (create_time, update_time) = (UnixMicros(rng.random()), UnixMicros(rng.random()));
        let stored = Arc::new(StoredMerchant {
            merchant,
            revision,
            position_revision: revision,
            create_time,
            update_time,
        });
        self.merchants.insert(id, Arc::clone(&stored));
        Ok((Change::Put(stored), replaced))
    }

    /// Fails unless a store has exactly this content.
    fn compare(&self, recovered: &RecoveredState) -> Result<()> {
        let differs = |what: &str| Err(format!("the {what} of the store differ from the model").into());
        if recovered.digest.watermarks != self.watermarks {
            return Err(format!(
                "the watermarks are {:?} instead of {:?}",
                recovered.digest.watermarks, self.watermarks
            )
            .into());
        }
        if !recovered.merchants.iter().eq(self.merchants.values()) {
            return differs("merchants");
        }
        if !recovered.deletions.iter().map(|(at, id)| (at, id)).eq(&self.deletions) {
            return differs("deletions");
        }
        if !recovered.requests.iter().eq(self.requests.values()) {
            return differs("requests");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo crash model --count 10000` runs more.
    #[test]
    fn the_store_equals_the_model_after_300_random_sequences() {
        let work = tempfile::tempdir().unwrap();
        let (mut crashes, mut restores) = (0, 0);
        for case in 0..300 {
            let directory = work.path().join("sequence");
            fs::create_dir_all(&directory).unwrap();
            let counts = sequence(&directory, &mut rng_of(1, case))
                .unwrap_or_else(|error| panic!("cargo crash model --seed 1 --case {case}: {error}"));
            crashes += counts.crashes;
            restores += counts.restores;
            fs::remove_dir_all(&directory).unwrap();
        }
        assert!(crashes > 300 && restores > 50, "{crashes} crashes, {restores} restores");
    }
}
