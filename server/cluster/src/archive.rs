//! The last messages of the log, verbatim, in the directory `cluster-log`. They are what restores a stream that its brokers
//! have lost.
//!
//! | bytes | of a frame, integers little-endian |
//! |---|---|
//! | 0–3 | length of the message |
//! | 4–11 | sequence |
//! | 12–19 | time of archiving, µs since 1970 |
//! | 20–27 | XXH3-64 of bytes 0–19 and the message |
//! | 28– | message |
//!
//! A segment is a file that is named by its first sequence. Frames are written without a sync: the brokers have the messages,
//! and a crash loses at most those since the last [`Archive::sync`]. A restored stream is checked by the hash in each
//! message of the one before.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    hash::Hasher,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use nearby_index::UnixMicros;
use thiserror::Error;
use twox_hash::XxHash3_64;

use crate::{identity::Sequence, message::MAX_MESSAGE_BYTES};

const HEADER_BYTES: usize = 28;
const CHECKSUM_AT: usize = 20;
const EXTENSION: &str = "log";

/// Limits of an archive. Whichever is reached first discards the oldest segment.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// Maximum length of all segments.
    pub max_bytes: u64,
    /// Maximum age of messages.
    pub max_age: Duration,
    /// Length after which a segment is closed.
    pub segment_bytes: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        let segment_bytes = 64 * 1024 * 1024;
        Self { max_bytes: 8 << 30, max_age: Duration::from_secs(24 * 60 * 60), segment_bytes }
    }
}

/// The archive cannot be read or written.
#[derive(Debug, Error)]
#[error("cannot {action} {path}: {source}")]
pub struct ArchiveError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl ArchiveError {
    /// Returns whether there was no space.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Returns whether the operation may succeed later: there was no space, memory or file descriptor.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use io::ErrorKind::{Interrupted, OutOfMemory, WouldBlock};

        // ENFILE and EMFILE, for which std has no `ErrorKind`.
        let is_out_of_files = matches!(self.source.raw_os_error(), Some(23 | 24));
        self.is_full()
            || is_out_of_files
            || matches!(self.source.kind(), Interrupted | OutOfMemory | WouldBlock)
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |source| ArchiveError { action, path, source }
}

/// The last messages of the log, on disk.
#[derive(Debug)]
pub struct Archive {
    directory: PathBuf,
    limits: ArchiveLimits,
    /// By first sequence.
    segments: BTreeMap<Sequence, Segment>,
    /// The last segment, open for appending.
    current: Option<File>,
    is_dirty: bool,
}

#[derive(Debug)]
struct Segment {
    /// Position of each message in the file: consecutive sequences from that in the name.
    frames: Vec<u64>,
    bytes: u64,
    /// Time of archiving of the last message.
    newest: UnixMicros,
}

impl Segment {
    const EMPTY: Self = Self { frames: Vec::new(), bytes: 0, newest: UnixMicros(0) };

    fn last(&self, first: Sequence) -> Option<Sequence> {
        let count = u64::try_from(self.frames.len()).unwrap_or(u64::MAX);
        count.checked_sub(1).map(|more| Sequence(first.0 + more))
    }
}

impl Archive {
    /// Opens or creates an archive. Cuts a segment at its first damaged frame, as a crash leaves it, and discards messages
    /// after `applied`, which will be applied again.
    ///
    /// # Errors
    /// If the directory cannot be read or written.
    pub fn open(directory: &Path, limits: ArchiveLimits, applied: Sequence) -> Result<Self, ArchiveError> {
        fs::create_dir_all(directory).map_err(failed("create", directory))?;
        let mut segments = BTreeMap::new();
        for entry in fs::read_dir(directory).map_err(failed("list", directory))? {
            let path = entry.map_err(failed("list", directory))?.path();
            let name = path.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            let is_segment = path.extension().is_some_and(|extension| extension == EXTENSION);
            if let Some(first) = name.map(Sequence).filter(|_| is_segment) {
                segments.insert(first, scan(&path, first, applied).map_err(failed("read", &path))?);
            }
        }
        let directory = directory.to_owned();
        let mut archive = Self { directory, limits, segments, current: None, is_dirty: false };
        let unused: Vec<Sequence> = archive.segments_where(|segment| segment.frames.is_empty());
        unused.into_iter().try_for_each(|first| archive.remove(first))?;
        archive.cut()?;
        Ok(archive)
    }

