//! The detached process that releases after a push has been answered.

use super::ReleaseError;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The worker's own log is begun anew when it has grown past this many bytes.
const LOG_LIMIT: u64 = 1024 * 1024;

/// The variables that a worker keeps. Everything else goes: git's (they name the quarantine),
/// and a web server's (they hold the pusher's password).
const KEPT: [&str; 11] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CREDENTIALS_DIRECTORY",
];

/// Where an ssh agent listens.
const AGENT: &str = "SSH_AUTH_SOCK";

/// What sshd sets for a login.
const LOGIN: &str = "SSH_CONNECTION";

/// Starts `relhook release --worker` for the repository and does not wait for it.
///
/// Its standard input is empty and its output goes to `worker.log` in relhook's folder: a worker
/// that held the push's own pipes would keep the push open until it ends.
///
/// # Errors
/// When the log cannot be opened or the program cannot be started.
pub fn spawn_worker(exe: &Path, git_dir: &Path) -> Result<(), ReleaseError> {
    let log_path = git_dir.join("relhook").join("release").join("worker.log");
    let log = open_log(&log_path).map_err(ReleaseError::io(&log_path))?;
    let errors = log.try_clone().map_err(ReleaseError::io(&log_path))?;
    // In a login by ssh it may be the agent that whoever pushed has forwarded, with their own keys.
    let agent = match std::env::var_os(LOGIN) {
        None => std::env::var_os(AGENT),
        Some(_) => None,
    };
    Command::new(exe)
        .args(["release", "--worker"])
        .current_dir(git_dir)
        .env_clear()
        .envs(
            KEPT.iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .envs(agent.map(|socket| (AGENT, socket)))
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        // The hook that started it ends at once, and the system takes the worker over.
        .map(drop)
        .map_err(ReleaseError::io(exe))
}

fn open_log(path: &Path) -> io::Result<std::fs::File> {
    if let Some(parent) = path.parent() {
        crate::folder::private_dir(parent)?;
    }
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    if log.metadata()?.len() > LOG_LIMIT {
        log.set_len(0)?;
    }
    Ok(log)
}

/// What the worker does first: a session of its own, so that neither the pusher's Ctrl-C nor the
/// end of their connection reaches it, and no core file that could hold a password.
///
/// # Errors
/// When the limit cannot be set. That the process leads a group already is none: then it was
/// started by hand.
pub fn detach() -> io::Result<()> {
    match rustix::process::setsid() {
        Ok(_) | Err(rustix::io::Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    forbid_core_files()
}

/// Sees to it that a crash leaves no copy of the memory behind.
///
/// # Errors
/// When the system says no.
pub fn forbid_core_files() -> io::Result<()> {
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: rustix::process::getrlimit(rustix::process::Resource::Core).maximum,
    };
    Ok(rustix::process::setrlimit(
        rustix::process::Resource::Core,
        none,
    )?)
}
