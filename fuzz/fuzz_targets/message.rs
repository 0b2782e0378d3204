//! `cargo fuzz run message`: see `relhook_fuzz::message` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::message::holds(data));
