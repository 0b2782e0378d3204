//! `cargo fuzz run signature`: see `relhook_fuzz::signature` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::signature::holds(data));
