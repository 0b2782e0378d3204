//! The keys of one policy, ready to verify with.

use super::gnupg::{self, Certificate, Gnupg};
use super::{KeyringError, SignatureProblem, SignatureStatus, VerifiedKey, ssh};
use crate::object::{SignatureBlock, SignatureFormat};
use crate::policy::{KeyFiles, Policy};
use crate::types::{KeyFingerprint, Timestamp};
use std::collections::BTreeSet;
use std::path::Path;

/// The largest signed text, in bytes: a commit or tag without its signature.
const MAX_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;

/// The keys of one policy, and nothing else: never the machine's or a user's own keyring.
#[derive(Debug)]
pub struct Keyring {
    /// Every fingerprint that the policy names, of everybody, disabled people included: who may
    /// still approve is the decision's business.
    known: BTreeSet<KeyFingerprint>,
    /// What GnuPG has of them; absent where no key is for it.
    gnupg: Option<Gnupg>,
}

impl Keyring {
    /// The keyring of `policy`, whose key files are `files`. What GnuPG needs is kept in `home`,
    /// a folder that is made (0700) and owned by the caller alone.
    ///
    /// # Errors
    /// A key file and the policy that do not fit, or a folder that is not the caller's alone.
    pub fn build(policy: &Policy, files: &KeyFiles, home: &Path) -> Result<Self, KeyringError> {
        let machines = policy.machines.values().flat_map(|machine| &machine.keys);
        let people = policy.people.values().flat_map(|person| &person.keys);
        let keys = people.chain(machines);
        Self::of(keys.cloned().collect(), files, home)
    }

    /// Like [`Keyring::build`], for these keys.
    ///
    /// # Errors
    /// As there.
    pub fn of(
        known: BTreeSet<KeyFingerprint>,
        files: &KeyFiles,
        home: &Path,
    ) -> Result<Self, KeyringError> {
        let gnupg = Gnupg::open(&known, files, home)?;
        Ok(Self { known, gnupg })
    }

    /// The OpenPGP keys and X.509 certificates, as GnuPG lists them.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        self.gnupg.as_ref().map_or(&[], Gnupg::certificates)
    }

    /// Whose key signed `block`, judged at `now`, the server's clock.
    pub fn verify(&self, block: &SignatureBlock, now: Timestamp) -> SignatureStatus {
        match self.try_verify(block, now) {
            Ok(key) => SignatureStatus::Good(key),
            Err(problem) => SignatureStatus::Refused(problem),
        }
    }

    fn try_verify(
        &self,
        block: &SignatureBlock,
        now: Timestamp,
    ) -> Result<VerifiedKey, SignatureProblem> {
        if block.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(SignatureProblem::Malformed {
                why: "the signed text is larger than 16 MiB".to_owned(),
            });
        }
        // The format decides the verifier, and a key of another format is never looked at.
        match block.format {
            SignatureFormat::Ssh => ssh::verify(block, &self.known),
            SignatureFormat::OpenPgp => gnupg::verify_openpgp(self.gnupg.as_ref(), block, now),
            SignatureFormat::X509 => gnupg::verify_x509(self.gnupg.as_ref(), block, now),
        }
    }
}
