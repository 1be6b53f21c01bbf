//! Detects connections whose requests are mostly rejected for their credentials or a rate limit, or shed, so that they are read less
//! often.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

/// Rejections that one accepted request cancels: nine rejected of ten tip the balance, four of five do not.
const ACCEPTED: u32 = 4;
/// Rejections as which a request counts that was shed: half of the requests tip the balance, since the server has no time to lose.
const SHED: u32 = ACCEPTED + 1;
/// Balance of rejections from which the throttle is active.
const THRESHOLD: u32 = 16;
/// Upper bound of the balance: a few accepted requests release the throttle, whatever came before.
const MAX: u32 = 2 * THRESHOLD;

/// Balance of rejected and accepted requests of one connection; clones share it. Updates are not atomic: a lost update of two
/// concurrent requests shifts the balance by one, which is harmless.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadThrottle(Arc<State>);

#[derive(Debug, Default)]
struct State {
    balance: AtomicU32,
}

impl ReadThrottle {
    /// Records a request that was rejected for a rate limit or for its credentials.
    pub(crate) fn record_rejected(&self) {
        self.add(1);
    }

    /// Records a request that was shed.
    pub(crate) fn record_shed(&self) {
        self.add(SHED);
    }

    fn add(&self, rejections: u32) {
        let balance = &self.0.balance;
        balance.store((balance.load(Relaxed) + rejections).min(MAX), Relaxed);
    }

    /// Records an accepted request.
    pub(crate) fn record_accepted(&self) {
        // Most connections have a balance of 0 and write nothing shared.
        let balance = &self.0.balance;
        match balance.load(Relaxed) {
            0 => {}
            ahead => balance.store(ahead.saturating_sub(ACCEPTED), Relaxed),
        }
    }

    /// Returns whether most requests are rejected, or half of them shed.
    pub(super) fn is_active(&self) -> bool {
        self.0.balance.load(Relaxed) >= THRESHOLD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether the throttle is active after `rounds` of accepted and rejected requests.
    fn is_active_after(rounds: u32, accepted: u32, rejected: u32) -> bool {
        let throttle = ReadThrottle::default();
        for _ in 0..rounds {
            (0..accepted).for_each(|_| throttle.record_accepted());
            (0..rejected).for_each(|_| throttle.record_rejected());
        }
        throttle.is_active()
    }

    #[test]
    fn nine_rejections_of_ten_activate_it_and_a_few_accepted_requests_release_it() {
        assert!(is_active_after(10, 1, 9));
        assert!(!is_active_after(1_000, 1, 4));
        assert!(!is_active_after(1, 0, 15));
        let throttle = ReadThrottle::default();
        (0..1_000).for_each(|_| throttle.record_rejected());
        assert!(throttle.is_active());
        (0..5).for_each(|_| throttle.record_accepted());
        assert!(!throttle.is_active());
    }

    #[test]
    fn every_other_request_that_is_shed_activates_it() {
        let throttle = ReadThrottle::default();
        for _ in 0..THRESHOLD {
            throttle.record_accepted();
            throttle.record_shed();
        }
        assert!(throttle.is_active());
    }
}
