//! Changes one by one, from many callers at a time: each is on disk before it is acknowledged.

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
    error::{Result, failed},
    merchants::Merchants,
    report::Report,
    server::Server,
};

const CALLERS: usize = 64;
const CONNECTIONS: usize = 4;
const WARM_UP: Duration = Duration::from_secs(2);
/// Puts and the plain file take turns, so that a disk that is busy for a while shows in both.
const TURNS: usize = 5;
const TURN: Duration = Duration::from_secs(2);
/// Places to put merchants at.
const PLACES: usize = 100_000;

pub(crate) async fn run(place: &Path, report: &mut Report) -> Result<()> {
    let place = place.join("puts");
    fs::create_dir_all(&place).map_err(failed(format!("cannot make {}", place.display())))?;
    let (server, _) = Server::start(&place, &place.join("store")).await?;
    let mut callers = Callers::connect(&server.address).await?;
    callers.put(WARM_UP).await?;
    let (mut latencies, mut rates) = (Vec::new(), Vec::new());
    let (mut appending, mut in_place, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let mut these = callers.put(TURN).await?;
        let rate = these.len() as f64 / TURN.as_secs_f64();
        latencies.append(&mut these);
        rates.push(rate);
        let floor = floor(&place).await?;
        ratios.push(rate / floor.appending);
        appending.push(floor.appending);
        in_place.push(floor.in_place);
    }
    drop(callers);
    server.process.terminate().await?;

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
    fs::remove_dir_all(&place).map_err(failed(format!("cannot remove {}", place.display())))
}

/// Those who put, each one merchant at a time.
struct Callers {
    clients: Vec<Client>,
    merchants: Merchants,
    /// The next number of each: never one twice, and no two the same.
    next: Vec<usize>,
}

impl Callers {
    async fn connect(address: &str) -> Result<Self> {
        let mut clients = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let client = Client::connect(address).await.map_err(failed("cannot connect"))?;
            clients.push(client.without_retries());
        }
        Ok(Self { clients, merchants: Merchants::new(PLACES)?, next: (0..CALLERS).collect() })
    }

    /// How long each put took that was acknowledged in a while.
    async fn put(&mut self, length: Duration) -> Result<Vec<Duration>> {
        let end = Instant::now() + length;
        let mut callers = JoinSet::new();
        for (caller, next) in self.next.iter().copied().enumerate() {
            let client = self.clients[caller % CONNECTIONS].clone();
            let merchants = self.merchants.clone();
            callers.spawn(async move { (caller, put_until(end, client, merchants, next).await) });
        }
        let mut latencies = Vec::new();
        while let Some(caller) = callers.join_next().await {
            let (caller, put) = caller.map_err(failed("a caller broke"))?;
            let (mut these, next) = put?;
            latencies.append(&mut these);
            self.next[caller] = next;
        }
        Ok(latencies)
    }
}

/// Puts merchant after merchant: how long each took, and the number after the last.
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
        number += CALLERS;
        let asked = Instant::now();
        client.update_merchant(request).await.map_err(failed("a put failed"))?;
        let answered = Instant::now();
        if answered >= end {
            return Ok((latencies, number));
        }
        latencies.push(answered - asked);
    }
}

/// What the disk can do at most for one who waits for it each time: times a second that four KiB are written and synced.
struct Floor {
    /// To the end of a file, which grows: as a log is written.
    appending: f64,
    /// Into a file that has its size: nothing but the data itself has to be written.
    in_place: f64,
}

async fn floor(place: &Path) -> Result<Floor> {
    let path = place.join("plain");
    let what = format!("cannot time {}", path.display());
    let work = spawn_blocking(move || -> io::Result<Floor> {
        let floor =
            Floor { appending: syncs_a_second(&path, false)?, in_place: syncs_a_second(&path, true)? };
        fs::remove_file(&path)?;
        Ok(floor)
    });
    work.await.map_err(failed(&what))?.map_err(failed(&what))
}

const BLOCK: [u8; 4_096] = [7; 4_096];

fn syncs_a_second(path: &Path, in_place: bool) -> io::Result<f64> {
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
