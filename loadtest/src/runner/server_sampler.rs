//! Sampling of the server's CPU time and memory, once per second.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time::MissedTickBehavior};

use super::{recorder::Recorder, usage::ProcessUsage};

/// A task that samples the server's usage each second until it is dropped.
pub(super) struct ServerSampler(Option<JoinHandle<()>>);

impl ServerSampler {
    /// Starts sampling a process, if there is one to sample.
    pub(super) fn start(pid: Option<u32>, recorder: Arc<Recorder>) -> Self {
        Self(pid.map(|pid| {
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(Duration::from_secs(1));
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut before: Option<(Instant, ProcessUsage)> = None;
                loop {
                    ticks.tick().await;
                    // If the server is gone, failed calls show it.
                    let Ok(now) = ProcessUsage::of(pid) else { continue };
                    let at = Instant::now();
                    if let Some((since, before)) = before {
                        let usage = now.since(&before).per_second(at - since);
                        recorder.server_used(since + (at - since) / 2, usage);
                    }
                    before = Some((at, now));
                }
            })
        }))
    }
}

impl Drop for ServerSampler {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
