//! What one rule demands of a commit: its own number of approvals, and those of its path rules.

use super::roster::{Crowd, Roster};
use crate::facts::{CommitFacts, Content};
use crate::policy::{BranchRule, PathRule};
use crate::types::{RepoPath, TeamName};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A demand's number: 0 for the branch's own, then the path rules in their order.
pub(super) type Number = usize;

/// The branch's own demand.
pub(super) const BRANCH: Number = 0;

/// So many people of these teams.
pub(super) struct Demand<'a> {
    /// How many distinct people; at least 1.
    pub required: u32,
    /// The teams.
    pub from: &'a [TeamName],
    /// Who is in them and still counts.
    pub members: Crowd,
    /// Who is in them, disabled or not.
    pub listed: Crowd,
    /// Who of them has a key.
    pub able: Crowd,
    /// The path rule, unless it is the branch's own demand.
    pub paths: Option<&'a PathRule>,
}

/// The demands of one rule, each with its people looked up once.
pub(super) fn all<'a>(roster: &Roster<'_>, rule: &'a BranchRule) -> Vec<Demand<'a>> {
    let demand = |required: u32, from: &'a [TeamName], paths| Demand {
        required: required.max(1),
        from,
        members: roster.members(from),
        listed: roster.listed(from),
        able: roster.able(from),
        paths,
    };
    let own = demand(rule.required, &rule.from, None);
    let paths = rule.paths.iter();
    let paths = paths.map(|path| demand(path.required, &path.from, Some(path)));
    std::iter::once(own).chain(paths).collect()
}

/// Which path rules commits fall under. Every path is matched once, however many commits touch it.
pub(super) struct Touched<'a> {
    rule: &'a BranchRule,
    known: HashMap<&'a RepoPath, BTreeSet<usize>>,
}

impl<'a> Touched<'a> {
    pub(super) fn new(rule: &'a BranchRule) -> Self {
        Self {
            rule,
            known: HashMap::new(),
        }
    }

    /// The demands that hold for a commit, each path rule's with the first path that it matches.
    pub(super) fn demands(
        &mut self,
        commit: &'a CommitFacts,
    ) -> BTreeMap<Number, Option<&'a RepoPath>> {
        let mut demands = BTreeMap::from([(0, None)]);
        let paths = match &commit.content {
            Content::Empty | Content::CleanMerge => return demands,
            Content::Adds(paths) => paths,
        };
        if self.rule.paths.is_empty() {
            return demands;
        }
        for path in paths {
            let rules = self.known.entry(path);
            let rules = rules.or_insert_with(|| self.rule.paths.positions(path.as_bytes()));
            for position in rules.iter() {
                demands.entry(position + 1).or_insert(Some(path));
            }
        }
        demands
    }
}
