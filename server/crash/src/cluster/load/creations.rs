//! Writers that create merchants without an id: one that is created twice appears twice.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use nearby_client::v1::{CreateMerchantRequest, DeleteMerchantRequest, Merchant};
use rand::RngExt;
use tokio::task::JoinHandle;

use super::{
    expectation::{Creation, Expectation, SharedCreations},
    target::ClusterTarget,
};
use crate::{
    change::{Change, Target},
    load::{lock, position},
};

/// Maximum number of merchants of one writer. Above, it deletes.
const MAX_STORED: usize = 60;

/// Starts a writer that runs until it is stopped. It must be the only one.
pub(crate) fn start(
    target: &ClusterTarget,
    expectation: &Expectation,
    stop: &Arc<AtomicBool>,
) -> JoinHandle<()> {
    let creations = Arc::clone(&expectation.creations);
    let stored = lock(&creations).stored();
    let writer = Writer { target: target.clone(), creations, stored };
    tokio::spawn(writer.run(Arc::clone(stop)))
}

struct Writer {
    target: ClusterTarget,
    creations: SharedCreations,
    /// Display names and names of its merchants.
    stored: Vec<(String, String)>,
}

impl Writer {
    async fn run(mut self, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            if self.stored.len() < MAX_STORED {
                self.create().await;
            } else {
                self.delete().await;
            }
        }
    }

    async fn create(&mut self) {
        let display_name = lock(&self.creations).send();
        let merchant = Merchant {
            display_name: display_name.clone(),
            position: Some(position(0.015)),
            ..Default::default()
        };
        let request = CreateMerchantRequest { merchant: Some(merchant), ..Default::default() };
        let Ok(applied) = self.target.apply(Change::Create(request)).await else { return };
        let Some(merchant) = applied.merchants.into_iter().next() else { return };
        lock(&self.creations).set(&display_name, Creation::Stored(merchant.name.clone()));
        self.stored.push((display_name, merchant.name));
    }

    async fn delete(&mut self) {
        let at = self.target.rng().random_range(0..self.stored.len());
        let (display_name, name) = self.stored.swap_remove(at);
        lock(&self.creations).set(&display_name, Creation::DeletionSent);
        let request = DeleteMerchantRequest { name, ..Default::default() };
        if self.target.apply(Change::Delete(request)).await.is_ok() {
            lock(&self.creations).set(&display_name, Creation::Deleted);
        }
    }
}
