//! The first policy: read, proved, and committed to its branch.

use super::InstallError;
use crate::policy::{
    Bundle, KEYS_FOLDER, KeyFiles, MAX_KEY_FILE_BYTES, MAX_POLICY_BYTES, POLICY_FILE, POLICY_REF,
    Policy,
};
use crate::setup::acting;
use crate::types::{Oid, escape};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A policy and its key files, as bytes and proved.
#[derive(Debug, Clone)]
pub(in crate::install) struct Seed {
    yaml: Vec<u8>,
    /// What the bytes mean.
    pub(in crate::install) bundle: Bundle,
}

/// Reads a policy and the folder of its keys, and proves that they work: the policy lints, somebody
/// can change it later, every file that it names is there, and every key can be used.
///
/// # Errors
/// When any of that does not hold.
pub(in crate::install) fn read(policy: &Path, keys: Option<&Path>) -> Result<Seed, InstallError> {
    let yaml = read_file(policy, MAX_POLICY_BYTES)?;
    let keys = keys.map_or_else(|| Ok(KeyFiles::new()), read_keys)?;
    let shown = escape(policy.as_os_str().as_bytes());
    let bad = |complaint: String| InstallError::BadPolicy { complaint };
    let parsed = Policy::parse(&yaml, &shown).map_err(|errors| bad(errors.to_string()))?;
    if let Some(why) = crate::policy::locks_out(&parsed) {
        return Err(bad(format!("nobody could ever change this policy: {why}")));
    }
    let bundle = Bundle::new(parsed, keys).map_err(|missing| bad(missing.to_string()))?;
    prove(&bundle).map_err(bad)?;
    Ok(Seed { yaml, bundle })
}

/// A policy file and the folder of its keys, sound and proved like one that is to be put in force.
///
/// # Errors
/// When it is not.
pub fn read_policy(policy: &Path, keys: Option<&Path>) -> Result<Bundle, InstallError> {
    read(policy, keys).map(|seed| seed.bundle)
}

/// Proves that the policy's keys can be used, in a folder that is gone afterwards.
///
/// # Errors
/// Why they cannot.
pub(crate) fn prove(bundle: &Bundle) -> Result<(), String> {
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    let home = builder.prefix("relhook-").permissions(private).tempdir();
    let home = home.map_err(|error| error.to_string())?;
    crate::signature::Keyring::build(&bundle.policy, &bundle.keys, home.path())
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// One byte more than `limit` is read, so that whoever takes the bytes sees that they are too many.
fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, InstallError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(InstallError::io(path))?;
    let read = file.take(limit as u64 + 1).read_to_end(&mut bytes);
    read.map_err(InstallError::io(path))?;
    Ok(bytes)
}

fn read_keys(dir: &Path) -> Result<KeyFiles, InstallError> {
    let mut keys = KeyFiles::new();
    for entry in std::fs::read_dir(dir).map_err(InstallError::io(dir))? {
        let path = entry.map_err(InstallError::io(dir))?.path();
        let bad = |why: String| InstallError::BadKeyFile {
            path: path.clone(),
            why,
        };
        let meta = std::fs::symlink_metadata(&path).map_err(InstallError::io(&path))?;
        if !meta.is_file() {
            return Err(bad("not a plain file".into()));
        }
        let name = path.file_name().unwrap_or_default().as_bytes();
        let content = read_file(&path, MAX_KEY_FILE_BYTES)?;
        keys.insert(name, content)
            .map_err(|error| bad(error.to_string()))?;
    }
    Ok(keys)
}

impl Seed {
    /// Whether `commit`, which holds `bundle`, holds exactly this policy and these keys.
    ///
    /// # Errors
    /// When its tree cannot be read.
    pub(in crate::install) fn is_held_by(
        &self,
        repository: &git2::Repository,
        commit: Oid,
        bundle: &Bundle,
    ) -> Result<bool, InstallError> {
        let commit = repository.find_commit(git2::Oid::from_bytes(commit.as_bytes())?)?;
        let tree = commit.tree()?;
        let held = tree.get_name(POLICY_FILE).map(|entry| entry.id());
        let given = git2::Oid::hash_object(git2::ObjectType::Blob, &self.yaml)?;
        Ok(held == Some(given) && bundle.keys == self.bundle.keys)
    }

    /// Commits this policy as the branch's first; the branch must not be there yet.
    ///
    /// # Errors
    /// When the objects or the ref cannot be written.
    pub(in crate::install) fn commit(
        &self,
        repository: &git2::Repository,
    ) -> Result<Oid, InstallError> {
        let mut top = repository.treebuilder(None)?;
        top.insert(POLICY_FILE, repository.blob(&self.yaml)?, 0o100_644)?;
        if !self.bundle.keys.is_empty() {
            let mut keys = repository.treebuilder(None)?;
            for (name, bytes) in self.bundle.keys.iter() {
                keys.insert(name, repository.blob(bytes)?, 0o100_644)?;
            }
            top.insert(KEYS_FOLDER, keys.write()?, 0o040_000)?;
        }
        let tree = repository.find_tree(top.write()?)?;
        let by = format!("relhook-init ({})", acting());
        let who = git2::Signature::now(&by, "relhook-init@localhost")?;
        let message = format!(
            "policy: the first policy of {}\n\nTaken in by `relhook init`, run as {}.\n",
            escape(self.bundle.policy.repository.0.as_bytes()),
            acting()
        );
        let commit = repository.commit(None, &who, &who, &message, &tree, &[])?;
        repository.reference(POLICY_REF, commit, false, "relhook init")?;
        Oid::from_bytes(commit.as_bytes()).map_err(|error| InstallError::Unreadable {
            why: error.to_string(),
        })
    }
}
