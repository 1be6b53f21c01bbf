//! What came of a run: how long each call took, by method and status, second by second.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{Cost, Live};
use crate::{
    wire::{Code, Reply},
    work::{Check, Kind},
};

/// From a microsecond to a minute.
const HIGHEST_US: u64 = 60_000_000;
/// More answers than this are not kept to be judged, and not more bytes of them.
const MOST_SAMPLES: usize = 20_000;
const MOST_SAMPLE_BYTES: u64 = 256 << 20;

/// A histogram of microseconds, to so many digits.
pub(crate) fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, HIGHEST_US, digits).unwrap_or_else(|_| unreachable!("the bounds are right"))
}

/// Whose calls, and how they ended.
pub type Outcome = (Kind, Code);

/// Calls of one method and status.
#[derive(Clone, Debug)]
pub struct Cell {
    /// From when each was due until it was answered.
    pub latency_us: Histogram<u64>,
    /// From when each was sent until it was answered.
    pub service_us: Histogram<u64>,
}

/// A second of a run.
#[derive(Clone, Debug)]
pub struct Second {
    /// How many calls were due in it.
    pub due: u64,
    /// How many were answered well in it, and how many otherwise.
    pub ok: u64,
    /// Answered otherwise than well.
    pub failed: u64,
    /// Latency of those that were answered well.
    pub latency_us: Histogram<u64>,
    /// The server's processor time in this second, where its process is known.
    pub server_cpu_s: Option<f64>,
    /// The server's resident memory.
    pub server_resident_bytes: Option<u64>,
}

/// An answer that is to be judged.
#[derive(Debug)]
pub struct Sample {
    pub(super) number: u64,
    pub(super) check: Box<Check>,
    pub(super) reply: Reply,
}

/// What came of a run.
#[derive(Debug)]
pub struct Record {
    /// What the run was for.
    pub name: String,
    /// How many calls a second were due; `None` in a closed loop.
    pub offered_per_s: Option<f64>,
    /// How long calls were made, in seconds.
    pub length_s: f64,
    /// Calls that were answered well before it was over.
    pub good_in_time: u64,
    /// Calls that were answered before it was over, well or not, further pages too.
    pub answered_in_time: u64,
    /// Calls that were given up at the end, long after their deadlines.
    pub unfinished: u64,
    /// Calls by method and status.
    pub cells: BTreeMap<Outcome, Cell>,
    /// Each second from the beginning.
    pub seconds: Vec<Second>,
    /// By how much calls went out later than they were due.
    pub lateness_us: Histogram<u64>,
    /// Searches that were answered, each of a batch and a stream too.
    pub searches: u64,
    /// Bytes of answers.
    pub bytes: u64,
    /// Calls that were made again.
    pub retries: u64,
    /// Calls that the generator never made, having too many under way.
    pub unsent: u64,
    /// What the generator used.
    pub generator: Cost,
    /// What it could have used, in seconds of processor time.
    pub generator_could_s: f64,
    /// What the server used, where its process is known.
    pub server: Option<Cost>,
    /// Answers that were judged, and those that were wrong.
    pub judged: u64,
    /// How many were wrong.
    pub wrong: u64,
    /// The first wrong ones.
    pub wrong_examples: Vec<String>,
    pub(super) samples: Vec<Sample>,
}

/// What comes in while a run goes on.
#[derive(Debug)]
pub(super) struct Recorder {
    inner: Mutex<Inner>,
    live: Live,
}

#[derive(Debug)]
struct Inner {
    start: Instant,
    /// When the last call is due. What is answered later does not count as borne.
    end: Instant,
    good_in_time: u64,
    answered_in_time: u64,
    sample_bytes: u64,
    unfinished: u64,
    cells: BTreeMap<Outcome, Cell>,
    seconds: Vec<Second>,
    lateness_us: Histogram<u64>,
    searches: u64,
    bytes: u64,
    retries: u64,
    unsent: u64,
    samples: Vec<Sample>,
}

