//! From what a scenario tells to the facts that a decision rests on.

use super::said::{self, Earlier, Said};
use crate::facts::{
    Approving, Claim, CommitFacts, Content, Current, FirstPushers, ProposedPolicy, PushFacts,
    Pusher, RangeFacts, RangeOutcome, Role, SignatureFact, Subject, UpdateFacts,
};
use crate::policy::{POLICY_REF, Person, Policy, Shows};
use crate::signature::SignatureProblem;
use crate::types::{Oid, OidError, PersonName, RefChange, RefName, RepoPath, Timestamp, escape};

/// What a scenario tells of a push.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub refname: RefName,
    pub time: Timestamp,
    pub movement: Movement,
    pub pusher: Option<Someone>,
    /// The oldest first.
    pub commits: Vec<Change>,
    pub said: Vec<Said>,
    pub deputies: Vec<said::Named>,
    pub earlier: Vec<Earlier>,
}

/// How the ref is to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Movement {
    /// Onwards, from what it names now.
    Forward,
    /// It is not there yet.
    New,
    /// To something that does not descend from what it names now.
    Forced,
    /// Back to what was accepted before.
    Back,
    /// Away with it.
    Deletion,
}

/// Whom a key or a login belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Someone {
    /// A person of the policy.
    Person(PersonName),
    /// Somebody whom it does not know.
    Stranger,
    /// Nobody: there is none.
    Nobody,
}

/// Somebody whom a commit names.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub identity: String,
    pub owner: Option<PersonName>,
}

/// One commit.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub author: Named,
    pub committer: Option<Named>,
    pub co_authors: Vec<Named>,
    pub signed: Option<Someone>,
    pub first_pushed_by: Option<PersonName>,
    /// The paths that it changes; none where it adds nothing.
    pub paths: Vec<RepoPath>,
    pub approves: bool,
    /// The change requests that its message names.
    pub tickets: Vec<String>,
}

/// The kinds of objects that a scenario has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Base,
    Commit,
    Tree,
    Statement,
    Withdrawal,
    /// The commit of the policy in force.
    Policy,
    /// What an earlier emergency let in.
    Earlier,
    /// What was there before that.
    Before,
    /// The statement that declared it.
    Declared,
}

/// The id of an object of a scenario: one for each kind and number, and no real one.
pub(super) fn id(kind: Kind, number: usize) -> Result<Oid, OidError> {
    let kind: u8 = match kind {
        Kind::Policy => 0x70,
        Kind::Earlier => 0x80,
        Kind::Before => 0x90,
        Kind::Declared => 0xa0,
        Kind::Base => 0xb0,
        Kind::Commit => 0xc0,
        Kind::Tree => 0xd0,
        Kind::Statement => 0xe0,
        Kind::Withdrawal => 0xf0,
    };
    let number = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let [_, high, middle, low] = number;
    let mut bytes = [0x5c; 20];
    for (byte, value) in bytes.iter_mut().zip([kind, high, middle, low]) {
        *byte = value;
    }
    Oid::from_bytes(&bytes)
}

/// The id of a commit by its place.
pub(super) fn commit_id(place: usize) -> Result<Oid, OidError> {
    id(Kind::Commit, place)
}

impl Told {
    /// What the server would gather.
    ///
    /// # Errors
    /// None: every id is well formed.
    pub(super) fn facts(&self, policy: &Policy) -> Result<PushFacts, OidError> {
        let base = id(Kind::Base, 0)?;
        let tip = commit_id(self.commits.len().saturating_sub(1))?;
        let outcome = match self.movement {
            Movement::Deletion => RangeOutcome::Deletion,
            Movement::Forward | Movement::New | Movement::Forced | Movement::Back => {
                RangeOutcome::Range(self.range(policy, base, tip)?)
            }
        };
        let (change, current) = match self.movement {
            Movement::New => (RefChange::Create { new: tip }, Current::Absent),
            Movement::Deletion => (RefChange::Delete { old: Some(base) }, Current::At(base)),
            Movement::Forward | Movement::Forced | Movement::Back => (
                RefChange::Update {
                    old: base,
                    new: tip,
                },
                Current::At(base),
            ),
        };
        let subject = if self.refname.as_bytes() == POLICY_REF.as_bytes() {
            let proposed = match self.movement {
                Movement::Deletion => ProposedPolicy::Absent,
                Movement::Forward | Movement::New | Movement::Forced | Movement::Back => {
                    ProposedPolicy::Sound
                }
            };
            Subject::Policy(outcome, proposed)
        } else if policy.protects(&self.refname) {
            Subject::Protected(outcome)
        } else {
            Subject::Unprotected
        };
        Ok(PushFacts {
            now: self.time,
            pusher: self.pusher(policy),
            updates: vec![UpdateFacts {
                refname: self.refname.clone(),
                change,
                current,
                subject,
            }],
            owing: self.owing(policy)?,
        })
    }

