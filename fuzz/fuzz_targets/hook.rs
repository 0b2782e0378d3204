//! `cargo fuzz run hook`: see `relhook_fuzz::hook` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::hook::holds(data));
