//! Child processes: the importer and Redis. The server is started by `nearby_testkit`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use nearby_testkit::{ManagedProcess, ProcessGroup};

use crate::error::{Error, Result, context};

/// Polling interval of conditions.
#[cfg(feature = "rivals")]
pub(crate) const POLL: Duration = Duration::from_millis(2);

/// Time limit for starting, stopping or loading with ten million merchants.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1_800);

/// A child process with a log. Dropping it kills the process with its children, and reaps it.
pub(crate) struct Process {
    name: &'static str,
    child: ManagedProcess,
    /// File of its stdout and stderr.
    log: PathBuf,
}

impl Process {
    /// Starts a command with its output going to a log file of this name.
    pub(crate) fn spawn(name: &'static str, command: &mut Command, directory: &Path) -> Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let file = || File::options().create(true).append(true).open(&log);
        let operation = format!("cannot start {name} ({})", command.get_program().to_string_lossy());
        command.stdin(Stdio::null());
        command.stdout(file().map_err(context(&operation))?);
        command.stderr(file().map_err(context(&operation))?);
        let child = ManagedProcess::spawn(command, ProcessGroup::Own).map_err(context(&operation))?;
        Ok(Self { name, child, log })
    }

    /// Fails if it has exited.
    #[cfg(feature = "rivals")]
    pub(crate) fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait().map_err(context(format!("cannot wait for {}", self.name)))? {
            Some(status) => Err(self.failure(&format!("exited early with {status}"))),
            None => Ok(()),
        }
    }

    /// Waits for its exit, which must be successful.
    pub(crate) async fn end(&mut self) -> Result<()> {
        let ended =
            self.child.wait(TIMEOUT).await.map_err(context(format!("cannot wait for {}", self.name)))?;
        check_exit(ended).map_err(|problem| self.failure(&problem))
    }

    /// Stops it with SIGTERM and returns the time until its exit.
    #[cfg(feature = "rivals")]
    pub(crate) async fn terminate(mut self) -> Result<Duration> {
        self.check_running()?;
        let start = std::time::Instant::now();
        self.child.terminate().map_err(context(format!("cannot stop {}", self.name)))?;
        self.end().await?;
        Ok(start.elapsed())
    }

    /// Returns its resident memory in bytes: current (`VmRSS`) or peak (`VmHWM`).
    #[cfg(feature = "rivals")]
    pub(crate) fn memory(&self, line: &str) -> Result<u64> {
        memory(self.child.id(), line)
    }

    /// Creates an error with the tail of its log.
    pub(crate) fn failure(&self, problem: &str) -> Error {
        failure(self.name, problem, &fs::read_to_string(&self.log).unwrap_or_default())
    }
}

/// Checks the result of a wait: a successful exit, within the time limit.
pub(crate) fn check_exit(ended: Option<ExitStatus>) -> std::result::Result<(), String> {
    match ended {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("failed with {status}")),
        None => Err("does not exit".to_owned()),
    }
}

/// Creates an error with the tail of a log.
pub(crate) fn failure(name: &str, problem: &str, log: &str) -> Error {
    let start = log.char_indices().rev().nth(2_000).map_or(0, |(at, _)| at);
    Error::new(format!("{name} {problem}; end of its log:\n{}", &log[start..]))
}

/// Returns the resident memory of a process in bytes: current (`VmRSS`) or peak (`VmHWM`).
pub(crate) fn memory(pid: u32, line: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).map_err(context(format!("cannot read {path}")))?;
    let kib = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.strip_prefix(':')?.split_whitespace().next())
        .and_then(|kib| kib.parse::<u64>().ok());
    kib.map(|kib| kib * 1_024).ok_or_else(|| Error::new(format!("{path} has no {line}")))
}
