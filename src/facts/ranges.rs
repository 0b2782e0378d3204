//! The range of one update, from its start to its tip.

use super::commits::Unverified;
use super::gather::Gatherer;
use super::graph::Node;
use super::{
    ArrivingStatement, Current, Fault, Progress, ProposedPolicy, RangeFacts, RangeOutcome,
};
use crate::policy::{BranchRule, TicketPattern, locks_out};
use crate::signature::Keyring;
use crate::types::{Oid, RefChange, RefName};

/// Somebody hears of progress once in so many commits, and the memory is asked about so many at once.
const CHUNK: usize = 256;

/// Where a range starts.
struct Start {
    base: Option<Oid>,
    /// Whether the base is the rules' baseline: then the tip has to descend from it.
    baseline: bool,
}

impl Gatherer<'_> {
    /// The range that an update of a protected ref brings in.
    pub(super) fn range(
        &mut self,
        name: &RefName,
        change: &RefChange,
        current: &Current,
        arriving: &[ArrivingStatement],
    ) -> RangeOutcome {
        let Some(tip) = change.new_oid() else {
            return RangeOutcome::Deletion;
        };
        let real = match current {
            Current::Absent => None,
            Current::At(oid) => Some(*oid),
            Current::Symbolic { target } => {
                return unreadable(format!("{name} points at {target}"));
            }
            Current::Unreadable { why } => return unreadable(why.clone()),
        };
        match self.read_range(name, tip, real, arriving) {
            Ok(range) => RangeOutcome::Range(range),
            Err(fault) => RangeOutcome::Fault(fault),
        }
    }

    fn read_range(
        &mut self,
        name: &RefName,
        tip: Oid,
        real: Option<Oid>,
        arriving: &[ArrivingStatement],
    ) -> Result<RangeFacts, Fault> {
        let start = self.start(name, real)?;
        let range = self.graph.range(tip, start.base)?;
        self.spend_commits(range.commits.len())?;
        if let Some(baseline) = start.base.filter(|_| start.baseline && !range.from_base) {
            return Err(Fault::NotFromBaseline { baseline });
        }
        let fast_forward = match real {
            None => true,
            Some(real) if start.base == Some(real) => range.from_base,
            Some(real) => self.graph.reaches(tip, &[real])?.contains(&real),
        };
        let mut facts = RangeFacts {
            base: start.base,
            tip,
            fast_forward,
            commits: Vec::with_capacity(range.commits.len()),
            statements: Vec::new(),
            delegations: Vec::new(),
            undone: Vec::new(),
            way_back: None,
        };
        if let Some(real) = real.filter(|real| !fast_forward && *real != tip) {
            facts.way_back = self.way_back(name, real, tip, arriving)?;
        }
        let mut facts = self.read_commits(name, facts, &range.commits, arriving)?;
        self.fill_undone(name, &mut facts)?;
        Ok(facts)
    }

    /// The commits that `tip` reaches and `base` does not, whatever the ref names.
    pub(super) fn read_between(
        &mut self,
        name: &RefName,
        tip: Oid,
        base: Option<Oid>,
        arriving: &[ArrivingStatement],
    ) -> Result<RangeFacts, Fault> {
        let range = self.graph.range(tip, base)?;
        self.spend_commits(range.commits.len())?;
        let facts = RangeFacts {
            base,
            tip,
            fast_forward: true,
            commits: Vec::with_capacity(range.commits.len()),
            statements: Vec::new(),
            delegations: Vec::new(),
            undone: Vec::new(),
            way_back: None,
        };
        self.read_commits(name, facts, &range.commits, arriving)
    }

    /// Fills in the commits of a range and what is stated about them.
    fn read_commits(
        &mut self,
        name: &RefName,
        mut facts: RangeFacts,
        commits: &[Node],
        arriving: &[ArrivingStatement],
    ) -> Result<RangeFacts, Fault> {
        let rules = self.sources.policy.rules_for(name);
        let excepted = rules.iter().filter_map(|rule| rule.emergency.as_ref());
        let excepted = excepted.map(|emergency| &emergency.except);
        let watched = rules.iter().map(|rule| &rule.paths);
        self.trees.watch(watched.chain(excepted).collect());
        self.tickets = rules.iter().filter_map(|rule| asked(rule)).collect();
        let mut unverified = Unverified::default();
        let total = commits.len();
        for nodes in commits.chunks(CHUNK) {
            self.tell_progress(name, facts.commits.len(), total);
            let mut pushes = self.pushes(nodes)?;
            for node in nodes {
                if unverified.are_many() {
                    self.tell_progress(name, facts.commits.len(), total);
                    self.verify(&mut facts.commits, &mut unverified);
                }
                self.read_commit(*node, &mut pushes, &mut facts.commits, &mut unverified)?;
            }
        }
        self.verify(&mut facts.commits, &mut unverified);
        facts.statements = self.statements(&facts, arriving)?;
        facts.delegations = self.delegations(name, &facts, arriving)?;
        Ok(facts)
    }

    /// Counts the commits of all ranges of the push: one limit is for them together.
    pub(super) fn spend_commits(&mut self, count: usize) -> Result<(), Fault> {
        let limit = self.sources.store.limits().commits;
        self.commits_spent = self.commits_spent.saturating_add(count);
        if self.commits_spent > limit {
            return Err(Fault::TooLarge {
                what: format!("more than {limit} commits"),
            });
        }
        Ok(())
    }

    /// Where the range starts: what was last accepted; before there was anything, the baseline on
    /// which all rules of the ref agree; else nowhere, and everything is judged.
    fn start(&mut self, name: &RefName, real: Option<Oid>) -> Result<Start, Fault> {
        let known = self.sources.memory.known(name, real);
        let known = known.map_err(|why| Fault::Unreadable { why })?;
        if !known.emergencies.is_empty() {
            self.emergencies.insert(name.clone(), known.emergencies);
        }
        let approved = known.approved;
        if approved.is_some() {
            return Ok(Start {
                base: approved,
                baseline: false,
            });
        }
        let rules = self.sources.policy.rules_for(name);
        let first = rules.first().and_then(|rule| rule.baseline);
        let agreed = first.filter(|_| rules.iter().all(|rule| rule.baseline == first));
        Ok(Start {
            base: agreed,
            baseline: true,
        })
    }

    fn tell_progress(&self, refname: &RefName, done: usize, total: usize) {
        if let Some(progress) = self.sources.progress {
            progress(Progress {
                refname,
                done,
                total,
            });
        }
    }

    /// What the policy's ref would become.
    pub(super) fn proposed_policy(&self, change: &RefChange) -> ProposedPolicy {
        let Some(new) = change.new_oid() else {
            return ProposedPolicy::Absent;
        };
        let invalid = |complaints| ProposedPolicy::Invalid { complaints };
        let bundle = match self.sources.store.policy_at(new) {
            Ok(bundle) => bundle,
            Err(error) => {
                return error.complaints().map_or(ProposedPolicy::Absent, invalid);
            }
        };
        // The keys have to make a keyring too; it is thrown away again.
        let built = tempfile::tempdir()
            .map_err(|error| error.to_string())
            .and_then(|home| {
                Keyring::build(&bundle.policy, &bundle.keys, &home.path().join("keys"))
                    .map(drop)
                    .map_err(|error| error.to_string())
            });
        if let Err(why) = built {
            return invalid(vec![why]);
        }
        match locks_out(&bundle.policy) {
            Some(why) => ProposedPolicy::LocksOut { why },
            None => ProposedPolicy::Sound,
        }
    }
}

/// What change requests look like, where a rule looks for them in messages.
fn asked(rule: &BranchRule) -> Option<TicketPattern> {
    let asked = rule.ticket.as_ref();
    let asked = asked.filter(|ticket| ticket.place.reads_messages());
    asked.map(|ticket| ticket.pattern.clone())
}

fn unreadable(why: String) -> RangeOutcome {
    RangeOutcome::Fault(Fault::Unreadable { why })
}
