//! A journal segment: a file of fixed length, preallocated before its first commit, so that truncation is
//! detected and a sync writes only the commit itself.
//!
//! | bytes | of a segment, integers little-endian |
//! |---|---|
//! | 0–7 | `NEARBYJ1` |
//! | 8–11 | CRC-32C of bytes 12–83 |
//! | 12–19 | number: one more than that of the previous segment |
//! | 20–27 | length |
//! | 28–35 | salt |
//! | 36–75 | digest at its start |
//! | 512–527 | mark: CRC-32C of the salt and the rest, its kind (4 bytes), and a number (8 bytes) |
//! | 4096– | frames, then zeros |
//!
//! The mark is written after commits are synced and before they are acknowledged. The mark itself is not synced:
//! losing it in a power failure loses nothing that was synced. It distinguishes a commit that was never completed,
//! as a crash leaves it, from a completed one that is damaged.
//!
//! | kind | of a mark | number |
//! |---|---|---|
//! | 1 | commits are durable up to a revision | the revision |
//! | 2 | another segment follows | offset at which the commits end, or 0 if their last revision identifies the end |
//! | 3 | commits are durable up to an offset | the offset |
//!
//! A revision identifies the commit that raised it. A commit that moves only the position in a replicated log leaves the
//! revision as it is: the mark then holds an offset.
//!
//! Commits may be appended without a sync. A power failure can leave any subset of their sectors. The first commit that
//! is not intact ends the segment, and what follows it is overwritten with zeros before anything else is written.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use nearby_index::Revision;

use super::frame::{self, Frame, salted_checksum};
use crate::{
    StateDigest, StoreError,
    fs::{self as disk, SYNC, TEMP_EXTENSION, io_error, sync_error},
};

const MAGIC: &[u8; 8] = b"NEARBYJ1";
const HEADER_END: usize = 36 + StateDigest::BYTES;
const MARK_AT: usize = 512;
const MARK_BYTES: usize = 16;
/// Offset of the first frame.
pub(super) const FRAMES_AT: usize = 4096;

/// State of a segment according to its last mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Everything up to the commit that raised the revision to this one is durable.
    Durable(Revision),
    /// Everything up to an offset is durable.
    DurableTo(u64),
    /// The next segment is durable, and this one up to an offset, which is 0 if it was not recorded.
    Continued(u64),
}

/// A segment open for writing.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    path: PathBuf,
    file: File,
    salt: u64,
    length: u64,
    /// Offset of the next frame.
    end: u64,
}

/// A segment that was read.
pub(super) struct ScannedSegment {
    pub(super) number: u64,
    pub(super) start: StateDigest,
    pub(super) frames: Vec<Frame>,
    pub(super) mark: Option<Mark>,
    salt: u64,
    length: u64,
    /// Offset of the first frame that the mark does not confirm.
    unconfirmed_from: u64,
    end: u64,
    /// Non-zero bytes follow the last frame.
    is_torn: bool,
    path: PathBuf,
}

pub(super) fn path_of(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}.journal"))
}

