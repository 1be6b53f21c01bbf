//! The closed loop: each caller sends its next call when the previous one is answered. It finds the peak throughput but
//! cannot measure queueing: a stalled server receives no calls.

use std::{
    io,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{Runner, recorder::Recorder};
use crate::workload::FollowUp;

pub(super) async fn run(
    runner: &Runner,
    callers: usize,
    length: Duration,
    recorder: Arc<Recorder>,
) -> io::Result<()> {
    let start = Instant::now();
    recorder.begin(start);
    let end = start + length;
    let mut tasks = JoinSet::new();
    for _ in 0..callers.max(1) {
        let (executor, requests) = (Arc::clone(&runner.executor), Arc::clone(&runner.requests));
        let recorder = Arc::clone(&recorder);
        tasks.spawn(async move {
            while Instant::now() < end {
                let mut request = requests.lock().unwrap_or_else(PoisonError::into_inner).next_request();
                // A watch would hold its caller for seconds: only its first response counts here.
                if let FollowUp::Steps(steps) = &mut request.follow_up {
                    steps.clear();
                }
                executor.execute(request, Instant::now(), &recorder).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(io::Error::other)?;
    }
    Ok(())
}
