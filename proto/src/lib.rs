//! # What may be said
//!
//! The one published contract of Nearby, package `nearby.v1`, with the types and stubs generated from it.
//! The `.proto` files beside this crate are the source and carry the documentation: units, ranges, defaults, errors.
//!
//! | module | what it is |
//! |---|---|
//! | [`v1`] | the messages, and stubs that call a server |
//! | [`server`] | the traits that a server implements |
//! | [`Encoded`] | an answer that a server has written as bytes |
//!
//! All else is generated. Every message also speaks protobuf's canonical JSON through serde, which is what import files
//! and `--json` output use.

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
    tonic::include_proto!("nearby.v1");
    include!(concat!(env!("OUT_DIR"), "/nearby.v1.serde.rs"));
}

/// What a server implements. Answers that hold merchants are [`Encoded`].
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
    include!(concat!(env!("OUT_DIR"), "/server/nearby.v1.rs"));
}

/// `google.protobuf` types in the form that speaks canonical JSON.
pub use pbjson_types as well_known;

/// The encoded `FileDescriptorSet` of the package, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nearby.v1.descriptors.bin"));
