//! Writes small files atomically: a reader never sees a partial file.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use nearby_store::create_private;

/// The users that may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// As the process's umask allows.
    Anyone,
    /// Only the owner.
    Owner,
}

/// Creates or replaces a file. A replaced file keeps its owner, group and mode, so that its readers can read the new one. The
/// target of a symbolic link is replaced, not the link.
pub(crate) fn replace_file(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let followed = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = followed.as_path();
    let unfinished = path.with_extension("new");
    let mut file = match readers {
        Readers::Anyone => fs::File::create(&unfinished)?,
        Readers::Owner => create_private(&unfinished)?,
    };
    #[cfg(unix)]
    if let Ok(before) = fs::metadata(path) {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Owner first: chown clears some mode bits.
        fchown(&file, Some(before.uid()), Some(before.gid()))?;
        file.set_permissions(before.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_replaced_file_keeps_its_mode_and_symbolic_links() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        replace_file(&file, b"one", Readers::Owner).unwrap();
        let mode = || fs::metadata(&file).unwrap().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        replace_file(&link, b"two", Readers::Owner).unwrap();
        assert_eq!((mode(), fs::read(&file).unwrap()), (0o640, b"two".to_vec()));
        assert!(link.is_symlink());
    }
}
