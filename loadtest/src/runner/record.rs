//! Outcomes of a run: latency histograms by method and status, and by second.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{Stage, usage::UsageDelta};
use crate::{
    h2_client::{Code, Reply},
    verify::Check,
    workload::Kind,
};

/// Highest trackable value: one minute.
const HIGHEST_US: u64 = 60_000_000;

/// Creates a histogram of microseconds with a number of significant digits.
pub(crate) fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, HIGHEST_US, digits).unwrap_or_else(|_| unreachable!("the bounds are valid"))
}

/// An operation and the status that it ended with.
pub type Outcome = (Kind, Code);

/// Statistics of the calls of one operation and status.
#[derive(Clone, Debug)]
pub struct OutcomeStats {
    /// Time from when each call was due to its response.
    pub latency_us: Histogram<u64>,
    /// Time from when each call was sent to its response.
    pub service_us: Histogram<u64>,
    /// Error message of the first of them, if there was one.
    pub message: Option<String>,
}

/// Statistics of one second, by when calls were due: so a stall shows in the second that caused it.
#[derive(Clone, Debug)]
pub struct SecondStats {
    /// Calls due in it.
    pub due: u64,
    /// Successful calls.
    pub ok: u64,
    /// Failed calls, including follow-ups.
    pub failed: u64,
    /// Latency of the successful calls.
    pub latency_us: Histogram<u64>,
    /// CPU time of the server in this second, if its process is known.
    pub server_cpu_s: Option<f64>,
    /// Resident memory of the server.
    pub server_resident_bytes: Option<u64>,
}

/// A response to verify.
#[derive(Debug)]
pub struct Sample {
    pub(super) number: u64,
    pub(super) check: Box<Check>,
    pub(super) reply: Reply,
}

/// Outcomes of a stage.
#[derive(Debug)]
pub struct Record {
    /// Name of the stage.
    pub name: String,
    /// Calls due per second; `None` in a closed loop.
    pub offered_per_s: Option<f64>,
    /// Duration in seconds for which calls were sent.
    pub length_s: f64,
    /// Successful calls answered before the stage ended.
    pub good_in_phase: u64,
    /// Calls answered during the stage, successful or not and whenever they were due, including follow-ups.
    pub answered_in_phase: u64,
    /// Calls abandoned at the end, long after their deadlines.
    pub unfinished: u64,
    /// Statistics by operation and status.
    pub outcomes: BTreeMap<Outcome, OutcomeStats>,
    /// Statistics of each second from the beginning.
    pub seconds: Vec<SecondStats>,
    /// Delay between when calls were due and when they were sent.
    pub lateness_us: Histogram<u64>,
    /// Time that calls waited for a free HTTP/2 stream: a limit of the generator's settings, and part of their latency.
    pub stream_wait_us: Histogram<u64>,
    /// Searches answered, counting each of a batch or stream.
    pub searches: u64,
    /// Bytes of responses.
    pub bytes: u64,
    /// Retries.
    pub retries: u64,
    /// Calls that were never sent because too many were in flight.
    pub unsent: u64,
    /// Resources that the generator used.
    pub generator: UsageDelta,
    /// CPU time available to the generator in seconds.
    pub generator_capacity_s: f64,
    /// Resources that the server used, if its process is known.
    pub server: Option<UsageDelta>,
    /// Responses verified.
    pub verified: u64,
    /// Verified responses without any merchant.
    pub empty: u64,
    /// Verified responses that are wrong.
    pub wrong: u64,
    /// The first wrong responses.
    pub wrong_examples: Vec<String>,
    pub(super) samples: Vec<Sample>,
}

/// Returns `true` for a successful outcome. NOT_FOUND is a success for a delete: the merchant may have been deleted before.
pub(crate) fn is_good((kind, code): Outcome) -> bool {
    const NOT_FOUND: Code = Code(5);
    code == Code::OK || (kind == Kind::Delete && code == NOT_FOUND)
}

impl Default for OutcomeStats {
    fn default() -> Self {
        Self { latency_us: histogram(3), service_us: histogram(3), message: None }
    }
}

impl Default for SecondStats {
    fn default() -> Self {
        let latency_us = histogram(2);
        Self { due: 0, ok: 0, failed: 0, latency_us, server_cpu_s: None, server_resident_bytes: None }
    }
}