impl Segment {
    /// Creates a segment, which is durable on return.
    pub(super) fn create(
        directory: &Path,
        number: u64,
        length: u64,
        start: &StateDigest,
    ) -> Result<Self, StoreError> {
        static ZEROS: [u8; 65_536] = [0; 65_536];

        let path = path_of(directory, number);
        let temporary = path.with_extension(TEMP_EXTENSION);
        let salt = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), number);
        let mut header = vec![0; HEADER_END];
        header[..8].copy_from_slice(MAGIC);
        header[12..20].copy_from_slice(&number.to_le_bytes());
        header[20..28].copy_from_slice(&length.to_le_bytes());
        header[28..36].copy_from_slice(&salt.to_le_bytes());
        header[36..].copy_from_slice(&start.to_bytes());
        let checksum = crc32c::crc32c(&header[12..]);
        header[8..12].copy_from_slice(&checksum.to_le_bytes());

        let make = || -> io::Result<File> {
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&temporary)?;
            // Written with zeros rather than only extended: later syncs then never allocate blocks and cannot
            // run out of space.
            let mut left = length;
            while left > 0 {
                let now = left.min(ZEROS.len() as u64);
                file.write_all(&ZEROS[..usize::try_from(now).unwrap_or(ZEROS.len())])?;
                left -= now;
            }
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header)?;
            Ok(file)
        };
        let file = make().map_err(io_error("write", &temporary));
        let synced = file.and_then(|file| file.sync_all().map(|()| file).map_err(io_error(SYNC, &temporary)));
        let file = synced.inspect_err(|_| {
            // Ignore cleanup errors: the original error is the one to report.
            drop(std::fs::remove_file(&temporary));
        })?;
        disk::rename_durably(&temporary, &path)?;
        Ok(Self { number, path, file, salt, length, end: FRAMES_AT as u64 })
    }

    /// Returns whether a frame of this length fits.
    pub(super) fn fits(&self, bytes: usize) -> bool {
        self.end + bytes as u64 <= self.length
    }

    pub(super) fn salt(&self) -> u64 {
        self.salt
    }

    /// Returns the bytes used by frames.
    pub(super) fn used(&self) -> u64 {
        self.end - FRAMES_AT as u64
    }

    /// Returns the offset of the next frame.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Writes a frame, which must fit, without a sync.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(self.end, bytes).map_err(io_error("write", &self.path))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Makes the frames written so far durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(sync_error(&self.path))
    }

    /// Writes the mark, without a sync.
    pub(super) fn mark(&mut self, mark: Mark) -> Result<(), StoreError> {
        let (kind, number) = match mark {
            Mark::Durable(revision) => (1u32, revision.0),
            Mark::Continued(end) => (2, end),
            Mark::DurableTo(end) => (3, end),
        };
        let mut bytes = [0; MARK_BYTES];
        bytes[4..8].copy_from_slice(&kind.to_le_bytes());
        bytes[8..].copy_from_slice(&number.to_le_bytes());
        let checksum = salted_checksum(self.salt, &bytes[4..]);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        // Never `Full`: the commits themselves are durable already.
        let written = self.write(MARK_AT as u64, &bytes);
        written.map_err(|source| StoreError::Io { action: "write", path: self.path.clone(), source })
    }

    #[cfg(test)]
    pub(super) fn replace_file(&mut self, file: File) {
        self.file = file;
    }

    fn write(&mut self, to: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(to))?;
        self.file.write_all(bytes)
    }
}

impl ScannedSegment {
    /// Reads a segment. The inner error describes why the file is not a valid segment.
    pub(super) fn of(path: PathBuf) -> Result<Result<Self, &'static str>, StoreError> {
        let bytes = std::fs::read(&path).map_err(io_error("read", &path))?;
        Ok(Self::parse(&bytes, path))
    }

    fn parse(bytes: &[u8], path: PathBuf) -> Result<Self, &'static str> {
        let header = bytes.get(..HEADER_END).ok_or("is truncated")?;
        let number = |at: usize| header[at..].first_chunk().copied().map_or(0, u64::from_le_bytes);
        let checksum = header[8..].first_chunk().copied().map(u32::from_le_bytes);
        if &header[..8] != MAGIC || checksum != Some(crc32c::crc32c(&header[12..])) {
            return Err("has a header checksum mismatch");
        }
        let (length, salt) = (number(20), number(28));
        if length != bytes.len() as u64 || bytes.len() < FRAMES_AT {
            return Err("does not have its original length");
        }
        if path_of(path.parent().unwrap_or(Path::new("")), number(12)) != path {
            return Err("has the file name of another segment");
        }
        let start = StateDigest::from_bytes(header[36..].first_chunk().ok_or("is truncated")?);
        let mark = mark_in(salt, &bytes[MARK_AT..MARK_AT + MARK_BYTES]);
        let is_confirmed = |frame: &Frame, end: usize| match mark {
            Some(Mark::Durable(durable)) => frame.after.watermarks.last <= durable && frame.before < durable,
            Some(Mark::DurableTo(durable)) => end as u64 <= durable,
            Some(Mark::Continued(_)) => true,
            None => false,
        };
        let (mut frames, mut end, mut last) = (Vec::new(), FRAMES_AT, start.watermarks.last);
        let mut unconfirmed_from = FRAMES_AT;
        while let Some((frame, length)) = frame::decode(salt, &bytes[end..]) {
            if frame.before != last {
                return Err("has a commit that does not follow the previous one");
            }
            last = frame.after.watermarks.last;
            end += length;
            if is_confirmed(&frame, end) {
                unconfirmed_from = end;
            }
            frames.push(frame);
        }
        let is_torn = bytes[end..].iter().any(|byte| *byte != 0);
        let (unconfirmed_from, end) = (unconfirmed_from as u64, end as u64);
        Ok(Self {
            number: number(12),
            start,
            frames,
            mark,
            salt,
            length,
            unconfirmed_from,
            end,
            is_torn,
            path,
        })
    }

    /// Returns the file name.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Returns the digest after the last frame.
    pub(super) fn last(&self) -> StateDigest {
        self.frames.last().map_or(self.start, |frame| frame.after)
    }

    /// Returns whether all acknowledged commits are present.
    pub(super) fn is_whole(&self) -> bool {
        match self.mark {
            Some(Mark::Durable(revision)) => revision <= self.last().watermarks.last,
            Some(Mark::DurableTo(end) | Mark::Continued(end)) => end <= self.end,
            None => true,
        }
    }

    /// Returns the bytes used by frames.
    pub(super) fn used(&self) -> u64 {
        self.end - FRAMES_AT as u64
    }

    /// Reopens the segment for writing. First overwrites everything after the last frame with zeros, durably, so that
    /// no part of it can reappear.
    pub(super) fn resume(&self) -> Result<Segment, StoreError> {
        let path = self.path.clone();
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(io_error("open", &path))?;
        let mut segment =
            Segment { number: self.number, path, file, salt: self.salt, length: self.length, end: self.end };
        if self.is_torn {
            let left = usize::try_from(self.length - self.end).unwrap_or_default();
            segment.write(self.end, &vec![0; left]).map_err(io_error("write", &segment.path))?;
        }
        // Data read may exist only in the page cache: the last process died before its sync, or the sync
        // failed. The kernel then considers the pages clean, and no later sync would write them: so write
        // them again.
        let unconfirmed = std::fs::read(&segment.path).map_err(io_error("read", &segment.path))?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(unconfirmed.len());
        let unconfirmed = &unconfirmed[place(self.unconfirmed_from)..place(self.end)];
        segment.write(self.unconfirmed_from, unconfirmed).map_err(io_error("write", &segment.path))?;
        segment.file.sync_all().map_err(io_error(SYNC, &segment.path))?;
        Ok(segment)
    }
}

