//! Files and directories: made so that they survive, and errors that name them.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use crate::StoreError;

/// What a file or directory is called while it is being made. What bears this ending at a start was never finished.
pub(crate) const UNFINISHED: &str = "unfinished";

/// Turns what the system says into an error that names the attempt. A full disk is told apart: it passes.
pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { action, path },
            _ => StoreError::Io { action, path, source },
        }
    }
}

/// Makes a directory and those above it that are not there, and syncs the entries of what it made.
pub(crate) fn create_durably(directory: &Path) -> Result<(), StoreError> {
    let missing: Vec<&Path> = directory.ancestors().take_while(|path| !path.exists()).collect();
    fs::create_dir_all(directory).map_err(at("create", directory))?;
    for made in missing {
        sync(parent_of(made))?;
    }
    Ok(())
}

/// The directory that something is in.
pub(crate) fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a file's content, or a directory's entries, survive the loss of power.
pub(crate) fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(at("sync", path))
}

/// Gives a finished file or directory its name, which survives from then on.
pub(crate) fn install(unfinished: &Path, path: &Path) -> Result<(), StoreError> {
    fs::rename(unfinished, path).map_err(at("rename", unfinished))?;
    // It has its name now, whether that is durable or not: no lack of room can make that undone.
    let directory = parent_of(path);
    let failed = |source| StoreError::Io { action: "sync", path: directory.to_owned(), source };
    File::open(directory).and_then(|file| file.sync_all()).map_err(failed)
}

/// Removes a file, or a directory with all that is in it; it need not be there.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The names in a directory that are text, sorted; none where there is no such directory.
pub(crate) fn names(directory: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(at("read", directory))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(at("read", directory))?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes what was never finished.
pub(crate) fn remove_unfinished(directory: &Path) -> Result<(), StoreError> {
    for name in names(directory)?.iter().filter(|name| name.ends_with(UNFINISHED)) {
        remove(&directory.join(name))?;
        tracing::warn!(name, "removed what an earlier run left unfinished");
    }
    Ok(())
}

/// Bytes of a file, or of all files below a directory.
#[must_use]
pub fn bytes_below(path: &Path) -> u64 {
    let Ok(kind) = fs::symlink_metadata(path) else { return 0 };
    if !kind.is_dir() {
        return kind.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| bytes_below(&entry.path())).sum()
}