    /// Appends a message. A sequence that does not follow the last one begins a segment.
    ///
    /// # Errors
    /// If the file cannot be written. The message is not in the archive then.
    pub fn append(
        &mut self,
        sequence: Sequence,
        message: &[u8],
        now: UnixMicros,
    ) -> Result<(), ArchiveError> {
        let follows = self.last().is_some_and(|last| last.next() == sequence);
        let is_full =
            self.segments.last_key_value().is_some_and(|(_, last)| last.bytes >= self.limits.segment_bytes);
        if !follows || is_full || self.current.is_none() {
            self.begin(sequence, follows && !is_full)?;
        }
        let frame = encode(sequence, message, now);
        let Some((first, segment)) = self.segments.last_key_value() else { return Ok(()) };
        let (path, at) = (self.path(*first), segment.bytes);
        let Some(file) = &mut self.current else { return Ok(()) };
        // A frame that was written in part is overwritten by the next one.
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(&frame));
        written.map_err(failed("write", &path))?;
        self.is_dirty = true;
        if let Some(mut segment) = self.segments.last_entry() {
            let segment = segment.get_mut();
            segment.frames.push(at);
            segment.bytes += frame.len() as u64;
            segment.newest = segment.newest.max(now);
        }
        // The message is here, whatever becomes of the old ones.
        if let Err(error) = self.discard_old(now) {
            tracing::warn!(%error, "cannot discard old messages of the log");
        }
        Ok(())
    }

    /// Makes all messages durable.
    ///
    /// # Errors
    /// If the file cannot be synced.
    pub fn sync(&mut self) -> Result<(), ArchiveError> {
        if let Some(file) = self.current.as_ref().filter(|_| self.is_dirty) {
            file.sync_data().map_err(failed("sync", &self.directory))?;
            self.is_dirty = false;
        }
        Ok(())
    }

    /// Returns the sequence of the last message.
    #[must_use]
    pub fn last(&self) -> Option<Sequence> {
        self.segments.iter().next_back().and_then(|(first, segment)| segment.last(*first))
    }

    /// Returns the first sequence from which all messages up to the last are here.
    #[must_use]
    pub fn first(&self) -> Option<Sequence> {
        let mut first = None;
        for (begin, segment) in self.segments.iter().rev() {
            let ends_before = |first: Sequence| segment.last(*begin).is_some_and(|last| last.next() == first);
            if !first.is_none_or(ends_before) {
                break;
            }
            first = Some(*begin);
        }
        first
    }

    /// Reads a message. Returns `None` if it is not here, or damaged.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&self, sequence: Sequence) -> Result<Option<Bytes>, ArchiveError> {
        let Some((first, segment)) = self.segments.range(..=sequence).next_back() else { return Ok(None) };
        let at = usize::try_from(sequence.0 - first.0).ok().and_then(|at| segment.frames.get(at));
        let Some(&at) = at else { return Ok(None) };
        let path = self.path(*first);
        let read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(at))?;
            read_frame(&mut file)
        };
        let frame = read().map_err(failed("read", &path))?;
        Ok(frame.filter(|frame| frame.sequence == sequence).map(|frame| frame.message.into()))
    }

    /// Opens the segment for a message: the last one, or another.
    fn begin(&mut self, sequence: Sequence, continues: bool) -> Result<(), ArchiveError> {
        self.sync()?;
        let last = self.segments.last_key_value().map(|(first, _)| *first);
        let first = last.filter(|_| continues).unwrap_or(sequence);
        let path = self.path(first);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        self.current = Some(file.map_err(failed("open", &path))?);
        self.segments.entry(first).or_insert(Segment::EMPTY);
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(failed("sync", &self.directory))
    }

    fn discard_old(&mut self, now: UnixMicros) -> Result<(), ArchiveError> {
        let max_age = i64::try_from(self.limits.max_age.as_micros()).unwrap_or(i64::MAX);
        loop {
            let bytes: u64 = self.segments.values().map(|segment| segment.bytes).sum();
            let Some((first, oldest)) = self.segments.first_key_value().filter(|_| self.segments.len() > 1)
            else {
                return Ok(());
            };
            if bytes <= self.limits.max_bytes && now.0.saturating_sub(oldest.newest.0) <= max_age {
                return Ok(());
            }
            self.remove(*first)?;
        }
    }

    fn segments_where(&self, condition: impl Fn(&Segment) -> bool) -> Vec<Sequence> {
        self.segments.iter().filter(|(_, segment)| condition(segment)).map(|(first, _)| *first).collect()
    }

    fn remove(&mut self, first: Sequence) -> Result<(), ArchiveError> {
        let path = self.path(first);
        fs::remove_file(&path).map_err(failed("remove", &path))?;
        self.segments.remove(&first);
        Ok(())
    }

    /// Removes bytes after the last intact frame of each segment.
    fn cut(&self) -> Result<(), ArchiveError> {
        self.segments.iter().try_for_each(|(first, segment)| {
            let path = self.path(*first);
            let cut = || {
                let file = OpenOptions::new().write(true).open(&path)?;
                if file.metadata()?.len() > segment.bytes { file.set_len(segment.bytes) } else { Ok(()) }
            };
            cut().map_err(failed("cut", &path))
        })
    }

    fn path(&self, first: Sequence) -> PathBuf {
        self.directory.join(format!("{:020}.{EXTENSION}", first.0))
    }
}

