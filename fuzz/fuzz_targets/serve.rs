//! `cargo fuzz run serve`: see `relhook_fuzz::serve` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::serve::holds(data));
