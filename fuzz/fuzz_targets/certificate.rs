//! `cargo fuzz run certificate`: see `relhook_fuzz::certificate` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::certificate::holds(data));
