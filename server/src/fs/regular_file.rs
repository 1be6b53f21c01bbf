//! Reads small files that other programs replace while the server runs.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Maximum size of a settings file, a key set, or a PEM file: the certificate authorities of a browser, about 150, take 250 KB.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

/// Mode bits of users that are neither the owner nor in the group of a file.
const OTHERS: u32 = 0o007;

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) bytes: Vec<u8>,
    /// Users that are neither its owner nor in its group may read or write it.
    pub(crate) is_open_to_others: bool,
}

impl Contents {
    /// The content as text.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`], when it is not UTF-8.
    pub(crate) fn into_text(self) -> io::Result<String> {
        String::from_utf8(self.bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))
    }
}

/// Reads a regular file, or the one that a symbolic link leads to, as Kubernetes mounts secrets. Never waits: a FIFO or a device
/// in its place would block the reader, and a larger file would fill the memory.
///
/// # Errors
/// When it is not a regular file, has more than `max_bytes`, or cannot be read.
pub(crate) fn read(path: &Path, max_bytes: u64) -> io::Result<Contents> {
    // Before it is opened, since opening a device can have an effect, and again after, since it may have been replaced.
    check_regular(&fs::metadata(path)?)?;
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    check_regular(&metadata)?;
    let mut bytes = Vec::new();
    // Not by its size in the metadata, which is 0 for files of /proc and changes while another program writes.
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        let limit = max_bytes >> 20;
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} MiB")));
    }
    Ok(Contents { bytes, is_open_to_others: metadata.permissions().mode() & OTHERS != 0 })
}

fn check_regular(metadata: &fs::Metadata) -> io::Result<()> {
    let file_type = metadata.file_type();
    let found = if file_type.is_file() {
        return Ok(());
    } else if file_type.is_dir() {
        "a directory"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{found} and not a regular file")))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;

    #[test]
    fn only_regular_files_of_bounded_size_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let error = |name: &str| read(&at(name), 1 << 20).unwrap_err().to_string();
        assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        symlink(at("fifo"), at("link to fifo")).unwrap();
        for (name, expected) in [("fifo", "a FIFO"), ("link to fifo", "a FIFO"), ("", "a directory")] {
            assert_eq!(error(name), format!("{expected} and not a regular file"));
        }
        let device = read(Path::new("/dev/zero"), 1).unwrap_err();
        assert_eq!(device.to_string(), "a device and not a regular file");
        fs::write(at("file"), vec![b'x'; 1 << 20]).unwrap();
        fs::set_permissions(at("file"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink(at("file"), at("link")).unwrap();
        let contents = read(&at("link"), 1 << 20).unwrap();
        assert!(contents.bytes.len() == 1 << 20 && !contents.is_open_to_others);
        fs::set_permissions(at("file"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&at("file"), 1 << 20).unwrap().is_open_to_others);
        fs::write(at("file"), vec![0xff; (1 << 20) + 1]).unwrap();
        assert_eq!(error("file"), "larger than 1 MiB");
        assert!(read(&at("file"), 2 << 20).unwrap().into_text().is_err());
        assert!(read(Path::new("/proc/self/status"), 1 << 20).unwrap().bytes.len() > 100, "of size 0");
    }
}
