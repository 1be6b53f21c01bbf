//! One file of the journal: of a fixed length from before its first commit, so that a cut is seen and a sync has no more
//! to write than the commit itself.
//!
//! | bytes | of a segment, numbers little-endian |
//! |---|---|
//! | 0–7 | `NEARBYJ1` |
//! | 8–11 | CRC-32C of bytes 12–83 |
//! | 12–19 | its number: one more than that of the segment before |
//! | 20–27 | its length |
//! | 28–35 | its salt |
//! | 36–75 | the tally at its start |
//! | 512–527 | the mark: CRC-32C of the salt and what follows, 1 or 2 (4 bytes), and a revision |
//! | 4096– | frames, one after the other, then zeros |
//!
//! The mark is written after a commit was synced and before it is acknowledged: (1) the last revision that is durable, or
//! (2) that another segment follows. It is not synced itself: it need not survive the loss of power, by which nothing is lost
//! that was synced. It tells a commit that was never finished, as the last one may be after a crash, from one that was and is
//! damaged now.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use nearby_index::Revision;

use super::frame::{self, Frame, salted_checksum};
use crate::{
    StoreError, Tally,
    fs::{self as disk, UNFINISHED, at},
};

const MAGIC: &[u8; 8] = b"NEARBYJ1";
const HEADER_END: usize = 36 + Tally::BYTES;
const MARK_AT: usize = 512;
const MARK_BYTES: usize = 16;
/// Where the first frame begins.
pub(super) const FRAMES_AT: usize = 4096;

/// What the last write to a segment said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// All up to a revision is durable.
    Durable(Revision),
    /// The next segment is durable.
    Continued,
}

/// A segment that is written to.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    path: PathBuf,
    file: File,
    salt: u64,
    length: u64,
    /// Where the next frame goes.
    end: u64,
}

/// A segment that was read.
pub(super) struct ReadSegment {
    pub(super) number: u64,
    pub(super) start: Tally,
    pub(super) frames: Vec<Frame>,
    pub(super) mark: Option<Mark>,
    salt: u64,
    length: u64,
    /// Where the first frame begins that the mark does not cover.
    unsure_from: u64,
    end: u64,
    /// Whether there is something after the last frame.
    is_torn: bool,
    path: PathBuf,
}

pub(super) fn path_of(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}.journal"))
}

impl Segment {
    /// Makes a segment, which is durable when this returns.
    pub(super) fn create(
        directory: &Path,
        number: u64,
        length: u64,
        start: &Tally,
    ) -> Result<Self, StoreError> {
        static ZEROS: [u8; 65_536] = [0; 65_536];

        let path = path_of(directory, number);
        let unfinished = path.with_extension(UNFINISHED);
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
                OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&unfinished)?;
            // Written out, and not only made long: a sync then never has to give blocks to the file, nor can it find none.
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
        let file = make().map_err(at("write", &unfinished));
        let synced = file.and_then(|file| file.sync_all().map(|()| file).map_err(at("sync", &unfinished)));
        let file = synced.inspect_err(|_| {
            // The fault that is being reported comes first.
            drop(std::fs::remove_file(&unfinished));
        })?;
        disk::install(&unfinished, &path)?;
        Ok(Self { number, path, file, salt, length, end: FRAMES_AT as u64 })
    }

    /// Whether a frame of so many bytes still fits.
    pub(super) fn fits(&self, bytes: usize) -> bool {
        self.end + bytes as u64 <= self.length
    }

    pub(super) fn salt(&self) -> u64 {
        self.salt
    }

    /// Bytes of its frames.
    pub(super) fn used(&self) -> u64 {
        self.end - FRAMES_AT as u64
    }

    /// Writes a frame, which must fit, and syncs it.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(self.end, bytes).map_err(at("write", &self.path))?;
        // Whatever the reason, even a full disk: what did not reach the medium now is not known to be there ever.
        let failed = |source| StoreError::Io { action: "sync", path: self.path.clone(), source };
        self.file.sync_data().map_err(failed)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Writes the mark, without a sync.
    pub(super) fn mark(&mut self, mark: Mark) -> Result<(), StoreError> {
        let (kind, revision) = match mark {
            Mark::Durable(revision) => (1u32, revision.0),
            Mark::Continued => (2, 0),
        };
        let mut bytes = [0; MARK_BYTES];
        bytes[4..8].copy_from_slice(&kind.to_le_bytes());
        bytes[8..].copy_from_slice(&revision.to_le_bytes());
        let checksum = salted_checksum(self.salt, &bytes[4..]);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        // Never taken for a lack of room: the commit before it is there.
        let written = self.write(MARK_AT as u64, &bytes);
        written.map_err(|source| StoreError::Io { action: "write", path: self.path.clone(), source })
    }

    #[cfg(test)]
    pub(super) fn break_file(&mut self, file: File) {
        self.file = file;
    }

    fn write(&mut self, to: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(to))?;
        self.file.write_all(bytes)
    }
}

