//! The statements that are still worth something: about commits that no protected ref has yet.

use super::{ClientError, Deputy, Git};
use crate::decide::{DebtVerdict, decide};
use crate::facts::{Current, Memory, PushFacts, Sources, Store, gather_owing};
use crate::object::Tag;
use crate::policy::{POLICY_REF, Policy};
use crate::signature::{Keyring, SignatureStatus};
use crate::statement::{Decision, STATEMENT_PREFIX, Statement, StatementRef};
use crate::types::{MachineName, Oid, PersonName, RefName, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The most statements that are looked through.
const MAX_STATEMENTS: usize = 200_000;
/// The most refs that are looked through.
const MAX_REFS: usize = 100_000;
/// The most statements that are read.
const MAX_READ: usize = 1000;

/// What is needed to read what a server has: its own repository, or a clone's mirror of it.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The objects and the refs.
    pub store: &'a Store,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Its keys.
    pub keyring: &'a Keyring,
    /// The machine's clock.
    pub now: Timestamp,
}

/// A statement that the server has.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its tag object.
    pub tag: Oid,
    /// What it says.
    pub statement: Statement,
    /// Who signed it, where the signature counts.
    pub signer: Option<PersonName>,
    /// Which machine signed it, if one did.
    pub machine: Option<MachineName>,
}

/// The protected refs that there are, and the statements about what they do not have yet.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Each protected ref and its value.
    pub refs: Vec<(RefName, Oid)>,
    /// The statements, those withdrawn left out.
    pub statements: Vec<Stored>,
    /// How many more there are than were read.
    pub unread: usize,
    /// Who stands in for whom, or will.
    pub deputies: Vec<Deputy>,
}

impl View<'_> {
    /// What is owed for emergencies on these refs.
    #[must_use]
    pub fn owed(&self, memory: &dyn Memory, refs: &[RefName]) -> Vec<DebtVerdict> {
        decide(self.policy, &self.owing(memory, refs)).debts
    }

    /// The facts that this rests on.
    pub(super) fn owing(&self, memory: &dyn Memory, refs: &[RefName]) -> PushFacts {
        let sources = Sources {
            store: self.store,
            policy: self.policy,
            keyring: self.keyring,
            memory,
            now: self.now,
            progress: None,
        };
        gather_owing(&sources, refs)
    }

    /// What stands.
    ///
    /// # Errors
    /// When a ref or a statement cannot be read, or git cannot say what is where.
    pub fn standing(&self, git: &Git) -> Result<Standing, ClientError> {
        let refs = self.protected()?;
        let about = self.stored_about()?;
        let pending = pending(git, about.keys().copied(), &refs)?;
        let tags = about
            .iter()
            .filter(|(commit, _)| pending.contains(commit))
            .flat_map(|(_, tags)| tags);
        let tags: Vec<Oid> = tags.copied().collect();
        let unread = tags.len().saturating_sub(MAX_READ);
        let read = tags.into_iter().take(MAX_READ);
        let all: Vec<Stored> = read.map(|tag| self.stored(tag)).collect::<Result<_, _>>()?;
        Ok(Standing {
            refs,
            statements: without_withdrawn(all),
            unread,
            deputies: self.deputies(&about)?,
        })
    }

    /// What is stored, by the commit that it is about.
    pub(super) fn stored_about(&self) -> Result<BTreeMap<Oid, Vec<Oid>>, ClientError> {
        let prefix = STATEMENT_PREFIX.as_bytes();
        let mut about: BTreeMap<Oid, Vec<Oid>> = BTreeMap::new();
        for (name, tag) in self.store.refs_below(prefix, MAX_STATEMENTS)? {
            if let Ok(name) = StatementRef::parse(&name) {
                about.entry(name.commit).or_default().push(tag);
            }
        }
        Ok(about)
    }

    /// The refs that there are and that the policy protects.
    fn protected(&self) -> Result<Vec<(RefName, Oid)>, ClientError> {
        let mut refs = Vec::new();
        for prefix in [&b"refs/heads/"[..], b"refs/tags/"] {
            let all = self.store.refs_below(prefix, MAX_REFS)?;
            refs.extend(
                all.into_iter()
                    .filter(|(name, _)| self.policy.protects(name)),
            );
        }
        let policy = RefName::new(POLICY_REF.as_bytes()).ok();
        if let Some(name) = policy
            && let Current::At(oid) = self.store.current(&name)?
        {
            refs.push((name, oid));
        }
        Ok(refs)
    }

    /// Reads one statement.
    ///
    /// # Errors
    /// When it is not there or is no statement.
    pub fn stored(&self, tag: Oid) -> Result<Stored, ClientError> {
        let unusable = |why: String| ClientError::Unusable {
            why: format!("the statement {tag}: {why}"),
        };
        let bytes = self.store.tag_bytes(tag)?;
        let bytes = bytes.map_err(|kind| unusable(format!("it is a {kind}")))?;
        let parsed = Tag::parse(&bytes).map_err(|error| unusable(error.to_string()))?;
        let statement = Statement::parse(&parsed).map_err(|error| unusable(error.to_string()))?;
        let status = parsed
            .signature
            .map(|block| self.keyring.verify(&block, self.now));
        let key = match &status {
            Some(SignatureStatus::Good(verified)) => Some(verified.key()),
            Some(SignatureStatus::Refused(_)) | None => None,
        };
        let signer = key.and_then(|key| self.policy.owner_of_key(key));
        let machine = key.and_then(|key| self.policy.machine_of_key(key));
        Ok(Stored {
            tag,
            statement,
            signer: signer.map(|person| person.name.clone()),
            machine: machine.map(|machine| machine.name.clone()),
        })
    }
}

/// Which of some commits none of the refs reaches.
fn pending(
    git: &Git,
    commits: impl Iterator<Item = Oid>,
    refs: &[(RefName, Oid)],
) -> Result<BTreeSet<Oid>, ClientError> {
    let asked: BTreeSet<Oid> = commits.collect();
    let mut input = String::new();
    for oid in &asked {
        input.push_str(&format!("{oid}\n"));
    }
    for (_, oid) in refs {
        input.push_str(&format!("^{oid}\n"));
    }
    let listed = git.ask_with(
        &["rev-list", "--ignore-missing", "--stdin"],
        input.as_bytes(),
    )?;
    let listed = listed.split(|byte| *byte == b'\n');
    let listed = listed.filter_map(|hex| Oid::from_hex(hex).ok());
    Ok(listed.filter(|oid| asked.contains(oid)).collect())
}

/// The statements that still hold: neither withdrawn by their own signer nor withdrawals.
pub(super) fn without_withdrawn(all: Vec<Stored>) -> Vec<Stored> {
    let withdrawn: BTreeSet<(Oid, Option<PersonName>)> = all
        .iter()
        .filter(|stored| stored.signer.is_some())
        .filter_map(|stored| match stored.statement.decision {
            Decision::Withdraw { statement } => Some((statement, stored.signer.clone())),
            Decision::Approve
            | Decision::Reject
            | Decision::Lift
            | Decision::Emergency
            | Decision::Delegate
            | Decision::Rollback
            | Decision::Check => None,
        })
        .collect();
    let holds = |stored: &Stored| match stored.statement.decision {
        Decision::Withdraw { .. } => false,
        Decision::Approve
        | Decision::Reject
        | Decision::Lift
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => !withdrawn.contains(&(stored.tag, stored.signer.clone())),
    };
    all.into_iter().filter(holds).collect()
}
