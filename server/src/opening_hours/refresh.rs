//! Keeps the schedules of expressions up to date.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use nearby_index::Hours;

use super::{
    clocks::{is_due, refresh},
    holidays::HolidayCalendar,
};
use crate::clock::Clock;

/// Time between two looks at all schedules. A schedule lasts at least a day longer than its users need.
const INTERVAL: Duration = Duration::from_secs(600);
/// Schedules computed before other tasks run: 10 take about 0.3 ms.
const BATCH: usize = 10;

/// Computes schedules that are missing or end soon, indefinitely. New expressions are found at the next interval; until then, the first
/// search that needs one computes it.
pub(crate) async fn run_refresh(calendar: Arc<HolidayCalendar>, clock: Clock) {
    loop {
        let Ok(now) = Timestamp::from_microsecond(clock().0) else { return };
        let due: Vec<Arc<Hours>> =
            Hours::interned_expressions().into_iter().filter(|hours| is_due(hours, now)).collect();
        for batch in due.chunks(BATCH) {
            batch.iter().for_each(|hours| refresh(hours, &calendar, now));
            tokio::task::yield_now().await;
        }
        drop(due);
        tokio::time::sleep(INTERVAL).await;
    }
}