/// What was used while calls were made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub(super) generator: Option<Cost>,
    pub(super) generator_could_s: f64,
    pub(super) server: Option<Cost>,
}

/// Whether a call ended as it should: what is deleted may not have been there.
pub(crate) fn is_good((kind, code): Outcome) -> bool {
    const NOT_FOUND: Code = Code(5);
    code == Code::OK || (kind == Kind::Delete && code == NOT_FOUND)
}

impl Recorder {
    pub(super) fn new(live: Live) -> Self {
        let inner = Inner {
            start: Instant::now(),
            end: Instant::now(),
            good_in_time: 0,
            answered_in_time: 0,
            sample_bytes: 0,
            unfinished: 0,
            cells: BTreeMap::new(),
            seconds: Vec::new(),
            lateness_us: histogram(3),
            searches: 0,
            bytes: 0,
            retries: 0,
            unsent: 0,
            samples: Vec::new(),
        };
        Self { inner: Mutex::new(inner), live }
    }

    /// Seconds count from here.
    pub(super) fn begin(&self, start: Instant, length: Duration) {
        let mut inner = self.inner();
        (inner.start, inner.end) = (start, start + length);
    }

    /// A call goes out that was due then.
    pub(super) fn late(&self, due: Instant) {
        let mut inner = self.inner();
        inner.lateness_us.saturating_record(micros(due.elapsed()));
        let second = inner.second(due);
        second.due += 1;
    }

    pub(super) fn unsent(&self) {
        self.inner().unsent += 1;
    }

    pub(super) fn unfinished(&self, calls: usize) {
        self.inner().unfinished += calls as u64;
    }

    pub(super) fn retried(&self) {
        self.inner().retries += 1;
    }

    pub(super) fn record(&self, kind: Kind, reply: &Reply, due: Instant, searches: u32) {
        let now = Instant::now();
        let latency_us = micros(now.saturating_duration_since(due));
        let outcome = (kind, reply.code);
        let is_good = is_good(outcome);
        self.live.count(is_good, latency_us);
        let mut inner = self.inner();
        inner.bytes += reply.bytes;
        let in_time = u64::from(now <= inner.end);
        inner.answered_in_time += in_time;
        let second = inner.second(now);
        match (is_good, kind) {
            (true, Kind::Page) => inner.searches += in_time * u64::from(searches),
            (false, Kind::Page) => {}
            (true, _) => {
                second.ok += 1;
                second.latency_us.saturating_record(latency_us);
                inner.searches += in_time * u64::from(searches);
                inner.good_in_time += in_time;
            }
            (false, _) => second.failed += 1,
        }
        let cell = inner.cells.entry(outcome).or_default();
        cell.latency_us.saturating_record(latency_us);
        // What never got a place among the streams was never sent.
        if let Some(sent) = reply.sent {
            cell.service_us.saturating_record(micros(now.saturating_duration_since(sent)));
        }
    }

    pub(super) fn keep(&self, sample: Sample) {
        let mut inner = self.inner();
        if inner.samples.len() < MOST_SAMPLES && inner.sample_bytes < MOST_SAMPLE_BYTES {
            inner.sample_bytes += sample.reply.bytes;
            inner.samples.push(sample);
        }
    }

    /// What the server used in the second that has just ended.
    pub(super) fn server_used(&self, at: Instant, cost: Cost) {
        let mut inner = self.inner();
        let second = inner.second(at);
        second.server_cpu_s = Some(cost.cpu_s);
        second.server_resident_bytes = Some(cost.resident_bytes);
    }

