//! Files of checksummed blocks with a header that holds their digest: the format of snapshot files and
//! backups.
//!
//! | bytes | content, integers little-endian |
//! |---|---|
//! | 0–7 | magic: `NEARBYIM` snapshot file, `NEARBYBK` backup |
//! | 8–11 | CRC-32C of bytes 12–63 |
//! | 12–15 | version, of which each kind of file has its own |
//! | 16–55 | digest of the content |
//! | 56–63 | time of creation, µs since 1970 |
//! | 64– | blocks: length (4 bytes), CRC-32C (4) of the block's number (8) and its bytes, the bytes; the last block is empty |

use std::io::{self, Read, Write};

use nearby_index::UnixMicros;

use crate::{
    StateDigest,
    codec::{DecodeError, Reader},
    sled::Record,
};

const HEADER_BYTES: usize = 64;
/// Size at which a block ends; no entry is longer than 40 KiB.
const BLOCK_BYTES: usize = 1024 * 1024;
const MAX_BLOCK_BYTES: u32 = 4 * 1024 * 1024;

/// Type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileKind {
    /// First bytes of the file.
    pub(crate) magic: &'static [u8; 8],
    /// Version of the block format.
    pub(crate) version: u32,
}

/// Header of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    /// Digest of the content.
    pub(crate) digest: StateDigest,
    /// Time of creation.
    pub(crate) created_at: UnixMicros,
}

/// The reason a file is invalid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlockError {
    #[error("wrong file type or unsupported version")]
    Kind,
    #[error("header checksum mismatch")]
    FileHeader,
    #[error("checksum mismatch in block {0}")]
    Block(u64),
    #[error("unexpected end of file")]
    Short,
    #[error("trailing data")]
    Excess,
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for BlockError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Short } else { Self::Io(error) }
    }
}

/// Writer of a file of blocks.
pub(crate) struct BlockWriter<W> {
    output: W,
    number: u64,
    block: Vec<u8>,
}

impl<W: Write> BlockWriter<W> {
    pub(crate) fn new(mut output: W, kind: FileKind, head: &FileHeader) -> io::Result<Self> {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(kind.magic);
        header[12..16].copy_from_slice(&kind.version.to_le_bytes());
        header[16..56].copy_from_slice(&head.digest.to_bytes());
        header[56..].copy_from_slice(&head.created_at.0.to_le_bytes());
        let checksum = crc32c::crc32c(&header[12..]);
        header[8..12].copy_from_slice(&checksum.to_le_bytes());
        output.write_all(&header)?;
        Ok(Self { output, number: 0, block: Vec::with_capacity(BLOCK_BYTES + 65_536) })
    }

    /// Adds an entry. Returns whether it completed a block.
    pub(crate) fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<bool> {
        write(&mut self.block);
        let is_full = self.block.len() >= BLOCK_BYTES;
        if is_full {
            self.end_block()?;
        }
        Ok(is_full)
    }

    /// Ends the current block.
    pub(crate) fn end_block(&mut self) -> io::Result<()> {
        if !self.block.is_empty() {
            self.write_block()?;
        }
        Ok(())
    }

    fn write_block(&mut self) -> io::Result<()> {
        let length = u32::try_from(self.block.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.output.write_all(&length.to_le_bytes())?;
        self.output.write_all(&checksum(self.number, &self.block).to_le_bytes())?;
        self.output.write_all(&self.block)?;
        self.block.clear();
        self.number += 1;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.end_block()?;
        self.write_block()?;
        Ok(self.output)
    }
}

/// A block whose checksum is not verified yet.
pub(crate) struct Block {
    number: u64,
    checksum: u32,
    bytes: Vec<u8>,
}

impl Block {
    /// Verifies the checksum and returns the bytes.
    pub(crate) fn checked(self) -> Result<Vec<u8>, BlockError> {
        let is_sound = checksum(self.number, &self.bytes) == self.checksum;
        if is_sound { Ok(self.bytes) } else { Err(BlockError::Block(self.number)) }
    }
}

/// Reader of a file of blocks.
pub(crate) struct BlockReader<R> {
    input: R,
    number: u64,
}

impl<R: Read> BlockReader<R> {
    /// Reads the header of a file of one of these kinds, which differ in their version only. Also returns the kind.
    pub(crate) fn new(mut input: R, kinds: &[FileKind]) -> Result<(Self, FileHeader, FileKind), BlockError> {
        let mut header = [0; HEADER_BYTES];
        input.read_exact(&mut header)?;
        let word = |at: usize| header[at..].first_chunk().copied().map(u32::from_le_bytes);
        if !kinds.iter().any(|kind| &header[..8] == kind.magic) {
            return Err(BlockError::Kind);
        }
        if word(8) != Some(crc32c::crc32c(&header[12..])) {
            return Err(BlockError::FileHeader);
        }
        let kind = kinds.iter().find(|kind| word(12) == Some(kind.version)).ok_or(BlockError::Kind)?;
        let digest = header[16..].first_chunk().map(StateDigest::from_bytes).unwrap_or_default();
        let created_at = header[56..].first_chunk().copied().map_or(0, i64::from_le_bytes);
        let header = FileHeader { digest, created_at: UnixMicros(created_at) };
        Ok((Self { input, number: 0 }, header, *kind))
    }

