//! Who pushed, as far as that can be seen again: that what the server supplied is that person's by the
//! policy of then, and that a certificate is by them, for this push, of its time and of no other push.

use super::evidence::Heard;
use super::finding::{Finding, Remark, Weight};
use super::judge::Case;
use super::policies::Loaded;
use crate::certificate::{MAX_AGE, PushCertificate};
use crate::decide::Code;
use crate::policy::{IdentitySource, Person};
use crate::signature::SignatureStatus;
use crate::types::Timestamp;
use std::collections::HashMap;

/// What was seen of the pushers so far.
#[derive(Debug, Default)]
pub(super) struct Pushers {
    /// Pushes by a login or a key that the server supplied.
    supplied: u64,
    /// Signed pushes.
    signed: u64,
    /// The entries of the certificates that were accepted, by what was signed with them.
    spent: HashMap<Vec<u8>, u64>,
}

impl Pushers {
    /// What does not go together of who is said to have made a push.
    pub(super) fn look(&mut self, loaded: &Loaded, case: Case<'_>, heard: &Heard) -> Vec<Finding> {
        let Some(person) = &case.record.person else {
            return Vec::new();
        };
        match loaded.policy.identity {
            IdentitySource::None => Vec::new(),
            IdentitySource::Variable(_)
            | IdentitySource::SshKey
            | IdentitySource::OsAccount
            | IdentitySource::Http
            | IdentitySource::Gitolite
            | IdentitySource::Gitea
            | IdentitySource::Gitlab => {
                self.supplied += 1;
                let is_theirs = |login: &str| loaded.policy.owner_of_login(login);
                supplied(case, person, "login", is_theirs)
            }
            IdentitySource::SshAuthInfo => {
                self.supplied += 1;
                let is_theirs = |key: &str| {
                    let mut people = loaded.policy.people.values();
                    people.find(|one| one.keys.iter().any(|own| own.to_string() == key))
                };
                supplied(case, person, "key", is_theirs)
            }
            IdentitySource::SignedPush => {
                self.signed += 1;
                self.certified(loaded, case, heard, person)
            }
        }
    }

    /// Where certificates say who pushes: what speaks against those among the evidence.
    fn certified(
        &mut self,
        loaded: &Loaded,
        case: Case<'_>,
        heard: &Heard,
        person: &str,
    ) -> Vec<Finding> {
        let asked = case.updates();
        let shows = |certificate: &&PushCertificate| {
            let signed = loaded.keyring.verify(&certificate.signature, case.time);
            let SignatureStatus::Good(key) = signed else {
                return false;
            };
            let owner = loaded.policy.owner_of_key(key.key());
            owner.is_some_and(|owner| owner.name.as_str() == person)
                && asked.iter().all(|one| certificate.updates.contains(one))
        };
        let Some(certificate) = heard.certificates.iter().find(shows) else {
            let text =
                format!("no certificate among the evidence shows that {person} made this push");
            return vec![case.finding(Code::REPLAY_DIFFERS, Weight::Found, text)];
        };
        let mut found = Vec::new();
        let signed = certificate.signature.payload.clone();
        if let Some(before) = self.spent.insert(signed, case.seq) {
            let text = format!("its certificate let in entry {before} already");
            found.push(case.finding(Code::REPLAY_DIFFERS, Weight::Found, text));
        }
        found.extend(untimely(certificate, case.time).map(|why| case.doubt(why)));
        found
    }

    /// What was taken as it was recorded.
    pub(super) fn remarks(&self) -> Vec<Remark> {
        let counted = |count: u64, text: &str| {
            let text = match count {
                1 => format!("1 push: {text}"),
                _ => format!("{count} pushes: {text}"),
            };
            (count > 0).then_some(Remark {
                refname: None,
                entry: None,
                text,
            })
        };
        let supplied = "that the login or key is of whom the entry names was seen again; that whoever \
                        pushed had it is the server's word";
        let signed = "their certificates were verified again, and that each nonce was of its time; that \
                      the nonce was the server's own is its word, for the secret is no evidence";
        [
            counted(self.supplied, supplied),
            counted(self.signed, signed),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Why what the server supplied is not that person's by the policy of then.
fn supplied<'p>(
    case: Case<'_>,
    person: &str,
    what: &str,
    owner: impl Fn(&str) -> Option<&'p Person>,
) -> Vec<Finding> {
    let text = match case.record.login.as_deref() {
        None => format!("{person} is said to have pushed, and no {what} is recorded that shows it"),
        Some(login) => {
            let owner = owner(login).map(|owner| owner.name.as_str());
            if owner == Some(person) {
                return Vec::new();
            }
            let owner = owner.map_or_else(|| "nobody's".to_owned(), |owner| format!("{owner}'s"));
            format!("{person} is said to have pushed by the {what} `{login}`, which was {owner}")
        }
    };
    vec![case.finding(Code::REPLAY_DIFFERS, Weight::Found, text)]
}

/// Why a certificate's nonce is not of the time of its push. It has the moment in it at which it was made.
fn untimely(certificate: &PushCertificate, time: Timestamp) -> Option<String> {
    let nonce = certificate.nonce.as_deref();
    let made = nonce.and_then(|nonce| {
        let stamp = nonce.split(|byte| *byte == b'-').next()?;
        std::str::from_utf8(stamp).ok()?.parse::<i64>().ok()
    });
    let Some(made) = made else {
        return Some("its certificate has no nonce that a server could have made".to_owned());
    };
    let apart = time.as_unix().abs_diff(made);
    (apart > MAX_AGE).then(|| {
        format!(
            "the nonce of its certificate is {apart} seconds apart from it: it may be an old one"
        )
    })
}
