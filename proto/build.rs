//! Compiles `nearby/v1/*.proto` with protox, so that nobody has to install protoc.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const FILES: [&str; 3] = ["nearby/v1/merchant.proto", "nearby/v1/search.proto", "nearby/v1/manage.proto"];

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
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .btree_map([".nearby"])
        .build(&[".nearby"])?;
    Ok(())
}
