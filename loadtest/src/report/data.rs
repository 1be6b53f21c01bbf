//! `report.json`: all that was measured, with its histograms, so that the logs of several generators can be put together.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer, V2DeflateSerializer},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Machine;
use crate::runner::{Cost, Record, Second, histogram};

/// All that was measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    /// What was measured, and with what.
    pub subject: Subject,
    /// Runs, in their order.
    pub phases: Vec<Phase>,
    /// What a sweep found.
    pub sweep: Option<Sweep>,
}

/// What was measured, and with what.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Subject {
    /// The harness and its version.
    pub tool: String,
    /// The scenario's name.
    pub scenario: String,
    /// What it stands for.
    pub summary: String,
    /// Seed of world and requests.
    pub seed: u64,
    /// Which generators asked.
    pub generators: Vec<u32>,
    /// Merchants in the world.
    pub merchants: u64,
    /// Connections.
    pub connections: usize,
    /// Calls at a time on each.
    pub streams: usize,
    /// How long a call may take, in milliseconds.
    pub deadline_ms: u64,
    /// Threads of the generator.
    pub threads: usize,
    /// Whether the server's process was watched, and so ran on the generator's machine.
    pub is_server_here: bool,
    /// How many requests the first run began with, and a hash of them in their order.
    pub requests: (u64, String),
    /// The generator's machine.
    pub machine: Machine,
}

/// One run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Phase {
    /// What it was for.
    pub name: String,
    /// Calls a second that were due; none in a closed loop.
    pub offered_per_s: Option<f64>,
    /// How long, in seconds.
    pub length_s: f64,
    /// Calls answered well in a second.
    pub goodput_per_s: f64,
    /// Searches answered in a second: each of a batch, too.
    pub searches_per_s: f64,
    /// Calls that were due, those that were never made too.
    pub due: u64,
    /// The part of them that were answered well.
    pub good_share: f64,
    /// From when calls were due until they were answered well.
    pub latency: Quantiles,
    /// From when they were sent.
    pub service: Quantiles,
    /// Calls by method and status.
    pub calls: Vec<Calls>,
    /// Second by second.
    pub seconds: Vec<SecondOf>,
    /// 99th percentile of how much later than due calls went out, in microseconds.
    pub lateness_p99_us: u64,
    /// 99th percentile of how long calls waited for a place among the streams, in microseconds: part of their latency.
    pub place_p99_us: u64,
    /// The part of its processor time that the generator used.
    pub generator_share: f64,
    /// Calls that were answered while it went on, well or not, whenever they were due.
    pub answered_meanwhile: u64,
    /// What the server used.
    pub server: Option<Cost>,
    /// Its processor time for a call that was answered, in microseconds.
    pub server_cpu_us_per_call: Option<f64>,
    /// Bytes of answers.
    pub bytes: u64,
    /// Calls made again.
    pub retries: u64,
    /// Answers that were judged.
    pub judged: u64,
    /// How many of them had no merchant in them.
    #[serde(default)]
    pub empty: u64,
    /// How many of them were wrong.
    pub wrong: u64,
    /// The first of those.
    pub wrong_examples: Vec<String>,
    /// Why this says nothing of the server. Empty where it does.
    pub faults: Vec<String>,
}

/// A distribution of times in microseconds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Quantiles {
    /// How many.
    pub count: u64,
    /// Median.
    pub p50_us: u64,
    /// 90th percentile.
    pub p90_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// 99.9th percentile.
    pub p999_us: u64,
    /// The greatest.
    pub max_us: u64,
    /// All of it, as HdrHistogram's V2 with deflate, in hexadecimal.
    pub histogram: String,
}

/// Calls of one method and status.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Calls {
    /// The operation.
    pub kind: String,
    /// The status.
    pub status: String,
    /// What the server said with the first of them.
    #[serde(default)]
    pub message: Option<String>,
    /// From when each was due.
    pub latency: Quantiles,
    /// From when each was sent.
    pub service: Quantiles,
}

