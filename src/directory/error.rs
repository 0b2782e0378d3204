//! Why a directory could not be read whole.

use super::Kind;
use std::path::PathBuf;

/// Why a directory could not be read whole. Everything in it is escaped; no password is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The file with the password, or with the authorities, cannot be used.
    #[error("{}: {why}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No connection, or none that is safe.
    #[error("no connection to {server}: {why}")]
    Connect {
        /// The server's URL.
        server: String,
        /// Why.
        why: String,
    },
    /// The connection broke, or an answer took too long.
    #[error("the connection to {server} broke: {why}")]
    Lost {
        /// The server's URL.
        server: String,
        /// Why.
        why: String,
    },
    /// The bind was refused.
    #[error("{server} refused the bind as `{dn}`: {why}")]
    Bind {
        /// The server's URL.
        server: String,
        /// As whom.
        dn: String,
        /// What it said.
        why: String,
    },
    /// A search was refused, or stopped half way.
    #[error("the search below `{base}` did not end: {why}")]
    Search {
        /// Where.
        base: String,
        /// What the server said.
        why: String,
    },
    /// The answer points at other servers.
    #[error("the search below `{base}` was answered in part only: the rest is at {elsewhere}")]
    Referral {
        /// Where.
        base: String,
        /// Where the rest is.
        elsewhere: String,
    },
    /// More than relhook reads.
    #[error("the search below `{base}` found more than {limit} {what}")]
    TooMuch {
        /// Where.
        base: String,
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An answer that is none.
    #[error("{server} answered something that is not readable: {what}")]
    Malformed {
        /// The server's URL.
        server: String,
        /// What.
        what: String,
    },
    /// The settings say that it is another kind of server.
    #[error("the settings say `kind: {said}`, and {server} does not say so of itself")]
    OtherKind {
        /// The server's URL.
        server: String,
        /// What the settings say.
        said: Kind,
    },
    /// There is nothing where people or a group should be.
    #[error("there is no `{dn}`, or it cannot be seen with these rights")]
    Nothing {
        /// Where.
        dn: String,
    },
    /// A member of a group that is not there.
    #[error(
        "`{member}` is in the group `{group}`, and there is no such entry, or it cannot be seen"
    )]
    Dangling {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// A group whose members are made up by a search of the server's.
    #[error("the group `{group}` is dynamic (memberURL): its members cannot be read safely")]
    Dynamic {
        /// The group.
        group: String,
    },
    /// Two ways to ask gave two answers.
    #[error("the members of `{group}` differ by how they are asked for: {what}")]
    Contradiction {
        /// The group.
        group: String,
        /// What differs.
        what: String,
    },
    /// Not one account.
    #[error("no account below `{base}` matches the filter")]
    Nobody {
        /// Where.
        base: String,
    },
}

impl DirectoryError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "name a file of mode 0600 that belongs to you",
            Self::Connect { .. } => {
                "look at `url` and `ca`: the server's certificate has to be for the name in the URL"
            }
            Self::Lost { .. } | Self::Malformed { .. } => {
                "nothing was changed: run it again, or look at the server"
            }
            Self::Bind { .. } => "look at `bind`: its dn, and the password in its file",
            Self::Search { .. } | Self::TooMuch { .. } => {
                "nothing was changed: narrow `base` or `filter`, or raise the server's limits for \
                 this account"
            }
            Self::Referral { .. } => {
                "name a `base` that this server holds alone; on Active Directory, the domain's own"
            }
            Self::OtherKind { .. } => "leave `kind` out: relhook finds out",
            Self::Nothing { .. } => "look at `base` and `teams`, and at the account's rights",
            Self::Dangling { .. } => {
                "take it out of the group, let the account see it, or put it under `leave-out`"
            }
            Self::Dynamic { .. } => "name a group with members of its own",
            Self::Contradiction { .. } => {
                "the directory may have changed meanwhile: run it again; else look at the rights"
            }
            Self::Nobody { .. } => "look at `base` and `filter`, and at the account's rights",
        }
    }
}
