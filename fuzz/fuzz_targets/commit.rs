//! `cargo fuzz run commit`: see `relhook_fuzz::commit` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::commit::holds(data));
