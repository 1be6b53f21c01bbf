//! A minimal gRPC client over HTTP/2.
//!
//! CPU time of the generator limits the load it can offer: a call through this client costs it a third of one through
//! tonic. Requests are sent as bytes encoded in advance, and responses are decoded only if they are verified.

mod call;
mod code;
mod framing;
mod pool;
mod stream;
mod target;

pub use self::{
    call::{Call, Path, Reply},
    code::Code,
    framing::encode_framed,
    pool::ConnectionPool,
    stream::Stream,
    target::{Target, TargetError},
};
