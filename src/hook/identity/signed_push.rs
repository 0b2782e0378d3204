//! The push certificate: verified wherever there is one, whatever the policy's source.
//!
//! Where `signed-push` is the source, its signer is the pusher. Beside another source it has to
//! name the same person: a push by one login with another person's certificate is refused, and so
//! is a certificate that does not hold, since whoever sends one means it to be believed.

use super::{Get, Identified, service_dir};
use crate::certificate::{
    CertificateError, Expected, MAX_CERTIFICATE_BYTES, Nonces, Pushees, Seed, Verified, verify,
};
use crate::facts::Pusher;
use crate::hook::Claimed;
use crate::policy::Policy;
use crate::server::Server;
use crate::signature::Keyring;
use crate::types::{Oid, PersonName, Timestamp, escape};

/// The variable in which git names the certificate's blob.
pub(super) const SOURCE: &str = "GIT_PUSH_CERT";

/// What a push's certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hook) enum Presented {
    /// There is none.
    Nothing,
    /// It is one for this very push.
    Holds {
        /// Who signed it.
        signer: Verified,
        /// Its raw bytes.
        raw: Vec<u8>,
    },
    /// It does not hold.
    Refused {
        /// Why, escaped.
        why: String,
        /// What helps.
        mend: String,
    },
}

/// The push that a certificate has to be for.
pub(in crate::hook) struct Push<'a> {
    pub(in crate::hook) server: &'a Server,
    pub(in crate::hook) policy: &'a Policy,
    pub(in crate::hook) keyring: &'a Keyring,
    pub(in crate::hook) now: Timestamp,
    pub(in crate::hook) updates: &'a [Claimed],
    pub(in crate::hook) options: &'a [Vec<u8>],
}

impl Push<'_> {
    /// Reads and verifies the certificate of this push, if it has one.
    pub(in crate::hook) fn presented(&self, get: Get<'_>) -> Presented {
        let Some(named) = get(SOURCE).filter(|oid| !oid.is_empty()) else {
            return Presented::Nothing;
        };
        match self.read(&named) {
            Ok(raw) => match self.verify(&raw, get) {
                Ok(signer) => Presented::Holds { signer, raw },
                Err(error) => Presented::Refused {
                    why: error.to_string(),
                    mend: error.mend(),
                },
            },
            Err(why) => Presented::Refused {
                why,
                mend: "push again".to_owned(),
            },
        }
    }

    fn read(&self, named: &[u8]) -> Result<Vec<u8>, String> {
        let oid = Oid::from_hex(named).map_err(|error| format!("{SOURCE}: {error}"))?;
        let raw = self.server.store.blob_bytes(oid, MAX_CERTIFICATE_BYTES);
        raw.map_err(|fault| fault.to_string())
    }

    fn verify(&self, raw: &[u8], get: Get<'_>) -> Result<Verified, CertificateError> {
        let settings = self.server.store.config();
        let settings = settings.and_then(|mut config| config.snapshot());
        let settings = settings.map_err(|error| unreadable(&error))?;
        let expected = Expected {
            policy: self.policy,
            keyring: self.keyring,
            now: self.now,
            updates: self.updates,
            options: self.options,
            pushees: &self.pushees(&settings)?,
            nonces: &Nonces {
                seed: settings
                    .get_bytes("receive.certNonceSeed")
                    .ok()
                    .map(Seed::new),
                paths: service_dir::candidates(self.server.store.git_dir()),
                issued: get("GIT_PUSH_CERT_NONCE"),
                status: get("GIT_PUSH_CERT_NONCE_STATUS"),
                slop: settings
                    .get_i64("receive.certNonceSlop")
                    .map_or(0, |slop| u64::try_from(slop).unwrap_or(0)),
                // git makes its nonces by this clock, whatever the log's last entry says.
                clock: crate::hook::clock(),
            },
        };
        let signer = verify(raw, &expected)?;
        // What was verified before is in the log's evidence, whether that push went in or not.
        if self.server.log.keeps(raw) {
            return Err(CertificateError::Used);
        }
        Ok(signer)
    }

    fn pushees(&self, settings: &git2::Config) -> Result<Pushees, CertificateError> {
        let mut listed = Vec::new();
        let entries = settings.multivar("relhook.pushee", None);
        entries
            .and_then(|all| all.for_each(|entry| listed.push(entry.value_bytes().to_vec())))
            .map_err(|error| unreadable(&error))?;
        let dir = self.server.store.git_dir();
        Ok(Pushees::of(listed, dir, &self.policy.repository.0))
    }
}

fn unreadable(error: &git2::Error) -> CertificateError {
    CertificateError::Settings {
        why: escape(error.message().as_bytes()),
    }
}

/// Who pushes, where signed pushes are the policy's source.
pub(super) fn identify(presented: &Presented) -> Identified {
    match presented {
        Presented::Nothing => Identified::missing(SOURCE),
        Presented::Refused { why, mend } => Identified::by(refused(why, mend), None),
        Presented::Holds { signer, raw } => Identified {
            pusher: Pusher::Person(signer.person.clone()),
            login: Some(signer.key.to_string()),
            evidence: vec![raw.clone()],
        },
    }
}

/// What another source says, held against the certificate.
pub(super) fn beside(told: Identified, presented: &Presented) -> Identified {
    let (signer, raw) = match presented {
        Presented::Nothing => return told,
        Presented::Refused { why, mend } => {
            let pusher = refused(why, &format!("{mend}, or push without: {UNSIGNED}"));
            return Identified { pusher, ..told };
        }
        Presented::Holds { signer, raw } => (&signer.person, raw.clone()),
    };
    let pusher = against(told.pusher, signer);
    let mut evidence = told.evidence;
    evidence.push(raw);
    Identified {
        pusher,
        evidence,
        ..told
    }
}

/// A push without a certificate, even where the client is set to sign.
const UNSIGNED: &str = "git push --no-signed";

fn against(told: Pusher, signer: &PersonName) -> Pusher {
    match told {
        Pusher::Person(person) if person != *signer => refused(
            &format!("{signer} signed it, and {person} is logged in"),
            &format!("sign with your own key, or push without: {UNSIGNED}"),
        ),
        // Nobody is refused anyway, and where nobody is asked for, the certificate is a record.
        Pusher::Person(_)
        | Pusher::Unknown { .. }
        | Pusher::UnknownKey { .. }
        | Pusher::Refused { .. }
        | Pusher::CertificateRefused { .. }
        | Pusher::Missing { .. }
        | Pusher::NotAsked => told,
    }
}

fn refused(why: &str, mend: &str) -> Pusher {
    Pusher::CertificateRefused {
        why: why.to_owned(),
        mend: mend.to_owned(),
    }
}
