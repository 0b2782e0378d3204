//! Why the keys of a policy cannot be used.

use crate::types::KeyFingerprint;

/// Why a keyring could not be made from a policy and its key files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// The cache folder is not ours alone, or could not be made.
    #[error("the keyring folder `{folder}` cannot be used: {why}")]
    Folder {
        /// The folder, escaped.
        folder: String,
        /// What is wrong with it.
        why: String,
    },
    /// A key file holds a key that the policy does not name.
    #[error("`keys/{file}` holds the key {key}, which the policy does not name")]
    ExtraKey {
        /// The file's name in `keys/`.
        file: String,
        /// The key's fingerprint.
        key: String,
    },
    /// The policy names a key that no key file holds.
    #[error("no file in `keys/` holds the key {key}, which the policy names")]
    MissingKey {
        /// The key.
        key: KeyFingerprint,
    },
    /// A key file that cannot be used.
    #[error("`keys/{file}` cannot be used: {why}")]
    KeyFile {
        /// The file's name in `keys/`.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// GnuPG could not do its part.
    #[error("GnuPG could not make the keyring: {why}")]
    Engine {
        /// What it said.
        why: String,
    },
}
