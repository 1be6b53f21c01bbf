//! The other end of a connection.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use super::{
    in_flight::InFlight, message_limits::PendingBytes, read_throttle::ReadThrottle, unread::ConnectionUnread,
};

/// The other end of a connection, in the extensions of each of its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// Requests of this connection that have not finished.
    pub(crate) in_flight: InFlight,
    /// Bytes of incomplete messages, of this connection and of the whole server.
    pub(crate) pending_bytes: PendingBytes,
    /// Slows down reading when most requests of this connection are rejected.
    pub(crate) read_throttle: ReadThrottle,
    /// The data that one side has sent and the other has not read.
    pub(crate) unread: ConnectionUnread,
    /// `None` on an in-process pipe.
    pub(crate) address: Option<IpAddr>,
    /// Subject alternative names of the client certificate, if there is one.
    pub(crate) certificate_names: Arc<[String]>,
    /// The end of the validity of the client certificate, in seconds since 1970.
    pub(crate) certificate_expiry_s: Option<i64>,
}

/// The subnet that one client controls: the address itself for IPv4, the /64 for IPv6 (RFC 6177).
pub(crate) fn client_subnet(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}
