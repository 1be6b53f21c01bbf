//! The brokers: `nats-server` processes with JetStream.

pub(crate) mod config;
pub(crate) mod files;
mod install;
mod monitor;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nearby_testkit::{ManagedProcess, ProcessGroup};

pub(crate) use self::install::find as find_broker;
pub(crate) use self::monitor::StreamState;
use crate::{
    cluster::network::{Member, Network, Service},
    error::Result,
    small_disk::SmallDisk,
};

/// Name of the stream.
pub(crate) const STREAM: &str = "NEARBY";
/// Time limit for brokers to become healthy. Elections take up to ten seconds.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// All brokers. Dropping it kills them.
pub(crate) struct Brokers {
    directory: PathBuf,
    brokers: Vec<Broker>,
    /// Disks of the brokers' stores, if disks can be mounted.
    disks: Vec<SmallDisk>,
}

struct Broker {
    binary: PathBuf,
    /// Number of brokers that were in its place before.
    replaced: usize,
    /// Command through which it is started.
    prefix: Vec<String>,
    monitor: std::net::SocketAddrV4,
    process: Option<ManagedProcess>,
    is_suspended: bool,
}

impl Brokers {
    /// Writes the configuration of a number of brokers. With a size, each store gets a disk of its own.
    pub(crate) fn new(
        binary: &Path,
        directory: &Path,
        network: &Network,
        count: usize,
        disk_mib: Option<u64>,
    ) -> Result<Self> {
        let mut brokers = Self { directory: directory.to_owned(), brokers: Vec::new(), disks: Vec::new() };
        for number in 0..count {
            fs::create_dir_all(brokers.store(number))?;
            if let Some(size) = disk_mib {
                let disk = SmallDisk::mount(brokers.store(number), size)?;
                brokers.disks.push(disk.ok_or("a disk cannot be mounted")?);
            }
            let text =
                config::render(network, (number, &config::name(number)), count, &brokers.store(number));
            fs::write(brokers.config(number), text)?;
            let member = Member::Broker(number);
            brokers.brokers.push(Broker {
                binary: binary.to_owned(),
                replaced: 0,
                prefix: network.prefix(member),
                monitor: network.listener(member, Service::Monitor),
                process: None,
                is_suspended: false,
            });
        }
        Ok(brokers)
    }

    /// Returns the number of brokers.
    pub(crate) fn count(&self) -> usize {
        self.brokers.len()
    }

    /// Returns the directory of a broker's configuration, log, store and copies of the store.
    fn home(&self, number: usize) -> PathBuf {
        self.directory.join(config::name(number))
    }

    fn config(&self, number: usize) -> PathBuf {
        self.home(number).join("nats.conf")
    }

    /// Returns the directory of a broker's store.
    pub(crate) fn store(&self, number: usize) -> PathBuf {
        self.home(number).join("store")
    }

    /// Returns the disk of a broker's store.
    pub(crate) fn disk(&self, number: usize) -> Result<&SmallDisk> {
        Ok(self.disks.get(number).ok_or("the brokers have no disks of their own")?)
    }

    /// Starts a broker, unless it is running.
    pub(crate) fn start(&mut self, number: usize) -> Result<()> {
        if self.is_running(number)? {
            return Ok(());
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.home(number).join("log"))?;
        let Broker { prefix, binary, .. } = &self.brokers[number];
        let mut command = Command::new(prefix.first().map_or(binary.as_os_str(), |program| program.as_ref()));
        if let Some((_, arguments)) = prefix.split_first() {
            command.args(arguments).arg(binary);
        }
        command
            .arg("--config")
            .arg(self.config(number))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        // Without a limit a broker takes up to 630 MB under load.
        command.env("GOMEMLIMIT", "384MiB");
        let process = ManagedProcess::spawn(&mut command, ProcessGroup::Caller)?;
        self.brokers[number].process = Some(process);
        Ok(())
    }

    /// Starts all brokers that are not running.
    pub(crate) fn start_all(&mut self) -> Result<()> {
        (0..self.count()).try_for_each(|number| self.start(number))
    }

    /// Returns `true` while a broker's process exists, also while it is suspended.
    pub(crate) fn is_running(&mut self, number: usize) -> Result<bool> {
        match &mut self.brokers[number].process {
            Some(process) => Ok(process.try_wait()?.is_none()),
            None => Ok(false),
        }
    }

    /// Sends SIGKILL to a broker.
    pub(crate) fn kill(&mut self, number: usize) -> Result<()> {
        let broker = &mut self.brokers[number];
        broker.is_suspended = false;
        if let Some(mut process) = broker.process.take() {
            process.kill()?;
        }
        Ok(())
    }

