//! Runs: calls are made by a schedule that was fixed beforehand (open loop) or one after the other (closed loop).

mod arrivals;
mod closed_loop;
mod execute;
mod open_loop;
mod progress;
mod record;
mod recorder;
mod usage;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

pub(crate) use self::record::histogram;
pub use self::{
    arrivals::{Arrivals, Spacing, Stage},
    progress::Live,
    record::{Cell, Outcome, Record, Sample, Second},
    usage::{Cost, Usage},
};
use self::{
    execute::Performer,
    recorder::{Recorder, Used},
};
use crate::{
    dataset::Oracle,
    h2_client::{Lines, Target},
    workload::Requests,
};

/// How a server is loaded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server.
    pub target: Target,
    /// How many connections.
    pub connections: usize,
    /// How many calls at a time on each.
    pub streams: usize,
    /// How often a call that was answered UNAVAILABLE is made again.
    pub retries: u32,
    /// The server's process, to see what it costs.
    pub server_pid: Option<u32>,
    /// How many threads call.
    pub threads: usize,
}

/// What loads a server: its connections and what it asks.
#[derive(Debug)]
pub struct Driver {
    performer: Arc<Performer>,
    requests: Arc<Mutex<Requests>>,
    settings: Settings,
    live: Live,
}

impl Driver {
    /// Connects.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn connect(settings: Settings, requests: Requests, live: Live) -> io::Result<Self> {
        let lines = Lines::open(settings.target.clone(), settings.connections, settings.streams).await?;
        let performer = Arc::new(Performer { lines, retries: settings.retries });
        Ok(Self { performer, requests: Arc::new(Mutex::new(requests)), settings, live })
    }

    /// Goes on with other requests, over the same connections.
    #[must_use]
    pub fn asking(&self, requests: Requests) -> Self {
        Self {
            performer: Arc::clone(&self.performer),
            requests: Arc::new(Mutex::new(requests)),
            settings: self.settings.clone(),
            live: self.live.clone(),
        }
    }

    /// How many calls there were, and a hash of all of them in their order.
    #[must_use]
    pub fn fingerprint(&self) -> (u64, u64) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).fingerprint()
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.performer.lines.count()
    }

    /// Calls when they are due, whatever becomes of the answers; one stage follows at once upon the other. Each stage has a
    /// record of the calls that were due in it.
    ///
    /// # Errors
    /// The run broke.
    pub async fn open(&self, stages: &[Stage], spacing: Spacing, seed: u64) -> io::Result<Vec<Record>> {
        let arrivals = Arrivals::new(stages, spacing, seed);
        self.observe(stages, true, |recorder| open_loop::run(self, arrivals, recorder)).await
    }

    /// So many callers call again as soon as they are answered, for so long.
    ///
    /// # Errors
    /// The run broke.
    pub async fn closed(&self, name: &str, callers: usize, length: Duration) -> io::Result<Record> {
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
            Arc::new(Recorder::new(stages, is_open, self.live.clone(), self.settings.target.deadline()));
        let (pid, threads, live) = (self.settings.server_pid, self.settings.threads, self.live.clone());
        let ahead = stages.to_vec();
        let probe = tokio::spawn(async move {
            let mut used = Vec::new();
            for stage in ahead {
                live.begin(&stage.name, is_open.then_some(stage.per_s), stage.length);
                used.push(measure(pid, threads, stage.length).await);
            }
            used
        });
        let sampler = progress::Sampler::start(self.settings.server_pid, Arc::clone(&recorder));
        let ended = run(Arc::clone(&recorder)).await;
        drop(sampler);
        self.live.end();
        ended?;
        let used = probe.await.map_err(io::Error::other)?;
        Ok(recorder.finish(used))
    }
}

/// What is used in so long a time, and not while the last answers are waited for. Nothing of a server that is gone: its
/// calls show that.
async fn measure(server_pid: Option<u32>, threads: usize, length: Duration) -> Used {
    let usage = || (Instant::now(), Usage::of_self().ok(), server_pid.and_then(|pid| Usage::of(pid).ok()));
    let (start, own, server) = usage();
    tokio::time::sleep(length).await;
    let (end, own_after, server_after) = usage();
    let cost = |before: Option<Usage>, after: Option<Usage>| Some(after?.since(&before?));
    Used {
        generator: cost(own, own_after),
        #[expect(clippy::cast_precision_loss, reason = "a few threads")]
        generator_could_s: (end - start).as_secs_f64() * threads as f64,
        server: cost(server, server_after),
    }
}

/// Judges the answers that were kept, off the clock, and without a world by order and distances alone: how many there were, and what is wrong with the first wrong ones.
pub async fn judge(record: &mut Record, oracle: Option<&Arc<Oracle>>) {
    let samples = std::mem::take(&mut record.samples);
    let oracle = oracle.map(Arc::clone);
    let judged = tokio::task::spawn_blocking(move || {
        let wrong = |sample: &record::Sample| {
            let wrong = sample.check.judge(&sample.reply, oracle.as_deref()).err()?;
            Some(format!("answer to request {}: {wrong}", sample.number))
        };
        let empty = samples.iter().filter(|sample| sample.check.is_empty(&sample.reply)).count() as u64;
        (samples.len() as u64, empty, samples.iter().filter_map(wrong).collect::<Vec<_>>())
    });
    match judged.await {
        Ok((judged, empty, wrong)) => {
            record.judged += judged;
            record.empty += empty;
            record.wrong += wrong.len() as u64;
            record.wrong_examples.extend(wrong.into_iter().take(10));
        }
        Err(error) => {
            record.wrong += 1;
            record.wrong_examples.push(format!("the judge broke: {error}"));
        }
    }
}
