//! The closed loop: each caller calls again when it is answered. It finds the peak; of waiting it knows nothing, as a
//! server that stands still is not asked.

use std::{
    io,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{Driver, recorder::Recorder};
use crate::workload::Then;

pub(super) async fn run(
    driver: &Driver,
    callers: usize,
    length: Duration,
    recorder: Arc<Recorder>,
) -> io::Result<()> {
    let start = Instant::now();
    recorder.begin(start);
    let end = start + length;
    let mut tasks = JoinSet::new();
    for _ in 0..callers.max(1) {
        let (performer, requests) = (Arc::clone(&driver.performer), Arc::clone(&driver.requests));
        let recorder = Arc::clone(&recorder);
        tasks.spawn(async move {
            while Instant::now() < end {
                let mut call = requests.lock().unwrap_or_else(PoisonError::into_inner).next_call();
                // A caller that watches for seconds would not call: the first answer is taken as all of it.
                if let Then::Steps(steps) = &mut call.then {
                    steps.clear();
                }
                performer.perform(call, Instant::now(), &recorder).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(io::Error::other)?;
    }
    Ok(())
}
