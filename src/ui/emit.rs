//! Writing to the terminal: never a panic, never an error that matters.

use std::io::Write;

/// Writes to standard output.
///
/// A reader that went away is no reason to stop half way, and certainly none to panic.
pub fn emit(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Writes to standard error, in the same way.
pub fn emit_error(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
