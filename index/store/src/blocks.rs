//! A file of blocks, each with a checksum, and what they hold together at its head: the form of images and of backups.
//!
//! | bytes | of a file, numbers little-endian |
//! |---|---|
//! | 0–7 | what it is: `NEARBYIM` an image, `NEARBYBK` a backup |
//! | 8–11 | CRC-32C of bytes 12–63 |
//! | 12–15 | version |
//! | 16–55 | the tally of all that it holds |
//! | 56–63 | when it was made, µs since 1970 |
//! | 64– | blocks: length (4 bytes), CRC-32C (4) of the block's number (8) and its bytes, the bytes; the last is empty |

use std::io::{self, Read, Write};

use nearby_index::UnixMicros;

use crate::Tally;

const HEADER_BYTES: usize = 64;
/// A block is ended when it has become so long; nothing in it is longer than 40 KiB.
const BLOCK_BYTES: usize = 1024 * 1024;
const MOST_BLOCK_BYTES: u32 = 4 * 1024 * 1024;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// How it begins.
    pub(crate) magic: &'static [u8; 8],
    /// Which form its blocks have.
    pub(crate) version: u32,
}

/// What stands at the head of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// What it holds.
    pub(crate) tally: Tally,
    /// When it was made.
    pub(crate) made: UnixMicros,
}

/// Why a file's bytes are not what was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlockError {
    #[error("it is none of the kind, or of a version that this release does not know")]
    Kind,
    #[error("its head does not match its checksum")]
    Head,
    #[error("block {0} does not match its checksum")]
    Block(u64),
    #[error("it is cut short")]
    Short,
    #[error("something follows its end")]
    Excess,
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for BlockError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Short } else { Self::Io(error) }
    }
}

/// Writes a file.
pub(crate) struct BlockWriter<W> {
    output: W,
    number: u64,
    block: Vec<u8>,
}

impl<W: Write> BlockWriter<W> {
    pub(crate) fn new(mut output: W, kind: Kind, head: &Head) -> io::Result<Self> {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(kind.magic);
        header[12..16].copy_from_slice(&kind.version.to_le_bytes());
        header[16..56].copy_from_slice(&head.tally.to_bytes());
        header[56..].copy_from_slice(&head.made.0.to_le_bytes());
        let checksum = crc32c::crc32c(&header[12..]);
        header[8..12].copy_from_slice(&checksum.to_le_bytes());
        output.write_all(&header)?;
        Ok(Self { output, number: 0, block: Vec::with_capacity(BLOCK_BYTES + 65_536) })
    }

    /// Adds one thing; whether it ended a block.
    pub(crate) fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<bool> {
        write(&mut self.block);
        let is_full = self.block.len() >= BLOCK_BYTES;
        if is_full {
            self.end_block()?;
        }
        Ok(is_full)
    }

    /// Ends a block, so that what follows is in another.
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

/// A block as it was read, not checked yet.
pub(crate) struct Block {
    number: u64,
    checksum: u32,
    bytes: Vec<u8>,
}

impl Block {
    /// Its bytes, if they are what was written.
    pub(crate) fn checked(self) -> Result<Vec<u8>, BlockError> {
        let is_sound = checksum(self.number, &self.bytes) == self.checksum;
        if is_sound { Ok(self.bytes) } else { Err(BlockError::Block(self.number)) }
    }
}

/// Reads a file.
pub(crate) struct BlockReader<R> {
    input: R,
    number: u64,
}

impl<R: Read> BlockReader<R> {
    /// Reads its head.
    pub(crate) fn new(mut input: R, kind: Kind) -> Result<(Self, Head), BlockError> {
        let mut header = [0; HEADER_BYTES];
        input.read_exact(&mut header)?;
        let word = |at: usize| header[at..].first_chunk().copied().map(u32::from_le_bytes);
        if &header[..8] != kind.magic {
            return Err(BlockError::Kind);
        }
        if word(8) != Some(crc32c::crc32c(&header[12..])) {
            return Err(BlockError::Head);
        }
        if word(12) != Some(kind.version) {
            return Err(BlockError::Kind);
        }
        let tally = header[16..].first_chunk().map(Tally::from_bytes).unwrap_or_default();
        let made = header[56..].first_chunk().copied().map_or(0, i64::from_le_bytes);
        Ok((Self { input, number: 0 }, Head { tally, made: UnixMicros(made) }))
    }

    /// The next block; `None` where the file ends as it should.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, BlockError> {
        let mut header = [0; 8];
        self.input.read_exact(&mut header)?;
        let [length, checksum] =
            [0, 4].map(|at| header[at..].first_chunk().copied().map_or(0, u32::from_le_bytes));
        if length > MOST_BLOCK_BYTES {
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

fn checksum(number: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&number.to_le_bytes()), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { magic: b"NEARBYXX", version: 3 };

    fn written() -> Vec<u8> {
        let head = Head { tally: Tally { records: 7, ..Tally::default() }, made: UnixMicros(5) };
        let mut writer = BlockWriter::new(Vec::new(), KIND, &head).unwrap();
        writer.add(|block| block.extend_from_slice(b"first")).unwrap();
        writer.end_block().unwrap();
        writer.add(|block| block.extend_from_slice(b"second")).unwrap();
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Head, Vec<Vec<u8>>), BlockError> {
        let (mut reader, head) = BlockReader::new(bytes, KIND)?;
        let mut blocks = Vec::new();
        while let Some(block) = reader.next()? {
            blocks.push(block.checked()?);
        }
        Ok((head, blocks))
    }

    #[test]
    fn what_is_written_is_read() {
        let (head, blocks) = read(&written()).unwrap();
        assert_eq!((head.tally.records, head.made), (7, UnixMicros(5)));
        assert_eq!(blocks, [b"first".to_vec(), b"second".to_vec()]);
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_found() {
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
