//! Reads what a directory holds, and holds it against what was committed. Changes no record in it; sled puts its own files in
//! order when it opens them.
//!
//! ```text
//! image  ──┐                          as of a revision, in the form of the index; a cache
//! base   ──┴→ journal after it → tally the last commit's?
//! ```

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use nearby_index::{MerchantId, Revision, StoredMerchant};

use crate::{
    DoneRequest, Extent, Faults, Opening, StoreError, Tally,
    blocks::{BlockError, BlockReader},
    codec::{Entry, TALLY_KEY, decode, deletion_key, merchant_key, request_keys},
    fs::{UNFINISHED, at, names},
    journal::History,
    parallel,
    records::read_records,
    replay::{Part, deletions_and_requests},
    sled::{self as base, Record},
    snapshot_file,
};

/// What a store holds when it is opened.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The merchants, in the order of their ids.
    pub merchants: Vec<Arc<StoredMerchant>>,
    /// The deletions that are kept.
    pub deletions: Vec<(Revision, MerchantId)>,
    /// The requests that are remembered.
    pub requests: Vec<Arc<DoneRequest>>,
    /// What was committed last.
    pub tally: Tally,
    /// Where most of it came from.
    pub source: Source,
    /// What is wrong with it, where that was tolerated.
    pub faults: Vec<String>,
}

impl Loaded {
    /// The tally of what is there, in spite of what was committed.
    fn recount(&self) -> Tally {
        let mut tally = Tally { extent: self.tally.extent, ..Tally::default() };
        let mut last = tally.extent.last;
        for stored in &self.merchants {
            tally.add(&merchant_key(&stored.merchant.id), stored.revision);
            last = last.max(stored.revision);
        }
        for (revision, _) in &self.deletions {
            tally.add(&deletion_key(*revision), Revision::ZERO);
            last = last.max(*revision);
        }
        for request in &self.requests {
            let keys = request_keys(request.id, request.outcomes.len());
            keys.for_each(|key| tally.add(&key, Revision::ZERO));
        }
        tally.extent.last = last;
        tally
    }
}

/// Where what was loaded came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The journal alone.
    #[default]
    Journal,
    /// The image, and the journal after it.
    Image,
    /// The base, and the journal after it.
    Base,
}

/// The files of a store.
pub(crate) struct Files {
    pub(crate) journal: PathBuf,
    pub(crate) image: PathBuf,
    /// The newest base.
    pub(crate) base: Option<PathBuf>,
    /// Those that it took the place of.
    pub(crate) older_bases: Vec<PathBuf>,
}

/// Where stores of before the journal have their records.
const FIRST_BASE: &str = "sled";

/// The name of the base of a revision.
pub(crate) fn base_name(revision: Revision) -> String {
    format!("base-{:020}", revision.0)
}

impl Files {
    pub(crate) fn find(directory: &Path) -> Result<Self, StoreError> {
        let names = names(directory)?;
        let is_base = |name: &&String| {
            name.strip_prefix("base-").is_some_and(|revision| revision.parse::<u64>().is_ok())
        };
        let first = names.iter().filter(|name| *name == FIRST_BASE && base::is_in(&directory.join(name)));
        let mut bases: Vec<PathBuf> =
            first.chain(names.iter().filter(is_base)).map(|name| directory.join(name)).collect();
        let base = bases.pop();
        let (journal, image) = (directory.join("journal"), directory.join("image"));
        Ok(Self { journal, image, base, older_bases: bases })
    }

    /// What is left of a store of which the rest is gone, if that is so: to begin anew in its place would bury it.
    pub(crate) fn remains(&self, directory: &Path) -> Result<Option<&'static str>, StoreError> {
        if self.is_store() {
            return Ok(None);
        }
        let names = names(directory)?;
        let unfinished = |name: &String| name.starts_with("base-") && name.ends_with(UNFINISHED);
        Ok(if names.iter().any(|name| name == "image") {
            Some("its base and its journal are missing, and only the image is there")
        } else if names.iter().any(unfinished) {
            Some("a restore into it was cut off; restore again")
        } else {
            None
        })
    }

    /// Whether there is a store at all.
    pub(crate) fn is_store(&self) -> bool {
        self.base.is_some() || self.journal.is_dir()
    }
}

/// Which of the two that say the same is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// The image if it is beyond doubt, or else the base.
    Fastest,
    /// The base.
    Base,
}

