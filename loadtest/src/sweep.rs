//! A sweep: finds the peak throughput, measures latency from 10 to 300 % of it, and the recovery from the overload.

use std::{io, sync::Arc, time::Duration};

use crate::{
    dataset::Oracle,
    report::{Phase, RECOVERY, Sweep},
    runner::{Record, Runner, SecondStats, Spacing, Stage, verify_samples},
};

/// Offered rates as shares of the peak, in this order.
const STEPS: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.5, 3.0];
/// Minimum share of successful calls for a rate to count as sustained.
const GOOD: f64 = 0.99;
/// Numbers of callers that are tried to find the peak.
const CALLERS: [usize; 6] = [8, 16, 32, 64, 128, 256];

/// Settings of a sweep.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Duration of each step.
    pub step: Duration,
    /// Spacing of calls.
    pub spacing: Spacing,
    /// Seed of the schedule.
    pub seed: u64,
}

/// Runs a sweep and derives its key figures.
///
/// # Errors
/// The generator failed, or no call succeeded.
pub async fn sweep(
    runner: &Runner,
    plan: &Plan,
    oracle: Option<&Arc<Oracle>>,
) -> io::Result<(Vec<Phase>, Sweep)> {
    runner.run_closed_loop("warm-up", 16, plan.step.min(Duration::from_secs(5))).await?;
    let (mut at_peak, peak_callers) = peak(runner, plan).await?;
    verify_samples(&mut at_peak, oracle).await;
    let peak = at_peak.goodput_per_s();
    let mut phases = vec![Phase::of(&at_peak)];
    let mut half_p99 = 0;
    let mut after = None;
    for (at, step) in STEPS.into_iter().enumerate() {
        let mut stages = vec![Stage::new(format!("{:.0} %", step * 100.0), peak * step, plan.step)];
        // Without a pause after the overload, so that its backlog is still there.
        if at + 1 == STEPS.len() {
            stages.push(Stage::new(RECOVERY, peak * 0.5, plan.step));
        }
        for mut record in runner.run_open_loop(&stages, plan.spacing, plan.seed).await? {
            verify_samples(&mut record, oracle).await;
            phases.push(Phase::of(&record));
            if (step - 0.5).abs() < 1e-9 {
                half_p99 = record.latency_us().value_at_quantile(0.99);
            }
            after = Some(record);
        }
    }
    let found = Sweep {
        peak_per_s: peak,
        peak_callers,
        knee_per_s: knee(&phases, half_p99),
        recovered_after_s: after.and_then(|after| recovered(&after, half_p99)),
        goodput_at_300_percent: of(&phases, "300 %").map(|phase| phase.goodput_per_s / peak),
        p99_ratio_at_300_percent: p99_ratio_at_300_percent(&phases),
        is_overload_valid: ["300 %", RECOVERY]
            .iter()
            .all(|name| of(&phases, name).is_some_and(|phase| phase.invalid_reasons.is_empty())),
    };
    Ok((phases, found))
}

/// Finds the closed-loop run with the most successful calls per second, and its number of callers. Runs in which fewer than
/// [`GOOD`] succeed rank below all others: a server that rejects long calls and serves short ones sustains another mix than
/// the offered one.
async fn peak(runner: &Runner, plan: &Plan) -> io::Result<(Record, usize)> {
    let mut best: Option<(Record, usize)> = None;
    for callers in CALLERS {
        let length = (plan.step / 2).max(Duration::from_secs(1));
        let record = runner.run_closed_loop("peak", callers, length).await?;
        let rank = |record: &Record| {
            let is_all = record.good_share() >= GOOD;
            (is_all, if is_all { record.goodput_per_s() } else { record.good_share() })
        };
        if best.as_ref().is_none_or(|(best, _)| rank(&record) > rank(best)) {
            best = Some((record, callers));
        }
    }
    let no_success = || io::Error::other("no call succeeded: cannot run a sweep");
    best.filter(|(best, _)| best.good() > 0).ok_or_else(no_success)
}

fn of<'p>(phases: &'p [Phase], name: &str) -> Option<&'p Phase> {
    phases.iter().find(|phase| phase.name == name)
}

/// Returns the last rate at which p99 is at most twice that at half the peak and 99 % of calls succeed, at all rates before it
/// too.
fn knee(phases: &[Phase], half_p99: u64) -> Option<f64> {
    let is_healthy = |phase: &&Phase| {
        phase.latency.p99_us <= 2 * half_p99 && phase.good_share >= GOOD && phase.invalid_reasons.is_empty()
    };
    let open = phases.iter().filter(|phase| phase.name != RECOVERY);
    open.skip_while(|phase| phase.name != "50 %").take_while(is_healthy).last()?.offered_per_s
}

/// Returns the second after the overload from which on p99 is at most twice the normal one (or 2 ms) and no call fails.
fn recovered(after: &Record, half_p99: u64) -> Option<f64> {
    let is_healthy = |second: &SecondStats| {
        second.failed == 0
            && second.ok > 0
            && second.latency_us.value_at_quantile(0.99) <= (2 * half_p99).max(2_000)
    };
    // Follow-ups arrive in seconds after the last scheduled call: those seconds do not count.
    let seconds = &after.seconds;
    let seconds = &seconds[..seconds.iter().rposition(|second| second.due > 0).map_or(0, |last| last + 1)];
    let first_healthy = seconds.iter().rposition(|second| !is_healthy(second)).map_or(0, |at| at + 1);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
    (first_healthy < seconds.len()).then_some(first_healthy as f64)
}

fn p99_ratio_at_300_percent(phases: &[Phase]) -> Option<f64> {
    let [normal, triple] = ["75 %", "300 %"].map(|name| of(phases, name));
    let (normal, triple) = (normal?.latency.p99_us, triple?.latency.p99_us);
    #[expect(clippy::cast_precision_loss, reason = "below a minute of microseconds")]
    (normal > 0 && triple > 0).then(|| triple as f64 / normal as f64)
}
