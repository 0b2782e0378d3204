//! Notes: why approvals and objections that exist do not count. They decide nothing; they spare a
//! refused pusher the question.

use super::cover::{Age, Outcome, Ruling, age};
use super::reason::words::{any_of, commits, in_stead};
use super::roster::{Crowd, Number, Roster};
use super::span::{At, Span};
use super::stead;
use super::voices::{Approval, Voices, WordBack};
use super::{Code, Note};
use crate::facts::{Approving, CommitFacts, StatementFacts};
use crate::signature::SignatureProblem;
use crate::statement::{Decision, Statement};
use crate::types::{Oid, Timestamp, WindowName, escape};
use std::collections::BTreeSet;

/// So many notes are given; more would hide the rest.
const MOST: usize = 20;

pub(super) fn note(code: Code, text: String) -> Note {
    Note { code, text }
}

/// `rita approved `8d01e77``.
fn said(span: &Span<'_>, person: Number, statement: &Statement) -> String {
    let verb = match statement.decision {
        Decision::Approve => "approved",
        Decision::Reject => "objected to",
        Decision::Lift => "lifted a hold of",
        Decision::Withdraw { .. } => "withdrew a statement about",
        Decision::Emergency => "broke the glass for",
        Decision::Delegate => "named a deputy at",
        Decision::Rollback => "ordered the way back to",
        Decision::Check => "tried",
    };
    let person = span.roster.name(person);
    format!("{person} {verb} `{}`", statement.commit.short())
}

/// `an approval of `8d01e77``.
fn unheard(statement: &Statement) -> String {
    let noun = match statement.decision {
        Decision::Approve => "an approval of",
        Decision::Reject => "an objection to",
        Decision::Lift => "a lift for",
        Decision::Withdraw { .. } => "a withdrawal for",
        Decision::Emergency => "an emergency for",
        Decision::Delegate => "a delegation at",
        Decision::Rollback => "a rollback to",
        Decision::Check => "a check of",
    };
    format!("{noun} `{}`", statement.commit.short())
}

pub(super) fn withdrawn(span: &Span<'_>, person: Number, at: At) -> Note {
    let person = span.roster.name(person);
    let commit = span.oid(at).map_or_else(String::new, |oid| oid.short());
    let text = format!("what {person} said of `{commit}`, {person} has withdrawn");
    note(Code::APPROVAL_WITHDRAWN, text)
}

pub(super) fn stead_unknown(span: &Span<'_>, person: Number, facts: &StatementFacts) -> Note {
    let said = said(span, person, &facts.statement);
    let text = format!("{said} in the stead of somebody whom the policy does not know");
    note(Code::STEAD, text)
}

pub(super) fn base_elsewhere(span: &Span<'_>, person: Number, facts: &StatementFacts) -> Note {
    let base = facts.statement.base.map_or_else(
        || "something unknown".to_owned(),
        |base| format!("`{}`", base.short()),
    );
    let said = said(span, person, &facts.statement);
    let text = format!("{said} compared with {base}, which is not part of this history");
    note(Code::BASE_ELSEWHERE, text)
}

pub(super) fn other_repository(statement: &Statement) -> Note {
    let name = escape(statement.repository.as_bytes());
    let text = format!("{} is for the repository `{name}`", unheard(statement));
    note(Code::OTHER_REPOSITORY, text)
}

pub(super) fn other_ref(statement: &Statement) -> Note {
    let text = format!(
        "{} is for `{}`, not for this ref",
        unheard(statement),
        statement.refname
    );
    note(Code::APPROVAL_ELSEWHERE, text)
}

pub(super) fn unsigned(statement: &Statement) -> Note {
    let text = format!("{} is not signed", unheard(statement));
    note(Code::APPROVAL_SIGNATURE, text)
}

pub(super) fn signature(statement: &Statement, problem: &SignatureProblem) -> Note {
    let text = format!("{} does not count: {problem}", unheard(statement));
    note(Code::APPROVAL_SIGNATURE, text)
}

pub(super) fn disabled(span: &Span<'_>, person: Number, statement: &Statement) -> Note {
    let said = said(span, person, statement);
    let text = format!("{said}, but is disabled in the policy");
    note(Code::APPROVER_DISABLED, text)
}

pub(super) fn expired(
    span: &Span<'_>,
    person: Number,
    statement: &Statement,
    expires: Timestamp,
) -> Note {
    let said = said(span, person, statement);
    note(
        Code::APPROVAL_EXPIRED,
        format!("{said}, but only until {expires}"),
    )
}

