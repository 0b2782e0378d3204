//! What tests in several rooms need.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a program that a test runs. Another process does it: what other tests start meanwhile would inherit
/// the file as one that is still written to, and then it cannot be run.
#[track_caller]
pub(crate) fn write_program(path: &Path, text: &str) {
    let mut write = Command::new("sh");
    write
        .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
        .arg(path);
    let mut child = write.stdin(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
}
