//! Output files of commands: a file appears, or replaces another one, only when it is complete.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, PersistError};

/// A file that is being written. Dropped without [`Self::finish`], it leaves what was there before.
#[derive(Debug)]
pub(super) enum OutputFile {
    /// A temporary file beside the regular file, or the new name, that it becomes.
    Replacing { temporary: NamedTempFile, path: PathBuf, is_new: bool },
    /// A device or FIFO, which a file must not replace.
    Through(File),
}

impl OutputFile {
    /// Creates a file, or starts to replace one. The target of a symbolic link is replaced, not the link. Devices and FIFOs are
    /// written to; everything else is refused.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            // A name of an open descriptor, such as standard output redirected to a file: the file behind it is not to be replaced.
            Ok(metadata)
                if metadata.is_file() && ["/dev", "/proc"].iter().any(|names| path.starts_with(names)) =>
            {
                File::options().append(true).open(path).map(Self::Through)
            }
            Ok(metadata) if metadata.is_file() => {
                if metadata.permissions().readonly() {
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, "is read-only"));
                }
                let temporary = Self::beside(&fs::canonicalize(path)?, false)?;
                if let Self::Replacing { temporary, .. } = &temporary {
                    temporary.as_file().set_permissions(metadata.permissions())?;
                }
                Ok(temporary)
            }
            Ok(metadata) => match refusal(metadata.file_type()) {
                Some(refusal) => Err(io::Error::new(io::ErrorKind::InvalidInput, refusal)),
                None => File::options().write(true).open(path).map(Self::Through),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    let refusal =
                        "is a symbolic link to a file that does not exist; remove it, or create its target";
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, refusal));
                }
                Self::beside(path, true)
            }
            Err(error) => Err(error),
        }
    }

    fn beside(path: &Path, is_new: bool) -> io::Result<Self> {
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "has no file name"))?;
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".unfinished");
        // Readable as the umask allows, like any new file, and not only by its owner.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(Self::Replacing { temporary: builder.tempfile_in(directory)?, path: path.to_owned(), is_new })
    }

    /// Completes the file: it is on disk, under its name. If it cannot have the name, as when another process has created a file with
    /// it meanwhile, it stays beside it, and the error names it.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Replacing { temporary, path, is_new } => {
                temporary.as_file().sync_all()?;
                let renamed = if is_new { rename_to_new(temporary, &path) } else { temporary.persist(&path) };
                renamed.map(drop).map_err(|PersistError { error, file }| keep(error, file))
            }
            Self::Through(mut file) => file.flush(),
        }
    }
}

/// Renames a file to a name that no other file has.
fn rename_to_new(file: NamedTempFile, path: &Path) -> Result<File, PersistError> {
    match file.persist_noclobber(path) {
        // Some file systems in user space can neither link nor rename without replacing.
        Err(PersistError { error, file })
            if error.kind() != io::ErrorKind::AlreadyExists && fs::symlink_metadata(path).is_err() =>
        {
            file.persist(path)
        }
        renamed => renamed,
    }
}

/// Keeps a complete file that cannot have its name, and adds where it is to the error.
fn keep(error: io::Error, file: NamedTempFile) -> io::Error {
    let kind = error.kind();
    let reason = match kind {
        io::ErrorKind::AlreadyExists => "another process has created it meanwhile".to_owned(),
        _ => error.to_string(),
    };
    match file.keep() {
        Ok((_, kept)) => {
            io::Error::new(kind, format!("{reason}; the complete output is in {}", kept.display()))
        }
        Err(_) => error,
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Replacing { temporary, .. } => temporary.write(bytes),
            Self::Through(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Replacing { temporary, .. } => temporary.flush(),
            Self::Through(file) => file.flush(),
        }
    }
}

/// Returns whether two paths name the same file, which need not exist yet.
pub(super) fn is_same_file(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| {
        let existing = fs::canonicalize(path).ok();
        existing.or_else(|| {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            Some(fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?.join(path.file_name()?))
        })
    };
    resolved(one).is_some_and(|one| resolved(other) == Some(one))
}

