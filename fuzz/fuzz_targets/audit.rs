//! `cargo fuzz run audit`: see `relhook_fuzz::audit` for what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relhook_fuzz::audit::holds(data));
