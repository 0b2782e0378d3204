//! The process that runs the hooks of one push: git's, which is their parent.

/// Names this program's parent so that no other process ever has the same name while the machine
/// runs: its number, and when it began. Nothing where the system does not say.
///
/// A server that runs its hooks through a program of its own has another parent for each; then
/// they name different processes, and nothing is concluded.
pub(super) fn parent() -> Option<String> {
    let parent = rustix::process::getppid()?.as_raw_nonzero();
    let stat = std::fs::read_to_string(format!("/proc/{parent}/stat")).ok()?;
    // The program's name is in brackets and may hold anything. Its beginning is the 22nd field,
    // and what follows the bracket is the third.
    let (_, fields) = stat.rsplit_once(')')?;
    Some(format!("{parent} {}", fields.split(' ').nth(20)?))
}
