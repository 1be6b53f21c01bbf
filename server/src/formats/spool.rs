//! Keeps the text of a stream, so that it can be read twice: the coordinate system of GeoJSON can follow the features that it applies to.

use std::{
    io::{self, Cursor, Read, Seek, Write},
    sync::Arc,
};

use super::text::{Bytes, Failed, read_some};

/// Bytes that are kept in memory. A longer text is copied to a temporary file, which has no limit but the disk.
const MAX_BYTES: usize = 16 * 1024 * 1024;

const CHUNK_BYTES: usize = 1 << 16;

/// Reads a text, and returns it twice. An error of the text follows what could be read before it, as in a file.
pub(super) fn twice(text: Bytes) -> io::Result<(Bytes, Bytes)> {
    twice_within(MAX_BYTES, text)
}

fn twice_within(max_bytes: usize, mut text: Bytes) -> io::Result<(Bytes, Bytes)> {
    let mut start = Vec::new();
    let read = text.by_ref().take(max_bytes as u64).read_to_end(&mut start);
    if start.len() < max_bytes {
        let start: Arc<[u8]> = start.into();
        let failed = Failed::new(read.err());
        return Ok((Box::new(Cursor::new(Arc::clone(&start))), Box::new(Cursor::new(start).chain(failed))));
    }
    let mut copied = || {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(&start)?;
        let failed = copy(&mut text, &mut file)?;
        file.rewind()?;
        Ok((file.reopen()?, file, failed))
    };
    let (first, second, failed) = copied().map_err(no_room)?;
    Ok((Box::new(first), Box::new(second.chain(Failed::new(failed)))))
}

/// Copies a text. Returns the error that ends it, if any; fails if the copy cannot be written.
fn copy(text: &mut Bytes, copy: &mut impl Write) -> io::Result<Option<io::Error>> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match read_some(text, &mut chunk) {
            Ok(0) => return Ok(None),
            Ok(count) => copy.write_all(chunk.get(..count).unwrap_or_default())?,
            Err(error) => return Ok(Some(error)),
        }
    }
}

fn no_room(error: io::Error) -> io::Error {
    let directory = std::env::temp_dir();
    let message = format!(
        "GeoJSON from a stream is copied to {}, which fails: {error}; name the file instead of piping it, or set TMPDIR to a \
         directory with room for all of its text",
        directory.display()
    );
    io::Error::new(error.kind(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut text: Bytes) -> (Vec<u8>, Option<String>) {
        let mut bytes = Vec::new();
        let error = text.read_to_end(&mut bytes).err().map(|error| error.to_string());
        (bytes, error)
    }

    #[test]
    fn a_text_is_read_twice_up_to_its_error() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for max_bytes in [1_000, text.len(), text.len() + 1] {
            for error in [None, Some("truncated")] {
                let failed = Failed::new(error.map(io::Error::other));
                let (first, second) =
                    twice_within(max_bytes, Box::new(Cursor::new(text.clone()).chain(failed))).unwrap();
                assert_eq!(read(first), (text.clone(), None), "{max_bytes}");
                assert_eq!(read(second), (text.clone(), error.map(str::to_owned)), "{max_bytes}");
            }
        }
    }

    /// A disk with room for some bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_directory_and_the_remedy() {
        let mut text: Bytes = Box::new(Cursor::new(vec![0; 4 * CHUNK_BYTES]));
        let error = no_room(copy(&mut text, &mut Full(2 * CHUNK_BYTES)).unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        for said in [&*std::env::temp_dir().to_string_lossy(), "TMPDIR", "name the file"] {
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
