//! Writers that compete for counters: each change requires the etag that was read, and adds one.
//!
//! The value of a counter is the number of acknowledged changes exactly. A change that is lost, or applied twice, makes a difference.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nearby_client::{
    Code,
    v1::{CreateMerchantRequest, GetMerchantRequest, Merchant, UpdateMerchantRequest},
};
use rand::RngExt;
use tokio::task::JoinHandle;

use super::{
    expectation::{COUNTERS, Expectation, SharedCounters, counter_id, display_name, number_in},
    ledger::Ledger,
    target::ClusterTarget,
};
use crate::{
    change::{Change, Target},
    load::{lock, position},
};

/// Pause between changes of one writer: more contention would only slow the other writers down.
const PAUSE: Duration = Duration::from_millis(10);

fn merchant(counter: usize, value: u64, etag: String) -> Merchant {
    Merchant {
        name: format!("merchants/{}", counter_id(counter)),
        display_name: display_name(value),
        etag,
        position: Some(position(0.01)),
        ..Default::default()
    }
}

/// Starts a writer that runs until it is stopped.
pub(crate) fn start(
    target: &ClusterTarget,
    expectation: &Expectation,
    ledger: &Arc<Ledger>,
    stop: &Arc<AtomicBool>,
) -> JoinHandle<()> {
    let writer = Writer {
        target: target.shared(),
        counters: expectation.counters.clone(),
        ledger: Arc::clone(ledger),
        known: Default::default(),
    };
    tokio::spawn(writer.run(Arc::clone(stop)))
}

struct Writer {
    target: ClusterTarget,
    counters: SharedCounters,
    ledger: Arc<Ledger>,
    /// Value and etag of each counter, as last seen.
    known: [Option<(u64, String)>; COUNTERS],
}

impl Writer {
    async fn run(mut self, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            let counter = self.target.rng().random_range(0..COUNTERS);
            match self.known[counter].take() {
                Some((value, etag)) => self.add(counter, value, etag).await,
                None => self.read(counter).await,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Adds one to a counter that had this value.
    async fn add(&mut self, counter: usize, value: u64, etag: String) {
        let request = UpdateMerchantRequest {
            merchant: Some(merchant(counter, value + 1, etag)),
            ..Default::default()
        };
        lock(&self.counters)[counter].sent += 1;
        match self.target.apply(Change::Update(request)).await {
            Ok(applied) => {
                let mut counters = lock(&self.counters);
                counters[counter].acknowledged += 1;
                counters[counter].sent -= 1;
                let etag = applied.merchants.into_iter().next().map(|merchant| merchant.etag);
                self.known[counter] = etag.map(|etag| (value + 1, etag));
            }
            Err(error) => {
                lock(&self.counters)[counter].sent -= 1;
                if error.code() != Code::Aborted {
                    self.ledger.report(format!("counter {counter} at {value}: {error}"));
                }
            }
        }
    }

    /// Reads a counter, and creates it if there is none.
    async fn read(&mut self, counter: usize) {
        let name = format!("merchants/{}", counter_id(counter));
        let client = self.target.node().reader.clone();
        match client.get_merchant(GetMerchantRequest { name }).await {
            Ok(found) => {
                self.known[counter] = number_in(&found.display_name).map(|value| (value, found.etag));
            }
            Err(error) if error.code() == Code::NotFound => {
                let merchant = Some(merchant(counter, 0, String::new()));
                let request = CreateMerchantRequest { merchant, ..Default::default() };
                // Another writer may be faster.
                drop(self.target.apply(Change::Create(request)).await);
            }
            Err(_) => {}
        }
    }
}
