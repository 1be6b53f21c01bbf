//! Runs: calls are made by a schedule that was fixed beforehand (open loop) or one after the other (closed loop).

mod arrivals;
mod closed;
mod open;
mod perform;
mod process;
mod record;
mod watch_over;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

pub(crate) use self::record::histogram;
pub use self::{
    arrivals::{Arrivals, Spacing},
    process::{Cost, Usage},
    record::{Cell, Outcome, Record, Sample, Second},
    watch_over::Live,
};
use self::{
    perform::Performer,
    record::{Recorder, Used},
};
use crate::{
    wire::{Lines, Target},
    work::Requests,
    world::Oracle,
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

    /// Calls so often a second on average, for so long, whatever becomes of the answers.
    ///
    /// # Errors
    /// The run broke.
    pub async fn open(&self, name: &str, arrivals: Arrivals, length: Duration) -> io::Result<Record> {
        let rate = arrivals.per_s();
        self.observe(name, Some(rate), length, |recorder| open::run(self, arrivals, length, recorder)).await
    }

    /// So many callers call again as soon as they are answered, for so long.
    ///
    /// # Errors
    /// The run broke.
    pub async fn closed(&self, name: &str, callers: usize, length: Duration) -> io::Result<Record> {
        self.observe(name, None, length, |recorder| closed::run(self, callers, length, recorder)).await
    }

    async fn observe<F>(
        &self,
        name: &str,
        offered_per_s: Option<f64>,
        length: Duration,
        run: impl FnOnce(Arc<Recorder>) -> F,
    ) -> io::Result<Record>
    where
        F: Future<Output = io::Result<()>>,
    {
        let recorder = Arc::new(Recorder::new(self.live.clone()));
        let probe = tokio::spawn(measure(self.settings.server_pid, self.settings.threads, length));
        let sampler = watch_over::Sampler::start(self.settings.server_pid, Arc::clone(&recorder));
        self.live.begin(name, offered_per_s, length);
        let ended = run(Arc::clone(&recorder)).await;
        drop(sampler);
        self.live.end();
        ended?;
        let used = probe.await.map_err(io::Error::other)?;
        Ok(recorder.finish(name, offered_per_s, length, used))
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
        (samples.len() as u64, samples.iter().filter_map(wrong).collect::<Vec<_>>())
    });
    match judged.await {
        Ok((judged, wrong)) => {
            record.judged += judged;
            record.wrong += wrong.len() as u64;
            record.wrong_examples.extend(wrong.into_iter().take(10));
        }
        Err(error) => {
            record.wrong += 1;
            record.wrong_examples.push(format!("the judge broke: {error}"));
        }
    }
}
