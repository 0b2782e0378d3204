//! What tests in several rooms need.

use std::path::Path;
use std::process::Command;

/// Writes a program that a test runs. Another process does it: what other tests start meanwhile would inherit
/// the file as one that is still written to, and then it cannot be run.
#[track_caller]
pub(crate) fn write_program(path: &Path, text: &str) {
    let write = "printf '%s' \"$1\" >\"$0\" && chmod 755 \"$0\"";
    let mut sh = Command::new("sh");
    let written = sh.args(["-c", write]).arg(path).arg(text).status();
    assert!(written.unwrap().success());
}
