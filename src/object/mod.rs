//! Git objects, read from raw bytes by one strict grammar.
//!
//! git and libgit2 disagree about odd objects (two author headers, NULs, headers out of order),
//! so neither is asked: what does not fit the grammar here is refused. Nothing here does I/O.

mod armor;
mod co_author;
mod commit;
mod encoding;
mod error;
mod header;
mod ident;
mod model;
mod name;
mod signed;
mod tag;
mod trailer;
mod tree;

pub use armor::{ArmorError, MAX_SIGNATURE_BYTES};
pub use co_author::{CoAuthor, co_authors};
pub use commit::{MAX_COMMIT_BYTES, MAX_PARENTS};
pub use error::ObjectError;
pub use model::{
    Commit, Ident, ObjectKind, SignatureBlock, SignatureFormat, Tag, TreeEntry, TreeEntryKind,
};
pub use tag::MAX_TAG_BYTES;
pub use trailer::{Trailer, TrailerError, Trailers, split_last_paragraph, trailers};
pub use tree::{MAX_TREE_ENTRIES, TreeEntries, TreeEntryRef, parse_tree, tree_entries};

pub(crate) use armor::begins_block;
pub(crate) use co_author::reads_like;
pub(crate) use error::shown;
pub(crate) use signed::split_signature;

#[cfg(test)]
mod tests;
