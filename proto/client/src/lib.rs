//! # Client
//!
//! Client of a Nearby server: one method per RPC, with the messages of the contract ([`v1`]), deadlines by default, and
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
//! | file | contents |
//! |---|---|
//! | `client.rs` | [`Client`]: a connection and its settings |
//! | `connect.rs` | connection setup, and [`ConnectError`] |
//! | `access.rs` | [`Access`]: credentials and trusted certificate authorities |
//! | `nearby_service.rs`, `merchant_service.rs`, `cluster_service.rs` | methods of the services |
//! | `call.rs` | execution of a call: deadline, attempts, delays |
//! | `service_config.rs`, `method.rs` | timeout and retry policy of each method, from the published [`SERVICE_CONFIG`] |
//! | `retry.rs` | retry decisions: which errors, after which delay |
//! | `write.rs` | request ids, which make writes idempotent |
//! | `codec.rs` | encoding from a shared request |
//! | `pages.rs`, `response_stream.rs` | paged and streamed responses: [`Pages`], [`ResponseStream`] |
//! | `error.rs` | [`ClientError`]: code, reason and invalid fields |
//!
//! # Deadlines
//!
//! The deadline of a call is the timeout of the service config, or that of [`Client::with_deadline`]. It includes all
//! attempts and the delays between them. Each attempt sends the time remaining to the server (`grpc-timeout`). Streams
//! of responses have no deadline.
//!
//! # Retries
//!
//! Only UNAVAILABLE is retried, with exponential backoff and not before the delay in `google.rpc.RetryInfo`. If the
//! delay exceeds the time remaining, the call returns the error immediately. `STORE_READ_ONLY` and `CLUSTER_FAULT`,
//! UNAVAILABLE that last until an operator acts, are not retried. RESOURCE_EXHAUSTED is not retried either: the sizes
//! `MESSAGE_TOO_LARGE` and `RESPONSE_TOO_LARGE` do not change with time.
//!
//! - **Reads** are retried as the service config says.
//! - **Writes** have a timeout in the service config but no `retryPolicy`. A server can apply a write and fail before its
//!   response arrives; a second attempt would apply it twice, or conflict with the first. The `request_id` of the contract
//!   makes writes idempotent, but a service config cannot see whether a request has one. This client adds one to every
//!   write without, and so retries writes like reads.
//! - **Streams**, including the import, are never retried: messages taken from the stream cannot be sent again.
//!
//! Clients in other languages can use the same policies: pass `proto/nearby/v1/service_config.json` to the channel as
//! `grpc.service_config`. In Python and C++, timeouts of the config end one to two seconds early, regardless of the
//! timeout of the call (grpc/grpc#34547, measured with grpcio 1.85), and are not sent to the server: see
//! `server/examples/search.py`.
//!
//! # Invariant
//!
//! Errors, logs and `Debug` output never contain a request, because it contains the position of a user.

mod access;
mod call;
mod causes;
mod client;
mod cluster_service;
mod codec;
mod connect;
mod error;
mod http_error;
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
    access::{Access, InvalidApiKey},
    client::Client,
    connect::ConnectError,
    error::{ClientError, Violation},
    pages::{PagedRequest, Pages},
    response_stream::ResponseStream,
    service_config::SERVICE_CONFIG,
};