    /// Returns the next block, or `None` at a proper end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, BlockError> {
        let mut header = [0; 8];
        self.input.read_exact(&mut header)?;
        let [length, checksum] =
            [0, 4].map(|at| header[at..].first_chunk().copied().map_or(0, u32::from_le_bytes));
        if length > MAX_BLOCK_BYTES {
            return Err(BlockError::Block(self.number));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.input.read_exact(&mut bytes)?;
        let block = Block { number: self.number, checksum, bytes };
        self.number += 1;
        if length > 0 {
            return Ok(Some(block));
        }
        block.checked()?;
        if self.input.read(&mut [0])? > 0 { Err(BlockError::Excess) } else { Ok(None) }
    }
}

/// Bytes of a record in a block besides its key and value.
pub(crate) const RECORD_BYTES: usize = 6;

/// Appends a record to a block: length of the key (u16), length of the value (u32), key, value.
pub(crate) fn write_record(block: &mut Vec<u8>, (key, value): &Record) {
    block.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes());
    block.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    block.extend_from_slice(key);
    block.extend_from_slice(value);
}

/// Decodes the records of a block.
pub(crate) fn read_records(block: &[u8]) -> Result<Vec<Record>, DecodeError> {
    let mut block = Reader(block);
    let mut records = Vec::new();
    while !block.0.is_empty() {
        let key_bytes = usize::from(u16::from_le_bytes(block.take()?));
        let value_bytes = u32::from_le_bytes(block.take()?) as usize;
        records.push((block.bytes(key_bytes)?.to_vec(), block.bytes(value_bytes)?.to_vec()));
    }
    Ok(records)
}

fn checksum(number: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&number.to_le_bytes()), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: FileKind = FileKind { magic: b"NEARBYXX", version: 3 };

    fn written() -> Vec<u8> {
        let head = FileHeader {
            digest: StateDigest { records: 7, ..StateDigest::default() },
            created_at: UnixMicros(5),
        };
        let mut writer = BlockWriter::new(Vec::new(), KIND, &head).unwrap();
        writer.add(|block| block.extend_from_slice(b"first")).unwrap();
        writer.end_block().unwrap();
        writer.add(|block| block.extend_from_slice(b"second")).unwrap();
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(FileHeader, Vec<Vec<u8>>), BlockError> {
        let (mut reader, head, _) = BlockReader::new(bytes, &[KIND])?;
        let mut blocks = Vec::new();
        while let Some(block) = reader.next()? {
            blocks.push(block.checked()?);
        }
        Ok((head, blocks))
    }

    #[test]
    fn written_blocks_are_read_back() {
        let (head, blocks) = read(&written()).unwrap();
        assert_eq!((head.digest.records, head.created_at), (7, UnixMicros(5)));
        assert_eq!(blocks, [b"first".to_vec(), b"second".to_vec()]);
    }

    #[test]
    fn bit_flips_and_truncation_are_detected() {
        let bytes = written();
        for at in 0..bytes.len() {
            assert!(read(&bytes[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert!(read(&flipped).is_err(), "byte {at}, bit {bit}");
            }
        }
        assert!(read(&[bytes, vec![0]].concat()).is_err());
    }
}
