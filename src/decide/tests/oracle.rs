//! The rule a second time: slow, plain, and written from its words, not from the code.
//!
//! Sets of ids and names everywhere, and every question answered anew.

use crate::facts::{
    BaseRelation, CommitFacts, Content, Current, PushFacts, Pusher, RangeFacts, RangeOutcome,
    SignatureFact, StatementFacts, Subject, UpdateFacts,
};
use crate::policy::{Attribution, BranchRule, Independence, Policy};
use crate::statement::Decision;
use crate::types::{Oid, PersonName, TeamName, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

type People = BTreeSet<PersonName>;
type Oids = BTreeSet<Oid>;

/// A commit that lacks approvals: the commit, the rule, the paths, how many it has, who could.
pub type Short = (Oid, String, Option<Vec<String>>, u32, People);

/// What the rule says of one update of a protected ref.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub accepted: bool,
    pub short: BTreeSet<Short>,
    /// Rules under which nobody said yes to the whole.
    pub tip: BTreeSet<String>,
    /// Tags of objections that stand.
    pub objections: Oids,
    /// Whose approval covers which commit, for some demand.
    pub covers: BTreeMap<Oid, People>,
}

struct Approval {
    person: PersonName,
    /// What it names: the commit of a statement, or the approving commit itself.
    names: Oid,
    covers: Oids,
    seen: Option<Timestamp>,
    claimed: Timestamp,
    /// The approving commit, if it is one.
    commit: Option<Oid>,
}

pub struct Oracle<'a> {
    policy: &'a Policy,
    facts: &'a PushFacts,
    update: &'a UpdateFacts,
    range: &'a RangeFacts,
}

/// Judges an update of a protected ref whose range was read.
pub fn answer(policy: &Policy, facts: &PushFacts, update: &UpdateFacts) -> Answer {
    let Subject::Protected(RangeOutcome::Range(range)) = &update.subject else {
        panic!("the oracle knows protected ranges only");
    };
    Oracle {
        policy,
        facts,
        update,
        range,
    }
    .answer()
}

