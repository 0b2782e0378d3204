//! Who could approve a commit: each person of the policy says yes once, and the decision says what
//! would have come of it.

use super::{Assessment, Deputy, Workspace};
use crate::decide::{CommitVerdict, Cover, Reason, UpdateVerdict};
use crate::facts::Content;
use crate::policy::{BranchRule, PathGlobs, Person, Policy};
use crate::statement::Statement;
use crate::types::{Oid, PersonName, RepoPath, TeamName, Timestamp};
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
    /// In whose stead they could speak as well, by which delegation, and what that would be worth.
    pub steads: Vec<InStead>,
}

impl Chance {
    /// Whether something that is lacking would be lacking no more, whoever they speak for.
    #[must_use]
    pub fn helps(&self) -> bool {
        self.could.helps() || self.steads.iter().any(|stead| stead.could.helps())
    }
}

/// What an approval in somebody's stead would be worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InStead {
    /// In whose.
    pub stead: PersonName,
    /// The delegation's tag.
    pub tag: Oid,
    /// Its end.
    pub until: Option<Timestamp>,
    /// What it would be worth.
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

impl Could {
    /// Whether something that is lacking would be lacking no more.
    #[must_use]
    pub fn helps(&self) -> bool {
        match self {
            Self::Yes { .. } => true,
            Self::Spare | Self::No(_) => false,
        }
    }
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
    /// The one in whose stead it would be had a hand in it.
    Stead {
        /// In which of the commits.
        commits: Vec<Oid>,
    },
    /// The delegation begins later.
    NotYet {
        /// When.
        from: Timestamp,
    },
    /// The policy does not heed the delegation, or no longer.
    NotHeeded,
    /// The delegation is for other paths.
    OtherPaths,
    /// Nobody's seat is taken twice, and nobody takes two.
    Spoken,
    /// None of these.
    Other,
}

