//! Who changed what: a file of lines of JSON that is only ever added to. Never with a position.
//!
//! A line says when, who, from where, which method, how it ended, and which merchants it was about. It is written when the call
//! is answered, before the answer leaves. Whoever moves the file away, as logrotate does, finds a new one begun.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use nearby_index::UnixMicros;
use serde::Serialize;

use super::Principal;

/// How many merchants of a call are named; the others are counted.
pub const MAX_NAMES: usize = 20;

/// What a call was about, as far as that is known by its end; shared by its clones.
#[derive(Clone, Debug, Default)]
pub struct Subjects(Arc<Mutex<(u64, Vec<String>)>>);

impl Subjects {
    /// Adds merchants.
    pub fn add<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        let mut subjects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            subjects.0 += 1;
            if subjects.1.len() < MAX_NAMES {
                subjects.1.push(name.to_owned());
            }
        }
    }

    fn take(&self) -> (u64, Vec<String>) {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is to be written of a call.
#[derive(Debug)]
pub struct Entry<'a> {
    /// When it was answered.
    pub at: UnixMicros,
    /// Who called.
    pub principal: &'a Principal,
    /// From where, if that is known.
    pub address: Option<IpAddr>,
    /// Its name without package and service.
    pub method: &'a str,
    /// How it ended, by gRPC's name.
    pub code: &'a str,
    /// What it was about.
    pub subjects: &'a Subjects,
}

#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    caller: &'a str,
    known_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    method: &'a str,
    code: &'a str,
    merchants: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
}

/// The file; shared by its clones.
#[derive(Clone, Debug)]
pub struct AuditLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<Lines>,
}

#[derive(Debug)]
struct Lines {
    file: File,
    /// Whether the last line may have been written in part: the next must not be lost with it.
    is_torn: bool,
}

impl AuditLog {
    /// Opens the file, or begins it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = Mutex::new(Lines { file: append(&path)?, is_torn: false });
        Ok(Self(Arc::new(Inner { path, file })))
    }

    /// Writes a line. That it cannot be is said in the server's log, with the line itself: the call has been answered.
    pub fn write(&self, entry: &Entry<'_>) {
        let (merchants, names) = entry.subjects.take();
        let line = Line {
            time: Timestamp::from_microsecond(entry.at.0).unwrap_or_default(),
            caller: &entry.principal.name,
            known_by: entry.principal.kind,
            address: entry.address,
            method: entry.method,
            code: entry.code,
            merchants,
            names,
        };
        let Ok(mut line) = serde_json::to_string(&line) else { return };
        line.push('\n');
        if let Err(error) = self.0.append(line.as_bytes()) {
            tracing::error!(%error, path = %self.0.path.display(), line, "the audit log cannot be written");
        }
    }
}

impl Inner {
    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut lines = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_at(&lines.file, &self.path) {
            *lines = Lines { file: append(&self.path)?, is_torn: false };
        }
        let was_torn = std::mem::replace(&mut lines.is_torn, true);
        if was_torn {
            lines.file.write_all(b"\n")?;
        }
        lines.file.write_all(line)?;
        lines.is_torn = false;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)
}

/// Whether a file still has its name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(named)) = (file.metadata(), std::fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_and_a_file_that_was_moved_away_is_begun_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let log = AuditLog::open(path.clone()).unwrap();
        let caller = Principal::anyone();
        let write = |code: &str, names: usize| {
            let subjects = Subjects::default();
            let names: Vec<String> = (0..names).map(|number| format!("merchants/{number}")).collect();
            subjects.add(names.iter().map(String::as_str));
            let address = Some(IpAddr::from([127, 0, 0, 1]));
            let at = UnixMicros(1_000_000);
            log.write(&Entry {
                at,
                principal: &caller,
                address,
                method: "DeleteMerchant",
                code,
                subjects: &subjects,
            });
        };
        write("OK", 1);
        write("NOT_FOUND", 30);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["time"], "1970-01-01T00:00:01Z");
        assert_eq!((&lines[0]["code"], &lines[0]["names"]), (&"OK".into(), &vec!["merchants/0"].into()));
        assert_eq!(
            (lines[1]["merchants"].as_u64(), lines[1]["names"].as_array().unwrap().len()),
            (Some(30), MAX_NAMES)
        );

        std::fs::rename(&path, directory.path().join("audit.log.1")).unwrap();
        write("OK", 1);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
        drop(log);
        AuditLog::open(path.clone()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
