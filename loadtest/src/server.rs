//! A `nearby serve` process on loopback with a temporary data directory, for runs without `--server`.

use std::{
    env, fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// A server process. Dropping it kills the process and removes its directory.
#[derive(Debug)]
pub struct ServerProcess {
    process: Child,
    /// URL that it listens on.
    pub url: String,
    binary: PathBuf,
    cpu_split: Option<CpuSplit>,
    directory: TempDir,
}

/// A split of the processors between server and generator, in the list format of `taskset`.
#[derive(Clone, Debug)]
pub struct CpuSplit {
    /// Processors of the server.
    pub server: String,
    /// Processors of the generator.
    pub generator: String,
}

const POLL: Duration = Duration::from_millis(5);

impl ServerProcess {
    /// Starts a server, pinned to its processors if a split is given.
    ///
    /// # Errors
    /// There is no `nearby` binary and none can be built, or the server does not become ready.
    pub fn start(cpu_split: Option<&CpuSplit>) -> io::Result<Self> {
        let binary = binary()?;
        let directory = tempfile::Builder::new().prefix("nearby-loadtest-").tempdir()?;
        let process = spawn(&binary, cpu_split, directory.path(), "127.0.0.1:0")?;
        let mut server =
            Self { process, url: String::new(), binary, cpu_split: cpu_split.cloned(), directory };
        let address = loop {
            match server.address()? {
                Some(address) => break address,
                None => thread::sleep(POLL),
            }
        };
        server.url = format!("http://{address}");
        Ok(server)
    }

    /// Stops the server gracefully and starts it again at the same address with the same data. Async, so that connections to it
    /// can close in the meantime.
    ///
    /// # Errors
    /// The server does not stop, or does not become ready again.
    pub async fn restart(&mut self) -> io::Result<()> {
        let pid = self.pid().to_string();
        if !Command::new("kill").args(["-TERM", &pid]).status()?.success() {
            return Err(io::Error::other("cannot signal the server to stop"));
        }
        while self.process.try_wait()?.is_none() {
            tokio::time::sleep(POLL).await;
        }
        let listen = self.url.trim_start_matches("http://").to_owned();
        self.process = spawn(&self.binary, self.cpu_split.as_ref(), self.directory.path(), &listen)?;
        while self.address()?.is_none() {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Returns the address that it listens on, once it is ready.
    fn address(&mut self) -> io::Result<Option<String>> {
        let directory = self.directory.path();
        if let Ok(address) = fs::read_to_string(directory.join("address")) {
            return Ok(Some(address.trim().to_owned()));
        }
        if self.process.try_wait()?.is_some() {
            let log = fs::read_to_string(directory.join("log")).unwrap_or_default();
            return Err(io::Error::other(format!("the server exited before it was ready:\n{log}")));
        }
        Ok(None)
    }

    /// Returns its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Killed without a graceful stop: its data is removed next.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn spawn(binary: &Path, cpu_split: Option<&CpuSplit>, place: &Path, listen: &str) -> io::Result<Child> {
    let mut command = match cpu_split {
        Some(cpu_split) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &cpu_split.server]).arg(binary);
            command
        }
        None => Command::new(binary),
    };
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEARBY_")) {
        command.env_remove(name);
    }
    command
        .args(["serve", "--listen", listen, "--disk-floor-mib", "16", "--data-dir"])
        .arg(place.join("data"));
    command.arg("--address-file").arg(place.join("address")).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(fs::File::create(place.join("log"))?);
    // A process group of its own, so that ^C reaches only this process, which then ends the server.
    command.process_group(0).spawn()
}

/// Returns the `nearby` binary beside this one; under cargo it is built first.
fn binary() -> io::Result<PathBuf> {
    if let Some(cargo) = env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--release", "--package", "nearby-server", "--bin", "nearby"]);
        if !build.status()?.success() {
            return Err(io::Error::other("cannot build `nearby`"));
        }
    }
    let nearby = env::current_exe()?.with_file_name("nearby");
    if nearby.exists() {
        return Ok(nearby);
    }
    let message = "no `nearby` binary beside this one; put it there, or pass a running server with --server";
    Err(io::Error::new(io::ErrorKind::NotFound, message))
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
