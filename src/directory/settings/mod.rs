//! What the settings file says: which directory, who in it, and which groups are which teams.

mod read;
#[cfg(test)]
mod tests;

use super::{DirectoryError, Kind};
use crate::types::{PersonName, TeamName};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest settings file, in bytes: what the reader of policies takes.
pub const MAX_SETTINGS_BYTES: usize = crate::policy::MAX_POLICY_BYTES;
/// The largest file of authorities, in bytes.
const MAX_CA_BYTES: u64 = 1 << 20;

/// What the settings file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the file lies: paths in it are relative to its folder.
    pub folder: PathBuf,
    /// The server.
    pub server: Server,
    /// What kind of server it has to be; whatever it says of itself if absent.
    pub kind: Option<Kind>,
    /// The authorities that its certificate is checked against; the machine's own if absent.
    pub ca: Option<PathBuf>,
    /// As whom to ask; anonymously if absent.
    pub bind: Option<Bind>,
    /// Below which entry the accounts are.
    pub base: String,
    /// Which entries there are accounts of people; the kind's usual ones if absent.
    pub filter: Option<String>,
    /// What stands in which attribute; the kind's usual ones where absent.
    pub attributes: AttributeNames,
    /// The groups that make up each team, by their names in the directory.
    pub teams: BTreeMap<TeamName, Vec<String>>,
    /// The logins of one human, under their name in the policy.
    pub one_human: BTreeMap<PersonName, Vec<String>>,
    /// People of the policy who are not in the directory and stay as they are.
    pub keep: BTreeSet<PersonName>,
    /// Logins, and names of entries, that are left out.
    pub leave_out: Vec<String>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
}

/// How a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (`ldaps://`).
    Tls,
    /// TLS before anything else is said (`ldap://`).
    StartTls,
    /// Not at all; the settings had to say so, and no password is sent.
    Plain,
}

/// As whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The entry's name, or whatever else the server takes for it.
    pub dn: String,
    /// The file with the password; a service manager keeps it if absent.
    pub password_file: Option<PathBuf>,
}

/// Attribute names that the settings give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributeNames {
    login: Option<Vec<String>>,
    email: Option<Vec<String>>,
    name: Option<String>,
    human: Option<String>,
}

/// What stands in which attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// Logins; the first is the main one.
    pub login: Vec<String>,
    /// Addresses.
    pub email: Vec<String>,
    /// What to call somebody.
    pub name: String,
    /// What accounts of one human have in common.
    pub human: String,
}

impl fmt::Display for Server {
    /// Its URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.security {
            Security::Tls => "ldaps",
            Security::StartTls | Security::Plain => "ldap",
        };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl Settings {
    /// What stands in which attribute on a server of this kind.
    #[must_use]
    pub fn attributes(&self, kind: Kind) -> Attributes {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let own = self.attributes.clone();
        let (login, email, name, human) = match kind {
            Kind::ActiveDirectory => (
                &["sAMAccountName", "userPrincipalName"][..],
                &["mail", "proxyAddresses"][..],
                "displayName",
                "employeeID",
            ),
            Kind::Ldap => (&["uid"][..], &["mail"][..], "cn", "employeeNumber"),
        };
        Attributes {
            login: own.login.unwrap_or_else(|| words(login)),
            email: own.email.unwrap_or_else(|| words(email)),
            name: own.name.unwrap_or_else(|| name.to_owned()),
            human: own.human.unwrap_or_else(|| human.to_owned()),
        }
    }

    /// Which entries are accounts of people on a server of this kind.
    #[must_use]
    pub fn filter(&self, kind: Kind) -> &str {
        let usual = match kind {
            Kind::ActiveDirectory => "(&(objectCategory=person)(objectClass=user))",
            Kind::Ldap => "(|(objectClass=inetOrgPerson)(objectClass=posixAccount))",
        };
        self.filter.as_deref().unwrap_or(usual)
    }

    /// A path of the file, from its folder.
    #[must_use]
    pub fn beside(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The file of authorities, read.
    pub(super) fn authorities(&self) -> Result<Option<Vec<u8>>, DirectoryError> {
        let Some(path) = &self.ca else {
            return Ok(None);
        };
        let path = self.beside(path);
        let mut bytes = Vec::new();
        let read = std::fs::File::open(&path)
            .and_then(|file| file.take(MAX_CA_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(Some(bytes)),
            Err(error) => Err(DirectoryError::File {
                path,
                why: error.to_string(),
            }),
        }
    }
}
