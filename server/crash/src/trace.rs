//! Parser of the trace that `shim.c` writes.

use std::ops::Range;

/// A file operation. Files are identified by their inode.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    Create {
        file: u64,
        path: String,
    },
    MakeDir {
        file: u64,
        path: String,
    },
    /// The bytes are a range of the trace.
    Write {
        file: u64,
        at: u64,
        bytes: Range<usize>,
    },
    SetLen {
        file: u64,
        length: u64,
    },
    /// Extends the file with zeros to at least this length.
    Extend {
        file: u64,
        length: u64,
    },
    Zero {
        file: u64,
        at: u64,
        length: u64,
    },
    /// A sync has begun. Once it ends, it covers the operations before this record.
    SyncBegin {
        file: u64,
        number: u64,
        process: u64,
    },
    SyncEnd {
        file: u64,
        number: u64,
        process: u64,
    },
    SyncFailed {
        path: String,
        number: u64,
    },
    /// `sync_file_range`, which makes nothing durable.
    SyncRange,
    Rename {
        from: String,
        to: String,
    },
    Link {
        file: u64,
        path: String,
    },
    /// Removes a file or an empty directory.
    Unlink {
        path: String,
    },
    /// An operation that the shim does not support.
    Unknown {
        path: String,
        what: String,
    },
}

/// A record of the trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) op: Op,
    /// Position in the trace after the record.
    pub(crate) end: u64,
}

const HEADER: usize = 40;

/// Parses all complete records of a trace.
///
/// # Errors
/// The file is not a trace.
pub(crate) fn parse(trace: &[u8]) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let mut start = 0;
    while let Some(header) = trace.get(start..start + HEADER) {
        let length = usize::try_from(number(header, 0, 4)).map_err(|error| error.to_string())?;
        if length < HEADER {
            return Err(format!(
                "the record at {start} of the trace has the length {length}, which is shorter than its header"
            ));
        }
        let Some(record) = trace.get(start..start + length) else { break };
        let op = op_of(record, start)?;
        start += length;
        let end = u64::try_from(start).map_err(|error| error.to_string())?;
        records.push(Record { op, end });
    }
    Ok(records)
}

fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn op_of(record: &[u8], start: usize) -> Result<Op, String> {
    let short = |at| usize::try_from(number(record, at, 2)).map_err(|error| error.to_string());
    let (first, second) = (short(6)?, short(8)?);
    let (file, a, b) = (number(record, 16, 8), number(record, 24, 8), number(record, 32, 8));
    let text = |from: usize, length: usize| {
        record.get(from..from + length).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let cut_off = || format!("the record at {start} of the trace is truncated");
    let path = text(HEADER, first).ok_or_else(cut_off)?;
    let other = text(HEADER + first, second).ok_or_else(cut_off)?;
    let data = start + HEADER + first + second..start + record.len();
    Ok(match number(record, 4, 2) {
        1 => Op::Create { file, path },
        2 => Op::MakeDir { file, path },
        3 => Op::Write { file, at: a, bytes: data },
        4 => Op::SetLen { file, length: a },
        5 => Op::Extend { file, length: a },
        6 => Op::Zero { file, at: a, length: b },
        7 => Op::SyncBegin { file, number: a, process: b },
        8 => Op::SyncEnd { file, number: a, process: b },
        9 => Op::SyncFailed { path, number: a },
        10 => Op::SyncRange,
        11 => Op::Rename { from: path, to: other },
        12 => Op::Link { file, path },
        13 | 14 => Op::Unlink { path },
        15 => Op::Unknown { path, what: other },
        kind => return Err(format!("the record at {start} of the trace has the unknown kind {kind}")),
    })
}

impl Op {
    /// Returns `true` for operations around which an ordering bug of a store shows: images are cut there more often.
    pub(crate) fn is_ordering_point(&self) -> bool {
        !matches!(self, Self::Write { .. } | Self::SyncRange | Self::SyncFailed { .. } | Self::Unknown { .. })
    }
}
