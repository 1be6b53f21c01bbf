//! What all commands that load a server have in common: the server, the world in it, the connections.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use nearby_client::Access;
use nearby_proto::v1::{GetMerchantRequest, Merchant};
use prost::Message;
use tokio::{
    runtime::{Builder, Runtime},
    time::sleep,
};

use super::{Failure, generate};
use crate::{
    dataset::{Oracle, World, mixed},
    h2_client::{Code, Exchange, Lines, Reply, Target, framed},
    report::{Machine, Subject},
    runner::{Driver, Live, Settings, Usage},
    server::{Halves, Server},
    workload::{Kind, Requests, Scenario},
};

#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    /// Address of the server; without it one of our own is started, on half of the processors, and loaded with the world
    #[arg(long, value_name = "URL", env = "NEARBY_LOADTEST_SERVER")]
    server: Option<String>,

    /// Process of the server, where it runs on this machine: to see what it costs
    #[arg(long, value_name = "PID", requires = "server")]
    server_pid: Option<u32>,

    /// Seed of the world and of the requests
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,

    /// Which of several generators this is: each asks for other things than the others of the same seed
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    generator: u32,

    /// Merchants in the world
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER")]
    merchants: u64,

    #[command(flatten)]
    pub(super) cities: super::dataset::CityOptions,

    /// The server holds other merchants than our world: judge order and distances alone
    #[arg(long)]
    foreign: bool,

    /// Connections
    #[arg(long, default_value_t = 8, value_name = "NUMBER")]
    connections: usize,

    /// Calls at a time on each connection
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    streams: usize,

    /// How long a call may take, in milliseconds
    #[arg(long, default_value_t = 5_000, value_name = "MS")]
    deadline_ms: u64,

    /// How often a call that was answered UNAVAILABLE is made again
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    retries: u32,

    #[command(flatten)]
    access: super::auth::AccessOptions,

    /// Threads that call; half of the processors without it
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,

    /// Judge one answer in so many; 0 judges none
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    judge_one_in: u64,
}

/// A server that holds the world, and the connections to it.
pub(super) struct Loaded {
    pub(super) driver: Driver,
    pub(super) world: World,
    /// None where the server has merchants of its own.
    pub(super) oracle: Option<Arc<Oracle>>,
    pub(super) live: Live,
    /// Host and port of the server.
    pub(super) address: String,
    pub(super) server_pid: Option<u32>,
    scenario: Scenario,
    is_server_here: bool,
    threads: usize,
    fingerprint: (u64, u64),
    _server: Option<Server>,
}

/// How many requests the hash of a report is of.
const HASHED: u64 = 10_000;

impl Options {
    /// Whether the server is somebody else's, and nobody has said which process it is.
    pub(super) fn is_process_unknown(&self) -> bool {
        self.server.is_some() && self.server_pid.is_none()
    }

    pub(super) fn runtime(&self) -> Result<Runtime, Failure> {
        // On a thread of its own a connection writes after all that is ready has been begun, and so writes once; where
        // there are several threads it writes after each call.
        let runtime = match self.threads() {
            1 => Builder::new_current_thread().enable_all().build(),
            threads => Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
        };
        Ok(runtime?)
    }

    fn threads(&self) -> usize {
        let half = || thread::available_parallelism().map_or(1, usize::from).div_ceil(2);
        self.threads.unwrap_or_else(half).max(1)
    }

    /// Of what is asked and when; the world is the same for all generators.
    pub(super) fn requests_seed(&self) -> u64 {
        match self.generator {
            0 => self.seed,
            generator => mixed(self.seed ^ mixed(u64::from(generator))),
        }
    }

    fn target(&self, server: &str) -> Result<Target, Failure> {
        let target = Target::new(server, Duration::from_millis(self.deadline_ms.max(1)))?;
        self.access.of_target(target)
    }
}

