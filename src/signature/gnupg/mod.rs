//! GnuPG: OpenPGP and X.509 signatures, verified in homes that hold only the policy's keys.
//!
//! No agent, no network, no trust database, never a user's or the machine's keyring. GnuPG does
//! the arithmetic; which key, until when, and how strong is judged here, from whole fingerprints.

mod build;
mod certificate;
mod engine;
mod home;
mod openpgp;
mod outcome;
mod packet;
mod worker;
mod x509;

pub use build::inspect_key_file;
pub use certificate::{Algorithm, Certificate, CertificateKey};

use super::{KeyringError, SignatureProblem, VerifiedKey};
use crate::object::SignatureBlock;
use crate::policy::KeyFiles;
use crate::types::{KeyFingerprint, Timestamp};
use certificate::Index;
use engine::Scope;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use worker::Worker;

/// The homes of one policy.
#[derive(Debug)]
pub(super) struct Gnupg {
    cache: PathBuf,
    x509: PathBuf,
    with_x509: bool,
    index: Index,
    worker: Worker,
}

impl Gnupg {
    /// The homes for these keys, made in `cache` unless they are there. No process is started for
    /// homes that are there; nothing at all is done where no key is for GnuPG.
    pub(super) fn open(
        known: &BTreeSet<KeyFingerprint>,
        files: &KeyFiles,
        cache: &Path,
    ) -> Result<Option<Self>, KeyringError> {
        let wanted: BTreeSet<_> = known.iter().filter(|key| !is_ssh(key)).cloned().collect();
        if wanted.is_empty() {
            return Ok(None);
        }
        let with_x509 = wanted
            .iter()
            .any(|key| matches!(key, KeyFingerprint::X509(_)));
        let scope = if with_x509 {
            Scope::WithX509
        } else {
            Scope::OpenPgp
        };
        engine::announce(scope);
        let digest = build::digest(&wanted, files);
        home::private(cache)?;
        let index = match home::open(cache, &digest)? {
            Some(index) => index,
            None => {
                let temp = home::begin(cache)?;
                let index = build::fill(temp.path(), &wanted, files, scope)?;
                home::publish(temp, cache, &digest, &index)?;
                index
            }
        };
        let (openpgp, x509) = home::homes(cache, &digest);
        Ok(Some(Self {
            cache: cache.to_owned(),
            x509,
            with_x509,
            index,
            worker: Worker::new(openpgp, scope, worker::DEADLINE),
        }))
    }

    /// Every key of the homes.
    pub(super) fn certificates(&self) -> &[Certificate] {
        &self.index.certificates
    }
}

/// Whose OpenPGP key signed the block.
pub(super) fn verify_openpgp(
    gnupg: Option<&Gnupg>,
    block: &SignatureBlock,
    now: Timestamp,
) -> Result<VerifiedKey, SignatureProblem> {
    let claim = openpgp::read(block)?;
    match gnupg {
        // A stranger's signature ends here: no process is spent on it.
        Some(gnupg) if claim.is_of(&gnupg.index) => gnupg
            .worker
            .verify(claim.into_job(block))
            .map_err(|why| SignatureProblem::EngineFailed { why })?
            .judge(&gnupg.index, now),
        Some(_) | None => Err(claim.unknown()),
    }
}

/// Whose X.509 certificate signed the block.
pub(super) fn verify_x509(
    gnupg: Option<&Gnupg>,
    block: &SignatureBlock,
    now: Timestamp,
) -> Result<VerifiedKey, SignatureProblem> {
    let signature = x509::read(block)?;
    match gnupg {
        Some(gnupg) if gnupg.with_x509 => x509::ask(signature, block, &gnupg.x509, &gnupg.cache)
            .map_err(|why| SignatureProblem::EngineFailed { why })?
            .judge(&gnupg.index, now),
        Some(_) | None => Err(SignatureProblem::UnknownKey {
            key: "an X.509 certificate".to_owned(),
        }),
    }
}

fn is_ssh(key: &KeyFingerprint) -> bool {
    match key {
        KeyFingerprint::Ssh(_) => true,
        KeyFingerprint::OpenPgp(_) | KeyFingerprint::X509(_) => false,
    }
}
