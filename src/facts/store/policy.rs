//! The policy and its keys, out of a commit's tree.

use super::Store;
use crate::facts::{Current, Fault};
use crate::object::{Commit, TreeEntry, TreeEntryKind, parse_tree};
use crate::policy::{
    Bundle, KEYS_FOLDER, KeyFiles, KeyFilesError, MAX_KEY_FILE_BYTES, MAX_KEY_FILES,
    MAX_POLICY_BYTES, MissingFile, POLICY_FILE, POLICY_REF, Policy, PolicyErrors, PolicyId,
};
use crate::types::{Oid, RefName, escape};

/// Why a commit holds no policy that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyReadError {
    /// The commit, its tree or a file in it could not be read.
    #[error("{0}")]
    Fault(Fault),
    /// The ref is not an ordinary one.
    #[error("{POLICY_REF} is not an ordinary branch: {why}")]
    OddRef {
        /// How.
        why: String,
    },
    /// Something that has to be there is not, or is something else.
    #[error("{path}: {why}")]
    Misplaced {
        /// The path in the tree.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The `keys/` folder does not hold what it may.
    #[error(transparent)]
    Keys(#[from] KeyFilesError),
    /// The policy names a file that is not in `keys/`.
    #[error(transparent)]
    MissingFile(#[from] MissingFile),
    /// The policy file has mistakes.
    #[error("{0}")]
    Invalid(#[from] PolicyErrors),
}

impl From<Fault> for PolicyReadError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl PolicyReadError {
    /// What the author of the policy can mend, a line each; nothing where the store is at fault.
    #[must_use]
    pub fn complaints(&self) -> Option<Vec<String>> {
        match self {
            Self::Fault(_) | Self::OddRef { .. } => None,
            Self::Misplaced { .. } | Self::Keys(_) | Self::MissingFile(_) => {
                Some(vec![self.to_string()])
            }
            Self::Invalid(errors) => Some(errors.lines()),
        }
    }
}

impl Store {
    /// The policy in force and the commit that holds it; nothing where its ref is not there.
    ///
    /// # Errors
    /// When the ref is not an ordinary branch, or what it names is no sound policy.
    pub fn policy(&self) -> Result<Option<(Oid, Bundle)>, PolicyReadError> {
        let name = RefName::new(POLICY_REF.as_bytes()).map_err(|error| Fault::Unreadable {
            why: error.to_string(),
        })?;
        match self.current(&name)? {
            Current::Absent => Ok(None),
            Current::At(oid) => Ok(Some((oid, self.policy_at(oid)?))),
            Current::Symbolic { target } => Err(PolicyReadError::OddRef {
                why: format!("it points at {target}"),
            }),
            Current::Unreadable { why } => Err(PolicyReadError::OddRef { why }),
        }
    }

    /// The policy that a commit holds: `policy.yaml` and the files of `keys/`; what else is in the
    /// tree does not matter.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn policy_at(&self, commit: Oid) -> Result<Bundle, PolicyReadError> {
        let bytes = self.commit_bytes(commit)?;
        let parsed = Commit::parse(&bytes).map_err(|error| Fault::Malformed {
            oid: commit,
            why: error.to_string(),
        })?;
        let root = self.entries(parsed.tree)?;
        let file = plain_file(&root, POLICY_FILE)?.ok_or_else(|| PolicyReadError::Misplaced {
            path: POLICY_FILE.to_owned(),
            why: "it is not there",
        })?;
        let yaml = self.capped(file, POLICY_FILE, MAX_POLICY_BYTES)?;
        let mut policy = Policy::parse(&yaml, POLICY_FILE)?;
        policy.id = Some(PolicyId(commit));
        let keys = self.keys(&root)?;
        Ok(Bundle::new(policy, keys)?)
    }

    fn keys(&self, root: &[TreeEntry]) -> Result<KeyFiles, PolicyReadError> {
        let mut keys = KeyFiles::new();
        let folder = root
            .iter()
            .find(|entry| entry.name == KEYS_FOLDER.as_bytes());
        let Some(folder) = folder else {
            return Ok(keys);
        };
        if folder.kind != TreeEntryKind::Tree {
            return Err(PolicyReadError::Misplaced {
                path: KEYS_FOLDER.to_owned(),
                why: "it is not a folder",
            });
        }
        let entries = self.entries(folder.oid)?;
        if entries.len() > MAX_KEY_FILES {
            return Err(KeyFilesError::TooMany.into());
        }
        for entry in &entries {
            let path = format!("{KEYS_FOLDER}/{}", escape(&entry.name));
            require_file(entry, &path)?;
            let content = self.capped(entry.oid, &path, MAX_KEY_FILE_BYTES)?;
            keys.insert(&entry.name, content)?;
        }
        Ok(keys)
    }

    fn entries(&self, tree: Oid) -> Result<Vec<TreeEntry>, Fault> {
        let bytes = self.tree_bytes(tree)?;
        parse_tree(&bytes).map_err(|error| Fault::Malformed {
            oid: tree,
            why: error.to_string(),
        })
    }

    fn capped(&self, blob: Oid, path: &str, limit: usize) -> Result<Vec<u8>, PolicyReadError> {
        match self.blob_bytes(blob, limit) {
            Err(Fault::TooLarge { .. }) => Err(PolicyReadError::Misplaced {
                path: path.to_owned(),
                why: "it is larger than relhook reads",
            }),
            other => Ok(other?),
        }
    }
}

fn plain_file(entries: &[TreeEntry], name: &str) -> Result<Option<Oid>, PolicyReadError> {
    let entry = entries.iter().find(|entry| entry.name == name.as_bytes());
    let Some(entry) = entry else {
        return Ok(None);
    };
    require_file(entry, name)?;
    Ok(Some(entry.oid))
}

fn require_file(entry: &TreeEntry, path: &str) -> Result<(), PolicyReadError> {
    match entry.kind {
        TreeEntryKind::File | TreeEntryKind::Executable => Ok(()),
        TreeEntryKind::Tree | TreeEntryKind::Symlink | TreeEntryKind::Submodule => {
            Err(PolicyReadError::Misplaced {
                path: path.to_owned(),
                why: "it is not a plain file",
            })
        }
    }
}
