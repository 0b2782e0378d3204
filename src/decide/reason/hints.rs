//! What to do about a reason: who can supply what is missing, and the command to run next.

use super::pusher;
use super::words::{all_of, any_of, stand_ins};
use super::{Lack, Reason, Shut, StandIn};
use crate::decide::naming;
use crate::policy::TicketPlace;
use crate::types::{Oid, PersonName, RefName, TeamName, shell_word};
use std::collections::BTreeSet;

impl Reason {
    /// What to do about it, one line each, without `hint:`. Empty where the sentence says all.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        if let Self::NotCovered(lack) | Self::PathsNotCovered { lack, .. } = self {
            let mut hints = of_lack(lack);
            hints.extend(of_stand_ins(&lack.stand_ins, &lack.refname, lack.tip));
            return hints;
        }
        if let Self::TipNotNamed {
            refname,
            tip,
            from,
            could,
            stand_ins,
        } = self
        {
            let mut hints = match could.is_empty() && !stand_ins.is_empty() {
                true => Vec::new(),
                false => of_tip(refname, *tip, from, could),
            };
            hints.extend(of_stand_ins(stand_ins, refname, *tip));
            return hints;
        }
        if let Self::Rejected {
            person,
            stead,
            tag,
            disabled,
            ..
        } = self
        {
            let mut hints = of_objection(person, *tag, *disabled);
            hints.extend(
                stead
                    .as_ref()
                    .map(|stead| format!("{stead} can overrule it by an approval of their own")),
            );
            return hints;
        }
        if let Self::DelegationNotAllowed { by, from, .. } = self {
            return vec![naming::whom(by, from)];
        }
        if let Self::Emergency(fault) = self
            && let Some(hints) = fault.hints()
        {
            return hints;
        }
        if let Self::OutsideWindows(shut) | Self::Frozen(shut) = self {
            return of_shut(shut);
        }
        if let Self::RollbackUnstated {
            refname,
            to,
            missing,
            by,
            could,
            ..
        } = self
        {
            return of_rollback(refname, *to, *missing, by, could);
        }
        if let Some(hints) = self.hints_of_change() {
            return hints;
        }
        if let Some(hints) = pusher::hints(self) {
            return hints;
        }
        let hint = self.code().hint();
        if hint.is_empty() {
            Vec::new()
        } else {
            vec![hint.to_owned()]
        }
    }

    /// The same for what is asked of a change besides approvals.
    fn hints_of_change(&self) -> Option<Vec<String>> {
        if let Self::NoTicket {
            refname,
            tip,
            place,
            ..
        } = self
        {
            return Some(of_ticket(refname, *tip, *place));
        }
        if let Self::CheckMissing {
            refname,
            tip,
            check,
            machines,
        } = self
        {
            let refname = shell_word(&refname.to_string());
            return Some(vec![format!(
                "the job of {} says so, once it has run: relhook attest-check --name {check} \
                 --result pass --ref {refname} {tip}",
                any_of(machines)
            )]);
        }
        if let Self::ReleaserNotDistinct {
            refname,
            tip,
            could,
            ..
        } = self
        {
            return Some(of_releaser(refname, *tip, could));
        }
        None
    }
}

fn of_objection(person: &PersonName, tag: Oid, disabled: bool) -> Vec<String> {
    if disabled {
        return vec![format!(
            "{person} is disabled: once it is settled, have {person} taken out of the teams whose \
             approvals count here, by a change of the policy"
        )];
    }
    let settled = "once it is settled";
    let command = format!("relhook withdraw {} --reason <why>", tag.subject());
    vec![format!("{settled}, {person} can take it back: {command}")]
}

/// Who could approve in somebody's stead.
fn of_stand_ins(all: &BTreeSet<StandIn>, refname: &RefName, tip: Oid) -> Option<String> {
    let first = all.first()?;
    let approve = approve(refname, tip);
    // Each names the one whom they stand in for: the command shows how.
    Some(format!(
        "a deputy can too, {}: {approve} --in-stead-of {}",
        stand_ins(all),
        first.stead
    ))
}

