//! Who could approve a commit: each person of the policy says yes once, and the decision says what
//! would have come of it.

use super::{Assessment, Workspace};
use crate::decide::{CommitVerdict, Reason, UpdateVerdict};
use crate::facts::Content;
use crate::policy::{BranchRule, Person, Policy};
use crate::statement::Statement;
use crate::types::{Oid, PersonName, RepoPath, TeamName};
use std::collections::BTreeSet;

/// What one person's approval would be worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chance {
    /// Who.
    pub person: PersonName,
    /// Whether they object to something of it. Their own approval afterwards settles that.
    pub objects: bool,
    /// What their approval would be worth.
    pub could: Could,
}

/// What an approval would be worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Could {
    /// Something that is lacking would be lacking no more.
    Yes {
        /// What they had a hand in: that needs somebody else.
        own: Vec<Oid>,
        /// Whether nothing but who pushes would stand against it then.
        enough: bool,
    },
    /// It would count, and nothing lacks it.
    Spare,
    /// It would be worth nothing.
    No(WhyNot),
}

/// Why an approval would be worth nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// The person is disabled in the policy.
    Disabled,
    /// The policy has no key for them.
    NoKey,
    /// They are in none of the teams whose word counts for these commits.
    NotInTeam {
        /// The teams.
        teams: BTreeSet<TeamName>,
    },
    /// They have approved already.
    Approved,
    /// They had a hand in all that lacks an approval of theirs.
    Contributor {
        /// In which of the commits.
        commits: Vec<Oid>,
    },
    /// They had a hand in some, and the rule bars them from the rest of the range.
    Barred {
        /// In which of the commits.
        commits: Vec<Oid>,
    },
    /// None of these.
    Other,
}

impl Workspace {
    /// What everybody's approval would be worth, by name. `statement` is an approval of the commit
    /// that the first update of the assessment brings.
    #[must_use]
    pub fn chances(&self, assessment: &Assessment, statement: &Statement) -> Vec<Chance> {
        let Some(before) = assessment.verdict.updates.first() else {
            return Vec::new();
        };
        let teams = teams(self.policy(), assessment);
        let people = self.policy().people.values();
        let chance = |person: &Person| {
            let name = &person.name;
            let after = match unable(person) {
                Some(_) => Vec::new(),
                None => self.with_statement(assessment, statement, name),
            };
            let could = match after.first() {
                Some(after) if helps(before, after, name) => Could::Yes {
                    own: own(before, name, |commit| !commit.shortfalls.is_empty()),
                    enough: after.reasons.is_empty() && after.let_pass.is_empty(),
                },
                Some(after) if covers(after, name) > covers(before, name) => Could::Spare,
                Some(_) | None => Could::No(self.why_not(before, person, &teams)),
            };
            Chance {
                person: name.clone(),
                objects: objections(before, name) > 0,
                could,
            }
        };
        people.map(chance).collect()
    }

    fn why_not(
        &self,
        before: &UpdateVerdict,
        person: &Person,
        teams: &BTreeSet<TeamName>,
    ) -> WhyNot {
        let name = &person.name;
        if let Some(why) = unable(person) {
            return why;
        }
        let asked: Vec<TeamName> = teams.iter().cloned().collect();
        if !self.policy().members(&asked).contains(name) {
            let teams = teams.clone();
            return WhyNot::NotInTeam { teams };
        }
        if covers(before, name) > 0 {
            return WhyNot::Approved;
        }
        let commits = own(before, name, |commit| commit.adds);
        let adding = before.commits.iter().filter(|commit| commit.adds).count();
        match commits.len() {
            0 => WhyNot::Other,
            all if all == adding => WhyNot::Contributor { commits },
            _some => WhyNot::Barred { commits },
        }
    }
}

/// Why somebody can state nothing at all, if they cannot.
fn unable(person: &Person) -> Option<WhyNot> {
    if person.disabled {
        Some(WhyNot::Disabled)
    } else if person.keys.is_empty() {
        Some(WhyNot::NoKey)
    } else {
        None
    }
}

/// Whether less is lacking than before.
fn helps(before: &UpdateVerdict, after: &UpdateVerdict, person: &PersonName) -> bool {
    lacking(after) < lacking(before)
        || unnamed(after) < unnamed(before)
        || objections(after, person) < objections(before, person)
}

/// So many approvals are lacking, counted over all commits.
fn lacking(update: &UpdateVerdict) -> u64 {
    let shortfalls = update.commits.iter().flat_map(|commit| &commit.shortfalls);
    shortfalls
        .map(|shortfall| u64::from(shortfall.required.saturating_sub(shortfall.have)))
        .sum()
}

/// By so many rules nobody has approved the whole.
fn unnamed(update: &UpdateVerdict) -> usize {
    let unnamed = |reason: &&Reason| matches!(reason, Reason::TipNotNamed { .. });
    let all = update.reasons.iter().chain(&update.let_pass);
    all.filter(unnamed).count()
}

fn objections(update: &UpdateVerdict, who: &PersonName) -> usize {
    let objects =
        |reason: &&Reason| matches!(reason, Reason::Rejected { person, .. } if person == who);
    update.reasons.iter().filter(objects).count()
}

/// So many commits somebody's approvals cover.
fn covers(update: &UpdateVerdict, who: &PersonName) -> usize {
    let covered = |commit: &&CommitVerdict| {
        let mut covers = commit.covers.iter();
        covers.any(|cover| cover.person == *who)
    };
    update.commits.iter().filter(covered).count()
}

/// The commits that somebody had a hand in.
fn own(
    update: &UpdateVerdict,
    who: &PersonName,
    counts: impl Fn(&CommitVerdict) -> bool,
) -> Vec<Oid> {
    let commits = update.commits.iter();
    commits
        .filter(|commit| counts(commit) && commit.contributors.contains(who))
        .map(|commit| commit.oid)
        .collect()
}

/// The teams whose word counts for the commits: those of the rules, and of the path rules that
/// they fall under.
fn teams(policy: &Policy, assessment: &Assessment) -> BTreeSet<TeamName> {
    let mut teams = BTreeSet::new();
    for update in &assessment.facts.updates {
        let commits = update.range().map_or(&[][..], |range| &range.commits);
        for rule in policy.rules_for(&update.refname) {
            teams.extend(rule.from.iter().cloned());
            for commit in commits {
                match &commit.content {
                    Content::Empty | Content::CleanMerge => {}
                    Content::Adds(paths) => teams.extend(of_paths(rule, paths)),
                }
            }
        }
    }
    teams
}

fn of_paths(rule: &BranchRule, paths: &[RepoPath]) -> Vec<TeamName> {
    let matching = paths
        .iter()
        .flat_map(|path| rule.paths.matching(path.as_bytes()));
    matching
        .flat_map(|path| path.from.iter().cloned())
        .collect()
}
