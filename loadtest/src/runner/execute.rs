//! One request with its retries and follow-ups (pages, watch steps).

use std::time::{Duration, Instant};

use bytes::Bytes;
use nearby_proto::v1::{SearchNearbyRequest, SearchNearbyResponse, WatchNearbyResponse};
use prost::Message;
use rand::RngExt;
use tokio::time::{sleep_until, timeout_at};

use super::{record::Sample, recorder::Recorder};
use crate::{
    h2_client::{Call, Code, ConnectionPool, Reply, Stream, encode_framed},
    random::rng_for,
    workload::{FollowUp, Kind, Request, first_failed_search},
};

/// Random stream of this module (see [`rng_for`]).
const RETRY: u64 = 10;
const INITIAL_BACKOFF: Duration = Duration::from_millis(20);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Executes requests over a connection pool.
#[derive(Debug)]
pub(super) struct Executor {
    pub(super) pool: ConnectionPool,
    pub(super) retries: u32,
}

impl Executor {
    pub(super) async fn execute(&self, request: Request, due: Instant, recorder: &Recorder) {
        recorder.sent(due);
        let deadline = due + self.pool.target().deadline();
        if let FollowUp::Steps(steps) = request.follow_up {
            return self.watch(request.messages, steps, due, recorder).await;
        }
        let has_more = matches!(request.follow_up, FollowUp::Pages(..))
            || matches!(request.kind, Kind::Batch | Kind::Stream);
        let keep_messages = request.check.is_some() || has_more;
        let call = Call { path: request.kind.path(), messages: request.messages, deadline, keep_messages };
        let mut reply = self.call_with_retries(&call, due, recorder).await;
        let code = reply.code;
        reply.code = first_failed_search(request.kind, &reply).unwrap_or(code);
        recorder.record(request.kind, &reply, due, request.searches);
        // The searches that succeeded are verified nevertheless.
        reply.code = code;
        if let FollowUp::Pages(request, left) = request.follow_up {
            self.pages(*request, left, &mut reply, recorder).await;
        }
        if let Some(check) = request.check.filter(|_| reply.code == Code::OK) {
            recorder.keep(due, Sample { number: request.number, check, reply });
        }
    }

    /// Calls with retries and exponential backoff with jitter, as gRPC's retry policy (proposal A6).
    async fn call_with_retries(&self, call: &Call, due: Instant, recorder: &Recorder) -> Reply {
        let mut backoff = INITIAL_BACKOFF;
        for attempt in 0..self.retries {
            let reply = self.pool.call(call).await;
            // Jitter: calls rejected together must not return together.
            let jitter = u64::from(due.elapsed().subsec_nanos());
            let retry_at = Instant::now()
                + backoff.mul_f64(rng_for(jitter, RETRY, u64::from(attempt)).random_range(0.5..1.0));
            if reply.code != Code::UNAVAILABLE || retry_at >= call.deadline {
                return reply;
            }
            recorder.retried(due);
            sleep_until(retry_at.into()).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
        self.pool.call(call).await
    }

    /// Requests further pages, each when the previous one has arrived, and appends them to the reply.
    async fn pages(&self, request: SearchNearbyRequest, left: u32, all: &mut Reply, recorder: &Recorder) {
        for _ in 0..left {
            let Some(page_token) = all.messages.last().and_then(token) else { return };
            let messages = encode_framed(&SearchNearbyRequest { page_token, ..request.clone() });
            let now = Instant::now();
            let deadline = now + self.pool.target().deadline();
            let call = Call { path: Kind::Page.path(), messages, deadline, keep_messages: true };
            let reply = self.call_with_retries(&call, now, recorder).await;
            recorder.record(Kind::Page, &reply, now, 1);
            if reply.code != Code::OK {
                return;
            }
            all.bytes += reply.bytes;
            all.messages.extend(reply.messages);
        }
    }

    /// Runs a watch. The latency of a step is the time from sending it to the response that reflects it.
    async fn watch(&self, start: Bytes, steps: Vec<Bytes>, due: Instant, recorder: &Recorder) {
        let failed = |code, sent| Reply { sent, ..Reply::of(code) };
        let begun = timeout_at(
            (due + self.pool.target().deadline()).into(),
            self.pool.open_stream(Kind::Watch.path(), start),
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
                if let Err(code) = stream.send(next) {
                    return recorder.record(kind, &failed(code, None), taken.0, 0);
                }
            }
            let deadline = taken.0 + self.pool.target().deadline();
            let answered = timeout_at(deadline.into(), response_to(&mut stream, step as u64));
            let sent = Some(taken.1);
            match answered.await.unwrap_or(Err(Code::DEADLINE_EXCEEDED)) {
                Ok(message) => {
                    let bytes = message.len() as u64;
                    let reply = Reply { bytes, sent, ..Reply::of(Code::OK) };
                    recorder.record(kind, &reply, taken.0, 0);
                }
                // A server that ends the stream, even with OK, has ended the watch early.
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

/// Returns the response that reflects a step.
async fn response_to(stream: &mut Stream<'_>, step: u64) -> Result<Bytes, Code> {
    loop {
        let Some(message) = stream.message().await? else { return Err(stream.end().0) };
        let answer = WatchNearbyResponse::decode(message.clone()).map_err(|_| Code::INTERNAL)?;
        if answer.steps > step {
            return Ok(message);
        }
    }
}
