//! `cargo fuzz run tree`: see `relhook_fuzz::tree` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::tree::holds(data));
