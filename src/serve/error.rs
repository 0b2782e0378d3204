//! Why a login gets no git.

/// Why a login gets no git: shown to the person who logged in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServeError {
    /// They asked for a shell.
    #[error("hello{login}, you are logged in: this account serves git, and has no shell")]
    NoShell {
        /// Who, behind a blank; empty where that is not said here.
        login: String,
    },
    /// The forced command gives no login that a policy could hold.
    #[error("`{shown}` is no login: 1 to 128 bytes without blanks or invisible characters")]
    Login {
        /// The text, escaped.
        shown: String,
    },
    /// The request is longer than any path.
    #[error("the request is longer than 8192 bytes")]
    TooLong,
    /// It is none of git's three programs.
    #[error("`{shown}` is not served: only git push, git fetch and git archive are")]
    NotGit {
        /// The request, escaped.
        shown: String,
    },
    /// What follows is not one path, quoted as git quotes.
    #[error("`{shown}`: what follows is not one path as git quotes it")]
    Quoting {
        /// The request, escaped.
        shown: String,
    },
    /// The path is not one below the root.
    #[error("the path `{shown}` {why}")]
    Path {
        /// The path, escaped.
        shown: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no repository at the path, or none that may be served.
    #[error("there is no repository `{shown}` here")]
    NoRepository {
        /// The path, escaped.
        shown: String,
    },
    /// The folder of the repositories cannot be used.
    #[error("the folder of the repositories, `{shown}`: {why}")]
    Root {
        /// The folder, escaped.
        shown: String,
        /// Why not.
        why: String,
    },
    /// sudo does not say, or not soundly, who called.
    #[error("it cannot be told whose account this is: {why}")]
    Account {
        /// Why not.
        why: String,
    },
    /// git could not be started.
    #[error("git could not be started: {why}")]
    NoGit {
        /// Why not.
        why: String,
    },
}

impl ServeError {
    /// What to do about it, without `hint:`.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoShell { .. } => "git clone <this host>:<repository>",
            Self::NotGit { .. } | Self::Quoting { .. } | Self::TooLong => {
                "use a plain git, without --receive-pack or --upload-pack"
            }
            Self::Path { .. } | Self::NoRepository { .. } => {
                "git remote -v shows what was asked for; an administrator knows what there is"
            }
            Self::Login { .. } | Self::Root { .. } => {
                "an administrator can mend the forced command in authorized_keys or sshd_config"
            }
            Self::Account { .. } => {
                "an administrator can compare sshd's ForceCommand and sudo's rule with \
                 docs/hosting/ssh-separate-accounts.md"
            }
            Self::NoGit { .. } => "an administrator can look whether git is installed",
        }
    }
}
