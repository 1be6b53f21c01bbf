//! Preparation common to all commands that load a server: the server, its dataset, the connections.

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

use crate::{
    dataset::{Dataset, Oracle},
    error::Error,
    h2_client::{Call, Code, ConnectionPool, Reply, Target, encode_framed},
    import::import,
    random::splitmix64,
    report::{Machine, Setup},
    runner::{ProcessUsage, Progress, Runner, Settings},
    server::{CpuSplit, ServerProcess},
    workload::{Kind, RequestGenerator, Scenario},
};

#[derive(Args, Clone, Debug)]
pub(super) struct RunOptions {
    /// Address of the server [default: starts one on half of the processors and imports the dataset]
    #[arg(long, value_name = "URL", env = "NEARBY_LOADTEST_SERVER")]
    server: Option<String>,

    /// Process id of the server on this machine, to measure its CPU time and memory
    #[arg(long, value_name = "PID", requires = "server")]
    server_pid: Option<u32>,

    /// Seed of the dataset and of the requests
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,

    /// Number of this generator among several: each sends different requests for the same seed
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    generator: u32,

    /// Number of merchants in the dataset
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER")]
    merchants: u64,

    #[command(flatten)]
    pub(super) cities: super::dataset::CityOptions,

    /// The server holds merchants of its own: verify only order and distances
    #[arg(long)]
    unknown_dataset: bool,

    /// Renamed: fails with the name of its successor.
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "", value_parser = renamed("--unknown-dataset"))]
    foreign: Option<String>,

    /// Number of connections
    #[arg(long, default_value_t = 8, value_name = "NUMBER")]
    connections: usize,

    /// Maximum number of concurrent calls per connection
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    streams: usize,

    /// Deadline of a call in milliseconds
    #[arg(long, default_value_t = 5_000, value_name = "MS")]
    deadline_ms: u64,

    /// Number of retries of a call answered UNAVAILABLE
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    retries: u32,

    #[command(flatten)]
    auth: super::auth::AuthOptions,

    /// Number of threads that send calls [default: half of the processors]
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,

    /// Verify one response in NUMBER; 0 disables verification
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    verify_one_in: u64,

    /// Renamed: fails with the name of its successor.
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "", value_parser = renamed("--verify-one-in"))]
    judge_one_in: Option<String>,
}

/// Returns a parser that rejects a renamed option and names its successor.
fn renamed(successor: &'static str) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |_| Err(format!("this option was renamed to {successor}"))
}

/// A server that holds the dataset, and connections to it.
pub(super) struct PreparedRun {
    pub(super) runner: Runner,
    pub(super) dataset: Dataset,
    /// `None` if the server holds merchants of its own.
    pub(super) oracle: Option<Arc<Oracle>>,
    pub(super) progress: Progress,
    /// The server as a target.
    pub(super) target: Target,
    /// Host and port of the server.
    pub(super) address: String,
    /// Host and port of its HTTP listener, if this process started it with one.
    pub(super) http_address: Option<String>,
    pub(super) server_pid: Option<u32>,
    scenario: Scenario,
    is_server_local: bool,
    threads: usize,
    fingerprint: (u64, u64),
    _server: Option<ServerProcess>,
}

/// Listeners of a server that this process starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listeners {
    /// That of gRPC.
    Grpc,
    /// Also that of HTTP.
    GrpcAndHttp,
}

impl Listeners {
    async fn start(self) -> io::Result<ServerProcess> {
        let cpu_split = CpuSplit::take();
        match self {
            Self::Grpc => ServerProcess::start(cpu_split.as_ref()).await,
            Self::GrpcAndHttp => ServerProcess::start_with_http(cpu_split.as_ref()).await,
        }
    }
}

/// Number of requests covered by the hash in reports.
const HASHED: u64 = 10_000;

impl RunOptions {
    /// Returns `true` if the server was not started by this process and its process id was not given.
    pub(super) fn is_process_unknown(&self) -> bool {
        self.server.is_some() && self.server_pid.is_none()
    }

    pub(super) fn runtime(&self) -> Result<Runtime, Error> {
        // On a single thread a connection writes once for all calls that are ready; with several threads it is woken and
        // writes for each call.
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

    /// Returns the seed of requests and schedule. Generators share the dataset but not this seed.
    pub(super) fn requests_seed(&self) -> u64 {
        match self.generator {
            0 => self.seed,
            generator => splitmix64(self.seed ^ splitmix64(u64::from(generator))),
        }
    }

    fn target(&self, server: &str) -> Result<Target, Error> {
        let target = Target::new(server, Duration::from_millis(self.deadline_ms.max(1)))?;
        self.auth.apply_to(target)
    }
}

impl PreparedRun {
    pub(super) async fn prepare(options: &RunOptions, scenario: &Scenario) -> Result<Self, Error> {
        Self::prepare_with(options, scenario, Listeners::Grpc).await
    }

