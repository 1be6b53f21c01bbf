//! Connections: limits, TLS, and the way each one ends. Knows no gRPC method and no tonic type.
//!
//! The server does not use tonic's own transport: it has no limit for stalled handshakes, for prefaces that never arrive or
//! for the connections of one client; it cuts a connection of a certain age without a GOAWAY that lets calls finish; and it
//! spins when the system is out of file descriptors. The listener here accepts sockets and hands each one to h2.
//!
//! ```text
//! listener ─→ connection_limits ─→ tls ─→ preface ─→ write_coalescing ─→ connection: http2, until it drains
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `listener` | the accept loop; takes one connection from its socket to its first request |
//! | `limits` | limits of connections, streams and HTTP/2 buffers, in one place |
//! | `connection_limits` | connections in all and per client subnet; short bans after early protocol errors |
//! | `tls` | TLS with certificates that reload while the server runs |
//! | `preface` | the HTTP/2 connection preface, with a timeout |
//! | `wrong_protocol` | the answer to clients that speak HTTP/1.1, or not the TLS of this port |
//! | `write_coalescing` | gathers the writes of one poll into one system call; applies `reset_limit`, `read_throttle` and `unread` |
//! | `reset_limit` | budget for streams that a peer resets |
//! | `read_throttle` | reads less often from connections whose requests are mostly rejected, or half of them shed |
//! | `length_prefix` | frame boundaries in a byte stream |
//! | `connection` | one connection: serves, drains, reports why it closed |
//! | `http2` | the requests and responses of an HTTP/2 connection |
//! | `http1` | one HTTP/1.1 connection, on the listener for browsers |
//! | `request_body` | the body of a request, over either |
//! | `stream_body` | that of a request over HTTP/2 |
//! | `message_limits` | size, time and memory limits of messages while they arrive |
//! | `unread` | bounds the responses that clients do not read, and the small frames of requests that the server has not read |
//! | `in_flight` | counts requests that have not finished |
//! | `peer` | the other end of a connection, in the extensions of its requests |

pub(crate) mod connection;
mod connection_limits;
mod http1;
pub(crate) mod http2;
pub(crate) mod in_flight;
mod length_prefix;
pub(crate) mod limits;
pub(crate) mod listener;
pub(crate) mod message_limits;
pub(crate) mod peer;
mod preface;
mod read_throttle;
pub(crate) mod request_body;
mod reset_limit;
mod stream_body;
pub(crate) mod tls;
pub(crate) mod unread;
mod write_coalescing;
mod wrong_protocol;

use std::{convert::Infallible, error::Error};

use http::{Request, Response};
use http_body::Body;
use hyper::body::Bytes;
use tower::Service;

use self::request_body::RequestBody;

/// A service that handles the requests of connections; each connection has a clone.
pub(crate) trait RequestService:
    Service<Request<RequestBody>, Response = Response<Self::ResponseBody>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
    /// The body of its responses.
    type ResponseBody: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;
}

impl<S, B> RequestService for S
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    type ResponseBody = B;
}