struct Frame {
    sequence: Sequence,
    archived: UnixMicros,
    message: Vec<u8>,
}

fn encode(sequence: Sequence, message: &[u8], now: UnixMicros) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER_BYTES + message.len());
    // Messages are at most 8 MiB.
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_le_bytes());
    frame.extend_from_slice(&sequence.0.to_le_bytes());
    frame.extend_from_slice(&now.0.to_le_bytes());
    frame.extend_from_slice(&[0; 8]);
    frame.extend_from_slice(message);
    let checksum = checksum(&frame[..CHECKSUM_AT], message);
    frame[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    frame
}

fn checksum(header: &[u8], message: &[u8]) -> u64 {
    let mut hasher = XxHash3_64::new();
    hasher.write(header);
    hasher.write(message);
    hasher.finish()
}

/// Reads the next frame. Returns `None` at the end, and if the frame is damaged.
fn read_frame(input: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut header = [0; HEADER_BYTES];
    let mut message = Vec::new();
    let is_read = match input.read_exact(&mut header) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(error),
    };
    let word = |at: usize| header[at..].first_chunk().copied().map(u64::from_le_bytes).unwrap_or_default();
    let length = header.first_chunk().copied().map(u32::from_le_bytes).unwrap_or_default();
    if !is_read || usize::try_from(length).is_ok_and(|length| length > MAX_MESSAGE_BYTES + 64 * 1024) {
        return Ok(None);
    }
    input.take(length.into()).read_to_end(&mut message)?;
    let is_whole = u32::try_from(message.len()).is_ok_and(|found| found == length)
        && word(CHECKSUM_AT) == checksum(&header[..CHECKSUM_AT], &message);
    let archived = UnixMicros(i64::from_le_bytes(word(12).to_le_bytes()));
    Ok(is_whole.then_some(Frame { sequence: Sequence(word(4)), archived, message }))
}

