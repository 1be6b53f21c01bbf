//! A server of our own, where none is given: `nearby serve` on loopback and in a directory that goes with it.

use std::{
    env, fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// A server that ends when this is dropped, and its directory with it.
#[derive(Debug)]
pub struct Server {
    process: Child,
    /// Where it listens.
    pub url: String,
    binary: PathBuf,
    halves: Option<Halves>,
    directory: TempDir,
}

/// Processors for the server, and the others for the generator, as `taskset` takes them.
#[derive(Clone, Debug)]
pub struct Halves {
    /// The server's.
    pub server: String,
    /// The generator's.
    pub generator: String,
}

const POLL: Duration = Duration::from_millis(5);

impl Server {
    /// Starts one, on some processors alone where `taskset` can be had.
    ///
    /// # Errors
    /// There is no binary `nearby` and none can be built, or it does not come to serve.
    pub fn start(halves: Option<&Halves>) -> io::Result<Self> {
        let binary = binary()?;
        let directory = tempfile::Builder::new().prefix("nearby-loadtest-").tempdir()?;
        let process = spawn(&binary, halves, directory.path(), "127.0.0.1:0")?;
        let mut server = Self { process, url: String::new(), binary, halves: halves.cloned(), directory };
        let address = loop {
            match server.address()? {
                Some(address) => break address,
                None => thread::sleep(POLL),
            }
        };
        server.url = format!("http://{address}");
        Ok(server)
    }

    /// Stops it in good order and starts it again, at the same address and on the same data. Connections to it can end
    /// meanwhile as they should.
    ///
    /// # Errors
    /// It does not stop, or does not come to serve again.
    pub async fn restart(&mut self) -> io::Result<()> {
        let pid = self.pid().to_string();
        if !Command::new("kill").args(["-TERM", &pid]).status()?.success() {
            return Err(io::Error::other("the server cannot be told to stop"));
        }
        while self.process.try_wait()?.is_none() {
            tokio::time::sleep(POLL).await;
        }
        let listen = self.url.trim_start_matches("http://").to_owned();
        self.process = spawn(&self.binary, self.halves.as_ref(), self.directory.path(), &listen)?;
        while self.address()?.is_none() {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Where it listens, once it serves.
    fn address(&mut self) -> io::Result<Option<String>> {
        let place = self.directory.path();
        if let Ok(address) = fs::read_to_string(place.join("address")) {
            return Ok(Some(address.trim().to_owned()));
        }
        if self.process.try_wait()?.is_some() {
            let log = fs::read_to_string(place.join("log")).unwrap_or_default();
            return Err(io::Error::other(format!("the server does not come to serve:\n{log}")));
        }
        Ok(None)
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing that anybody wants kept.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn spawn(binary: &Path, halves: Option<&Halves>, place: &Path, listen: &str) -> io::Result<Child> {
    let mut command = match halves {
        Some(halves) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &halves.server]).arg(binary);
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
    // A group of its own: ^C is for us, and we end it.
    command.process_group(0).spawn()
}

/// `nearby`, beside this binary; under cargo it is built first.
fn binary() -> io::Result<PathBuf> {
    if let Some(cargo) = env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--release", "--package", "nearby-server", "--bin", "nearby"]);
        if !build.status()?.success() {
            return Err(io::Error::other("`nearby` cannot be built"));
        }
    }
    let nearby = env::current_exe()?.with_file_name("nearby");
    if nearby.exists() {
        return Ok(nearby);
    }
    let what =
        "there is no `nearby` beside this binary: put it there, or say with --server which server to load";
    Err(io::Error::new(io::ErrorKind::NotFound, what))
}

impl Halves {
    /// Half of the processors each, and this process moved to its own; none where there is only one, or no `taskset`.
    #[must_use]
    pub fn take() -> Option<Self> {
        let allowed = allowed_processors()?;
        let (server, generator) = allowed.split_at(allowed.len() / 2);
        let halves = Self { server: list(server), generator: list(generator) };
        let pid = std::process::id().to_string();
        let mut command = Command::new("taskset");
        command.args(["-a", "-c", "-p", &halves.generator, &pid]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success()).then_some(halves)
    }
}

/// The processors that this process may run on; none where there are fewer than two.
fn allowed_processors() -> Option<Vec<u32>> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let ranges = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(processors(ranges)).filter(|allowed| allowed.len() >= 2)
}

/// Reads a list such as `0-3,8`, as `/proc` writes them.
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
    fn lists_of_processors_are_read_as_the_system_writes_them() {
        assert_eq!(processors("0-1"), [0, 1]);
        assert_eq!(processors("\t2-4,8,10-11\n"), [2, 3, 4, 8, 10, 11]);
        assert_eq!(list(&processors("2-4,8")), "2,3,4,8");
        assert_eq!(processors(""), [0u32; 0]);
    }
}
