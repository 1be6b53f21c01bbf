//! How calls end and how long they take: from when a head was read until the answer was sent.

use std::{sync::Arc, time::Instant};

use http::HeaderMap;

use super::method::{METHODS, Method};
use crate::observe::metrics::{MethodMetrics, Metrics};

/// The counts of all methods; shared by its clones.
#[derive(Clone, Debug)]
pub(super) struct Measures(Arc<[MethodMetrics; METHODS.len()]>);

impl Measures {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self(Arc::new(METHODS.map(|method| metrics.of_method(method.path))))
    }

    /// A call begins; health, reflection and what does not exist are not measured.
    pub(super) fn begin(&self, path: &str) -> Option<Measured> {
        let at = METHODS.iter().position(|method: &Method| method.path == path)?;
        self.0[at].begin();
        Some(Measured { measures: self.clone(), at, since: Instant::now(), code: CANCELLED })
    }
}

/// Where nobody waits for the end.
const CANCELLED: usize = 1;

/// A call, until this is dropped.
#[derive(Debug)]
pub(super) struct Measured {
    measures: Measures,
    at: usize,
    since: Instant,
    code: usize,
}

impl Measured {
    /// Takes the status in, if it stands there: in the head of an answer without a message, or in the trailers.
    pub(super) fn look(&mut self, headers: &HeaderMap) {
        let status = headers.get("grpc-status").and_then(|value| value.to_str().ok()?.parse().ok());
        if let Some(code) = status {
            self.code = code;
        }
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.measures.0[self.at].end(self.code, self.since.elapsed());
    }
}
