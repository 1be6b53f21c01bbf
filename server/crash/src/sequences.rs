//! Random sequences of what can happen to a store, beside a model that cannot fail: changes in batches, checkpoints, stops,
//! crashes, torn ends, lost caches, compactions, backups and their restoring.

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

use crate::{Args, Outcome, random_of, report::Report};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    args: Args,
}

pub(crate) fn run(args: &ModelArgs) -> Outcome<ExitCode> {
    let mut report = Report::new("model", &args.args);
    let work = args.args.work()?;
    ["sequences", "steps", "crashes", "restores"].iter().for_each(|key| report.add(key, 0));
    for case in args.args.cases() {
        let place = work.path().join("sequence");
        drop(fs::remove_dir_all(&place));
        fs::create_dir_all(&place)?;
        report.add("sequences", 1);
        match sequence(&place, &mut random_of(args.args.seed, case)) {
            Ok(done) => {
                report.add("steps", done.steps);
                report.add("crashes", done.crashes);
                report.add("restores", done.restores);
            }
            Err(error) => report.fail(case, &error.to_string(), &[("sequence", &place)])?,
        }
    }
    report.finish()
}

#[derive(Default)]
struct Done {
    steps: u64,
    crashes: u64,
    restores: u64,
}

/// What must be there.
#[derive(Clone, Default)]
struct Model {
    extent: Watermarks,
    merchants: BTreeMap<MerchantId, Arc<StoredMerchant>>,
    deletions: BTreeMap<Revision, MerchantId>,
    requests: BTreeMap<RequestId, Arc<CompletedRequest>>,
}

/// A store, what must be in it, and what the server would have of it in memory.
struct Pair {
    directory: PathBuf,
    store: DurableStore,
    index: IndexWriter,
    model: Model,
}

/// Short, so that checkpoints come.
const OPENING: StoreOptions<'static> =
    StoreOptions { checkpoint_journal_bytes: 1 << 18, ..StoreOptions::DEFAULT };

fn sequence(place: &Path, random: &mut Pcg64Mcg) -> Outcome<Done> {
    let mut done = Done::default();
    let mut pair = Pair::open(place.join("0"), Model::default())?;
    let mut backups: Vec<(PathBuf, Model)> = Vec::new();
    let mut copies = 0;
    for _ in 0..random.random_range(5..60) {
        done.steps += 1;
        match random.random_range(0..100) {
            0..60 => pair.commit(random)?,
            60..68 => pair.checkpoint(random)?,
            68..74 => pair = pair.stop()?,
            74..84 => {
                done.crashes += 1;
                pair = pair.crash(random)?;
            }
            84..88 => pair = pair.lose_image()?,
            88..91 => pair = pair.compact()?,
            91..96 => {
                let path = place.join(format!("{}.backup", backups.len()));
                backups.push((path.clone(), pair.back_up(&path)?));
            }
            _ => {
                let Some(at) = backups.len().checked_sub(1) else { continue };
                let (backup, of_backup) = &backups[random.random_range(0..=at)];
                copies += 1;
                done.restores += 1;
                pair = restore(backup, place.join(format!("{copies}")), of_backup)?;
            }
        }
    }
    let Pair { directory, store, model, .. } = pair.stop()?;
    drop(store);
    let found = verify(&directory, &OPENING)?;
    if !found.corruption.is_empty() || found.merchants != model.merchants.len() as u64 {
        return Err(format!("verified: {found:?}, {} merchants were expected", model.merchants.len()).into());
    }
    Ok(done)
}

impl Pair {
    /// Opens a store, which must hold what the model does.
    fn open(directory: PathBuf, model: Model) -> Outcome<Self> {
        let (store, loaded) = DurableStore::open(&directory, &OPENING)?;
        model.compare(&loaded)?;
        let index = IndexWriter::load(loaded.merchants, loaded.digest.watermarks.last);
        Ok(Self { directory, store, index, model })
    }

