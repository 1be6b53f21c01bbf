//! A `nearby serve` process on loopback with a temporary data directory, for runs without `--server`.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    process::{Command, Stdio},
    time::Duration,
};

use nearby_testkit::{NearbyBinary, ServerCommand, flags};
use tempfile::TempDir;

/// Time limit for a start or a stop: with ten million merchants each takes minutes.
const TIMEOUT: Duration = Duration::from_secs(1_800);

/// A server process. Dropping it kills the process without a graceful stop and removes its directory.
#[derive(Debug)]
pub struct ServerProcess {
    process: nearby_testkit::ServerProcess,
    /// URL that it listens on.
    pub url: String,
    /// Host and port of its HTTP listener, if it has one.
    pub http_address: Option<String>,
    _directory: TempDir,
}

/// A split of the processors between server and generator, in the list format of `taskset`.
#[derive(Clone, Debug)]
pub struct CpuSplit {
    /// Processors of the server.
    pub server: String,
    /// Processors of the generator.
    pub generator: String,
}

impl ServerProcess {
    /// Starts the `nearby` binary beside this one, pinned to its processors if a split is given, and prints which one it is.
    ///
    /// # Errors
    /// There is no `nearby` binary and it cannot be built, or the server does not become ready.
    pub async fn start(cpu_split: Option<&CpuSplit>) -> io::Result<Self> {
        Self::start_with(cpu_split, &[]).await
    }

    /// Starts the binary with further arguments.
    ///
    /// # Errors
    /// There is no `nearby` binary, or the server does not become ready.
    pub async fn start_with(cpu_split: Option<&CpuSplit>, arguments: &[&OsStr]) -> io::Result<Self> {
        Self::start_in(directory()?, cpu_split, arguments).await
    }

    /// Starts the binary with an HTTP listener.
    ///
    /// # Errors
    /// There is no `nearby` binary, or the server does not become ready.
    pub async fn start_with_http(cpu_split: Option<&CpuSplit>) -> io::Result<Self> {
        let directory = directory()?;
        let file = directory.path().join("http-address");
        let arguments = [
            flags::HTTP_LISTEN.as_ref(),
            "127.0.0.1:0".as_ref(),
            flags::HTTP_ADDRESS_FILE.as_ref(),
            file.as_os_str(),
        ];
        let server = Self::start_in(directory, cpu_split, &arguments).await?;
        Ok(Self { http_address: Some(fs::read_to_string(&file)?.trim().to_owned()), ..server })
    }

    async fn start_in(
        directory: TempDir,
        cpu_split: Option<&CpuSplit>,
        arguments: &[&OsStr],
    ) -> io::Result<Self> {
        let nearby = NearbyBinary::find(None)?;
        writeln!(io::stderr(), "starting {}", nearby.description)?;
        let mut command = ServerCommand::new(&nearby.path, &directory.path().join("data"));
        command = command.args(arguments);
        if let Some(cpu_split) = cpu_split {
            command = command.processors(&cpu_split.server);
        }
        let process = command.spawn()?.ready(TIMEOUT).await.map_err(io::Error::other)?;
        Ok(Self { url: process.url(), http_address: None, process, _directory: directory })
    }

    /// Stops the server gracefully and starts it again at the same address with the same data.
    ///
    /// # Errors
    /// The server does not stop, or does not become ready again.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.process.restart(TIMEOUT).await.map_err(io::Error::other)
    }

    /// Returns its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

fn directory() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("nearby-loadtest-").tempdir()
}

impl CpuSplit {
    /// Splits the processors in halves and moves this process to its own; `None` with a single processor or without `taskset`.
    #[must_use]
    pub fn take() -> Option<Self> {
        let allowed = allowed_processors()?;
        let (server, generator) = allowed.split_at(allowed.len() / 2);
        let cpu_split = Self { server: list(server), generator: list(generator) };
        let pid = std::process::id().to_string();
        let mut command = Command::new("taskset");
        command
            .args(["-a", "-c", "-p", &cpu_split.generator, &pid])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success()).then_some(cpu_split)
    }

    /// Leaves the server one processor, whatever the half of the machine is.
    #[must_use]
    pub fn single(self) -> Self {
        let server = self.server.split(',').next().unwrap_or_default().to_owned();
        Self { server, ..self }
    }
}

/// Returns the processors that this process may run on; `None` if there are fewer than two.
fn allowed_processors() -> Option<Vec<u32>> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let ranges = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(processors(ranges)).filter(|allowed| allowed.len() >= 2)
}

/// Parses a processor list such as `0-3,8`, the format of `/proc`.
fn processors(ranges: &str) -> Vec<u32> {
    let range = |range: &str| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        Some(from.trim().parse::<u32>().ok()?..=to.trim().parse().ok()?)
    };
    ranges.split(',').filter_map(range).flatten().collect()
}

fn list(processors: &[u32]) -> String {
    processors.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_lists_parse_in_the_format_of_proc() {
        assert_eq!(processors("0-1"), [0, 1]);
        assert_eq!(processors("\t2-4,8,10-11\n"), [2, 3, 4, 8, 10, 11]);
        assert_eq!(list(&processors("2-4,8")), "2,3,4,8");
        assert_eq!(processors(""), [0u32; 0]);
    }
}
