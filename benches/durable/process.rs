//! A process that never outlives what it was started for.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::error::{Failed, Result, failed};

/// How often to look whether something has come about.
pub(crate) const POLL: Duration = Duration::from_millis(2);

/// How long ten million merchants may take to load or to be put away before it is called a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1_800);

/// A child that is killed, with all it has started, and reaped when this is dropped.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    /// What it says goes here.
    log: PathBuf,
}

impl Process {
    /// Starts a command; what it says goes to a file of its name.
    pub(crate) fn spawn(name: &'static str, command: &mut Command, place: &Path) -> Result<Self> {
        let log = place.join(format!("{name}.log"));
        let file = || File::options().create(true).append(true).open(&log);
        let cannot = || format!("cannot start {name} ({})", command.get_program().to_string_lossy());
        let what = cannot();
        command.stdin(Stdio::null());
        command.stdout(file().map_err(failed(&what))?);
        command.stderr(file().map_err(failed(&what))?);
        // A group of its own: what it has started ends with it.
        let child = command.process_group(0).spawn().map_err(failed(&what))?;
        Ok(Self { name, child, log })
    }

    /// Whether it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(failed(format!("cannot wait for {}", self.name)))
    }

    /// Fails where it has ended.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        match self.ended()? {
            Some(status) => Err(self.failure(&format!("ended too soon ({status})"))),
            None => Ok(()),
        }
    }

    /// Waits for its end, which must be a good one.
    pub(crate) async fn end(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            match self.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failure(&format!("failed ({status})"))),
                None if start.elapsed() > PATIENCE => return Err(self.failure("does not end")),
                None => sleep(POLL).await,
            }
        }
    }

    /// Stops it as an operator does, and waits for its end: how long that took.
    pub(crate) async fn terminate(mut self) -> Result<Duration> {
        self.must_run()?;
        let start = Instant::now();
        self.signal("-TERM", &self.child.id().to_string())?;
        self.end().await?;
        Ok(start.elapsed())
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.must_run()?;
        let what = format!("cannot kill {}", self.name);
        self.child.kill().map_err(failed(&what))?;
        self.child.wait().map_err(failed(&what))?;
        Ok(())
    }

    /// Resident memory in bytes: now (`VmRSS`), or the most there ever was (`VmHWM`).
    pub(crate) fn memory(&self, line: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).map_err(failed(format!("cannot read {path}")))?;
        let kib = status
            .lines()
            .find_map(|text| text.strip_prefix(line)?.strip_prefix(':')?.split_whitespace().next())
            .and_then(|kib| kib.parse::<u64>().ok());
        kib.map(|kib| kib * 1_024).ok_or_else(|| Failed::new(format!("{path} has no {line}")))
    }

    /// What went wrong, with the last that it said.
    pub(crate) fn failure(&self, what: &str) -> Failed {
        let log = fs::read(&self.log).unwrap_or_default();
        let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(2_000)..]).into_owned();
        Failed::new(format!("{} {what}; the last it said:\n{tail}", self.name))
    }

    fn signal(&self, signal: &str, to: &str) -> Result<()> {
        let what = format!("cannot signal {}", self.name);
        let status = Command::new("kill").args([signal, "--", to]).status().map_err(failed(&what))?;
        if status.success() { Ok(()) } else { Err(Failed::new(what)) }
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
