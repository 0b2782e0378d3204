//! Who pushes: the one source that the policy names, and no other.
//!
//! What the server supplies is read strictly: a login that is empty, long, not UTF-8 or that holds
//! control or invisible characters is nobody's. Variables that belong to another source are not
//! looked at.

mod auth_info;
mod forge;
mod login;
mod service_dir;
mod signed_push;
#[cfg(test)]
mod tests;

use crate::facts::Pusher;
use crate::policy::{IdentitySource, Policy};
pub(in crate::hook) use signed_push::{Presented, Push};

/// Reads a variable of the hook's environment.
pub(in crate::hook) type Get<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// What the source says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Identified {
    /// Who it is.
    pub pusher: Pusher,
    /// What the server supplied, escaped, for the log: whoever it belongs to.
    pub login: Option<String>,
    /// The raw bytes that show it, for the log's evidence, where there are any.
    pub evidence: Vec<Vec<u8>>,
}

impl Identified {
    /// A pusher without evidence.
    fn by(pusher: Pusher, login: Option<String>) -> Self {
        Self {
            pusher,
            login,
            evidence: Vec::new(),
        }
    }

    /// The source said nothing.
    fn missing(source: &str) -> Self {
        let source = source.to_owned();
        Self::by(Pusher::Missing { source }, None)
    }

    /// What the source said does not hold.
    fn refused(source: &str, why: impl Into<String>, login: Option<String>) -> Self {
        let (source, why) = (source.to_owned(), why.into());
        Self::by(Pusher::Refused { source, why }, login)
    }
}

/// Who pushes, by the source that the policy names and by the push's certificate, if it has one.
pub(in crate::hook) fn identify(
    policy: &Policy,
    presented: &Presented,
    get: Get<'_>,
) -> Identified {
    let told = match &policy.identity {
        IdentitySource::None => Identified::by(Pusher::NotAsked, None),
        IdentitySource::Variable(name) => login::from_variable(policy, name, get),
        IdentitySource::SshKey | IdentitySource::OsAccount => {
            login::from_variable(policy, "RELHOOK_LOGIN", get)
        }
        IdentitySource::Http => login::from_variable(policy, "REMOTE_USER", get),
        IdentitySource::Gitolite => login::from_variable(policy, "GL_USER", get),
        IdentitySource::Gitea => forge::gitea(policy, get),
        IdentitySource::Gitlab => forge::gitlab(policy, get),
        IdentitySource::SshAuthInfo => auth_info::identify(policy, get),
        IdentitySource::SignedPush => return signed_push::identify(presented),
    };
    signed_push::beside(told, presented)
}
