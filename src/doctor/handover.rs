//! Root looks where only root may, and hands over: what git and the hooks would do is seen rightly
//! only by the account that they run as, and root runs nothing in a repository of somebody else's.

use super::outside::Outside;
use super::patient::{find, owner};
use super::{DoctorError, Options};
use crate::types::escape;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the repository's own account answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// Its answer.
    pub text: String,
    /// What it said was wrong, escaped.
    pub complaint: String,
    /// How it ended; nothing where a signal ended it.
    pub exit: Option<i32>,
}

/// Where root asks and the repository is another account's, runs `program` again as that account
/// with what root sees; `words` say how it is to answer. Nothing where there is no need.
///
/// # Errors
/// When there is no repository, or its account cannot run this program.
pub fn hand_over(
    dir: &Path,
    program: &Path,
    options: &Options,
    words: &[&str],
) -> Result<Option<HandedOver>, DoctorError> {
    let git_dir = find(dir)?;
    let account = owner(&git_dir)?;
    if !rustix::process::geteuid().is_root() || account.uid == 0 {
        return Ok(None);
    }
    let outside = Outside::gather(&account, options.sshd_config.as_deref());
    let failed = |why: String| DoctorError::CannotRun {
        account: account.shown(),
        program: program.to_owned(),
        why,
    };
    let outside = serde_json::to_vec(&outside).map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(["doctor", "--handed-over"]).args(words);
    for check in &options.checked {
        command.args(["--checked", check]);
    }
    let home = account
        .account
        .as_ref()
        .map(|account| account.home.as_path());
    command
        .arg(&git_dir)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", home.unwrap_or(Path::new("/nonexistent")))
        .uid(account.uid)
        .gid(account.gid)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        // What it has to say about a broken pipe, it says itself.
        let _ = input.write_all(&outside);
    }
    let said = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string()))?;
    Ok(Some(HandedOver {
        text: String::from_utf8_lossy(&said.stdout).into_owned(),
        complaint: escape(said.stderr.trim_ascii()),
        exit: said.status.code(),
    }))
}

/// What root saw.
///
/// # Errors
/// When it is not what root writes.
pub(in crate::doctor) fn read(text: &str) -> Result<Outside, DoctorError> {
    serde_json::from_str(text).map_err(|error| DoctorError::HandedOver {
        why: error.to_string(),
    })
}
