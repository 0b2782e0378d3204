//! What people are told of rollbacks.

use super::notice::Story;
use crate::audit::{RollbackRecord, UpdateRecord, VerdictRecord};
use crate::policy::NoticeKind;
use crate::types::Oid;

/// The rollbacks of a push.
pub(super) fn of_verdict(seq: u64, record: &VerdictRecord) -> Vec<Story<'_>> {
    let back = record.updates.iter().filter_map(|update| {
        let (rollback, to) = (update.rollback.as_ref()?, update.new?);
        update.permit.as_ref()?;
        Some(went_back(seq, record, update, rollback, to))
    });
    back.collect()
}

fn went_back<'a>(
    seq: u64,
    record: &VerdictRecord,
    update: &'a UpdateRecord,
    rollback: &RollbackRecord,
    to: Oid,
) -> Story<'a> {
    let name = &update.refname;
    let words = rollback.by.iter();
    let words = words.map(|word| format!("{}: {}\n", word.person, word.reason));
    let mut text: String = words.collect();
    let pusher = record.person.as_deref().or(record.login.as_deref());
    text += &format!("\npushed by   {}\n", pusher.unwrap_or("nobody known"));
    if let Some(from) = update.old {
        text += &format!("from        {}\n", from.short());
    }
    let undone = match rollback.count {
        1 => "1 commit is undone, and has".to_owned(),
        many => format!("{many} commits are undone, and have"),
    };
    text += &format!(
        "\n{undone} to be approved anew before it goes out again. Whoever does so says that they read\n\
         why it was rolled back: relhook approve shows it.\n"
    );
    Story {
        kind: NoticeKind::RolledBack,
        target: "",
        refname: name,
        commit: to,
        sequence: seq,
        subject: format!("ROLLED BACK: {name} went back to {}", to.short()),
        text,
    }
}
