//! relhook: arguments → command → exit code, and nothing else.

use clap::Parser;
use relhook::cli::{Cli, run, sentence};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A reader that went away is no reason to fail, or to panic half way.
    match run(&Cli::parse()) {
        Ok((text, code)) => {
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            ExitCode::from(code)
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "relhook: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}