    pub(super) fn finish(
        &self,
        name: &str,
        offered_per_s: Option<f64>,
        length: Duration,
        used: Used,
    ) -> Record {
        let mut inner = self.inner();
        Record {
            name: name.to_owned(),
            offered_per_s,
            length_s: length.as_secs_f64(),
            good_in_time: inner.good_in_time,
            answered_in_time: inner.answered_in_time,
            unfinished: inner.unfinished,
            cells: std::mem::take(&mut inner.cells),
            seconds: std::mem::take(&mut inner.seconds),
            lateness_us: inner.lateness_us.clone(),
            searches: inner.searches,
            bytes: inner.bytes,
            retries: inner.retries,
            unsent: inner.unsent,
            generator: used.generator.unwrap_or_default(),
            generator_could_s: used.generator_could_s,
            server: used.server,
            judged: 0,
            wrong: 0,
            wrong_examples: Vec::new(),
            samples: std::mem::take(&mut inner.samples),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn second(&mut self, at: Instant) -> &mut Second {
        let second = usize::try_from(at.saturating_duration_since(self.start).as_secs()).unwrap_or_default();
        while self.seconds.len() <= second {
            self.seconds.push(Second::default());
        }
        &mut self.seconds[second]
    }
}

impl Default for Cell {
    fn default() -> Self {
        Self { latency_us: histogram(3), service_us: histogram(3) }
    }
}

impl Default for Second {
    fn default() -> Self {
        let latency_us = histogram(2);
        Self { due: 0, ok: 0, failed: 0, latency_us, server_cpu_s: None, server_resident_bytes: None }
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

impl Record {
    /// Latency of all that was answered well.
    #[must_use]
    pub fn latency_us(&self) -> Histogram<u64> {
        self.sum(|cell| &cell.latency_us)
    }

    /// Service time of all that was answered well.
    #[must_use]
    pub fn service_us(&self) -> Histogram<u64> {
        self.sum(|cell| &cell.service_us)
    }

    fn sum(&self, of: impl Fn(&Cell) -> &Histogram<u64>) -> Histogram<u64> {
        let mut sum = histogram(3);
        let is_due = |(kind, code): Outcome| kind != Kind::Page && is_good((kind, code));
        for (_, cell) in self.cells.iter().filter(|(outcome, _)| is_due(**outcome)) {
            // All have the same bounds.
            let _ = sum.add(of(cell));
        }
        sum
    }

    /// How many calls were answered, well or not, further pages too.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.cells.values().map(|cell| cell.latency_us.len()).sum()
    }

    /// How many of the calls that were due were answered well. Further pages are due when the page before is there, and so
    /// say nothing of what a server bears.
    #[must_use]
    pub fn good(&self) -> u64 {
        self.due(true)
    }

    fn due(&self, is_good_alone: bool) -> u64 {
        let cells = self.cells.iter().filter(|(outcome, _)| outcome.0 != Kind::Page);
        let cells = cells.filter(|(outcome, _)| !is_good_alone || is_good(**outcome));
        cells.map(|(_, cell)| cell.latency_us.len()).sum()
    }

    /// Calls answered well in a second, while calls were made: what is answered afterwards was only put off.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a run has")]
    pub fn goodput_per_s(&self) -> f64 {
        self.good_in_time as f64 / self.length_s
    }

    /// The part of the calls that were answered well.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a run has")]
    pub fn good_share(&self) -> f64 {
        self.good() as f64 / (self.due(false) + self.unsent).max(1) as f64
    }

    /// The part of its processor time that the generator used.
    #[must_use]
    pub fn generator_share(&self) -> f64 {
        self.generator.cpu_s / self.generator_could_s.max(1e-9)
    }

    /// Why this says nothing of the server: the generator was not up to it.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let late_us = self.lateness_us.value_at_quantile(0.99);
        if self.offered_per_s.is_some() && late_us > 1_000 {
            faults.push(format!("calls went out late (p99 {late_us} µs, more than 1,000)"));
        }
        let share = self.generator_share();
        if share > 0.8 {
            faults.push(format!(
                "the generator used {:.0} % of its processor time, more than 80",
                share * 100.0
            ));
        }
        if self.unsent > 0 {
            faults.push(format!("{} calls were not made: too many were under way", self.unsent));
        }
        if self.unfinished > 0 {
            faults.push(format!("{} calls were given up long after their deadlines", self.unfinished));
        }
        faults
    }
}
