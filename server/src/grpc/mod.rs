//! gRPC: the services and their middleware. Only this module, `app` and `cli` know tonic, and only this one and `cli` know wire
//! types.
//!
//! | module | contents |
//! |---|---|
//! | `server` | all layers in order, and the services inside them |
//! | `middleware` | one file per layer |
//! | `method` | what the layers must know of a method before its request is read |
//! | `nearby_service`, `merchant_service`, `cluster_service` | the handlers |
//! | `charges`, `cost` | the account of a call, and the costs that are charged to it |
//! | `request_bounds` | bounds the messages within a request before it is decoded |
//! | `request_context` | principal, roles, deadline and audit record of a call, for its handler |
//! | `convert` | checks wire types and converts them to values of the index and the commit thread |
//! | `offload` | runs long searches on a blocking thread |
//! | `response_encoder` | responses from merchants that are stored encoded |
//! | `streaming` | streaming responses |
//! | `unknown_method` | the error of a call to a method that does not exist |
//! | `status` | converts errors to statuses with details |
//! | `health` | `grpc.health.v1` |
//! | `in_process` | a connection within the process |
//! | `fuzz_requests` | entry points of the fuzzers |

pub(crate) mod charges;
pub(crate) mod cluster_service;
pub(crate) mod convert;
pub(crate) mod cost;
pub(crate) mod fuzz_requests;
pub(crate) mod health;
pub(crate) mod in_process;
pub(crate) mod merchant_service;
pub(crate) mod method;
pub(crate) mod middleware;
pub(crate) mod nearby_service;
pub(crate) mod offload;
pub(crate) mod request_bounds;
pub(crate) mod request_context;
pub(crate) mod response_encoder;
pub(crate) mod server;
pub(crate) mod status;
pub(crate) mod streaming;
pub(crate) mod unknown_method;
