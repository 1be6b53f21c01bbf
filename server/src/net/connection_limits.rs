//! How many connections there are, altogether and of each address, and which addresses are held off: those whose connections
//! broke the rules of HTTP/2 again and again. To look at what such a peer says costs more than to say it.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long breaches count, from the first of them on; an address with too many is held off for the rest of it. Not long: it may
/// be a caller who is starved and means no harm.
const BREACHES_COUNT: Duration = Duration::from_secs(2);
/// How many addresses are remembered. Beyond that those without a connection are forgotten, whatever they did.
const MOST_ADDRESSES: usize = 100_000;

/// Places for connections; shared by its clones.
#[derive(Clone, Debug)]
pub(super) struct Places {
    most: usize,
    most_an_address: usize,
    most_breaches: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, OfAddress>,
}

/// What is known of an address that has connections, or broke the rules of late.
#[derive(Debug, Default)]
struct OfAddress {
    connections: usize,
    /// How many of its connections broke the rules, and when the first of those did.
    breaches: Option<(usize, Instant)>,
}

impl OfAddress {
    /// How many breaches count at a time.
    fn breaches(&self, now: Instant) -> usize {
        let counting =
            self.breaches.filter(|(_, since)| now.saturating_duration_since(*since) < BREACHES_COUNT);
        counting.map_or(0, |(breaches, _)| breaches)
    }
}

/// A place, for as long as it is held.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    address: IpAddr,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// There are too many altogether.
    Full,
    /// There are too many of this address.
    FullOfAddress,
    /// This address is held off.
    HeldOff,
}

impl NoPlace {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::FullOfAddress => "full_of_address",
            Self::HeldOff => "held_off",
        }
    }
}

impl Places {
    /// Holds no address off where `most_breaches` is 0.
    pub(super) fn new(most: usize, most_an_address: usize, most_breaches: usize) -> Self {
        Self { most, most_an_address, most_breaches, taken: Arc::default() }
    }

    /// Takes one.
    pub(super) fn take(&self, address: IpAddr, now: Instant) -> Result<Place, NoPlace> {
        let address = household(address);
        let mut taken = self.taken();
        if taken.all >= self.most {
            return Err(NoPlace::Full);
        }
        let of_address = taken.by_address.entry(address).or_default();
        if of_address.connections >= self.most_an_address {
            return Err(NoPlace::FullOfAddress);
        }
        if self.most_breaches > 0 && of_address.breaches(now) >= self.most_breaches {
            return Err(NoPlace::HeldOff);
        }
        of_address.connections += 1;
        taken.all += 1;
        Ok(Place { places: self.clone(), address })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Remembers that its connection broke the rules.
    pub(super) fn breached(&self, now: Instant) {
        let mut taken = self.places.taken();
        if taken.by_address.len() > MOST_ADDRESSES {
            taken.by_address.retain(|_, of_address| of_address.connections > 0);
        }
        let Some(of_address) = taken.by_address.get_mut(&self.address) else { return };
        let breaches = of_address.breaches(now);
        let since = of_address.breaches.filter(|_| breaches > 0).map_or(now, |(_, since)| since);
        of_address.breaches = Some((breaches + 1, since));
        if breaches + 1 == self.places.most_breaches {
            let address = self.address;
            tracing::warn!(%address, "its connections broke the rules of HTTP/2 again and again; it gets no new ones for two seconds");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(of_address) = taken.by_address.get_mut(&self.address) {
            of_address.connections -= 1;
            if of_address.connections == 0 && of_address.breaches.is_none() {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// Whom an address belongs to: whoever has one of IPv6 has the whole /64 (RFC 6177).
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let places = Places::new(3, 2, 0);
        let now = Instant::now();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let one = places.take(address("10.0.0.1"), now).unwrap();
        let two = places.take(address("::ffff:10.0.0.1"), now).unwrap();
        assert_eq!(places.take(address("10.0.0.1"), now).unwrap_err(), NoPlace::FullOfAddress);
        let three = places.take(address("2001:db8::1"), now).unwrap();
        assert_eq!(places.take(address("10.0.0.2"), now).unwrap_err(), NoPlace::Full);
        drop((one, three));
        let four = places.take(address("2001:db8::2"), now).unwrap();
        let five = places.take(address("2001:db8:0:0:1::"), now).unwrap();
        drop((two, four, five));
        assert!(places.taken().by_address.is_empty() && places.taken().all == 0);
    }

    #[test]
    fn a_household_counts_as_one() {
        let places = Places::new(10, 1, 0);
        let now = Instant::now();
        let _one = places.take("2001:db8::1".parse().unwrap(), now).unwrap();
        assert_eq!(
            places.take("2001:db8::ffff:2".parse().unwrap(), now).unwrap_err(),
            NoPlace::FullOfAddress
        );
        assert!(places.take("2001:db8:0:1::1".parse().unwrap(), now).is_ok());
    }

    #[test]
    fn whoever_breaks_the_rules_again_and_again_is_held_off_for_a_while() {
        let places = Places::new(10, 10, 3);
        let (hostile, other): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let now = Instant::now();
        let kept = places.take(hostile, now).unwrap();
        for _ in 0..3 {
            places.take(hostile, now).unwrap().breached(now);
        }
        let late = now + BREACHES_COUNT - Duration::from_millis(1);
        assert_eq!(places.take(hostile, late).unwrap_err(), NoPlace::HeldOff);
        assert!(places.take(other, late).is_ok());
        // What is past is past; a single breach then is the first again.
        let later = now + BREACHES_COUNT;
        places.take(hostile, later).unwrap().breached(later);
        assert!(places.take(hostile, later).is_ok());
        drop(kept);
        assert_eq!(places.taken().all, 0);
    }

    #[test]
    fn breaches_are_not_remembered_without_end() {
        let places = Places::new(10, 10, 3);
        let now = Instant::now();
        for number in 0..250_000 {
            places.take(std::net::Ipv4Addr::from_bits(number).into(), now).unwrap().breached(now);
        }
        let remembered = places.taken().by_address.len();
        assert!(remembered <= MOST_ADDRESSES + 1, "{remembered}");
    }
}
