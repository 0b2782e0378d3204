//! What is lacking under one rule, gathered over all commits: a reason for each demand.

use super::count::{Could, stand_ins};
use super::demands::{Demand, Number};
use super::reason::Lack;
use super::roster::Crowd;
use super::span::{At, Span};
use super::{Reason, StandIn};
use crate::policy::BranchRule;
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// What is lacking so far, by demand.
#[derive(Default)]
pub(super) struct Lacks<'a>(BTreeMap<Number, Found<'a>>);

struct Found<'a> {
    path: Option<&'a RepoPath>,
    commits: Vec<At>,
    missing: u32,
    /// Who could approve every one of the commits, and at least one.
    all: Crowd,
    some: Crowd,
    /// Who could approve every one of them in somebody's stead.
    stand_ins: BTreeSet<StandIn>,
}

impl<'a> Lacks<'a> {
    /// Adds a commit that lacks `missing` approvals, which those of `could` could give.
    pub(super) fn add(
        &mut self,
        span: &Span<'_>,
        (demand, path): (Number, Option<&'a RepoPath>),
        at: At,
        missing: u32,
        could: &Could<'_>,
    ) {
        let stand_ins = stand_ins(span, could.stand_ins.iter().copied());
        let could = &could.own;
        let found = self.0.entry(demand).or_insert_with(|| Found {
            path,
            commits: Vec::new(),
            missing: 0,
            all: could.clone(),
            some: Crowd::default(),
            stand_ins: stand_ins.clone(),
        });
        found.commits.push(at);
        found.missing = found.missing.max(missing);
        found.all = found.all.both(could);
        found.some.join(could);
        found.stand_ins.retain(|one| stand_ins.contains(one));
    }

    /// One reason for each demand that is not met.
    pub(super) fn reasons(
        self,
        span: &Span<'_>,
        rule: &BranchRule,
        demands: &[Demand<'_>],
    ) -> Vec<Reason> {
        let reason = |(number, found): (Number, Found<'_>)| {
            let demand = demands.get(number)?;
            let commits = found.commits.iter();
            let lack = Lack {
                refname: span.refname.clone(),
                rule: rule.pattern.clone(),
                commits: commits.filter_map(|at| span.oid(*at)).collect(),
                tip: span.facts.tip,
                required: demand.required,
                missing: found.missing,
                from: demand.from.to_vec(),
                could: span.roster.names(&found.all),
                some: span.roster.names(&found.some),
                stand_ins: found.stand_ins.clone(),
            };
            Some(match (demand.paths, found.path) {
                (Some(paths), Some(path)) => Reason::PathsNotCovered {
                    patterns: paths.patterns.clone(),
                    path: path.clone(),
                    lack,
                },
                (None, _) | (_, None) => Reason::NotCovered(lack),
            })
        };
        self.0.into_iter().filter_map(reason).collect()
    }
}