impl Record {
    /// Creates an empty record of a stage.
    pub(crate) fn empty(stage: &Stage, is_open: bool) -> Self {
        Self {
            name: stage.name.clone(),
            offered_per_s: is_open.then_some(stage.per_s),
            length_s: stage.length.as_secs_f64(),
            good_in_phase: 0,
            answered_in_phase: 0,
            unfinished: 0,
            outcomes: BTreeMap::new(),
            seconds: Vec::new(),
            lateness_us: histogram(3),
            stream_wait_us: histogram(3),
            searches: 0,
            bytes: 0,
            retries: 0,
            unsent: 0,
            generator: UsageDelta::default(),
            generator_capacity_s: 0.0,
            server: None,
            verified: 0,
            empty: 0,
            wrong: 0,
            wrong_examples: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// Returns the latency of all successful scheduled calls.
    #[must_use]
    pub fn latency_us(&self) -> Histogram<u64> {
        self.sum(|stats| &stats.latency_us)
    }

    /// Returns the service time of all successful scheduled calls.
    #[must_use]
    pub fn service_us(&self) -> Histogram<u64> {
        self.sum(|stats| &stats.service_us)
    }

    fn sum(&self, of: impl Fn(&OutcomeStats) -> &Histogram<u64>) -> Histogram<u64> {
        let mut sum = histogram(3);
        let is_scheduled = |(kind, code): Outcome| !kind.is_follow_up() && is_good((kind, code));
        for (_, stats) in self.outcomes.iter().filter(|(outcome, _)| is_scheduled(**outcome)) {
            // Cannot fail: all histograms have the same bounds.
            let _ = sum.add(of(stats));
        }
        sum
    }

    /// Returns the number of calls answered, successful or not, including follow-ups.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.outcomes.values().map(|stats| stats.latency_us.len()).sum()
    }

    /// Returns the number of successful scheduled calls. Follow-ups do not count: they are not part of the offered load.
    #[must_use]
    pub fn good(&self) -> u64 {
        self.scheduled(is_good)
    }

    fn scheduled(&self, counts: impl Fn(Outcome) -> bool) -> u64 {
        let scheduled = self.outcomes.iter().filter(|(outcome, _)| !outcome.0.is_follow_up());
        let counted = scheduled.filter(|(outcome, _)| counts(**outcome));
        counted.map(|(_, stats)| stats.latency_us.len()).sum()
    }

    /// Returns the number of calls due, including those never sent.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.scheduled(|_| true) + self.unsent
    }

    /// Returns successful calls per second while calls were sent. Responses after that are a drained backlog, not throughput.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a run has")]
    pub fn goodput_per_s(&self) -> f64 {
        self.good_in_phase as f64 / self.length_s
    }

    /// Returns the share of the due calls that succeeded.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a run has")]
    pub fn good_share(&self) -> f64 {
        self.good() as f64 / self.due().max(1) as f64
    }

    /// Returns a line per failed outcome: its count, method, status and first error message.
    #[must_use]
    pub fn failure_summary(&self) -> Vec<String> {
        let bad = self.outcomes.iter().filter(|(outcome, _)| !is_good(**outcome));
        bad.map(|((kind, code), stats)| {
            let message = stats.message.as_deref().unwrap_or("no message");
            let method = kind.path().trim_start_matches('/');
            format!("{} × {method} {}: {message}", stats.latency_us.len(), code.name())
        })
        .collect()
    }

    /// Returns the share of its available CPU time that the generator used.
    #[must_use]
    pub fn generator_cpu_share(&self) -> f64 {
        self.generator.cpu_s / self.generator_capacity_s.max(1e-9)
    }

    /// Returns the reasons why this record does not measure the server: the generator did not keep up.
    #[must_use]
    pub fn invalid_reasons(&self) -> Vec<String> {
        let mut invalid_reasons = Vec::new();
        let late_us = self.lateness_us.value_at_quantile(0.99);
        if self.offered_per_s.is_some() && late_us > 1_000 {
            invalid_reasons.push(format!("calls were sent late (p99 {late_us} µs, limit 1,000 µs)"));
        }
        let share = self.generator_cpu_share();
        if share > 0.8 {
            invalid_reasons
                .push(format!("the generator used {:.0} % of its CPU time (limit 80 %)", share * 100.0));
        }
        if self.unsent > 0 {
            invalid_reasons.push(format!("{} calls were not sent: too many in flight", self.unsent));
        }
        if self.unfinished > 0 {
            invalid_reasons
                .push(format!("{} calls were abandoned long after their deadlines", self.unfinished));
        }
        invalid_reasons
    }
}
