//! How calls end and how long they take: from when a head was read until the answer was sent.

use std::{sync::Arc, time::Instant};

use http::{HeaderMap, HeaderName};
use opentelemetry::propagation::Extractor;

use crate::grpc::method::{METHODS, Method};
use crate::telemetry::{
    metrics::{MethodMetrics, Metrics},
    traces::{Traced, Traces},
};

/// The counts of all methods, and what traces calls, if anything does; shared by its clones.
#[derive(Clone, Debug)]
pub(crate) struct Measures {
    counts: Arc<[MethodMetrics; METHODS.len()]>,
    traces: Option<Traces>,
}

impl Measures {
    pub(crate) fn new(metrics: &Metrics, traces: Option<Traces>) -> Self {
        Self { counts: Arc::new(METHODS.map(|method| metrics.of_method(method.path))), traces }
    }

    /// A call begins; health, reflection and what does not exist are not measured.
    pub(crate) fn begin(&self, path: &str, headers: &HeaderMap) -> Option<Measured> {
        let at = METHODS.iter().position(|method: &Method| method.path == path)?;
        let counts = &self.counts[at];
        counts.begin();
        let begin = |traces: &Traces| traces.begin(&Caller(headers), counts.service, counts.method);
        let traced = self.traces.as_ref().map(begin);
        Some(Measured {
            counts: Arc::clone(&self.counts),
            at,
            since: Instant::now(),
            code: CANCELLED,
            traced,
        })
    }
}

/// What a caller says of its own span.
struct Caller<'a>(&'a HeaderMap);

impl Extractor for Caller<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Where nobody waits for the end.
const CANCELLED: usize = 1;

/// A call, until this is dropped.
#[derive(Debug)]
pub(crate) struct Measured {
    counts: Arc<[MethodMetrics; METHODS.len()]>,
    at: usize,
    since: Instant,
    code: usize,
    traced: Option<Traced>,
}

impl Measured {
    /// Takes the status in, if it stands there: in the head of an answer without a message, or in the trailers.
    pub(crate) fn look(&mut self, headers: &HeaderMap) {
        let status = headers.get("grpc-status").and_then(|value| value.to_str().ok()?.parse().ok());
        if let Some(code) = status {
            self.code = code;
        }
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.counts[self.at].end(self.code, self.since.elapsed());
        if let Some(traced) = self.traced.take() {
            traced.end(self.code);
        }
    }
}
