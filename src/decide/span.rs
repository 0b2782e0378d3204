//! A range of commits, numbered, with its people numbered: what cover is computed over.

use super::deputies::{self, Delegation};
use super::roster::{Crowd, Roster};
use super::signer::{Signer, signer};
use super::voices::Approval;
use crate::facts::{CommitFacts, RangeFacts, Undone};
use crate::policy::Policy;
use crate::types::{Oid, RefName, Timestamp};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

/// A commit's number: its place in the range, children before parents, the tip at 0.
pub(super) type At = usize;

/// So many steps over commits are made to find out what approvals reach. Honest pushes stay a
/// thousand times below.
const STEPS: u64 = 1 << 28;

/// One range and everything that is asked of it again and again.
pub(super) struct Span<'a> {
    pub policy: &'a Policy,
    pub refname: &'a RefName,
    pub now: Timestamp,
    pub facts: &'a RangeFacts,
    pub roster: &'a Roster<'a>,
    /// Each commit's parents that are in the range.
    pub parents: Vec<Vec<At>>,
    /// Each commit's contributors.
    pub contributors: Vec<Crowd>,
    /// Who signed each commit.
    pub signers: Vec<Signer>,
    /// Who was named a deputy for the ref.
    pub delegations: Vec<Delegation>,
    /// The rollbacks that undid a commit before.
    undone: BTreeMap<At, Vec<&'a Undone>>,
    /// What approvals answer, by their statement's tag or the approving commit.
    answers: HashMap<Oid, &'a [Oid]>,
    places: HashMap<Oid, At>,
    steps: Cell<u64>,
}

impl<'a> Span<'a> {
    /// Numbers a range.
    ///
    /// # Errors
    /// How the facts contradict themselves, if they do: nothing may be concluded from them then.
    pub(super) fn new(
        policy: &'a Policy,
        roster: &'a Roster<'a>,
        refname: &'a RefName,
        now: Timestamp,
        facts: &'a RangeFacts,
    ) -> Result<Self, String> {
        let places = places(facts)?;
        let parents = parents(facts, &places)?;
        let sign = |commit: &CommitFacts| signer(policy, roster, &commit.signature);
        let signers: Vec<Signer> = facts.commits.iter().map(sign).collect();
        let pairs = facts.commits.iter().zip(&signers);
        let contributors = pairs
            .map(|(commit, signer)| contributors(roster, commit, signer))
            .collect();
        Ok(Self {
            policy,
            refname,
            now,
            facts,
            roster,
            parents,
            contributors,
            signers,
            delegations: deputies::all(policy, roster, refname, &facts.delegations),
            undone: undone(facts, &places),
            answers: answers(facts),
            places,
            steps: Cell::new(STEPS),
        })
    }

    /// Where a commit stands in the range; nothing if it does not.
    pub(super) fn place(&self, oid: Oid) -> Option<At> {
        self.places.get(&oid).copied()
    }

    /// The commit at a place.
    pub(super) fn oid(&self, at: At) -> Option<Oid> {
        self.facts.commits.get(at).map(|commit| commit.oid)
    }

    /// Whether rollbacks undid any of it before.
    pub(super) fn was_undone(&self) -> bool {
        !self.undone.is_empty()
    }

    /// The rollbacks that undid a commit before.
    pub(super) fn undoing(&self, at: At) -> &[&'a Undone] {
        self.undone.get(&at).map_or(&[], Vec::as_slice)
    }

    /// Whether a rollback undid some of it after something was seen, or nobody knows when that was.
    pub(super) fn undone_since(&self, seen: Option<Timestamp>) -> bool {
        let mut all = self.undone.values().flatten();
        all.any(|undone| seen.is_none_or(|seen| seen < undone.at))
    }

    /// Whether an approval does not count for a commit because a rollback has undone it: the approval
    /// was seen before, or does not answer why it was undone.
    pub(super) fn is_stale(&self, approval: &Approval, at: At) -> bool {
        let answers = self.answers.get(&approval.by).copied().unwrap_or(&[]);
        self.undoing(at).iter().any(|undone| {
            let before = approval.seen.is_none_or(|seen| seen < undone.at);
            let mut tags = undone.statements.iter();
            before || !tags.any(|tag| answers.contains(tag))
        })
    }