impl Workspace {
    /// What everybody's approval would be worth, by name: their own, and those that they could give by
    /// one of the delegations. `statement` is an approval of the commit that the first update of the
    /// assessment brings.
    #[must_use]
    pub fn chances(
        &self,
        assessment: &Assessment,
        statement: &Statement,
        deputies: &[Deputy],
    ) -> Vec<Chance> {
        let Some(before) = assessment.verdict.updates.first() else {
            return Vec::new();
        };
        let teams = teams(self.policy(), assessment);
        let trial = Trial {
            workspace: self,
            assessment,
            statement,
            before,
        };
        let people = self.policy().people.values();
        let chance = |person: &Person| {
            let name = &person.name;
            let could = trial.of(person, None);
            let could = could.unwrap_or_else(|| Could::No(self.why_not(before, person, &teams)));
            Chance {
                person: name.clone(),
                objects: objections(before, name) > 0,
                could,
                steads: trial.in_steads(person, deputies),
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
        if covers(before, name, None) > 0 {
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

/// Trying what an approval would be worth.
struct Trial<'a> {
    workspace: &'a Workspace,
    assessment: &'a Assessment,
    statement: &'a Statement,
    before: &'a UpdateVerdict,
}

impl Trial<'_> {
    /// What somebody's approval would be worth, in their own name or in somebody's stead; nothing where it
    /// would be worth nothing.
    fn of(&self, person: &Person, stead: Option<&PersonName>) -> Option<Could> {
        if unable(person).is_some() {
            return None;
        }
        let name = &person.name;
        let mut statement = self.statement.clone();
        statement.particulars.stead = stead.cloned();
        let after = self
            .workspace
            .with_statement(self.assessment, &statement, name);
        let (before, after) = (self.before, after.first()?);
        let hand = |commit: &CommitVerdict| {
            let stead = stead.is_some_and(|stead| commit.contributors.contains(stead));
            stead || commit.contributors.contains(name)
        };
        let short = before.commits.iter();
        let short = short.filter(|commit| !commit.shortfalls.is_empty() && hand(commit));
        if helps(before, after, name) {
            Some(Could::Yes {
                own: short.map(|commit| commit.oid).collect(),
                enough: after.reasons.is_empty() && after.let_pass.is_empty(),
            })
        } else if covers(after, name, stead) > covers(before, name, stead) {
            Some(Could::Spare)
        } else {
            None
        }
    }

    /// In whose stead somebody could speak about the ref, and what that would be worth.
    fn in_steads(&self, person: &Person, deputies: &[Deputy]) -> Vec<InStead> {
        let refname = &self.statement.refname;
        let mut all: Vec<InStead> = Vec::new();
        for deputy in deputies {
            let grant = deputy.stored.statement.particulars.grant.as_ref();
            let grant = grant.filter(|grant| grant.to == person.name);
            let (Some(grant), Some(by)) = (grant, deputy.by()) else {
                continue;
            };
            if deputy.stored.statement.refname != *refname {
                continue;
            }
            let could = if !deputy.heeded {
                Could::No(WhyNot::NotHeeded)
            } else if self.workspace.now < grant.from {
                Could::No(WhyNot::NotYet { from: grant.from })
            } else {
                let could = self.of(person, Some(by));
                could.unwrap_or_else(|| Could::No(self.why_no_stead(person, by, &grant.paths)))
            };
            let one = InStead {
                stead: by.clone(),
                tag: deputy.stored.tag,
                until: deputy.stored.statement.expires,
                could,
            };
            // Two delegations of one person are worth what the better one is.
            match all.iter_mut().find(|other| other.stead == one.stead) {
                Some(other) if other.could.helps() => {}
                Some(other) if one.could.helps() => *other = one,
                Some(_) | None => all.push(one),
            }
        }
        all
    }

    fn why_no_stead(&self, person: &Person, stead: &PersonName, paths: &[String]) -> WhyNot {
        if let Some(why) = unable(person) {
            return why;
        }
        let (before, name) = (self.before, &person.name);
        let adding = before.commits.iter().filter(|commit| commit.adds).count();
        let hand = |who: &PersonName| own(before, who, |commit| commit.adds);
        let (made, theirs) = (hand(name), hand(stead));
        if covers(before, name, Some(stead)) > 0 {
            WhyNot::Approved
        } else if !made.is_empty() && made.len() == adding {
            WhyNot::Contributor { commits: made }
        } else if !theirs.is_empty() && theirs.len() == adding {
            WhyNot::Stead { commits: theirs }
        } else if !made.is_empty() {
            WhyNot::Barred { commits: made }
        } else if !theirs.is_empty() {
            WhyNot::Stead { commits: theirs }
        } else if !self.within(paths) {
            WhyNot::OtherPaths
        } else if self.has_spoken(name) || self.has_spoken(stead) {
            WhyNot::Spoken
        } else {
            WhyNot::Other
        }
    }

    /// Whether everything that would go in is within these paths; all are, where there are none.
    fn within(&self, paths: &[String]) -> bool {
        let Ok(globs) = PathGlobs::compile(paths) else {
            return false;
        };
        let updates = self.assessment.facts.updates.iter();
        let commits = updates
            .filter_map(|update| update.range())
            .flat_map(|range| &range.commits);
        let mut touched = commits.flat_map(|commit| match &commit.content {
            Content::Empty | Content::CleanMerge => &[],
            Content::Adds(paths) => paths.as_slice(),
        });
        paths.is_empty() || touched.all(|path| globs.is_match(path.as_bytes()))
    }

    /// Whether somebody's yes, or one in their stead, counts already.
    fn has_spoken(&self, who: &PersonName) -> bool {
        let mut covers = self.before.commits.iter().flat_map(|commit| &commit.covers);
        covers.any(|cover| cover.person == *who || cover.stead.as_ref() == Some(who))
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

/// So many commits somebody's approvals cover, in their own name or in somebody's stead.
fn covers(update: &UpdateVerdict, who: &PersonName, stead: Option<&PersonName>) -> usize {
    let theirs = |cover: &Cover| cover.person == *who && cover.stead.as_ref() == stead;
    let covered = |commit: &&CommitVerdict| commit.covers.iter().any(theirs);
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
