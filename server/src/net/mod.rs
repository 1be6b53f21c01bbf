//! Connections: who may have one, for how long, and how it ends.
//!
//! tonic's own server is not used for this. It sets no limit to handshakes that stall, to prefaces that never come or to
//! connections of one address; it cuts a connection of some age without a GOAWAY that lets calls end; and where the system
//! is out of file descriptors it spins. So sockets are taken in here, and each is handed to hyper.
//!
//! ```text
//! accept ─→ place (limits) ─→ tls ─→ preface ─→ gather ─→ connection: hyper, until it is told to leave
//! ```

pub(crate) mod connection;
pub(crate) mod connection_limits;
pub(crate) mod in_flight;
pub(crate) mod length_prefix;
pub(crate) mod listener;
pub(crate) mod message_limits;
pub(crate) mod preface;
pub(crate) mod read_throttle;
pub(crate) mod reset_limit;
pub(crate) mod tls;
pub(crate) mod write_coalescing;

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use tonic::body::Body;
use tower::Service;

use self::in_flight::CallsUnderWay;
pub(crate) use self::{
    connection::serve_one,
    connection_limits::household,
    listener::serve,
    message_limits::Unfinished,
    read_throttle::Excess,
    tls::{Tls, TlsError, TlsFiles},
};

/// What answers calls: cloned for each connection.
pub(crate) trait Answers:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Answers for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Who is at the other end of a connection: in the extensions of its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// Calls of this connection.
    pub(crate) calls: CallsUnderWay,
    /// What the server holds of requests that are not whole.
    pub(crate) unfinished: Unfinished,
    /// Whether its callers are refused for the most part.
    pub(crate) excess: Excess,
    /// Where it comes from; of one within the process nothing is known.
    pub(crate) address: Option<IpAddr>,
    /// The names in its certificate, if it has shown one.
    pub(crate) certificate: Arc<[String]>,
}

/// What connections may do.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Most at a time.
    pub most: usize,
    /// Most of one address (of one /64 for IPv6) at a time.
    pub most_an_address: usize,
    /// How many connections of one address may break the rules of HTTP/2 within two seconds, before it is held off for the rest
    /// of them; 0 holds nobody off.
    pub most_breaches: usize,
    /// How old one may become before it is told to leave; a tenth more or less, so that not all leave together.
    pub age: Duration,
    /// How long one may have no call before it is told to leave.
    pub idle: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            most: 10_000,
            most_an_address: 1_000,
            most_breaches: 10,
            age: Duration::from_secs(60 * 60),
            idle: Duration::from_secs(5 * 60),
        }
    }
}

/// How long a TLS handshake may take, and then how long the first bytes of HTTP/2.
const HANDSHAKE: Duration = Duration::from_secs(5);
const FIRST_BYTES: Duration = Duration::from_secs(5);
/// How long calls may go on after their connection was told to leave.
const GRACE: Duration = Duration::from_secs(5 * 60);
