//! Durable file operations, and I/O errors that name the operation and the path.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use crate::StoreError;

/// Extension of files and directories that are being written. Any that exist at startup were never completed.
pub(crate) const TEMP_EXTENSION: &str = "unfinished";

/// Returns a conversion of an I/O error that adds the operation and the path. A full disk, which is transient, becomes
/// [`StoreError::Full`].
pub(crate) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { action, path },
            _ => StoreError::Io { action, path, source },
        }
    }
}

/// Action of a failed sync, in [`StoreError::Io`].
pub(crate) const SYNC: &str = "sync";

/// Returns a conversion of the error of a sync whose write cannot be undone. It is never [`StoreError::Full`], whatever the cause:
/// data that failed to reach the disk now may never reach it.
pub(crate) fn sync_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { action: SYNC, path: path.to_owned(), source }
}

/// Creates a file, or empties one, that only its owner can read if it is new.
///
/// # Errors
/// Those of the operating system.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Checks that a path is a directory, or that nothing prevents its creation.
///
/// # Errors
/// [`StoreError::NotADirectory`].
pub fn check_directory(path: &Path) -> Result<(), StoreError> {
    // Below a file, and below a link that leads nowhere, nothing has metadata: the first path that has is the obstacle.
    let existing = path.ancestors().find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)));
    let Some((obstacle, metadata)) = existing.filter(|(existing, _)| !existing.is_dir()) else {
        return Ok(());
    };
    let name = if obstacle == path { "it".to_owned() } else { obstacle.display().to_string() };
    let found = if !metadata.is_symlink() {
        format!("{name} is a file; set another directory, or move the file away")
    } else {
        let target = fs::read_link(obstacle).unwrap_or_default();
        let target = target.display();
        if obstacle.exists() {
            format!(
                "{name} is a symbolic link to the file {target}; set another directory, or correct the link"
            )
        } else {
            format!(
                "{name} is a symbolic link to {target}, which does not exist; create that directory or mount its file system, \
                 or correct the link"
            )
        }
    };
    Err(StoreError::NotADirectory { path: path.to_owned(), found })
}

/// Creates a directory and its missing ancestors, and syncs the new directory entries.
pub(crate) fn create_dir_durably(directory: &Path) -> Result<(), StoreError> {
    check_directory(directory)?;
    let missing: Vec<&Path> = directory.ancestors().take_while(|path| !path.exists()).collect();
    fs::create_dir_all(directory).map_err(io_error("create", directory))?;
    for created in missing {
        fsync(parent_of(created))?;
    }
    Ok(())
}

/// Returns the parent directory of a path.
pub(crate) fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs a file's content or a directory's entries to disk.
pub(crate) fn fsync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(io_error(SYNC, path))
}

/// Renames a completed file or directory to its final name, durably.
pub(crate) fn rename_durably(temporary: &Path, path: &Path) -> Result<(), StoreError> {
    fs::rename(temporary, path).map_err(io_error("rename", temporary))?;
    // The rename has happened, durable or not, and cannot be undone: a full disk here counts as a failure, not as `Full`.
    let directory = parent_of(path);
    File::open(directory).and_then(|file| file.sync_all()).map_err(sync_error(directory))
}

/// Removes a file, or a directory with its content, if it exists.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Returns the UTF-8 names in a directory, sorted; empty if the directory does not exist.
pub(crate) fn list_names(directory: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io_error("read", directory))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(io_error("read", directory))?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes temporary files that an interrupted run left behind.
pub(crate) fn remove_temporary(directory: &Path) -> Result<(), StoreError> {
    for name in list_names(directory)?.iter().filter(|name| name.ends_with(TEMP_EXTENSION)) {
        remove(&directory.join(name))?;
        tracing::warn!(name, "removed incomplete file of an earlier run");
    }
    Ok(())
}

/// Copies all files below a directory into an existing one. The copies are private.
pub(crate) fn copy_directory(from: &Path, to: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(from).map_err(io_error("read", from))? {
        let entry = entry.map_err(io_error("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            fs::create_dir(&target).map_err(io_error("create", &target))?;
            copy_directory(&source, &target)?;
        } else {
            let mut input = File::open(&source).map_err(io_error("open", &source))?;
            let mut output = create_private(&target).map_err(io_error("create", &target))?;
            io::copy(&mut input, &mut output).map_err(io_error("write", &target))?;
        }
    }
    Ok(())
}

/// Returns whether the directory of a store is on a read-only file system.
#[must_use]
pub fn is_read_only(directory: &Path) -> bool {
    // Opens the file that every process opens first. The flags of the mount would not be enough: a bind mount has its own.
    let opened = File::options().append(true).create(true).open(directory.join("LOCK"));
    opened.is_err_and(|error| error.kind() == io::ErrorKind::ReadOnlyFilesystem)
}

/// Returns the size in bytes of a file, or of all files below a directory.
#[must_use]
pub fn disk_usage(path: &Path) -> u64 {
    let Ok(kind) = fs::symlink_metadata(path) else { return 0 };
    if !kind.is_dir() {
        return kind.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| disk_usage(&entry.path())).sum()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_prevents_a_directory_is_named_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let of = |name: &str| directory.path().join(name);
        fs::write(of("file"), "").unwrap();
        symlink("file", of("to-file")).unwrap();
        symlink("missing", of("dangling")).unwrap();
        symlink("loop", of("loop")).unwrap();
        symlink(".", of("to-directory")).unwrap();
        for (path, parts) in [
            ("file", &["file as a directory: it is a file; set another directory"][..]),
            ("file/a/b", &["file/a/b as a directory: ", "file is a file; "]),
            ("to-file", &["it is a symbolic link to the file file; "]),
            ("dangling", &["it is a symbolic link to missing, which does not exist; create"]),
            ("dangling/a", &["dangling is a symbolic link to missing, which"]),
            ("loop", &["it is a symbolic link to loop, which"]),
        ] {
            let error = create_dir_durably(&of(path)).unwrap_err();
            for part in parts {
                assert!(error.to_string().contains(part), "{path}: {error}");
            }
            assert!(of("file").is_file() && of("dangling").is_symlink(), "nothing is changed");
        }
        for path in ["to-directory", "to-directory/new", "a/b/c", ""] {
            create_dir_durably(&of(path)).unwrap();
            assert!(of(path).is_dir());
        }
    }
}
