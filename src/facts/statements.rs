//! Statements: those that are stored, and those that this push brings.
//!
//! A stored statement that cannot be read stops the gathering: it might be an objection, and to
//! skip it would be to overrule it.

use super::gather::Gatherer;
use super::maps::Set;
use super::{
    ArrivingStatement, BaseRelation, Fault, Pusher, SignatureFact, Sources, StatementFacts,
};
use super::{RangeFacts, StatementOutcome};
use crate::object::Tag;
use crate::statement::{Decision, STATEMENT_PREFIX, Statement, StatementRef};
use crate::types::{Oid, PersonName, RefChange, RefName, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// From so many commits on, it pays to list once which commits have statements at all.
const LISTING_PAYS: usize = 100;
/// Commits that statements compared with, of which one has a broken history: so many are asked for
/// one by one. An approval that compared with another one does not count.
const MAX_BASES_ALONE: usize = 32;
/// Commits with statements, in a whole repository.
const MAX_SUBJECTS: usize = 5_000_000;

/// Every statement about `commit` that is stored, for whoever judges no push. How the commits that
/// their signers compared with stand to anything is not asked.
///
/// # Errors
/// When one cannot be read: it might be the one that says no.
pub fn stored_statements(sources: &Sources<'_>, commit: Oid) -> Result<Vec<StatementFacts>, Fault> {
    Gatherer::over(sources, Pusher::NotAsked).read_stored(commit)
}

/// A statement's tag, read.
pub(super) struct Told {
    pub tag: Tag,
    pub statement: Statement,
    /// The name that it has to be stored under.
    name: StatementRef,
}

/// Why a tag is no statement.
enum NotTold {
    NotATag(&'static str),
    Malformed(String),
}

impl Gatherer<'_> {
    /// What a pushed statement ref is.
    pub(super) fn pushed_statement(
        &mut self,
        name: &RefName,
        change: &RefChange,
    ) -> StatementOutcome {
        let Some(new) = change.new_oid() else {
            return StatementOutcome::Deletion;
        };
        let Ok(name) = StatementRef::parse(name) else {
            return StatementOutcome::MalformedName;
        };
        match self.tell(new) {
            Err(fault) => StatementOutcome::Fault(fault),
            Ok(Err(NotTold::NotATag(kind))) => StatementOutcome::NotATag { kind },
            Ok(Err(NotTold::Malformed(why))) => StatementOutcome::Malformed { why },
            Ok(Ok(told)) => match self.arriving(new, told, name) {
                Ok(arriving) => StatementOutcome::Read(arriving),
                Err(fault) => StatementOutcome::Fault(fault),
            },
        }
    }

    fn arriving(
        &mut self,
        oid: Oid,
        told: Told,
        name: StatementRef,
    ) -> Result<ArrivingStatement, Fault> {
        let tagger = &told.tag.tagger;
        Ok(ArrivingStatement {
            tag: oid,
            signer: self.people.signer(told.tag.signature.as_ref()),
            tagger: self.people.owner(&tagger.email),
            tagger_identity: super::people::shown(&tagger.name, &tagger.email),
            claimed: Timestamp::from_unix(tagger.claimed_seconds),
            name_agrees: told.name == name,
            repository_agrees: told.statement.repository == self.sources.policy.repository.0,
            commit_tree: self.real_tree(told.statement.commit)?,
            // Filled in once every arriving statement is known.
            withdrawn_signer: None,
            earlier: 0,
            statement: told.statement,
        })
    }

    /// The tree of a commit; nothing where it is not here or is no commit.
    fn real_tree(&mut self, commit: Oid) -> Result<Option<Oid>, Fault> {
        match self.sources.store.header(commit) {
            Ok(header) if header.kind == "commit" => self.graph.tree(commit).map(Some),
            Ok(_) | Err(Fault::Missing { .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Who signed the statement that `withdrawing` withdraws, among those about the same commit
    /// that are stored or arrive.
    pub(super) fn withdrawn_signer(
        &mut self,
        withdrawing: &Statement,
        arriving: &[ArrivingStatement],
    ) -> Result<Option<PersonName>, Fault> {
        let Decision::Withdraw { statement } = withdrawing.decision else {
            return Ok(None);
        };
        let here = arriving
            .iter()
            .find(|other| other.tag == statement && other.statement.commit == withdrawing.commit);
        if let Some(other) = here {
            return Ok(person(&other.signer));
        }
        let stored = self.stored(withdrawing.commit)?;
        let stored = stored.iter().find(|other| other.tag == statement);
        Ok(stored.and_then(|other| person(&other.signer)))
    }

    /// Every statement about the commits of a range.
    pub(super) fn statements(
        &mut self,
        range: &RangeFacts,
        arriving: &[ArrivingStatement],
    ) -> Result<Vec<StatementFacts>, Fault> {
        let members: HashSet<Oid> = range.commits.iter().map(|commit| commit.oid).collect();
        let mut found: BTreeMap<Oid, StatementFacts> = BTreeMap::new();
        for oid in self.subjects(range)? {
            for facts in self.stored(oid)?.iter() {
                found.insert(facts.tag, facts.clone());
            }
        }
        for other in arriving {
            if members.contains(&other.statement.commit) {
                let first_seen = self.first_seen(other.tag)?.or(Some(self.sources.now));
                found.entry(other.tag).or_insert_with(|| StatementFacts {
                    tag: other.tag,
                    statement: other.statement.clone(),
                    signer: other.signer.clone(),
                    first_seen,
                    claimed: other.claimed,
                    base: BaseRelation::None,
                });
            }
        }
        let mut found: Vec<StatementFacts> = found.into_values().collect();
        self.relate_bases(range, &members, &mut found)?;
        Ok(found)
    }

    /// The commits of the range that may have statements.
    fn subjects(&self, range: &RangeFacts) -> Result<Vec<Oid>, Fault> {
        let all = range.commits.iter().map(|commit| commit.oid);
        if range.commits.len() < LISTING_PAYS {
            return Ok(all.collect());
        }
        let store = self.sources.store;
        let listed = store.names_below(STATEMENT_PREFIX.as_bytes(), MAX_SUBJECTS)?;
        Ok(all
            .filter(|oid| listed.contains(oid.to_string().as_bytes()))
            .collect())
    }

    /// Counts for each arriving statement what its signer has about the commit already.
    pub(super) fn fill_earlier(&mut self, outcomes: &mut [Option<StatementOutcome>]) {
        let mut counts: HashMap<Voice, usize> = HashMap::new();
        let mut asked = HashSet::new();
        for outcome in outcomes.iter_mut().flatten() {
            let StatementOutcome::Read(read) = outcome else {
                continue;
            };
            let Some(voice) = voice(&read.statement, &read.signer) else {
                continue;
            };
            if asked.insert(read.statement.commit) {
                match self.stored(read.statement.commit) {
                    Ok(stored) => stored
                        .iter()
                        .filter_map(voice_of)
                        .for_each(|voice| *counts.entry(voice).or_default() += 1),
                    Err(fault) => {
                        *outcome = StatementOutcome::Fault(fault);
                        continue;
                    }
                }
            }
            let count = counts.entry(voice).or_default();
            read.earlier = *count;
            *count += 1;
        }
    }

    /// The statements about a commit that are stored. They were checked when they came; one that
    /// does not hold any more is not skipped.
    pub(super) fn stored(&mut self, commit: Oid) -> Result<Rc<[StatementFacts]>, Fault> {
        if let Some(known) = self.stored.get(&commit) {
            return Ok(Rc::clone(known));
        }
        let read: Rc<[StatementFacts]> = self.read_stored(commit)?.into();
        self.stored.insert(commit, Rc::clone(&read));
        Ok(read)
    }

    fn read_stored(&self, commit: Oid) -> Result<Vec<StatementFacts>, Fault> {
        let told = self.told_about(commit)?;
        let mut statements = Vec::with_capacity(told.len());
        for (oid, told) in told {
            let signer = self.people.signer(told.tag.signature.as_ref());
            statements.push(StatementFacts {
                tag: oid,
                statement: told.statement,
                signer,
                first_seen: self.first_seen(oid)?,
                claimed: Timestamp::from_unix(told.tag.tagger.claimed_seconds),
                base: BaseRelation::None,
            });
        }
        Ok(statements)
    }

    /// The tags of the statements about a commit that are stored, and what each says; whose they are
    /// is not asked.
    pub(super) fn told_about(&self, commit: Oid) -> Result<Vec<(Oid, Told)>, Fault> {
        let prefix = format!("{STATEMENT_PREFIX}{commit}/");
        let limit = self.sources.store.limits().statements;
        let refs = self.sources.store.refs_below(prefix.as_bytes(), limit)?;
        let mut all = Vec::with_capacity(refs.len());
        for (name, oid) in refs {
            let broken = |why: String| Fault::Unreadable {
                why: format!("the stored statement {name}: {why}"),
            };
            let told = match self.tell(oid)? {
                Ok(told) => told,
                Err(NotTold::NotATag(kind)) => return Err(broken(format!("it is a {kind}"))),
                Err(NotTold::Malformed(why)) => return Err(broken(why)),
            };
            if told.name.to_refname() != name {
                return Err(broken("its content belongs under another name".into()));
            }
            all.push((oid, told));
        }
        Ok(all)
    }

    /// Reads a tag as a statement.
    fn tell(&self, oid: Oid) -> Result<Result<Told, NotTold>, Fault> {
        let bytes = match self.sources.store.tag_bytes(oid)? {
            Ok(bytes) => bytes,
            Err(kind) => return Ok(Err(NotTold::NotATag(kind))),
        };
        let malformed = |why: String| Ok(Err(NotTold::Malformed(why)));
        let tag = match Tag::parse(&bytes) {
            Ok(tag) => tag,
            Err(error) => return malformed(error.to_string()),
        };
        let statement = match Statement::parse(&tag) {
            Ok(statement) => statement,
            Err(error) => return malformed(error.to_string()),
        };
        let name = StatementRef::of(statement.commit, &bytes);
        Ok(Ok(Told {
            tag,
            statement,
            name,
        }))
    }

    /// How the commits that the approvers compared with stand to the range.
    fn relate_bases(
        &mut self,
        range: &RangeFacts,
        members: &HashSet<Oid>,
        statements: &mut [StatementFacts],
    ) -> Result<(), Fault> {
        let mut relations: HashMap<Oid, BaseRelation> = HashMap::new();
        let mut unknown = Vec::new();
        for base in statements.iter().filter_map(|facts| facts.statement.base) {
            if relations.contains_key(&base) {
                continue;
            }
            let relation = if members.contains(&base) {
                BaseRelation::InRange
            } else if range.base == Some(base) {
                BaseRelation::Before
            } else {
                unknown.push(base);
                BaseRelation::Elsewhere
            };
            relations.insert(base, relation);
        }
        for base in self.before(range, unknown)? {
            relations.insert(base, BaseRelation::Before);
        }
        for facts in statements {
            let base = facts.statement.base;
            facts.base = base.map_or(BaseRelation::None, |base| {
                let relation = relations.get(&base).copied();
                relation.unwrap_or(BaseRelation::Elsewhere)
            });
        }
        Ok(())
    }

    /// Which of some commits the range's start reaches. Anybody whom the policy knows may have named
    /// them: what is wrong with one of them must not stop whoever else's push.
    fn before(&mut self, range: &RangeFacts, commits: Vec<Oid>) -> Result<Set<Oid>, Fault> {
        let Some(start) = range.base else {
            return Ok(Set::default());
        };
        let mut here = Vec::new();
        for oid in commits {
            if forgive(self.real_tree(oid))?.flatten().is_some() {
                here.push(oid);
            }
        }
        if let Some(found) = forgive(self.graph.reaches(start, &here))? {
            return Ok(found);
        }
        // One of them has a history that cannot be read: that is no word about the others.
        here.truncate(MAX_BASES_ALONE);
        let mut found = Set::default();
        for oid in here {
            found.extend(forgive(self.graph.reaches(start, &[oid]))?.unwrap_or_default());
        }
        Ok(found)
    }
}

/// What is counted together: one person's or machine's withdrawals about a commit, or everything else of theirs.
type Voice = (Oid, String, bool);

fn voice(statement: &Statement, signer: &SignatureFact) -> Option<Voice> {
    let withdraws = match statement.decision {
        Decision::Withdraw { .. } => true,
        Decision::Approve
        | Decision::Reject
        | Decision::Lift
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => false,
    };
    let name = match signer {
        SignatureFact::Good { person, .. } => person.as_str().to_owned(),
        // No person has a name like that.
        SignatureFact::Machine { machine, .. } => format!("machine {}", machine.as_str()),
        SignatureFact::Unsigned | SignatureFact::Refused(_) => return None,
    };
    Some((statement.commit, name, withdraws))
}

fn voice_of(facts: &StatementFacts) -> Option<Voice> {
    voice(&facts.statement, &facts.signer)
}

/// Nothing, where an object that a statement merely names is missing, odd or has too long a history.
fn forgive<T>(read: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(
            Fault::Malformed { .. }
            | Fault::Missing { .. }
            | Fault::NotACommit { .. }
            | Fault::NotFromBaseline { .. }
            | Fault::TooLarge { .. },
        ) => Ok(None),
        Err(fault @ Fault::Unreadable { .. }) => Err(fault),
    }
}

fn person(signer: &SignatureFact) -> Option<PersonName> {
    match signer {
        SignatureFact::Good { person, .. } => Some(person.clone()),
        SignatureFact::Unsigned | SignatureFact::Refused(_) | SignatureFact::Machine { .. } => None,
    }
}
