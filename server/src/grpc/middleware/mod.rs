//! Layers around the services; `grpc/server.rs` lists them in order.

pub(crate) mod auth;
pub(crate) mod catch_panic;
pub(crate) mod deadline;
pub(crate) mod error_details;
pub(crate) mod load_shed;
pub(crate) mod metrics;
