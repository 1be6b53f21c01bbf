//! Progress line on the terminal.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};

use super::record::histogram;

/// A progress line: rate, latency and errors of the last half second.
#[derive(Clone, Debug)]
pub struct Progress(Option<Arc<Line>>);

#[derive(Debug)]
struct Line {
    bar: ProgressBar,
    now: Mutex<Option<Interval>>,
}

#[derive(Debug)]
struct Interval {
    start: Instant,
    shown: Instant,
    good: u64,
    failed: u64,
    latency_us: Histogram<u64>,
}

const UPDATE_INTERVAL: Duration = Duration::from_millis(500);

impl Progress {
    /// Creates a progress line. It is drawn only if stderr is a terminal.
    #[must_use]
    pub fn on_terminal() -> Self {
        let bar = ProgressBar::new(0);
        // Cannot fail: the template is valid.
        if let Ok(style) = ProgressStyle::with_template("{prefix:24} [{bar:24}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(Some(Arc::new(Line { bar, now: Mutex::new(None) })))
    }

    /// Creates a progress line that is never drawn.
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
            Some(Interval { start: now, shown: now, good: 0, failed: 0, latency_us });
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
        if since < UPDATE_INTERVAL {
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

    /// Removes the line.
    pub fn finish(&self) {
        if let Some(line) = &self.0 {
            line.bar.finish_and_clear();
        }
    }
}
