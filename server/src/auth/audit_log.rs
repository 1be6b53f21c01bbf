//! Audit log: an append-only file with one line of JSON per change, rejected call and change of keys. It never contains a position.
//!
//! The line of a call has the time, the principal, the client IP, the method, the status code and the merchants. It is written when
//! the call ends, before the response leaves. Any client can make calls that are rejected, so that only [`MAX_REJECTIONS_PER_S`] of
//! them are written; the next one says how many were left out. When the file is renamed, as logrotate does, the next line creates
//! a new one.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use nearby_index::UnixMicros;
use serde::Serialize;

use super::{key_changes::KeyChanges, principal::Principal};

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

/// A call that was rejected for its credentials or its role.
#[derive(Debug)]
pub struct Rejection<'a> {
    /// Time of the rejection.
    pub at: UnixMicros,
    /// The principal, if the credentials are valid.
    pub principal: Option<&'a Principal>,
    /// The id of the API key that was presented, which may not exist.
    pub key_id: Option<&'a str>,
    /// The client IP, if known.
    pub address: Option<IpAddr>,
    /// Name of the method, without package and service.
    pub method: &'a str,
    /// Name of the gRPC status code.
    pub code: &'a str,
    /// The reason, as in the error of the call.
    pub reason: &'a str,
}

/// The JSON of a line; its field names are stable, for programs that read the log.
#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Call {
        caller: &'a str,
        known_by: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
        method: &'a str,
        code: &'a str,
        merchants: u64,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        names: Vec<String>,
    },
    Rejected {
        #[serde(skip_serializing_if = "Option::is_none")]
        caller: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        known_by: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        key_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
        method: &'a str,
        code: &'a str,
        reason: &'a str,
        /// Rejected calls before this one that have no line.
        left_out: u64,
    },
    KeysChanged(&'a KeyChanges),
}

/// Lines of rejected calls in one second: some 200 MB a day at most.
pub const MAX_REJECTIONS_PER_S: u32 = 10;

/// The rejected calls of the current second.
#[derive(Debug, Default)]
struct Rejections {
    second: i64,
    written: u32,
    left_out: u64,
}

impl Rejections {
    /// Returns the number of lines left out before this one, or counts it as left out.
    fn admit(&mut self, at: UnixMicros) -> Option<u64> {
        let second = at.0.div_euclid(1_000_000);
        if second != self.second {
            (self.second, self.written) = (second, 0);
        }
        if self.written == MAX_REJECTIONS_PER_S {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

/// The audit log. Clones share its file.
#[derive(Clone, Debug)]
pub struct AuditLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<Output>,
    rejections: Mutex<Rejections>,
    write_failures: AtomicU64,
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
        let (rejections, write_failures) = (Mutex::default(), AtomicU64::new(0));
        Ok(Self(Arc::new(Inner { path, file, rejections, write_failures })))
    }

    /// Appends the line of a call.
    pub fn write(&self, entry: &Entry<'_>) {
        let (merchants, names) = entry.subjects.take();
        self.append(
            time_of(entry.at),
            Event::Call {
                caller: &entry.principal.name,
                known_by: entry.principal.kind,
                address: entry.address,
                method: entry.method,
                code: entry.code,
                merchants,
                names,
            },
        );
    }

    /// Appends the line of a rejected call, unless there were too many in the last second.
    pub fn write_rejection(&self, rejection: &Rejection<'_>) {
        let mut rejections = self.0.rejections.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left_out) = rejections.admit(rejection.at) else { return };
        drop(rejections);
        self.append(
            time_of(rejection.at),
            Event::Rejected {
                caller: rejection.principal.map(|principal| principal.name.as_str()),
                known_by: rejection.principal.map(|principal| principal.kind),
                key_id: rejection.key_id,
                address: rejection.address,
                method: rejection.method,
                code: rejection.code,
                reason: rejection.reason,
                left_out,
            },
        );
    }

    /// Appends the line of a change of keys.
    pub(crate) fn write_key_changes(&self, time: Timestamp, changes: &KeyChanges) {
        self.append(time, Event::KeysChanged(changes));
    }

    /// Returns the number of lines that could not be written.
    pub(crate) fn write_failures(&self) -> u64 {
        self.0.write_failures.load(Ordering::Relaxed)
    }

    /// Appends a line. On failure, writes it to the server's log instead: it is too late to fail the call.
    fn append(&self, time: Timestamp, event: Event<'_>) {
        let Ok(mut line) = serde_json::to_string(&Line { time, event }) else { return };
        line.push('\n');
        if let Err(error) = self.0.append(line.as_bytes()) {
            self.0.write_failures.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, path = %self.0.path.display(), line, "cannot write the audit log");
        }
    }
}

fn time_of(at: UnixMicros) -> Timestamp {
    Timestamp::from_microsecond(at.0).unwrap_or_default()
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

    #[test]
    fn rejected_calls_cannot_fill_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let log = AuditLog::open(path.clone()).unwrap();
        let reject = |at_s: i64| {
            log.write_rejection(&Rejection {
                at: UnixMicros(at_s * 1_000_000),
                principal: None,
                key_id: Some("0a1b2c3d"),
                address: None,
                method: "ListMerchants",
                code: "UNAUTHENTICATED",
                reason: "CREDENTIALS_INVALID",
            });
        };
        (0..1_000).for_each(|_| reject(7));
        reject(8);
        reject(8);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 12);
        let left_out = |line: usize| lines[line]["left_out"].as_u64().unwrap();
        assert_eq!((left_out(9), left_out(10), left_out(11)), (0, 990, 0));
        assert_eq!((&lines[0]["event"], &lines[0]["key_id"]), (&"rejected".into(), &"0a1b2c3d".into()));
        assert_eq!(log.write_failures(), 0);
    }

    #[test]
    fn failures_to_write_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logs").join("audit.log");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        let log = AuditLog::open(path.clone()).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        let empty = std::collections::BTreeMap::new();
        let changes = KeyChanges::between("jwks", &empty, &[("one".to_owned(), 1)].into()).unwrap();
        log.write_key_changes(Timestamp::UNIX_EPOCH, &changes);
        assert_eq!(log.write_failures(), 1);
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        log.write_key_changes(Timestamp::UNIX_EPOCH, &changes);
        assert_eq!(log.write_failures(), 1);
        let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(
            (&line["event"], &line["source"], &line["added"][0]),
            (&"keys_changed".into(), &"jwks".into(), &"one".into())
        );
    }
}