    /// Counts steps. False once there were too many: then nothing may be concluded.
    pub(super) fn step(&self, steps: usize) -> bool {
        let left = self.steps.get().checked_sub(steps as u64);
        self.steps.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Whether too many steps were asked for.
    pub(super) fn exhausted(&self) -> bool {
        self.steps.get() == 0
    }

    /// The commits that need cover, each with its number and its contributors.
    pub(super) fn adding(&self) -> impl Iterator<Item = (At, &'a CommitFacts, &Crowd)> {
        let pairs = self.facts.commits.iter().zip(&self.contributors);
        let numbered = pairs.enumerate();
        numbered
            .filter(|(_, (commit, _))| commit.content.adds())
            .map(|(at, (commit, crowd))| (at, commit, crowd))
    }
}

fn undone<'a>(facts: &'a RangeFacts, places: &HashMap<Oid, At>) -> BTreeMap<At, Vec<&'a Undone>> {
    let mut by_place: BTreeMap<At, Vec<&Undone>> = BTreeMap::new();
    for undone in &facts.undone {
        for at in undone.commits.iter().filter_map(|oid| places.get(oid)) {
            by_place.entry(*at).or_default().push(undone);
        }
    }
    by_place
}

/// Asked for only where something was undone.
fn answers(facts: &RangeFacts) -> HashMap<Oid, &[Oid]> {
    if facts.undone.is_empty() {
        return HashMap::new();
    }
    let statements = facts.statements.iter();
    let statements = statements.map(|one| (one.tag, one.statement.particulars.answers.as_slice()));
    let commits = facts.commits.iter().filter_map(|commit| {
        let approving = commit.approving.as_ref()?;
        Some((commit.oid, approving.answers.as_slice()))
    });
    statements.chain(commits).collect()
}

fn places(facts: &RangeFacts) -> Result<HashMap<Oid, At>, String> {
    let mut places = HashMap::with_capacity(facts.commits.len());
    for (at, commit) in facts.commits.iter().enumerate() {
        if places.insert(commit.oid, at).is_some() {
            return Err(format!("{} stands in the range twice", commit.oid));
        }
    }
    match facts.base.filter(|base| places.contains_key(base)) {
        Some(base) => Err(format!("the range holds {base}, where it starts")),
        None => Ok(places),
    }
}

/// The parents within the range, held against what a range is: the tip first, children before
/// parents, and every commit reached from the tip.
fn parents(facts: &RangeFacts, places: &HashMap<Oid, At>) -> Result<Vec<Vec<At>>, String> {
    let mut reached = vec![false; facts.commits.len()];
    if let (Some(first), Some(mark)) = (facts.commits.first(), reached.first_mut()) {
        if first.oid != facts.tip {
            return Err(format!("the range begins with {}, not its tip", first.oid));
        }
        *mark = true;
    }
    let mut all = Vec::with_capacity(facts.commits.len());
    for (at, commit) in facts.commits.iter().enumerate() {
        if reached.get(at) != Some(&true) {
            return Err(format!("no child of {} stands before it", commit.oid));
        }
        let inside = commit.parents.iter().filter_map(|oid| places.get(oid));
        let inside: Vec<At> = inside.copied().collect();
        for parent in &inside {
            if *parent <= at {
                return Err(format!("a parent of {} stands before it", commit.oid));
            }
            if let Some(mark) = reached.get_mut(*parent) {
                *mark = true;
            }
        }
        all.push(inside);
    }
    Ok(all)
}

/// Everybody who had a hand in a commit: whom it names, who signed it, who first pushed it.
fn contributors(roster: &Roster<'_>, commit: &CommitFacts, signer: &Signer) -> Crowd {
    let owners = commit
        .claims
        .iter()
        .filter_map(|claim| claim.owner.as_ref());
    let named = owners.chain(&commit.first_pushers.people);
    let mut crowd: Crowd = named.filter_map(|name| roster.number(name)).collect();
    match signer {
        Signer::Person { number, .. } => crowd.add(*number),
        Signer::Nobody | Signer::Refused(_) => {}
    }
    crowd
}
