//! The nodes: `nearby serve` processes, and clients that are connected to them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use nearby_client::Client;
use nearby_testkit::{ProcessGroup, ServerCommand, ServerProcess, flags};
use tonic::transport::{Channel, Endpoint};

use crate::{
    cluster::{
        command::Commands,
        network::{Member, Network, Service},
    },
    error::Result,
    shim::ClockShim,
    small_disk::SmallDisk,
};

/// Time limit for a start or a stop. A start replays the log since the last one.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Deadline of a write. A node answers within five seconds that there is no quorum.
const WRITE_DEADLINE: Duration = Duration::from_secs(3);
/// Deadline of a search. It needs no other node and no broker.
const READ_DEADLINE: Duration = Duration::from_secs(10);

/// Settings of the nodes of a cluster.
pub(crate) struct NodeSettings<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) commands: Commands,
    /// URLs of the brokers' monitors.
    pub(crate) monitors: String,
    pub(crate) clock: &'a ClockShim,
    /// Size of each node's disk; without one, all share a disk.
    pub(crate) disk_mib: Option<u64>,
}

/// All nodes. Dropping it kills them.
pub(crate) struct Nodes {
    nodes: Vec<Node>,
    commands: Commands,
}

struct Node {
    home: PathBuf,
    command: ServerCommand,
    process: Option<ServerProcess>,
    disk: Option<SmallDisk>,
    handle: NodeHandle,
}

/// Clients of a node.
#[derive(Clone)]
pub(crate) struct NodeHandle {
    /// URL of the node.
    pub(crate) url: String,
    /// For writes.
    pub(crate) writer: Client,
    /// For reads, over a connection of its own: nothing that a writer sends delays it.
    pub(crate) reader: Client,
    /// The connection of the reader, for calls with metadata.
    pub(crate) channel: Channel,
    pub(crate) presence: Arc<Presence>,
}

/// Tells readers whether a node is expected to answer.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    is_up: AtomicBool,
    /// Number of times that it was up and then not.
    absences: AtomicU64,
}

