//! The journal: where a commit becomes durable.
//!
//! Files of a fixed length, written from one end to the other and each commit synced before it is acknowledged. When a
//! checkpoint has taken in all that a segment holds, the segment goes.
//!
//! | module | what it is |
//! |---|---|
//! | `frame` | the bytes of one commit |
//! | `segment` | one file |

mod frame;
mod segment;

use std::path::{Path, PathBuf};

use nearby_index::Revision;

pub(crate) use self::frame::{Frame, Operation};
use self::segment::{FRAMES_AT, Mark, ReadSegment, Segment, path_of};
use crate::{
    Faults, StoreError, Tally,
    fs::{create_durably, names, remove, remove_unfinished},
};

/// Longest segment that is made for no longer frame than usual.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

/// The journal, open at its end.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    current: Segment,
    /// Numbers of the segments before it, and bytes of their frames.
    closed: Vec<(u64, u64)>,
    segment_bytes: u64,
    tally: Tally,
}

/// What a journal holds.
pub(crate) struct History {
    directory: PathBuf,
    segments: Vec<ReadSegment>,
}

impl History {
    /// Reads the journal in a directory, which need not be there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where something that was acknowledged is not there. Where that is tolerated, what can be read
    /// up to there.
    pub(crate) fn read(directory: &Path, faults: &Faults) -> Result<Self, StoreError> {
        let (mut segments, mut is_broken): (Vec<ReadSegment>, bool) = (Vec::new(), false);
        for name in names(directory)?.iter().filter(|name| name.ends_with(".journal")) {
            let corrupt = |what: &str| StoreError::corrupt(directory, format!("{name} {what}"));
            let segment = match ReadSegment::of(directory.join(name))? {
                Ok(segment) => segment,
                Err(what) => {
                    faults.found(corrupt(what))?;
                    is_broken = true;
                    break;
                }
            };
            if segments.last().is_some_and(|before| before.number + 1 != segment.number) {
                faults.found(corrupt("does not follow the segment before"))?;
                is_broken = true;
                break;
            }
            if let Some(before) = segments.last().filter(|before| before.last() != segment.start) {
                let (ends, begins) = (before.last().extent.last.0, segment.start.extent.last.0);
                let name = &before.name();
                let what =
                    format!("{name} is sound up to revision {ends} only, and the next begins at {begins}");
                faults.found(StoreError::corrupt(directory, what))?;
                is_broken = true;
                break;
            }
            if !segment.is_whole() {
                faults.found(corrupt("lacks commits that were acknowledged"))?;
            }
            segments.push(segment);
        }
        if let Some(last) = segments.last().filter(|last| !is_broken && last.mark == Some(Mark::Continued)) {
            let what = format!("the segment after number {} is missing", last.number);
            faults.found(StoreError::corrupt(directory, what))?;
        }
        Ok(Self { directory: directory.to_owned(), segments })
    }

    /// The tally where it begins; `None` where there is no journal.
    pub(crate) fn start(&self) -> Option<Tally> {
        self.segments.first().map(|first| first.start)
    }

    /// The tally where it ends; `None` where there is no journal.
    pub(crate) fn last(&self) -> Option<Tally> {
        self.segments.last().map(ReadSegment::last)
    }

    /// Whether it was begun at a revision, and nothing was committed since.
    pub(crate) fn is_begun_only(&self) -> bool {
        self.segments.len() == 1
            && self
                .segments
                .iter()
                .all(|only| only.frames.is_empty() && only.start.extent.last > Revision::ZERO)
    }

    /// The tally at a revision: the start of a segment, or the end of a commit.
    pub(crate) fn at(&self, revision: Revision) -> Option<Tally> {
        let tallies = self.segments.iter().flat_map(|segment| {
            [segment.start].into_iter().chain(segment.frames.iter().map(|frame| frame.after))
        });
        tallies.into_iter().find(|tally| tally.extent.last == revision)
    }