pub(super) fn commit_for_repository(commit: &CommitFacts, approving: &Approving) -> Note {
    let name = escape(approving.repository.as_bytes());
    let text = format!(
        "the approving commit `{}` is for the repository `{name}`",
        commit.oid.short()
    );
    note(Code::OTHER_REPOSITORY, text)
}

pub(super) fn commit_for_ref(commit: &CommitFacts, approving: &Approving) -> Note {
    let text = format!(
        "the approving commit `{}` is for `{}`, not for this ref",
        commit.oid.short(),
        approving.refname
    );
    note(Code::APPROVAL_ELSEWHERE, text)
}

pub(super) fn commit_adds(commit: &CommitFacts) -> Note {
    let text = format!(
        "`{}` says that it approves, but adds something of its own",
        commit.oid.short()
    );
    note(Code::APPROVAL_ADDS, text)
}

pub(super) fn commit_disabled(span: &Span<'_>, person: Number, commit: &CommitFacts) -> Note {
    let text = format!(
        "{} signed the approving commit `{}`, but is disabled in the policy",
        span.roster.name(person),
        commit.oid.short()
    );
    note(Code::APPROVER_DISABLED, text)
}

pub(super) fn commit_refused(commit: &CommitFacts, problem: &SignatureProblem) -> Note {
    let oid = commit.oid.short();
    let text = format!("the approving commit `{oid}` does not count: {problem}");
    note(Code::APPROVAL_SIGNATURE, text)
}

pub(super) fn commit_unsigned(commit: &CommitFacts) -> Note {
    let text = format!(
        "the approving commit `{}` is not signed",
        commit.oid.short()
    );
    note(Code::APPROVAL_SIGNATURE, text)
}

pub(super) fn no_override(span: &Span<'_>, person: Number, name: &WindowName, why: &str) -> Note {
    let person = span.roster.name(person);
    let text = format!("{person} overrides `{name}`, but {why}");
    note(Code::OVERRIDE, text)
}

/// `carl's rollback `1f0c2ab4d5e6``.
fn word_back(roster: &Roster<'_>, word: &WordBack<'_>) -> String {
    let person = roster.name(word.person);
    format!("{person}'s rollback `{}`", word.tag.subject())
}

pub(super) fn spent(roster: &Roster<'_>, word: &WordBack<'_>) -> Note {
    let text = format!("{} was carried out already", word_back(roster, word));
    note(Code::ROLLBACK_SPENT, text)
}

pub(super) fn of_another_value(roster: &Roster<'_>, word: &WordBack<'_>) -> Note {
    let base = word.base.map_or_else(
        || "nothing".to_owned(),
        |base| format!("`{}`", base.short()),
    );
    let text = format!(
        "{} is from {base}, and the ref is elsewhere",
        word_back(roster, word)
    );
    note(Code::ROLLBACK_STALE, text)
}

pub(super) fn of_another_time(roster: &Roster<'_>, word: &WordBack<'_>) -> Note {
    let text = format!(
        "{} is too old: it has to come after what it undoes, and counts for a day",
        word_back(roster, word)
    );
    note(Code::ROLLBACK_STALE, text)
}

pub(super) fn arrival_unknown(roster: &Roster<'_>, word: &WordBack<'_>) -> Note {
    let text = format!(
        "{} does not count: when it arrived is not recorded",
        word_back(roster, word)
    );
    note(Code::AGE_UNKNOWN, text)
}

pub(super) fn may_not_go_back(roster: &Roster<'_>, word: &WordBack<'_>) -> Note {
    let text = format!(
        "{} does not count: its signer is not among those who may",
        word_back(roster, word)
    );
    note(Code::ROLLBACK_BY, text)
}

/// What the rules themselves find wrong with approvals that are sound as such.
pub(super) fn of_rules(voices: &Voices<'_>, judged: &[(Ruling<'_>, Outcome)]) -> Vec<Note> {
    let mut notes = Vec::new();
    for (ruling, outcome) in judged {
        for (person, commits) in &outcome.own_work {
            notes.push(own_work(ruling, *person, commits));
        }
        for (person, commits) in &outcome.unreached {
            notes.extend(unreached(ruling, *person, commits));
        }
        for ((deputy, stead, why), commits) in &outcome.stead {
            notes.push(stead::uncovering(ruling, (*deputy, *stead), *why, commits));
        }
        for (person, commits) in &outcome.stale {
            notes.push(stale(ruling, *person, commits));
        }
        let aged = voices.approvals.iter();
        notes.extend(aged.filter_map(|approval| of_age(ruling, approval)));
    }
    notes.extend(outsiders(voices, judged));
    notes.extend(stead::unheard(voices, judged));
    notes
}

