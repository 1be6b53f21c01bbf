//! Bytes that a fuzzer makes, for one of the decoders: `NEARBY_DECODER` says which.

#![no_main]

use std::sync::LazyLock;

static DECODER: LazyLock<nearby_server::fuzz_targets::Decoder> = LazyLock::new(|| {
    let name = std::env::var("NEARBY_DECODER").expect("NEARBY_DECODER names a decoder");
    nearby_server::fuzz_targets::decoder(&name).expect("there is a decoder of that name")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| DECODER(bytes));
