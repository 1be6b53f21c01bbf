//! Measurement of one window.

use std::{
    cell::RefCell,
    collections::VecDeque,
    convert::Infallible,
    io,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use hdrhistogram::Histogram;
use nearby_client::{
    Access, Client,
    v1::{
        BatchCreateMerchantsRequest, Merchant, UpdateMerchantRequest, WatchNearbyResponse, WatchNearbyStart,
    },
};
use nearby_proto::well_known::FieldMask;
use prost::Message;
use tokio::sync::Notify;

use super::{
    Window,
    town::{Continent, TOWNS, Town, display_name, writes_of},
};
use crate::{
    error::Error,
    h2_client::{Call, Code, ConnectionPool, Path, Stream, Target, encode_framed},
    runner::ProcessUsage,
};

const WATCH: Path = "/nearby.v1.NearbyService/WatchNearbyFrom";
const UPDATE: Path = "/nearby.v1.MerchantService/UpdateMerchant";
/// Concurrent streams that the server allows on a connection.
const STREAMS_PER_CONNECTION: usize = 100;
/// Watches that are opened at a time.
const CONCURRENT_OPENINGS: usize = 64;
const WRITE_CONNECTIONS: usize = 4;
/// Towns whose merchants are created by one call.
const TOWNS_PER_CALL: usize = 50;
/// Deadline of a write, and time limit for the notification of the last one.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of a window.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of watches elsewhere.
    pub elsewhere: usize,
    /// Writes per second, one at a time of each town.
    pub writes_per_s: f64,
    /// Duration of the writes.
    pub length: Duration,
}

/// Measures a server without merchants.
///
/// # Errors
/// The server cannot be reached, a call failed, or a watch was not notified of a write within 10 s.
pub async fn measure(url: &str, pid: u32, plan: Plan) -> Result<Window, Error> {
    create_merchants(url).await?;
    let target = Target::new(url, TIMEOUT)?;
    let writers =
        ConnectionPool::open(target.clone(), WRITE_CONNECTIONS, TOWNS.div_ceil(WRITE_CONNECTIONS)).await?;
    let near =
        ConnectionPool::open(target.clone(), TOWNS.div_ceil(STREAMS_PER_CONNECTION), STREAMS_PER_CONNECTION)
            .await?;
    let starts = (0..TOWNS).map(|town| Town(Continent::Written, town).watch(town));
    let mut near = open(&near, starts).await?;

    let before = ProcessUsage::of(pid)?.resident_bytes;
    let connections = plan.elsewhere.div_ceil(STREAMS_PER_CONNECTION);
    let far = ConnectionPool::open(target, connections, STREAMS_PER_CONNECTION).await?;
    let starts = (0..plan.elsewhere).map(|number| Town(Continent::Elsewhere, number).watch(number));
    let elsewhere = open(&far, starts).await?;
    let after = ProcessUsage::of(pid)?.resident_bytes;

    let towns = (0..TOWNS).map(|_| Pending::new()).collect::<Result<Vec<_>, _>>()?;
    let begun = (Instant::now(), ProcessUsage::of(pid)?);
    let writes =
        try_join_all(towns.iter().enumerate().map(|(town, pending)| write(&writers, town, pending, plan)));
    let reads = try_join_all(near.iter_mut().zip(&towns).map(|(stream, pending)| read(stream, pending)));
    let written = tokio::select! {
        written = writes => written?,
        Err(error) = reads => return Err(error.into()),
    };
    let (took, used) = (begun.0.elapsed(), ProcessUsage::of(pid)?.since(&begun.1));
    drop(elsewhere);
    let mut latency = histogram()?;
    for pending in towns {
        latency.add(pending.into_latency()).map_err(io::Error::other)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a run")]
    let notified_ms = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1e3;
    #[expect(clippy::cast_precision_loss, reason = "counts and bytes of a run")]
    let (written, grown, watches) = (
        written.iter().sum::<u64>() as f64,
        after.saturating_sub(before) as f64,
        plan.elsewhere.max(1) as f64,
    );
    Ok(Window {
        writes_per_s: written / took.as_secs_f64(),
        cpu_us_per_write: used.cpu_s * 1e6 / written.max(1.0),
        notified_median_ms: notified_ms(0.5),
        notified_p99_ms: notified_ms(0.99),
        notified_max_ms: notified_ms(1.0),
        bytes_per_watch: grown / watches,
    })
}

async fn create_merchants(url: &str) -> Result<(), Error> {
    let access = Access::default();
    let client = Client::connect_with(url, &access)
        .await
        .map_err(|error| Error::Unreachable(url.to_owned(), io::Error::other(error)))?;
    for continent in [Continent::Written, Continent::Elsewhere] {
        for first in (0..TOWNS).step_by(TOWNS_PER_CALL) {
            let towns = first..first + TOWNS_PER_CALL;
            let requests = towns.flat_map(|town| Town(continent, town).merchants()).collect();
            let create = BatchCreateMerchantsRequest { requests, ..Default::default() };
            client.batch_create_merchants(create).await.map_err(io::Error::other)?;
        }
    }
    Ok(())
}

/// Opens watches and receives the first response of each: the watch is registered.
async fn open(
    pool: &ConnectionPool,
    starts: impl Iterator<Item = WatchNearbyStart>,
) -> io::Result<Vec<Stream<'_>>> {
    let opened = stream::iter(starts).map(|start| async move {
        let mut stream = pool.open_stream(WATCH, encode_framed(&start)).await.map_err(failed)?;
        stream.finish();
        next(&mut stream).await?;
        Ok(stream)
    });
    opened.buffered(CONCURRENT_OPENINGS).try_collect().await
}