    /// The commits after a revision, in order.
    pub(crate) fn after(&self, revision: Revision) -> impl Iterator<Item = &Frame> {
        self.segments.iter().flat_map(|segment| &segment.frames).filter(move |frame| frame.before >= revision)
    }
}

impl Journal {
    /// Goes on with a journal, or begins one at a tally where there is none. `most_bytes` is how large it is to become
    /// before a checkpoint.
    pub(crate) fn resume(history: &History, start: &Tally, most_bytes: u64) -> Result<Self, StoreError> {
        let directory = history.directory.clone();
        // Several to a checkpoint, so that they go one by one.
        let segment_bytes = (most_bytes / 4).next_multiple_of(FRAMES_AT as u64).clamp(1 << 20, SEGMENT_BYTES);
        let Some((last, before)) = history.segments.split_last() else {
            create_durably(&directory)?;
            let current = Segment::create(&directory, 1, segment_bytes, start)?;
            return Ok(Self { directory, current, closed: Vec::new(), segment_bytes, tally: *start });
        };
        remove_unfinished(&directory)?;
        let mut current = last.resume()?;
        if last.last().extent.last > last.start.extent.last {
            current.mark(Mark::Durable(last.last().extent.last))?;
        }
        let closed = before.iter().map(|segment| (segment.number, segment.used())).collect();
        Ok(Self { directory, current, closed, segment_bytes, tally: last.last() })
    }

    /// The tally after the last commit.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Bytes of its commits.
    pub(crate) fn used(&self) -> u64 {
        self.closed.iter().map(|(_, used)| used).sum::<u64>() + self.current.used()
    }

    /// Makes a commit durable.
    ///
    /// # Errors
    /// [`StoreError::Full`] where there was no room, and nothing was done. After any other nobody knows whether the
    /// commit is there.
    pub(crate) fn append(&mut self, operations: &[Operation], after: &Tally) -> Result<(), StoreError> {
        let before = self.tally.extent.last;
        let mut bytes = frame::encode(self.current.salt(), before, after, operations);
        if !self.current.fits(bytes.len()) {
            self.next_segment(bytes.len())?;
            bytes = frame::encode(self.current.salt(), before, after, operations);
        }
        self.current.append(&bytes)?;
        self.tally = *after;
        self.current.mark(Mark::Durable(after.extent.last))
    }

    /// Begins another segment, and returns its number: all that was committed before is in segments below it.
    pub(crate) fn roll(&mut self) -> Result<u64, StoreError> {
        self.next_segment(0)?;
        Ok(self.current.number)
    }

    /// Puts another file in the place of the one that is written to.
    #[cfg(test)]
    pub(crate) fn break_file(&mut self, file: std::fs::File) {
        self.current.break_file(file);
    }

    fn next_segment(&mut self, frame_bytes: usize) -> Result<(), StoreError> {
        let needed = (FRAMES_AT + frame_bytes).next_multiple_of(FRAMES_AT) as u64;
        let length = self.segment_bytes.max(needed);
        let next = Segment::create(&self.directory, self.current.number + 1, length, &self.tally)?;
        self.closed.push((self.current.number, self.current.used()));
        let mut before = std::mem::replace(&mut self.current, next);
        before.mark(Mark::Continued)
    }

    /// What segments below a number held is elsewhere now: they no longer count.
    pub(crate) fn forget_before(&mut self, number: u64) {
        self.closed.retain(|(closed, _)| *closed >= number);
    }
}

/// Removes the segments below a number, the oldest first, so that what is left always follows on.
pub(crate) fn remove_before(directory: &Path, number: u64) -> Result<(), StoreError> {
    for name in names(directory)?.iter().filter(|name| name.ends_with(".journal")) {
        let path = directory.join(name);
        if path < path_of(directory, number) {
            remove(&path)?;
        }
    }
    Ok(())
}
