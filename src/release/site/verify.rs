//! Whether a file on the site holds what was sent.

use super::session::Session;
use crate::policy::Verify;
use crate::release::{Content, ReleaseError};
use crate::types::hex;
use sha2::{Digest, Sha256};

/// What is wrong with the content of a file that has the right size, as far as the site and the depth
/// let it be told: by the hash that the site computes, or, deep, by reading it back.
pub(super) fn other_content(
    session: &mut dyn Session,
    depth: Verify,
    name: &str,
    wanted: &Content,
) -> Result<bool, ReleaseError> {
    is_other(session, depth, name, &wanted.sha256, wanted.size)
}

/// The same of a content with this hash and size.
pub(super) fn is_other(
    session: &mut dyn Session,
    depth: Verify,
    name: &str,
    sha256: &str,
    size: u64,
) -> Result<bool, ReleaseError> {
    let found = match depth {
        Verify::Quick => session.digest(name)?,
        Verify::Deep => Some(read_back(session, name, size)?),
    };
    Ok(found.is_some_and(|found| !found.eq_ignore_ascii_case(sha256)))
}

/// The SHA-256 of what the site gives for a file of this size.
pub(super) fn read_back(
    session: &mut dyn Session,
    name: &str,
    size: u64,
) -> Result<String, ReleaseError> {
    let bytes = session.get(name, size)?;
    Ok(hex(&Sha256::digest(&bytes)))
}
