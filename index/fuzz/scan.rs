//! Bytes that a fuzzer makes, run as a history and compared with a linear scan: see `tests/model`.

#![no_main]

#[path = "../tests/model/mod.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    model::run(bytes);
});
