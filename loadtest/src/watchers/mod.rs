//! Watches at scale: the CPU time of a write beside few or many watches elsewhere, and the time until the watch that it concerns
//! is notified.
//!
//! The server runs on one processor, without merchants at first. One merchant of each of 100 towns is written, and each town has a
//! watch. All other watches are in towns on another continent: a write must cost the same however many of them there are.

mod measure;
mod town;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

pub use self::measure::{Plan, measure};

/// Watches that have one written merchant each.
pub const CONCERNED: usize = town::TOWNS;
/// Watches of the extrapolation.
const MANY: f64 = 100_000.0;
/// Largest relative difference of the CPU time of a write between the numbers of watches.
const MAX_DIFFERENCE: f64 = 0.2;
/// Largest 99th percentile of the time until a watch is notified, in milliseconds.
const MAX_NOTIFIED_P99_MS: f64 = 1_000.0;

/// Result of one window.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Window {
    /// Acknowledged writes per second.
    pub writes_per_s: f64,
    /// CPU time of the server per write in microseconds, notifying its watch included.
    pub cpu_us_per_write: f64,
    /// Median of the time from sending a write until its watch has received it, in milliseconds.
    pub notified_median_ms: f64,
    /// Its 99th percentile.
    pub notified_p99_ms: f64,
    /// Its maximum.
    pub notified_max_ms: f64,
    /// Resident memory of the server per watch elsewhere in bytes, its share of a connection included.
    pub bytes_per_watch: f64,
}

/// Results beside one number of watches elsewhere.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Number of watches elsewhere.
    pub elsewhere: usize,
    /// One window per round.
    pub windows: Vec<Window>,
}

impl Row {
    fn median(&self, of: impl Fn(&Window) -> f64) -> f64 {
        let mut all: Vec<f64> = self.windows.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn cpu_us_per_write(&self) -> f64 {
        self.median(|window| window.cpu_us_per_write)
    }
}

/// Returns whether writes cost the same beside any number of watches, and every watch is notified in time.
#[must_use]
pub fn is_scalable(rows: &[Row]) -> bool {
    let costs = || rows.iter().map(Row::cpu_us_per_write);
    let least = costs().fold(f64::INFINITY, f64::min);
    costs().all(|cost| cost <= least * (1.0 + MAX_DIFFERENCE))
        && rows.iter().all(|row| row.median(|window| window.notified_p99_ms) <= MAX_NOTIFIED_P99_MS)
}

/// Renders the medians as a table, and the memory of 100,000 watches.
#[must_use]
pub fn summary(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let header =
        ["watches elsewhere", "writes/s", "CPU µs/write", "notified ms, median", "p99", "max", "bytes/watch"];
    table.set_header(header);
    for row in rows {
        table.add_row([
            row.elsewhere.to_string(),
            format!("{:.0}", row.median(|window| window.writes_per_s)),
            format!("{:.1}", row.cpu_us_per_write()),
            format!("{:.1}", row.median(|window| window.notified_median_ms)),
            format!("{:.1}", row.median(|window| window.notified_p99_ms)),
            format!("{:.1}", row.median(|window| window.notified_max_ms)),
            format!("{:.0}", row.median(|window| window.bytes_per_watch)),
        ]);
    }
    table.column_iter_mut().for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let verdict = if is_scalable(rows) { "yes" } else { "NO" };
    let largest = rows.iter().max_by_key(|row| row.elsewhere).filter(|row| row.elsewhere > 0);
    let many = largest.map(|row| {
        let gigabytes = row.median(|window| window.bytes_per_watch) * MANY / 1e9;
        format!("100,000 watches: {gigabytes:.2} GB at the bytes of {} watches\n", row.elsewhere)
    });
    format!(
        "{table}\n{}CPU time within {:.0} % and p99 within {:.0} s: {verdict}\n",
        many.unwrap_or_default(),
        MAX_DIFFERENCE * 100.0,
        MAX_NOTIFIED_P99_MS / 1e3
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(elsewhere: usize, costs: [f64; 3], notified_p99_ms: f64) -> Row {
        let window = |cpu_us_per_write| Window {
            writes_per_s: 2_000.0,
            cpu_us_per_write,
            notified_median_ms: 1.0,
            notified_p99_ms,
            notified_max_ms: notified_p99_ms,
            bytes_per_watch: 5_000.0,
        };
        Row { elsewhere, windows: costs.map(window).to_vec() }
    }

    #[test]
    fn medians_decide_and_both_limits_count() {
        let few = || row(1_000, [100.0, 900.0, 110.0], 5.0);
        assert!(is_scalable(&[few(), row(20_000, [130.0, 131.0, 1.0], 1_000.0)]));
        assert!(!is_scalable(&[few(), row(20_000, [133.0, 134.0, 1.0], 5.0)]), "more CPU time");
        assert!(!is_scalable(&[few(), row(20_000, [110.0; 3], 1_001.0)]), "notified late");
        let text = summary(&[few(), row(20_000, [130.0, 131.0, 1.0], 1_000.0)]);
        assert!(text.contains("100,000 watches: 0.50 GB at the bytes of 20000 watches"), "{text}");
        assert!(text.ends_with("p99 within 1 s: yes\n"), "{text}");
    }
}
