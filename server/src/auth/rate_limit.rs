//! How much somebody may ask for: so much a second, and so much at once (GCRA, a leaky bucket without a queue).

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
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota as Governed, RateLimiter,
    clock::{Clock, QuantaClock, QuantaInstant},
};

/// So much a second, and so much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units of work a second: calls, and each further search or merchant of a batch or a stream.
    pub per_s: NonZeroU32,
    /// Units at once, after a rest.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A rate whose burst is as much as comes together in two seconds, where nothing else is said.
    #[must_use]
    pub fn new(per_s: NonZeroU32, burst: Option<NonZeroU32>) -> Self {
        Self {
            per_s,
            burst: burst.unwrap_or_else(|| per_s.saturating_mul(NonZeroU32::MIN.saturating_add(1))),
        }
    }

    fn governed(self) -> Governed {
        Governed::per_second(self.per_s).allow_burst(self.burst)
    }
}

/// More was asked for than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// It may be asked for after so long.
    Until(Duration),
    /// It is more than may ever be asked for at once.
    Burst(NonZeroU32),
}

/// One clock for all: a new one asks the processor what it can, for which a virtual machine is stopped for tens of
/// microseconds.
static CLOCK: LazyLock<QuantaClock> = LazyLock::new(QuantaClock::default);

fn wait(not_until: &NotUntil<QuantaInstant>) -> Duration {
    not_until.wait_time_from(CLOCK.now())
}

/// What is left of a rate.
pub(super) struct Quota {
    rate: Rate,
    left: DefaultDirectRateLimiter,
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rate.fmt(f)
    }
}

impl Quota {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, left: RateLimiter::direct_with_clock(rate.governed(), CLOCK.clone()) }
    }

    pub(super) fn charge(&self, units: usize) -> Result<(), Exceeded> {
        let Some(units) = NonZeroU32::new(u32::try_from(units).unwrap_or(u32::MAX)) else { return Ok(()) };
        match self.left.check_n(units) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(Exceeded::Until(wait(&not_until))),
            Err(_) => Err(Exceeded::Burst(self.rate.burst)),
        }
    }
}

/// How many addresses are remembered. Beyond that those that have rested are forgotten, and then all of them.
const MOST_ADDRESSES: usize = 100_000;
/// How many calls pass between two looks at how many addresses are remembered.
const LOOK_AFTER: u32 = 10_000;

/// What is left of a rate for each address, before it is known who calls; shared by its clones.
#[derive(Clone)]
pub struct PerAddress(Arc<Addresses>);

struct Addresses {
    rate: Rate,
    left: arc_swap::ArcSwap<DefaultKeyedRateLimiter<IpAddr>>,
    calls: AtomicU32,
}

impl fmt::Debug for PerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.rate.fmt(f)
    }
}

impl PerAddress {
    /// The same rate for each address.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let left = arc_swap::ArcSwap::from_pointee(fresh(rate));
        Self(Arc::new(Addresses { rate, left, calls: AtomicU32::new(0) }))
    }

    /// Takes a call out of what an address may ask for.
    ///
    /// # Errors
    /// Where there is nothing left: it may call after so long.
    pub fn charge(&self, address: IpAddr) -> Result<(), Duration> {
        let addresses = &*self.0;
        if addresses.calls.fetch_add(1, Ordering::Relaxed) % LOOK_AFTER == LOOK_AFTER - 1 {
            addresses.forget();
        }
        addresses.left.load().check_key(&address).map_err(|not_until| wait(&not_until))
    }
}

fn fresh(rate: Rate) -> DefaultKeyedRateLimiter<IpAddr> {
    RateLimiter::dashmap_with_clock(rate.governed(), CLOCK.clone())
}

impl Addresses {
    fn forget(&self) {
        let left = self.left.load();
        if left.len() <= MOST_ADDRESSES {
            return;
        }
        left.retain_recent();
        if left.len() > MOST_ADDRESSES {
            self.left.store(Arc::new(fresh(self.rate)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_s: u32, burst: u32) -> Rate {
        Rate::new(NonZeroU32::new(per_s).unwrap(), NonZeroU32::new(burst))
    }

    #[test]
    fn a_burst_is_let_through_and_no_more() {
        // One in a thousand seconds: none comes back while this runs.
        let quota = Quota::new(rate(1, 10));
        assert_eq!(quota.charge(11), Err(Exceeded::Burst(NonZeroU32::new(10).unwrap())));
        quota.charge(9).unwrap();
        quota.charge(0).unwrap();
        let Err(Exceeded::Until(wait)) = quota.charge(5) else { panic!("too much") };
        assert!(wait > Duration::from_secs(3) && wait <= Duration::from_secs(4), "{wait:?}");
        quota.charge(1).unwrap();
    }

    #[test]
    fn addresses_are_apart_and_not_remembered_without_end() {
        let quotas = PerAddress::new(rate(1, 1));
        let address = |number: u32| IpAddr::from(std::net::Ipv4Addr::from_bits(number));
        quotas.charge(address(1)).unwrap();
        assert!(quotas.charge(address(1)).is_err());
        for number in 2..250_000 {
            quotas.charge(address(number)).unwrap();
        }
        let remembered = quotas.0.left.load().len();
        assert!(remembered <= MOST_ADDRESSES + LOOK_AFTER as usize, "{remembered}");
    }
}
