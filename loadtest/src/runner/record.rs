//! What came of a run: how long each call took, by method and status, second by second.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{Cost, Stage};
use crate::{
    h2_client::{Code, Reply},
    verify::Check,
    workload::Kind,
};

/// From a microsecond to a minute.
const HIGHEST_US: u64 = 60_000_000;

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
    /// What the server said with the first of them, where it said something.
    pub message: Option<String>,
}

/// A second of a run, by when calls were due: those that were due in a bad one show it.
#[derive(Clone, Debug)]
pub struct Second {
    /// How many calls were due in it.
    pub due: u64,
    /// How many of them were answered well.
    pub ok: u64,
    /// How many were answered otherwise; further pages and steps, too.
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
    /// Calls that were answered while it went on, well or not, whenever they were due; further pages too.
    pub answered_meanwhile: u64,
    /// Calls that were given up at the end, long after their deadlines.
    pub unfinished: u64,
    /// Calls by method and status.
    pub cells: BTreeMap<Outcome, Cell>,
    /// Each second from the beginning.
    pub seconds: Vec<Second>,
    /// By how much calls went out later than they were due.
    pub lateness_us: Histogram<u64>,
    /// How long calls waited for a place among the streams: of the generator's own choosing, and part of their latency.
    pub place_us: Histogram<u64>,
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
    /// How many of them had nothing in them.
    pub empty: u64,
    /// How many were wrong.
    pub wrong: u64,
    /// The first wrong ones.
    pub wrong_examples: Vec<String>,
    pub(super) samples: Vec<Sample>,
}

/// Whether a call ended as it should: what is deleted may not have been there.
pub(crate) fn is_good((kind, code): Outcome) -> bool {
    const NOT_FOUND: Code = Code(5);
    code == Code::OK || (kind == Kind::Delete && code == NOT_FOUND)
}

impl Default for Cell {
    fn default() -> Self {
        Self { latency_us: histogram(3), service_us: histogram(3), message: None }
    }
}

impl Default for Second {
    fn default() -> Self {
        let latency_us = histogram(2);
        Self { due: 0, ok: 0, failed: 0, latency_us, server_cpu_s: None, server_resident_bytes: None }
    }
}

impl Record {
    /// Of a stage, or of a closed loop; nothing has come in yet.
    pub(crate) fn begin(stage: &Stage, is_open: bool) -> Self {
        Self {
            name: stage.name.clone(),
            offered_per_s: is_open.then_some(stage.per_s),
            length_s: stage.length.as_secs_f64(),
            good_in_time: 0,
            answered_meanwhile: 0,
            unfinished: 0,
            cells: BTreeMap::new(),
            seconds: Vec::new(),
            lateness_us: histogram(3),
            place_us: histogram(3),
            searches: 0,
            bytes: 0,
            retries: 0,
            unsent: 0,
            generator: Cost::default(),
            generator_could_s: 0.0,
            server: None,
            judged: 0,
            empty: 0,
            wrong: 0,
            wrong_examples: Vec::new(),
            samples: Vec::new(),
        }
    }

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
        let is_due = |(kind, code): Outcome| !kind.is_further() && is_good((kind, code));
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

    /// How many of the calls that were due were answered well. Further pages and steps say nothing of what a server
    /// bears.
    #[must_use]
    pub fn good(&self) -> u64 {
        self.scheduled(true)
    }

    fn scheduled(&self, is_good_alone: bool) -> u64 {
        let cells = self.cells.iter().filter(|(outcome, _)| !outcome.0.is_further());
        let cells = cells.filter(|(outcome, _)| !is_good_alone || is_good(**outcome));
        cells.map(|(_, cell)| cell.latency_us.len()).sum()
    }

    /// How many calls were due, those that were never made too.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.scheduled(false) + self.unsent
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
        self.good() as f64 / self.due().max(1) as f64
    }

    /// What was answered other than well, each sort with how often and what the server said the first time.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        let bad = self.cells.iter().filter(|(outcome, _)| !is_good(**outcome));
        bad.map(|((_, code), cell)| {
            let said = cell.message.as_deref().unwrap_or("nothing said");
            format!("{} × {code:?}: {said}", cell.latency_us.len())
        })
        .collect()
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
