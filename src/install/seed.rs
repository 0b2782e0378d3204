//! The first policy: read, proved, and committed to its branch.

use super::{InstallError, account};
use crate::policy::{
    KEYS_FOLDER, KeyFiles, MAX_KEY_FILE_BYTES, MAX_POLICY_BYTES, POLICY_FILE, POLICY_REF, Policy,
};
use crate::types::{Oid, escape};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A policy and its key files, as bytes and proved.
#[derive(Debug, Clone)]
pub(in crate::install) struct Seed {
    yaml: Vec<u8>,
    keys: KeyFiles,
    /// What the bytes mean.
    pub(in crate::install) policy: Policy,
}

/// Reads a policy and the folder of its keys, and proves that they work: the policy lints, somebody
/// can change it later, and every key can be used.
///
/// # Errors
/// When any of that does not hold.
pub(in crate::install) fn read(policy: &Path, keys: Option<&Path>) -> Result<Seed, InstallError> {
    let yaml = read_file(policy, MAX_POLICY_BYTES)?;
    let keys = keys.map_or_else(|| Ok(KeyFiles::new()), read_keys)?;
    let shown = escape(policy.as_os_str().as_bytes());
    let parsed = Policy::parse(&yaml, &shown).map_err(|errors| InstallError::BadPolicy {
        complaints: vec![errors.to_string()],
    })?;
    prove(&parsed, &keys)?;
    Ok(Seed {
        yaml,
        keys,
        policy: parsed,
    })
}

fn prove(policy: &Policy, keys: &KeyFiles) -> Result<(), InstallError> {
    let bad = |complaint: String| InstallError::BadPolicy {
        complaints: vec![complaint],
    };
    if let Some(why) = crate::policy::locks_out(policy) {
        return Err(bad(format!("nobody could ever change this policy: {why}")));
    }
    crate::policy::Bundle::new(policy.clone(), keys.clone())
        .map_err(|missing| bad(missing.to_string()))?;
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    let home = builder.prefix("relhook-").permissions(private).tempdir();
    let home = home.map_err(InstallError::io(&std::env::temp_dir()))?;
    crate::signature::Keyring::build(policy, keys, home.path())
        .map(|_| ())
        .map_err(|error| bad(error.to_string()))
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

/// The commit that the policy's branch names, if there is one.
///
/// # Errors
/// When it cannot be read or is not a commit.
pub(in crate::install) fn in_force(
    repository: &git2::Repository,
) -> Result<Option<git2::Commit<'_>>, InstallError> {
    match repository.find_reference(POLICY_REF) {
        Ok(reference) => {
            let direct = reference.target().ok_or_else(|| InstallError::Unreadable {
                why: format!("{POLICY_REF} is a symbolic ref"),
            })?;
            Ok(Some(repository.find_commit(direct)?))
        }
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The policy that a commit of the policy's branch holds.
///
/// # Errors
/// When it holds none, or one that is not sound.
pub(in crate::install) fn policy_of(
    repository: &git2::Repository,
    commit: &git2::Commit<'_>,
) -> Result<Policy, InstallError> {
    let unreadable = |why: String| InstallError::Unreadable { why };
    let tree = commit.tree()?;
    let entry = tree
        .get_name(POLICY_FILE)
        .ok_or_else(|| unreadable(format!("{POLICY_FILE} is not there")))?;
    let (size, _) = repository.odb()?.read_header(entry.id())?;
    if size > MAX_POLICY_BYTES {
        return Err(unreadable(format!("{POLICY_FILE} is too large")));
    }
    let blob = repository.find_blob(entry.id())?;
    Policy::parse(blob.content(), POLICY_FILE).map_err(|errors| unreadable(errors.to_string()))
}

impl Seed {
    /// Whether `commit` holds exactly this policy and these keys.
    ///
    /// # Errors
    /// When its tree cannot be read.
    pub(in crate::install) fn is_held_by(
        &self,
        repository: &git2::Repository,
        commit: &git2::Commit<'_>,
    ) -> Result<bool, InstallError> {
        let blob = |bytes: &[u8]| git2::Oid::hash_object(git2::ObjectType::Blob, bytes);
        let tree = commit.tree()?;
        let mut found = BTreeMap::new();
        let mut yaml = None;
        for entry in tree.iter() {
            match entry.name_bytes() {
                name if name == POLICY_FILE.as_bytes() => yaml = Some(entry.id()),
                name if name == KEYS_FOLDER.as_bytes() => {
                    let keys = repository.find_tree(entry.id())?;
                    found.extend(keys.iter().map(|key| (key.name_bytes().to_vec(), key.id())));
                }
                _ => return Ok(false),
            }
        }
        let mut wanted = BTreeMap::new();
        for (name, bytes) in self.keys.iter() {
            wanted.insert(name.as_bytes().to_vec(), blob(bytes)?);
        }
        Ok(yaml == Some(blob(&self.yaml)?) && found == wanted)
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
        if !self.keys.is_empty() {
            let mut keys = repository.treebuilder(None)?;
            for (name, bytes) in self.keys.iter() {
                keys.insert(name, repository.blob(bytes)?, 0o100_644)?;
            }
            top.insert(KEYS_FOLDER, keys.write()?, 0o040_000)?;
        }
        let tree = repository.find_tree(top.write()?)?;
        let by = format!("relhook-init ({})", account::name());
        let who = git2::Signature::now(&by, "relhook-init@localhost")?;
        let message = format!(
            "policy: the first policy of {}\n\nTaken in by `relhook init`, run as {}.\n",
            escape(self.policy.repository.0.as_bytes()),
            account::name()
        );
        let commit = repository.commit(None, &who, &who, &message, &tree, &[])?;
        repository.reference(POLICY_REF, commit, false, "relhook init")?;
        Oid::from_bytes(commit.as_bytes()).map_err(|error| InstallError::Unreadable {
            why: error.to_string(),
        })
    }
}
