//! The write-ahead journal, where a commit becomes durable.
//!
//! Segments are preallocated files of fixed length, written sequentially; each commit is synced before it is
//! acknowledged, or appended and synced later together with others. A new segment begins only after all commits before
//! it are synced. A segment is removed once a checkpoint contains all of it.
//!
//! | module | content |
//! |---|---|
//! | `frame` | encoding of one commit |
//! | `segment` | one file |

mod frame;
mod segment;

use std::path::{Path, PathBuf};

use nearby_index::Revision;

pub(crate) use self::frame::{Frame, Operation};
use self::segment::{FRAMES_AT, Mark, ScannedSegment, Segment, path_of};
use crate::{
    StateDigest, StoreError,
    corruption::CorruptionLog,
    fs::{create_dir_durably, list_names, remove, remove_temporary},
};

/// Maximum segment length, except for a single frame that needs more.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

/// The journal, open for appending.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    current: Segment,
    /// Number and used bytes of each earlier segment.
    closed: Vec<(u64, u64)>,
    segment_bytes: u64,
    digest: StateDigest,
    /// Commits were appended that are not synced.
    has_unsynced: bool,
    /// The last commit of the current segment raised the revision, which then identifies it, or there is none.
    has_raised_revision: bool,
}

/// Content of a journal.
pub(crate) struct JournalHistory {
    directory: PathBuf,
    segments: Vec<ScannedSegment>,
}

impl JournalHistory {
    /// Reads the journal in a directory, which need not exist.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if acknowledged data is missing. If corruption is tolerated, returns
    /// everything readable before it.
    pub(crate) fn read(directory: &Path, log: &CorruptionLog) -> Result<Self, StoreError> {
        let (mut segments, mut is_broken): (Vec<ScannedSegment>, bool) = (Vec::new(), false);
        for name in list_names(directory)?.iter().filter(|name| name.ends_with(".journal")) {
            let corrupt = |what: &str| StoreError::corrupt(directory, format!("{name} {what}"));
            let segment = match ScannedSegment::of(directory.join(name))? {
                Ok(segment) => segment,
                Err(what) => {
                    log.report(corrupt(what))?;
                    is_broken = true;
                    break;
                }
            };
            if segments.last().is_some_and(|before| before.number + 1 != segment.number) {
                log.report(corrupt("does not follow the previous segment"))?;
                is_broken = true;
                break;
            }
            if let Some(before) = segments.last().filter(|before| before.last() != segment.start) {
                let (ends, begins) = (before.last().watermarks.last.0, segment.start.watermarks.last.0);
                let name = &before.name();
                let what = format!(
                    "{name} is intact up to revision {ends}, but the next segment starts at {begins}"
                );
                log.report(StoreError::corrupt(directory, what))?;
                is_broken = true;
                break;
            }
            if !segment.is_whole() {
                log.report(corrupt("is missing acknowledged commits"))?;
            }
            segments.push(segment);
        }
        if let Some(last) =
            segments.last().filter(|last| !is_broken && matches!(last.mark, Some(Mark::Continued(_))))
        {
            let what = format!("the segment after number {} is missing", last.number);
            log.report(StoreError::corrupt(directory, what))?;
        }
        Ok(Self { directory: directory.to_owned(), segments })
    }

    /// Returns the digest at the start, or `None` if there is no journal.
    pub(crate) fn start(&self) -> Option<StateDigest> {
        self.segments.first().map(|first| first.start)
    }

    /// Returns the digest at the end, or `None` if there is no journal.
    pub(crate) fn last(&self) -> Option<StateDigest> {
        self.segments.last().map(ScannedSegment::last)
    }

    /// Returns whether the journal was started and contains no commit.
    pub(crate) fn has_no_commits(&self) -> bool {
        self.segments.len() == 1 && self.segments.iter().all(|only| only.frames.is_empty())
    }

    /// Returns the digest at a revision, which must be the start of a segment or the end of a commit.
    pub(crate) fn at(&self, revision: Revision) -> Option<StateDigest> {
        let digests = self.segments.iter().flat_map(|segment| {
            [segment.start].into_iter().chain(segment.frames.iter().map(|frame| frame.after))
        });
        digests.into_iter().find(|digest| digest.watermarks.last == revision)
    }

    /// Returns the commits after a revision, in order.
    pub(crate) fn after(&self, revision: Revision) -> impl Iterator<Item = &Frame> {
        self.segments.iter().flat_map(|segment| &segment.frames).filter(move |frame| frame.before >= revision)
    }
}

