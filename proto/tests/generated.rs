//! Compiles `nearby/v1/*.proto` with protox and compares the result with the checked-in generated code, so that builds
//! need neither protoc nor a code generator.
//!
//! `NEARBY_REGENERATE=1 cargo test -p nearby-proto --test generated` rewrites the files after a change of the contract.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::{env, fs, path::Path};

use prost::Message;
use tonic_prost_build::FileDescriptorSet;

const PROTO_FILES: [&str; 6] = [
    "nearby/v1/cluster.proto",
    "nearby/v1/filter.proto",
    "nearby/v1/manage.proto",
    "nearby/v1/merchant.proto",
    "nearby/v1/search.proto",
    "nearby/v1/status.proto",
];

/// Responses that contain merchants, which the server sends pre-encoded: see `src/encoded.rs`.
const ENCODED_MESSAGES: [&str; 12] = [
    "BackUpMerchantsResponse",
    "BatchCreateMerchantsResponse",
    "BatchGetMerchantsResponse",
    "BatchSearchNearbyResponse",
    "BatchUpdateMerchantsResponse",
    "ExportMerchantsResponse",
    "ListMerchantsResponse",
    "Merchant",
    "SearchNearbyResponse",
    "StreamSearchNearbyResponse",
    "WatchMerchantsResponse",
    "WatchNearbyResponse",
];

const GENERATED_FILES: [&str; 4] =
    ["messages_and_clients.rs", "servers.rs", "json.rs", "file_descriptor_set.bin"];

/// Writes the four generated files to `out`.
fn generate(out: &Path) {
    let descriptors = protox::compile(PROTO_FILES, [env!("CARGO_MANIFEST_DIR")]).unwrap();
    let encoded = descriptors.encode_to_vec();
    fs::write(out.join("file_descriptor_set.bin"), &encoded).unwrap();

    tonic_prost_build::configure()
        // Sorted maps make the encoding of a merchant deterministic.
        .btree_map(".")
        .bytes(".")
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .extern_path(".google.protobuf.FieldMask", "crate::well_known::FieldMask")
        .build_server(false)
        .out_dir(out)
        .compile_fds(descriptors.clone())
        .unwrap();
    fs::rename(out.join("nearby.v1.rs"), out.join("messages_and_clients.rs")).unwrap();
    generate_servers(descriptors, out);
    fs::rename(out.join("nearby.v1.rs"), out.join("servers.rs")).unwrap();
    pbjson_build::Builder::new()
        .register_descriptors(&encoded)
        .unwrap()
        .btree_map([".nearby"])
        .out_dir(out)
        .build(&[".nearby"])
        .unwrap();
    fs::rename(out.join("nearby.v1.serde.rs"), out.join("json.rs")).unwrap();
}

/// Generates the service traits. They use the same messages as the client stubs, except for the pre-encoded responses.
fn generate_servers(descriptors: FileDescriptorSet, out: &Path) {
    let mut builder = tonic_prost_build::configure()
        .build_client(false)
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .extern_path(".google.protobuf.FieldMask", "crate::well_known::FieldMask")
        .extern_path(".nearby.v1", "crate::v1")
        .out_dir(out);
    for name in ENCODED_MESSAGES {
        builder =
            builder.extern_path(format!(".nearby.v1.{name}"), format!("crate::Encoded<crate::v1::{name}>"));
    }
    builder.compile_fds(descriptors).unwrap();
}

#[test]
fn generated_code_is_up_to_date() {
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated");
    if env::var_os("NEARBY_REGENERATE").is_some() {
        generate(&checked_in);
        return;
    }
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    for name in GENERATED_FILES {
        let [expected, found] =
            [fresh.path(), &checked_in].map(|folder| fs::read(folder.join(name)).unwrap());
        assert!(
            expected == found,
            "{name} is out of date: run NEARBY_REGENERATE=1 cargo test -p nearby-proto --test generated"
        );
    }
}

/// The part of the contract that the example of a mini program contains, so that its folder works anywhere.
const COPIED_FILES: [&str; 6] =
    ["filter.proto", "manage.proto", "merchant.proto", "search.proto", "service_config.json", "status.proto"];

#[test]
fn the_copy_of_the_contract_in_the_example_is_up_to_date() {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (contract, copy) =
        (proto.join("nearby/v1"), proto.join("../server/examples/mini-program/contract/nearby/v1"));
    for name in COPIED_FILES {
        if env::var_os("NEARBY_REGENERATE").is_some() {
            fs::copy(contract.join(name), copy.join(name)).unwrap();
        }
        let [expected, found] = [&contract, &copy].map(|folder| fs::read(folder.join(name)).unwrap());
        assert!(
            expected == found,
            "the copy of {name} is out of date: run NEARBY_REGENERATE=1 cargo test -p nearby-proto --test generated"
        );
    }
}
