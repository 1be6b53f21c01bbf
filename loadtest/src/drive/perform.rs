//! One call with all that belongs to it: its repetitions, its further pages, its steps.

use std::time::{Duration, Instant};

use bytes::Bytes;
use nearby_proto::v1::{SearchNearbyRequest, SearchNearbyResponse, WatchNearbyResponse};
use prost::Message;
use tokio::time::{sleep_until, timeout_at};

use super::record::{Recorder, Sample};
use crate::{
    wire::{Code, Exchange, Lines, Reply, Stream, framed},
    work::{Call, Kind, Then},
};

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
        let keeps = call.check.is_some() || matches!(call.then, Then::Pages(..));
        let exchange = Exchange { path: call.kind.path(), messages: call.messages, deadline, keeps };
        let reply = self.exchange(&exchange, recorder).await;
        recorder.record(call.kind, &reply, due, call.searches);
        if let Then::Pages(request, left) = call.then {
            self.pages(*request, left, &reply, recorder).await;
        }
        if let Some(check) = call.check.filter(|_| reply.code == Code::OK) {
            recorder.keep(Sample { number: call.number, check, reply });
        }
    }

    async fn exchange(&self, exchange: &Exchange, recorder: &Recorder) -> Reply {
        let mut left = self.retries;
        loop {
            let reply = self.lines.exchange(exchange).await;
            if reply.code != Code::UNAVAILABLE || left == 0 || Instant::now() >= exchange.deadline {
                return reply;
            }
            left -= 1;
            recorder.retried();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Each page is asked for when the one before it is there.
    async fn pages(&self, request: SearchNearbyRequest, left: u32, first: &Reply, recorder: &Recorder) {
        let token = |reply: &Reply| {
            let page = SearchNearbyResponse::decode(reply.messages.first()?.clone()).ok()?;
            Some(page.next_page_token).filter(|token| !token.is_empty())
        };
        let mut next = token(first);
        for _ in 0..left {
            let Some(page_token) = next else { return };
            let messages = framed(&SearchNearbyRequest { page_token, ..request.clone() });
            let now = Instant::now();
            let deadline = now + self.lines.target().deadline();
            let exchange = Exchange { path: Kind::Page.path(), messages, deadline, keeps: true };
            let reply = self.exchange(&exchange, recorder).await;
            recorder.record(Kind::Page, &reply, now, 1);
            next = token(&reply);
        }
    }

    /// Each step counts as a call: from when it was taken until the answer that takes it into account.
    async fn watch(&self, start: Bytes, steps: Vec<Bytes>, due: Instant, recorder: &Recorder) {
        let failed = |code, sent| Reply { code, messages: Vec::new(), bytes: 0, sent };
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
            if let Some(next) = next {
                let at = due + Duration::from_secs(step as u64);
                sleep_until(at.into()).await;
                taken = (at, Instant::now());
                if let Err(code) = stream.say(next) {
                    return recorder.record(Kind::Watch, &failed(code, None), taken.0, 0);
                }
            }
            let deadline = taken.0 + self.lines.target().deadline();
            let answered = timeout_at(deadline.into(), answer_to(&mut stream, step as u64));
            let sent = Some(taken.1);
            match answered.await.unwrap_or(Err(Code::DEADLINE_EXCEEDED)) {
                Ok(message) => {
                    let bytes = message.len() as u64;
                    let reply = Reply { code: Code::OK, messages: vec![message], bytes, sent };
                    recorder.record(Kind::Watch, &reply, taken.0, 0);
                }
                // A server that says OK at the end has ended the watch all the same.
                Err(code) => {
                    let code = if code == Code::OK { Code::UNAVAILABLE } else { code };
                    return recorder.record(Kind::Watch, &failed(code, sent), taken.0, 0);
                }
            }
        }
        stream.finish();
    }
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