/// One second of a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct SecondOf {
    /// Calls that were due in it.
    pub due: u64,
    /// Calls answered well in it.
    pub ok: u64,
    /// Calls answered otherwise.
    pub failed: u64,
    /// Of those answered well.
    pub p50_us: u64,
    /// Of those answered well.
    pub p99_us: u64,
    /// The server's processor time in it.
    pub server_cpu_s: Option<f64>,
    /// The server's resident memory.
    pub server_resident_bytes: Option<u64>,
}

/// What a sweep found.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Sweep {
    /// Most calls a second that were answered well in a closed loop, where nearly all were.
    pub peak_per_s: f64,
    /// With so many callers.
    pub peak_callers: usize,
    /// The last rate at which the 99th percentile is at most twice that at half the peak, and 99 % are answered well.
    pub knee_per_s: Option<f64>,
    /// How long after an overload the 99th percentile is normal again, in seconds; none where it never was.
    pub recovered_after_s: Option<f64>,
    /// Goodput at three times the peak, over the peak.
    pub goodput_at_triple: Option<f64>,
    /// 99th percentile of what was answered well at three times the peak, over that at 75 % of it.
    pub p99_at_triple: Option<f64>,
    /// Whether the generator kept up with the overload and after it; if not, the three figures before are no more than a
    /// hint.
    pub is_overload_valid: bool,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// It is not a report.
    #[error("{0} is not a report of this harness: {1}")]
    NotAReport(PathBuf, serde_json::Error),
    /// They do not belong together.
    #[error(
        "{0} of the reports differ: only what several generators measured at the same time can be put together"
    )]
    Unlike(&'static str),
    /// Two are of the same generator.
    #[error(
        "two reports are of generator {0}: start each with a --generator of its own, so that they ask for different things"
    )]
    Twice(u32),
    /// A sweep looks for its own peak.
    #[error("a sweep cannot be put together: each generator looked for a peak of its own; put runs together")]
    Sweep,
    /// Nothing was given.
    #[error("there is nothing to put together")]
    Nothing,
}

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// There is none.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let text = fs::read(path).map_err(|error| ReportError::File(path.to_owned(), error))?;
        serde_json::from_slice(&text).map_err(|error| ReportError::NotAReport(path.to_owned(), error))
    }

    /// Puts what several generators measured at the same time together: runs of one name become one.
    ///
    /// # Errors
    /// There is none at all, or they do not belong together.
    pub fn merge(reports: impl IntoIterator<Item = Self>) -> Result<Self, ReportError> {
        let mut reports = reports.into_iter();
        let mut merged = reports.next().ok_or(ReportError::Nothing)?;
        for other in reports {
            merged.belongs_with(&other)?;
            merged.subject.generators.extend(&other.subject.generators);
            merged.subject.connections += other.subject.connections;
            merged.subject.threads += other.subject.threads;
            for phase in other.phases {
                match merged.phases.iter_mut().find(|of| of.name == phase.name) {
                    Some(of) => of.add(phase),
                    None => merged.phases.push(phase),
                }
            }
        }
        Ok(merged)
    }

    fn belongs_with(&self, other: &Self) -> Result<(), ReportError> {
        let (one, two) = (&self.subject, &other.subject);
        let alike = [
            ("the scenarios", one.scenario == two.scenario),
            ("the seeds", one.seed == two.seed),
            ("the merchants", one.merchants == two.merchants),
            ("the deadlines", one.deadline_ms == two.deadline_ms),
            ("the runs", self.runs().eq(other.runs())),
        ];
        if let Some((what, _)) = alike.iter().find(|(_, is_alike)| !is_alike) {
            return Err(ReportError::Unlike(what));
        }
        if let Some(twice) = two.generators.iter().find(|generator| one.generators.contains(generator)) {
            return Err(ReportError::Twice(*twice));
        }
        if self.sweep.is_some() || other.sweep.is_some() { Err(ReportError::Sweep) } else { Ok(()) }
    }

    fn runs(&self) -> impl Iterator<Item = (&str, f64, bool)> {
        self.phases.iter().map(|phase| (phase.name.as_str(), phase.length_s, phase.offered_per_s.is_some()))
    }

    /// Whether all answers that were judged were right.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.phases.iter().all(|phase| phase.wrong == 0)
    }

    /// Why figures of it say nothing of the server, by run.
    pub fn faults(&self) -> impl Iterator<Item = (&str, &str)> {
        self.phases
            .iter()
            .flat_map(|phase| phase.faults.iter().map(|fault| (phase.name.as_str(), fault.as_str())))
    }
}

