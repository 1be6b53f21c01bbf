//! Fairness: the service of a normal client beside a noisy one, relative to the same client beside a busy loop of lower priority.
//!
//! The server runs on one processor. The noisy client is a process of its own with a lower priority than the normal client, with
//! which it shares the other processors: what the normal client waits for is the server.

mod noisy;

use std::{
    io,
    process::{Child, Command, Stdio},
    time::Duration,
};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

pub use self::noisy::{NOISY_CALLERS, NoisyCaller};
use crate::runner::{Record, Runner, Spacing, Stage};

/// Searches of the normal client per second.
pub const NORMAL_PER_S: f64 = 200.0;
/// Deadline of its searches.
pub const NORMAL_DEADLINE: Duration = Duration::from_secs(2);
/// Time between the start of other load and the measurement.
const WARM_UP: Duration = Duration::from_secs(2);

/// Service of the normal client in one window.
#[derive(Clone, Debug, Serialize)]
pub struct Window {
    /// Share of its searches that succeeded within the deadline.
    pub good_share: f64,
    /// 99th percentile of the latency in milliseconds.
    pub p99_ms: f64,
    /// Outcomes of the failed searches.
    pub failures: Vec<String>,
}

/// Service of the normal client beside a noisy one.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The noisy caller.
    pub noisy: String,
    /// Beside a busy loop of lower priority on the server's processor.
    pub baseline: Vec<Window>,
    /// Beside the noisy caller.
    pub beside: Vec<Window>,
}

impl Row {
    /// The lowest share of good searches beside the noisy caller.
    #[must_use]
    pub fn good_share(&self) -> f64 {
        self.beside.iter().map(|window| window.good_share).fold(1.0, f64::min)
    }

    /// The medians of the 99th percentiles, of the baseline and beside the noisy caller.
    #[must_use]
    pub fn p99_ms(&self) -> (f64, f64) {
        (median(&self.baseline), median(&self.beside))
    }

    /// Returns whether the normal client is served: at least 99 % good, and at most five times the latency of the baseline.
    #[must_use]
    pub fn is_fair(&self) -> bool {
        let (baseline, beside) = self.p99_ms();
        self.good_share() >= 0.99 && beside <= 5.0 * baseline
    }
}

fn median(windows: &[Window]) -> f64 {
    let mut all: Vec<f64> = windows.iter().map(|window| window.p99_ms).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A process that loads the server or its processor until it is dropped.
#[derive(Debug)]
pub struct Load(Child);

impl Load {
    /// Starts a busy loop with a priority of 10 on a processor.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn busy_loop(processor: &str) -> io::Result<Self> {
        let mut command = Command::new("nice");
        command.args(["-n", "10", "taskset", "-c", processor, "sh", "-c", "while :; do :; done"]);
        command.stdin(Stdio::null()).spawn().map(Self)
    }

    /// Starts this program with other arguments and a priority of 5.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn this_program(arguments: &[String]) -> io::Result<Self> {
        let mut command = Command::new("nice");
        command.args(["-n", "5"]).arg(std::env::current_exe()?).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().map(Self)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Fails only if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures the normal client in one window beside a load.
///
/// # Errors
/// The generator failed.
pub async fn window(normal: &Runner, load: Load, length: Duration, seed: u64) -> io::Result<Window> {
    tokio::time::sleep(WARM_UP).await;
    let stages = [Stage::new("normal", NORMAL_PER_S, length)];
    let record = normal.run_open_loop(&stages, Spacing::Poisson, seed).await?.pop();
    drop(load);
    record.map(|record| Window::of(&record)).ok_or_else(|| io::Error::other("the run has no record"))
}

impl Window {
    fn of(record: &Record) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a run")]
        let p99_ms = record.latency_us().value_at_quantile(0.99) as f64 / 1e3;
        Self { good_share: record.good_share(), p99_ms, failures: record.failure_summary() }
    }
}

/// Renders the rows as a table.
#[must_use]
pub fn summary(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["beside", "good, worst window", "p99 ms, baseline", "beside", "ratio", "fair"]);
    for row in rows {
        let (baseline, beside) = row.p99_ms();
        table.add_row([
            row.noisy.clone(),
            format!("{:.2} %", row.good_share() * 100.0),
            format!("{baseline:.1}"),
            format!("{beside:.1}"),
            format!("{:.2}", beside / baseline),
            if row.is_fair() { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    format!("{table}\n")
}
