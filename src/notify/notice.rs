//! What people are told.

use super::{back, glass};
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
    /// The target; empty where it is about none.
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
pub(super) struct Story<'a> {
    pub(super) kind: NoticeKind,
    /// Empty where it is about none.
    pub(super) target: &'a str,
    pub(super) refname: &'a str,
    pub(super) commit: Oid,
    pub(super) sequence: u64,
    /// What follows the repository's name.
    pub(super) subject: String,
    pub(super) text: String,
}

impl Notice {
    /// What an entry of the log gives to tell, and of which kind each is.
    #[must_use]
    pub fn of(repository: &str, entry: &Entry) -> Vec<(NoticeKind, Self)> {
        let stories = match &entry.event {
            Event::Release(record) => {
                let failed = record.state == ReleaseState::Failed && record.for_good;
                failed.then(|| ended(record)).into_iter().collect()
            }
            Event::Drift(record) => vec![drifted(record)],
            Event::Verdict(record) => {
                let mut all = glass::of_verdict(entry.seq, record);
                all.extend(back::of_verdict(entry.seq, record));
                all
            }
            Event::Debt(record) => vec![glass::of_debt(record)],
            Event::Begun { .. }
            | Event::Pinned(_)
            | Event::Refused { .. }
            | Event::Course(_)
            | Event::Moved(_)
            | Event::Heartbeat(_)
            | Event::Migrated { .. }
            | Event::Redacted(_)
            | Event::Read(_)
            | Event::Stream(_)
            | Event::Long { .. }
            | Event::Recovered { .. } => Vec::new(),
        };
        let repository = crate::types::escape(repository.as_bytes());
        let notice = |story: Story<'_>| {
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
                repository: repository.clone(),
            };
            (story.kind, notice)
        };
        stories.into_iter().map(notice).collect()
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
