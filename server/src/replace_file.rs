//! A small file that is there whole or not at all: whoever looks never finds it half written.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// As the process's mask says.
    Anyone,
    /// Its owner alone.
    Owner,
}

/// Puts a file in place, or in the place of another.
pub(crate) fn replace_file(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}
