//! `cargo fuzz run policy`: see `relhook_fuzz::policy` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::policy::holds(data));