impl Phase {
    /// Of what was recorded.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a run has")]
    pub fn of(record: &Record) -> Self {
        let calls = record.cells.iter().map(|((kind, code), cell)| Calls {
            kind: kind.name().to_owned(),
            status: code.name().to_owned(),
            message: cell.message.clone(),
            latency: Quantiles::of(&cell.latency_us),
            service: Quantiles::of(&cell.service_us),
        });
        Self {
            name: record.name.clone(),
            offered_per_s: record.offered_per_s,
            length_s: record.length_s,
            goodput_per_s: record.goodput_per_s(),
            searches_per_s: record.searches as f64 / record.length_s,
            due: record.due(),
            good_share: record.good_share(),
            latency: Quantiles::of(&record.latency_us()),
            service: Quantiles::of(&record.service_us()),
            calls: calls.collect(),
            seconds: record.seconds.iter().map(SecondOf::of).collect(),
            lateness_p99_us: record.lateness_us.value_at_quantile(0.99),
            place_p99_us: record.place_us.value_at_quantile(0.99),
            generator_share: record.generator_share(),
            answered_meanwhile: record.answered_meanwhile,
            server: record.server,
            server_cpu_us_per_call: record
                .server
                .map(|cost| cost.cpu_s * 1e6 / record.answered_meanwhile.max(1) as f64),
            bytes: record.bytes,
            retries: record.retries,
            judged: record.judged,
            empty: record.empty,
            wrong: record.wrong,
            wrong_examples: record.wrong_examples.clone(),
            faults: record.faults(),
        }
    }

    /// Adds what another generator measured in the same run.
    #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a run has")]
    fn add(&mut self, other: Self) {
        let good = |phase: &Self| phase.good_share * phase.due as f64;
        self.good_share = (good(self) + good(&other)) / (self.due + other.due).max(1) as f64;
        self.due += other.due;
        self.offered_per_s = self.offered_per_s.zip(other.offered_per_s).map(|(one, two)| one + two);
        self.goodput_per_s += other.goodput_per_s;
        self.searches_per_s += other.searches_per_s;
        self.latency.add(&other.latency);
        self.service.add(&other.service);
        let mut calls: BTreeMap<(String, String), Calls> =
            self.calls.drain(..).map(|calls| ((calls.kind.clone(), calls.status.clone()), calls)).collect();
        for more in other.calls {
            match calls.get_mut(&(more.kind.clone(), more.status.clone())) {
                Some(calls) => {
                    calls.latency.add(&more.latency);
                    calls.service.add(&more.service);
                }
                None => drop(calls.insert((more.kind.clone(), more.status.clone()), more)),
            }
        }
        self.calls = calls.into_values().collect();
        while self.seconds.len() < other.seconds.len() {
            self.seconds.push(SecondOf::default());
        }
        for (second, more) in self.seconds.iter_mut().zip(other.seconds) {
            second.due += more.due;
            second.ok += more.ok;
            second.failed += more.failed;
            // Of a second no histogram is kept: the worse of the two is said.
            second.p50_us = second.p50_us.max(more.p50_us);
            second.p99_us = second.p99_us.max(more.p99_us);
        }
        self.lateness_p99_us = self.lateness_p99_us.max(other.lateness_p99_us);
        self.place_p99_us = self.place_p99_us.max(other.place_p99_us);
        self.generator_share = self.generator_share.max(other.generator_share);
        self.server = self.server.or(other.server);
        self.answered_meanwhile += other.answered_meanwhile;
        self.server_cpu_us_per_call =
            self.server.map(|cost| cost.cpu_s * 1e6 / self.answered_meanwhile.max(1) as f64);
        self.bytes += other.bytes;
        self.retries += other.retries;
        self.judged += other.judged;
        self.empty += other.empty;
        self.wrong += other.wrong;
        self.wrong_examples.extend(other.wrong_examples);
        self.faults.extend(other.faults);
    }
}

