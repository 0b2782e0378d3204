//! What git needs to ask for signed pushes: a secret to make nonces with, and time to sign.

use super::Setting;
use crate::certificate::MIN_SEED_BYTES;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// git's setting for the secret.
pub(crate) const SEED: &str = "receive.certNonceSeed";
/// git's setting for the seconds that signing over http may take.
pub(crate) const SLOP: &str = "receive.certNonceSlop";
/// What it is set to where it is not set.
pub(crate) const SLOP_SECONDS: &str = "300";

/// Whether a secret is long enough that nobody guesses it.
pub(crate) fn is_strong(seed: &Setting) -> bool {
    let value = seed.value.as_deref().unwrap_or_default();
    value.len() >= MIN_SEED_BYTES
}

/// Whether others can read the file that holds the secret, by its mode and by its folder's.
///
/// # Errors
/// When the file cannot be looked at.
pub(crate) fn others_can_read(file: &Path) -> io::Result<bool> {
    let shut = |mode: u32| mode & 0o077 == 0;
    let of_the_folder = || {
        let folder = file.parent().map(std::fs::metadata);
        folder.is_some_and(|meta| meta.is_ok_and(|meta| meta.is_dir() && shut(meta.mode())))
    };
    Ok(!shut(std::fs::metadata(file)?.mode()) && !of_the_folder())
}