/// Returns the reason why a file of a kind other than regular is not written; `None` for devices and FIFOs.
fn refusal(kind: fs::FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_char_device() || kind.is_fifo() {
            return None;
        }
        if kind.is_socket() {
            return Some("is a socket; name a file");
        }
        if kind.is_block_device() {
            return Some("is a disk; name a file");
        }
    }
    Some(if kind.is_dir() {
        "is a directory; name a file in it"
    } else {
        "is not a regular file; name another"
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        io::Read,
        os::unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
            net::UnixListener,
        },
        process::Command,
        thread,
    };

    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let mut file = OutputFile::create(path)?;
        file.write_all(text.as_bytes())?;
        file.finish()
    }

    #[test]
    fn a_file_is_replaced_only_when_it_is_finished() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let mut unfinished = OutputFile::create(&path).unwrap();
        unfinished.write_all(b"half").unwrap();
        drop(unfinished);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        write(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_file_that_appears_under_a_new_name_is_not_replaced_and_the_output_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        let mut file = OutputFile::create(&path).unwrap();
        file.write_all(b"ours").unwrap();
        fs::write(&path, "theirs").unwrap();
        let error = file.finish().unwrap_err().to_string();
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        let kept = error
            .strip_prefix("another process has created it meanwhile; the complete output is in ")
            .unwrap();
        assert_eq!(fs::read_to_string(kept).unwrap(), "ours");
        assert_eq!(Path::new(kept).parent(), Some(directory.path()));

        let path = directory.path().join("folder");
        let mut file = OutputFile::create(&path).unwrap();
        file.write_all(b"ours").unwrap();
        fs::create_dir(&path).unwrap();
        let error = file.finish().unwrap_err().to_string();
        let kept = error.split(" is in ").nth(1).unwrap();
        assert_eq!(fs::read_to_string(kept).unwrap(), "ours", "{error}");
    }

    #[test]
    fn links_stay_and_other_kinds_of_files_are_written_through_or_refused() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("target"), "old").unwrap();
        symlink(at("target"), at("link")).unwrap();
        write(&at("link"), "new").unwrap();
        assert!(at("link").is_symlink());
        assert_eq!(fs::read_to_string(at("target")).unwrap(), "new");

        symlink(at("nowhere"), at("dangling")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        for (name, said) in [("dangling", "symbolic link"), ("socket", "socket"), (".", "directory")] {
            let error = write(&at(name), "x").unwrap_err();
            assert!(error.to_string().contains(said), "{name}: {error}");
        }
        assert!(at("dangling").is_symlink() && !at("nowhere").exists());
        assert!(fs::metadata(at("socket")).unwrap().file_type().is_socket());

        assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        let fifo = at("fifo");
        let reader = thread::spawn(move || {
            let mut text = String::new();
            File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
            text
        });
        write(&at("fifo"), "piped").unwrap();
        assert_eq!(reader.join().unwrap(), "piped");
        assert!(fs::metadata(at("fifo")).unwrap().file_type().is_fifo());

        write(Path::new("/dev/null"), "nothing").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn the_file_behind_an_open_descriptor_is_appended_to() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        fs::write(&path, "before ").unwrap();
        let open = File::options().append(true).open(&path).unwrap();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&open);
        write(Path::new(&format!("/dev/fd/{descriptor}")), "after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before after");
    }

    #[test]
    fn paths_to_one_file_are_the_same_before_and_after_it_exists() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        let (one, other) = (at("new.csv"), at("folder/../new.csv"));
        assert!(is_same_file(&one, &other) && !is_same_file(&one, &at("else.csv")));
        fs::write(&one, "").unwrap();
        symlink(&one, at("link")).unwrap();
        assert!(is_same_file(&at("link"), &other));
    }
}
