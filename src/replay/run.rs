//! Going through the log: each push judged again with what was known before it, each ref looked at.

use super::chain::Chain;
use super::compare::Names;
use super::finding::{Finding, Remark, Weight};
use super::judge::{Asked, Case, Judge};
use super::memory::statement_name;
use super::moves::{Admission, Hands, Move};
use crate::audit::{MoveOutcome, MovedRecord, UpdateRecord, VerdictRecord};
use crate::decide::Code;
use crate::ledger::name_from_hex;
use crate::policy::POLICY_REF;
use crate::types::{Oid, RefName, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// One ref.
#[derive(Default)]
pub(super) struct Followed {
    pub(super) chain: Chain,
    pub(super) start: Option<Oid>,
    /// What verdicts let it be moved to.
    pub(super) permitted: BTreeSet<Oid>,
    pub(super) moves: u64,
    pub(super) held: u64,
    pub(super) control: Control,
}

/// How a ref is guarded.
#[derive(Default)]
pub(super) struct Control {
    /// The rules for it, by the policy that was seen last.
    pub(super) rules: Option<String>,
    /// Since when they have held without a gap.
    pub(super) since: Option<Timestamp>,
    /// The entry before which there was a gap.
    pub(super) gap: Option<u64>,
    /// Whether what came last does not hold up.
    pub(super) broken: bool,
}

impl Control {
    /// It begins anew.
    pub(super) fn anew(&mut self, (seq, time): At) {
        self.since = Some(time);
        self.gap = Some(seq);
        self.broken = false;
    }
}

pub(super) struct Run<'a> {
    pub(super) judge: Judge<'a>,
    pub(super) wanted: &'a [RefName],
    pub(super) refs: BTreeMap<RefName, Followed>,
    /// From which entry on which policy was in force.
    pub(super) in_force: Vec<(u64, Oid)>,
    /// The versions of the policy that came by verdicts, each under one of them.
    pub(super) approved: BTreeSet<Oid>,
    pub(super) moves: Vec<Move>,
    pub(super) findings: Vec<Finding>,
    pub(super) remarks: Vec<Remark>,
    /// How many releases people let go on.
    pub(super) lifts: u64,
}

pub(super) type At = (u64, Timestamp);

pub(super) fn is_policy(name: &RefName) -> bool {
    name.as_bytes() == POLICY_REF.as_bytes()
}

impl<'a> Run<'a> {
    /// Nothing was done yet.
    pub(super) fn new(judge: Judge<'a>, wanted: &'a [RefName]) -> Self {
        Self {
            judge,
            wanted,
            refs: BTreeMap::new(),
            in_force: Vec::new(),
            approved: BTreeSet::new(),
            moves: Vec::new(),
            findings: Vec::new(),
            remarks: Vec::new(),
            lifts: 0,
        }
    }
}

