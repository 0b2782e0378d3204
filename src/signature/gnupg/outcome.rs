//! What GnuPG answered for one block, and what that means at the server's clock.

use super::certificate::{Certificate, CertificateKey, Index};
use super::engine;
use crate::signature::{SignatureProblem, VerifiedKey};
use crate::types::{Seconds, Timestamp, escape};
use gpgme::{Error, HashAlgorithm, SignatureSummary, VerificationResult};
use std::time::{SystemTime, UNIX_EPOCH};

/// How far a signer's clock may be ahead of the server's.
const CLOCK_TOLERANCE: Seconds = Seconds(5 * 60);

/// The plain answer: how many signatures there were, and the first.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    count: usize,
    first: Option<Answer>,
}

/// What was said of one signature.
#[derive(Debug, Clone)]
struct Answer {
    /// The key or subkey; a short id where GnuPG knows no more.
    fingerprint: String,
    status: Result<(), Error>,
    summary: SignatureSummary,
    created: Option<Timestamp>,
    expires: Option<Timestamp>,
    digest: HashAlgorithm,
    wrong_usage: bool,
}

impl Outcome {
    /// Copies the answer out of the library.
    pub(super) fn of(result: &VerificationResult) -> Self {
        let first = result.signatures().next().map(|signature| Answer {
            fingerprint: signature.fingerprint().unwrap_or_default().to_owned(),
            status: signature.status(),
            summary: signature.summary(),
            created: signature.creation_time().and_then(timestamp),
            expires: signature.expiration_time().and_then(timestamp),
            digest: signature.hash_algorithm(),
            wrong_usage: signature.is_wrong_key_usage(),
        });
        Self {
            count: result.signatures().count(),
            first,
        }
    }

    /// The key that signed, if everything about the answer is as it should be at `now`.
    pub(super) fn judge(
        &self,
        index: &Index,
        now: Timestamp,
    ) -> Result<VerifiedKey, SignatureProblem> {
        let answer = match (&self.first, self.count) {
            (Some(answer), 1) => answer,
            (_, count) => return Err(SignatureProblem::NotOne { count }),
        };
        let owner = index.find(&answer.fingerprint);
        answer.check_status(owner)?;
        let (certificate, key) = owner.ok_or_else(|| SignatureProblem::UnknownKey {
            key: escape(answer.fingerprint.as_bytes()),
        })?;
        answer.check_claims(now)?;
        check_key(certificate, key, now)?;
        Ok(VerifiedKey::new(
            certificate.fingerprint.clone(),
            answer.created,
        ))
    }
}

impl Answer {
    /// Only "no error", with a summary that says nothing against it, goes on.
    fn check_status(
        &self,
        owner: Option<(&Certificate, &CertificateKey)>,
    ) -> Result<(), SignatureProblem> {
        let key = owner.map_or_else(
            || escape(self.fingerprint.as_bytes()),
            |(certificate, _)| certificate.fingerprint.to_string(),
        );
        if let Err(error) = self.status {
            return Err(problem(error, key));
        }
        if self.wrong_usage {
            return Err(SignatureProblem::WrongSubkey { key });
        }
        // Nothing but "valid" and "green" may be said. Neither has to be: gpg leaves trust in a key
        // unsaid where the home's settings decide it.
        if (self.summary - (SignatureSummary::VALID | SignatureSummary::GREEN)).is_empty() {
            return Ok(());
        }
        Err(SignatureProblem::EngineFailed {
            why: format!("gpg does not call it valid ({:?})", self.summary),
        })
    }

    /// What the signature says of itself, against the server's clock.
    fn check_claims(&self, now: Timestamp) -> Result<(), SignatureProblem> {
        check_digest(self.digest)?;
        if self.expires.is_some_and(|end| end <= now) {
            return Err(SignatureProblem::ExpiredSignature);
        }
        match self.created {
            Some(made) if made > now.plus(CLOCK_TOLERANCE) => {
                Err(SignatureProblem::NotYetValid { made })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What an error of GnuPG's means. Its list is open: what is not known here is a failure.
fn problem(error: Error, key: String) -> SignatureProblem {
    let is = |other: Error| error.code() == other.code();
    if is(Error::BAD_SIGNATURE) {
        SignatureProblem::Bad
    } else if is(Error::NO_PUBKEY) {
        SignatureProblem::UnknownKey { key }
    } else if is(Error::KEY_EXPIRED) || is(Error::CERT_EXPIRED) {
        SignatureProblem::ExpiredKey { key }
    } else if is(Error::SIG_EXPIRED) {
        SignatureProblem::ExpiredSignature
    } else if is(Error::CERT_REVOKED) {
        SignatureProblem::RevokedKey { key }
    } else if is(Error::DIGEST_ALGO) {
        SignatureProblem::Weak {
            what: "its digest".to_owned(),
        }
    } else if is(Error::WRONG_KEY_USAGE) || is(Error::UNUSABLE_PUBKEY) {
        SignatureProblem::WrongSubkey { key }
    } else {
        SignatureProblem::EngineFailed {
            why: engine::text(&error),
        }
    }
}

/// Refuses digests below SHA-256, whatever GnuPG thinks of them.
fn check_digest(digest: HashAlgorithm) -> Result<(), SignatureProblem> {
    match digest {
        HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512 => Ok(()),
        other => Err(SignatureProblem::Weak {
            what: format!("the digest {other}"),
        }),
    }
}

/// Whether the key may sign at `now`. GnuPG has judged it by the machine's clock already.
fn check_key(
    certificate: &Certificate,
    key: &CertificateKey,
    now: Timestamp,
) -> Result<(), SignatureProblem> {
    let name = || certificate.fingerprint.to_string();
    if certificate.revoked() || key.revoked {
        return Err(SignatureProblem::RevokedKey { key: name() });
    }
    if certificate.expires().is_some_and(|end| end <= now) || key.expired(now) {
        return Err(SignatureProblem::ExpiredKey { key: name() });
    }
    if let Some(from) = key.created
        && from > now.plus(CLOCK_TOLERANCE)
    {
        return Err(SignatureProblem::NotYetValid { made: from });
    }
    if !key.can_sign {
        return Err(SignatureProblem::WrongSubkey { key: name() });
    }
    match key.weakness() {
        Some(what) => Err(SignatureProblem::Weak { what }),
        None => Ok(()),
    }
}

/// Whole seconds since 1970; nothing for a time before.
pub(super) fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs())
        .ok()
        .map(Timestamp::from_unix)
}
