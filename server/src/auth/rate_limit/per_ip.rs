//! The rate limit of calls per client IP, which applies before authentication.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, QuantaClock},
};

use super::Rate;

/// One clock for all limiters: creating one measures the processor's time-stamp counter, for which a hypervisor stops a
/// virtual machine for tens of microseconds.
static CLOCK: LazyLock<QuantaClock> = LazyLock::new(QuantaClock::default);

/// Client IPs with state. Above that number, those whose limit is fully refilled are evicted, and if that is not enough, all.
const MAX_ADDRESSES: usize = 100_000;
/// Calls between two checks of the number of client IPs.
const CHECK_INTERVAL_CALLS: u32 = 10_000;

/// The rate limit per client IP. Clones share it.
#[derive(Clone)]
pub struct PerIpRateLimit(Arc<Addresses>);

struct Addresses {
    rate: Rate,
    limiter: arc_swap::ArcSwap<DefaultKeyedRateLimiter<IpAddr>>,
    calls: AtomicU32,
}

impl fmt::Debug for PerIpRateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.rate.fmt(f)
    }
}

impl PerIpRateLimit {
    /// Creates a limit with the same rate for each client IP.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let limiter = arc_swap::ArcSwap::from_pointee(limiter(rate));
        Self(Arc::new(Addresses { rate, limiter, calls: AtomicU32::new(0) }))
    }

    /// Charges one call to an address.
    ///
    /// # Errors
    /// The time after which the call is within the limit.
    pub fn charge(&self, address: IpAddr) -> Result<(), Duration> {
        let addresses = &*self.0;
        if addresses.calls.fetch_add(1, Ordering::Relaxed) % CHECK_INTERVAL_CALLS == CHECK_INTERVAL_CALLS - 1
        {
            addresses.evict_excess();
        }
        let limiter = addresses.limiter.load();
        limiter.check_key(&address).map_err(|not_until| not_until.wait_time_from(CLOCK.now()))
    }
}

fn limiter(rate: Rate) -> DefaultKeyedRateLimiter<IpAddr> {
    let quota = Quota::per_second(rate.per_s).allow_burst(rate.burst);
    RateLimiter::dashmap_with_clock(quota, CLOCK.clone())
}

impl Addresses {
    fn evict_excess(&self) {
        let current = self.limiter.load();
        if current.len() <= MAX_ADDRESSES {
            return;
        }
        current.retain_recent();
        if current.len() > MAX_ADDRESSES {
            self.limiter.store(Arc::new(limiter(self.rate)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn addresses_have_separate_limits_and_are_bounded() {
        let limits = PerIpRateLimit::new(Rate::new(NonZeroU32::MIN, Some(NonZeroU32::MIN)));
        let address = |number: u32| IpAddr::from(std::net::Ipv4Addr::from_bits(number));
        limits.charge(address(1)).unwrap();
        assert!(limits.charge(address(1)).is_err());
        for number in 2..250_000 {
            limits.charge(address(number)).unwrap();
        }
        let tracked = limits.0.limiter.load().len();
        assert!(tracked <= MAX_ADDRESSES + CHECK_INTERVAL_CALLS as usize, "{tracked}");
    }
}
