//! One entry for people: when, what, and the facts that tell it from its neighbours.

use crate::audit::{
    CourseRecord, DebtRecord, DriftRecord, Entry, Event, ReadRecord, RedactionRecord,
    ReleaseRecord, ReleaseState, SettledHow, StreamRecord, StreamState, VerdictRecord,
};
use crate::types::Deadline;

/// One entry for people: when, what, and the facts that tell it from its neighbours.
pub(super) fn line(entry: &Entry) -> String {
    let head = format!("{:>5}  {}  ", entry.seq, entry.time);
    let what = match &entry.event {
        Event::Begun { repository, tool } => format!("begun      {repository}, relhook {tool}"),
        Event::Pinned(pin) => format!(
            "pinned     {} at {} by {}",
            pin.refname,
            pin.oid.short(),
            pin.by
        ),
        Event::Verdict(verdict) => verdict_line(verdict),
        Event::Refused { code, why, login } => {
            format!("refused    {code} {why}{}", by(login.as_deref()))
        }
        Event::Moved(moved) => format!("{:<11}{moved}", "moved"),
        Event::Release(release) => release_line(release),
        Event::Course(course) => course_line(course),
        Event::Drift(drift) => drift_line(drift),
        Event::Debt(debt) => debt_line(debt),
        Event::Heartbeat(beat) => match &beat.stamp {
            None => "heartbeat".to_owned(),
            Some(stamp) => format!("heartbeat  {}", super::heartbeat::told(stamp)),
        },
        Event::Migrated { entries, head } => {
            format!("migrated   {entries} entries of a log whose last line was {head}")
        }
        Event::Redacted(redaction) => redaction_line(redaction),
        Event::Read(read) => read_line(read),
        Event::Stream(stream) => stream_line(stream),
        Event::Long { of, body } => format!("{of:<10} too long for an entry: {body}"),
        Event::Recovered { dropped_bytes } => format!("recovered  {dropped_bytes} bytes dropped"),
    };
    head + &what
}

fn redaction_line(redaction: &RedactionRecord) -> String {
    let evidence = match redaction.evidence.len() {
        0 => String::new(),
        count => format!(", with {count} pieces of evidence"),
    };
    format!(
        "redacted   what was kept beside entry {}{evidence}{}: {}",
        redaction.entry,
        by(Some(&redaction.by)),
        redaction.reason
    )
}

fn read_line(read: &ReadRecord) -> String {
    let what = match read.last {
        0 => "no entry by number".to_owned(),
        last => format!("entries {} to {last}", read.first),
    };
    format!(
        "read       {what}, relhook {}{}",
        read.command,
        by(Some(&read.by))
    )
}

fn stream_line(stream: &StreamRecord) -> String {
    let what = match stream.state {
        StreamState::Failed => "does not get through any more",
        StreamState::Recovered => "gets through again",
    };
    let error = stream.error.as_deref().map(|error| format!(": {error}"));
    format!(
        "stream     {} {what}, it has entry {}{}",
        stream.stream,
        stream.sent,
        error.unwrap_or_default()
    )
}

fn release_line(release: &ReleaseRecord) -> String {
    let state = match release.state {
        ReleaseState::Started => "started",
        ReleaseState::Finished => "finished",
        ReleaseState::Failed => "failed",
    };
    let error = release.error.as_deref().map(|error| format!(": {error}"));
    format!(
        "release    {} of {} to {}, {} up, {} deleted{}",
        state,
        release.commit.short(),
        release.target,
        release.uploaded,
        release.deleted,
        error.unwrap_or_default()
    )
}

fn course_line(course: &CourseRecord) -> String {
    let what = match course.above {
        Some(_) => "goes back to",
        None => "goes on with",
    };
    format!(
        "course     {} {what} {}{}: {}",
        course.target,
        course.commit.short(),
        by(course.by.as_deref()),
        course.reason
    )
}

fn drift_line(drift: &DriftRecord) -> String {
    let (target, commit) = (&drift.target, drift.commit.short());
    let mut text = format!("drift      {target} is not {commit} any more");
    for one in &drift.found {
        text += &format!("\n{:>10} {:<7} {}: {}", "", one.what, one.path, one.how);
    }
    if drift.more > 0 {
        text += &format!("\n{:>10} and {} more", "", drift.more);
    }
    text
}

fn debt_line(debt: &DebtRecord) -> String {
    let stage = match debt.stage {
        Deadline::Past => "overdue since",
        Deadline::Near | Deadline::Ahead => "due soon,",
    };
    let (commit, name) = (debt.commit.short(), &debt.refname);
    format!(
        "debt       the review of {commit} on {name}, let in by entry {}, is {stage} {}",
        debt.entry, debt.due
    )
}

fn verdict_line(verdict: &VerdictRecord) -> String {
    let who = verdict.person.as_deref().or(verdict.login.as_deref());
    let mut text = format!("{:<9}{}", verdict.outcome, by(who));
    for update in &verdict.updates {
        let old = update
            .old
            .map_or_else(|| "nothing".to_owned(), |oid| oid.short());
        let new = update
            .new
            .map_or_else(|| "nothing".to_owned(), |oid| oid.short());
        text += &format!("\n{:>10} {} {old} -> {new}", "", update.refname);
        if !update.approved_by.is_empty() {
            text += &format!(", approved by {}", update.approved_by.join(", "));
        }
        if let Some(emergency) = &update.emergency {
            text += &format!(
                ", NOT APPROVED: an emergency declared by {}: {}",
                emergency.people.join(", signed too by "),
                emergency.reason
            );
            if let Some(ticket) = &emergency.ticket {
                text += &format!(" ({ticket})");
            }
            text += &format!("; review due {}", emergency.due);
        }
        if let Some(rollback) = &update.rollback {
            let undoes = rollback.count;
            text += &format!(", rolled back ({undoes} undone): {}", rollback.words());
        }
        if !update.let_pass.is_empty() {
            text += &format!(", LET PASS: {}", update.let_pass.join(" "));
        }
        if !update.codes.is_empty() {
            text += &format!(", {}", update.codes.join(" "));
        }
    }
    for settled in &verdict.settled {
        let how = match settled.how {
            SettledHow::Review => "approved",
            SettledHow::Revert => "taken back, approved",
        };
        text += &format!(
            "\n{:>10} settles entry {}: {} on {} is {how} by {}",
            "",
            settled.entry,
            settled.commit.short(),
            settled.refname,
            settled.people.join(", ")
        );
    }
    text
}

fn by(who: Option<&str>) -> String {
    let who = who.filter(|who| !who.is_empty());
    who.map(|who| format!("  by {who}")).unwrap_or_default()
}