fn failed(code: Code) -> io::Error {
    io::Error::other(format!("a call failed with {}", code.name()))
}

async fn next(stream: &mut Stream<'_>) -> io::Result<WatchNearbyResponse> {
    let Some(message) = stream.message().await.map_err(failed)? else {
        return Err(failed(stream.end().0));
    };
    WatchNearbyResponse::decode(message).map_err(io::Error::other)
}

/// Writes of a town of which its watch has not been notified.
struct Pending {
    writes: RefCell<Writes>,
    all_notified: Notify,
}

struct Writes {
    sent: VecDeque<(u64, Instant)>,
    latency_us: Histogram<u64>,
}

fn histogram() -> io::Result<Histogram<u64>> {
    let max_us = u64::try_from(TIMEOUT.as_micros()).unwrap_or(u64::MAX);
    Histogram::new_with_bounds(1, max_us, 3).map_err(io::Error::other)
}

impl Pending {
    fn new() -> io::Result<Self> {
        let writes = Writes { sent: VecDeque::new(), latency_us: histogram()? };
        Ok(Self { writes: RefCell::new(writes), all_notified: Notify::new() })
    }

    fn sent(&self, write: u64) {
        self.writes.borrow_mut().sent.push_back((write, Instant::now()));
    }

    /// Records the latency of all writes up to one: a watch skips what came and went.
    fn notified(&self, write: u64) {
        let now = Instant::now();
        let Writes { sent, latency_us } = &mut *self.writes.borrow_mut();
        while let Some((_, at)) = sent.front().filter(|(sent, _)| *sent <= write).copied() {
            sent.pop_front();
            latency_us.saturating_record(u64::try_from((now - at).as_micros()).unwrap_or(u64::MAX));
        }
        if sent.is_empty() {
            self.all_notified.notify_one();
        }
    }

    async fn all_notified(&self) {
        while !self.writes.borrow().sent.is_empty() {
            self.all_notified.notified().await;
        }
    }

    fn into_latency(self) -> Histogram<u64> {
        self.writes.into_inner().latency_us
    }
}

/// Writes the merchant of a town at its share of the rate, each time when the last write is acknowledged, until its watch has been notified
/// of all of them. Returns the number of writes.
async fn write(pool: &ConnectionPool, town: usize, pending: &Pending, plan: Plan) -> io::Result<u64> {
    let share = |of: usize| f64::from(u32::try_from(of).unwrap_or(u32::MAX)) / plan.writes_per_s;
    let begun = tokio::time::Instant::now();
    let start = begun + Duration::from_secs_f64(share(town));
    let mut ticks = tokio::time::interval_at(start, Duration::from_secs_f64(share(TOWNS)));
    let mut writes = 0;
    loop {
        ticks.tick().await;
        if begun.elapsed() >= plan.length {
            break;
        }
        let merchant = Merchant {
            name: Town(Continent::Written, town).written(),
            display_name: display_name(writes + 1),
            ..Default::default()
        };
        let update_mask = Some(FieldMask { paths: vec!["display_name".to_owned()] });
        let update = UpdateMerchantRequest { merchant: Some(merchant), update_mask, ..Default::default() };
        let deadline = Instant::now() + TIMEOUT;
        let call = Call { path: UPDATE, messages: encode_framed(&update), deadline, keep_messages: false };
        writes += 1;
        pending.sent(writes);
        let reply = pool.call(&call).await;
        if reply.code != Code::OK {
            return Err(failed(reply.code));
        }
    }
    let late = |_| io::Error::other("a watch was not notified of a write within 10 s");
    tokio::time::timeout(TIMEOUT, pending.all_notified()).await.map_err(late)?;
    Ok(writes)
}

/// Reads a watch until it ends, which is an error.
async fn read(stream: &mut Stream<'_>, pending: &Pending) -> io::Result<Infallible> {
    loop {
        let response = next(stream).await?;
        let merchants = response.updated.iter().filter_map(|result| result.merchant.as_ref());
        if let Some(write) = merchants.filter_map(|merchant| writes_of(&merchant.display_name)).max() {
            pending.notified(write);
        }
    }
}
