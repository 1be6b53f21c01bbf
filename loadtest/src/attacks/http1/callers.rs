//! Well-behaved callers of the HTTP listener: each sends the calls of a scenario one after the other on a connection of its own.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hdrhistogram::Histogram;
use http::HeaderValue;
use tokio::{sync::Mutex as AsyncMutex, task::JoinSet, time::timeout};

use super::connection::{HttpConnection, Response};
use crate::{
    attacks::frames::RawConnection,
    dataset::Oracle,
    h2_client::{Code, Reply},
    runner::histogram,
    verify::Check,
    workload::{Request, RequestGenerator},
};

/// Bytes of the prefix of a message in gRPC, which a unary call over HTTP does not have.
const PREFIX_BYTES: usize = 5;
/// Time for a response, as of the callers over gRPC.
const DEADLINE: Duration = Duration::from_secs(5);

/// Callers with a connection each.
#[derive(Clone, Debug)]
pub struct HttpCallers {
    address: SocketAddr,
    authorization: Option<HeaderValue>,
    requests: Arc<Mutex<RequestGenerator>>,
    connections: Arc<[AsyncMutex<Option<HttpConnection>>]>,
}

/// The calls of an interval.
#[derive(Debug)]
pub(in crate::attacks) struct Figures {
    /// Latency of successful calls.
    pub(in crate::attacks) latency_us: Histogram<u64>,
    /// Number of calls.
    pub(in crate::attacks) calls: u64,
    /// Number of calls with each error.
    pub(in crate::attacks) failures: BTreeMap<String, u64>,
    /// Number of verified responses.
    pub(in crate::attacks) verified: u64,
    /// Errors of wrong responses.
    pub(in crate::attacks) wrong: Vec<String>,
    samples: Vec<(Box<Check>, Reply)>,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            latency_us: histogram(3),
            calls: 0,
            failures: BTreeMap::new(),
            verified: 0,
            wrong: Vec::new(),
            samples: Vec::new(),
        }
    }
}

impl HttpCallers {
    /// Creates callers of a listener. Their calls are those of the generator, without further pages.
    #[must_use]
    pub fn new(
        address: SocketAddr,
        callers: usize,
        requests: RequestGenerator,
        authorization: Option<HeaderValue>,
    ) -> Self {
        let connections = (0..callers).map(|_| AsyncMutex::default()).collect();
        Self { address, authorization, requests: Arc::new(Mutex::new(requests)), connections }
    }

    /// Calls for an interval, then verifies the sampled responses.
    pub(in crate::attacks) async fn run(
        &self,
        length: Duration,
        oracle: Option<&Arc<Oracle>>,
    ) -> io::Result<Figures> {
        let end = Instant::now() + length;
        let mut tasks = JoinSet::new();
        for caller in 0..self.connections.len() {
            let callers = self.clone();
            tasks.spawn(async move { callers.call_until(caller, end).await });
        }
        let mut figures = Figures::default();
        while let Some(ended) = tasks.join_next().await {
            figures.add(ended.map_err(io::Error::other)?);
        }
        let oracle = oracle.map(Arc::clone);
        let verified = tokio::task::spawn_blocking(move || {
            for (check, reply) in std::mem::take(&mut figures.samples) {
                figures.verified += 1;
                figures
                    .wrong
                    .extend(check.verify(&reply, oracle.as_deref()).err().map(|error| error.to_string()));
            }
            figures
        });
        verified.await.map_err(io::Error::other)
    }

    async fn call_until(&self, caller: usize, end: Instant) -> Figures {
        let mut figures = Figures::default();
        let mut connection = self.connections[caller].lock().await;
        while Instant::now() < end {
            let request = self.requests.lock().unwrap_or_else(PoisonError::into_inner).next_request();
            let begun = Instant::now();
            let called = timeout(DEADLINE, self.call(&mut connection, &request)).await;
            figures.calls += 1;
            let failure = match called {
                Ok(Ok(Response { status: 200, body })) => {
                    let latency = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                    figures.latency_us.saturating_record(latency);
                    let reply = Reply { messages: vec![body], ..Reply::of(Code::OK) };
                    figures.samples.extend(request.check.map(|check| (check, reply)));
                    continue;
                }
                Ok(Ok(Response { status, body })) => {
                    format!("HTTP status {status}: {}", String::from_utf8_lossy(&body))
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no response within {} s", DEADLINE.as_secs()),
            };
            *connection = None;
            *figures.failures.entry(failure).or_default() += 1;
        }
        figures
    }

    /// Makes a call. A connection that the server has closed meanwhile is replaced, as browsers do.
    async fn call(&self, kept: &mut Option<HttpConnection>, request: &Request) -> io::Result<Response> {
        let bytes = self.encode(request);
        if let Some(connection) = kept
            && let Ok(response) = connection.exchange(&bytes).await
        {
            return Ok(response);
        }
        let connection = kept.insert(RawConnection::connect(self.address, 0).await?.into());
        connection.exchange(&bytes).await
    }

    fn encode(&self, request: &Request) -> Bytes {
        let message = &request.messages[PREFIX_BYTES..];
        let authorization = self.authorization.as_ref().and_then(|value| value.to_str().ok());
        let authorization =
            authorization.map(|value| format!("authorization: {value}\r\n")).unwrap_or_default();
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/proto\r\n{authorization}content-length: {}\r\n\r\n",
            request.kind.path(),
            message.len()
        );
        [head.as_bytes(), message].concat().into()
    }
}

impl Figures {
    fn add(&mut self, other: Self) {
        // Cannot fail: both histograms have the same bounds.
        let _ = self.latency_us.add(&other.latency_us);
        self.calls += other.calls;
        for (failure, count) in other.failures {
            *self.failures.entry(failure).or_default() += count;
        }
        self.samples.extend(other.samples);
    }
}
