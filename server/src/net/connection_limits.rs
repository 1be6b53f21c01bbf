//! Counts connections, in all and per client subnet, and bans subnets for a moment whose connections repeatedly violate
//! HTTP/2 soon after they start: to parse what such a peer sends costs more than to send it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{limits::ConnectionLimits, peer::client_subnet};

/// Window in which protocol errors count, from the first of them; a ban lasts for the rest of it. It is short because the
/// subnet may belong to a client that is only starved: ten seconds kept such a client out at ten times its peak load.
const PROTOCOL_ERROR_WINDOW: Duration = Duration::from_secs(2);
/// Subnets that are remembered. Beyond that, those without a connection are forgotten together with their errors.
const MAX_SUBNETS: usize = 100_000;

/// Hands out permits for connections; clones share the counts.
#[derive(Clone, Debug)]
pub(super) struct ConnectionLimiter {
    max_connections: usize,
    max_per_ip: usize,
    max_protocol_errors: usize,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: usize,
    by_subnet: HashMap<IpAddr, SubnetCounts>,
}

/// Counts of a subnet that has connections or recent protocol errors.
#[derive(Debug, Default)]
struct SubnetCounts {
    connections: usize,
    /// The number of protocol errors, and the time of the first.
    protocol_errors: Option<(usize, Instant)>,
}

impl SubnetCounts {
    /// The number of protocol errors in the current window.
    fn protocol_errors(&self, now: Instant) -> usize {
        let current = self
            .protocol_errors
            .filter(|(_, since)| now.saturating_duration_since(*since) < PROTOCOL_ERROR_WINDOW);
        current.map_or(0, |(errors, _)| errors)
    }
}

/// A permit for one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    limiter: ConnectionLimiter,
    subnet: IpAddr,
}

/// Why a connection got no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    /// The server has as many connections as it may have.
    LimitTotal,
    /// The client subnet has.
    LimitPerIp,
    /// The client subnet is banned for protocol errors.
    Banned,
}

impl Rejection {
    /// The value of the metric's `reason` label.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::LimitTotal => "limit_total",
            Self::LimitPerIp => "limit_per_ip",
            Self::Banned => "banned",
        }
    }
}

impl ConnectionLimiter {
    pub(super) fn new(limits: &ConnectionLimits) -> Self {
        Self {
            max_connections: limits.max_connections,
            max_per_ip: limits.max_per_ip,
            max_protocol_errors: limits.max_protocol_errors_per_ip,
            counts: Arc::default(),
        }
    }

