//! # Published contract
//!
//! Package `nearby.v1`: the generated messages, client stubs and service traits.
//! The `.proto` files of this crate are the source and carry the documentation: units, ranges, defaults, errors.
//!
//! | module | what it is |
//! |---|---|
//! | [`v1`] | messages and client stubs |
//! | [`server`] | service traits that a server implements |
//! | [`Encoded`] | a response that the server has already encoded |
//!
//! `src/generated` is checked in; `tests/generated.rs` compares it with the `.proto` files and regenerates it. Every message
//! also implements protobuf's canonical JSON through serde, which import files and `--json` output use.

mod encoded;

pub use self::encoded::Encoded;

/// Package `nearby.v1`.
pub mod v1 {
    #![allow(
        clippy::pedantic,
        clippy::restriction,
        clippy::all,
        missing_docs,
        unreachable_pub,
        rustdoc::all,
        reason = "generated code; its documentation is the .proto files"
    )]
    include!("generated/messages_and_clients.rs");
    include!("generated/json.rs");
}

/// Service traits. Responses that hold merchants are [`Encoded`].
pub mod server {
    #![allow(
        clippy::pedantic,
        clippy::restriction,
        clippy::all,
        missing_docs,
        unreachable_pub,
        rustdoc::all,
        reason = "generated code; its documentation is the .proto files"
    )]
    include!("generated/servers.rs");
}

/// `google.protobuf` types that implement canonical JSON.
pub use pbjson_types as well_known;

/// Names of gRPC's status codes, by number.
pub const CODE_NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The encoded `FileDescriptorSet` of the package, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/file_descriptor_set.bin");
