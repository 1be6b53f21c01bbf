//! One call with all that belongs to it: its repetitions, its further pages, its steps.

use std::time::{Duration, Instant};

use bytes::Bytes;
use nearby_proto::v1::{SearchNearbyRequest, SearchNearbyResponse, WatchNearbyResponse};
use prost::Message;
use rand::RngExt;
use tokio::time::{sleep_until, timeout_at};

use super::{record::Sample, recorder::Recorder};
use crate::{
    dataset::random_of,
    h2_client::{Code, Exchange, Lines, Reply, Stream, framed},
    workload::{Call, Kind, Then, failed_item},
};

const RETRY: u64 = 10;
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Makes calls.
#[derive(Debug)]
pub(super) struct Performer {
    pub(super) lines: Lines,
    pub(super) retries: u32,
}

impl Performer {
    pub(super) async fn perform(&self, call: Call, due: Instant, recorder: &Recorder) {
        recorder.late(due);
        let deadline = due + self.lines.target().deadline();
        if let Then::Steps(steps) = call.then {
            return self.watch(call.messages, steps, due, recorder).await;
        }
        let has_more =
            matches!(call.then, Then::Pages(..)) || matches!(call.kind, Kind::Batch | Kind::Stream);
        let keeps = call.check.is_some() || has_more;
        let exchange = Exchange { path: call.kind.path(), messages: call.messages, deadline, keeps };
        let mut reply = self.exchange(&exchange, due, recorder).await;
        let code = reply.code;
        reply.code = failed_item(call.kind, &reply).unwrap_or(code);
        recorder.record(call.kind, &reply, due, call.searches);
        // The other items are judged all the same.
        reply.code = code;
        if let Then::Pages(request, left) = call.then {
            self.pages(*request, left, &mut reply, recorder).await;
        }
        if let Some(check) = call.check.filter(|_| reply.code == Code::OK) {
            recorder.keep(due, Sample { number: call.number, check, reply });
        }
    }

    /// With repetitions, each after a wait of up to twice as long, as gRPC's retry policy has it (proposal A6).
    async fn exchange(&self, exchange: &Exchange, due: Instant, recorder: &Recorder) -> Reply {
        let mut wait = FIRST_WAIT;
        for turn in 0..self.retries {
            let reply = self.lines.exchange(exchange).await;
            // Whoever was refused together does not come back together.
            let chance = u64::from(due.elapsed().subsec_nanos());
            let again = Instant::now()
                + wait.mul_f64(random_of(chance, RETRY, u64::from(turn)).random_range(0.5..1.0));
            if reply.code != Code::UNAVAILABLE || again >= exchange.deadline {
                return reply;
            }
            recorder.retried(due);
            sleep_until(again.into()).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        self.lines.exchange(exchange).await
    }

    /// Each page is asked for when the one before it is there, and added to the answer.
    async fn pages(&self, request: SearchNearbyRequest, left: u32, all: &mut Reply, recorder: &Recorder) {
        for _ in 0..left {
            let Some(page_token) = all.messages.last().and_then(token) else { return };
            let messages = framed(&SearchNearbyRequest { page_token, ..request.clone() });
            let now = Instant::now();
            let deadline = now + self.lines.target().deadline();
            let exchange = Exchange { path: Kind::Page.path(), messages, deadline, keeps: true };
            let reply = self.exchange(&exchange, now, recorder).await;
            recorder.record(Kind::Page, &reply, now, 1);
            if reply.code != Code::OK {
                return;
            }
            all.bytes += reply.bytes;
            all.messages.extend(reply.messages);
        }
    }

    /// Each step has a latency of its own: from when it was taken until the answer that takes it into account.
    async fn watch(&self, start: Bytes, steps: Vec<Bytes>, due: Instant, recorder: &Recorder) {
        let failed = |code, sent| Reply { sent, ..Reply::of(code) };
        let begun = timeout_at(
            (due + self.lines.target().deadline()).into(),
            self.lines.converse(Kind::Watch.path(), start),
        );
        let mut stream = match begun.await.unwrap_or(Err(Code::DEADLINE_EXCEEDED)) {
            Ok(stream) => stream,
            Err(code) => return recorder.record(Kind::Watch, &failed(code, None), due, 0),
        };
        let mut taken = (due, Instant::now());
        for (step, next) in std::iter::once(None).chain(steps.into_iter().map(Some)).enumerate() {
            let kind = if step == 0 { Kind::Watch } else { Kind::Step };
            if let Some(next) = next {
                let at = due + Duration::from_secs(step as u64);
                sleep_until(at.into()).await;
                taken = (at, Instant::now());
                if let Err(code) = stream.say(next) {
                    return recorder.record(kind, &failed(code, None), taken.0, 0);
                }
            }
            let deadline = taken.0 + self.lines.target().deadline();
            let answered = timeout_at(deadline.into(), answer_to(&mut stream, step as u64));
            let sent = Some(taken.1);
            match answered.await.unwrap_or(Err(Code::DEADLINE_EXCEEDED)) {
                Ok(message) => {
                    let bytes = message.len() as u64;
                    let reply = Reply { bytes, sent, ..Reply::of(Code::OK) };
                    recorder.record(kind, &reply, taken.0, 0);
                }
                // A server that says OK at the end has ended the watch all the same.
                Err(code) => {
                    let code = if code == Code::OK { Code::UNAVAILABLE } else { code };
                    return recorder.record(kind, &failed(code, sent), taken.0, 0);
                }
            }
        }
        stream.finish();
    }
}

fn token(page: &Bytes) -> Option<String> {
    let page = SearchNearbyResponse::decode(page.clone()).ok()?;
    Some(page.next_page_token).filter(|token| !token.is_empty())
}

/// The answer that takes a step into account.
async fn answer_to(stream: &mut Stream<'_>, step: u64) -> Result<Bytes, Code> {
    loop {
        let Some(message) = stream.message().await? else { return Err(stream.end().0) };
        let answer = WatchNearbyResponse::decode(message.clone()).map_err(|_| Code::INTERNAL)?;
        if answer.steps > step {
            return Ok(message);
        }
    }
}