    /// Takes a permit.
    pub(super) fn acquire(&self, address: IpAddr, now: Instant) -> Result<ConnectionPermit, Rejection> {
        let subnet = client_subnet(address);
        let mut counts = self.counts();
        if counts.connections >= self.max_connections {
            return Err(Rejection::LimitTotal);
        }
        let of_subnet = counts.by_subnet.entry(subnet).or_default();
        if of_subnet.connections >= self.max_per_ip {
            return Err(Rejection::LimitPerIp);
        }
        if self.max_protocol_errors > 0 && of_subnet.protocol_errors(now) >= self.max_protocol_errors {
            return Err(Rejection::Banned);
        }
        of_subnet.connections += 1;
        counts.connections += 1;
        Ok(ConnectionPermit { limiter: self.clone(), subnet })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionPermit {
    /// Records that the connection ended with an early protocol error.
    pub(super) fn record_protocol_error(&self, now: Instant) {
        let mut counts = self.limiter.counts();
        if counts.by_subnet.len() > MAX_SUBNETS {
            counts.by_subnet.retain(|_, of_subnet| of_subnet.connections > 0);
        }
        let Some(of_subnet) = counts.by_subnet.get_mut(&self.subnet) else { return };
        let errors = of_subnet.protocol_errors(now);
        let since = of_subnet.protocol_errors.filter(|_| errors > 0).map_or(now, |(_, since)| since);
        of_subnet.protocol_errors = Some((errors + 1, since));
        if errors + 1 == self.limiter.max_protocol_errors {
            let subnet = self.subnet;
            tracing::warn!(%subnet, "repeated HTTP/2 protocol errors; rejecting its connections for up to two seconds");
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut counts = self.limiter.counts();
        counts.connections -= 1;
        if let Some(of_subnet) = counts.by_subnet.get_mut(&self.subnet) {
            of_subnet.connections -= 1;
            if of_subnet.connections == 0 && of_subnet.protocol_errors.is_none() {
                counts.by_subnet.remove(&self.subnet);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(
        max_connections: usize,
        max_per_ip: usize,
        max_protocol_errors_per_ip: usize,
    ) -> ConnectionLimiter {
        ConnectionLimiter::new(&ConnectionLimits {
            max_connections,
            max_per_ip,
            max_protocol_errors_per_ip,
            ..ConnectionLimits::default()
        })
    }

    #[test]
    fn permits_are_counted_and_returned() {
        let limiter = limiter(3, 2, 0);
        let now = Instant::now();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let one = limiter.acquire(address("10.0.0.1"), now).unwrap();
        let two = limiter.acquire(address("::ffff:10.0.0.1"), now).unwrap();
        assert_eq!(limiter.acquire(address("10.0.0.1"), now).unwrap_err(), Rejection::LimitPerIp);
        let three = limiter.acquire(address("2001:db8::1"), now).unwrap();
        assert_eq!(limiter.acquire(address("10.0.0.2"), now).unwrap_err(), Rejection::LimitTotal);
        drop((one, three));
        let four = limiter.acquire(address("2001:db8::2"), now).unwrap();
        let five = limiter.acquire(address("2001:db8:0:0:1::"), now).unwrap();
        drop((two, four, five));
        assert!(limiter.counts().by_subnet.is_empty() && limiter.counts().connections == 0);
    }

    #[test]
    fn the_addresses_of_an_ipv6_subnet_count_as_one_client() {
        let limiter = limiter(10, 1, 0);
        let now = Instant::now();
        let _one = limiter.acquire("2001:db8::1".parse().unwrap(), now).unwrap();
        assert_eq!(
            limiter.acquire("2001:db8::ffff:2".parse().unwrap(), now).unwrap_err(),
            Rejection::LimitPerIp
        );
        assert!(limiter.acquire("2001:db8:0:1::1".parse().unwrap(), now).is_ok());
    }

    #[test]
    fn repeated_protocol_errors_ban_a_subnet_until_the_window_ends() {
        let limiter = limiter(10, 10, 3);
        let (hostile, other): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let now = Instant::now();
        let kept = limiter.acquire(hostile, now).unwrap();
        for _ in 0..3 {
            limiter.acquire(hostile, now).unwrap().record_protocol_error(now);
        }
        let late = now + PROTOCOL_ERROR_WINDOW - Duration::from_millis(1);
        assert_eq!(limiter.acquire(hostile, late).unwrap_err(), Rejection::Banned);
        assert!(limiter.acquire(other, late).is_ok());
        // A later error is the first of a new window.
        let later = now + PROTOCOL_ERROR_WINDOW;
        limiter.acquire(hostile, later).unwrap().record_protocol_error(later);
        assert!(limiter.acquire(hostile, later).is_ok());
        drop(kept);
        assert_eq!(limiter.counts().connections, 0);
    }

    #[test]
    fn remembered_subnets_are_bounded() {
        let limiter = limiter(10, 10, 3);
        let now = Instant::now();
        for number in 0..250_000 {
            let address = std::net::Ipv4Addr::from_bits(number).into();
            limiter.acquire(address, now).unwrap().record_protocol_error(now);
        }
        let remembered = limiter.counts().by_subnet.len();
        assert!(remembered <= MAX_SUBNETS + 1, "{remembered}");
    }
}
