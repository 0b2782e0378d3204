//! `cargo fuzz run keys`: see `relhook_fuzz::keys` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::keys::holds(data));