/// What was found.
pub(crate) struct Examined {
    pub(crate) history: History,
    pub(crate) loaded: Loaded,
    /// The tally of the base, or of nothing.
    pub(crate) start: Tally,
}

/// Reads a store.
pub(crate) fn examine(
    directory: &Path,
    files: &Files,
    from: From,
    opening: &Opening<'_>,
    faults: &Faults,
) -> Result<Examined, StoreError> {
    let corrupt = |what: &dyn std::fmt::Display| StoreError::corrupt(directory, what.to_string());
    let history = History::read(&files.journal, faults)?;
    let image = (from == From::Fastest).then(|| read_image(&files.image, &history, opening)).flatten();
    if source_is_missing(files, &history, image.is_some()) {
        tracing::warn!(
            "the base is missing; the image holds all, and the next checkpoint writes a base again"
        );
    }
    let (mut part, source) = match (image, &files.base) {
        (Some(image), _) => (image, Source::Image),
        (None, Some(base)) => (read_base(base, &history, opening, faults)?, Source::Base),
        (None, None) => {
            // To begin anew would bury what the image holds.
            if history.last().is_none() && files.image.is_file() {
                faults
                    .found(corrupt(&"its base and its journal are missing, and only the image is there"))?;
            }
            (Part::default(), Source::Journal)
        }
    };
    let start = part.tally;
    if history.last().is_some() && history.at(start.extent.last).is_none() {
        let what = format!("the journal does not reach back to revision {}", start.extent.last.0);
        faults.found(corrupt(&what))?;
    }
    let replayed = part.replay(history.after(start.extent.last), opening.restore, faults);
    replayed.map_err(|error| corrupt(&error))?;
    if let Some(last) = history.last()
        && last != part.tally
        && last.extent.last >= part.tally.extent.last
    {
        faults.found(corrupt(&differs(&part.tally, &last)))?;
    }
    let Part { merchants, others, tally, .. } = part;
    let (deletions, requests) =
        deletions_and_requests(others, opening.restore, faults).map_err(|error| corrupt(&error))?;
    let mut loaded = Loaded { merchants, deletions, requests, tally, source, faults: Vec::new() };
    if faults.are_noted() {
        loaded.tally = loaded.recount();
    }
    Ok(Examined { history, loaded, start })
}

/// Whether a start goes by the image alone, because the base that should be there is not.
fn source_is_missing(files: &Files, history: &History, has_image: bool) -> bool {
    has_image
        && files.base.is_none()
        && history.start().is_some_and(|start| start.extent.last > Revision::ZERO)
}

/// How what is there differs from what was committed.
pub(crate) fn differs(found: &Tally, committed: &Tally) -> String {
    let (there, were) = (found.records, committed.records);
    if there == were {
        format!("of {were} records that were committed some are not the last of their kind")
    } else {
        format!("{there} records are there where {were} were committed")
    }
}

/// What an image holds, if it is beyond doubt.
fn read_image(path: &Path, history: &History, opening: &Opening<'_>) -> Option<Part> {
    if !path.is_file() {
        return None;
    }
    match try_image(path, history, opening) {
        Ok(part) => Some(part),
        Err(doubt) => {
            tracing::warn!(%doubt, "the image is not used; the start takes longer");
            None
        }
    }
}

fn try_image(path: &Path, history: &History, opening: &Opening<'_>) -> Result<Part, BlockError> {
    let input = BufReader::new(File::open(path)?);
    let (mut reader, head) = BlockReader::new(input, snapshot_file::KIND)?;
    let doubt = |what: &str| BlockError::Io(std::io::Error::other(what.to_owned()));
    let is_known = history.at(head.tally.extent.last) == Some(head.tally);
    // Of what is damaged it may be the best that is left, where the journal does not come so far.
    let is_beyond = history.last().is_none_or(|last| last.extent.last < head.tally.extent.last);
    if !(is_known || opening.salvage && is_beyond) {
        return Err(doubt("the journal knows nothing of its revision"));
    }
    let counter = Counter::new(opening, head.tally.records);
    let parts = parallel::in_order(
        |hand_on| {
            while let Some(block) = reader.next()? {
                if !hand_on(block) {
                    break;
                }
            }
            Ok(())
        },
        |block| {
            let block = block.checked()?;
            let (kind, rest) = block.split_first().ok_or_else(|| doubt("a block is empty"))?;
            let unreadable = |_| doubt("a block cannot be read");
            let part = if *kind == snapshot_file::MERCHANTS {
                let merchants = snapshot_file::read(rest).map_err(unreadable)?;
                // What releases work out of a record may change without a thought for images: one of each block tells.
                let sample = merchants.first().map(|first| StoredMerchant::clone(first));
                if sample.is_some_and(|sample| (opening.restore)(sample.clone()) != sample) {
                    return Err(doubt("another release made it"));
                }
                Part::of_merchants(merchants)
            } else {
                let records = read_records(rest).map_err(unreadable)?;
                Part::of_records(records, opening.restore, &Faults::refused()).map_err(unreadable)?
            };
            counter.add(part.tally.records);
            Ok(part)
        },
    )?;
    let mut part = Part::concat(parts);
    if !part.tally.holds_the_same_as(&head.tally) {
        return Err(doubt("it does not hold what its head says"));
    }
    part.tally.extent = head.tally.extent;
    Ok(part)
}

