//! Recording of outcomes while a run is in progress, by the stage that each call was due in.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    Stage,
    progress::Progress,
    record::{Record, Sample, SecondStats, is_good},
    usage::UsageDelta,
};
use crate::{
    h2_client::{Code, Reply},
    workload::Kind,
};

/// Maximum number of samples kept for verification, and of their bytes: it bounds the generator's memory.
const MAX_SAMPLES: usize = 20_000;
const MAX_SAMPLE_BYTES: u64 = 256 << 20;

/// Records outcomes.
#[derive(Debug)]
pub(super) struct Recorder {
    parts: Mutex<Vec<StageRecord>>,
    progress: Progress,
    deadline: Duration,
}

#[derive(Debug)]
struct StageRecord {
    record: Record,
    start: Instant,
    /// End of the stage. Responses after it do not count as throughput.
    end: Instant,
    sample_bytes: u64,
}

/// Resources used during a stage.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PhaseUsage {
    pub(super) generator: Option<UsageDelta>,
    pub(super) generator_capacity_s: f64,
    pub(super) server: Option<UsageDelta>,
}

impl Recorder {
    /// Creates a recorder of at least one stage. Responses later than `deadline` after a call was due count as
    /// DEADLINE_EXCEEDED.
    pub(super) fn new(stages: &[Stage], is_open: bool, progress: Progress, deadline: Duration) -> Self {
        let now = Instant::now();
        let part = |stage| StageRecord {
            record: Record::empty(stage, is_open),
            start: now,
            end: now,
            sample_bytes: 0,
        };
        Self { parts: Mutex::new(stages.iter().map(part).collect()), progress, deadline }
    }

    /// Sets the start of the run.
    pub(super) fn begin(&self, start: Instant) {
        let mut start = start;
        for part in self.parts().iter_mut() {
            part.start = start;
            start += Duration::from_secs_f64(part.record.length_s);
            part.end = start;
        }
    }

    /// Records that a call is sent.
    pub(super) fn sent(&self, due: Instant) {
        self.with_stage(due, |part| {
            part.record.lateness_us.saturating_record(micros(due.elapsed()));
            part.second(due).due += 1;
        });
    }

    /// Records that a call is never sent.
    pub(super) fn unsent(&self, due: Instant) {
        self.with_stage(due, |part| {
            part.record.unsent += 1;
            part.second(due).due += 1;
        });
    }

    /// Records calls abandoned at the end.
    pub(super) fn unfinished(&self, calls: usize) {
        if let Some(last) = self.parts().last_mut() {
            last.record.unfinished += calls as u64;
        }
    }

    /// Records a retry.
    pub(super) fn retried(&self, due: Instant) {
        self.with_stage(due, |part| part.record.retries += 1);
    }

    /// Records the outcome of a call or follow-up.
    pub(super) fn record(&self, kind: Kind, reply: &Reply, due: Instant, searches: u32) {
        let now = Instant::now();
        let latency_us = micros(now.saturating_duration_since(due));
        // A late response is useless to the client, even if it arrived before the client's timer fired.
        let is_late = reply.code == Code::OK && now.saturating_duration_since(due) > self.deadline;
        let outcome = (kind, if is_late { Code::DEADLINE_EXCEEDED } else { reply.code });
        let is_good = is_good(outcome);
        self.progress.count(is_good, latency_us);
        self.with_stage(now, |part| part.record.answered_in_phase += u64::from(now <= part.end));
        self.with_stage(due, |part| {
            let in_time = u64::from(now <= part.end);
            let second = part.second(due);
            match (is_good, kind.is_follow_up()) {
                (true, false) => {
                    second.ok += 1;
                    second.latency_us.saturating_record(latency_us);
                    part.record.good_in_phase += in_time;
                }
                (true, true) => {}
                (false, _) => second.failed += 1,
            }
            let record = &mut part.record;
            record.searches += in_time * u64::from(is_good) * u64::from(searches);
            record.bytes += reply.bytes;
            if let Some(waited) = reply.waited {
                record.stream_wait_us.saturating_record(micros(waited));
            }
            let stats = record.outcomes.entry(outcome).or_default();
            stats.latency_us.saturating_record(latency_us);
            if stats.message.is_none() {
                stats.message.clone_from(&reply.message);
            }
            // A call that never got a stream was never sent.
            if let Some(sent) = reply.sent {
                stats.service_us.saturating_record(micros(now.saturating_duration_since(sent)));
            }
        });
    }

    /// Keeps a response for verification, up to the limits.
    pub(super) fn keep(&self, due: Instant, sample: Sample) {
        self.with_stage(due, |part| {
            if part.record.samples.len() < MAX_SAMPLES && part.sample_bytes < MAX_SAMPLE_BYTES {
                part.sample_bytes += sample.reply.bytes;
                part.record.samples.push(sample);
            }
        });
    }

    /// Records the server's usage in the second around a time.
    pub(super) fn server_used(&self, at: Instant, cost: UsageDelta) {
        self.with_stage(at, |part| {
            let second = part.second(at);
            second.server_cpu_s = Some(cost.cpu_s);
            second.server_resident_bytes = Some(cost.resident_bytes);
        });
    }

    /// Returns the record of each stage.
    pub(super) fn finish(&self, used: Vec<PhaseUsage>) -> Vec<Record> {
        let parts = std::mem::take(&mut *self.parts());
        let finished = |(part, used): (StageRecord, PhaseUsage)| Record {
            generator: used.generator.unwrap_or_default(),
            generator_capacity_s: used.generator_capacity_s,
            server: used.server,
            ..part.record
        };
        parts.into_iter().zip(used).map(finished).collect()
    }

    /// Runs an action on the stage that a time belongs to.
    fn with_stage(&self, at: Instant, act: impl FnOnce(&mut StageRecord)) {
        let mut parts = self.parts();
        let which = parts.iter().rposition(|part| part.start <= at).unwrap_or_default();
        // Empty once the run is finished.
        if let Some(part) = parts.get_mut(which) {
            act(part);
        }
    }

    fn parts(&self) -> MutexGuard<'_, Vec<StageRecord>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StageRecord {
    fn second(&mut self, at: Instant) -> &mut SecondStats {
        let second = at.saturating_duration_since(self.start).as_secs();
        let second = usize::try_from(second).unwrap_or_default();
        let seconds = &mut self.record.seconds;
        while seconds.len() <= second {
            seconds.push(SecondStats::default());
        }
        &mut seconds[second]
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::Outcome;

    #[test]
    fn a_response_after_its_deadline_counts_as_deadline_exceeded() {
        let second = Duration::from_secs(1);
        let stages = [Stage::new("run", 1.0, second)];
        let recorder = Recorder::new(&stages, true, Progress::hidden(), second);
        let now = Instant::now();
        recorder.begin(now - second * 5);
        recorder.record(Kind::Search, &Reply::of(Code::OK), now, 1);
        recorder.record(Kind::Search, &Reply::of(Code::OK), now - second * 2, 1);
        let record = recorder.finish(vec![PhaseUsage::default()]).remove(0);
        let counts: Vec<(Outcome, u64)> =
            record.outcomes.iter().map(|(outcome, stats)| (*outcome, stats.latency_us.len())).collect();
        assert_eq!(counts, [((Kind::Search, Code::OK), 1), ((Kind::Search, Code::DEADLINE_EXCEEDED), 1)]);
    }
}