impl Quantiles {
    fn of(times: &Histogram<u64>) -> Self {
        let at = |quantile| times.value_at_quantile(quantile);
        let mut bytes = Vec::new();
        // Into memory, and with bounds that it can tell.
        drop(V2DeflateSerializer::new().serialize(times, &mut bytes));
        Self {
            count: times.len(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: times.max(),
            histogram: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// The histogram itself; empty where the text is none.
    #[must_use]
    pub fn times(&self) -> Histogram<u64> {
        let byte = |at: usize| u8::from_str_radix(self.histogram.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..self.histogram.len()).step_by(2).map(byte).collect();
        let read = bytes.and_then(|bytes| Deserializer::new().deserialize(&mut bytes.as_slice()).ok());
        read.unwrap_or_else(|| histogram(3))
    }

    fn add(&mut self, other: &Self) {
        let mut times = self.times();
        // All have the same bounds.
        let _ = times.add(other.times());
        *self = Self::of(&times);
    }
}

impl SecondOf {
    fn of(second: &Second) -> Self {
        Self {
            due: second.due,
            ok: second.ok,
            failed: second.failed,
            p50_us: second.latency_us.value_at_quantile(0.5),
            p99_us: second.latency_us.value_at_quantile(0.99),
            server_cpu_s: second.server_cpu_s,
            server_resident_bytes: second.server_resident_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_kept_whole_and_add_up() {
        let mut one = histogram(3);
        (1..=1_000u64).for_each(|us| one.saturating_record(us));
        let mut two = histogram(3);
        (0..1_000).for_each(|_| two.saturating_record(5_000));
        let (mut sum, other) = (Quantiles::of(&one), Quantiles::of(&two));
        assert_eq!((sum.count, sum.p50_us, sum.max_us), (1_000, 500, 1_000));
        assert_eq!(sum.times(), one);
        sum.add(&other);
        assert_eq!((sum.count, sum.p99_us), (2_000, other.p50_us));
    }

    #[test]
    fn runs_add_up_and_their_shares_weigh_what_they_are_of() {
        let phase = |due: u64, good_share: f64, seconds: usize| {
            let mut record = Record::begin(
                &crate::runner::Stage::new("run", 1.0, std::time::Duration::from_secs(1)),
                true,
            );
            record.server = (seconds > 1).then(|| Cost { cpu_s: 3.0, ..Cost::default() });
            record.answered_meanwhile = due;
            record.seconds = vec![Second { due: 1, ..Second::default() }; seconds];
            Phase { due, good_share, ..Phase::of(&record) }
        };
        let mut sum = phase(100, 1.0, 1);
        sum.add(phase(300, 0.5, 3));
        assert_eq!((sum.due, sum.good_share), (400, 0.625));
        assert_eq!(sum.offered_per_s, Some(2.0));
        assert_eq!(sum.seconds.iter().map(|second| second.due).collect::<Vec<_>>(), [2, 1, 1]);
        assert_eq!(sum.server_cpu_us_per_call, Some(7_500.0));
    }

    #[test]
    fn only_what_was_measured_together_is_put_together() {
        let report = |generator, seed| Report {
            subject: Subject {
                tool: String::new(),
                scenario: "lunch-rush".to_owned(),
                summary: String::new(),
                seed,
                generators: vec![generator],
                merchants: 10,
                connections: 1,
                streams: 1,
                deadline_ms: 1,
                threads: 1,
                is_server_here: false,
                requests: (0, String::new()),
                machine: Machine::this(),
            },
            phases: Vec::new(),
            sweep: None,
        };
        let merged = Report::merge([report(0, 1), report(1, 1), report(2, 1)]).unwrap();
        assert_eq!((merged.subject.generators, merged.subject.connections), (vec![0, 1, 2], 3));
        let refused = |reports| Report::merge(reports).unwrap_err().to_string();
        assert!(refused([report(0, 1), report(1, 2)]).contains("the seeds of the reports differ"));
        assert!(refused([report(3, 1), report(3, 1)]).contains("--generator"));
    }
}