    fn commit(&mut self, random: &mut Pcg64Mcg) -> Outcome<()> {
        let mut next = self.model.clone();
        let (mut changes, mut replaces) = (Vec::new(), Vec::new());
        for _ in 0..random.random_range(1..=40) {
            let (change, replaced) = next.change(random)?;
            changes.push(change);
            replaces.push(replaced);
        }
        let mut forget = Vec::new();
        if random.random_bool(0.3)
            && let Some((revision, _)) = self.model.deletions.first_key_value()
        {
            forget.push(Forget::Deletion(*revision));
            next.extent.deletions_since = *revision;
            next.deletions.remove(revision);
        }
        if random.random_bool(0.2)
            && let Some((id, request)) = self.model.requests.first_key_value()
        {
            forget.push(Forget::Request { id: *id, outcomes: request.outcomes.len() });
            next.requests.remove(id);
        }
        let mut done = Vec::new();
        if random.random_bool(0.3) {
            let request = CompletedRequest {
                id: RequestId(random.random::<u128>().to_le_bytes()),
                fingerprint: [7; 16],
                completed_at: UnixMicros(1),
                outcomes: changes.clone(),
            };
            next.requests.insert(request.id, Arc::new(request.clone()));
            done.push(Arc::new(request));
        }
        let deletions_since = next.extent.deletions_since;
        let batch = Batch {
            changes: &changes,
            replaces: &replaces,
            completed: &done,
            forget: &forget,
            deletions_since,
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

    /// Begins a checkpoint if one is due, and perhaps waits for it.
    fn checkpoint(&mut self, random: &mut Pcg64Mcg) -> Outcome<()> {
        if self.store.is_checkpoint_due() || random.random_bool(0.3) {
            self.store.checkpoint(self.content());
            if random.random_bool(0.5) {
                std::thread::sleep(Duration::from_millis(random.random_range(0..40)));
            }
        }
        Ok(())
    }

    fn stop(self) -> Outcome<Self> {
        let content = self.content();
        Box::new(self.store).close(content)?;
        Self::open(self.directory, self.model)
    }

    /// Ends without a word, with the next commit half written or not.
    fn crash(self, random: &mut Pcg64Mcg) -> Outcome<Self> {
        let Self { directory, store, model, .. } = self;
        drop(store);
        if random.random_bool(0.7) {
            tear(&directory.join("journal"), random)?;
        }
        Self::open(directory, model)
    }

    fn lose_image(self) -> Outcome<Self> {
        let Self { directory, store, model, .. } = self;
        drop(store);
        drop(fs::remove_file(directory.join("image")));
        Self::open(directory, model)
    }

    fn compact(mut self) -> Outcome<Self> {
        let content = self.content();
        self.store.compact(content)?;
        let Self { directory, store, model, .. } = self;
        drop(store);
        Self::open(directory, model)
    }

    fn back_up(&self, path: &Path) -> Outcome<Model> {
        let file = fs::File::create(path)?;
        backup::write(file, &self.content(), &self.store.digest(), UnixMicros(3))?;
        Ok(self.model.clone())
    }
}

/// The store of a backup: with its merchants and requests, without its deletions, and further on.
fn restore(path: &Path, directory: PathBuf, of_backup: &Model) -> Outcome<Pair> {
    backup::restore(path, &directory)?;
    let last = Revision(of_backup.extent.last.0 + backup::REVISIONS_SKIPPED);
    let extent = Watermarks { last, deletions_since: last };
    Pair::open(directory, Model { extent, deletions: BTreeMap::new(), ..of_backup.clone() })
}

/// Writes some bytes behind the last commit of the last segment, as a write that was cut off leaves them.
fn tear(journal: &Path, random: &mut Pcg64Mcg) -> Outcome<()> {
    let mut segments: Vec<PathBuf> =
        fs::read_dir(journal)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    segments.retain(|path| path.extension().is_some_and(|ending| ending == "journal"));
    segments.sort();
    let Some(path) = segments.last() else { return Ok(()) };
    let mut bytes = fs::read(path)?;
    let end = end_of(&bytes);
    let length = random.random_range(0..2_000).min(bytes.len() - end);
    let first = bytes[4_096 + 8..].first_chunk().copied().map_or(0, u32::from_le_bytes) as usize;
    if random.random_bool(0.5) {
        // The beginning of a real frame, but never all of it: that is a write that was finished. What is not written is
        // zero, so the last byte that is not must be missing.
        let frame = bytes.get(4_096..4_096 + 64 + first).unwrap_or_default();
        let length = length.min(frame.iter().rposition(|byte| *byte != 0).unwrap_or_default());
        bytes.copy_within(4_096..4_096 + length, end);
    } else {
        bytes[end..end + length].iter_mut().for_each(|byte| *byte = random.random());
    }
    Ok(fs::write(path, bytes)?)
}

/// Where the last commit of a segment ends: each says its length in the bytes 8 to 11 of its 64 of header.
fn end_of(segment: &[u8]) -> usize {
    let mut end = 4_096;
    while segment[end..].starts_with(b"NJF1") {
        let length = segment[end + 8..].first_chunk().copied().map_or(0, u32::from_le_bytes);
        end += 64 + length as usize;
    }
    end
}

impl Model {
    /// Makes a change of its own, and says what it replaces.
    fn change(&mut self, random: &mut Pcg64Mcg) -> Outcome<(Change, Option<Revision>)> {
        let revision = self.extent.last.next();
        self.extent.last = revision;
        let id = MerchantId::parse(&format!("m{}", random.random_range(0..200)))?;
        let before = self.merchants.get(&id).cloned();
        let replaced = before.as_ref().map(|before| before.revision);
        if before.is_some() && random.random_bool(0.25) {
            self.merchants.remove(&id);
            self.deletions.insert(revision, id.clone());
            return Ok((Change::Delete { id, revision }, replaced));
        }
        let position = Position::new(random.random_range(-89.0..89.0), random.random_range(-179.0..179.0))?;
        let length = if random.random_bool(0.01) { 30_000 } else { random.random_range(0..600) };
        let merchant = Merchant {
            id: id.clone(),
            position: AnyPosition::Wgs84(position),
            visibility: if random.random_bool(0.1) { Visibility::Hidden } else { Visibility::Visible },
            terms: Terms::default(),
            hours: None,
            profile: Profile::new(&vec![random.random(); length])?,
        };
        let (create_time, update_time) = (UnixMicros(random.random()), UnixMicros(random.random()));
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

    /// Whether a store holds exactly this.
    fn compare(&self, loaded: &RecoveredState) -> Outcome<()> {
        let differs = |what: &str| Err(format!("{what} differ from the model's").into());
        if loaded.digest.watermarks != self.extent {
            return Err(format!("{:?} where {:?} was expected", loaded.digest.watermarks, self.extent).into());
        }
        if !loaded.merchants.iter().eq(self.merchants.values()) {
            return differs("merchants");
        }
        if !loaded.deletions.iter().map(|(at, id)| (at, id)).eq(&self.deletions) {
            return differs("deletions");
        }
        if !loaded.requests.iter().eq(self.requests.values()) {
            return differs("requests");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo crash model --count 10000` runs more of them.
    #[test]
    fn three_hundred_sequences_end_as_the_model_does() {
        let work = tempfile::tempdir().unwrap();
        let (mut crashes, mut restores) = (0, 0);
        for case in 0..300 {
            let place = work.path().join("sequence");
            fs::create_dir_all(&place).unwrap();
            let done = sequence(&place, &mut random_of(1, case))
                .unwrap_or_else(|error| panic!("cargo crash model --seed 1 --case {case}: {error}"));
            crashes += done.crashes;
            restores += done.restores;
            fs::remove_dir_all(&place).unwrap();
        }
        assert!(crashes > 300 && restores > 50, "{crashes} crashes, {restores} restores");
    }
}
