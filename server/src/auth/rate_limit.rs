//! Rate limits: units of work per second, with a burst (GCRA, a leaky bucket without a queue).

use std::{
    fmt,
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock, QuantaClock, Reference},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};

/// A rate and its burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units of work per second: a call is one, and each further search or merchant of a batch or a stream is another.
    pub per_s: NonZeroU32,
    /// Units at once, after a period without calls.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A rate whose burst defaults to two seconds' worth.
    #[must_use]
    pub fn new(per_s: NonZeroU32, burst: Option<NonZeroU32>) -> Self {
        Self {
            per_s,
            burst: burst.unwrap_or_else(|| per_s.saturating_mul(NonZeroU32::MIN.saturating_add(1))),
        }
    }

    fn quota(self) -> Quota {
        Quota::per_second(self.per_s).allow_burst(self.burst)
    }
}

/// A call exceeds a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// The call is within the limit after this time.
    Until(Duration),
    /// The call is larger than the burst, and so never within the limit.
    Burst(NonZeroU32),
}

/// One clock for all limits: creating one measures the processor's time-stamp counter, for which a hypervisor stops a
/// virtual machine for tens of microseconds.
static CLOCK: LazyLock<QuantaClock> = LazyLock::new(QuantaClock::default);

/// The rate limit of one principal.
pub(super) struct RateLimit<C: Clock = QuantaClock> {
    rate: Rate,
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl<C: Clock> fmt::Debug for RateLimit<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rate.fmt(f)
    }
}

impl RateLimit {
    pub(super) fn new(rate: Rate) -> Self {
        Self::with_clock(rate, CLOCK.clone())
    }
}

impl<C: Clock + Clone> RateLimit<C> {
    fn with_clock(rate: Rate, clock: C) -> Self {
        Self { rate, limiter: RateLimiter::direct_with_clock(rate.quota(), clock.clone()), clock }
    }

    pub(super) fn charge(&self, units: usize) -> Result<(), Exceeded> {
        let Some(units) = NonZeroU32::new(u32::try_from(units).unwrap_or(u32::MAX)) else { return Ok(()) };
        match self.limiter.check_n(units) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(Exceeded::Until(wait(&not_until, &self.clock))),
            Err(_) => Err(Exceeded::Burst(self.rate.burst)),
        }
    }
}

fn wait<C: Clock<Instant = I>, I: Reference>(not_until: &NotUntil<I>, clock: &C) -> Duration {
    not_until.wait_time_from(clock.now())
}

/// Client IPs with state. Above that number, those whose limit is fully refilled are evicted, and if that is not enough, all.
const MAX_ADDRESSES: usize = 100_000;
/// Calls between two checks of the number of client IPs.
const CHECK_INTERVAL_CALLS: u32 = 10_000;

/// The rate limit per client IP, which applies before authentication. Clones share it.
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
        addresses.limiter.load().check_key(&address).map_err(|not_until| wait(&not_until, &*CLOCK))
    }
}

fn limiter(rate: Rate) -> DefaultKeyedRateLimiter<IpAddr> {
    RateLimiter::dashmap_with_clock(rate.quota(), CLOCK.clone())
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
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rate(per_s: u32, burst: u32) -> Rate {
        Rate::new(NonZeroU32::new(per_s).unwrap(), NonZeroU32::new(burst))
    }

    #[test]
    fn a_burst_passes_and_the_rate_refills_it() {
        let clock = FakeRelativeClock::default();
        let limit = RateLimit::with_clock(rate(1, 10), clock.clone());
        assert_eq!(limit.charge(11), Err(Exceeded::Burst(NonZeroU32::new(10).unwrap())));
        limit.charge(9).unwrap();
        limit.charge(0).unwrap();
        assert_eq!(limit.charge(5), Err(Exceeded::Until(Duration::from_secs(4))));
        limit.charge(1).unwrap();
        clock.advance(Duration::from_secs(4));
        assert_eq!(limit.charge(5), Err(Exceeded::Until(Duration::from_secs(1))));
        limit.charge(4).unwrap();
    }

    #[test]
    fn addresses_have_separate_limits_and_are_bounded() {
        let limits = PerIpRateLimit::new(rate(1, 1));
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
