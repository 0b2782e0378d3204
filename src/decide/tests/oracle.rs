//! The rule a second time: slow, plain, and written from its words, not from the code.
//!
//! Sets of ids and names everywhere, and every question answered anew.

use crate::facts::{
    BaseRelation, CommitFacts, Content, Current, PushFacts, Pusher, RangeFacts, RangeOutcome,
    SignatureFact, StatementFacts, Subject, UpdateFacts,
};
use crate::policy::{Attribution, BranchRule, Independence, Policy};
use crate::statement::Decision;
use crate::types::{Oid, PersonName, RepoPath, TeamName, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

type People = BTreeSet<PersonName>;
type Oids = BTreeSet<Oid>;

/// A commit that lacks approvals: the commit, the rule, the paths, how many it has, who could, and who
/// could in whose stead.
pub type Short = (
    Oid,
    String,
    Option<Vec<String>>,
    u32,
    People,
    BTreeSet<Pair>,
);

/// A deputy and the person whom they stand in for.
pub type Pair = (PersonName, PersonName);

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
    stead: Option<PersonName>,
    /// What it names: the commit of a statement, or the approving commit itself.
    names: Oid,
    covers: Oids,
    seen: Option<Timestamp>,
    claimed: Timestamp,
    /// The approving commit, if it is one.
    commit: Option<Oid>,
    answers: Vec<Oid>,
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
            SignatureFact::Unsigned | SignatureFact::Refused(_) | SignatureFact::Machine { .. } => {
                None
            }
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
            SignatureFact::Refused(_) | SignatureFact::Machine { .. } => false,
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
            let stead = facts.statement.particulars.stead.clone();
            if stead.as_ref().is_some_and(|stead| !self.known(stead)) {
                continue;
            }
            all.push(Approval {
                person,
                stead,
                names: facts.statement.commit,
                covers,
                seen: facts.first_seen,
                claimed: facts.claimed,
                commit: None,
                answers: facts.statement.particulars.answers.clone(),
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
            stead: None,
            names: commit.oid,
            covers: commit
                .parents
                .iter()
                .flat_map(|parent| self.reach(*parent))
                .collect(),
            seen: approving.first_seen,
            claimed: approving.claimed,
            commit: Some(commit.oid),
            answers: approving.answers.clone(),
        })
    }

    /// Whether an approval counts for a commit whatever was rolled back: it answers each rollback that
    /// undid the commit, and came after it.
    fn fresh(&self, approval: &Approval, commit: Oid) -> bool {
        let undone = self.range.undone.iter();
        let mut undone = undone.filter(|one| one.commits.contains(&commit));
        undone.all(|one| {
            approval.seen.is_some_and(|seen| one.at <= seen)
                && one
                    .statements
                    .iter()
                    .any(|tag| approval.answers.contains(tag))
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
            let mut reaching = self.young(rule);
            reaching.retain(|approval| approval.covers.contains(&commit.oid));
            reaching.retain(|approval| self.fresh(approval, commit.oid));
            for (required, from, paths) in demands {
                let members = self.members(from);
                let concerned: Vec<&RepoPath> = touched
                    .iter()
                    .filter(|one| {
                        let globs = paths
                            .as_ref()
                            .map(|globs| crate::policy::PathGlobs::compile(globs).unwrap());
                        globs.is_none_or(|globs| globs.is_match(one.as_bytes()))
                    })
                    .collect();
                // Everybody's own yes takes their own seat, a deputy's that of the other.
                let mut votes: BTreeSet<Pair> = BTreeSet::new();
                for approval in &reaching {
                    let seat = approval.stead.as_ref().unwrap_or(&approval.person);
                    let through = approval.stead.is_none()
                        || self
                            .deputy(rule, (&approval.person, seat), approval.seen)
                            .iter()
                            .any(|given| for_all(given, &concerned));
                    let clean = !barred.contains(&approval.person) && !barred.contains(seat);
                    if through && clean && members.contains(seat) {
                        votes.insert((approval.person.clone(), seat.clone()));
                    }
                }
                let have = most(&votes);
                answer
                    .covers
                    .entry(commit.oid)
                    .or_default()
                    .extend(votes.iter().map(|(voter, _)| voter.clone()));
                let helps = |voter: &PersonName, seat: &PersonName| {
                    let mut more = votes.clone();
                    more.insert((voter.clone(), seat.clone()));
                    !barred.contains(voter)
                        && !barred.contains(seat)
                        && members.contains(seat)
                        && !self.policy.people[voter].keys.is_empty()
                        && most(&more) > have
                };
                if have < required as usize {
                    let could = members.iter().filter(|name| helps(name, name));
                    let could = could.cloned().collect();
                    let mut pairs = BTreeSet::new();
                    for (voter, seat) in self.policy.people.keys().flat_map(|voter| {
                        let people = self.policy.people.keys();
                        people.map(move |seat| (voter, seat))
                    }) {
                        let now = Some(self.facts.now);
                        let given = self.deputy(rule, (voter, seat), now);
                        let given = given.iter().any(|given| for_all(given, &concerned));
                        if given && helps(voter, seat) {
                            pairs.insert((voter.clone(), seat.clone()));
                        }
                    }
                    let have = u32::try_from(have).unwrap();
                    let rule = rule.pattern.clone();
                    answer
                        .short
                        .insert((commit.oid, rule, paths, have, could, pairs));
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
        let touched: Vec<&RepoPath> = self
            .adding()
            .into_iter()
            .flat_map(|commit| match &commit.content {
                Content::Adds(touched) => touched.iter().collect::<Vec<_>>(),
                _ => Vec::new(),
            })
            .collect();
        self.young(rule).iter().any(|approval| {
            let seat = approval.stead.as_ref().unwrap_or(&approval.person);
            let through = approval.stead.is_none()
                || self
                    .deputy(rule, (&approval.person, seat), approval.seen)
                    .iter()
                    .any(|given| for_all(given, &touched));
            approval.names == self.range.tip
                && through
                && members.contains(seat)
                && counts.iter().any(|commit| {
                    let barred = self.barred(rule, commit);
                    approval.covers.contains(&commit.oid)
                        && self.fresh(approval, commit.oid)
                        && !barred.contains(&approval.person)
                        && !barred.contains(seat)
                })
        })
    }

    /// When this delegation was taken back by who gave it, as far as that is known.
    fn taken_back(&self, given: &StatementFacts) -> Vec<Option<Timestamp>> {
        let by = self.signer(&given.signer);
        let all = self.range.delegations.iter();
        all.filter(|facts| {
            facts.statement.decision
                == Decision::Withdraw {
                    statement: given.tag,
                }
                && facts.statement.repository == self.policy.repository.0
                && self.signer(&facts.signer) == by
        })
        .map(|facts| facts.first_seen)
        .collect()
    }

    /// The delegations that say that one person may speak for the other here.
    fn named(&self, (deputy, stead): (&PersonName, &PersonName)) -> Vec<&StatementFacts> {
        let all = self.range.delegations.iter();
        all.filter(|facts| {
            let statement = &facts.statement;
            let grant = statement.particulars.grant.as_ref();
            statement.decision == Decision::Delegate
                && statement.repository == self.policy.repository.0
                && statement.refname == self.update.refname
                && deputy != stead
                && grant.is_some_and(|grant| grant.to == *deputy)
                && self.signer(&facts.signer).as_ref() == Some(stead)
        })
        .collect()
    }

    /// The delegations by which what one person said then counts as the other's yes.
    fn deputy(
        &self,
        rule: &BranchRule,
        (deputy, stead): (&PersonName, &PersonName),
        seen: Option<Timestamp>,
    ) -> Vec<&StatementFacts> {
        let (Some(allowed), Some(seen)) = (&rule.delegation, seen) else {
            return Vec::new();
        };
        let mut all = self.named((deputy, stead));
        all.retain(|facts| {
            let from = facts.statement.particulars.grant.as_ref().unwrap().from;
            let until = facts.statement.expires.unwrap();
            let long = until.as_unix() - from.as_unix();
            self.members(&allowed.by).contains(stead)
                && self.members(&allowed.to).contains(deputy)
                && long <= i64::try_from(allowed.longest.0).unwrap()
                && self.taken_back(facts).is_empty()
                && facts.first_seen.is_some_and(|given| given <= seen)
                && (from..until).contains(&seen)
                && (from..until).contains(&self.facts.now)
        });
        all
    }

    /// Whether somebody was a deputy when they objected, whatever became of it since.
    fn was_deputy(
        &self,
        rule: &BranchRule,
        pair: (&PersonName, &PersonName),
        no: &StatementFacts,
    ) -> bool {
        rule.delegation.is_some()
            && self.named(pair).iter().any(|facts| {
                let Some(seen) = no.first_seen else {
                    return true;
                };
                let from = facts.statement.particulars.grant.as_ref().unwrap().from;
                let until = facts.statement.expires.unwrap();
                let back = self.taken_back(facts);
                let gone = !back.contains(&None) && back.iter().flatten().any(|back| *back < seen);
                facts.first_seen.is_none_or(|given| given <= seen)
                    && (from..until).contains(&seen)
                    && !gone
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
            let stead = facts.statement.particulars.stead.as_ref();
            let yeses = self.not_too_old(rule, self.yeses());
            let came_round = yeses.iter().any(|approval| {
                let same = approval.person == person && approval.stead.as_ref() == stead;
                let overrules = match stead {
                    None => same,
                    Some(stead) => {
                        let own = approval.person == *stead && approval.stead.is_none();
                        let pair = (&person, stead);
                        own || same && !self.deputy(rule, pair, approval.seen).is_empty()
                    }
                };
                overrules
                    && approval.covers.contains(&facts.statement.commit)
                    && approval.claimed >= facts.claimed
                    && matches!((approval.seen, facts.first_seen), (Some(yes), Some(no)) if yes > no)
            });
            let counts = match stead {
                None => could.contains(&person),
                Some(stead) => {
                    could.contains(stead) && self.was_deputy(rule, (&person, stead), facts)
                }
            };
            if counts && !came_round {
                standing.insert(facts.tag);
            }
        }
        standing
    }
}

/// Whether a delegation is for all of these paths.
fn for_all(given: &StatementFacts, paths: &[&RepoPath]) -> bool {
    let globs = &given.statement.particulars.grant.as_ref().unwrap().paths;
    let globs = (!globs.is_empty()).then(|| crate::policy::PathGlobs::compile(globs).unwrap());
    globs.is_none_or(|globs| paths.iter().all(|path| globs.is_match(path.as_bytes())))
}

/// How many of these can count together, nobody twice and for nobody twice: every choice is tried.
fn most(votes: &BTreeSet<Pair>) -> usize {
    fn further(left: &[&Pair], taken: &mut Vec<Pair>) -> usize {
        let Some((first, rest)) = left.split_first() else {
            return taken.len();
        };
        let without = further(rest, taken);
        if taken
            .iter()
            .any(|pair| pair.0 == first.0 || pair.1 == first.1)
        {
            return without;
        }
        taken.push((*first).clone());
        let with = further(rest, taken);
        taken.pop();
        with.max(without)
    }
    let votes: Vec<&Pair> = votes.iter().collect();
    further(&votes, &mut Vec::new())
}
