//! The JSON report with its histograms, so that the reports of several generators can be merged.

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
use crate::runner::{Record, SecondStats, UsageDelta, histogram};

/// Name of the run that follows the overload of a sweep, at half the peak.
pub(crate) const RECOVERY: &str = "recovery";

/// A report: everything that was measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    /// Scenario, dataset, connections and machine.
    pub setup: Setup,
    /// Runs, in order.
    pub phases: Vec<Phase>,
    /// Key figures of a sweep.
    pub sweep: Option<Sweep>,
}

/// The setup of a measurement: scenario, dataset, connections and machine.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Setup {
    /// Name and version of the load generator.
    pub tool: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Description of the scenario.
    pub summary: String,
    /// Seed of the dataset and the requests.
    pub seed: u64,
    /// Numbers of the generators.
    pub generators: Vec<u32>,
    /// Number of merchants in the dataset.
    pub merchants: u64,
    /// Number of connections.
    pub connections: usize,
    /// Maximum number of concurrent calls per connection.
    pub streams: usize,
    /// Deadline of a call in milliseconds.
    pub deadline_ms: u64,
    /// Number of threads of the generator.
    pub threads: usize,
    /// `true` if the server's process was measured, and so ran on the generator's machine.
    pub is_server_local: bool,
    /// Number of requests hashed, and the hash of them in order.
    pub requests: (u64, String),
    /// The generator's machine.
    pub machine: Machine,
}

/// One run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Phase {
    /// Name.
    pub name: String,
    /// Calls due per second; `None` in a closed loop.
    pub offered_per_s: Option<f64>,
    /// Duration in seconds.
    pub length_s: f64,
    /// Successful calls per second.
    pub goodput_per_s: f64,
    /// Searches answered per second, counting each of a batch or stream.
    pub searches_per_s: f64,
    /// Calls due, including those never sent.
    pub due: u64,
    /// Share of them that succeeded.
    pub good_share: f64,
    /// Time from when calls were due to their successful response.
    pub latency: Quantiles,
    /// Time from when they were sent.
    pub service: Quantiles,
    /// Calls by operation and status.
    pub calls: Vec<Calls>,
    /// Statistics by second.
    pub seconds: Vec<SecondSummary>,
    /// 99th percentile of the delay between due and sent, in microseconds.
    pub lateness_p99_us: u64,
    /// 99th percentile of the time that calls waited for a free HTTP/2 stream, in microseconds: part of their latency.
    pub stream_wait_p99_us: u64,
    /// Share of its available CPU time that the generator used.
    pub generator_cpu_share: f64,
    /// Calls answered during the run, successful or not and whenever they were due.
    pub answered_in_phase: u64,
    /// Resources that the server used.
    pub server: Option<UsageDelta>,
    /// CPU time of the server per answered call, in microseconds.
    pub server_cpu_us_per_call: Option<f64>,
    /// Bytes of responses.
    pub bytes: u64,
    /// Retries.
    pub retries: u64,
    /// Responses verified.
    pub verified: u64,
    /// Verified responses without any merchant.
    #[serde(default)]
    pub empty: u64,
    /// Verified responses that are wrong.
    pub wrong: u64,
    /// The first wrong responses.
    pub wrong_examples: Vec<String>,
    /// Reasons why the run does not measure the server; empty if it is valid.
    pub invalid_reasons: Vec<String>,
}

/// A distribution of times in microseconds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Quantiles {
    /// Number of values.
    pub count: u64,
    /// Median.
    pub p50_us: u64,
    /// 90th percentile.
    pub p90_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// 99.9th percentile.
    pub p999_us: u64,
    /// Maximum.
    pub max_us: u64,
    /// The whole distribution as an HdrHistogram (V2, deflate) in hexadecimal.
    pub histogram: String,
}

/// Calls of one operation and status.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Calls {
    /// Operation.
    pub kind: String,
    /// Status.
    pub status: String,
    /// Error message of the first of them.
    #[serde(default)]
    pub message: Option<String>,
    /// Time from when each was due.
    pub latency: Quantiles,
    /// Time from when each was sent.
    pub service: Quantiles,
}

/// Statistics of one second.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct SecondSummary {
    /// Calls due in it.
    pub due: u64,
    /// Successful calls.
    pub ok: u64,
    /// Failed calls.
    pub failed: u64,
    /// Median latency of the successful calls.
    pub p50_us: u64,
    /// 99th percentile of the latency of the successful calls.
    pub p99_us: u64,
    /// CPU time of the server.
    pub server_cpu_s: Option<f64>,
    /// Resident memory of the server.
    pub server_resident_bytes: Option<u64>,
}