fn mark_in(salt: u64, bytes: &[u8]) -> Option<Mark> {
    let checksum = u32::from_le_bytes(*bytes.first_chunk()?);
    if checksum != salted_checksum(salt, &bytes[4..]) {
        return None;
    }
    let number = u64::from_le_bytes(*bytes[8..].first_chunk()?);
    match u32::from_le_bytes(*bytes[4..].first_chunk()?) {
        1 => Some(Mark::Durable(Revision(number))),
        2 => Some(Mark::Continued(number)),
        3 => Some(Mark::DurableTo(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Watermarks;

    /// Appends a commit to a segment. Returns the offset at which it ends.
    fn append(segment: &mut Segment, before: u64, after: u64) -> u64 {
        let watermarks = Watermarks { last: Revision(after), deletions_since: Revision::ZERO };
        let digest = StateDigest { watermarks, ..StateDigest::default() };
        let operations = [(vec![b'k'; 40], Some(vec![b'v'; 700]))];
        segment.append(&frame::encode(segment.salt(), Revision(before), &digest, &operations)).unwrap();
        segment.end()
    }

    /// The kernel may have dropped what a failed sync did not write: it is written again at the next start.
    #[test]
    fn commits_beyond_the_mark_are_unconfirmed() {
        let directory = tempfile::tempdir().unwrap();
        let mut segment = Segment::create(directory.path(), 1, 65_536, &StateDigest::default()).unwrap();
        let ends =
            [(0, 1), (1, 1), (1, 1), (1, 3)].map(|(before, after)| append(&mut segment, before, after));
        let path = path_of(directory.path(), 1);
        let start = FRAMES_AT as u64;
        for (mark, confirmed, is_whole) in [
            (Mark::Durable(Revision::ZERO), start, true),
            (Mark::Durable(Revision(1)), ends[0], true),
            (Mark::DurableTo(ends[1]), ends[1], true),
            (Mark::DurableTo(ends[2]), ends[2], true),
            (Mark::Durable(Revision(3)), ends[3], true),
            (Mark::Durable(Revision(4)), ends[3], false),
            (Mark::DurableTo(ends[3] + 1), ends[3], false),
            (Mark::Continued(0), ends[3], true),
            (Mark::Continued(ends[3] + 1), ends[3], false),
        ] {
            segment.mark(mark).unwrap();
            let scanned = ScannedSegment::of(path.clone()).unwrap().unwrap();
            assert_eq!((scanned.mark, scanned.end, scanned.frames.len()), (Some(mark), ends[3], 4));
            assert_eq!((scanned.unconfirmed_from, scanned.is_whole()), (confirmed, is_whole), "{mark:?}");
        }
    }
}
