//! Why the keys of a policy cannot be used.

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
}