impl ReadSegment {
    /// Reads a segment; what is wrong with it, where it cannot be one.
    pub(super) fn of(path: PathBuf) -> Result<Result<Self, &'static str>, StoreError> {
        let bytes = std::fs::read(&path).map_err(at("read", &path))?;
        Ok(Self::parse(&bytes, path))
    }

    fn parse(bytes: &[u8], path: PathBuf) -> Result<Self, &'static str> {
        let header = bytes.get(..HEADER_END).ok_or("is cut short")?;
        let number = |at: usize| header[at..].first_chunk().copied().map_or(0, u64::from_le_bytes);
        let checksum = header[8..].first_chunk().copied().map(u32::from_le_bytes);
        if &header[..8] != MAGIC || checksum != Some(crc32c::crc32c(&header[12..])) {
            return Err("has a header that does not match its checksum");
        }
        let (length, salt) = (number(20), number(28));
        if length != bytes.len() as u64 || bytes.len() < FRAMES_AT {
            return Err("is not as long as it was made");
        }
        if path_of(path.parent().unwrap_or(Path::new("")), number(12)) != path {
            return Err("has the name of another");
        }
        let start = Tally::from_bytes(header[36..].first_chunk().ok_or("is cut short")?);
        let mark = mark_in(salt, &bytes[MARK_AT..MARK_AT + MARK_BYTES]);
        let is_sure = |revision| match mark {
            Some(Mark::Durable(durable)) => revision <= durable,
            Some(Mark::Continued) => true,
            None => false,
        };
        let (mut frames, mut end, mut last) = (Vec::new(), FRAMES_AT, start.extent.last);
        let mut unsure_from = FRAMES_AT;
        while let Some((frame, length)) = frame::decode(salt, &bytes[end..]) {
            if frame.before != last {
                return Err("has a commit that does not follow the one before");
            }
            last = frame.after.extent.last;
            frames.push(frame);
            end += length;
            if is_sure(last) {
                unsure_from = end;
            }
        }
        let is_torn = bytes[end..].iter().any(|byte| *byte != 0);
        let (unsure_from, end) = (unsure_from as u64, end as u64);
        Ok(Self { number: number(12), start, frames, mark, salt, length, unsure_from, end, is_torn, path })
    }

    /// What its file is called.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The tally after its last frame.
    pub(super) fn last(&self) -> Tally {
        self.frames.last().map_or(self.start, |frame| frame.after)
    }

    /// Whether all that was acknowledged is there.
    pub(super) fn is_whole(&self) -> bool {
        match self.mark {
            Some(Mark::Durable(revision)) => revision <= self.last().extent.last,
            _ => true,
        }
    }

    /// Bytes of its frames.
    pub(super) fn used(&self) -> u64 {
        self.end - FRAMES_AT as u64
    }

    /// Opens it to go on. What a crash left half written is overwritten with zeros first, which is durable when this
    /// returns: nothing of it can come back.
    pub(super) fn resume(&self) -> Result<Segment, StoreError> {
        let path = self.path.clone();
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(at("open", &path))?;
        let mut segment =
            Segment { number: self.number, path, file, salt: self.salt, length: self.length, end: self.end };
        if self.is_torn {
            let left = usize::try_from(self.length - self.end).unwrap_or_default();
            segment.write(self.end, &vec![0; left]).map_err(at("write", &segment.path))?;
        }
        // What was read may only be in the system's cache: the last run died before its sync, or that failed. In the cache
        // it counts as written then, and no sync would write it again: so it is written once more.
        let unsure = std::fs::read(&segment.path).map_err(at("read", &segment.path))?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(unsure.len());
        let unsure = &unsure[place(self.unsure_from)..place(self.end)];
        segment.write(self.unsure_from, unsure).map_err(at("write", &segment.path))?;
        segment.file.sync_all().map_err(at("sync", &segment.path))?;
        Ok(segment)
    }
}

fn mark_in(salt: u64, bytes: &[u8]) -> Option<Mark> {
    let checksum = u32::from_le_bytes(*bytes.first_chunk()?);
    if checksum != salted_checksum(salt, &bytes[4..]) {
        return None;
    }
    let revision = Revision(u64::from_le_bytes(*bytes[8..].first_chunk()?));
    match u32::from_le_bytes(*bytes[4..].first_chunk()?) {
        1 => Some(Mark::Durable(revision)),
        2 => Some(Mark::Continued),
        _ => None,
    }
}
