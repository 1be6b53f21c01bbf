//! gRPC: the only room that knows of tonic and of wire types.
//!
//! | module | what it is |
//! |---|---|
//! | `search`, `manage` | the two services |
//! | `convert` | where wire types stop: checks, and values of the index |
//! | `splice` | answers put together from merchants that are encoded already |
//! | `streams` | answers that go on |
//! | `method` | what must be known of a method before its request is read |
//! | `guard`, `context` | who may call what; who asks |
//! | `admission`, `turns`, `pressure` | what is refused when there is too much to do; whether there is |
//! | `work`, `deadline` | how long a call may work, and who stops it |
//! | `status`, `explain` | where an error becomes a status |
//! | `under_way`, `measure` | which calls are not finished yet; how they end and how long they take |
//! | `panics` | calls whose handlers panic |
//! | `decoders` | requests, read and checked, for fuzzers |
//! | [`offline`] | searches without a server, for benches |
//! | `listen` | the services behind their layers, on a socket or on a pipe within the process |
//! | `transport` | connections: limits, TLS, and how they end |

pub(crate) mod convert;
pub(crate) mod fuzz_requests;
pub(crate) mod health;
pub(crate) mod in_process;
pub(crate) mod merchant_service;
pub(crate) mod method;
pub(crate) mod middleware;
pub(crate) mod nearby_service;
pub(crate) mod offload;
pub(crate) mod request_context;
pub(crate) mod response_encoder;
pub(crate) mod server;
pub(crate) mod status;
pub(crate) mod streaming;
