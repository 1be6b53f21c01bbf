//! Keeps the schedules of expressions up to date.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use nearby_index::Hours;

use super::{
    clocks::{is_due, refresh},
    holidays::HolidayCalendar,
};
use crate::clock::Clock;

/// Time between two looks at all schedules. A schedule lasts at least a day longer than its users need.
const INTERVAL: Duration = Duration::from_secs(600);
/// Time after which other tasks run.
const SLICE: Duration = Duration::from_millis(1);

/// Returns whether the holidays of a year are needed soon, or already, and the calendar ends before it.
fn is_near_end(today: Date, last_year: i16) -> bool {
    today.year() > last_year || (today.year(), today.month()) == (last_year, 12)
}

/// Computes schedules that are missing or end soon, indefinitely. New expressions are found at the next interval; until then, the first
/// search that needs one computes it.
pub(crate) async fn run_refresh(calendar: Arc<HolidayCalendar>, clock: Clock) {
    let mut warned_on = None;
    loop {
        if let Ok(now) = Timestamp::from_microsecond(clock().0) {
            let today = TimeZone::UTC.to_datetime(now).date();
            let last_year = calendar.last_year();
            if warned_on != Some(today) && is_near_end(today, last_year) {
                tracing::warn!(
                    last_year,
                    "the built-in public holidays end; upgrade, or add those of the next year with --holidays"
                );
                warned_on = Some(today);
            }
            let due = Hours::interned_expressions().into_iter().filter(|hours| is_due(hours, now));
            refresh_each(due.collect(), |hours| refresh(hours, &calendar, now)).await;
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Computes schedules in turn, and lets other tasks run in between.
async fn refresh_each(due: Vec<Arc<Hours>>, refresh: impl Fn(&Arc<Hours>)) {
    let mut start = Instant::now();
    for hours in &due {
        // A panic, which the panic hook logs and counts, must not end the task: nothing would keep the other schedules up to date.
        drop(catch_unwind(AssertUnwindSafe(|| refresh(hours))));
        if start.elapsed() > SLICE {
            tokio::task::yield_now().await;
            start = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use nearby_index::ExpressionHours;

    use super::*;

    #[test]
    fn the_end_of_the_calendar_is_announced_a_month_ahead() {
        let last_year = HolidayCalendar::built_in().last_year();
        assert!(last_year >= 2027);
        assert!(!is_near_end(date(2027, 11, 30), 2027) && is_near_end(date(2027, 12, 1), 2027));
        assert!(is_near_end(date(2028, 1, 1), 2027) && !is_near_end(date(2026, 12, 31), 2027));
    }

    #[tokio::test]
    async fn an_expression_that_panics_leaves_the_others_and_the_task() {
        let hours = |text| ExpressionHours::new("Europe/Helsinki", text, None, None);
        let due: Vec<Arc<Hours>> =
            ["Mo", "Tu", "We"].map(|text| Arc::new(Hours::Expression(hours(text)))).into();
        let refreshed = std::sync::Mutex::new(Vec::new());
        refresh_each(due.clone(), |hours| {
            assert!(!Arc::ptr_eq(hours, &due[1]), "one schedule panics");
            refreshed.lock().unwrap().push(Arc::clone(hours));
        })
        .await;
        let refreshed = refreshed.into_inner().unwrap();
        assert!(refreshed.len() == 2 && Arc::ptr_eq(&refreshed[1], &due[2]));
    }
}
