//! How long a change took: from its commit to its approval, to the push, to the last target.

use super::model::Change;
use crate::types::Timestamp;

/// The stretches of a change's way, in seconds. What is not known is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::report) struct Lead {
    /// From the commit to the last approval that counted.
    pub review: u64,
    /// From there to the accepted push.
    pub wait: u64,
    /// From there to the last target that held it.
    pub release: u64,
}

impl Lead {
    /// Of a change whose commit's time is known.
    pub(in crate::report) fn of(change: &Change) -> Option<Self> {
        let committed = change.committed?;
        let seen = change.approvals.iter().filter_map(|approval| approval.seen);
        // A statement that the push itself brought was seen with it.
        let approved = seen.max().unwrap_or(change.time).min(change.time);
        let released = change.releases.iter().filter(|release| release.finished);
        let released = released.map(|release| release.time).max();
        Some(Self {
            review: between(committed, approved),
            wait: between(approved, change.time),
            release: released.map_or(0, |released| between(change.time, released)),
        })
    }

    /// All of it.
    pub(in crate::report) fn whole(self) -> u64 {
        self.review + self.wait + self.release
    }
}

/// Seconds from one moment to a later one; a committer's clock may be ahead of the server's.
fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_unix().saturating_sub(from.as_unix())).unwrap_or(0)
}

/// A span as people say it: its two largest units.
pub(in crate::report) fn span(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (name, size) in units {
        if rest >= size || (size == 1 && parts.is_empty()) {
            parts.push(format!("{} {name}", rest / size));
        }
        rest %= size;
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" ")
}
