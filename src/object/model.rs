//! What the grammar gives: commits, tags, trees and the signatures that they carry.

use crate::types::Oid;

/// An author, committer or tagger line: a claim, never proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name, as it stands.
    pub name: Vec<u8>,
    /// What stands between `<` and `>`, as it stands; never empty.
    pub email: Vec<u8>,
    /// The claimed time in seconds since 1970; shown, never trusted.
    pub claimed_seconds: i64,
}

/// How a signature is encoded, by its first armor line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureFormat {
    /// `-----BEGIN PGP SIGNATURE-----`
    OpenPgp,
    /// `-----BEGIN SSH SIGNATURE-----`
    Ssh,
    /// `-----BEGIN SIGNED MESSAGE-----`
    X509,
}

/// One detached signature and exactly the bytes that it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureBlock {
    /// The encoding.
    pub format: SignatureFormat,
    /// The armored signature, from its first to its last armor line.
    pub armor: Vec<u8>,
    /// The bytes that git would verify it over.
    pub payload: Vec<u8>,
}

/// A commit that fits the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The tree.
    pub tree: Oid,
    /// The parents, in order, all different.
    pub parents: Vec<Oid>,
    /// The author line.
    pub author: Ident,
    /// The committer line.
    pub committer: Ident,
    /// The `gpgsig` header, if there is one.
    pub signature: Option<SignatureBlock>,
    /// Everything after the first blank line; holds no NUL.
    pub message: Vec<u8>,
}

/// The kinds of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A blob.
    Blob,
    /// An annotated tag.
    Tag,
}

/// An annotated tag that fits the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What it names.
    pub object: Oid,
    /// What it says that it names; the reader of the store checks it.
    pub kind: ObjectKind,
    /// The `tag` line.
    pub name: Vec<u8>,
    /// The tagger line.
    pub tagger: Ident,
    /// The message without the signature; holds no NUL and no CR where there is a signature.
    pub message: Vec<u8>,
    /// The signature at the end, if there is one.
    pub signature: Option<SignatureBlock>,
}

/// What a tree entry is, by its mode: the five modes that git writes and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeEntryKind {
    /// 040000
    Tree,
    /// 100644
    File,
    /// 100755
    Executable,
    /// 120000
    Symlink,
    /// 160000
    Submodule,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The kind, from the mode.
    pub kind: TreeEntryKind,
    /// The name: not empty, `.`, `..`, no `/`, no NUL, no spelling of `.git`.
    pub name: Vec<u8>,
    /// The object.
    pub oid: Oid,
}
