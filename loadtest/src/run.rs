//! A run: connections that search in a closed loop until the time is over.

use std::{
    fmt,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use nearby_client::{
    Client, ConnectError,
    v1::{CoordinateSystem, NearbyResult, Position, SearchNearbyRequest},
};
use thiserror::Error;

use crate::origins::Origins;

/// What to do.
pub(crate) struct Plan {
    pub(crate) server: String,
    pub(crate) origins: Origins,
    pub(crate) radius_m: f64,
    pub(crate) results: i32,
    pub(crate) connections: usize,
    pub(crate) length: Duration,
    pub(crate) seed: u64,
}

/// Why there was no run.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Address(ConnectError),
    #[error("no server answers at {0}; start one with `nearby serve` or `cargo demo`")]
    Unreachable(String),
    #[error("a search was answered with merchants that are not ranked by distance within the radius")]
    WrongAnswer,
    #[error("the run broke: {0}")]
    Broken(String),
}

/// What came of a run, or of one connection of it.
pub(crate) struct Report {
    latency_us: Histogram<u64>,
    results: u64,
    errors: u64,
    elapsed: Duration,
}

impl Report {
    /// From a microsecond to a minute, to three digits.
    fn new() -> Result<Self, RunError> {
        let latency_us = Histogram::new_with_bounds(1, 60_000_000, 3)
            .map_err(|error| RunError::Broken(error.to_string()))?;
        Ok(Self { latency_us, results: 0, errors: 0, elapsed: Duration::ZERO })
    }

    fn add(&mut self, other: &Self) -> Result<(), RunError> {
        self.latency_us.add(&other.latency_us).map_err(|error| RunError::Broken(error.to_string()))?;
        self.results += other.results;
        self.errors += other.errors;
        Ok(())
    }

    pub(crate) fn errors(&self) -> u64 {
        self.errors
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let searches = self.latency_us.len();
        let per_second = u128::from(searches) * 1_000 / self.elapsed.as_millis().max(1);
        let each = self.results / searches.max(1);
        writeln!(f, "{searches} searches, {per_second}/s, {each} results each, {} errors", self.errors)?;
        let at = |quantile| self.latency_us.value_at_quantile(quantile);
        writeln!(
            f,
            "latency in µs: p50 {}, p90 {}, p99 {}, p99.9 {}, max {}",
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            self.latency_us.max()
        )
    }
}

const CALL_DEADLINE: Duration = Duration::from_secs(30);

/// Runs a plan.
pub(crate) async fn run(plan: &Plan) -> Result<Report, RunError> {
    let mut clients = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        clients.push(connect(&plan.server).await?);
    }
    let start = Instant::now();
    let tasks: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(connection, client)| {
            let origins = plan.origins.stream(plan.seed, connection);
            let request = SearchNearbyRequest {
                radius_m: Some(plan.radius_m),
                page_size: plan.results,
                ..Default::default()
            };
            tokio::spawn(search_on(client, origins, request, start + plan.length))
        })
        .collect();
    let mut total = Report::new()?;
    for task in tasks {
        total.add(&task.await.map_err(|error| RunError::Broken(error.to_string()))??)?;
    }
    total.elapsed = start.elapsed();
    Ok(total)
}

/// A connection of its own. A slow answer is to be measured and a refusal counted, so neither is cut short or tried again.
async fn connect(server: &str) -> Result<Client, RunError> {
    let client = Client::connect(server).await.map_err(|error| match error {
        ConnectError::Unreachable { address, .. } => RunError::Unreachable(address),
        other => RunError::Address(other),
    })?;
    Ok(client.with_deadline(CALL_DEADLINE).without_retries())
}

async fn search_on(
    client: Client,
    origins: impl Iterator<Item = (f64, f64)>,
    request: SearchNearbyRequest,
    end: Instant,
) -> Result<Report, RunError> {
    let mut report = Report::new()?;
    for (latitude, longitude) in origins {
        let asked = Instant::now();
        if asked >= end {
            break;
        }
        let coordinate_system = CoordinateSystem::Wgs84.into();
        let origin = Some(Position { latitude, longitude, coordinate_system, accuracy_m: None });
        match client.search_nearby(SearchNearbyRequest { origin, ..request.clone() }).await {
            Ok(answer) => {
                let took_us = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
                report.latency_us.saturating_record(took_us);
                let results = answer.results;
                if !is_ranked(&results, request.radius_m()) {
                    return Err(RunError::WrongAnswer);
                }
                report.results += results.len() as u64;
            }
            Err(_) => report.errors += 1,
        }
    }
    Ok(report)
}

/// A fast wrong answer is worth nothing.
fn is_ranked(results: &[NearbyResult], radius_m: f64) -> bool {
    results.is_sorted_by(|a, b| a.distance_m <= b.distance_m)
        && results.last().is_none_or(|last| last.distance_m <= radius_m)
}
