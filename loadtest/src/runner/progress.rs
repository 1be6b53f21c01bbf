//! What is seen while a run goes on: progress for people, and what the server uses from second to second.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::{task::JoinHandle, time::MissedTickBehavior};

use super::{record::histogram, recorder::Recorder, usage::Usage};

/// A line that says how it goes.
#[derive(Clone, Debug)]
pub struct Live(Option<Arc<Line>>);

#[derive(Debug)]
struct Line {
    bar: ProgressBar,
    now: Mutex<Option<Now>>,
}

#[derive(Debug)]
struct Now {
    start: Instant,
    shown: Instant,
    good: u64,
    failed: u64,
    latency_us: Histogram<u64>,
}

const EVERY: Duration = Duration::from_millis(500);

impl Live {
    /// Shown on a terminal; nothing elsewhere.
    #[must_use]
    pub fn on_terminal() -> Self {
        let bar = ProgressBar::new(0);
        // The template is right; the default one would do.
        if let Ok(style) = ProgressStyle::with_template("{prefix:24} [{bar:24}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(Some(Arc::new(Line { bar, now: Mutex::new(None) })))
    }

    /// Shown to nobody.
    #[must_use]
    pub fn hidden() -> Self {
        Self(None)
    }

    pub(super) fn begin(&self, name: &str, offered_per_s: Option<f64>, length: Duration) {
        let Some(line) = &self.0 else { return };
        let prefix = offered_per_s.map_or_else(|| name.to_owned(), |rate| format!("{name} {rate:.0}/s"));
        line.bar.set_prefix(prefix);
        line.bar.set_length(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        line.bar.set_position(0);
        let now = Instant::now();
        let latency_us = histogram(2);
        *line.now.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Now { start: now, shown: now, good: 0, failed: 0, latency_us });
    }

    pub(super) fn count(&self, is_good: bool, latency_us: u64) {
        let Some(line) = &self.0 else { return };
        let mut now = line.now.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(now) = now.as_mut() else { return };
        if is_good {
            now.good += 1;
            now.latency_us.saturating_record(latency_us);
        } else {
            now.failed += 1;
        }
        let since = now.shown.elapsed();
        if since < EVERY {
            return;
        }
        let all = now.good + now.failed;
        let per_s = u128::from(all) * 1_000 / since.as_millis().max(1);
        let [p50, p99] = [0.5, 0.99].map(|at| now.latency_us.value_at_quantile(at));
        line.bar.set_position(u64::try_from(now.start.elapsed().as_millis()).unwrap_or(u64::MAX));
        line.bar.set_message(format!("{per_s}/s  p50 {p50} µs  p99 {p99} µs  errors {}", now.failed));
        now.latency_us.reset();
        (now.good, now.failed, now.shown) = (0, 0, Instant::now());
    }

    pub(super) fn end(&self) {
        let Some(line) = &self.0 else { return };
        *line.now.lock().unwrap_or_else(PoisonError::into_inner) = None;
        line.bar.set_message("");
    }

    /// Takes the line away.
    pub fn finish(&self) {
        if let Some(line) = &self.0 {
            line.bar.finish_and_clear();
        }
    }
}

/// Looks each second at what the server uses, until it is dropped.
pub(super) struct Sampler(Option<JoinHandle<()>>);

impl Sampler {
    pub(super) fn start(pid: Option<u32>, recorder: Arc<Recorder>) -> Self {
        Self(pid.map(|pid| {
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(Duration::from_secs(1));
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut before: Option<(Instant, Usage)> = None;
                loop {
                    ticks.tick().await;
                    // A server that is gone shows in the calls.
                    let Ok(now) = Usage::of(pid) else { continue };
                    let at = Instant::now();
                    if let Some((since, before)) = before {
                        let cost = now.since(&before).over(at - since);
                        recorder.server_used(since + (at - since) / 2, cost);
                    }
                    before = Some((at, now));
                }
            })
        }))
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
