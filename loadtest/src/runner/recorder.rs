//! What comes in while a run goes on, sorted into the stages that calls were due in.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    Cost, Live, Stage,
    record::{Record, Sample, Second, is_good},
};
use crate::{
    h2_client::{Code, Reply},
    workload::Kind,
};

/// More answers than this are not kept to be judged, and not more bytes of them.
const MOST_SAMPLES: usize = 20_000;
const MOST_SAMPLE_BYTES: u64 = 256 << 20;

/// What comes in while a run goes on.
#[derive(Debug)]
pub(super) struct Recorder {
    parts: Mutex<Vec<Part>>,
    live: Live,
    deadline: Duration,
}

#[derive(Debug)]
struct Part {
    record: Record,
    start: Instant,
    /// When its last call is due. What is answered later does not count as borne.
    end: Instant,
    sample_bytes: u64,
}

/// What was used while calls were made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub(super) generator: Option<Cost>,
    pub(super) generator_could_s: f64,
    pub(super) server: Option<Cost>,
}

impl Recorder {
    /// For the stages of a run, of which there is at least one, and calls that are good for nothing so long after they were
    /// due.
    pub(super) fn new(stages: &[Stage], is_open: bool, live: Live, deadline: Duration) -> Self {
        let now = Instant::now();
        let part =
            |stage| Part { record: Record::begin(stage, is_open), start: now, end: now, sample_bytes: 0 };
        Self { parts: Mutex::new(stages.iter().map(part).collect()), live, deadline }
    }

    /// Seconds count from here.
    pub(super) fn begin(&self, start: Instant) {
        let mut start = start;
        for part in self.parts().iter_mut() {
            part.start = start;
            start += Duration::from_secs_f64(part.record.length_s);
            part.end = start;
        }
    }

    /// A call goes out that was due then.
    pub(super) fn late(&self, due: Instant) {
        self.of(due, |part| {
            part.record.lateness_us.saturating_record(micros(due.elapsed()));
            part.second(due).due += 1;
        });
    }

    pub(super) fn unsent(&self, due: Instant) {
        self.of(due, |part| {
            part.record.unsent += 1;
            part.second(due).due += 1;
        });
    }

    pub(super) fn unfinished(&self, calls: usize) {
        if let Some(last) = self.parts().last_mut() {
            last.record.unfinished += calls as u64;
        }
    }

    pub(super) fn retried(&self, due: Instant) {
        self.of(due, |part| part.record.retries += 1);
    }

    pub(super) fn record(&self, kind: Kind, reply: &Reply, due: Instant, searches: u32) {
        let now = Instant::now();
        let latency_us = micros(now.saturating_duration_since(due));
        // An answer that comes too late is none, also where it had come before anybody looked.
        let is_late = reply.code == Code::OK && now.saturating_duration_since(due) > self.deadline;
        let outcome = (kind, if is_late { Code::DEADLINE_EXCEEDED } else { reply.code });
        let is_good = is_good(outcome);
        self.live.count(is_good, latency_us);
        self.of(now, |part| part.record.answered_meanwhile += u64::from(now <= part.end));
        self.of(due, |part| {
            let in_time = u64::from(now <= part.end);
            let second = part.second(due);
            match (is_good, kind.is_further()) {
                (true, false) => {
                    second.ok += 1;
                    second.latency_us.saturating_record(latency_us);
                    part.record.good_in_time += in_time;
                }
                (true, true) => {}
                (false, _) => second.failed += 1,
            }
            let record = &mut part.record;
            record.searches += in_time * u64::from(is_good) * u64::from(searches);
            record.bytes += reply.bytes;
            if let Some(waited) = reply.waited {
                record.place_us.saturating_record(micros(waited));
            }
            let cell = record.cells.entry(outcome).or_default();
            cell.latency_us.saturating_record(latency_us);
            if cell.message.is_none() {
                cell.message.clone_from(&reply.message);
            }
            // What never got a place among the streams was never sent.
            if let Some(sent) = reply.sent {
                cell.service_us.saturating_record(micros(now.saturating_duration_since(sent)));
            }
        });
    }

    pub(super) fn keep(&self, due: Instant, sample: Sample) {
        self.of(due, |part| {
            if part.record.samples.len() < MOST_SAMPLES && part.sample_bytes < MOST_SAMPLE_BYTES {
                part.sample_bytes += sample.reply.bytes;
                part.record.samples.push(sample);
            }
        });
    }

    /// What the server used in the second around a moment.
    pub(super) fn server_used(&self, at: Instant, cost: Cost) {
        self.of(at, |part| {
            let second = part.second(at);
            second.server_cpu_s = Some(cost.cpu_s);
            second.server_resident_bytes = Some(cost.resident_bytes);
        });
    }

    /// What came of each stage.
    pub(super) fn finish(&self, used: Vec<Used>) -> Vec<Record> {
        let parts = std::mem::take(&mut *self.parts());
        let finished = |(part, used): (Part, Used)| Record {
            generator: used.generator.unwrap_or_default(),
            generator_could_s: used.generator_could_s,
            server: used.server,
            ..part.record
        };
        parts.into_iter().zip(used).map(finished).collect()
    }

    /// The stage that a moment belongs to.
    fn of(&self, at: Instant, act: impl FnOnce(&mut Part)) {
        let mut parts = self.parts();
        let which = parts.iter().rposition(|part| part.start <= at).unwrap_or_default();
        // There is none once the run is finished, and then nobody records.
        if let Some(part) = parts.get_mut(which) {
            act(part);
        }
    }

    fn parts(&self) -> MutexGuard<'_, Vec<Part>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn second(&mut self, at: Instant) -> &mut Second {
        let second = at.saturating_duration_since(self.start).as_secs();
        let second = usize::try_from(second).unwrap_or_default();
        let seconds = &mut self.record.seconds;
        while seconds.len() <= second {
            seconds.push(Second::default());
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
    fn an_answer_that_comes_after_its_deadline_is_none() {
        let second = Duration::from_secs(1);
        let stages = [Stage::new("run", 1.0, second)];
        let recorder = Recorder::new(&stages, true, Live::hidden(), second);
        let now = Instant::now();
        recorder.begin(now - second * 5);
        recorder.record(Kind::Search, &Reply::of(Code::OK), now, 1);
        recorder.record(Kind::Search, &Reply::of(Code::OK), now - second * 2, 1);
        let record = recorder.finish(vec![Used::default()]).remove(0);
        let counts: Vec<(Outcome, u64)> =
            record.cells.iter().map(|(outcome, cell)| (*outcome, cell.latency_us.len())).collect();
        assert_eq!(counts, [((Kind::Search, Code::OK), 1), ((Kind::Search, Code::DEADLINE_EXCEEDED), 1)]);
    }
}
