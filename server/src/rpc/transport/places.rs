//! How many connections there are, altogether and of each address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Places for connections; shared by its clones.
#[derive(Clone, Debug)]
pub(super) struct Places {
    most: usize,
    most_an_address: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By address; an entry goes with its last connection.
    by_address: HashMap<IpAddr, usize>,
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
}

impl NoPlace {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::FullOfAddress => "full_of_address",
        }
    }
}

impl Places {
    pub(super) fn new(most: usize, most_an_address: usize) -> Self {
        Self { most, most_an_address, taken: Arc::default() }
    }

    /// Takes one.
    pub(super) fn take(&self, address: IpAddr) -> Result<Place, NoPlace> {
        let address = household(address);
        let mut taken = self.taken();
        if taken.all >= self.most {
            return Err(NoPlace::Full);
        }
        let of_address = taken.by_address.entry(address).or_default();
        if *of_address >= self.most_an_address {
            return Err(NoPlace::FullOfAddress);
        }
        *of_address += 1;
        taken.all += 1;
        Ok(Place { places: self.clone(), address })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(of_address) = taken.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// Whom an address belongs to: whoever has one of IPv6 has the whole /64 (RFC 6177).
fn household(address: IpAddr) -> IpAddr {
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
        let places = Places::new(3, 2);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let one = places.take(address("10.0.0.1")).unwrap();
        let two = places.take(address("::ffff:10.0.0.1")).unwrap();
        assert_eq!(places.take(address("10.0.0.1")).unwrap_err(), NoPlace::FullOfAddress);
        let three = places.take(address("2001:db8::1")).unwrap();
        assert_eq!(places.take(address("10.0.0.2")).unwrap_err(), NoPlace::Full);
        drop((one, three));
        let four = places.take(address("2001:db8::2")).unwrap();
        let five = places.take(address("2001:db8:0:0:1::")).unwrap();
        drop((two, four, five));
        assert!(places.taken().by_address.is_empty() && places.taken().all == 0);
    }

    #[test]
    fn a_household_counts_as_one() {
        let places = Places::new(10, 1);
        let _one = places.take("2001:db8::1".parse().unwrap()).unwrap();
        assert_eq!(places.take("2001:db8::ffff:2".parse().unwrap()).unwrap_err(), NoPlace::FullOfAddress);
        assert!(places.take("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }
}
