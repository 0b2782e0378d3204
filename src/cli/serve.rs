//! `relhook serve-key` and `relhook serve-account`: what sshd starts for somebody who logs in.

use super::{Answer, Exit};
use crate::serve::{self, Root, ServeError};
use crate::ui;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// What `relhook serve-key` is given.
#[derive(Debug, Args)]
#[command(after_help = "A line of authorized_keys:\n  \
    restrict,command=\"relhook serve-key dana --root /srv/git\" ssh-ed25519 AAAA... dana\n\n\
    docs/hosting/ssh-shared-account.md goes through it.")]
pub struct ServeKeyArgs {
    /// Whose key it is: one of the `logins` of a person of the policy. Only where the policy's
    /// source is `ssh-auth-info` can it be left out
    login: Option<String>,
    /// The folder below which repositories are served; where sshd starts it, the account's home
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// What `relhook serve-account` is given.
#[derive(Debug, Args)]
#[command(after_help = "sshd's ForceCommand, in sshd_config:\n  \
    sudo -n -u git relhook serve-account --root /srv/git \"$SSH_ORIGINAL_COMMAND\"\n\n\
    docs/hosting/ssh-separate-accounts.md goes through it, with sudo's rule.")]
pub struct ServeAccountArgs {
    /// The folder below which repositories are served
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// What the client asks for, as sshd gives it
    #[arg(value_name = "COMMAND", allow_hyphen_values = true)]
    requested: OsString,
}

impl ServeKeyArgs {
    /// Becomes git, or says why not.
    pub fn run(&self) -> Answer {
        let requested = std::env::var_os("SSH_ORIGINAL_COMMAND");
        let served = || {
            let login = self.login.as_deref().map(serve::login).transpose()?;
            let root = match &self.root {
                Some(root) => Root::open(root)?,
                None => Root::open(&here()?)?,
            };
            let environment = serve::environment(std::env::vars_os());
            Ok(serve::serve(login.as_ref(), &root, requested, environment))
        };
        refuse(&served().unwrap_or_else(|error| error))
    }
}

impl ServeAccountArgs {
    /// Becomes git, or says why not.
    pub fn run(&self) -> Answer {
        let served = || {
            let login = serve::calling_account(|name| std::env::var(name).ok())?;
            let root = Root::open(&self.root)?;
            let environment = serve::account_environment(std::env::vars_os())?;
            let requested = Some(self.requested.clone());
            Ok(serve::serve(Some(&login), &root, requested, environment))
        };
        refuse(&served().unwrap_or_else(|error| error))
    }
}

fn here() -> Result<PathBuf, ServeError> {
    std::env::current_dir().map_err(|error| ServeError::Root {
        shown: ".".to_owned(),
        why: error.to_string(),
    })
}

/// Says why on standard error, which the client shows; standard output belongs to git's protocol.
fn refuse(error: &ServeError) -> Answer {
    ui::emit_error(&format!("relhook: {error}\n  hint: {}\n", error.hint()));
    Answer {
        text: String::new(),
        exit: Exit::Refused,
    }
}
