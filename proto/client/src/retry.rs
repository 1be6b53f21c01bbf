//! Whether to ask again, and when.

use std::time::Duration;

use tonic::Code;

use crate::{error::ClientError, service_config::RetryPolicy};

/// The server's disk has failed: only its operator can mend that, so asking again is no use.
const STORE_READ_ONLY: &str = "STORE_READ_ONLY";
/// How much a wait differs from what was computed, at most: clients that failed together must not come back together.
const JITTER: f64 = 0.2;

impl RetryPolicy {
    /// How long to wait before asking again after so many attempts, the last of which failed with this; nothing where
    /// that was the last one. `random` is from 0 to 1.
    ///
    /// A server that says when to come back is never asked sooner, and up to a fifth later.
    pub(crate) fn wait_after(&self, attempts: u32, error: &ClientError, random: f64) -> Option<Duration> {
        let hopeless = error.code() != Code::Unavailable || error.reason() == Some(STORE_READ_ONLY);
        if hopeless || attempts >= self.max_attempts {
            return None;
        }
        let backoff = scaled(self.backoff(attempts), 1.0 - JITTER + 2.0 * JITTER * random);
        let told = error.retry_after().map_or(Duration::ZERO, |told| scaled(told, 1.0 + JITTER * random));
        Some(backoff.max(told))
    }

    fn backoff(&self, attempts: u32) -> Duration {
        let doublings = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        scaled(self.initial_backoff, self.backoff_multiplier.powi(doublings)).min(self.max_backoff)
    }
}

/// A number from 0 to 1. Where the system has no randomness to give, waits are without jitter.
pub(crate) fn random() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX))
}

/// A length of time, so many times. What is too long to say is the longest there is.
fn scaled(length: Duration, times: f64) -> Duration {
    Duration::try_from_secs_f64(length.as_secs_f64() * times).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::Status;
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;
    use crate::service_config;

    fn waits(error: &ClientError, random: f64) -> Vec<Option<u128>> {
        let policy = service_config::retry_with_request_id().unwrap();
        let wait = |attempts| policy.wait_after(attempts, error, random).map(|wait| wait.as_millis());
        (1..=4).map(wait).collect()
    }

    fn unavailable(details: ErrorDetails) -> ClientError {
        Status::with_error_details(Code::Unavailable, "not now", details).into()
    }

    #[test]
    fn waits_double_and_differ_by_a_fifth() {
        let error = unavailable(ErrorDetails::new());
        assert_eq!(waits(&error, 0.5), [Some(100), Some(200), Some(400), None]);
        assert_eq!(waits(&error, 0.0), [Some(80), Some(160), Some(320), None]);
        assert_eq!(waits(&error, 1.0), [Some(120), Some(240), Some(480), None]);
    }

    #[test]
    fn waits_grow_to_a_bound_only() {
        let policy = service_config::retry_with_request_id().unwrap();
        assert_eq!(policy.backoff(4), Duration::from_millis(800));
        assert_eq!(policy.backoff(60), Duration::from_secs(2));
        assert_eq!(policy.backoff(u32::MAX), Duration::from_secs(2));
    }

    #[test]
    fn a_server_is_not_asked_sooner_than_it_says() {
        let error = unavailable(ErrorDetails::with_retry_info(Some(Duration::from_millis(250))));
        assert_eq!(waits(&error, 0.0), [Some(250), Some(250), Some(320), None]);
        assert_eq!(waits(&error, 1.0), [Some(300), Some(300), Some(480), None]);
    }

    #[test]
    fn what_stays_as_it_is_is_not_asked_again() {
        let nothing = [None; 4];
        let read_only = ErrorDetails::with_error_info(STORE_READ_ONLY, "nearby", HashMap::new());
        assert_eq!(waits(&unavailable(read_only), 0.5), nothing);
        for code in (1..=16).map(Code::from_i32).filter(|code| *code != Code::Unavailable) {
            let later = ErrorDetails::with_retry_info(Some(Duration::from_millis(1)));
            let status = Status::with_error_details(code, "no", later);
            assert_eq!(waits(&status.into(), 0.5), nothing, "{code:?}");
        }
    }
}
