//! Audit log: an append-only file with one line of JSON per change. It never contains a position.
//!
//! A line has the time, the principal, the client IP, the method, the status code and the merchants. It is written when the call
//! ends, before the response leaves. When the file is renamed, as logrotate does, the next line creates a new one.

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

/// Merchants named per call; further ones are only counted.
pub const MAX_NAMES: usize = 20;

/// The merchants that a call has named so far. Clones share it.
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

/// One line of the log.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Time at which the call ended.
    pub at: UnixMicros,
    /// The principal of the call.
    pub principal: &'a Principal,
    /// The client IP, if known.
    pub address: Option<IpAddr>,
    /// Name of the method, without package and service.
    pub method: &'a str,
    /// Name of the gRPC status code.
    pub code: &'a str,
    /// The merchants that the call named.
    pub subjects: &'a Subjects,
}

/// The JSON of a line; its field names are stable, for programs that read the log.
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

/// The audit log. Clones share its file.
#[derive(Clone, Debug)]
pub struct AuditLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<Output>,
}

#[derive(Debug)]
struct Output {
    file: File,
    /// The last write may have left a partial line. The next write starts a new line, so that it is not lost as well.
    is_torn: bool,
}

impl AuditLog {
    /// Opens the file for appending, or creates it.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = Mutex::new(Output { file: append(&path)?, is_torn: false });
        Ok(Self(Arc::new(Inner { path, file })))
    }

    /// Appends a line. On failure, writes the line to the server's log instead: it is too late to fail the call.
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
            tracing::error!(%error, path = %self.0.path.display(), line, "cannot write the audit log");
        }
    }
}

impl Inner {
    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut output = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_at(&output.file, &self.path) {
            *output = Output { file: append(&self.path)?, is_torn: false };
        }
        let was_torn = std::mem::replace(&mut output.is_torn, true);
        if was_torn {
            output.file.write_all(b"\n")?;
        }
        output.file.write_all(line)?;
        output.is_torn = false;
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

/// Returns whether an open file is still the one at its path.
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
    fn lines_are_appended_and_a_renamed_file_is_replaced_by_a_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let log = AuditLog::open(path.clone()).unwrap();
        let principal = Principal::anonymous();
        let write = |code: &str, names: usize| {
            let subjects = Subjects::default();
            let names: Vec<String> = (0..names).map(|number| format!("merchants/{number}")).collect();
            subjects.add(names.iter().map(String::as_str));
            let address = Some(IpAddr::from([127, 0, 0, 1]));
            let at = UnixMicros(1_000_000);
            log.write(&Entry {
                at,
                principal: &principal,
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