/// Records that are worked on at a time.
const CHUNK: usize = 2_000;
/// Room that sled needs to open a base.
const ROOM_TO_OPEN_BYTES: u64 = 32 * 1024 * 1024;

fn read_base(
    path: &Path,
    history: &History,
    opening: &Opening<'_>,
    faults: &Faults,
) -> Result<Part, StoreError> {
    let corrupt = |what: &dyn std::fmt::Display| StoreError::corrupt(path, what.to_string());
    if fs4::available_space(path).map_err(at("look at", path))? < ROOM_TO_OPEN_BYTES {
        return Err(StoreError::Full { action: "open", path: path.to_owned() });
    }
    let counter = Counter::new(opening, history.last().map_or(0, |last| last.records));
    let parts = parallel::in_order(
        |hand_on| {
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = base::read(path, &mut |key, value| {
                if key == TALLY_KEY
                    && let Ok(Entry::Tally(tally)) = decode(key, value)
                {
                    counter.expect_at_least(tally.records);
                }
                chunk.push((key.to_vec(), value.to_vec()));
                if chunk.len() == CHUNK {
                    hand_on(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)));
                }
                Ok(())
            });
            hand_on(chunk);
            read.or_else(|error| faults.found(error))
        },
        |records: Vec<Record>| {
            let part = Part::of_records(records, opening.restore, faults).map_err(|error| corrupt(&error))?;
            counter.add(part.tally.records);
            Ok(part)
        },
    )?;
    let mut part = Part::concat(parts);
    let written = part.head.tally;
    let last = written.map(|tally| tally.extent.last).or(part.head.last).unwrap_or_default();
    // Stores of before the journal say no more than this; one that never kept deletions knows of none up to now.
    part.tally.extent = written
        .map_or(Extent { last, deletions_since: part.head.deletions_since.unwrap_or(last) }, |tally| {
            tally.extent
        });
    if path.file_name().is_some_and(|name| name != FIRST_BASE) {
        let named = path.file_name().is_some_and(|name| *name == *base_name(last));
        let known = history.at(last);
        match written {
            None => faults.found(corrupt(&"what it holds is not written down in it"))?,
            Some(_) if !named => faults.found(corrupt(&"it has the name of another"))?,
            Some(_) if known.is_none() => faults.found(corrupt(&"the journal that follows it is missing"))?,
            Some(_) => {}
        }
    }
    if let Some(committed) = written.or_else(|| history.at(last))
        && !part.tally.holds_the_same_as(&committed)
    {
        faults.found(corrupt(&differs(&part.tally, &committed)))?;
    }
    if part.merchants.iter().any(|stored| stored.revision > last) {
        faults.found(corrupt(&"a record is newer than the last commit"))?;
    }
    Ok(part)
}

/// Tells how far the reading has come.
struct Counter<'a> {
    opening: &'a Opening<'a>,
    of: AtomicU64,
    done: AtomicU64,
}

impl<'a> Counter<'a> {
    fn new(opening: &'a Opening<'a>, of: u64) -> Self {
        Self { opening, of: AtomicU64::new(of), done: AtomicU64::new(0) }
    }

    fn expect_at_least(&self, of: u64) {
        self.of.fetch_max(of, Ordering::Relaxed);
    }

    fn add(&self, records: u64) {
        let done = self.done.fetch_add(records, Ordering::Relaxed) + records;
        (self.opening.progress)(done, self.of.load(Ordering::Relaxed));
    }
}
