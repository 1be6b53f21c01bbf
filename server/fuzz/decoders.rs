//! Runs one fuzz target of the server, which `NEARBY_DECODER` names.

#![no_main]

use std::sync::LazyLock;

static DECODER: LazyLock<nearby_server::fuzz_targets::Decoder> = LazyLock::new(|| {
    let name = std::env::var("NEARBY_DECODER").expect("NEARBY_DECODER must name a target");
    nearby_server::fuzz_targets::decoder(&name).expect("NEARBY_DECODER names no target")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| DECODER(bytes));
