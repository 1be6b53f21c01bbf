//! Acknowledged changes per second with 64 concurrent clients: each change is on disk before its acknowledgement.
//!
//! The floor is the rate at which a plain file on the same disk can be written and synced 4 KiB at a time: no store that syncs
//! each change on its own can be faster, and group commit should exceed it.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

use nearby_benches::median;
use nearby_client::{Client, v1::UpdateMerchantRequest};
use tokio::task::{JoinSet, spawn_blocking};

use crate::{
    error::{Result, context},
    merchants::Merchants,
    report::Report,
    server::Nearby,
};

/// Concurrent clients, with one change in flight each.
const CLIENTS: usize = 64;
const CONNECTIONS: usize = 4;
/// Puts and the plain file are timed in interleaved rounds, so that other load on the disk affects both.
const ROUNDS: usize = 5;
/// Distinct locations of merchants.
const LOCATIONS: usize = 100_000;

/// Runs the part. Each round, and the warm-up before the first, takes this long for each contender.
pub(crate) async fn run(
    nearby: &Nearby,
    directory: &Path,
    round: Duration,
    report: &mut Report,
) -> Result<()> {
    let directory = directory.join("puts");
    fs::create_dir_all(&directory).map_err(context(format!("cannot create {}", directory.display())))?;
    let server = nearby.start(&directory, &directory.join("store")).await?;
    let mut writers = Writers::connect(server.address()).await?;
    writers.put(round).await?;
    let (mut latencies, mut rates) = (Vec::new(), Vec::new());
    let (mut appending, mut in_place, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut these = writers.put(round).await?;
        let rate = these.len() as f64 / round.as_secs_f64();
        latencies.append(&mut these);
        rates.push(rate);
        let floor = sync_rate(&directory).await?;
        ratios.push(rate / floor.appending);
        appending.push(floor.appending);
        in_place.push(floor.in_place);
    }
    drop(writers);
    server.terminate().await?;

    latencies.sort_unstable();
    let at = |percent: usize| {
        let latency = latencies.get((latencies.len() * percent / 100).min(latencies.len().saturating_sub(1)));
        latency.map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    };
    report.add("durable_puts_per_s", median(rates), "puts/s");
    report.add("durable_put_p50_ms", at(50), "ms");
    report.add("durable_put_p99_ms", at(99), "ms");
    report.add("fdatasync_per_s", median(appending), "syncs/s");
    report.add("fdatasync_in_place_per_s", median(in_place), "syncs/s");
    report.add("durable_puts_vs_fdatasync", median(ratios), "times");
    fs::remove_dir_all(&directory).map_err(context(format!("cannot remove {}", directory.display())))
}

/// Concurrent writers with one put in flight each.
pub(crate) struct Writers {
    clients: Vec<Client>,
    merchants: Merchants,
    /// Next merchant number of each writer; no number is used twice.
    next: Vec<usize>,
}

impl Writers {
    pub(crate) async fn connect(address: &str) -> Result<Self> {
        let mut clients = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let client = Client::connect(address).await.map_err(context("cannot connect"))?;
            clients.push(client.without_retries());
        }
        Ok(Self { clients, merchants: Merchants::new(LOCATIONS)?, next: (0..CLIENTS).collect() })
    }

    /// Puts for a duration; returns the latency of each acknowledged put.
    pub(crate) async fn put(&mut self, length: Duration) -> Result<Vec<Duration>> {
        let end = Instant::now() + length;
        let mut tasks = JoinSet::new();
        for (writer, next) in self.next.iter().copied().enumerate() {
            let client = self.clients[writer % CONNECTIONS].clone();
            let merchants = self.merchants.clone();
            tasks.spawn(async move { (writer, put_until(end, client, merchants, next).await) });
        }
        let mut latencies = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            let (writer, put) = ended.map_err(context("a writer panicked"))?;
            let (mut these, next) = put?;
            latencies.append(&mut these);
            self.next[writer] = next;
        }
        Ok(latencies)
    }
}

/// Puts one merchant after the other; returns the latencies and the next number.
async fn put_until(
    end: Instant,
    client: Client,
    merchants: Merchants,
    mut number: usize,
) -> Result<(Vec<Duration>, usize)> {
    let mut latencies = Vec::new();
    loop {
        let merchant = Some(merchants.merchant(number, 0));
        let request = UpdateMerchantRequest { merchant, allow_missing: true, ..Default::default() };
        number += CLIENTS;
        let sent = Instant::now();
        client.update_merchant(request).await.map_err(context("a put failed"))?;
        let answered = Instant::now();
        if answered >= end {
            return Ok((latencies, number));
        }
        latencies.push(answered - sent);
    }
}

/// The floor: synced writes of 4 KiB per second by a single writer.
struct SyncRate {
    /// Appending to a growing file, as a log is written: file metadata is synced too.
    appending: f64,
    /// Overwriting a preallocated file: only data is synced.
    in_place: f64,
}

async fn sync_rate(directory: &Path) -> Result<SyncRate> {
    let path = directory.join("plain");
    let operation = format!("cannot time {}", path.display());
    let work = spawn_blocking(move || -> io::Result<SyncRate> {
        let rate =
            SyncRate { appending: syncs_per_second(&path, false)?, in_place: syncs_per_second(&path, true)? };
        fs::remove_file(&path)?;
        Ok(rate)
    });
    work.await.map_err(context(&operation))?.map_err(context(&operation))
}

const BLOCK: [u8; 4_096] = [7; 4_096];

fn syncs_per_second(path: &Path, in_place: bool) -> io::Result<f64> {
    const LENGTH: Duration = Duration::from_millis(500);
    const BLOCKS: u32 = 4_096;

    let mut file = File::create(path)?;
    if in_place {
        for _ in 0..BLOCKS {
            file.write_all(&BLOCK)?;
        }
        file.sync_all()?;
        file.seek(SeekFrom::Start(0))?;
    }
    let start = Instant::now();
    let mut syncs = 0;
    while start.elapsed() < LENGTH {
        if in_place && syncs % BLOCKS == 0 {
            file.seek(SeekFrom::Start(0))?;
        }
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(f64::from(syncs) / start.elapsed().as_secs_f64())
}
