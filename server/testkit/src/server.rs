//! A `nearby serve` process: the command that starts it, the wait until it is ready, and the running server.

use std::{
    error::Error,
    ffi::{OsStr, OsString},
    fmt, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::{
    ProcessGroup, binary, flags,
    process::{ManagedProcess, POLL},
};

/// Loopback, on a port that is free.
const ANY_PORT: &str = "127.0.0.1:0";

/// A server to start: its executable, directories, flags and environment.
#[derive(Clone, Debug)]
pub struct ServerCommand {
    nearby: PathBuf,
    data_dir: PathBuf,
    run_dir: PathBuf,
    listen: String,
    prefix: Vec<OsString>,
    group: ProcessGroup,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl ServerCommand {
    /// Creates a command for a server with this data directory, on a free port of 127.0.0.1. Its address file and its log
    /// are beside the data directory.
    #[must_use]
    pub fn new(nearby: &Path, data_dir: &Path) -> Self {
        Self {
            nearby: nearby.to_owned(),
            data_dir: data_dir.to_owned(),
            run_dir: data_dir.parent().unwrap_or(data_dir).to_owned(),
            listen: ANY_PORT.to_owned(),
            prefix: Vec::new(),
            group: ProcessGroup::Own,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Replaces the executable.
    #[must_use]
    pub fn executable(mut self, nearby: &Path) -> Self {
        nearby.clone_into(&mut self.nearby);
        self
    }

    /// Puts the address file and the log into this directory.
    #[must_use]
    pub fn run_dir(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.run_dir);
        self
    }

    /// Adds flags of `nearby serve`.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Adds environment variables.
    #[must_use]
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let owned = |(name, value): (K, V)| (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.environment.extend(variables.into_iter().map(owned));
        self
    }

    /// Sets the address that the server listens on. A server that is started again with the same command is found at the same
    /// address.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// Pins the server to processors, in the list format of `taskset`.
    #[must_use]
    pub fn processors(self, list: &str) -> Self {
        self.prefix(["taskset", "-c", list])
    }

    /// Starts the server through another command, which must execute its last arguments in its own process.
    #[must_use]
    pub fn prefix<S: AsRef<OsStr>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.prefix.extend(command.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets the process group of the server; by default it has its own.
    #[must_use]
    pub fn process_group(mut self, group: ProcessGroup) -> Self {
        self.group = group;
        self
    }

    /// Starts the server and returns without waiting for it.
    ///
    /// # Errors
    /// The executable cannot be started or its log cannot be opened.
    pub fn spawn(self) -> io::Result<StartingServer> {
        let (address_file, log) = (self.run_dir.join("address"), self.run_dir.join("log"));
        // A server that was killed leaves the file behind.
        drop(fs::remove_file(&address_file));
        let log_start = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let mut command = match self.prefix.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&self.nearby);
                command
            }
            None => Command::new(&self.nearby),
        };
        binary::clean_environment(&mut command);
        command
            .args(["serve", flags::LISTEN, &self.listen, flags::ADDRESS_FILE])
            .arg(&address_file)
            .arg(flags::DATA_DIR)
            .arg(&self.data_dir)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(fs::OpenOptions::new().create(true).append(true).open(&log)?);
        let start = Instant::now();
        let process = ManagedProcess::spawn(&mut command, self.group)?;
        Ok(StartingServer {
            process,
            command: self,
            address_file,
            log: LogFile { path: log, start: log_start },
            start,
        })
    }
}

/// A server that has been started and may not be ready yet. Dropping it kills the process.
#[derive(Debug)]
pub struct StartingServer {
    process: ManagedProcess,
    command: ServerCommand,
    address_file: PathBuf,
    log: LogFile,
    start: Instant,
}

impl StartingServer {
    /// Waits until the server is ready: it writes its address file when its store is open and its index is built.
    ///
    /// # Errors
    /// The server exits first, or is not ready within the time limit. It has exited or is killed then.
    pub async fn ready(mut self, limit: Duration) -> Result<ServerProcess, StartError> {
        loop {
            // The file is replaced atomically, so a file that can be read is complete.
            if let Ok(address) = fs::read_to_string(&self.address_file) {
                let address = address.trim().to_owned();
                let startup_time = self.start.elapsed();
                let Self { process, command, log, .. } = self;
                return Ok(ServerProcess { process, command, log, address, startup_time });
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(StartError::Exited { status, output: self.log.output() });
            }
            if self.start.elapsed() > limit {
                self.process.kill()?;
                return Err(StartError::TimedOut { limit, output: self.log.output() });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Sends SIGKILL and reaps the process.
    ///
    /// # Errors
    /// A system call fails.
    pub fn kill(mut self) -> io::Result<()> {
        self.process.kill().map(drop)
    }
}

/// A server that is ready. Dropping it kills the process.
#[derive(Debug)]
pub struct ServerProcess {
    process: ManagedProcess,
    command: ServerCommand,
    log: LogFile,
    address: String,
    startup_time: Duration,
}

impl ServerProcess {
    /// Returns the address that it listens on: an IP and a port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns its URL, without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns its data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.command.data_dir
    }

    /// Returns the path of its log (standard error), to which every start with the same run directory appends.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log.path
    }

    /// Returns what it has logged since its start.
    #[must_use]
    pub fn output(&self) -> String {
        self.log.output()
    }

    /// Returns the time from its start until it was ready.
    #[must_use]
    pub fn startup_time(&self) -> Duration {
        self.startup_time
    }

    /// Returns its exit status if it has exited.
    ///
    /// # Errors
    /// The system call fails.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.process.try_wait()
    }

    /// Sends SIGKILL and reaps the process, as if it had crashed.
    ///
    /// # Errors
    /// A system call fails.
    pub fn kill(mut self) -> io::Result<()> {
        self.process.kill().map(drop)
    }

    /// Sends SIGSTOP: the server does nothing until [`Self::resume`].
    ///
    /// # Errors
    /// A system call fails.
    pub fn suspend(&self) -> io::Result<()> {
        self.process.suspend()
    }

    /// Sends SIGCONT.
    ///
    /// # Errors
    /// A system call fails.
    pub fn resume(&self) -> io::Result<()> {
        self.process.resume()
    }

    /// Has it reload its files, with SIGHUP.
    ///
    /// # Errors
    /// A system call fails.
    pub fn reload(&self) -> io::Result<()> {
        self.process.hang_up()
    }

    /// Stops it with SIGTERM and waits for its exit; `None` if it is still running after the time limit. Async, so that
    /// connections to it can close in the meantime.
    ///
    /// # Errors
    /// A system call fails.
    pub async fn terminate(mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        self.process.terminate()?;
        self.process.wait(limit).await
    }

    /// The same, but blocks the thread: for callers without a runtime, or whose runtime is to make no progress.
    ///
    /// # Errors
    /// A system call fails.
    pub fn terminate_blocking(mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        self.process.terminate()?;
        self.process.wait_blocking(limit)
    }

    /// Stops it gracefully and starts it again at the same address with the same data, flags and environment.
    ///
    /// # Errors
    /// It does not exit or does not become ready again within the time limit.
    pub async fn restart(&mut self, limit: Duration) -> Result<(), StartError> {
        self.process.terminate()?;
        if self.process.wait(limit).await?.is_none() {
            return Err(StartError::TimedOut { limit, output: self.output() });
        }
        let command = ServerCommand { listen: self.address.clone(), ..self.command.clone() };
        *self = command.spawn()?.ready(limit).await?;
        Ok(())
    }
}

/// The log of a server, and its length before this start.
#[derive(Clone, Debug)]
struct LogFile {
    path: PathBuf,
    start: u64,
}

impl LogFile {
    fn output(&self) -> String {
        let log = fs::read(&self.path).unwrap_or_default();
        let start = usize::try_from(self.start).unwrap_or(usize::MAX).min(log.len());
        String::from_utf8_lossy(&log[start..]).into_owned()
    }
}

/// A server that did not become ready.
#[derive(Debug)]
pub enum StartError {
    /// It exited.
    Exited {
        /// Exit status.
        status: ExitStatus,
        /// Its log output.
        output: String,
    },
    /// It neither exited nor became ready in time.
    TimedOut {
        /// Time limit.
        limit: Duration,
        /// Its log output.
        output: String,
    },
    /// It cannot be started, observed or signalled.
    Io(io::Error),
}

impl StartError {
    /// Returns the exit status of a server that exited.
    #[must_use]
    pub fn status(&self) -> Option<ExitStatus> {
        match self {
            Self::Exited { status, .. } => Some(*status),
            Self::TimedOut { .. } | Self::Io(_) => None,
        }
    }

    /// Returns what the server logged.
    #[must_use]
    pub fn output(&self) -> &str {
        match self {
            Self::Exited { output, .. } | Self::TimedOut { output, .. } => output,
            Self::Io(_) => "",
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { status, output } => {
                write!(f, "the server exited before it was ready ({status}); its log:\n{output}")
            }
            Self::TimedOut { limit, output } => {
                write!(f, "the server did not start or stop within {} s; its log:\n{output}", limit.as_secs())
            }
            Self::Io(error) => write!(f, "cannot run the server: {error}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Exited { .. } | Self::TimedOut { .. } => None,
        }
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// An executable in place of `nearby`. `$5` is the path of the address file.
    fn script(directory: &Path, text: &str) -> ServerCommand {
        let path = directory.join("nearby");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        ServerCommand::new(&path, &directory.join("data"))
    }

    const READY: &str = "echo starting >&2; echo 127.0.0.1:9 > $5.new; mv $5.new $5; exec sleep 600";

    #[tokio::test]
    async fn a_server_is_ready_once_it_has_written_its_address() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("address"), "127.0.0.1:1\n").unwrap();
        fs::write(directory.path().join("log"), "of an earlier start\n").unwrap();
        let mut server = script(directory.path(), READY).spawn().unwrap().ready(LIMIT).await.unwrap();
        assert_eq!((server.address(), server.url().as_str()), ("127.0.0.1:9", "http://127.0.0.1:9"));
        assert_eq!(server.output(), "starting\n");
        assert_eq!(server.try_wait().unwrap(), None);
        let first = server.id();
        server.restart(LIMIT).await.unwrap();
        assert_ne!(server.id(), first);
        assert_eq!(server.command.listen, "127.0.0.1:9");
        assert!(server.terminate(LIMIT).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_server_that_exits_reports_its_status_and_output() {
        let directory = tempfile::tempdir().unwrap();
        let starting = script(directory.path(), "echo damaged >&2; exit 65").spawn().unwrap();
        let error = starting.ready(LIMIT).await.unwrap_err();
        assert_eq!((error.status().unwrap().code(), error.output()), (Some(65), "damaged\n"));
    }

    #[tokio::test]
    async fn a_server_that_is_not_ready_in_time_is_killed() {
        let directory = tempfile::tempdir().unwrap();
        let starting = script(directory.path(), "exec sleep 600").spawn().unwrap();
        let pid = starting.process.id();
        let error = starting.ready(Duration::from_millis(20)).await.unwrap_err();
        assert!(matches!(error, StartError::TimedOut { .. }), "{error}");
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[tokio::test]
    async fn variables_of_this_process_do_not_change_the_settings() {
        let directory = tempfile::tempdir().unwrap();
        let print = format!("env >&2; {READY}");
        let command = script(directory.path(), &print).envs([("NEARBY_GIVEN", "1")]);
        let server = command.spawn().unwrap().ready(LIMIT).await.unwrap();
        let output = server.output();
        let mut names: Vec<&str> = output
            .lines()
            .filter_map(|line| line.split('=').next())
            .filter(|name| name.starts_with("NEARBY_"))
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["NEARBY_GIVEN", flags::MIN_FREE_DISK_MIB_VARIABLE]);
    }
}
