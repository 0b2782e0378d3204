//! From an ssh login to git: what sshd starts instead of a shell.
//!
//! sshd has authenticated the client and says by a forced command who it is. What the client asks
//! for is read by a strict grammar and never by a shell, the environment is made anew, and git is
//! started in this process's place with the login in `RELHOOK_LOGIN`, where the hooks look for it.

mod account;
mod command;
mod environment;
mod error;
mod place;

pub use account::{account_environment, calling_account};
pub use command::{Request, Service};
pub use environment::environment;
pub use error::ServeError;
pub use place::{Place, Root};

use crate::types::Login;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The variable in which git's hooks find who logged in.
pub const LOGIN_VARIABLE: &str = "RELHOOK_LOGIN";

/// Becomes git for this login, which sshd has authenticated. Comes back only with what went wrong.
///
/// Without a login git gets none: then the policy's source has to be another, such as sshd's
/// `ExposeAuthInfo`. `requested` is what the client asked for, as sshd gives it; nothing where it asked for a shell.
/// `environment` is all that git is given beside the login: [`environment`], or
/// [`account_environment`] behind sudo.
pub fn serve(
    login: Option<&Login>,
    root: &Root,
    requested: Option<OsString>,
    environment: Vec<(OsString, OsString)>,
) -> ServeError {
    let login = login.map(Login::as_str);
    match prepare(login, root, requested) {
        Ok(mut git) => {
            git.env_clear().envs(environment).current_dir("/");
            git.envs(login.map(|login| (LOGIN_VARIABLE, login)));
            ServeError::NoGit {
                why: git.exec().to_string(),
            }
        }
        Err(error) => error,
    }
}

fn prepare(
    login: Option<&str>,
    root: &Root,
    requested: Option<OsString>,
) -> Result<Command, ServeError> {
    let Some(requested) = requested.filter(|text| !text.is_empty()) else {
        return Err(ServeError::NoShell {
            login: login.map_or_else(String::new, |login| format!(" {login}")),
        });
    };
    let request = Request::parse(requested.as_encoded_bytes())?;
    let place = root.find(&request.path)?;
    let mut git = Command::new("git");
    git.arg(request.service.subcommand()).arg(place.path());
    Ok(git)
}

/// The login, if it could be one that a policy holds.
///
/// # Errors
/// When it is empty, longer than 128 bytes, or holds blanks or characters that do not show.
pub fn login(text: &str) -> Result<Login, ServeError> {
    let plain = crate::types::escape(text.as_bytes()) == text;
    if text.is_empty() || text.len() > 128 || text.contains(char::is_whitespace) || !plain {
        return Err(ServeError::Login {
            shown: crate::types::escape(text.as_bytes()),
        });
    }
    Ok(Login::new(text))
}