impl Oracle<'_> {
    fn answer(&self) -> Answer {
        let rules: Vec<&BranchRule> = self
            .policy
            .rules
            .iter()
            .filter(|rule| rule.refs.is_match(self.update.refname.as_bytes()))
            .collect();
        let mut answer = Answer {
            accepted: true,
            short: BTreeSet::new(),
            tip: BTreeSet::new(),
            objections: Oids::new(),
            covers: BTreeMap::new(),
        };
        for rule in &rules {
            self.cover(rule, &mut answer);
            answer.objections.extend(self.objections(rule));
            if !self.whole(rule) {
                answer.tip.insert(rule.pattern.clone());
            }
        }
        let commits = self.range.commits.iter();
        answer.accepted = self.shape()
            && !rules.is_empty()
            && self.pusher(&rules)
            && commits
                .clone()
                .all(|commit| self.attributed(commit, &rules))
            && answer.short.is_empty()
            && answer.tip.is_empty()
            && answer.objections.is_empty();
        answer
    }

    fn shape(&self) -> bool {
        let real = match &self.update.current {
            Current::Absent => None,
            Current::At(oid) => Some(*oid),
            Current::Symbolic { .. } | Current::Unreadable { .. } => return false,
        };
        let names = self.facts.updates.iter();
        let named = names.filter(|update| update.refname == self.update.refname);
        let new = self.update.change.new_oid();
        let on_base = self.range.base.is_none_or(|base| {
            let mut commits = self.range.commits.iter();
            commits.any(|commit| commit.parents.contains(&base))
        });
        named.count() == 1
            && self.update.change.old() == real
            && new == Some(self.range.tip)
            && new != real
            && self.range.fast_forward
            && !self.range.commits.is_empty()
            && on_base
    }

    fn pusher(&self, rules: &[&BranchRule]) -> bool {
        let limits: Vec<&Vec<TeamName>> =
            rules.iter().filter_map(|rule| rule.push.as_ref()).collect();
        match &self.facts.pusher {
            Pusher::Missing { .. }
            | Pusher::Unknown { .. }
            | Pusher::UnknownKey { .. }
            | Pusher::Refused { .. }
            | Pusher::CertificateRefused { .. } => false,
            Pusher::NotAsked => limits.is_empty(),
            Pusher::Person(name) => {
                self.enabled(name)
                    && limits
                        .iter()
                        .all(|teams| self.members(teams).contains(name))
            }
        }
    }

    fn known(&self, name: &PersonName) -> bool {
        self.policy.people.contains_key(name)
    }

    fn enabled(&self, name: &PersonName) -> bool {
        self.policy
            .people
            .get(name)
            .is_some_and(|person| !person.disabled)
    }

    fn members(&self, teams: &[TeamName]) -> People {
        let mut all = People::new();
        for team in teams {
            all.extend(self.policy.teams[team].iter().cloned());
        }
        all.retain(|name| self.enabled(name));
        all
    }

    /// Who is in the teams, disabled or not.
    fn listed(&self, teams: &[TeamName]) -> People {
        let lists = teams.iter().map(|team| &self.policy.teams[team]);
        lists.flatten().cloned().collect()
    }

    fn signer(&self, fact: &SignatureFact) -> Option<PersonName> {
        match fact {
            SignatureFact::Good { person, key } => {
                let keys = &self.policy.people.get(person)?.keys;
                keys.contains(key).then(|| person.clone())
            }
            SignatureFact::Unsigned | SignatureFact::Refused(_) => None,
        }
    }

    fn attributed(&self, commit: &CommitFacts, rules: &[&BranchRule]) -> bool {
        let strangers = commit
            .claims
            .iter()
            .any(|claim| !claim.owner.as_ref().is_some_and(|name| self.known(name)));
        let by_pusher = commit.first_pushers.certain
            && rules
                .iter()
                .all(|rule| rule.attribution == Attribution::SignatureOrPusher);
        let proved = match &commit.signature {
            SignatureFact::Unsigned => by_pusher,
            SignatureFact::Refused(_) => false,
            SignatureFact::Good { .. } => self.signer(&commit.signature).is_some(),
        };
        proved
            && !strangers
            && commit
                .first_pushers
                .people
                .iter()
                .all(|name| self.known(name))
    }

    fn contributors(&self, commit: &CommitFacts) -> People {
        let mut all: People = commit
            .claims
            .iter()
            .filter_map(|claim| claim.owner.clone())
            .collect();
        all.extend(self.signer(&commit.signature));
        all.extend(commit.first_pushers.people.clone());
        all
    }

    fn commit(&self, oid: Oid) -> Option<&CommitFacts> {
        self.range.commits.iter().find(|commit| commit.oid == oid)
    }

    /// What a commit reaches within the range, itself included.
    fn reach(&self, from: Oid) -> Oids {
        let mut all = Oids::new();
        if let Some(commit) = self.commit(from) {
            all.insert(from);
            for parent in &commit.parents {
                all.extend(self.reach(*parent));
            }
        }
        all
    }

    fn withdrawn(&self, person: &PersonName, what: Oid) -> bool {
        self.range.statements.iter().any(|facts| {
            facts.statement.decision == Decision::Withdraw { statement: what }
                && facts.statement.repository == self.policy.repository.0
                && self.signer(&facts.signer).as_ref() == Some(person)
        })
    }

    /// Whether a statement is its signer's word for this ref now; whose.
    fn heard(&self, facts: &StatementFacts) -> Option<PersonName> {
        let statement = &facts.statement;
        let person = self.signer(&facts.signer)?;
        let heard = statement.repository == self.policy.repository.0
            && statement.refname == self.update.refname
            && statement
                .expires
                .is_none_or(|expires| self.facts.now < expires)
            && !self.withdrawn(&person, facts.tag)
            && self.commit(statement.commit).is_some();
        heard.then_some(person)
    }

    /// All approvals of people who still count, whatever their age.
    fn approvals(&self) -> Vec<Approval> {
        let mut all = self.yeses();
        all.retain(|approval| self.enabled(&approval.person));
        all
    }

    /// All approvals of anybody.
    fn yeses(&self) -> Vec<Approval> {
        let mut all = Vec::new();
        for facts in &self.range.statements {
            let Some(person) = self.heard(facts) else {
                continue;
            };
            if facts.statement.decision != Decision::Approve {
                continue;
            }
            let mut covers = self.reach(facts.statement.commit);
            match (facts.base, facts.statement.base) {
                (BaseRelation::None, None) | (BaseRelation::Before, Some(_)) => {}
                (BaseRelation::InRange, Some(base)) if self.commit(base).is_some() => {
                    let seen = self.reach(base);
                    covers.retain(|oid| !seen.contains(oid));
                }
                _ => continue,
            }
            all.push(Approval {
                person,
                names: facts.statement.commit,
                covers,
                seen: facts.first_seen,
                claimed: facts.claimed,
                commit: None,
            });
        }
        for commit in &self.range.commits {
            all.extend(self.approving_commit(commit));
        }
        all
    }

    fn approving_commit(&self, commit: &CommitFacts) -> Option<Approval> {
        let approving = commit.approving.as_ref()?;
        let person = self.signer(&commit.signature)?;
        let counts = approving.repository == self.policy.repository.0
            && approving.refname == self.update.refname
            && matches!(commit.content, Content::Empty | Content::CleanMerge)
            && !self.withdrawn(&person, commit.oid);
        counts.then(|| Approval {
            person,
            names: commit.oid,
            covers: commit
                .parents
                .iter()
                .flat_map(|parent| self.reach(*parent))
                .collect(),
            seen: approving.first_seen,
            claimed: approving.claimed,
            commit: Some(commit.oid),
        })
    }

    fn young(&self, rule: &BranchRule) -> Vec<Approval> {
        self.not_too_old(rule, self.approvals())
    }

    fn not_too_old(&self, rule: &BranchRule, mut all: Vec<Approval>) -> Vec<Approval> {
        all.retain(|approval| match (rule.expire, approval.seen) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(limit), Some(seen)) => {
                self.facts.now.as_unix() - seen.as_unix() < i64::try_from(limit.0).unwrap()
            }
        });
        all
    }

    /// Who may not approve a commit.
    fn barred(&self, rule: &BranchRule, commit: &CommitFacts) -> People {
        match rule.independence {
            Independence::Commit => self.contributors(commit),
            Independence::Range => {
                let approvals = self.approvals();
                let mut all = People::new();
                for other in &self.range.commits {
                    let own = approvals.iter().find(|one| one.commit == Some(other.oid));
                    let mut people = self.contributors(other);
                    people.retain(|name| own.is_none_or(|own| own.person != *name));
                    all.extend(people);
                }
                all
            }
        }
    }

    fn adding(&self) -> Vec<&CommitFacts> {
        let commits = self.range.commits.iter();
        commits
            .filter(|commit| matches!(commit.content, Content::Adds(_)))
            .collect()
    }

    fn cover(&self, rule: &BranchRule, answer: &mut Answer) {
        for commit in self.adding() {
            let Content::Adds(touched) = &commit.content else {
                unreachable!()
            };
            let mut demands = vec![(rule.required, &rule.from, None)];
            for path in &rule.paths {
                if touched.iter().any(|one| {
                    crate::policy::PathGlobs::compile(&path.patterns)
                        .unwrap()
                        .is_match(one.as_bytes())
                }) {
                    demands.push((path.required, &path.from, Some(path.patterns.clone())));
                }
            }
            let barred = self.barred(rule, commit);
            let reaching = self.young(rule).into_iter();
            let reaching = reaching.filter(|approval| approval.covers.contains(&commit.oid));
            let covering: People = reaching
                .map(|approval| approval.person)
                .filter(|name| !barred.contains(name))
                .collect();
            for (required, from, paths) in demands {
                let members = self.members(from);
                let have: People = covering.intersection(&members).cloned().collect();
                answer
                    .covers
                    .entry(commit.oid)
                    .or_default()
                    .extend(have.iter().cloned());
                if have.len() < required as usize {
                    let mut could = members;
                    could.retain(|name| {
                        !barred.contains(name)
                            && !covering.contains(name)
                            && !self.policy.people[name].keys.is_empty()
                    });
                    let have = u32::try_from(have.len()).unwrap();
                    let rule = rule.pattern.clone();
                    answer.short.insert((commit.oid, rule, paths, have, could));
                }
            }
        }
    }

    /// Whether somebody said yes to the whole.
    fn whole(&self, rule: &BranchRule) -> bool {
        let members = self.members(&rule.from);
        let adding = self.adding();
        let counts: Vec<&CommitFacts> = if adding.is_empty() {
            self.range.commits.iter().collect()
        } else {
            adding
        };
        self.young(rule).iter().any(|approval| {
            approval.names == self.range.tip
                && members.contains(&approval.person)
                && counts.iter().any(|commit| {
                    approval.covers.contains(&commit.oid)
                        && !self.barred(rule, commit).contains(&approval.person)
                })
        })
    }

    fn objections(&self, rule: &BranchRule) -> Oids {
        // Being disabled silences nobody's no, and takes no earlier change of mind away.
        let mut could = self.listed(&rule.from);
        for path in &rule.paths {
            could.extend(self.listed(&path.from));
        }
        let mut standing = Oids::new();
        for facts in &self.range.statements {
            if facts.statement.decision != Decision::Reject {
                continue;
            }
            let Some(person) = self.heard(facts) else {
                continue;
            };
            let yeses = self.not_too_old(rule, self.yeses());
            let came_round = yeses.iter().any(|approval| {
                approval.person == person
                    && approval.covers.contains(&facts.statement.commit)
                    && approval.claimed >= facts.claimed
                    && matches!((approval.seen, facts.first_seen), (Some(yes), Some(no)) if yes > no)
            });
            if could.contains(&person) && !came_round {
                standing.insert(facts.tag);
            }
        }
        standing
    }
}