/// Key figures of a sweep.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Sweep {
    /// Highest rate of successful calls per second in a closed loop of which at least 99 % succeeded.
    pub peak_per_s: f64,
    /// Number of callers at the peak.
    pub peak_callers: usize,
    /// Last rate at which the 99th percentile is at most twice that at half the peak, and 99 % of calls succeed.
    pub knee_per_s: Option<f64>,
    /// Time in seconds after the overload until the 99th percentile is normal again; `None` if it never was.
    pub recovered_after_s: Option<f64>,
    /// Successful calls per second at three times the peak, divided by the peak.
    pub goodput_at_300_percent: Option<f64>,
    /// 99th percentile at three times the peak divided by that at 75 % of it.
    pub p99_ratio_at_300_percent: Option<f64>,
    /// `true` if the generator kept up during and after the overload; otherwise the three figures above are estimates only.
    pub is_overload_valid: bool,
}

/// Errors of reading and merging reports.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The file is not a report.
    #[error("{0} is not a report of nearby-loadtest: {1}")]
    NotAReport(PathBuf, serde_json::Error),
    /// The reports are not of the same run.
    #[error("{0} of the reports differ: only simultaneous runs of several generators can be merged")]
    Mismatch(&'static str),
    /// Two reports are of the same generator.
    #[error(
        "two reports are of generator {0}: give each generator a --generator number of its own, so that they send different requests"
    )]
    DuplicateGenerator(u32),
    /// Sweeps cannot be merged.
    #[error("cannot merge sweeps: each generator measured a peak of its own; merge runs instead")]
    Sweep,
    /// No report was given.
    #[error("no reports to merge")]
    Empty,
}

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// The file cannot be read, or is not a report.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let text = fs::read(path).map_err(|error| ReportError::File(path.to_owned(), error))?;
        serde_json::from_slice(&text).map_err(|error| ReportError::NotAReport(path.to_owned(), error))
    }

    /// Merges reports that several generators made at the same time: runs of the same name are added up.
    ///
    /// # Errors
    /// There is no report, or the reports are not of the same run.
    pub fn merge(reports: impl IntoIterator<Item = Self>) -> Result<Self, ReportError> {
        let mut reports = reports.into_iter();
        let mut merged = reports.next().ok_or(ReportError::Empty)?;
        for other in reports {
            merged.check_mergeable(&other)?;
            merged.setup.generators.extend(&other.setup.generators);
            merged.setup.connections += other.setup.connections;
            merged.setup.threads += other.setup.threads;
            for phase in other.phases {
                match merged.phases.iter_mut().find(|of| of.name == phase.name) {
                    Some(of) => of.add(phase),
                    None => merged.phases.push(phase),
                }
            }
        }
        Ok(merged)
    }

    fn check_mergeable(&self, other: &Self) -> Result<(), ReportError> {
        let (one, two) = (&self.setup, &other.setup);
        let same = [
            ("the scenarios", one.scenario == two.scenario),
            ("the seeds", one.seed == two.seed),
            ("the merchants", one.merchants == two.merchants),
            ("the deadlines", one.deadline_ms == two.deadline_ms),
            ("the runs", self.runs().eq(other.runs())),
        ];
        if let Some((what, _)) = same.iter().find(|(_, is_same)| !is_same) {
            return Err(ReportError::Mismatch(what));
        }
        if let Some(twice) = two.generators.iter().find(|generator| one.generators.contains(generator)) {
            return Err(ReportError::DuplicateGenerator(*twice));
        }
        if self.sweep.is_some() || other.sweep.is_some() { Err(ReportError::Sweep) } else { Ok(()) }
    }

    fn runs(&self) -> impl Iterator<Item = (&str, f64, bool)> {
        self.phases.iter().map(|phase| (phase.name.as_str(), phase.length_s, phase.offered_per_s.is_some()))
    }

    /// Returns `true` if no verified response is wrong.
    #[must_use]
    pub fn is_correct(&self) -> bool {
        self.phases.iter().all(|phase| phase.wrong == 0)
    }

    /// Returns the reasons why runs do not measure the server, with the name of each run.
    pub fn invalid_reasons(&self) -> impl Iterator<Item = (&str, &str)> {
        self.phases
            .iter()
            .flat_map(|phase| phase.invalid_reasons.iter().map(|fault| (phase.name.as_str(), fault.as_str())))
    }
}