    /// Sends SIGTERM to a broker, which then hands its leadership over, and waits for its exit.
    pub(crate) async fn terminate(&mut self, number: usize) -> Result<()> {
        if let Some(mut process) = self.brokers[number].process.take() {
            process.terminate()?;
            if process.wait(TIMEOUT).await?.is_none() {
                return Err(format!("broker {} does not stop", config::name(number)).into());
            }
        }
        Ok(())
    }

    /// Sends SIGSTOP to a broker.
    pub(crate) fn suspend(&mut self, number: usize) -> Result<()> {
        let broker = &mut self.brokers[number];
        if let Some(process) = &broker.process {
            process.suspend()?;
            broker.is_suspended = true;
        }
        Ok(())
    }

    /// Sends SIGCONT to a broker.
    pub(crate) fn resume(&mut self, number: usize) -> Result<()> {
        let broker = &mut self.brokers[number];
        broker.is_suspended = false;
        Ok(broker.process.as_ref().map_or(Ok(()), ManagedProcess::resume)?)
    }

    /// Makes the next start of a broker use another release.
    pub(crate) fn set_binary(&mut self, number: usize, binary: &Path) {
        binary.clone_into(&mut self.brokers[number].binary);
    }

    /// Puts a broker with a new name and an empty store in the place of another one, which must not be running. Returns the names of
    /// both.
    pub(crate) fn replace(&mut self, number: usize, network: &Network) -> Result<(String, String)> {
        self.wipe(number)?;
        let replaced = self.brokers[number].replaced;
        let [old, new] = [replaced, replaced + 1].map(|times| config::next_name(number, times));
        self.brokers[number].replaced += 1;
        let text = config::render(network, (number, &new), self.count(), &self.store(number));
        fs::write(self.config(number), text)?;
        Ok((old, new))
    }

    /// Removes all files of a broker's store. The broker must not be running.
    pub(crate) fn wipe(&self, number: usize) -> Result<()> {
        files::clear(&self.store(number))
    }

    /// Copies a broker's store. The broker must not be running.
    pub(crate) fn save(&self, number: usize) -> Result<()> {
        let saved = self.home(number).join("saved");
        drop(fs::remove_dir_all(&saved));
        Ok(crate::report::copy(&self.store(number), &saved)?)
    }

    /// Replaces a broker's store by its copy. The broker must not be running.
    pub(crate) fn restore(&self, number: usize) -> Result<()> {
        self.wipe(number)?;
        Ok(crate::report::copy(&self.home(number).join("saved"), &self.store(number))?)
    }

    /// Returns the URL of a broker's monitor.
    pub(crate) fn monitor_url(&self, number: usize) -> String {
        format!("http://{}", self.brokers[number].monitor)
    }

    /// Returns the release of a broker; `None` if it does not answer.
    pub(crate) async fn version(&self, number: usize) -> Option<String> {
        monitor::version(self.brokers[number].monitor).await
    }

    /// Returns `true` if a broker says that it is healthy.
    pub(crate) async fn is_healthy(&self, number: usize) -> bool {
        let broker = &self.brokers[number];
        broker.process.is_some() && !broker.is_suspended && monitor::is_healthy(broker.monitor).await
    }

    /// Waits until all brokers are healthy; returns the numbers of those that are not in time.
    pub(crate) async fn wait_until_healthy(&self, limit: Duration) -> Vec<usize> {
        let start = Instant::now();
        loop {
            let mut unhealthy = Vec::new();
            for number in 0..self.count() {
                if !self.is_healthy(number).await {
                    unhealthy.push(number);
                }
            }
            if unhealthy.is_empty() || start.elapsed() > limit {
                return unhealthy;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Returns what each broker that answers says about the stream, by its number.
    pub(crate) async fn stream_states(&self) -> BTreeMap<usize, StreamState> {
        let mut states = BTreeMap::new();
        for (number, broker) in self.brokers.iter().enumerate() {
            if broker.process.is_none() || broker.is_suspended {
                continue;
            }
            if let Some(state) = monitor::stream_state(broker.monitor, STREAM).await {
                states.insert(number, state);
            }
        }
        states
    }

    /// Waits for a leader that the most brokers name, and that names itself; returns its number.
    pub(crate) async fn leader(&self) -> Result<usize> {
        let start = Instant::now();
        while start.elapsed() < TIMEOUT {
            let states = self.stream_states().await;
            if let Some(leader) = monitor::elected(&states, self.count()) {
                return Ok(leader);
            }
            tokio::time::sleep(POLL).await;
        }
        Err("the stream has no leader".into())
    }

    /// Returns the numbers of all brokers except one.
    pub(crate) fn others(&self, number: usize) -> Vec<usize> {
        (0..self.count()).filter(|other| *other != number).collect()
    }
}