impl Loaded {
    pub(super) async fn prepare(options: &Options, scenario: &Scenario) -> Result<Self, Failure> {
        if let Some(pid) = options.server_pid {
            Usage::of(pid).map_err(|_| Failure::NoProcess(pid))?;
        }
        let world = World::new(options.seed, options.merchants, &options.cities.source())?;
        // Before half of the processors are given away.
        let threads = options.threads();
        let own = match &options.server {
            Some(_) => None,
            None => Some(Server::start(Halves::take().as_ref())?),
        };
        let url =
            own.as_ref().map_or_else(|| options.server.clone().unwrap_or_default(), |own| own.url.clone());
        if own.is_some() {
            generate::into_server(&world, &url, &Access::default()).await?;
        }
        let target = options.target(&url)?;
        let address = target.address().to_owned();
        let server_pid = own.as_ref().map(Server::pid).or(options.server_pid);
        let oracle = if options.foreign { None } else { Some(oracle_of(&world).await?) };
        let unreachable = |error| Failure::Unreachable(url.clone(), error);
        let mut scenario = scenario.clone();
        if options.foreign {
            // Nobody knows the names of their merchants.
            scenario.operations.retain(|operation| operation.kind != Kind::Get);
        } else {
            holds(&target, &world).await.map_err(unreachable)?.then_some(()).ok_or_else(|| {
                Failure::OtherWorld { seed: options.seed, merchants: options.merchants, server: url.clone() }
            })?;
        }
        let one_in = options.judge_one_in;
        let requests_seed = options.requests_seed();
        let mut ahead = Requests::new(&world, &scenario, requests_seed, one_in);
        (0..HASHED).for_each(|_| drop(ahead.next_call()));
        let settings = Settings {
            target,
            connections: options.connections,
            streams: options.streams,
            retries: options.retries,
            server_pid,
            threads: threads.min(thread::available_parallelism().map_or(1, Into::into)),
        };
        let live = Live::on_terminal();
        let requests = Requests::new(&world, &scenario, requests_seed, one_in);
        let driver = Driver::connect(settings, requests, live.clone()).await.map_err(unreachable)?;
        Ok(Self {
            driver,
            world,
            oracle,
            live,
            address,
            server_pid,
            scenario,
            is_server_here: server_pid.is_some(),
            threads,
            fingerprint: ahead.fingerprint(),
            _server: own,
        })
    }

    pub(super) fn subject(&self, options: &Options) -> Subject {
        Subject {
            tool: format!("nearby-loadtest {}", env!("CARGO_PKG_VERSION")),
            scenario: self.scenario.name.clone(),
            summary: self.scenario.summary.clone(),
            seed: options.seed,
            generators: vec![options.generator],
            merchants: options.merchants,
            connections: options.connections,
            streams: options.streams,
            deadline_ms: options.deadline_ms,
            threads: self.threads,
            is_server_here: self.is_server_here,
            requests: (self.fingerprint.0, format!("{:016x}", self.fingerprint.1)),
            machine: Machine::this(),
        }
    }
}

const NOT_FOUND: Code = Code(5);

async fn oracle_of(world: &World) -> io::Result<Arc<Oracle>> {
    let world = world.clone();
    tokio::task::spawn_blocking(move || Arc::new(Oracle::new(&world))).await.map_err(io::Error::other)
}

/// How long a server may take no calls: it may hold off this address, after a load that was too much for it.
const TAKEN: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(250);

/// Reads a merchant, again until the server takes calls.
async fn get(lines: &Lines, name: String) -> Reply {
    let messages = framed(&GetMerchantRequest { name });
    let begun = Instant::now();
    loop {
        let deadline = Instant::now() + lines.target().deadline();
        let exchange = Exchange { path: Kind::Get.path(), messages: messages.clone(), deadline, keeps: true };
        let reply = lines.exchange(&exchange).await;
        if reply.code != Code::UNAVAILABLE || begun.elapsed() >= TAKEN {
            return reply;
        }
        sleep(AGAIN).await;
    }
}

/// Whether a server has the first, the middle and the last merchant of a world where they must be.
async fn holds(target: &Target, world: &World) -> io::Result<bool> {
    let lines = Lines::open(target.clone(), 1, 1).await?;
    let last = world.count().saturating_sub(1);
    for number in [0, last / 2, last] {
        let reply = get(&lines, world.name(number)).await;
        let merchant = reply.messages.first().and_then(|message| Merchant::decode(message.clone()).ok());
        if !matches!(reply.code, Code::OK | NOT_FOUND) {
            return Err(io::Error::other(format!("a merchant cannot be read: {}", reply.code.name())));
        }
        if reply.code == NOT_FOUND
            || merchant.is_none_or(|merchant| merchant.position != world.merchant(number).position)
        {
            return Ok(false);
        }
    }
    Ok(true)
}
