//! Commits: `tree`, `parent`*, `author`, `committer`, [`encoding`], `mergetag`*, [`gpgsig`], in
//! this order, a blank line, the message. That is what git itself writes, and all that is read.

use super::error::ObjectError;
use super::header::{Header, Headers, read_oid};
use super::{Commit, SignatureBlock, armor, encoding, ident};
use crate::types::Oid;

/// The largest commit that is read, in bytes; messages and merged tags count.
pub const MAX_COMMIT_BYTES: usize = 1 << 20;

/// The headers of a commit, in their order.
const HEADERS: [&str; 7] = [
    "tree",
    "parent",
    "author",
    "committer",
    "encoding",
    "mergetag",
    "gpgsig",
];

/// The most parents that are read.
pub const MAX_PARENTS: usize = 64;

impl Commit {
    /// Reads a commit from its raw content.
    ///
    /// A header that git itself does not write (`gpgsig-sha256`, `change-id` and others) is
    /// refused: what a reader skips could say anything. Of an X.509, SSH or OpenPGP signature only
    /// the form is checked here.
    ///
    /// # Errors
    /// Everything that does not fit the grammar: see [`ObjectError`].
    pub fn parse(raw: &[u8]) -> Result<Self, ObjectError> {
        check_bytes("commit", raw, MAX_COMMIT_BYTES)?;
        let mut headers = Headers::new(raw, &HEADERS);
        let tree = headers.oid("tree")?;
        let parents = read_parents(&mut headers)?;
        let author = ident::parse("author", headers.one("author")?.value)?;
        let committer = ident::parse("committer", headers.one("committer")?.value)?;
        if let Some(header) = headers.maybe("encoding")? {
            encoding::check(header.value)?;
        }
        while headers.maybe_long("mergetag")?.is_some() {}
        let start = headers.taken();
        let signature = match headers.maybe_long("gpgsig")? {
            Some(header) => Some(read_signature(raw, start, &header)?),
            None => None,
        };
        Ok(Self {
            tree,
            parents,
            author,
            committer,
            signature,
            message: headers.message()?.to_vec(),
        })
    }
}

/// Checks what holds for a commit or tag as a whole.
pub(super) fn check_bytes(kind: &'static str, raw: &[u8], limit: usize) -> Result<(), ObjectError> {
    if raw.len() > limit {
        let size = raw.len();
        return Err(ObjectError::TooLarge { kind, size, limit });
    }
    if memchr::memchr(0, raw).is_some() {
        return Err(ObjectError::Nul);
    }
    Ok(())
}

fn read_parents(headers: &mut Headers<'_>) -> Result<Vec<Oid>, ObjectError> {
    let mut parents = Vec::new();
    while let Some(header) = headers.maybe("parent")? {
        let parent = read_oid("parent", &header)?;
        if parents.contains(&parent) {
            return Err(ObjectError::DuplicateParent { parent });
        }
        if parents.len() == MAX_PARENTS {
            return Err(ObjectError::TooManyParents { limit: MAX_PARENTS });
        }
        parents.push(parent);
    }
    Ok(parents)
}

/// The signature in the header that begins at `start`, and what it covers: the commit without it.
fn read_signature(
    raw: &[u8],
    start: usize,
    header: &Header<'_>,
) -> Result<SignatureBlock, ObjectError> {
    let mut block = header.joined();
    // The commits that GitHub signs have one empty continuation line behind the block.
    if block.ends_with(b"-----\n\n") {
        block.pop();
    }
    let format = armor::check(&block)?;
    let mut payload = Vec::with_capacity(raw.len());
    payload.extend_from_slice(raw.get(..start).unwrap_or_default());
    payload.extend_from_slice(raw.get(start + header.len..).unwrap_or_default());
    armor::check_payload(&payload)?;
    Ok(SignatureBlock {
        format,
        armor: block,
        payload,
    })
}
