//! A child process that never outlives this one's use of it.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::error::{Error, Result, context};

/// Polling interval of conditions.
pub(crate) const POLL: Duration = Duration::from_millis(2);

/// Time limit for starting, stopping or loading with ten million merchants.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1_800);

/// A child process. Dropping it kills the process with its children, and reaps it.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
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
        // A process group of its own, so that its children can be killed with it.
        let child = command.process_group(0).spawn().map_err(context(&operation))?;
        Ok(Self { name, child, log })
    }

    /// Returns its exit status if it has exited.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(context(format!("cannot wait for {}", self.name)))
    }

    /// Fails if it has exited.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        match self.ended()? {
            Some(status) => Err(self.failure(&format!("exited early with {status}"))),
            None => Ok(()),
        }
    }

    /// Waits for its exit, which must be successful.
    pub(crate) async fn end(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            match self.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failure(&format!("failed with {status}"))),
                None if start.elapsed() > TIMEOUT => return Err(self.failure("does not exit")),
                None => sleep(POLL).await,
            }
        }
    }

    /// Stops it with SIGTERM and returns the time until its exit.
    pub(crate) async fn terminate(mut self) -> Result<Duration> {
        self.check_running()?;
        let start = Instant::now();
        self.signal("-TERM", &self.child.id().to_string())?;
        self.end().await?;
        Ok(start.elapsed())
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.check_running()?;
        let operation = format!("cannot kill {}", self.name);
        self.child.kill().map_err(context(&operation))?;
        self.child.wait().map_err(context(&operation))?;
        Ok(())
    }

    /// Returns its resident memory in bytes: current (`VmRSS`) or peak (`VmHWM`).
    pub(crate) fn memory(&self, line: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).map_err(context(format!("cannot read {path}")))?;
        let kib = status
            .lines()
            .find_map(|text| text.strip_prefix(line)?.strip_prefix(':')?.split_whitespace().next())
            .and_then(|kib| kib.parse::<u64>().ok());
        kib.map(|kib| kib * 1_024).ok_or_else(|| Error::new(format!("{path} has no {line}")))
    }

    /// Creates an error with the tail of its log.
    pub(crate) fn failure(&self, problem: &str) -> Error {
        let log = fs::read(&self.log).unwrap_or_default();
        let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(2_000)..]).into_owned();
        Error::new(format!("{} {problem}; end of its log:\n{tail}", self.name))
    }

    fn signal(&self, signal: &str, to: &str) -> Result<()> {
        let operation = format!("cannot signal {}", self.name);
        let status = Command::new("kill").args([signal, "--", to]).status().map_err(context(&operation))?;
        if status.success() { Ok(()) } else { Err(Error::new(operation)) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.signal("-KILL", &format!("-{}", self.child.id())));
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
