//! Why bytes are not a commit, tag or tree that relhook reads.

use super::ArmorError;
use crate::types::{Oid, OidError};

/// What breaks the grammar. Everything taken from the object is escaped and cut short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// Larger than relhook reads.
    #[error("a {kind} of {size} bytes is larger than the {limit} that are read")]
    TooLarge {
        /// `commit` or `tag`.
        kind: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A NUL byte: git shows nothing after it, though it belongs to the object.
    #[error("holds a NUL byte")]
    Nul,
    /// A carriage return where none may stand.
    #[error("holds a carriage return in {place}")]
    CarriageReturn {
        /// `the headers` or `the signed content`.
        place: &'static str,
    },
    /// The headers do not end in a blank line.
    #[error("the headers do not end in a blank line")]
    NoBlankLine,
    /// A header line that is not a name, one space and a value.
    #[error("the header line `{line}` is not a name, a space and a value")]
    HeaderLine {
        /// The line.
        line: String,
    },
    /// A header that has to be there is not where it has to be.
    #[error("the header `{expected}` is missing: {found} stands in its place")]
    MissingHeader {
        /// The header.
        expected: &'static str,
        /// What stands there: a quoted name, or `the end of the headers`.
        found: String,
    },
    /// A header that the grammar knows, a second time or in another place than its own.
    #[error("the header `{header}` stands twice or out of its place")]
    HeaderPlace {
        /// The header.
        header: String,
    },
    /// A header that the grammar does not know.
    #[error("the header `{header}` is not one that relhook reads")]
    UnknownHeader {
        /// The header.
        header: String,
    },
    /// A continuation line after a header that has none.
    #[error("the header `{header}` goes on over several lines")]
    Continued {
        /// The header.
        header: String,
    },
    /// Not an object id.
    #[error("the header `{header}` does not hold an object id: {source}")]
    HeaderOid {
        /// The header.
        header: &'static str,
        /// Why not.
        source: OidError,
    },
    /// One parent twice.
    #[error("the parent {parent} stands twice")]
    DuplicateParent {
        /// The parent.
        parent: Oid,
    },
    /// More parents than relhook reads.
    #[error("more than {limit} parents")]
    TooManyParents {
        /// The limit.
        limit: usize,
    },
    /// An author, committer or tagger line that is not `name <email> seconds zone`.
    #[error("the `{header}` line is not well formed: {why}")]
    Ident {
        /// The header.
        header: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An encoding in which the bytes need not mean what they say.
    #[error("the encoding `{encoding}` is not one in which ASCII letters stay themselves")]
    Encoding {
        /// The encoding's name.
        encoding: String,
    },
    /// A signature that is not exactly one well-formed block.
    #[error("the signature is not one clean block: {0}")]
    Armor(#[from] ArmorError),
    /// A tag of something that is no object type.
    #[error("`{kind}` is not a type of object")]
    ObjectType {
        /// What stands there.
        kind: String,
    },
    /// A tag whose name is empty or holds control characters.
    #[error("the tag's name is empty or holds control characters")]
    TagName,
    /// A tree that ends inside an entry.
    #[error("the tree ends inside an entry")]
    TreeTruncated,
    /// A mode that git does not write.
    #[error("the tree entry `{name}` has the mode `{mode}`, which git does not write")]
    Mode {
        /// The entry's name.
        name: String,
        /// The mode.
        mode: String,
    },
    /// A name that no tree entry may have.
    #[error("the tree entry `{name}` {why}")]
    EntryName {
        /// The name.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// An entry whose object id is all zero.
    #[error("the tree entry `{name}` names no object")]
    EntryOid {
        /// The entry's name.
        name: String,
    },
    /// Entries that are not in git's order.
    #[error("the tree entry `{name}` is not in git's order")]
    Unsorted {
        /// The later entry's name.
        name: String,
    },
    /// One name twice, be it once a file and once a folder.
    #[error("the tree entry `{name}` stands twice")]
    DuplicateEntry {
        /// The name.
        name: String,
    },
    /// More entries than relhook reads.
    #[error("a tree of more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
}

/// The head of some bytes, escaped, for a message.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const LEN: usize = 80;
    match bytes.get(..LEN) {
        Some(head) if bytes.len() > LEN => format!("{}...", crate::types::escape(head)),
        Some(_) | None => crate::types::escape(bytes),
    }
}
