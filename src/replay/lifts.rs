//! Whether those who are said to have let a release go on to a stage did: by a statement of theirs that had
//! come by then, under the policy of then.

use super::finding::{Finding, Weight};
use super::memory::{Claims, Remembered};
use super::policies::Loaded;
use super::run::{At, Run};
use crate::audit::ReleaseRecord;
use crate::decide::Code;
use crate::dispatch::lifts_of;
use crate::facts::{Past, Sources, stored_statements};
use crate::policy::{Distinct, Stage};
use crate::release::Lift;
use crate::types::{Oid, PersonName, RefName, TargetName};
use std::cell::Cell;
use std::collections::BTreeSet;

impl Run<'_> {
    /// Looks at a release that people are said to have let go on.
    pub(super) fn lifted(&mut self, release: &ReleaseRecord, at: At) {
        let Ok(name) = RefName::new(release.refname.as_bytes()) else {
            return;
        };
        if !self.follows(&name) {
            return;
        }
        self.lifts += 1;
        let findings = self.unlifted(release, &name, at);
        self.findings.extend(findings);
    }

    /// What speaks against it. The entry does not say under which policy it was; where the one in force
    /// was changed just then, it may have been a later one.
    fn unlifted(&mut self, release: &ReleaseRecord, name: &RefName, at: At) -> Vec<Finding> {
        let in_force = self.in_force.last().map(|(_, policy)| *policy);
        let others = self.approved.iter().rev().copied();
        let others: Vec<Oid> = others.filter(|one| Some(*one) != in_force).collect();
        let mut first = None;
        for policy in in_force.into_iter().chain(others) {
            let findings = self.unlifted_under(policy, release, name, at);
            if findings.is_empty() {
                return findings;
            }
            first.get_or_insert(findings);
        }
        first.unwrap_or_default()
    }

    fn unlifted_under(
        &mut self,
        policy: Oid,
        release: &ReleaseRecord,
        name: &RefName,
        at: At,
    ) -> Vec<Finding> {
        let finding = |code, weight, text: String| {
            let finding = Finding::new(code, weight, text).at(at.0, at.1);
            finding.of(name, None, release.commit)
        };
        let doubt = |text: String| finding(Code::REPLAY_UNTOLD, Weight::Doubt, text);
        let store = &self.judge.store;
        let loaded = match self.judge.policies.at(store, policy) {
            Ok(loaded) => loaded,
            Err(why) => {
                let policy = policy.short();
                return vec![doubt(format!(
                    "the policy {policy} of then cannot be used: {why}"
                ))];
            }
        };
        let target = TargetName::new(release.target.clone());
        let Some((_, stage)) = loaded.policy.stage_of(&target) else {
            let text = format!("`{target}` was in no stage that anybody had to let it go on to");
            return vec![doubt(text)];
        };
        let (lifts, all_here) = match self.heard(&loaded, name, release.commit, at) {
            Ok(heard) => heard,
            Err(why) => return vec![doubt(why)],
        };
        let barred = self.barred(stage, name, release.sequence);
        let people = release.lifted_by.iter();
        let wrong = people.filter_map(|person| {
            let person = PersonName::new(person.clone());
            let why = refuted(&loaded, stage, &person, &lifts, &barred, at)?;
            let text = format!(
                "{person} is said to have let it go on to `{target}` of stage {}, and {why}",
                stage.name
            );
            Some(match all_here {
                true => finding(Code::REPLAY_DIFFERS, Weight::Found, text),
                false => doubt(text),
            })
        });
        wrong.collect()
    }

    /// The statements that let this release go on to stages, of those that had come before; and whether
    /// all that came are here.
    fn heard(
        &mut self,
        loaded: &Loaded,
        name: &RefName,
        commit: Oid,
        at: At,
    ) -> Result<(Vec<Lift>, bool), String> {
        let judge = &mut self.judge;
        let taken = judge.then.statements.get(&commit);
        let taken = taken.cloned().unwrap_or_default();
        let (here, gone) = judge.here(taken);
        let refs = here.into_iter().map(|taken| (taken.name, taken.tag));
        judge.store.look_at(Some(Past {
            refs: refs.collect(),
            ..Past::default()
        }));
        let memory = Remembered {
            then: &judge.then,
            told: &judge.story.told,
            redacted: &judge.story.redacted,
            claims: Claims::All,
            nameless: Cell::new(false),
        };
        let sources = Sources {
            store: &judge.store,
            policy: &loaded.policy,
            keyring: &loaded.keyring,
            memory: &memory,
            now: at.1,
            progress: None,
        };
        let heard = stored_statements(&sources, commit);
        let lifts = heard.map(|heard| lifts_of(&loaded.policy, (name, commit), &heard));
        judge.store.look_at(None);
        Ok((lifts.map_err(|fault| fault.to_string())?, gone.is_empty()))
    }

    /// Who may not let this release go on, for they had a hand in the move that it is of. What it brings of
    /// earlier moves is not looked at.
    fn barred(&self, stage: &Stage, name: &RefName, sequence: u64) -> BTreeSet<PersonName> {
        let distinct = stage.hold.lift.as_ref().map(|rule| rule.distinct);
        let mut moves = self.moves.iter().rev();
        let Some(of) = moves.find(|one| one.seq == sequence && one.refname == *name) else {
            return BTreeSet::new();
        };
        match distinct {
            None | Some(Distinct::FromNobody) => BTreeSet::new(),
            Some(Distinct::FromContributors) => of.contributors.clone(),
            Some(Distinct::FromApproversToo) => &of.contributors | &of.approved_by,
        }
    }
}

/// Why this person's word does not let it go on, if it does not.
fn refuted(
    loaded: &Loaded,
    stage: &Stage,
    person: &PersonName,
    lifts: &[Lift],
    barred: &BTreeSet<PersonName>,
    (_, time): At,
) -> Option<String> {
    let Some(rule) = &stage.hold.lift else {
        return Some("nobody had to let it go on there".to_owned());
    };
    let theirs = lifts.iter().any(|lift| {
        let had_come = lift.seen.is_some_and(|seen| seen <= time);
        let counted = lift.expires.is_none_or(|expires| expires > time);
        lift.by == *person && lift.stage == stage.name && had_come && counted
    });
    if !theirs {
        return Some("no statement of theirs that says so had come".to_owned());
    }
    if !loaded.policy.members(&rule.from).contains(person) {
        return Some("they were in none of the teams that may".to_owned());
    }
    let has_hand = barred.contains(person);
    has_hand.then(|| "they had a hand in it, which the stage does not let them".to_owned())
}
