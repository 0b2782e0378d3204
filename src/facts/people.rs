//! Whose an address or a signature is.

use super::maps::Map;
use super::{Claim, Role, SignatureFact, Sources};
use crate::object::{CoAuthor, Ident, SignatureBlock};
use crate::signature::{SignatureProblem, SignatureStatus};
use crate::types::{PersonName, escape};
use std::cell::RefCell;

use std::sync::Arc;

/// The longest identity that is shown, in characters.
const MAX_SHOWN: usize = 200;

/// So many identities are remembered as they are shown.
const MAX_KNOWN: usize = 1000;

/// From so many signatures in each half on, a second thread is worth its start.
const THREAD_PAYS: usize = 16;

/// Looks up people, remembering the answers: long ranges name the same few again and again.
pub(super) struct People<'a> {
    sources: Sources<'a>,
    owners: RefCell<Map<Vec<u8>, Option<PersonName>>>,
    /// By address, then by name.
    shown: RefCell<Map<Vec<u8>, Names>>,
}

/// Names that stand beside one address, and how each is shown with it.
type Names = Map<Vec<u8>, Arc<str>>;

impl<'a> People<'a> {
    pub(super) fn new(sources: Sources<'a>) -> Self {
        Self {
            sources,
            owners: RefCell::new(Map::default()),
            shown: RefCell::new(Map::default()),
        }
    }

    /// Whose address it is.
    pub(super) fn owner(&self, email: &[u8]) -> Option<PersonName> {
        if let Some(owner) = self.owners.borrow().get(email) {
            return owner.clone();
        }
        let owner = self.sources.policy.owner_of_email(email);
        let owner = owner.map(|person| person.name.clone());
        self.owners
            .borrow_mut()
            .insert(email.to_vec(), owner.clone());
        owner
    }

    /// What an author or committer line claims.
    pub(super) fn claim(&self, role: Role, ident: &Ident) -> Claim {
        Claim {
            role,
            identity: self.identity(&ident.name, &ident.email),
            owner: self.owner(&ident.email),
        }
    }

    /// As [`shown`], remembered for what is short.
    fn identity(&self, name: &[u8], email: &[u8]) -> Arc<str> {
        if name.len() + email.len() > MAX_SHOWN {
            return shown(name, email).into();
        }
        let mut known = self.shown.borrow_mut();
        let found = known.get(email).and_then(|names| names.get(name));
        if let Some(identity) = found {
            return Arc::clone(identity);
        }
        if known.values().map(Map::len).sum::<usize>() >= MAX_KNOWN {
            known.clear();
        }
        let identity: Arc<str> = shown(name, email).into();
        let names = known.entry(email.to_vec()).or_default();
        names.insert(name.to_vec(), Arc::clone(&identity));
        identity
    }

    /// What a co-author line claims. One that names nobody who can be told names a stranger.
    pub(super) fn co_author(&self, line: &CoAuthor) -> Claim {
        let (identity, owner) = match line {
            CoAuthor::Named { name, email } => (shown(name, email), self.owner(email)),
            CoAuthor::Unreadable { line } => (cut(escape(line), MAX_SHOWN), None),
        };
        Claim {
            role: Role::CoAuthor,
            identity: identity.into(),
            owner,
        }
    }

    /// What a signature says.
    pub(super) fn signer(&self, block: Option<&SignatureBlock>) -> SignatureFact {
        let keyring = self.sources.keyring;
        self.judge(block.map(|block| keyring.verify(block, self.sources.now)))
    }

    /// What many signatures say, in their order. SSH signatures are arithmetic, and a long range
    /// has thousands.
    pub(super) fn signers(&self, blocks: &[SignatureBlock]) -> Vec<SignatureFact> {
        let (keyring, now) = (self.sources.keyring, self.sources.now);
        let verify = |blocks: &[SignatureBlock]| -> Vec<SignatureStatus> {
            let statuses = blocks.iter().map(|block| keyring.verify(block, now));
            statuses.collect()
        };
        let (mine, other) = blocks.split_at(blocks.len() / 2);
        let statuses = if mine.len() < THREAD_PAYS {
            verify(blocks)
        } else {
            std::thread::scope(|scope| {
                let other_half = scope.spawn(|| verify(other));
                let mut statuses = verify(mine);
                // A thread that did not come back is made up for here.
                statuses.extend(other_half.join().unwrap_or_else(|_| verify(other)));
                statuses
            })
        };
        let facts = statuses.into_iter().map(|status| self.judge(Some(status)));
        facts.collect()
    }

    fn judge(&self, status: Option<SignatureStatus>) -> SignatureFact {
        let verified = match status {
            None => return SignatureFact::Unsigned,
            Some(SignatureStatus::Good(verified)) => verified,
            Some(SignatureStatus::Refused(problem)) => return SignatureFact::Refused(problem),
        };
        let key = verified.key();
        match self.sources.policy.owner_of_key(key) {
            Some(person) => SignatureFact::Good {
                person: person.name.clone(),
                key: key.clone(),
            },
            None => match self.sources.policy.machine_of_key(key) {
                Some(machine) => SignatureFact::Machine {
                    machine: machine.name.clone(),
                    key: key.clone(),
                },
                None => SignatureFact::Refused(SignatureProblem::UnknownKey {
                    key: key.to_string(),
                }),
            },
        }
    }
}

/// A name and an address, for people.
pub(super) fn shown(name: &[u8], email: &[u8]) -> String {
    let text = if name.is_empty() {
        format!("<{}>", escape(email))
    } else {
        format!("{} <{}>", escape(name), escape(email))
    };
    cut(text, MAX_SHOWN)
}

/// The first `limit` characters.
pub(super) fn cut(text: String, limit: usize) -> String {
    // No character is shorter than a byte.
    if text.len() <= limit || text.chars().count() <= limit {
        return text;
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}
