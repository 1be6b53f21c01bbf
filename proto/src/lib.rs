//! # gRPC contract
//!
//! Package `nearby.v1`: the generated messages, client stubs and service traits.
//! The `.proto` files of this crate are the source and carry the documentation: units, ranges, defaults, errors.
//!
//! | item | contents |
//! |---|---|
//! | [`v1`] | messages and client stubs |
//! | [`server`] | service traits for server implementations |
//! | [`Encoded`] | a pre-encoded response |
//! | [`CODE_NAMES`] | the names of the gRPC status codes |
//!
//! `src/generated` is checked in; `tests/generated.rs` compares it with the `.proto` files and regenerates it. Every
//! message also implements the canonical protobuf JSON mapping through serde, which import files and `--json` output
//! use.

mod encoded;
mod field_mask;

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

/// Service traits. Responses that contain merchants are [`Encoded`].
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

/// `google.protobuf` types that implement the canonical JSON mapping.
pub mod well_known {
    pub use pbjson_types::*;

    pub use crate::field_mask::FieldMask;
}

/// Encoded `FileDescriptorSet` of the package, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/file_descriptor_set.bin");

/// Names of the gRPC status codes as the specification spells them, indexed by code number.
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

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::CODE_NAMES;

    #[test]
    fn code_names_are_indexed_by_code_number() {
        for (number, name) in (0..).zip(CODE_NAMES) {
            let code = Code::from_i32(number);
            assert_eq!(code as i32, number);
            assert_eq!(format!("{code:?}").to_ascii_uppercase(), name.replace('_', ""));
        }
    }
}