impl Phase {
    /// Summarizes a record.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a run has")]
    pub fn of(record: &Record) -> Self {
        let calls = record.outcomes.iter().map(|((kind, code), stats)| Calls {
            kind: kind.name().to_owned(),
            status: code.name().to_owned(),
            message: stats.message.clone(),
            latency: Quantiles::of(&stats.latency_us),
            service: Quantiles::of(&stats.service_us),
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
            seconds: record.seconds.iter().map(SecondSummary::of).collect(),
            lateness_p99_us: record.lateness_us.value_at_quantile(0.99),
            stream_wait_p99_us: record.stream_wait_us.value_at_quantile(0.99),
            generator_cpu_share: record.generator_cpu_share(),
            answered_in_phase: record.answered_in_phase,
            server: record.server,
            server_cpu_us_per_call: record
                .server
                .map(|cost| cost.cpu_s * 1e6 / record.answered_in_phase.max(1) as f64),
            bytes: record.bytes,
            retries: record.retries,
            verified: record.verified,
            empty: record.empty,
            wrong: record.wrong,
            wrong_examples: record.wrong_examples.clone(),
            invalid_reasons: record.invalid_reasons(),
        }
    }

    /// Adds the figures of another generator in the same run.
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
            self.seconds.push(SecondSummary::default());
        }
        for (second, more) in self.seconds.iter_mut().zip(other.seconds) {
            second.due += more.due;
            second.ok += more.ok;
            second.failed += more.failed;
            // Seconds carry no histogram: the larger quantile is an upper bound.
            second.p50_us = second.p50_us.max(more.p50_us);
            second.p99_us = second.p99_us.max(more.p99_us);
        }
        self.lateness_p99_us = self.lateness_p99_us.max(other.lateness_p99_us);
        self.stream_wait_p99_us = self.stream_wait_p99_us.max(other.stream_wait_p99_us);
        self.generator_cpu_share = self.generator_cpu_share.max(other.generator_cpu_share);
        self.server = self.server.or(other.server);
        self.answered_in_phase += other.answered_in_phase;
        self.server_cpu_us_per_call =
            self.server.map(|cost| cost.cpu_s * 1e6 / self.answered_in_phase.max(1) as f64);
        self.bytes += other.bytes;
        self.retries += other.retries;
        self.verified += other.verified;
        self.empty += other.empty;
        self.wrong += other.wrong;
        self.wrong_examples.extend(other.wrong_examples);
        self.invalid_reasons.extend(other.invalid_reasons);
    }
}

impl Quantiles {
    fn of(times: &Histogram<u64>) -> Self {
        let at = |quantile| times.value_at_quantile(quantile);
        let mut bytes = Vec::new();
        // Cannot fail: the sink is memory, and the bounds are serializable.
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

    /// Decodes the histogram; empty if the text is invalid.
    #[must_use]
    pub fn decode(&self) -> Histogram<u64> {
        let byte = |at: usize| u8::from_str_radix(self.histogram.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..self.histogram.len()).step_by(2).map(byte).collect();
        let read = bytes.and_then(|bytes| Deserializer::new().deserialize(&mut bytes.as_slice()).ok());
        read.unwrap_or_else(|| histogram(3))
    }

    fn add(&mut self, other: &Self) {
        let mut times = self.decode();
        // Cannot fail: all histograms have the same bounds.
        let _ = times.add(other.decode());
        *self = Self::of(&times);
    }
}

impl SecondSummary {
    fn of(second: &SecondStats) -> Self {
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
    fn distributions_survive_serialization_and_add_up() {
        let mut one = histogram(3);
        (1..=1_000u64).for_each(|us| one.saturating_record(us));
        let mut two = histogram(3);
        (0..1_000).for_each(|_| two.saturating_record(5_000));
        let (mut sum, other) = (Quantiles::of(&one), Quantiles::of(&two));
        assert_eq!((sum.count, sum.p50_us, sum.max_us), (1_000, 500, 1_000));
        assert_eq!(sum.decode(), one);
        sum.add(&other);
        assert_eq!((sum.count, sum.p99_us), (2_000, other.p50_us));
    }

    #[test]
    fn merged_runs_weight_shares_by_calls() {
        let phase = |due: u64, good_share: f64, seconds: usize| {
            let mut record = Record::empty(
                &crate::runner::Stage::new("run", 1.0, std::time::Duration::from_secs(1)),
                true,
            );
            record.server = (seconds > 1).then(|| UsageDelta { cpu_s: 3.0, ..UsageDelta::default() });
            record.answered_in_phase = due;
            record.seconds = vec![SecondStats { due: 1, ..SecondStats::default() }; seconds];
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
    fn only_reports_of_the_same_run_can_be_merged() {
        let report = |generator, seed| Report {
            setup: Setup {
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
                is_server_local: false,
                requests: (0, String::new()),
                machine: Machine::this(),
            },
            phases: Vec::new(),
            sweep: None,
        };
        let merged = Report::merge([report(0, 1), report(1, 1), report(2, 1)]).unwrap();
        assert_eq!((merged.setup.generators, merged.setup.connections), (vec![0, 1, 2], 3));
        let error = |reports| Report::merge(reports).unwrap_err().to_string();
        assert!(error([report(0, 1), report(1, 2)]).contains("the seeds of the reports differ"));
        assert!(error([report(3, 1), report(3, 1)]).contains("--generator"));
    }
}
