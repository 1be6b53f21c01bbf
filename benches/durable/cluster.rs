//! A node of a cluster on three brokers, compared with a single node: changes, batches and imports, in interleaved rounds.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use nearby_benches::median;
use nearby_client::{
    Client,
    v1::{BatchUpdateMerchantsRequest, UpdateMerchantRequest},
};
use tokio::task::JoinSet;

use crate::{
    brokers::{self, Brokers},
    error::{Result, context},
    merchants::Merchants,
    puts::Writers,
    report::Report,
    server::{Nearby, ServerProcess},
};

const ROUNDS: usize = 10;
/// Merchants of a batch, and callers with one batch in flight each.
const BATCH: usize = 500;
const CALLERS: usize = 4;
/// Rows of each import.
const ROWS: usize = 20_000;

/// One of the servers that are compared.
struct Contender {
    server: ServerProcess,
    writers: Writers,
    client: Client,
    /// Next number of a batch.
    next: usize,
}

impl Contender {
    async fn start(nearby: &Nearby, directory: &Path, flags: &[&str]) -> Result<Self> {
        fs::create_dir_all(directory).map_err(context("cannot create a directory"))?;
        let server = nearby.start_with(directory, &directory.join("store"), flags).await?;
        let mut writers = Writers::connect(server.address()).await?;
        let client = Client::connect(server.address()).await.map_err(context("cannot connect"))?;
        // A node accepts changes once it has heard of its own announcements, and no cache is warm yet.
        writers.put(Duration::from_secs(2)).await?;
        Ok(Self { server, writers, client, next: 0 })
    }

    async fn puts_per_s(&mut self, round: Duration) -> Result<f64> {
        Ok(self.writers.put(round).await?.len() as f64 / round.as_secs_f64())
    }

    async fn batched_per_s(&mut self, merchants: &Merchants, round: Duration) -> Result<f64> {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for caller in 0..CALLERS {
            let (client, merchants) = (self.client.clone(), merchants.clone());
            let first = self.next + caller * BATCH;
            tasks.spawn(async move { batches(&client, &merchants, first, start + round).await });
        }
        let mut stored = 0;
        while let Some(ended) = tasks.join_next().await {
            stored += ended.map_err(context("a caller panicked"))??;
        }
        self.next += stored.max(CALLERS * BATCH);
        Ok(stored as f64 / start.elapsed().as_secs_f64())
    }

    async fn imported_per_s(&self, directory: &Path, file: &Path) -> Result<f64> {
        Ok(ROWS as f64 / self.server.import(directory, file, ROWS).await?.as_secs_f64())
    }
}

async fn batches(client: &Client, merchants: &Merchants, mut first: usize, end: Instant) -> Result<usize> {
    let mut stored = 0;
    while Instant::now() < end {
        let update = |number| UpdateMerchantRequest {
            merchant: Some(merchants.merchant(number, 0)),
            allow_missing: true,
            ..Default::default()
        };
        let requests = (first..first + BATCH).map(update).collect();
        let request = BatchUpdateMerchantsRequest { requests, ..Default::default() };
        client.batch_update_merchants(request).await.map_err(context("a batch failed"))?;
        stored += BATCH;
        first += CALLERS * BATCH;
    }
    Ok(stored)
}

/// Runs the part. Each round takes this long for each contender and kind of change.
pub(crate) async fn run(
    nearby: &Nearby,
    nats_server: Option<&Path>,
    directory: &Path,
    round: Duration,
    report: &mut Report,
) -> Result<()> {
    let directory = directory.join("cluster");
    let brokers = Brokers::start(&brokers::find(nats_server)?, &directory)?;
    let node_directory = directory.join("node");
    brokers.init(nearby.path(), &node_directory.join("store")).await?;
    let flags = ["--cluster", &brokers.addresses, "--cluster-node", "node"];
    let mut node = Contender::start(nearby, &node_directory, &flags).await?;
    let mut single = Contender::start(nearby, &directory.join("single"), &[]).await?;
    let merchants = Merchants::new(ROWS)?;
    let file = directory.join("merchants.ndjson");
    let mut ratios = [Vec::new(), Vec::new(), Vec::new()];
    for number in 0..ROUNDS {
        // Each import changes all rows.
        merchants.write(&file, 0..ROWS, number).await?;
        let puts = node.puts_per_s(round).await? / single.puts_per_s(round).await?;
        let batches =
            node.batched_per_s(&merchants, round).await? / single.batched_per_s(&merchants, round).await?;
        let imports = node.imported_per_s(&node_directory, &file).await?
            / single.imported_per_s(&directory.join("single"), &file).await?;
        for (all, ratio) in ratios.iter_mut().zip([puts, batches, imports]) {
            all.push(ratio);
        }
    }
    let [puts, batches, imports] = ratios;
    report.add("cluster_puts_vs_single", median(puts), "times");
    report.add("cluster_batches_vs_single", median(batches), "times");
    report.add("cluster_import_vs_single", median(imports), "times");
    for contender in [node, single] {
        drop(contender.writers);
        drop(contender.client);
        contender.server.terminate().await?;
    }
    fs::remove_dir_all(&directory).map_err(context(format!("cannot remove {}", directory.display())))
}
