//! A child process that does not outlive its handle.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

/// Polling interval for an exit and for readiness: short, because start times are measured with it.
pub(crate) const POLL: Duration = Duration::from_millis(1);

/// The process group of a child, which decides whether Ctrl-C reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessGroup {
    /// A group of its own: Ctrl-C in the terminal reaches the caller alone. For callers that handle the signal and stop the
    /// child, and for children with children, which are killed together.
    Own,
    /// The group of the caller: Ctrl-C ends both. For callers that do not handle the signal, such as tests, which would leave
    /// the child running.
    Caller,
}

/// A child process. Dropping it kills the process (with `ProcessGroup::Own`, its whole group) and reaps it.
#[derive(Debug)]
pub struct ManagedProcess {
    child: Child,
    group: ProcessGroup,
}

impl ManagedProcess {
    /// Starts a command.
    ///
    /// # Errors
    /// The command cannot be started.
    pub fn spawn(command: &mut Command, group: ProcessGroup) -> io::Result<Self> {
        if group == ProcessGroup::Own {
            command.process_group(0);
        }
        Ok(Self { child: command.spawn()?, group })
    }

    /// Returns its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns its exit status if it has exited.
    ///
    /// # Errors
    /// The system call fails.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits for its exit; `None` if it is still running after the time limit.
    ///
    /// # Errors
    /// The system call fails.
    pub async fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            match self.try_wait()? {
                None if start.elapsed() < limit => tokio::time::sleep(POLL).await,
                ended => return Ok(ended),
            }
        }
    }

    /// Waits for its exit and blocks the thread meanwhile; `None` if it is still running after the time limit.
    ///
    /// # Errors
    /// The system call fails.
    pub fn wait_blocking(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            match self.try_wait()? {
                None if start.elapsed() < limit => thread::sleep(POLL),
                ended => return Ok(ended),
            }
        }
    }

    /// Sends SIGTERM.
    ///
    /// # Errors
    /// `kill` fails: the process has exited and been reaped.
    pub fn terminate(&self) -> io::Result<()> {
        signal("-TERM", &self.id().to_string())
    }

    /// Sends SIGHUP.
    ///
    /// # Errors
    /// `kill` fails: the process has exited and been reaped.
    pub fn hang_up(&self) -> io::Result<()> {
        signal("-HUP", &self.id().to_string())
    }

    /// Sends SIGSTOP: the process does nothing until [`Self::resume`].
    ///
    /// # Errors
    /// `kill` fails: the process has exited and been reaped.
    pub fn suspend(&self) -> io::Result<()> {
        signal("-STOP", &self.id().to_string())
    }

    /// Sends SIGCONT.
    ///
    /// # Errors
    /// `kill` fails: the process has exited and been reaped.
    pub fn resume(&self) -> io::Result<()> {
        signal("-CONT", &self.id().to_string())
    }

    /// Sends SIGKILL and reaps the process.
    ///
    /// # Errors
    /// A system call fails.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for ManagedProcess {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            if self.group == ProcessGroup::Own {
                drop(signal("-KILL", &format!("-{}", self.id())));
            }
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Sends a signal through the command `kill`: the system call is unsafe in Rust, which this workspace forbids.
fn signal(signal: &str, to: &str) -> io::Result<()> {
    let status = Command::new("kill").args([signal, "--", to]).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("cannot send {signal} to process {to}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn shell(script: &str, group: ProcessGroup) -> ManagedProcess {
        ManagedProcess::spawn(Command::new("sh").args(["-c", script]), group).unwrap()
    }

    #[tokio::test]
    async fn an_exit_is_awaited_up_to_the_time_limit() {
        let mut process = shell("exit 3", ProcessGroup::Own);
        let status = process.wait(Duration::from_secs(60)).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(3));
        let mut process = shell("exec sleep 600", ProcessGroup::Caller);
        assert_eq!(process.wait(Duration::from_millis(5)).await.unwrap(), None);
        process.terminate().unwrap();
        assert!(process.wait_blocking(Duration::from_secs(60)).unwrap().is_some());
    }

    #[test]
    fn a_suspended_process_does_nothing_until_it_is_resumed() {
        let mut running = shell("exec sleep 600", ProcessGroup::Own);
        running.suspend().unwrap();
        let state = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", running.id())).unwrap();
            stat.rsplit(") ").next().unwrap().chars().next().unwrap()
        };
        while state() != 'T' {
            thread::sleep(POLL);
        }
        running.resume().unwrap();
        while state() == 'T' {
            thread::sleep(POLL);
        }
        running.suspend().unwrap();
        assert_eq!(running.kill().unwrap().code(), None, "a suspended process can be killed");
    }

    #[test]
    fn a_dropped_process_is_killed_together_with_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let pids = directory.path().join("pids");
        let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", pids.display());
        let process = shell(&script, ProcessGroup::Own);
        let is_running = |pid: &str| {
            // A zombie, which only its parent can reap, has no command line.
            std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|command| !command.is_empty())
        };
        while !pids.exists() {
            thread::sleep(POLL);
        }
        let child = std::fs::read_to_string(&pids).unwrap().trim().to_owned();
        let parent = process.id().to_string();
        assert!(is_running(&parent) && is_running(&child));
        drop(process);
        while is_running(&child) {
            thread::sleep(POLL);
        }
        assert!(!is_running(&parent));
    }
}