    pub(super) async fn prepare_with(
        options: &RunOptions,
        scenario: &Scenario,
        listeners: Listeners,
    ) -> Result<Self, Error> {
        if let Some(pid) = options.server_pid {
            ProcessUsage::of(pid).map_err(|_| Error::NoProcess(pid))?;
        }
        let dataset = options.cities.dataset(options.seed, options.merchants)?;
        if scenario.needs_extension() && !dataset.is_extended() && !options.unknown_dataset {
            return Err(Error::Usage(NOT_EXTENDED));
        }
        // Counted before half of the processors are given to the server.
        let threads = options.threads();
        let own = if options.server.is_none() { Some(listeners.start().await?) } else { None };
        let url =
            own.as_ref().map_or_else(|| options.server.clone().unwrap_or_default(), |own| own.url.clone());
        if own.is_some() {
            import(&dataset, &url, &Access::default()).await?;
        }
        let target = options.target(&url)?;
        let address = target.address().to_owned();
        let server_pid = own.as_ref().map(ServerProcess::pid).or(options.server_pid);
        let oracle = if options.unknown_dataset { None } else { Some(oracle_of(&dataset).await?) };
        let unreachable = |error| Error::Unreachable(url.clone(), error);
        let mut scenario = scenario.clone();
        if options.unknown_dataset {
            // The names of the server's merchants are unknown.
            scenario.operations.retain(|operation| operation.kind != Kind::Get);
        } else {
            holds(&target, &dataset).await.map_err(unreachable)?.then_some(()).ok_or_else(|| {
                Error::DatasetMismatch {
                    seed: options.seed,
                    merchants: options.merchants,
                    server: url.clone(),
                }
            })?;
        }
        let one_in = options.verify_one_in;
        let requests_seed = options.requests_seed();
        let mut preview = RequestGenerator::new(&dataset, &scenario, requests_seed, one_in);
        (0..HASHED).for_each(|_| drop(preview.next_request()));
        let settings = Settings {
            target: target.clone(),
            connections: options.connections,
            streams: options.streams,
            retries: options.retries,
            server_pid,
            threads: threads.min(thread::available_parallelism().map_or(1, Into::into)),
        };
        let progress = Progress::on_terminal();
        let requests = RequestGenerator::new(&dataset, &scenario, requests_seed, one_in);
        let runner = Runner::connect(settings, requests, progress.clone()).await.map_err(unreachable)?;
        Ok(Self {
            runner,
            dataset,
            oracle,
            progress,
            target,
            address,
            http_address: own.as_ref().and_then(|own| own.http_address.clone()),
            server_pid,
            scenario,
            is_server_local: server_pid.is_some(),
            threads,
            fingerprint: preview.fingerprint(),
            _server: own,
        })
    }

    /// The requests of the scenario from the first one.
    pub(super) fn requests(&self, options: &RunOptions) -> RequestGenerator {
        RequestGenerator::new(&self.dataset, &self.scenario, options.requests_seed(), options.verify_one_in)
    }

    pub(super) fn setup(&self, options: &RunOptions) -> Setup {
        Setup {
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
            is_server_local: self.is_server_local,
            requests: (self.fingerprint.0, format!("{:016x}", self.fingerprint.1)),
            machine: Machine::this(),
        }
    }
}

const NOT_EXTENDED: &str = "the scenario searches by service area or attribute, which merchants of the plain dataset lack: pass --extended, to `generate` as well";

const NOT_FOUND: Code = Code(5);

async fn oracle_of(dataset: &Dataset) -> io::Result<Arc<Oracle>> {
    let dataset = dataset.clone();
    tokio::task::spawn_blocking(move || Arc::new(Oracle::new(&dataset))).await.map_err(io::Error::other)
}

/// Time to wait for a server that rejects calls: after an overload it may have banned this address for a while.
const READY_TIMEOUT: Duration = Duration::from_secs(5);
const READY_POLL: Duration = Duration::from_millis(250);

/// Reads a merchant; retries until the server accepts calls.
async fn get(pool: &ConnectionPool, name: String) -> Reply {
    let messages = encode_framed(&GetMerchantRequest { name });
    let begun = Instant::now();
    loop {
        let deadline = Instant::now() + pool.target().deadline();
        let call = Call { path: Kind::Get.path(), messages: messages.clone(), deadline, keep_messages: true };
        let reply = pool.call(&call).await;
        if reply.code != Code::UNAVAILABLE || begun.elapsed() >= READY_TIMEOUT {
            return reply;
        }
        sleep(READY_POLL).await;
    }
}

/// Returns `true` if the first, the middle and the last merchant of a dataset are where they must be, and the next one, which a
/// larger dataset of the same seed has, does not exist.
async fn holds(target: &Target, dataset: &Dataset) -> io::Result<bool> {
    let pool = ConnectionPool::open(target.clone(), 1, 1).await?;
    let last = dataset.count().saturating_sub(1);
    for number in [0, last / 2, last, dataset.count()] {
        let reply = get(&pool, dataset.name(number)).await;
        let merchant = reply.messages.first().and_then(|message| Merchant::decode(message.clone()).ok());
        if !matches!(reply.code, Code::OK | NOT_FOUND) {
            return Err(io::Error::other(format!(
                "cannot read a merchant: {} {}{}",
                Kind::Get.path().trim_start_matches('/'),
                reply.code.name(),
                reply.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default()
            )));
        }
        let exists = reply.code != NOT_FOUND;
        if exists != (number < dataset.count()) {
            return Ok(false);
        }
        let expected = dataset.merchant(number);
        let is_expected = |merchant: Merchant| {
            merchant.position == expected.position && merchant.attributes == expected.attributes
        };
        if exists && !merchant.is_some_and(is_expected) {
            return Ok(false);
        }
    }
    Ok(true)
}
