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

/// Puts a file in place, or in the place of another. That one's owner, group and mode stay: whoever could read it before can
/// read it after. What a symbolic link points to is replaced, and not the link.
pub(crate) fn replace_file(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let followed = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = followed.as_path();
    let unfinished = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(&unfinished)?;
    #[cfg(unix)]
    if let Ok(before) = fs::metadata(path) {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Owner first: a change of owner takes bits of the mode away.
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
    fn who_may_read_a_file_may_read_what_takes_its_place() {
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