fn own_work(ruling: &Ruling<'_>, person: Number, places: &[At]) -> Note {
    let person = ruling.span.roster.name(person);
    let text = format!(
        "{person}'s approval does not cover {}: {person} had a hand in {}",
        commits(&oids(ruling.span, places)),
        if ruling.bars_from_range() {
            "the range"
        } else if places.len() == 1 {
            "it"
        } else {
            "them"
        }
    );
    note(Code::OWN_WORK, text)
}

fn unreached(ruling: &Ruling<'_>, person: Number, places: &[At]) -> Option<Note> {
    let mut own = ruling.approvals.iter();
    let approval = own.find(|one| one.person == person && one.stead.is_none())?;
    let approved = ruling.span.oid(approval.at)?.short();
    let text = format!(
        "{} approved `{approved}`, which does not take in {}",
        ruling.span.roster.name(person),
        commits(&oids(ruling.span, places))
    );
    Some(note(Code::DOES_NOT_REACH, text))
}

fn stale(ruling: &Ruling<'_>, person: Number, places: &[At]) -> Note {
    let span = ruling.span;
    let undoing = places.iter().flat_map(|at| span.undoing(*at));
    let tags: BTreeSet<Oid> = undoing
        .filter_map(|undone| undone.statements.first().copied())
        .collect();
    let tags: Vec<String> = tags.iter().map(Oid::to_string).collect();
    let text = format!(
        "{}'s approval does not count any more for {}: rolled back since. A new one has to answer          why, by `Relhook-Answers: {}`, which relhook approve writes",
        span.roster.name(person),
        commits(&oids(span, places)),
        tags.join(" ")
    );
    note(Code::ROLLED_BACK, text)
}

fn of_age(ruling: &Ruling<'_>, approval: &Approval) -> Option<Note> {
    let span = ruling.span;
    let member = approval.stead.unwrap_or(approval.person);
    if !ruling.could_approve().has(member) {
        return None;
    }
    let who = span.roster.name(approval.person);
    let commit = span.oid(approval.at)?.short();
    match age(span, ruling.rule, approval) {
        Age::Counts => None,
        Age::Expired => {
            let text = format!("{who} approved `{commit}` too long ago for this ref");
            Some(note(Code::APPROVAL_EXPIRED, text))
        }
        Age::Unknown => {
            let text = format!("{who} approved `{commit}`, but when that arrived is not recorded");
            Some(note(Code::AGE_UNKNOWN, text))
        }
    }
}

/// Those who spoke and are in no team whose word counts here.
fn outsiders(voices: &Voices<'_>, judged: &[(Ruling<'_>, Outcome)]) -> Vec<Note> {
    let Some((first, _)) = judged.first() else {
        return Vec::new();
    };
    let everybody = |could: &dyn Fn(&Ruling<'_>) -> Crowd| {
        let mut all = Crowd::default();
        for (ruling, _) in judged {
            all.join(&could(ruling));
        }
        all
    };
    let approvers = everybody(&|ruling| ruling.could_approve());
    let objectors = everybody(&|ruling| ruling.could_object());
    let approved = voices.approvals.iter();
    let approved = approved.filter(|one| !approvers.has(one.stead.unwrap_or(one.person)));
    let approved = approved.map(|one| (one.person, one.stead, one.at, "approved"));
    let objected = voices.objections.iter();
    let objected = objected.filter(|one| !objectors.has(one.stead.unwrap_or(one.person)));
    let objected = objected.map(|one| (one.person, one.stead, one.at, "objected to"));
    let outside = approved.chain(objected);
    let span = first.span;
    outside
        .filter_map(|(person, stead, at, verb)| {
            let stead = stead.map(|stead| span.roster.name(stead));
            let who = in_stead(&span.roster.name(person), stead.as_ref());
            let outside = stead.map_or_else(String::new, |stead| format!("{stead} "));
            let commit = span.oid(at)?.short();
            let teams: BTreeSet<_> = judged
                .iter()
                .flat_map(|(ruling, _)| &ruling.rule.from)
                .collect();
            let teams = any_of(teams);
            let text = format!("{who} {verb} `{commit}`, but {outside}is not in {teams}");
            Some(note(Code::NOT_IN_TEAM, text))
        })
        .collect()
}

pub(super) fn oids(span: &Span<'_>, places: &[At]) -> Vec<Oid> {
    places.iter().filter_map(|at| span.oid(*at)).collect()
}

/// Each note once, in the order of their codes, and not too many.
pub(super) fn tidy(mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort_by(|left, right| (left.code, &left.text).cmp(&(right.code, &right.text)));
    notes.dedup();
    notes.truncate(MOST);
    notes
}