impl Run<'_> {
    pub(super) fn follows(&self, name: &RefName) -> bool {
        self.wanted.is_empty() || is_policy(name) || self.wanted.contains(name)
    }

    pub(super) fn pin(&mut self, name: &RefName, oid: Oid, at: At) {
        self.judge.then.pin(name, oid);
        if is_policy(name) {
            self.in_force.push((at.0, oid));
            if self.approved.is_empty() {
                self.approved.insert(oid);
            }
        }
        if !self.follows(name) {
            return;
        }
        let followed = self.refs.entry(name.clone()).or_default();
        let again = followed.chain.is_known();
        let jump = followed.chain.see(Some(oid), at.0, at.1);
        if !again {
            followed.start = Some(oid);
            followed.control.since = Some(at.1);
        } else if jump.is_some() {
            followed.control.broken = true;
            let text = "it was taken as given anew: nobody judged what came before";
            let finding = Finding::new(Code::REPLAY_MOVED, Weight::Found, text);
            let from = jump.and_then(|jump| jump.from?.value);
            self.findings
                .push(finding.at(at.0, at.1).of(name, from, oid));
        }
    }

    pub(super) fn verdict(&mut self, record: &VerdictRecord, at: At) {
        self.policy_seen(record.policy, at);
        for update in &record.updates {
            self.seen(record, update, at);
        }
        if !record.let_in() {
            return;
        }
        self.judge_again(record, at);
        for update in &record.updates {
            let Some(permit) = &update.permit else {
                continue;
            };
            if let Ok(name) = name_from_hex(&permit.ref_hex)
                && self.follows(&name)
            {
                let followed = self.refs.entry(name).or_default();
                followed.chain.permit(permit.old, permit.new);
                followed.permitted.insert(permit.new);
            }
        }
        if let Err(why) = self.judge.then.take(self.judge.log, at, record) {
            let weight = self.judge.lost.weight();
            let text = format!("what the push brought cannot be read: {why}");
            let finding = Finding::new(Code::REPLAY_EVIDENCE, weight, text);
            self.findings.push(finding.at(at.0, at.1));
        }
    }

    /// What became of a move that a verdict allowed. Of one that a later look has told already, nothing
    /// new is told.
    pub(super) fn became(&mut self, moved: &MovedRecord, at: At) {
        let Ok(name) = name_from_hex(&moved.ref_hex) else {
            return;
        };
        self.judge.then.became(&name, moved);
        if !self.follows(&name) {
            return;
        }
        let chain = &mut self.refs.entry(name.clone()).or_default().chain;
        let value = match moved.outcome {
            MoveOutcome::Moved if chain.was_at(moved.new) => return,
            MoveOutcome::Moved => Some(moved.new),
            MoveOutcome::NotMoved => return chain.void(moved.old, moved.new),
            MoveOutcome::Elsewhere => moved.now,
        };
        match value.filter(|_| is_policy(&name)) {
            Some(policy) => self.policy_seen(policy, at),
            None => self.look(&name, value, at),
        }
    }

    /// A push was judged by this policy: it is what the policy's ref named.
    fn policy_seen(&mut self, policy: Oid, at: At) {
        let before = self.in_force.last().map(|(_, last)| *last);
        if before != Some(policy) {
            self.in_force.push((at.0, policy));
        }
        let Ok(name) = RefName::new(POLICY_REF.as_bytes()) else {
            return;
        };
        self.look(&name, Some(policy), at);
        if before == Some(policy) {
            return;
        }
        let names: Vec<RefName> = self.refs.keys().cloned().collect();
        for name in names {
            if let Some(before) = before.filter(|_| !self.has_rules(&name)) {
                self.rules_seen(&name, before, at);
            }
            self.rules_seen(&name, policy, at);
        }
    }

    fn has_rules(&self, name: &RefName) -> bool {
        let followed = self.refs.get(name);
        followed.is_some_and(|followed| followed.control.rules.is_some())
    }

    /// Which rules hold for a ref. Others than before begin anew, without a gap.
    fn rules_seen(&mut self, name: &RefName, policy: Oid, at: At) {
        let store = &self.judge.store;
        let rules = self.judge.policies.rules(store, policy, name);
        let control = &mut self.refs.entry(name.clone()).or_default().control;
        let changed = control
            .rules
            .as_ref()
            .is_some_and(|before| *before != rules);
        if changed || control.since.is_none() {
            control.since = Some(at.1);
        }
        control.rules = Some(rules);
    }

    /// What an update says that its ref named.
    fn seen(&mut self, record: &VerdictRecord, update: &UpdateRecord, at: At) {
        let name = match &update.permit {
            Some(permit) => name_from_hex(&permit.ref_hex).ok(),
            // A name that is not shown as it is cannot be read back; and where a push is refused,
            // nothing may stand for what could not be read.
            None if update.old.is_none() => None,
            None => RefName::new(update.refname.as_bytes()).ok(),
        };
        let Some(name) = name.filter(|name| statement_name(&name.to_string()).is_none()) else {
            return;
        };
        let store = &self.judge.store;
        let protected = self.judge.policies.protects(store, record.policy, &name);
        if protected && self.follows(&name) {
            self.look(&name, update.old, at);
        }
    }

    fn look(&mut self, name: &RefName, value: Option<Oid>, at: At) {
        let followed = self.refs.entry(name.clone()).or_default();
        if let Some(jump) = followed.chain.see(value, at.0, at.1) {
            self.jumped(name, jump, Some(at));
        }
    }

    fn judge_again(&mut self, record: &VerdictRecord, (seq, time): At) {
        let permits = record.updates.iter().filter_map(|update| {
            let permit = update.permit.as_ref()?;
            name_from_hex(&permit.ref_hex).ok()
        });
        let names: Vec<RefName> = permits.filter(|name| self.follows(name)).collect();
        let statements = record
            .updates
            .iter()
            .any(|update| statement_name(&update.refname).is_some());
        if names.is_empty() && !(statements && self.wanted.is_empty()) {
            return;
        }
        let case = Case {
            seq,
            time,
            record,
            names: match self.judge.story.redacted.contains(&seq) {
                true => Names::Deleted,
                false => Names::Known,
            },
            asked: Asked::Permitted,
        };
        let mut judged = self.judge.judge(case);
        for name in names {
            let hands = judged.hands.remove(&name).unwrap_or_default();
            let findings = &judged.findings;
            self.moved(&name, &case, findings, hands);
        }
        self.findings.extend(judged.findings);
    }

    /// Takes in a move that was judged again.
    fn moved(&mut self, name: &RefName, case: &Case<'_>, findings: &[Finding], hands: Hands) {
        self.rules_seen(name, case.record.policy, (case.seq, case.time));
        let followed = self.refs.entry(name.clone()).or_default();
        followed.moves += 1;
        followed.held += u64::from(findings.is_empty());
        let approved = self.approved.contains(&case.record.policy);
        let control = &mut followed.control;
        if control.broken {
            control.anew((case.seq, case.time));
        }
        let wrong = |finding: &Finding| finding.weight == Weight::Found;
        control.broken = findings.iter().any(wrong);
        let hex = crate::types::hex(name.as_bytes());
        let mut updates = case.record.updates.iter();
        let update = updates.find_map(|update| {
            let permit = update.permit.as_ref();
            let permit = permit.filter(|permit| permit.ref_hex == hex);
            permit.map(|permit| (update, permit))
        });
        let Some((update, permit)) = update else {
            return;
        };
        let store = &self.judge.store;
        let policy = case.record.policy;
        let emergency = update.emergency.is_some();
        let warned =
            !update.let_pass.is_empty() || self.judge.policies.only_warn(store, policy, name);
        if is_policy(name) && approved && !control.broken {
            self.approved.insert(permit.new);
        }
        self.moves.push(Move {
            seq: case.seq,
            time: case.time,
            refname: name.clone(),
            old: permit.old,
            new: permit.new,
            policy: case.record.policy,
            pushed_by: case.record.person.clone(),
            contributors: hands.contributors,
            approved_by: hands.approved_by,
            final_approvers: hands.final_approvers,
            admission: match (emergency, warned) {
                (true, _) => Admission::Emergency,
                (false, true) => Admission::Warned,
                (false, false) => Admission::Approved,
            },
            held: findings.is_empty(),
            named: case.names == Names::Known,
            went_in: false,
            since: control.since.unwrap_or(case.time),
            gap: control.gap == Some(case.seq) || !approved,
        });
    }
}
