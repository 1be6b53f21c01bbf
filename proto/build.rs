//! Compiles `nearby/v1/*.proto` with protox, so that nobody has to install protoc.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use prost::Message;
use tonic_prost_build::FileDescriptorSet;

const FILES: [&str; 5] = [
    "nearby/v1/filter.proto",
    "nearby/v1/manage.proto",
    "nearby/v1/merchant.proto",
    "nearby/v1/search.proto",
    "nearby/v1/status.proto",
];

/// Answers that hold merchants. A server writes them as bytes: see `src/encoded.rs`.
const ENCODED: [&str; 12] = [
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

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=nearby");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let descriptors = protox::compile(FILES, ["."])?;
    let encoded = descriptors.encode_to_vec();
    fs::write(out.join("nearby.v1.descriptors.bin"), &encoded)?;

    tonic_prost_build::configure()
        // A map of sorted keys, so that one merchant always encodes to the same bytes.
        .btree_map(".")
        .bytes(".")
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .build_server(false)
        .compile_fds(descriptors.clone())?;
    compile_server(descriptors, &out.join("server"))?;
    pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .btree_map([".nearby"])
        .build(&[".nearby"])?;
    Ok(())
}

/// The traits that a server implements. They share the messages of the clients, but for the answers that it encodes
/// itself.
fn compile_server(descriptors: FileDescriptorSet, out: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(out)?;
    let mut builder = tonic_prost_build::configure()
        .build_client(false)
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .extern_path(".nearby.v1", "crate::v1")
        .out_dir(out);
    for name in ENCODED {
        builder =
            builder.extern_path(format!(".nearby.v1.{name}"), format!("crate::Encoded<crate::v1::{name}>"));
    }
    Ok(builder.compile_fds(descriptors)?)
}
