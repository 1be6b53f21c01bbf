//! Fuzz target: runs the input bytes as a history and compares the index with a linear scan (`tests/model`).

#![no_main]

#[path = "../tests/model/mod.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    model::run(bytes);
});
