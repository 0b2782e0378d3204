//! The `ssh` program, for those that use it: nothing of the account's own `~/.ssh`, and no host
//! that the policy does not know by its key.
//!
//! ```text
//! <relhook>/release/<target>/ssh/   config   known_hosts
//! ```
//!
//! Programs are started in the target's folder, so that they name `ssh/config` without any blank
//! or other letter that they would take apart.

use super::credentials::Field;
use super::host::whole_keys;
use super::run::Job;
use super::{Credentials, ReleaseError, Shelves, program};
use crate::folder::{private_dir, replace_file};
use crate::policy::{SshLogin, SshProof};
use crate::secret::{self, Keeper};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The command line by which a program starts `ssh`, for programs that take it apart at blanks.
pub(in crate::release) const COMMAND: &str = "ssh -F ssh/config";

/// The name under which the settings know the host.
const ALIAS: &str = "relhook";

/// Writes the settings, and gives what the environment needs.
///
/// # Errors
/// When there is no `ssh`, no key, or one that cannot be used.
pub(in crate::release) fn prepare(
    job: &Job<'_>,
    host: &str,
    login: &SshLogin,
) -> Result<Vec<(OsString, OsString)>, ReleaseError> {
    program::find("ssh")?;
    let dir = job.desk.file("ssh");
    private_dir(&dir).map_err(ReleaseError::io(&dir))?;
    let credentials = Shelves::from_env(job.setting.folder).credentials(&job.order.target.name)?;
    let user = user(&credentials)?;
    let (proof, env) = match login.proof {
        SshProof::Key => {
            let key = quoted(&key(&credentials)?)?;
            (
                format!("IdentityFile {key}\nIdentityAgent none\n"),
                Vec::new(),
            )
        }
        SshProof::Agent => {
            credentials.only(&[Field::User])?;
            let socket = std::env::var_os("SSH_AUTH_SOCK").unwrap_or_default();
            let env = vec![("SSH_AUTH_SOCK".into(), socket)];
            (
                "IdentityFile none\nIdentityAgent SSH_AUTH_SOCK\n".to_owned(),
                env,
            )
        }
    };
    let known: String = whole_keys(host, login.port, &login.host_keys)?
        .iter()
        .map(|key| format!("{ALIAS} {key}\n"))
        .collect();
    let config = format!("{}{proof}", settings(host, login, &user));
    for (name, text) in [("known_hosts", known), ("config", config)] {
        let path = dir.join(name);
        replace_file(&path, text.as_bytes()).map_err(ReleaseError::io(&path))?;
    }
    Ok(env)
}

fn settings(host: &str, login: &SshLogin, user: &str) -> String {
    format!(
        "Host *\n\
         HostName {host}\nHostKeyAlias {ALIAS}\nPort {port}\nUser {user}\n\
         UserKnownHostsFile ssh/known_hosts\nGlobalKnownHostsFile /dev/null\n\
         StrictHostKeyChecking yes\nCheckHostIP no\nUpdateHostKeys no\nVerifyHostKeyDNS no\n\
         BatchMode yes\nIdentitiesOnly {only}\nPreferredAuthentications publickey\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         ForwardAgent no\nForwardX11 no\nClearAllForwardings yes\nPermitLocalCommand no\n\
         AddKeysToAgent no\nCanonicalizeHostname no\nRequestTTY no\nEscapeChar none\n\
         Compression no\nConnectTimeout 20\nServerAliveInterval 15\nServerAliveCountMax 4\n\
         ControlMaster no\nControlPath none\nLogLevel ERROR\n",
        port = login.port,
        only = match login.proof {
            SshProof::Key => "yes",
            SshProof::Agent => "no",
        },
    )
}

/// The account there: a name that ssh's settings take for nothing else.
fn user(credentials: &Credentials) -> Result<String, ReleaseError> {
    let user = credentials.need(Field::User)?.reveal();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
    match user.bytes().all(plain) && !user.starts_with('-') {
        true => Ok(user.to_owned()),
        false => Err(credentials.unusable(
            "`user=` is no account's name: ASCII letters, digits, `.`, `_`, `-`, `@`".into(),
        )),
    }
}

/// Where the private key is: a file of our own that nobody else can read.
fn key(credentials: &Credentials) -> Result<PathBuf, ReleaseError> {
    credentials.only(&[Field::User, Field::Key])?;
    let path = PathBuf::from(credentials.need(Field::Key)?.reveal());
    let fail = |why: String| ReleaseError::Credentials {
        path: path.clone(),
        why,
    };
    if !path.is_absolute() {
        return Err(credentials.unusable("`key=` is not an absolute path".into()));
    }
    match secret::private_text(&path, Keeper::Own).map_err(fail)? {
        Some(_) => Ok(path),
        None => Err(fail("it is not there".into())),
    }
}

/// A path as ssh's settings write it.
fn quoted(path: &Path) -> Result<String, ReleaseError> {
    let text = path.to_str().filter(|text| {
        let odd = |ch: char| ch.is_control() || "\"$\\".contains(ch);
        !text.contains(odd)
    });
    match text {
        Some(text) => Ok(format!("\"{}\"", text.replace('%', "%%"))),
        None => Err(ReleaseError::Credentials {
            path: path.to_owned(),
            why: "ssh cannot read a file with such a name".into(),
        }),
    }
}

/// What `ssh` says of the key that it refused: the fingerprint, where it tells that.
fn shown_key(text: &str) -> String {
    let word = |word: &&str| word.starts_with("SHA256:");
    let print = text.split_whitespace().find(word);
    match print.map(|print| print.trim_end_matches('.')) {
        Some(print) if print.bytes().all(|byte| byte.is_ascii_graphic()) => {
            format!("the key {print}")
        }
        Some(_) | None => "a key of another kind".into(),
    }
}

/// What the messages of `ssh` mean, if they are about the connection.
pub(in crate::release) fn fault(site: &str, messages: &[u8]) -> Option<ReleaseError> {
    let text = String::from_utf8_lossy(messages);
    let site = site.to_owned();
    let said = super::error::shown_end(messages);
    if text.contains("Host key verification failed") || text.contains("host key for") {
        Some(ReleaseError::HostKey {
            site,
            shown: shown_key(&text),
        })
    } else if text.contains("Permission denied (") || text.contains("Too many authentication") {
        Some(ReleaseError::Login { site, reply: said })
    } else {
        None
    }
}