impl Presence {
    fn set(&self, is_up: bool) {
        if self.is_up.swap(is_up, Ordering::AcqRel) && !is_up {
            self.absences.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Returns a number while the node is expected to answer. If it is the same afterwards, the node was there all the time.
    pub(crate) fn epoch(&self) -> Option<u64> {
        let absences = self.absences.load(Ordering::Acquire);
        self.is_up.load(Ordering::Acquire).then_some(absences)
    }
}

/// Returns the name of a node.
pub(crate) fn name(number: usize) -> String {
    format!("node-{}", number + 1)
}

impl Nodes {
    /// Creates the directories and clients of a number of nodes.
    pub(crate) fn new(
        settings: NodeSettings<'_>,
        network: &Network,
        brokers: usize,
        count: usize,
    ) -> Result<Self> {
        let key = settings.directory.join("page-token.key");
        fs::write(&key, format!("{}\n", "5a".repeat(32)))?;
        let mut nodes = Vec::new();
        for number in 0..count {
            let home = settings.directory.join(name(number));
            fs::create_dir_all(home.join("disk"))?;
            let disk = match settings.disk_mib {
                Some(size) => {
                    Some(SmallDisk::mount(home.join("disk"), size)?.ok_or("a disk cannot be mounted")?)
                }
                None => None,
            };
            let command = command(&settings, network, brokers, number, &home, &key)?;
            let handle = NodeHandle::new(network, number)?;
            nodes.push(Node { home, command, process: None, disk, handle });
        }
        Ok(Self { nodes, commands: settings.commands })
    }

    /// Returns the number of nodes.
    pub(crate) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the clients of all nodes.
    pub(crate) fn handles(&self) -> Vec<NodeHandle> {
        self.nodes.iter().map(|node| node.handle.clone()).collect()
    }

    /// Returns the URL of a node.
    pub(crate) fn url(&self, number: usize) -> &str {
        &self.nodes[number].handle.url
    }

    /// Returns the data directory of a node.
    pub(crate) fn data(&self, number: usize) -> PathBuf {
        self.nodes[number].home.join("disk/data")
    }

    /// Returns the disk of a node.
    pub(crate) fn disk(&self, number: usize) -> Result<&SmallDisk> {
        Ok(self.nodes[number].disk.as_ref().ok_or("the nodes have no disks of their own")?)
    }

    /// Returns `true` while a node's process exists, also while it is suspended.
    pub(crate) fn is_running(&mut self, number: usize) -> Result<bool> {
        match &mut self.nodes[number].process {
            Some(process) => Ok(process.try_wait()?.is_none()),
            None => Ok(false),
        }
    }

    /// Starts a node, unless it is running, and waits until it is ready.
    pub(crate) async fn start(&mut self, number: usize) -> Result<()> {
        if self.is_running(number)? {
            return Ok(());
        }
        let node = &mut self.nodes[number];
        let starting = node.command.clone().spawn()?;
        let process = starting.ready(TIMEOUT).await.map_err(|error| format!("{}: {error}", name(number)))?;
        node.process = Some(process);
        node.handle.presence.set(true);
        Ok(())
    }

    /// Starts all nodes that are not running.
    pub(crate) async fn start_all(&mut self) -> Result<()> {
        for number in 0..self.count() {
            self.start(number).await?;
        }
        Ok(())
    }

    /// Sends SIGKILL to a node.
    pub(crate) fn kill(&mut self, number: usize) -> Result<()> {
        let node = &mut self.nodes[number];
        node.handle.presence.set(false);
        Ok(node.process.take().map_or(Ok(()), ServerProcess::kill)?)
    }

    /// Sends SIGTERM to a node, and waits for its exit.
    pub(crate) async fn terminate(&mut self, number: usize) -> Result<()> {
        let node = &mut self.nodes[number];
        node.handle.presence.set(false);
        if let Some(process) = node.process.take()
            && process.terminate(TIMEOUT).await?.is_none()
        {
            return Err(format!("{} does not stop", name(number)).into());
        }
        Ok(())
    }

    /// Sends SIGSTOP to a node.
    pub(crate) fn suspend(&mut self, number: usize) -> Result<()> {
        let node = &mut self.nodes[number];
        node.handle.presence.set(false);
        Ok(node.process.as_ref().map_or(Ok(()), ServerProcess::suspend)?)
    }

    /// Sends SIGCONT to a node.
    pub(crate) fn resume(&mut self, number: usize) -> Result<()> {
        let node = &mut self.nodes[number];
        node.process.as_ref().map_or(Ok(()), ServerProcess::resume)?;
        node.handle.presence.set(node.process.is_some());
        Ok(())
    }

    /// Tells readers whether the harness can reach a node that is running.
    pub(crate) fn set_reachable(&mut self, number: usize, is_reachable: bool) {
        self.nodes[number].handle.presence.set(is_reachable);
    }

    /// Replaces the directory of a node by a copy of another one. The node must not be running.
    pub(crate) async fn bootstrap(&mut self, number: usize, from: Option<usize>) -> Result<()> {
        let data = self.data(number);
        drop(fs::remove_dir_all(&data));
        let from = from.map(|from| self.url(from));
        let output = self.commands.join(&name(number), &data, from).await?;
        if output.code == Some(0) { Ok(()) } else { Err(output.error("join").into()) }
    }

    /// Makes the stream of a cluster again from the directory of a member, which must not be running.
    pub(crate) async fn create_stream(&self, number: usize, replicas: usize) -> Result<()> {
        let output =
            self.commands.init((&name(number), &self.data(number)), replicas, &["--recreate"]).await?;
        if output.code == Some(0) { Ok(()) } else { Err(output.error("init").into()) }
    }

    /// Makes the next start of a node use another release.
    pub(crate) fn set_executable(&mut self, number: usize, nearby: &Path) {
        let node = &mut self.nodes[number];
        node.command = node.command.clone().executable(nearby);
    }

    /// Sets the clock of a node ahead of that of the machine, or back.
    pub(crate) fn set_clock(&self, number: usize, offset_us: i64) -> Result<()> {
        ClockShim::set(&clock_file(&self.nodes[number].home), offset_us)
    }
}

fn clock_file(home: &Path) -> PathBuf {
    home.join("clock-offset")
}

fn command(
    settings: &NodeSettings<'_>,
    network: &Network,
    brokers: usize,
    number: usize,
    home: &Path,
    page_token_key: &Path,
) -> Result<ServerCommand> {
    let this = Member::Node(number);
    // Each node prefers another broker.
    let order = (0..brokers).map(|place| Member::Broker((number + place) % brokers));
    let urls: Vec<String> =
        order.map(|broker| format!("nats://{}", network.address(this, broker, Service::Clients))).collect();
    let offset = clock_file(home);
    ClockShim::set(&offset, 0)?;
    let arguments = [
        "--log",
        "info",
        // A short journal causes several checkpoints per round. With 1 MiB they took half of two cores, and searches waited for them.
        // Without a minimum of free space the disk can be filled to its end.
        flags::CHECKPOINT_JOURNAL_MIB,
        "4",
        flags::MIN_FREE_DISK_MIB,
        "0",
        flags::CLUSTER,
        &urls.join(","),
        flags::CLUSTER_NODE,
        &name(number),
        flags::CLUSTER_ADDRESS,
        &format!("http://{}", network.address_for_nodes(number)),
        flags::CLUSTER_MONITORS,
        &settings.monitors,
        flags::PAGE_TOKEN_KEY,
        &page_token_key.to_string_lossy(),
    ]
    .map(str::to_owned);
    // Addresses in namespaces are not those of the loopback interface, which need no TLS.
    let is_remote = !network.listener(this, Service::Grpc).ip().is_loopback();
    Ok(ServerCommand::new(&settings.commands.nearby, &home.join("disk/data"))
        .run_dir(home)
        .listen(&network.listener(this, Service::Grpc).to_string())
        .prefix(network.prefix(this))
        .args(arguments)
        .args(is_remote.then_some(flags::INSECURE))
        .args(settings.commands.older_brokers())
        .envs(settings.clock.environment(&offset))
        .process_group(ProcessGroup::Caller))
}

impl NodeHandle {
    fn new(network: &Network, number: usize) -> Result<Self> {
        let url = format!("http://{}", network.listener(Member::Node(number), Service::Grpc));
        let connect = || -> Result<Channel> {
            // A connection over a link that was down must not stay in use until TCP gives up.
            let endpoint = Endpoint::from_shared(url.clone())?
                .connect_timeout(Duration::from_secs(1))
                .tcp_nodelay(true)
                .http2_keep_alive_interval(Duration::from_secs(1))
                .keep_alive_timeout(Duration::from_secs(2))
                .keep_alive_while_idle(true);
            Ok(endpoint.connect_lazy())
        };
        let client =
            |channel, deadline| Client::from_channel(channel).without_retries().with_deadline(deadline);
        let channel = connect()?;
        Ok(Self {
            url: url.clone(),
            writer: client(connect()?, WRITE_DEADLINE),
            reader: client(channel.clone(), READ_DEADLINE),
            channel,
            presence: Arc::default(),
        })
    }
}
