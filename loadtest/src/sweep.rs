//! A sweep: where the peak is, how latency grows towards it and beyond, and how soon it is well again after an overload.

use std::{io, sync::Arc, time::Duration};

use crate::{
    dataset::Oracle,
    report::{Phase, Sweep},
    runner::{Driver, Record, Spacing, Stage, judge},
};

/// Parts of the peak that are offered, in this order.
const STEPS: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.5, 3.0];
/// What follows at once upon the last of them, at half the peak.
pub(crate) const RECOVERY: &str = "recovery";
/// The part of the calls that must be answered well where a rate counts as borne.
const GOOD: f64 = 0.99;
/// Callers that are tried to find the peak.
const CALLERS: [usize; 6] = [8, 16, 32, 64, 128, 256];

/// How a sweep is done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How long each step is.
    pub step: Duration,
    /// How calls are spaced.
    pub spacing: Spacing,
    /// Seed of the schedule.
    pub seed: u64,
}

/// Does it: all runs, and what they show.
///
/// # Errors
/// A run broke.
pub async fn sweep(
    driver: &Driver,
    plan: &Plan,
    oracle: Option<&Arc<Oracle>>,
) -> io::Result<(Vec<Phase>, Sweep)> {
    driver.closed("warm-up", 16, plan.step.min(Duration::from_secs(5))).await?;
    let (mut at_peak, peak_callers) = peak(driver, plan).await?;
    judge(&mut at_peak, oracle).await;
    let peak = at_peak.goodput_per_s();
    let mut phases = vec![Phase::of(&at_peak)];
    let mut half_p99 = 0;
    let mut after = None;
    for (at, step) in STEPS.into_iter().enumerate() {
        let mut stages = vec![Stage::new(format!("{:.0} %", step * 100.0), peak * step, plan.step)];
        // What comes at once upon the overload has its backlog before it.
        if at + 1 == STEPS.len() {
            stages.push(Stage::new(RECOVERY, peak * 0.5, plan.step));
        }
        for mut record in driver.open(&stages, plan.spacing, plan.seed).await? {
            judge(&mut record, oracle).await;
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
        goodput_at_triple: of(&phases, "300 %").map(|phase| phase.goodput_per_s / peak),
        p99_at_triple: ratio_at_triple(&phases),
        is_overload_valid: ["300 %", RECOVERY]
            .iter()
            .all(|name| of(&phases, name).is_some_and(|phase| phase.faults.is_empty())),
    };
    Ok((phases, found))
}

/// The run in which most is answered well in a second, and with how many callers. Nearly all must be answered well: a server
/// that refuses what is long and answers what is short bears another mix than the one that it is asked for.
async fn peak(driver: &Driver, plan: &Plan) -> io::Result<(Record, usize)> {
    let mut best: Option<(Record, usize)> = None;
    for callers in CALLERS {
        let length = (plan.step / 2).max(Duration::from_secs(1));
        let record = driver.closed("peak", callers, length).await?;
        let rank = |record: &Record| {
            let is_all = record.good_share() >= GOOD;
            (is_all, if is_all { record.goodput_per_s() } else { record.good_share() })
        };
        if best.as_ref().is_none_or(|(best, _)| rank(&record) > rank(best)) {
            best = Some((record, callers));
        }
    }
    let nothing = || io::Error::other("no call was answered well: there is nothing to sweep");
    best.filter(|(best, _)| best.good() > 0).ok_or_else(nothing)
}

fn of<'p>(phases: &'p [Phase], name: &str) -> Option<&'p Phase> {
    phases.iter().find(|phase| phase.name == name)
}

/// The last rate at which p99 is at most twice that at half the peak and 99 % are answered well; all before it too.
fn knee(phases: &[Phase], half_p99: u64) -> Option<f64> {
    let is_well = |phase: &&Phase| {
        phase.latency.p99_us <= 2 * half_p99 && phase.good_share >= GOOD && phase.faults.is_empty()
    };
    let open = phases.iter().filter(|phase| phase.name != RECOVERY);
    open.skip_while(|phase| phase.name != "50 %").take_while(is_well).last()?.offered_per_s
}

/// From which second after the overload on calls have at most twice the normal p99 and none fails.
fn recovered(after: &Record, half_p99: u64) -> Option<f64> {
    let is_well = |second: &crate::runner::Second| {
        second.failed == 0
            && second.ok > 0
            && second.latency_us.value_at_quantile(0.99) <= (2 * half_p99).max(2_000)
    };
    // Further pages and steps come later than the last call that was due.
    let seconds = &after.seconds;
    let seconds = &seconds[..seconds.iter().rposition(|second| second.due > 0).map_or(0, |last| last + 1)];
    let ill = seconds.iter().rposition(|second| !is_well(second)).map_or(0, |at| at + 1);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
    (ill < seconds.len()).then_some(ill as f64)
}

fn ratio_at_triple(phases: &[Phase]) -> Option<f64> {
    let [normal, triple] = ["75 %", "300 %"].map(|name| of(phases, name));
    let (normal, triple) = (normal?.latency.p99_us, triple?.latency.p99_us);
    #[expect(clippy::cast_precision_loss, reason = "below a minute of microseconds")]
    (normal > 0 && triple > 0).then(|| triple as f64 / normal as f64)
}
