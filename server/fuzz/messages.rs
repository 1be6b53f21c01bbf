//! Decodes messages of the replicated log.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nearby_cluster::fuzz_message(bytes));
