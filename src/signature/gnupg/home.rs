//! The folders that GnuPG works in: ours alone, made once for each policy, renamed into place whole.
//!
//! `<cache>/<digest>/` holds `openpgp/`, `x509/` and `index.json`, which is written last. The
//! digest covers the policy's fingerprints, its key files and our settings, so a changed policy
//! gets a folder of its own and a folder never changes.

use super::certificate::Index;
use crate::folder::private_dir;
use crate::signature::KeyringError;
use crate::types::escape;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The OpenPGP home's name.
pub(super) const OPENPGP: &str = "openpgp";
/// The X.509 home's name.
pub(super) const X509: &str = "x509";
/// The list of keys, and the sign that all is there.
const INDEX: &str = "index.json";
/// The largest list that is read.
const MAX_INDEX_BYTES: u64 = 32 * 1024 * 1024;
/// How long a folder of an older policy stays: a push may still be using it.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// What gpg is told: nobody is asked, nothing is fetched, nothing is locked, no clock-driven
/// upkeep, every key of the home is as valid as the policy says, and weak digests do not count.
pub(super) const GPG_CONF: &str = "\
no-greeting
no-permission-warning
no-autostart
disable-dirmngr
no-auto-key-retrieve
no-auto-key-import
no-auto-key-locate
trust-model always
no-auto-check-trustdb
lock-never
no-random-seed-file
weak-digest SHA1
weak-digest RIPEMD160
import-options import-minimal,import-clean,no-keep-ownertrust
";

/// What gpgsm is told: the certificate is pinned, so no chain, no authority and no list is asked.
pub(super) const GPGSM_CONF: &str = "\
no-autostart
disable-dirmngr
disable-crl-checks
debug-no-chain-validation
";

/// A folder that is there, is ours, and that nobody else can look into; made if it is absent.
pub(super) fn private(folder: &Path) -> Result<(), KeyringError> {
    let failed = |error: io::Error| unusable(folder, error.to_string());
    let meta = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            match private_dir(folder) {
                // What came to stand there meanwhile is checked like anything else.
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(error)),
                Ok(()) | Err(_) => fs::symlink_metadata(folder).map_err(failed),
            }
        }
        found => found.map_err(failed),
    };
    check_private(folder, &meta?)
}

fn check_private(folder: &Path, meta: &fs::Metadata) -> Result<(), KeyringError> {
    if !meta.is_dir() {
        return Err(unusable(folder, "it is not a folder"));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(unusable(folder, "it belongs to another account"));
    }
    if meta.mode() & 0o077 != 0 {
        let mode = meta.mode() & 0o7777;
        return Err(unusable(
            folder,
            format!("its mode is {mode:04o}; only its owner may enter it: 0700"),
        ));
    }
    Ok(())
}

/// The list of a folder that was made before; nothing if it was not.
pub(super) fn open(cache: &Path, digest: &str) -> Result<Option<Index>, KeyringError> {
    let folder = cache.join(digest);
    match fs::symlink_metadata(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(&folder, error.to_string())),
        Ok(meta) => check_private(&folder, &meta)?,
    }
    // With room for the keys of a few people, it is read at once.
    let mut text = Vec::with_capacity(4096);
    match File::open(folder.join(INDEX)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(&folder, error.to_string())),
        Ok(file) => file
            .take(MAX_INDEX_BYTES)
            .read_to_end(&mut text)
            .map_err(|error| unusable(&folder, error.to_string()))?,
    };
    // One that cannot be read is made again.
    Ok(serde_json::from_slice(&text).ok())
}

/// A folder to fill, in the cache so that it can be renamed.
pub(super) fn begin(cache: &Path) -> Result<TempDir, KeyringError> {
    let temp = temp_dir(cache, ".new-").map_err(|error| unusable(cache, error.to_string()))?;
    prepare(temp.path()).map_err(|error| unusable(temp.path(), error.to_string()))?;
    Ok(temp)
}

/// A private folder that lives as long as the value.
pub(super) fn temp_dir(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(parent)
}

/// Makes the two empty homes in a folder.
pub(super) fn prepare(folder: &Path) -> io::Result<()> {
    let openpgp = folder.join(OPENPGP);
    private_dir(&openpgp)?;
    fs::write(openpgp.join("gpg.conf"), GPG_CONF)?;
    // Without it newer versions ask a key daemon.
    fs::write(openpgp.join("common.conf"), "no-autostart\n")?;
    let x509 = folder.join(X509);
    private_dir(&x509)?;
    fs::write(x509.join("gpgsm.conf"), GPGSM_CONF)
}

/// Gives a filled folder its name. Where somebody else was quicker, theirs stands: it is the same.
pub(super) fn publish(
    temp: TempDir,
    cache: &Path,
    digest: &str,
    index: &Index,
) -> Result<(), KeyringError> {
    let failed = |error: io::Error| unusable(cache, error.to_string());
    let text = serde_json::to_vec(index).map_err(|error| unusable(cache, error.to_string()))?;
    fs::write(temp.path().join(INDEX), text).map_err(failed)?;
    sync(temp.path()).map_err(failed)?;
    let target = cache.join(digest);
    if fs::rename(temp.path(), &target).is_err() {
        if open(cache, digest)?.is_some() {
            return Ok(());
        }
        // What stands there is not whole: out of the way with it.
        let aside = temp_dir(cache, ".old-").map_err(failed)?;
        fs::rename(&target, aside.path()).map_err(failed)?;
        fs::rename(temp.path(), &target).map_err(failed)?;
    }
    // The name that it would remove is gone.
    let _ = temp.keep();
    prune(cache, digest);
    Ok(())
}

/// Brings a folder's files to the disk, so that a name never stands for half of them.
fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync(&path)?;
        } else {
            File::open(&path)?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Removes what older policies and interrupted runs left. A failure costs only space.
fn prune(cache: &Path, current: &str) {
    let Ok(entries) = fs::read_dir(cache) else {
        return;
    };
    for entry in entries.flatten() {
        let old = entry
            .metadata()
            .and_then(|meta| meta.modified())
            .is_ok_and(|time| SystemTime::now().duration_since(time).unwrap_or_default() > KEEP);
        if old && entry.file_name().as_bytes() != current.as_bytes() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A copy of an X.509 home that lives as long as the value.
pub(super) fn scratch_copy(home: &Path, cache: &Path) -> Result<TempDir, String> {
    let copy = || -> io::Result<TempDir> {
        let scratch = tempfile::Builder::new()
            .prefix(".x509-")
            .tempdir_in(cache)?;
        for name in ["gpgsm.conf", "pubring.kbx"] {
            fs::copy(home.join(name), scratch.path().join(name))?;
        }
        Ok(scratch)
    };
    copy().map_err(|error| format!("no scratch folder for gpgsm: {error}"))
}

fn unusable(folder: &Path, why: impl Into<String>) -> KeyringError {
    KeyringError::Folder {
        folder: escape(folder.as_os_str().as_bytes()),
        why: why.into(),
    }
}

/// The homes inside a policy's folder.
pub(super) fn homes(cache: &Path, digest: &str) -> (PathBuf, PathBuf) {
    let folder = cache.join(digest);
    (folder.join(OPENPGP), folder.join(X509))
}
