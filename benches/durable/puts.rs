//! Changes one by one, from many callers at a time: each is on disk before it is acknowledged.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

use nearby_client::{Client, v1::UpdateMerchantRequest};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep_until,
};

use crate::{
    failed::{Failed, Result, failed},
    merchants::Merchants,
    report::Report,
    server::Server,
};

const CALLERS: usize = 64;
const CONNECTIONS: usize = 4;
const WARM_UP: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(10);
/// Places to put merchants at.
const PLACES: usize = 100_000;

pub(crate) async fn run(place: &Path, report: &mut Report) -> Result<()> {
    let place = place.join("puts");
    fs::create_dir_all(&place).map_err(failed(format!("cannot make {}", place.display())))?;
    // Before and after, so that a disk that tires shows in both.
    let before = floor(&place).await?;
    let (server, _) = Server::start(&place, &place.join("store")).await?;
    let mut latencies = put(&server).await?;
    server.process.terminate().await?;
    let after = floor(&place).await?;

    latencies.sort_unstable();
    let at = |percent: usize| {
        let latency = latencies.get((latencies.len() * percent / 100).min(latencies.len().saturating_sub(1)));
        latency.map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    };
    report.add("durable_puts_per_s", latencies.len() as f64 / LENGTH.as_secs_f64(), "puts/s");
    report.add("durable_put_p50_ms", at(50), "ms");
    report.add("durable_put_p99_ms", at(99), "ms");
    report.add("fdatasync_per_s", f64::midpoint(before.appending, after.appending), "syncs/s");
    report.add("fdatasync_in_place_per_s", f64::midpoint(before.in_place, after.in_place), "syncs/s");
    report.add_ratio("durable_puts_vs_fdatasync", "durable_puts_per_s", "fdatasync_per_s");
    fs::remove_dir_all(&place).map_err(failed(format!("cannot remove {}", place.display())))
}

/// How long each put took that was acknowledged after the warm-up.
async fn put(server: &Server) -> Result<Vec<Duration>> {
    let merchants = Merchants::new(PLACES)?;
    let mut clients = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let client = Client::connect(&server.address).await.map_err(failed("cannot connect"))?;
        clients.push(client.without_retries());
    }
    let begin = Instant::now() + WARM_UP;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(put_until_the_end(
            clients[caller % CONNECTIONS].clone(),
            merchants.clone(),
            caller,
            begin,
        ));
    }
    let mut latencies = Vec::new();
    while let Some(caller) = callers.join_next().await {
        latencies.append(&mut caller.map_err(failed("a caller broke"))??);
    }
    sleep_until((begin + LENGTH).into()).await;
    Ok(latencies)
}

async fn put_until_the_end(
    client: Client,
    merchants: Merchants,
    caller: usize,
    begin: Instant,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for number in (caller..).step_by(CALLERS) {
        let merchant = Some(merchants.merchant(number, 0));
        let request = UpdateMerchantRequest { merchant, allow_missing: true, ..Default::default() };
        let asked = Instant::now();
        client.update_merchant(request).await.map_err(failed("a put failed"))?;
        let answered = Instant::now();
        if answered >= begin + LENGTH {
            return Ok(latencies);
        }
        if answered >= begin {
            latencies.push(answered - asked);
        }
    }
    Err(Failed::new("there are no numbers left to put"))
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
    const LENGTH: Duration = Duration::from_secs(2);
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
