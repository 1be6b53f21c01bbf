//! The time, as an argument.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use nearby_index::UnixMicros;

/// Tells the time to whoever stamps changes; tests hand in their own.
pub type Clock = Arc<dyn Fn() -> UnixMicros + Send + Sync>;

/// The clock of this machine.
#[must_use]
pub fn system() -> Clock {
    Arc::new(|| {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMicros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
    })
}
