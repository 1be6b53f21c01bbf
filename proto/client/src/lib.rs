//! # How to ask
//!
//! A client of a Nearby server: one method an RPC, with the messages of the contract ([`v1`]), deadlines by default, and
//! retries where they are safe.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use nearby_client::{Client, v1::{CoordinateSystem, Position, SearchNearbyRequest}};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("127.0.0.1:50051").await?.with_deadline(Duration::from_millis(500));
//! let origin = Position {
//!     latitude: 60.1719,
//!     longitude: 24.9414,
//!     coordinate_system: CoordinateSystem::Wgs84.into(),
//!     ..Default::default()
//! };
//! let found = client.search_nearby(SearchNearbyRequest { origin: Some(origin), ..Default::default() }).await?;
//! for result in found.results {
//!     let merchant = result.merchant.unwrap_or_default();
//!     println!("{:.0} m  {}", result.distance_m, merchant.display_name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `client.rs` | [`Client`]: a connection, and the caller's deadline |
//! | `connect.rs` | how a connection is made, and [`ConnectError`] |
//! | `access.rs` | [`Access`]: TLS, and what is shown to be let in |
//! | `nearby_service.rs`, `merchant_service.rs` | the methods of the two services |
//! | `call.rs` | a call: its deadline, its attempts |
//! | `service_config.rs`, `method.rs` | what the published [`SERVICE_CONFIG`] says of each method |
//! | `retry.rs` | whether to ask again, and when |
//! | `write.rs` | the ids that make it safe to repeat changes |
//! | `codec.rs` | sends a request without giving it away |
//! | `pages.rs`, `response_stream.rs` | what comes in pieces: [`Pages`], [`Answers`] |
//! | `error.rs` | [`ClientError`]: a failure by code, reason, fields |
//!
//! # Deadlines
//!
//! A call takes as long as the service config allows, or as [`Client::with_deadline`] says: all its attempts and the
//! waits between them together. The server is told what is left of it (`grpc-timeout`). Streams of answers have none.
//!
//! # Retries
//!
//! Only UNAVAILABLE is tried again, with waits that grow, and not before the server wants it (`google.rpc.RetryInfo`).
//! A wait that the deadline has no room for is not begun: the caller has the error at once. A server whose disk has
//! failed (`STORE_READ_ONLY`) is not asked again.
//!
//! - **Reads** are tried again as the service config says.
//! - **Changes** have a deadline there but no `retryPolicy`. A server that has made a change may break before its answer
//!   arrives; sent again, the change would be made twice, or be refused as a conflict with itself. The contract's
//!   `request_id` makes it safe, but a service config cannot see whether a request has one. This client puts one into
//!   every change that has none, and so tries changes again as it does reads.
//! - **Streams**, the import among them, are never tried again: what has been sent of them is gone.
//!
//! Clients in other languages take the same rules from `proto/nearby/v1/service_config.json`: give it to the channel as
//! `grpc.service_config`. In Python and C++ a timeout of the config ends one to two seconds early, whatever the call asks for
//! (grpc/grpc#34547, measured with grpcio 1.85), and the server is not told of it: see `server/examples/search.py`.
//!
//! # What must never be
//!
//! A request in an error, a log or a `Debug`: it holds a user's position.

mod access;
mod call;
mod client;
mod codec;
mod connect;
mod error;
mod merchant_service;
mod method;
mod nearby_service;
mod pages;
mod response_stream;
mod retry;
mod service_config;
mod write;

pub use nearby_proto::v1;
pub use tonic::Code;

pub use self::{
    access::Access,
    client::Client,
    connect::ConnectError,
    error::{ClientError, Violation},
    pages::{Paged, Pages},
    response_stream::Answers,
    service_config::SERVICE_CONFIG,
};
