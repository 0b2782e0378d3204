//! From a policy's fingerprints and key files to homes that hold exactly those keys.

use super::certificate::{Certificate, Index};
use super::engine::Scope;
use super::worker::with_deadline;
use super::{home, openpgp, x509};
use crate::policy::KeyFiles;
use crate::signature::KeyringError;
use crate::types::{KeyFingerprint, escape, hex};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How long the import of one file may take.
const IMPORT_DEADLINE: Duration = Duration::from_secs(60);

/// What identifies a policy's keys, and our settings for them.
pub(super) fn digest(wanted: &BTreeSet<KeyFingerprint>, files: &KeyFiles) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    };
    add(b"relhook keyring 1");
    add(home::GPG_CONF.as_bytes());
    add(home::GPGSM_CONF.as_bytes());
    add(&wanted.len().to_be_bytes());
    for key in wanted {
        add(key.to_string().as_bytes());
    }
    for (name, content) in files.iter() {
        add(name.as_bytes());
        add(content);
    }
    hex(&hash.finalize())
}

/// Fills the homes in `folder` and lists what they hold: each key of `wanted`, and no other.
pub(super) fn fill(
    folder: &Path,
    wanted: &BTreeSet<KeyFingerprint>,
    files: &KeyFiles,
    scope: Scope,
) -> Result<Index, KeyringError> {
    let mut certificates = x509_keys(&folder.join(home::X509), wanted, files)?;
    let openpgp = folder.join(home::OPENPGP);
    for (name, content) in files.iter().filter(|(_, content)| is_openpgp(content)) {
        for print in import(&openpgp, scope, name, content)? {
            let key = KeyFingerprint::OpenPgp(print);
            if !wanted.contains(&key) {
                return Err(KeyringError::ExtraKey {
                    file: name.to_owned(),
                    key: escape(key.to_string().as_bytes()),
                });
            }
        }
    }
    if wanted
        .iter()
        .any(|key| matches!(key, KeyFingerprint::OpenPgp(_)))
    {
        certificates.extend(list(&openpgp, scope)?);
    }
    check_complete(wanted, &certificates)?;
    Ok(Index { certificates })
}

/// Each wanted key is there, and nothing else is.
fn check_complete(
    wanted: &BTreeSet<KeyFingerprint>,
    certificates: &[Certificate],
) -> Result<(), KeyringError> {
    let found: BTreeSet<_> = certificates.iter().map(|held| &held.fingerprint).collect();
    if let Some(missing) = wanted.iter().find(|key| !found.contains(key)) {
        return Err(KeyringError::MissingKey {
            key: missing.clone(),
        });
    }
    match found.iter().find(|key| !wanted.contains(key)) {
        Some(extra) => Err(KeyringError::Engine {
            why: format!("GnuPG lists the key {extra}, which the policy does not name"),
        }),
        None => Ok(()),
    }
}

/// What the key file `name` holds, whether or not a policy names it: for people who set one up.
///
/// # Errors
/// A file that holds no key that GnuPG reads, or a secret one.
pub fn inspect_key_file(name: &str, content: &[u8]) -> Result<Vec<Certificate>, KeyringError> {
    let temp = home::temp_dir(&std::env::temp_dir(), "relhook-").map_err(|error| {
        KeyringError::Engine {
            why: error.to_string(),
        }
    })?;
    home::prepare(temp.path()).map_err(|error| KeyringError::Engine {
        why: error.to_string(),
    })?;
    if is_openpgp(content) {
        let home = temp.path().join(home::OPENPGP);
        import(&home, Scope::OpenPgp, name, content)?;
        return list(&home, Scope::OpenPgp);
    }
    let found = x509::certificates(content).map_err(|why| unreadable(name, why))?;
    if found.is_empty() {
        return Err(unreadable(name, "neither an OpenPGP key nor a certificate"));
    }
    import_x509(&temp.path().join(home::X509), found)
}

/// The certificates that the policy names. Others, such as their authorities', may stand beside
/// them and count for nothing.
fn x509_keys(
    home: &Path,
    wanted: &BTreeSet<KeyFingerprint>,
    files: &KeyFiles,
) -> Result<Vec<Certificate>, KeyringError> {
    if !wanted
        .iter()
        .any(|key| matches!(key, KeyFingerprint::X509(_)))
    {
        return Ok(Vec::new());
    }
    let mut named = Vec::new();
    for (name, content) in files.iter().filter(|(_, content)| !is_openpgp(content)) {
        let found = x509::certificates(content).map_err(|why| unreadable(name, why))?;
        named.extend(
            found
                .into_iter()
                .filter(|der| wanted.contains(&der.fingerprint())),
        );
    }
    if named.is_empty() {
        return Ok(Vec::new());
    }
    import_x509(home, named)
}

fn import_x509(home: &Path, named: Vec<x509::Der>) -> Result<Vec<Certificate>, KeyringError> {
    let home = home.to_owned();
    with_deadline(IMPORT_DEADLINE, move || x509::import(&home, &named))
        .map_err(|why| KeyringError::Engine { why })
}

fn import(
    home: &Path,
    scope: Scope,
    name: &str,
    content: &[u8],
) -> Result<Vec<String>, KeyringError> {
    if is_secret(content) {
        return Err(unreadable(
            name,
            "it holds a secret key; take it out and replace the key",
        ));
    }
    let (home, owned) = (home.to_owned(), content.to_vec());
    with_deadline(IMPORT_DEADLINE, move || {
        openpgp::import(&home, scope, &owned)
    })
    .map_err(|why| unreadable(name, why))
}

fn list(home: &Path, scope: Scope) -> Result<Vec<Certificate>, KeyringError> {
    let home = home.to_owned();
    with_deadline(IMPORT_DEADLINE, move || openpgp::list(&home, scope))
        .map_err(|why| KeyringError::Engine { why })
}

/// Whether a file is for gpg: armor of OpenPGP, or a binary packet of a key.
fn is_openpgp(content: &[u8]) -> bool {
    // The packet tags of secret and public keys, in the old and the new format.
    let binary = content
        .first()
        .is_some_and(|first| matches!(first, 0x94..=0x9b | 0xc5 | 0xc6));
    binary || contains(content, b"-----BEGIN PGP ")
}

/// Whether a file is a secret OpenPGP key.
fn is_secret(content: &[u8]) -> bool {
    let binary = content
        .first()
        .is_some_and(|first| matches!(first, 0x94..=0x97 | 0xc5));
    binary || contains(content, b"PRIVATE KEY")
}

fn contains(content: &[u8], wanted: &[u8]) -> bool {
    content.windows(wanted.len()).any(|window| window == wanted)
}

fn unreadable(file: &str, why: impl Into<String>) -> KeyringError {
    KeyringError::KeyFile {
        file: file.to_owned(),
        why: why.into(),
    }
}
