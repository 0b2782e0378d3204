//! Evidence: raw bytes kept under their own hash, so that an entry that names the hash proves them.

use super::{AuditError, Hash};
use crate::folder::{Lasting, private_dir, replace_file_lasting};
use std::path::Path;

/// The largest piece of evidence, in bytes.
const MAX_SIZE: usize = 4 << 20;

/// Keeps `bytes` below `dir` and says under which hash. The content is on disk when this returns;
/// the entry that names it syncs the folder.
pub(in crate::audit) fn keep(dir: &Path, bytes: &[u8]) -> Result<Hash, AuditError> {
    if bytes.len() > MAX_SIZE {
        return Err(AuditError::TooLong {
            size: bytes.len(),
            limit: MAX_SIZE,
        });
    }
    let hash = Hash::of(bytes);
    let path = dir.join(hash.as_str());
    // A file of this name was renamed into place whole, so its content is the hash's.
    if path.exists() {
        return Ok(hash);
    }
    private_dir(dir).map_err(AuditError::io(dir))?;
    replace_file_lasting(&path, bytes, Lasting::Whole).map_err(AuditError::io(&path))?;
    Ok(hash)
}

/// Whether the evidence of this hash is there and is what the hash says.
pub(in crate::audit) fn holds(dir: &Path, hash: &Hash) -> bool {
    read(dir, hash).is_ok()
}

/// The evidence of this hash.
pub(in crate::audit) fn read(dir: &Path, hash: &Hash) -> Result<Vec<u8>, AuditError> {
    let lost = || AuditError::Evidence { hash: hash.clone() };
    // What else a log may hold in its place names no file.
    if !hash.is_well_formed() {
        return Err(lost());
    }
    let bytes = std::fs::read(dir.join(hash.as_str())).map_err(|_| lost())?;
    if Hash::of(&bytes) == *hash {
        Ok(bytes)
    } else {
        Err(lost())
    }
}