    /// Who pushes: who wrote the last commit, where nothing is said.
    fn pusher(&self, policy: &Policy) -> Pusher {
        if policy.identity.shows() == Shows::Nothing {
            return Pusher::NotAsked;
        }
        let author = self
            .commits
            .last()
            .and_then(|last| last.author.owner.clone());
        let told = self.pusher.clone().or(author.map(Someone::Person));
        match told {
            Some(Someone::Person(name)) if shown(policy, &name) => Pusher::Person(name),
            Some(Someone::Person(name)) => Pusher::Unknown {
                login: name.to_string(),
            },
            Some(Someone::Stranger) => Pusher::Unknown {
                login: "stranger".to_owned(),
            },
            Some(Someone::Nobody) | None => Pusher::Missing {
                source: policy.identity.variable().unwrap_or("identity").to_owned(),
            },
        }
    }

    fn range(&self, policy: &Policy, base: Oid, tip: Oid) -> Result<RangeFacts, OidError> {
        let numbered = self.commits.iter().enumerate();
        let commits: Result<Vec<CommitFacts>, OidError> = numbered
            .map(|(place, change)| self.commit(policy, base, place, change))
            .collect();
        let mut commits = commits?;
        commits.reverse();
        let statements = self.statements(policy, base)?;
        Ok(RangeFacts {
            base: Some(base),
            tip,
            fast_forward: match self.movement {
                Movement::Forward | Movement::New => true,
                Movement::Forced | Movement::Back | Movement::Deletion => false,
            },
            commits,
            way_back: self.way_back(base, &statements),
            statements,
            delegations: self.delegations(policy)?,
            undone: Vec::new(),
        })
    }

    fn commit(
        &self,
        policy: &Policy,
        base: Oid,
        place: usize,
        change: &Change,
    ) -> Result<CommitFacts, OidError> {
        let committer = change.committer.as_ref().unwrap_or(&change.author);
        let mut claims = vec![
            claim(Role::Author, &change.author),
            claim(Role::Committer, committer),
        ];
        let others = change.co_authors.iter();
        claims.extend(others.map(|one| claim(Role::CoAuthor, one)));
        let mut paths = change.paths.clone();
        paths.sort();
        paths.dedup();
        Ok(CommitFacts {
            oid: commit_id(place)?,
            parents: vec![match place.checked_sub(1) {
                Some(before) => commit_id(before)?,
                None => base,
            }],
            title: format!("commit {}", place + 1),
            claims,
            signature: signature(policy, change),
            first_pushers: first_pushers(policy, change),
            content: if paths.is_empty() {
                Content::Empty
            } else {
                Content::Adds(paths)
            },
            approving: change.approves.then(|| Approving {
                refname: self.refname.clone(),
                repository: policy.repository.0.clone(),
                first_seen: Some(self.time),
                claimed: self.time,
                answers: Vec::new(),
            }),
            tickets: change.tickets.clone(),
        })
    }
}

fn claim(role: Role, named: &Named) -> Claim {
    Claim {
        role,
        identity: named.identity.clone().into(),
        owner: named.owner.clone(),
    }
}

/// A commit's signature: its author's, where nothing is said and they have a key.
fn signature(policy: &Policy, change: &Change) -> SignatureFact {
    match (&change.signed, &change.author.owner) {
        (Some(Someone::Person(name)), _) | (None, Some(name)) => signed_by(policy, name),
        (Some(Someone::Stranger), _) => SignatureFact::Refused(SignatureProblem::UnknownKey {
            key: "a stranger's".to_owned(),
        }),
        (Some(Someone::Nobody), _) | (None, None) => SignatureFact::Unsigned,
    }
}

/// A good signature by a person; none where the policy has no key for them.
pub(super) fn signed_by(policy: &Policy, name: &PersonName) -> SignatureFact {
    let key = policy
        .people
        .get(name)
        .and_then(|person| person.keys.first());
    match key {
        Some(key) => SignatureFact::Good {
            person: name.clone(),
            key: key.clone(),
        },
        None => SignatureFact::Unsigned,
    }
}

/// Who brought a commit: who wrote it, where nothing is said and the server can know them.
fn first_pushers(policy: &Policy, change: &Change) -> FirstPushers {
    let told = change.first_pushed_by.as_ref();
    let told = told.or(change.author.owner.as_ref());
    match told.filter(|name| shown(policy, name)) {
        Some(name) => FirstPushers::one(name.clone()),
        None => FirstPushers::default(),
    }
}

fn shown(policy: &Policy, name: &PersonName) -> bool {
    let person = policy.people.get(name);
    person.is_some_and(|person| policy.can_be_shown(person))
}

/// A person as their commits name them.
pub(super) fn identity(person: &Person) -> Named {
    let name = person.full_name.as_deref().unwrap_or(person.name.as_str());
    let email = person
        .emails
        .first()
        .map_or("nowhere", |email| email.as_str());
    Named {
        identity: escape(format!("{name} <{email}>").as_bytes()),
        owner: Some(person.name.clone()),
    }
}
