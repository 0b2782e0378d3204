//! `cargo fuzz run tag`: see `relhook_fuzz::tag` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::tag::holds(data));