/// Finds the intact frames at the beginning of a segment, up to a sequence.
fn scan(path: &Path, first: Sequence, applied: Sequence) -> io::Result<Segment> {
    let mut input = BufReader::new(File::open(path)?);
    let mut segment = Segment::EMPTY;
    let mut next = first;
    while let Some(frame) = read_frame(&mut input)? {
        if frame.sequence != next || next > applied {
            break;
        }
        segment.frames.push(segment.bytes);
        segment.bytes += (HEADER_BYTES + frame.message.len()) as u64;
        segment.newest = segment.newest.max(frame.archived);
        next = next.next();
    }
    Ok(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Sequence = Sequence(u64::MAX);

    fn message(number: u64) -> Vec<u8> {
        number.to_le_bytes().repeat(10 + usize::try_from(number % 7).unwrap())
    }

    fn open(directory: &Path, applied: Sequence) -> Archive {
        let limits = ArchiveLimits { segment_bytes: 1_000, ..ArchiveLimits::default() };
        Archive::open(directory, limits, applied).unwrap()
    }

    fn append(archive: &mut Archive, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            archive.append(Sequence(number), &message(number), UnixMicros(0)).unwrap();
        }
    }

    /// The numbers of the messages that can be read.
    fn readable(archive: &Archive, numbers: std::ops::RangeInclusive<u64>) -> Vec<u64> {
        let is_readable = |number: &u64| match archive.read(Sequence(*number)).unwrap() {
            Some(found) => found == message(*number),
            None => false,
        };
        numbers.filter(is_readable).collect()
    }

    #[test]
    fn messages_are_read_verbatim_before_and_after_it_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let mut archive = open(directory.path(), ALL);
        assert_eq!((archive.first(), archive.last()), (None, None));
        append(&mut archive, 5..=60);
        archive.sync().unwrap();
        assert!(archive.segments.len() > 3);
        for _ in 0..2 {
            assert_eq!(readable(&archive, 0..=70), (5..=60).collect::<Vec<_>>());
            assert_eq!((archive.first(), archive.last()), (Some(Sequence(5)), Some(Sequence(60))));
            archive = open(directory.path(), ALL);
        }
        append(&mut archive, 61..=62);
        assert_eq!(readable(&open(directory.path(), ALL), 59..=70), [59, 60, 61, 62]);
    }

    #[test]
    fn messages_that_will_be_applied_again_are_discarded() {
        let directory = tempfile::tempdir().unwrap();
        append(&mut open(directory.path(), ALL), 1..=60);
        for applied in [50, 17, 0] {
            let archive = open(directory.path(), Sequence(applied));
            assert_eq!(readable(&archive, 0..=70), (1..=applied).collect::<Vec<_>>());
            assert_eq!(archive.last(), Some(Sequence(applied)).filter(|last| last.0 > 0));
        }
        let mut archive = open(directory.path(), ALL);
        append(&mut archive, 1..=3);
        assert_eq!(readable(&archive, 0..=70), [1, 2, 3]);
    }

    #[test]
    fn a_segment_is_cut_at_every_damaged_or_incomplete_frame() {
        let directory = tempfile::tempdir().unwrap();
        append(&mut open(directory.path(), ALL), 1..=6);
        let path = open(directory.path(), ALL).path(Sequence(1));
        let intact = fs::read(&path).unwrap();
        let ends: Vec<usize> = (1..=6)
            .scan(0, |end, number| {
                *end += HEADER_BYTES + message(number).len();
                Some(*end)
            })
            .collect();
        for at in 0..intact.len() {
            let before = u64::try_from(ends.iter().filter(|end| **end <= at).count()).unwrap();
            let mut flipped = intact.clone();
            flipped[at] ^= 0x10;
            for content in [&intact[..at], &flipped] {
                fs::write(&path, content).unwrap();
                let archive = open(directory.path(), ALL);
                assert_eq!(readable(&archive, 0..=7), (1..=before).collect::<Vec<_>>(), "at {at}");
            }
        }
    }

    #[test]
    fn damage_below_an_open_archive_is_not_returned() {
        let directory = tempfile::tempdir().unwrap();
        let mut archive = open(directory.path(), ALL);
        append(&mut archive, 1..=6);
        let path = archive.path(Sequence(1));
        let mut content = fs::read(&path).unwrap();
        content[HEADER_BYTES + 3] ^= 1;
        fs::write(&path, content).unwrap();
        assert_eq!(readable(&archive, 0..=7), [2, 3, 4, 5, 6]);
    }

    #[test]
    fn messages_after_a_gap_begin_another_history() {
        let directory = tempfile::tempdir().unwrap();
        let mut archive = open(directory.path(), ALL);
        append(&mut archive, 1..=5);
        append(&mut archive, 9..=40);
        for _ in 0..2 {
            assert_eq!((archive.first(), archive.last()), (Some(Sequence(9)), Some(Sequence(40))));
            assert_eq!(readable(&archive, 0..=12), [1, 2, 3, 4, 5, 9, 10, 11, 12]);
            archive = open(directory.path(), ALL);
        }
    }

    #[test]
    fn old_segments_are_discarded_by_size_and_by_age() {
        let directory = tempfile::tempdir().unwrap();
        let limits =
            ArchiveLimits { segment_bytes: 1_000, max_bytes: 5_000, max_age: Duration::from_secs(60) };
        let mut archive = Archive::open(directory.path(), limits, ALL).unwrap();
        append(&mut archive, 1..=200);
        let first = archive.first().unwrap();
        let bytes: u64 = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!((3_000..=5_000).contains(&bytes), "{bytes}");
        assert_eq!(readable(&archive, 1..=200), (first.0..=200).collect::<Vec<_>>());

        archive.append(Sequence(201), &message(201), UnixMicros(60_000_000)).unwrap();
        assert_eq!(archive.first(), Some(first), "not older than a minute");
        archive.append(Sequence(202), &message(202), UnixMicros(60_000_001)).unwrap();
        let newest = archive.first().unwrap();
        assert!(newest > first && readable(&archive, 1..=202) == (newest.0..=202).collect::<Vec<_>>());
    }
}