fn of_lack(lack: &Lack) -> Vec<String> {
    if lack.could.len() >= lack.missing as usize {
        return vec![ask(&lack.could, lack.missing, &lack.refname, lack.tip)];
    }
    if lack.some.len() < lack.missing as usize {
        // Where deputies make up for them, who they are is said next.
        let enough = lack.some.len() + lack.stand_ins.len() >= lack.missing as usize;
        return match (enough, lack.some.is_empty()) {
            (true, true) => Vec::new(),
            (true, false) => vec![ask(&lack.some, lack.missing, &lack.refname, lack.tip)],
            (false, _) => vec![too_few(&lack.some, &lack.from)],
        };
    }
    let who = all_of(&lack.some);
    let part = if lack.some.len() == 1 {
        format!("only {who} could approve, and not all of them")
    } else {
        format!("{who} can each approve a part of them, and too few of them all")
    };
    vec![part, command(&lack.refname, lack.tip)]
}

fn of_rollback(
    refname: &RefName,
    to: Oid,
    missing: u32,
    by: &[TeamName],
    could: &BTreeSet<PersonName>,
) -> Vec<String> {
    if could.len() < missing as usize {
        let teams = any_of(by);
        return vec![format!(
            "too few people in {teams} are left to say so: the policy has to name more"
        )];
    }
    let who = match missing {
        1 => any_of(could),
        some => format!("{some} of {}", all_of(could)),
    };
    let refname = shell_word(&refname.to_string());
    let command = format!(
        "relhook rollback --to {} --ref {refname} --reason <why>",
        to.subject()
    );
    vec![format!("ask {who} to state it: {command}")]
}

fn of_tip(
    refname: &RefName,
    tip: Oid,
    from: &[TeamName],
    could: &BTreeSet<PersonName>,
) -> Vec<String> {
    if could.is_empty() {
        vec![too_few(could, from)]
    } else {
        vec![ask(could, 1, refname, tip)]
    }
}

/// When to push it again, and who could let it in before.
fn of_shut(shut: &Shut) -> Vec<String> {
    let again = match &shut.opens {
        Some(moment) => format!("push it again from {moment} on: approvals stay as they are"),
        None => {
            "no moment is in sight at which it could go in: have the windows and freezes of the \
                 policy changed"
                .to_owned()
        }
    };
    let sooner = shut.could.as_ref().map(|(name, who)| {
        let command = approve(&shut.refname, shut.tip);
        let who = any_of(who);
        let name = shell_word(name.as_str());
        format!("{who} can override it, by an approval: {command} --override {name} --reason <why>")
    });
    std::iter::once(again).chain(sooner).collect()
}

/// Where to name a change request.
fn of_ticket(refname: &RefName, tip: Oid, place: TicketPlace) -> Vec<String> {
    let command = approve(refname, tip);
    let approval = format!("who approves it names one: {command} --ticket <name>");
    let message = "name it in the message, and have the new commit approved: git commit --amend";
    let mut hints = Vec::new();
    if place.reads_approvals() {
        hints.push(approval);
    }
    if place.reads_messages() {
        hints.push(message.to_owned());
    }
    hints
}

/// So many people are named who could push.
const MOST_NAMED: usize = 8;

/// Who could push it, and how.
fn of_releaser(refname: &RefName, tip: Oid, could: &BTreeSet<PersonName>) -> Vec<String> {
    if could.is_empty() {
        let none = "nobody is left who could push it: the policy has to name more people";
        return vec![none.to_owned()];
    }
    let mut who: Vec<String> = could.iter().map(ToString::to_string).collect();
    let more = who.len().saturating_sub(MOST_NAMED);
    who.truncate(MOST_NAMED);
    if more > 0 {
        who.push(format!("{more} more"));
    }
    let refname = shell_word(&refname.to_string());
    vec![format!(
        "ask {} to push it: git push origin {tip}:{refname}",
        any_of(who)
    )]
}

/// Who has to run what, on one line.
fn ask(could: &BTreeSet<PersonName>, missing: u32, refname: &RefName, tip: Oid) -> String {
    let who = if could.len() == missing as usize {
        all_of(could)
    } else if missing == 1 {
        any_of(could)
    } else {
        format!("{missing} of {}", all_of(could))
    };
    format!("ask {who} to approve: {}", approve(refname, tip))
}

fn command(refname: &RefName, tip: Oid) -> String {
    format!("each runs: {}", approve(refname, tip))
}

fn approve(refname: &RefName, tip: Oid) -> String {
    // Who copies the command did not choose the ref's name.
    let refname = shell_word(&refname.to_string());
    format!("relhook approve {} --ref {refname}", tip.subject())
}

fn too_few(left: &BTreeSet<PersonName>, from: &[TeamName]) -> String {
    let teams = any_of(from);
    if left.is_empty() {
        format!("nobody is left in {teams} who could approve: the policy has to name more people")
    } else {
        let left = all_of(left);
        format!("of {teams} only {left} could approve: the policy has to name more people")
    }
}
