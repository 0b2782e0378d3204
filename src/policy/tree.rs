//! What writers of people need of the strict reader: the tree of a file, and whether a piece of
//! text may stand in it.

use super::complaint::Complaints;
use super::yaml::Node;
use super::{PolicyErrors, fields, key, text, values, yaml};

/// What a piece of text would be in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The name under which a person or a team stands.
    Name,
    /// What a person is called in reports.
    FullName,
    /// An address.
    Email,
    /// An account.
    Login,
    /// A public key.
    Key,
}

impl Part {
    /// Its name in a sentence.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::FullName => "full name",
            Self::Email => "e-mail",
            Self::Login => "login",
            Self::Key => "key",
        }
    }
}

/// The tree of a file that need not be a whole policy yet.
///
/// # Errors
/// What the strict reader says against it.
pub(super) fn tree(bytes: &[u8], file: &str) -> Result<Node, PolicyErrors> {
    let mut complaints = Complaints::about(file);
    let root =
        text::read(bytes, &mut complaints).and_then(|text| yaml::read(text, &mut complaints));
    complaints.judge(root)
}

/// Whether the policy would take `text` there.
///
/// # Errors
/// What it says against it, as the rest of a sentence; the text itself is not repeated.
pub(crate) fn fits(part: Part, text: &str) -> Result<(), String> {
    if let Some(odd) = text.chars().find(|ch| fields::is_odd(*ch)) {
        return Err(format!("holds the character U+{:04X}", u32::from(odd)));
    }
    match part {
        Part::Name => values::name(text),
        Part::FullName => values::full_name(text),
        Part::Email => values::email(text),
        Part::Login => values::login(text),
        Part::Key => key::read(text)
            .map(|_| ())
            .map_err(|error| error.to_string()),
    }
}
