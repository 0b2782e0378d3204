//! What people are told.

use crate::audit::{Entry, Event, ReleaseRecord, ReleaseState};
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

impl Notice {
    /// What an entry of the log gives to tell, and of which kind it is.
    #[must_use]
    pub fn of(repository: &str, entry: &Entry) -> Option<(NoticeKind, Self)> {
        match &entry.event {
            Event::Release(record) => {
                let failed = record.state == ReleaseState::Failed && record.for_good;
                failed.then(|| Self::failed(repository, entry, record))
            }
            Event::Begun { .. }
            | Event::Pinned(_)
            | Event::Verdict(_)
            | Event::Refused { .. }
            | Event::Course(_)
            | Event::Drift(_)
            | Event::Recovered { .. } => None,
        }
    }

    fn failed(repository: &str, entry: &Entry, record: &ReleaseRecord) -> (NoticeKind, Self) {
        let kind = NoticeKind::ReleaseFailed;
        let (commit, target) = (record.commit.short(), &record.target);
        let repository = crate::types::escape(repository.as_bytes());
        let why = record
            .error
            .as_deref()
            .unwrap_or("no reason was written down");
        let notice = Self {
            schema: "relhook/notice/v1",
            event: kind.word(),
            entry: entry.seq,
            time: entry.time,
            target: target.clone(),
            refname: record.refname.clone(),
            commit: record.commit,
            sequence: record.sequence,
            subject: format!("{repository}: the release of {commit} to {target} failed"),
            text: format!(
                "{why}\n\nIt is not tried again by itself. On the server:\n\n    relhook release \
                 status\n    relhook release --target {target}\n"
            ),
            repository,
        };
        (kind, notice)
    }
}
