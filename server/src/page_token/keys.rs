//! The keys of page tokens: of the data directory, or of a file that several servers share.

use std::{fs, io, path::Path};

use crate::fs::atomic_write::{Readers, replace_file};

/// Name of the file in a data directory.
const FILE: &str = "page-token.key";
const KEY_BYTES: usize = 32;
/// A longer file is not one of keys.
const MAX_FILE_BYTES: u64 = 4_096;

pub(super) type Key = [u8; KEY_BYTES];

/// The key that encrypts, and the keys that decrypt.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) current: Key,
    /// The previous or the next key, during a rotation.
    pub(super) other: Option<Key>,
}

impl Keys {
    pub(super) fn random() -> io::Result<Self> {
        let mut current = [0; KEY_BYTES];
        getrandom::fill(&mut current).map_err(io::Error::other)?;
        Ok(Self { current, other: None })
    }

    /// Reads the file of `--page-token-key`: one or two lines of 64 hexadecimal digits. Empty lines and lines that begin with `#` are
    /// skipped. Warns if all users of the machine can access the file.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        // A FIFO would block the start.
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return Err(invalid("not a file of keys"));
        }
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o007 != 0 {
            tracing::warn!(file = %path.display(), "the key of page tokens is accessible to all users of this machine; run chmod o= on it");
        }
        let text = fs::read_to_string(path)?;
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        let mut keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(
            |(number, line)| {
                parse(line).ok_or_else(|| {
                    invalid(format!(
                        "line {number}: not a key of 64 hexadecimal digits; create one with `openssl rand -hex 32`"
                    ))
                })
            },
        );
        let current =
            keys.next().ok_or_else(|| invalid("no key; create one with `openssl rand -hex 32`"))??;
        let other = keys.next().transpose()?;
        if keys.next().is_some() {
            return Err(invalid(
                "more than two keys; keep the key that encrypts, and one other key that decrypts",
            ));
        }
        Ok(Self { current, other })
    }

    /// Reads the key of a data directory, which is created if it is missing. Without `may_write`, a missing key is not stored. The
    /// caller must hold the lock of the directory.
    pub(super) fn load_or_create(data_dir: &Path, may_write: bool) -> io::Result<Self> {
        let path = data_dir.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => bytes.try_into().map(|current| Self { current, other: None }).map_err(|_| {
                invalid("not a key of 32 bytes; remove the file (page tokens issued before become invalid)")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let keys = Self::random()?;
                if may_write {
                    replace_file(&path, &keys.current, Readers::Owner)?;
                }
                Ok(keys)
            }
            Err(error) => Err(error),
        }
        .map_err(|error| io::Error::new(error.kind(), format!("{FILE}: {error}")))
    }
}

fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

fn parse(line: &str) -> Option<Key> {
    if line.len() != 2 * KEY_BYTES || !line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; KEY_BYTES];
    for (byte, digits) in key.iter_mut().zip(line.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_or_two_keys_and_errors_name_the_line_but_not_its_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            Keys::read(&path)
        };
        let (one, two) = ("0f".repeat(32), "F1".repeat(32));
        let keys = read(&format!("# new\n{one}\n\n{two}\r\n")).unwrap();
        assert_eq!((keys.current, keys.other), ([0x0f; 32], Some([0xf1; 32])));
        assert_eq!(read(&one).unwrap().other, None);
        for (text, expected) in [
            (format!("{one}\n{}", &two[1..]), "line 2: not a key of 64"),
            (format!("{one}\n+{}", &two[1..]), "line 2: not a key of 64"),
            ("# nothing\n".to_owned(), "no key"),
            (format!("{one}\n{two}\n{one}\n"), "more than two keys"),
            ("0".repeat(5_000), "not a file of keys"),
        ] {
            let error = read(&text).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("F1F1"), "{error}");
        }
        assert_eq!(Keys::read(directory.path()).err().unwrap().to_string(), "not a file of keys");
    }

    #[test]
    fn the_key_of_a_data_directory_survives_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        assert_ne!(
            Keys::load_or_create(directory.path(), false).unwrap().current,
            Keys::load_or_create(directory.path(), true).unwrap().current
        );
        let first = Keys::load_or_create(directory.path(), true).unwrap();
        assert_eq!(Keys::load_or_create(directory.path(), true).unwrap().current, first.current);
        fs::write(directory.path().join(FILE), b"short").unwrap();
        let error = Keys::load_or_create(directory.path(), true).err().unwrap().to_string();
        assert!(error.starts_with("page-token.key: not a key of 32 bytes"), "{error}");
    }
}
