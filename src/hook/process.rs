//! The process that runs the hooks of one push: git's, which is their parent.

use std::io::Read;

/// Names this program's parent so that no other process ever has the same name while the machine
/// runs: its number, and when it began. Nothing where the system does not say.
///
/// A server that runs its hooks through a program of its own has another parent for each; then
/// they name different processes, and nothing is concluded.
pub(super) fn parent() -> Option<String> {
    let parent = rustix::process::getppid()?.as_raw_nonzero();
    let mut file = std::fs::File::open(format!("/proc/{parent}/stat")).ok()?;
    // One line, which the system gives whole.
    let mut line = [0; 1024];
    let length = file.read(&mut line).ok()?;
    let stat = String::from_utf8_lossy(line.get(..length)?);
    // The program's name is in brackets and may hold anything. Its beginning is the 22nd field,
    // and what follows the bracket is the third.
    let (_, fields) = stat.rsplit_once(')')?;
    Some(format!("{parent} {}", fields.split(' ').nth(20)?))
}
