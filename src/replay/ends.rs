//! Where a ref is: what no permitted move explains on the way, and where the refs are in the end.

use super::account::RefAccount;
use super::chain::Jump;
use super::finding::{Finding, Remark, Weight};
use super::log::Now;
use super::run::{At, Run, is_policy};
use crate::decide::Code;
use crate::facts::{Current, commits_between};
use crate::policy::POLICY_REF;
use crate::types::{Oid, RefName};
use std::collections::BTreeSet;

impl Run<'_> {
    /// A ref is where no verdict let it go.
    pub(super) fn jumped(&mut self, name: &RefName, jump: Jump, at: Option<At>) {
        let from = jump.last;
        if let Some(at) = at.filter(|_| jump.from.is_some()) {
            for (other, followed) in &mut self.refs {
                if other == name || is_policy(name) {
                    followed.control.anew(at);
                }
            }
        }
        let shown = name.to_string();
        if !is_policy(name) && self.was_unprotected(name, jump, at) {
            let text = format!(
                "came to {} while no rule protected it; what it brought is judged with the next push",
                jump.to.short()
            );
            self.remark(Some(shown), at, text);
            return;
        }
        let baseline = self.baseline(name).filter(|_| jump.from.is_none());
        if let Some(baseline) = baseline.filter(|_| at.is_some()) {
            let text = format!("is judged from its rule's baseline {}", baseline.short());
            self.remark(Some(shown), at, text);
            return;
        }
        let code = match is_policy(name) {
            true => Code::REPLAY_POLICY,
            false => Code::REPLAY_MOVED,
        };
        let text = match (at, is_policy(name)) {
            (Some(_), true) => {
                "the policy that was in force here is one that no verdict put in force"
            }
            (None, true) => "the policy in force is one that no verdict put in force",
            (Some(_), false) => "before this entry the ref had moved, and no verdict let it",
            (None, false) => "the ref has moved, and no verdict let it",
        };
        let record = self.judge.then.refs.get(name);
        let base = record.and_then(|record| record.base(from));
        let between = commits_between(&self.judge.store, jump.to, base).unwrap_or_default();
        let finding = Finding::new(code, Weight::Found, text)
            .of(shown, from, jump.to)
            .listing(between);
        self.findings.push(match at {
            Some((seq, time)) => finding.at(seq, time),
            None => finding,
        });
    }

    fn remark(&mut self, refname: Option<String>, at: Option<At>, text: String) {
        self.remarks.push(Remark {
            refname,
            entry: at.map(|(seq, _)| seq),
            text,
        });
    }

    /// Whether a policy that was in force between the two looks did not protect the ref.
    fn was_unprotected(&mut self, name: &RefName, jump: Jump, at: Option<At>) -> bool {
        let from = jump.from.map_or(0, |sight| sight.seq);
        let to = at.map_or(u64::MAX, |(seq, _)| seq);
        let store = &self.judge.store;
        let after = self.in_force.iter().skip(1).map(|(seq, _)| *seq);
        let ends: Vec<u64> = after.chain([u64::MAX]).collect();
        let policies = &mut self.judge.policies;
        let mut spans = self.in_force.iter().zip(ends);
        spans.any(|((begin, policy), end)| {
            let then = *begin <= to && end > from;
            then && !policies.protects(store, *policy, name)
        })
    }

    fn baseline(&mut self, name: &RefName) -> Option<Oid> {
        let (_, policy) = *self.in_force.last()?;
        let store = &self.judge.store;
        self.judge.policies.baseline(store, policy, name)
    }

    /// What the refs name now.
    pub(super) fn end(&mut self, now: &Now) {
        let in_force = self.in_force.last().map(|(_, policy)| *policy);
        let at_ref = RefName::new(POLICY_REF.as_bytes()).ok();
        let policy = at_ref
            .and_then(|name| now.get(&name))
            .and_then(Current::oid);
        let Some(policy) = policy.or(in_force) else {
            return;
        };
        if in_force != Some(policy) {
            self.in_force.push((u64::MAX, policy));
        }
        let mut names: BTreeSet<RefName> = self.refs.keys().cloned().collect();
        names.extend(now.keys().cloned());
        names.extend(self.wanted.iter().cloned());
        names.retain(|name| self.follows(name));
        for name in names {
            let store = &self.judge.store;
            let unlisted = name.as_bytes() == b"refs/heads"
                && matches!(now.get(&name), Some(Current::Unreadable { .. }));
            if unlisted || self.judge.policies.protects(store, policy, &name) {
                self.end_of(&name, now.get(&name));
            }
        }
        self.remarks.extend(self.judge.pushers.remarks());
        if self.lifts > 0 {
            let text = format!(
                "{} releases that people let go on: that they had said so is seen again; that others waited \
                 as long as their stages ask is not",
                self.lifts
            );
            self.remark(None, None, text);
        }
        for one in &mut self.moves {
            let followed = self.refs.get(&one.refname);
            one.went_in = followed.is_some_and(|followed| followed.chain.was_at(one.new))
                || self.judge.story.landed.contains(&one.seq);
        }
    }

    fn end_of(&mut self, name: &RefName, now: Option<&Current>) {
        let followed = self.refs.entry(name.clone()).or_default();
        let value = match now {
            None | Some(Current::Absent) => None,
            Some(Current::At(oid)) => Some(*oid),
            Some(Current::Symbolic { target }) => {
                let text = format!("it points at {target}");
                let finding = Finding::new(Code::REPLAY_MOVED, Weight::Found, text);
                return self.findings.push(finding.of(name, None, None));
            }
            Some(Current::Unreadable { why }) => {
                let finding = Finding::new(Code::REPLAY_UNTOLD, Weight::Doubt, why);
                return self.findings.push(finding.of(name, None, None));
            }
        };
        let unjudged = followed.start.is_none()
            && !followed
                .permitted
                .iter()
                .any(|oid| followed.chain.was_at(*oid) || Some(*oid) == value);
        let jump = followed.chain.end(value);
        let Some(to) = value else {
            if followed.chain.is_known() {
                let text = "is not there any more".to_owned();
                self.remark(Some(name.to_string()), None, text);
            }
            return;
        };
        if !unjudged {
            if let Some(jump) = jump {
                self.jumped(name, jump, None);
            }
        } else if self.baseline(name) != Some(to) {
            let baseline = self.baseline(name);
            let between = commits_between(&self.judge.store, to, baseline);
            let text = "no verdict was ever given on what the ref names";
            let finding = Finding::new(Code::REPLAY_MOVED, Weight::Found, text);
            let finding = finding.of(name, None, to);
            self.findings
                .push(finding.listing(between.unwrap_or_default()));
        }
    }

    pub(super) fn accounts(&self, now: &Now) -> Vec<RefAccount> {
        let accounts = self.refs.iter().map(|(name, followed)| RefAccount {
            refname: name.to_string(),
            start: followed.start,
            value: now.get(name).and_then(Current::oid),
            moves: followed.moves,
            held: followed.held,
        });
        accounts.collect()
    }
}
