//! Why a tag is not a statement that this server reads.

use crate::object::TrailerError;
use crate::types::Oid;

/// What breaks the format. Everything taken from the tag is escaped and cut short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The tag names something other than a commit.
    #[error("the tag says that it names a {kind}, not a commit")]
    NotACommit {
        /// `tree`, `blob` or `tag`.
        kind: &'static str,
    },
    /// Longer than relhook reads.
    #[error("the message of {size} bytes is longer than the {limit} that are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The message does not end in trailers.
    #[error(transparent)]
    Trailers(#[from] TrailerError),
    /// Something that reads like a statement's trailer above the last paragraph.
    #[error("the line `{line}` stands above the trailers, where it does not count")]
    Misplaced {
        /// The line.
        line: String,
    },
    /// The same key twice.
    #[error("the trailer `{key}` stands twice")]
    Duplicate {
        /// The key.
        key: String,
    },
    /// A key that no statement has.
    #[error("the trailer `{key}` does not belong to a statement")]
    Unknown {
        /// The key.
        key: String,
    },
    /// A key that every statement, or this decision, has to have.
    #[error("the trailer `{key}` is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A key that this decision must not have.
    #[error("the trailer `{key}` does not belong to a statement that says `{decision}`")]
    NotHere {
        /// The key.
        key: &'static str,
        /// The decision's word.
        decision: &'static str,
    },
    /// A version that this server does not know.
    #[error(
        "version `{version}` of the format is not known to this relhook, which reads version 1"
    )]
    Version {
        /// The version.
        version: String,
    },
    /// A decision that this server does not know.
    #[error("the decision `{word}` is not known to this relhook")]
    Decision {
        /// The word.
        word: String,
    },
    /// A value that is not in its key's form.
    #[error("`{value}` is not a value for `{key}`: {why}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// The trailers speak of another commit than the tag.
    #[error("the trailers speak of {stated}, the tag names {object}")]
    OtherCommit {
        /// The commit in the trailers.
        stated: Oid,
        /// The tag's object.
        object: Oid,
    },
    /// The tag's own name is not the one that its content asks for.
    #[error("the tag is named `{found}`, its content asks for `{expected}`")]
    TagName {
        /// The name.
        found: String,
        /// What it has to be.
        expected: String,
    },
    /// Text that cannot stand in a statement.
    #[error("the text cannot stand in a statement: {why}")]
    Text {
        /// What is wrong with it.
        why: &'static str,
    },
}
