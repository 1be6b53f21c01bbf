//! Retry decisions: which errors are retried, and after which delay.

use std::time::Duration;

use tonic::Code;

use crate::{error::ClientError, service_config::RetryPolicy};

/// Reasons of an UNAVAILABLE that no retry can resolve: the disk of the server has failed, or its copy of the cluster has a
/// fault, and operator action is required.
const PERMANENT: [&str; 2] = ["CLUSTER_FAULT", "STORE_READ_ONLY"];
/// Maximum relative jitter of a backoff, so that clients that failed together do not retry together.
const JITTER: f64 = 0.2;

impl RetryPolicy {
    /// Delay before the next attempt after `attempts` attempts, the last of which failed with `error`; `None` if there
    /// is no further attempt. `random` is from 0 to 1.
    ///
    /// Only UNAVAILABLE is retried. RESOURCE_EXHAUSTED is not, with or without a RetryInfo: a message or response that
    /// is too large stays too large, and an exceeded quota is for the application to handle.
    ///
    /// The delay is never shorter than the RetryInfo of the server, and at most a fifth longer.
    pub(crate) fn delay_after(&self, attempts: u32, error: &ClientError, random: f64) -> Option<Duration> {
        let is_permanent = error.reason().is_some_and(|reason| PERMANENT.contains(&reason));
        let is_retryable = error.code() == Code::Unavailable && !is_permanent;
        if !is_retryable || attempts >= self.max_attempts {
            return None;
        }
        let backoff = scaled(self.backoff(attempts), 1.0 - JITTER + 2.0 * JITTER * random);
        let minimum =
            error.retry_after().map_or(Duration::ZERO, |delay| scaled(delay, 1.0 + JITTER * random));
        Some(backoff.max(minimum))
    }

    fn backoff(&self, attempts: u32) -> Duration {
        let doublings = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        scaled(self.initial_backoff, self.backoff_multiplier.powi(doublings)).min(self.max_backoff)
    }
}

/// Returns a number from 0 to 1. If the system has no randomness, delays have no jitter.
pub(crate) fn random() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX))
}

/// Multiplies a duration; saturates at the maximum.
fn scaled(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::Status;
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;
    use crate::service_config;

    fn delays(error: &ClientError, random: f64) -> Vec<Option<u128>> {
        let policy = service_config::retry_with_request_id().unwrap();
        let delay = |attempts| policy.delay_after(attempts, error, random).map(|delay| delay.as_millis());
        (1..=4).map(delay).collect()
    }

    fn unavailable(details: ErrorDetails) -> ClientError {
        Status::with_error_details(Code::Unavailable, "not now", details).into()
    }

    #[test]
    fn delays_double_with_jitter_of_a_fifth() {
        let error = unavailable(ErrorDetails::new());
        assert_eq!(delays(&error, 0.5), [Some(100), Some(200), Some(400), None]);
        assert_eq!(delays(&error, 0.0), [Some(80), Some(160), Some(320), None]);
        assert_eq!(delays(&error, 1.0), [Some(120), Some(240), Some(480), None]);
    }

    #[test]
    fn backoff_is_capped() {
        let policy = service_config::retry_with_request_id().unwrap();
        assert_eq!(policy.backoff(4), Duration::from_millis(800));
        assert_eq!(policy.backoff(60), Duration::from_secs(2));
        assert_eq!(policy.backoff(u32::MAX), Duration::from_secs(2));
    }

    #[test]
    fn retry_info_is_a_minimum_delay() {
        let error = unavailable(ErrorDetails::with_retry_info(Some(Duration::from_millis(250))));
        assert_eq!(delays(&error, 0.0), [Some(250), Some(250), Some(320), None]);
        assert_eq!(delays(&error, 1.0), [Some(300), Some(300), Some(480), None]);
    }

    #[test]
    fn permanent_errors_are_not_retried() {
        let never = [None; 4];
        for reason in PERMANENT {
            let details = ErrorDetails::with_error_info(reason, "nearby", HashMap::new());
            assert_eq!(delays(&unavailable(details), 0.5), never, "{reason}");
        }
        for code in (1..=16).map(Code::from_i32).filter(|code| *code != Code::Unavailable) {
            let later = ErrorDetails::with_retry_info(Some(Duration::from_millis(1)));
            let status = Status::with_error_details(code, "no", later);
            assert_eq!(delays(&status.into(), 0.5), never, "{code:?}");
        }
    }

    #[test]
    fn sizes_over_a_limit_are_not_retried() {
        for reason in ["RESPONSE_TOO_LARGE", "MESSAGE_TOO_LARGE"] {
            let details = ErrorDetails::with_error_info(reason, "nearby", HashMap::new());
            let error = Status::with_error_details(Code::ResourceExhausted, "too large", details).into();
            assert_eq!(delays(&error, 0.5), [None; 4], "{reason}");
        }
    }
}
