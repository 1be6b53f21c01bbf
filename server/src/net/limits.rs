//! Limits of connections and of HTTP/2, in one place.

use std::time::Duration;

/// Limits of connections that the operator sets.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Connections at a time.
    pub max_connections: usize,
    /// Connections of one client IP (one /64 for IPv6) at a time.
    pub max_per_ip: usize,
    /// Early protocol errors of one client IP within two seconds, after which its further connections are rejected until
    /// those two seconds end; 0 disables the ban.
    pub max_protocol_errors_per_ip: usize,
    /// Age after which a connection drains, up to a tenth more or less, so that clients do not all reconnect at once.
    pub max_age: Duration,
    /// Time without a request after which a connection drains.
    pub max_idle: Duration,
    /// Response bytes that clients have not read, in all connections.
    pub max_unread_bytes: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_per_ip: 1_000,
            max_protocol_errors_per_ip: 10,
            max_age: Duration::from_secs(60 * 60),
            max_idle: Duration::from_secs(5 * 60),
            max_unread_bytes: 512 * 1024 * 1024,
        }
    }
}

/// Limit for a TLS handshake, and then for the HTTP/2 preface.
pub(super) const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
pub(super) const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);
/// Limit for calls to finish once their connection drains.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// Limit for the GOAWAY of a connection that the server closes to reach the socket: the peer may read nothing.
pub(super) const GOAWAY_TIMEOUT: Duration = Duration::from_secs(1);

/// Concurrent streams of one connection.
pub(super) const MAX_CONCURRENT_STREAMS: u32 = 100;
/// Streams that a peer may reset before h2 hands them on: more than `reset_limit` lets pass, which does the counting.
pub(super) const MAX_PENDING_RESETS: usize = 20 * MAX_CONCURRENT_STREAMS as usize;
/// Streams that the server may have to reset because of what a peer sends ("MadeYouReset", CVE-2025-8671).
pub(super) const MAX_LOCAL_ERROR_RESETS: usize = 200;
/// Headers of a request have a few hundred bytes, and a JSON Web Token a few thousand.
pub(super) const MAX_HEADER_LIST_BYTES: u32 = 8 * 1024;
/// Flow-control windows: unread request bytes of one stream and of one connection.
pub(super) const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Response bytes of a stream that h2 holds at a time; the rest of a response stays in its body. They are not copied: more would only
/// save wake-ups of the stream's task, one per 64 KiB, which cost a hundredth of encoding them.
pub(super) const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// An HTTP/2 PING follows an interval without a new request, and the peer has to acknowledge it in time.
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
pub(super) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
