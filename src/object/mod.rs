//! Git objects, read from raw bytes by one strict grammar.
//!
//! git and libgit2 disagree about odd objects (two author headers, NULs, headers out of order),
//! so neither is asked: what does not fit the grammar here is refused. Nothing here does I/O.

mod model;

pub use model::{
    Commit, Ident, ObjectKind, SignatureBlock, SignatureFormat, Tag, TreeEntry, TreeEntryKind,
};