impl Journal {
    /// Resumes a journal, or creates one that starts at a digest. `max_bytes` is the journal size at which a
    /// checkpoint is due.
    pub(crate) fn resume(
        history: &JournalHistory,
        start: &StateDigest,
        max_bytes: u64,
    ) -> Result<Self, StoreError> {
        let directory = history.directory.clone();
        // Several segments per checkpoint, so that space is released in steps.
        let segment_bytes = (max_bytes / 4).next_multiple_of(FRAMES_AT as u64).clamp(1 << 20, SEGMENT_BYTES);
        let Some((last, before)) = history.segments.split_last() else {
            create_dir_durably(&directory)?;
            let current = Segment::create(&directory, 1, segment_bytes, start)?;
            return Ok(Self {
                directory,
                current,
                closed: Vec::new(),
                segment_bytes,
                digest: *start,
                has_unsynced: false,
                has_raised_revision: true,
            });
        };
        remove_temporary(&directory)?;
        let mut journal = Self {
            directory,
            current: last.resume()?,
            closed: before.iter().map(|segment| (segment.number, segment.used())).collect(),
            segment_bytes,
            digest: last.last(),
            has_unsynced: false,
            has_raised_revision: last.frames.last().is_none_or(Frame::raises_revision),
        };
        if !last.frames.is_empty() {
            journal.mark_durable()?;
        }
        Ok(journal)
    }

    /// Returns the digest after the last commit.
    pub(crate) fn digest(&self) -> &StateDigest {
        &self.digest
    }

    /// Returns the bytes used by commits.
    pub(crate) fn used(&self) -> u64 {
        self.closed.iter().map(|(_, used)| used).sum::<u64>() + self.current.used()
    }

    /// Makes a commit durable.
    ///
    /// # Errors
    /// [`StoreError::Full`] if there was no disk space: nothing was written. After any other error the state
    /// on disk is unknown.
    pub(crate) fn commit(&mut self, operations: &[Operation], after: &StateDigest) -> Result<(), StoreError> {
        self.write(operations, after)?;
        self.current.sync()?;
        self.has_unsynced = false;
        self.digest = *after;
        self.mark_durable()
    }

    /// Appends a commit, which becomes durable with the next sync.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(crate) fn append(&mut self, operations: &[Operation], after: &StateDigest) -> Result<(), StoreError> {
        self.write(operations, after)?;
        self.has_unsynced = true;
        self.digest = *after;
        Ok(())
    }

    /// Makes all appended commits durable, if there are any.
    ///
    /// # Errors
    /// The state on disk is unknown then.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        if !self.has_unsynced {
            return Ok(());
        }
        self.current.sync()?;
        self.has_unsynced = false;
        self.mark_durable()
    }

    /// Returns whether a sync has something to do.
    pub(crate) fn has_unsynced(&self) -> bool {
        self.has_unsynced
    }

    fn write(&mut self, operations: &[Operation], after: &StateDigest) -> Result<(), StoreError> {
        let before = self.digest.watermarks.last;
        let mut bytes = frame::encode(self.current.salt(), before, after, operations);
        if !self.current.fits(bytes.len()) {
            self.next_segment(bytes.len())?;
            bytes = frame::encode(self.current.salt(), before, after, operations);
        }
        self.current.append(&bytes)?;
        self.has_raised_revision = before < after.watermarks.last;
        Ok(())
    }

    fn mark_durable(&mut self) -> Result<(), StoreError> {
        self.current.mark(if self.has_raised_revision {
            Mark::Durable(self.digest.watermarks.last)
        } else {
            Mark::DurableTo(self.current.end())
        })
    }

    /// Starts a new segment and returns its number. All earlier commits are in segments below it.
    pub(crate) fn roll(&mut self) -> Result<u64, StoreError> {
        self.next_segment(0)?;
        Ok(self.current.number)
    }

    /// Replaces the file of the current segment.
    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, file: std::fs::File) {
        self.current.replace_file(file);
    }

    fn next_segment(&mut self, frame_bytes: usize) -> Result<(), StoreError> {
        // The next segment states the digest at its start, which commits that are lost would contradict.
        self.sync()?;
        let needed = (FRAMES_AT + frame_bytes).next_multiple_of(FRAMES_AT) as u64;
        let length = self.segment_bytes.max(needed);
        let next = Segment::create(&self.directory, self.current.number + 1, length, &self.digest)?;
        self.closed.push((self.current.number, self.current.used()));
        let mut before = std::mem::replace(&mut self.current, next);
        let end = if self.has_raised_revision { 0 } else { before.end() };
        self.has_raised_revision = true;
        before.mark(Mark::Continued(end))
    }

    /// Drops segments below a number from the accounting, once a checkpoint contains them.
    pub(crate) fn forget_before(&mut self, number: u64) {
        self.closed.retain(|(closed, _)| *closed >= number);
    }
}

/// Removes the segments below a number, oldest first, so that the remaining ones are always contiguous.
pub(crate) fn remove_before(directory: &Path, number: u64) -> Result<(), StoreError> {
    for name in list_names(directory)?.iter().filter(|name| name.ends_with(".journal")) {
        let path = directory.join(name);
        if path < path_of(directory, number) {
            remove(&path)?;
        }
    }
    Ok(())
}
