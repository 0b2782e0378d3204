//! What people are told of emergencies.

use super::notice::Story;
use crate::audit::{
    DebtRecord, EmergencyRecord, SettledHow, SettledRecord, UpdateRecord, VerdictRecord,
};
use crate::policy::NoticeKind;
use crate::types::{Deadline, Oid, shell_word};

/// The emergencies of a push, and what it settles.
pub(super) fn of_verdict(seq: u64, record: &VerdictRecord) -> Vec<Story<'_>> {
    let used = record.updates.iter().filter_map(|update| {
        let (emergency, new) = (update.emergency.as_ref()?, update.new?);
        Some(used(seq, record, update, emergency, new))
    });
    used.chain(record.settled.iter().map(settled)).collect()
}

fn used<'a>(
    seq: u64,
    record: &VerdictRecord,
    update: &'a UpdateRecord,
    emergency: &EmergencyRecord,
    commit: Oid,
) -> Story<'a> {
    let (name, by) = (&update.refname, emergency.people.join(", signed too by "));
    let mut text = format!("{}\n\ndeclared by {by}\n", emergency.reason);
    if let Some(ticket) = &emergency.ticket {
        text += &format!("ticket      {ticket}\n");
    }
    let pusher = record.person.as_deref().or(record.login.as_deref());
    text += &format!(
        "pushed by   {}\nwritten by  {}\n",
        pusher.unwrap_or("nobody known"),
        update.contributors.join(", ")
    );
    text += &format!(
        "\nNobody approved it. The review is due by {}.{}",
        emergency.due,
        ask(name, commit)
    );
    Story {
        kind: NoticeKind::Emergency,
        target: "",
        refname: name,
        commit,
        sequence: seq,
        subject: format!(
            "EMERGENCY: {} went to {name} without approval",
            commit.short()
        ),
        text,
    }
}

fn settled(settled: &SettledRecord) -> Story<'_> {
    let how = match settled.how {
        SettledHow::Review => "was approved",
        SettledHow::Revert => "was taken back, which was approved",
    };
    let commit = settled.commit.short();
    Story {
        kind: NoticeKind::ReviewSettled,
        target: "",
        refname: &settled.refname,
        commit: settled.commit,
        sequence: settled.entry,
        subject: format!("the review of {commit} on {} is settled", settled.refname),
        text: format!(
            "{commit} had gone in by an emergency (entry {}). It {how} by {}.\n",
            settled.entry,
            settled.people.join(", ")
        ),
    }
}

/// A deadline that is near, or past.
pub(super) fn of_debt(debt: &DebtRecord) -> Story<'_> {
    let (commit, name) = (debt.commit.short(), &debt.refname);
    let (kind, subject, then) = match debt.stage {
        Deadline::Ahead | Deadline::Near => (
            NoticeKind::ReviewDue,
            format!("the review of {commit} on {name} is due by {}", debt.due),
            "After that, nothing goes to that ref but what settles it.",
        ),
        Deadline::Past => (
            NoticeKind::ReviewOverdue,
            format!(
                "OVERDUE: the review of {commit} on {name} was due by {}",
                debt.due
            ),
            "Until it is settled, nothing else goes to that ref.",
        ),
    };
    Story {
        kind,
        target: "",
        refname: name,
        commit: debt.commit,
        sequence: debt.entry,
        subject,
        text: format!(
            "It went in by an emergency (entry {}), and nobody distinct has looked at it. {then}{}",
            debt.entry,
            ask(name, debt.commit)
        ),
    }
}

/// What whoever had no hand in it can do.
fn ask(name: &str, commit: Oid) -> String {
    format!(
        " Whoever had no\nhand in it and may approve it looks at it, and runs:\n\n    relhook approve {} --ref {}\n",
        commit.subject(),
        shell_word(name)
    )
}
