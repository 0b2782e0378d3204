//! The public key files beside the policy, and the policy together with them.

use super::Policy;
use crate::types::escape;
use std::collections::BTreeMap;

/// The most files that `keys/` may hold.
pub const MAX_KEY_FILES: usize = 512;
/// The largest key file, in bytes.
pub const MAX_KEY_FILE_BYTES: usize = 256 * 1024;
/// The most that all of `keys/` may hold, in bytes.
pub const MAX_KEY_BYTES: usize = 8 * 1024 * 1024;
/// The longest name of a key file, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// The policy's `keys/` folder, by file name: bounded in number and size, and flat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFiles {
    files: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

/// Why a file cannot be part of `keys/`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFilesError {
    /// The name is not plain: letters, digits, `.`, `_`, `-` and `+`, not beginning with a dot.
    #[error(
        "`keys/{shown}`: a key file's name has to be plain: ASCII letters, digits, `.`, `_`, `-`, `+`, `@`, at most 128 bytes, no dot in front, no folders"
    )]
    Name {
        /// The name, escaped.
        shown: String,
    },
    /// The same name twice.
    #[error("`keys/{shown}` is there twice")]
    Twice {
        /// The name, escaped.
        shown: String,
    },
    /// Too many files.
    #[error("`keys/` holds more than {MAX_KEY_FILES} files")]
    TooMany,
    /// One file is too large.
    #[error("`keys/{shown}` is larger than {MAX_KEY_FILE_BYTES} bytes")]
    FileTooLarge {
        /// The name, escaped.
        shown: String,
    },
    /// All files together are too large.
    #[error("`keys/` holds more than {MAX_KEY_BYTES} bytes")]
    TooLarge,
}

impl KeyFiles {
    /// An empty folder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one file. `name` is its name inside `keys/`, raw bytes.
    ///
    /// # Errors
    /// A name that is not plain, a file too many, or too many bytes; nothing is added then.
    pub fn insert(&mut self, name: &[u8], content: Vec<u8>) -> Result<(), KeyFilesError> {
        let shown = || escape(name.get(..MAX_NAME_BYTES).unwrap_or(name));
        let text = plain_name(name).ok_or_else(|| KeyFilesError::Name { shown: shown() })?;
        if self.files.contains_key(text) {
            return Err(KeyFilesError::Twice { shown: shown() });
        }
        if self.files.len() >= MAX_KEY_FILES {
            return Err(KeyFilesError::TooMany);
        }
        if content.len() > MAX_KEY_FILE_BYTES {
            return Err(KeyFilesError::FileTooLarge { shown: shown() });
        }
        if self.bytes + content.len() > MAX_KEY_BYTES {
            return Err(KeyFilesError::TooLarge);
        }
        self.bytes += content.len();
        self.files.insert(text.to_owned(), content);
        Ok(())
    }

    /// One file's content, by its name inside `keys/`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Every file, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The name as text, if it is plain.
pub(super) fn plain_name(name: &[u8]) -> Option<&str> {
    let plain = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.starts_with(b".")
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-+@".contains(byte));
    if plain {
        std::str::from_utf8(name).ok()
    } else {
        None
    }
}

/// A policy and the key files beside it, as one commit of the policy's branch holds them.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The policy.
    pub policy: Policy,
    /// Its `keys/` folder.
    pub keys: KeyFiles,
}

/// A file that a policy names and that is not beside it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{who} trusts `keys/{file}`, which is not there")]
pub struct MissingFile {
    /// The target, the notifier or the stream that names it, in words.
    pub who: String,
    /// Its name inside `keys/`.
    pub file: String,
}

impl Bundle {
    /// A policy with its key files.
    ///
    /// # Errors
    /// When the policy names a file that is not in `keys/`. Whether the people's keys are there is
    /// for the keyring to say, which reads them.
    pub fn new(policy: Policy, keys: KeyFiles) -> Result<Self, MissingFile> {
        let targets = policy.targets.values().filter_map(|target| {
            let file = target.kind.ca()?;
            Some((format!("the target `{}`", target.name), file))
        });
        let notifiers = policy.notify.iter().filter_map(|(name, notifier)| {
            let file = notifier.channel.ca()?;
            Some((format!("the notifier `{}`", name.as_str()), file))
        });
        let streams = policy.audit.streams.iter().filter_map(|(name, stream)| {
            let file = stream.place.ca()?;
            Some((format!("the stream `{}`", name.as_str()), file))
        });
        let missing = targets
            .chain(notifiers)
            .chain(streams)
            .find(|(_, file)| keys.get(file).is_none())
            .map(|(who, file)| MissingFile {
                who,
                file: file.to_owned(),
            });
        missing.map_or(Ok(Self { policy, keys }), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_sizes_bounded() {
        let mut keys = KeyFiles::new();
        keys.insert(b"dana.asc", b"x".to_vec()).unwrap();
        assert_eq!(keys.get("dana.asc"), Some(&b"x"[..]));
        for bad in [
            &b""[..],
            b".hidden",
            b"a/b",
            b"..",
            b"a b",
            b"a\n",
            b"\xff.asc",
            &[b'a'; 129],
        ] {
            assert!(matches!(
                keys.insert(bad, Vec::new()),
                Err(KeyFilesError::Name { .. })
            ));
        }
        assert!(matches!(
            keys.insert(b"dana.asc", Vec::new()),
            Err(KeyFilesError::Twice { .. })
        ));
        assert!(matches!(
            keys.insert(b"big", vec![0; MAX_KEY_FILE_BYTES + 1]),
            Err(KeyFilesError::FileTooLarge { .. })
        ));
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn the_folder_as_a_whole_is_bounded() {
        let mut many = KeyFiles::new();
        for index in 0..MAX_KEY_FILES {
            many.insert(format!("k{index}").as_bytes(), Vec::new())
                .unwrap();
        }
        assert_eq!(
            many.insert(b"more", Vec::new()),
            Err(KeyFilesError::TooMany)
        );
        let mut large = KeyFiles::new();
        for index in 0..MAX_KEY_BYTES / MAX_KEY_FILE_BYTES {
            large
                .insert(format!("k{index}").as_bytes(), vec![0; MAX_KEY_FILE_BYTES])
                .unwrap();
        }
        assert_eq!(large.insert(b"more", vec![0]), Err(KeyFilesError::TooLarge));
    }
}
