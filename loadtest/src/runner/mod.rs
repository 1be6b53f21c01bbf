//! Runs: calls are sent by a fixed schedule (open loop) or one after the other (closed loop).
//!
//! | module | contents |
//! |---|---|
//! | `arrivals` | the schedule of an open loop |
//! | `open_loop`, `closed_loop` | pacing |
//! | `execute` | one request with its retries and follow-ups |
//! | `recorder` → `record` | outcomes of a run by stage, second, method and status |
//! | `progress`, `server_sampler`, `usage` | progress line, CPU time and memory |

mod arrivals;
mod closed_loop;
mod execute;
mod open_loop;
mod progress;
mod record;
mod recorder;
mod server_sampler;
mod usage;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

pub(crate) use self::record::histogram;
pub use self::{
    arrivals::{Arrivals, Spacing, Stage},
    progress::Progress,
    record::{Outcome, OutcomeStats, Record, Sample, SecondStats},
    usage::{ProcessUsage, UsageDelta},
};
use self::{
    execute::Executor,
    recorder::{PhaseUsage, Recorder},
    server_sampler::ServerSampler,
};
use crate::{
    dataset::Oracle,
    h2_client::{ConnectionPool, Target},
    workload::RequestGenerator,
};
/// Settings of the load on a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server.
    pub target: Target,
    /// Number of connections.
    pub connections: usize,
    /// Maximum number of concurrent calls per connection.
    pub streams: usize,
    /// Number of retries of a call answered UNAVAILABLE.
    pub retries: u32,
    /// Process of the server, if its resource usage is measured.
    pub server_pid: Option<u32>,
    /// Number of threads that send calls.
    pub threads: usize,
}

/// A load generator: connections to a server, and the requests to send.
#[derive(Debug)]
pub struct Runner {
    executor: Arc<Executor>,
    requests: Arc<Mutex<RequestGenerator>>,
    settings: Settings,
    progress: Progress,
}

impl Runner {
    /// Connects to the server.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn connect(
        settings: Settings,
        requests: RequestGenerator,
        progress: Progress,
    ) -> io::Result<Self> {
        let pool =
            ConnectionPool::open(settings.target.clone(), settings.connections, settings.streams).await?;
        let executor = Arc::new(Executor { pool, retries: settings.retries });
        Ok(Self { executor, requests: Arc::new(Mutex::new(requests)), settings, progress })
    }

    /// Returns a runner of other requests over the same connections.
    #[must_use]
    pub fn with_requests(&self, requests: RequestGenerator) -> Self {
        Self {
            executor: Arc::clone(&self.executor),
            requests: Arc::new(Mutex::new(requests)),
            settings: self.settings.clone(),
            progress: self.progress.clone(),
        }
    }

    /// Returns the number of requests generated, and a hash of them in order.
    #[must_use]
    pub fn fingerprint(&self) -> (u64, u64) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).fingerprint()
    }

    /// Returns the number of connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.executor.pool.count()
    }

    /// Sends calls when they are due, regardless of responses, through consecutive stages without a pause. Returns a record of
    /// the calls due in each stage.
    ///
    /// # Errors
    /// The generator failed. Failed calls are recorded instead.
    pub async fn run_open_loop(
        &self,
        stages: &[Stage],
        spacing: Spacing,
        seed: u64,
    ) -> io::Result<Vec<Record>> {
        let arrivals = Arrivals::new(stages, spacing, seed);
        self.observe(stages, true, |recorder| open_loop::run(self, arrivals, recorder)).await
    }

    /// Runs a number of callers, each of which sends its next call when the previous one is answered.
    ///
    /// # Errors
    /// The generator failed. Failed calls are recorded instead.
    pub async fn run_closed_loop(&self, name: &str, callers: usize, length: Duration) -> io::Result<Record> {
        let stage = [Stage::new(name, 0.0, length)];
        let records =
            self.observe(&stage, false, |recorder| closed_loop::run(self, callers, length, recorder));
        records.await?.pop().ok_or_else(|| io::Error::other("the run has no record"))
    }

    async fn observe<F>(
        &self,
        stages: &[Stage],
        is_open: bool,
        run: impl FnOnce(Arc<Recorder>) -> F,
    ) -> io::Result<Vec<Record>>
    where
        F: Future<Output = io::Result<()>>,
    {
        let recorder =
            Arc::new(Recorder::new(stages, is_open, self.progress.clone(), self.settings.target.deadline()));
        let (pid, threads, progress) =
            (self.settings.server_pid, self.settings.threads, self.progress.clone());
        let stages_to_probe = stages.to_vec();
        let probe = tokio::spawn(async move {
            let mut used = Vec::new();
            for stage in stages_to_probe {
                progress.begin(&stage.name, is_open.then_some(stage.per_s), stage.length);
                used.push(measure(pid, threads, stage.length).await);
            }
            used
        });
        let sampler = ServerSampler::start(self.settings.server_pid, Arc::clone(&recorder));
        let ended = run(Arc::clone(&recorder)).await;
        drop(sampler);
        self.progress.end();
        ended?;
        let used = probe.await.map_err(io::Error::other)?;
        Ok(recorder.finish(used))
    }
}

/// Measures the CPU time and memory used during a stage; waiting for the last responses afterwards does not count. If the
/// server's process is gone, nothing is reported here: failed calls show it.
async fn measure(server_pid: Option<u32>, threads: usize, length: Duration) -> PhaseUsage {
    let usage = || {
        (Instant::now(), ProcessUsage::of_self().ok(), server_pid.and_then(|pid| ProcessUsage::of(pid).ok()))
    };
    let (start, own, server) = usage();
    tokio::time::sleep(length).await;
    let (end, own_after, server_after) = usage();
    let cost = |before: Option<ProcessUsage>, after: Option<ProcessUsage>| Some(after?.since(&before?));
    PhaseUsage {
        generator: cost(own, own_after),
        #[expect(clippy::cast_precision_loss, reason = "a few threads")]
        generator_capacity_s: (end - start).as_secs_f64() * threads as f64,
        server: cost(server, server_after),
    }
}

/// Verifies the sampled responses after the run, without an oracle by order and distances alone, and adds the counts and the
/// first errors to the record.
pub async fn verify_samples(record: &mut Record, oracle: Option<&Arc<Oracle>>) {
    let samples = std::mem::take(&mut record.samples);
    let oracle = oracle.map(Arc::clone);
    let verified = tokio::task::spawn_blocking(move || {
        let error = |sample: &record::Sample| {
            let error = sample.check.verify(&sample.reply, oracle.as_deref()).err()?;
            Some(format!("response to request {}: {error}", sample.number))
        };
        let empty = samples.iter().filter(|sample| sample.check.is_empty(&sample.reply)).count() as u64;
        (samples.len() as u64, empty, samples.iter().filter_map(error).collect::<Vec<_>>())
    });
    match verified.await {
        Ok((verified, empty, wrong)) => {
            record.verified += verified;
            record.empty += empty;
            record.wrong += wrong.len() as u64;
            record.wrong_examples.extend(wrong.into_iter().take(10));
        }
        Err(error) => {
            record.wrong += 1;
            record.wrong_examples.push(format!("verification failed: {error}"));
        }
    }
}
