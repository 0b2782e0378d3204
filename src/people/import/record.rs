//! One identity as one source has it.

use crate::types::PersonName;

/// Where an identity is from; the most telling first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A person of the policy.
    Policy(PersonName),
    /// A line of a table.
    Table(u64),
    /// A line of a mailmap.
    Mailmap(u64),
    /// A line of an authors file.
    Authors(u64),
    /// So many places in so many commits of the history.
    History(u64),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Policy(name) => write!(f, "policy: {name}"),
            Self::Table(line) => write!(f, "table, line {line}"),
            Self::Mailmap(line) => write!(f, "mailmap, line {line}"),
            Self::Authors(line) => write!(f, "authors file, line {line}"),
            Self::History(times) => write!(f, "history, {times} times"),
        }
    }
}

/// One identity.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it is from.
    pub origin: Origin,
    /// The name that its source would give to the person in a policy.
    pub id: Option<String>,
    /// What the person is called.
    pub name: Option<String>,
    /// Addresses.
    pub emails: Vec<String>,
    /// Accounts on the git server.
    pub logins: Vec<String>,
    /// Accounts on the server that the history is from: they identify nobody to git.
    pub former: Vec<String>,
    /// Keys, as a policy writes them.
    pub keys: Vec<String>,
}

impl Record {
    /// Nothing yet.
    pub fn from(origin: Origin) -> Self {
        Self {
            origin,
            id: None,
            name: None,
            emails: Vec::new(),
            logins: Vec::new(),
            former: Vec::new(),
            keys: Vec::new(),
        }
    }
}

/// Bytes as text: UTF-8, or else Latin-1, which is what old histories are in.
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}
