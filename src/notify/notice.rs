//! What people are told.

use crate::audit::{DriftRecord, Entry, Event, ReleaseRecord, ReleaseState};
use crate::decide::Code;
use crate::policy::NoticeKind;
use crate::types::{Oid, Timestamp};
use serde::Serialize;

/// One thing that happened: `relhook/notice/v1`. Every text in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    schema: &'static str,
    /// The word of its kind.
    pub event: &'static str,
    /// The repository's name.
    pub repository: String,
    /// The entry of the audit log that tells of it. Who gets a notice twice knows it by this.
    pub entry: u64,
    /// When it happened.
    pub time: Timestamp,
    /// The target.
    pub target: String,
    /// The ref.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The commit.
    pub commit: Oid,
    /// The entry that accepted the commit.
    pub sequence: u64,
    /// What happened, in a sentence.
    pub subject: String,
    /// Why, and what to do about it.
    pub text: String,
}

/// How many differences a notice names.
const SHOWN: usize = 20;

/// What differs between the notices of one kind and another.
struct Story<'a> {
    kind: NoticeKind,
    target: &'a str,
    refname: &'a str,
    commit: Oid,
    sequence: u64,
    /// What follows the repository's name.
    subject: String,
    text: String,
}

impl Notice {
    /// What an entry of the log gives to tell, and of which kind it is.
    #[must_use]
    pub fn of(repository: &str, entry: &Entry) -> Option<(NoticeKind, Self)> {
        let story = match &entry.event {
            Event::Release(record) => {
                let failed = record.state == ReleaseState::Failed && record.for_good;
                failed.then(|| ended(record))?
            }
            Event::Drift(record) => drifted(record),
            Event::Begun { .. }
            | Event::Pinned(_)
            | Event::Verdict(_)
            | Event::Refused { .. }
            | Event::Course(_)
            | Event::Debt(_)
            | Event::Moved(_)
            | Event::Heartbeat(_)
            | Event::Migrated { .. }
            | Event::Redacted(_)
            | Event::Read(_)
            | Event::Stream(_)
            | Event::Long { .. }
            | Event::Recovered { .. } => return None,
        };
        let repository = crate::types::escape(repository.as_bytes());
        let notice = Self {
            schema: "relhook/notice/v1",
            event: story.kind.word(),
            entry: entry.seq,
            time: entry.time,
            target: story.target.to_owned(),
            refname: story.refname.to_owned(),
            commit: story.commit,
            sequence: story.sequence,
            subject: format!("{repository}: {}", story.subject),
            text: story.text,
            repository,
        };
        Some((story.kind, notice))
    }
}

/// A release that failed for good, or that was taken back.
fn ended(record: &ReleaseRecord) -> Story<'_> {
    let (commit, target) = (record.commit.short(), &record.target);
    let why = record
        .error
        .as_deref()
        .unwrap_or("no reason was written down");
    let returned = format!("{} ", Code::RETURNED);
    let (kind, subject) = match why.starts_with(&returned) {
        true => (
            NoticeKind::ReleaseReturned,
            format!("the release of {commit} to {target} does not work and was taken back"),
        ),
        false => (
            NoticeKind::ReleaseFailed,
            format!("the release of {commit} to {target} failed"),
        ),
    };
    Story {
        kind,
        target,
        refname: &record.refname,
        commit: record.commit,
        sequence: record.sequence,
        subject,
        text: format!(
            "{why}\n\nIt is not tried again by itself. On the server:\n\n    relhook release \
             status\n    relhook release --target {target}\n"
        ),
    }
}

fn drifted(record: &DriftRecord) -> Story<'_> {
    let target = &record.target;
    let mut text = String::new();
    for one in record.found.iter().take(SHOWN) {
        text += &format!("{} {}: {}\n", one.what, one.path, one.how);
    }
    let more = record.found.len().saturating_sub(SHOWN) as u64 + record.more;
    if more > 0 {
        text += &format!("and {more} more\n");
    }
    text += &format!(
        "\nOn the server:\n\n    relhook drift --target {target}\n    relhook release --target \
         {target} --overwrite\n"
    );
    Story {
        kind: NoticeKind::DriftFound,
        target,
        refname: &record.refname,
        commit: record.commit,
        sequence: record.sequence,
        subject: format!(
            "{target} was changed by hand since the release of {}",
            record.commit.short()
        ),
        text,
    }
}
