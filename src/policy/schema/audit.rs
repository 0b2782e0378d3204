//! `audit`: what the policy says about the audit log itself.

use super::{Complaints, Entry, Fields, Named, Node, fields, named, streams};
use crate::policy::{Reading, Stream};

/// What stands under `audit`.
#[derive(Debug, Default)]
pub(in crate::policy) struct AuditEntry {
    pub(in crate::policy) reading: Reading,
    pub(in crate::policy) streams: Vec<Named<Option<Stream>>>,
}

/// The whole section.
pub(super) fn audit(entry: &Entry, complaints: &mut Complaints) -> Option<AuditEntry> {
    const KNOWN: [&str; 2] = ["log_reads", "streams"];
    let what = ("audit", entry.key_at);
    let fields = Fields::read(&entry.value, what, "`audit`", &KNOWN, complaints)?;
    let logged = fields.optional("log_reads", complaints, fields::truth);
    let reading = match logged {
        Some(true) => Reading::Logged,
        Some(false) | None => Reading::Free,
    };
    let streams = fields.optional("streams", complaints, all_streams);
    Some(AuditEntry {
        reading,
        streams: streams.unwrap_or_default(),
    })
}

fn all_streams(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<Option<Stream>>>> {
    named(node, what, complaints, |entry, complaints| {
        super::name(entry, "stream", complaints);
        streams::stream(entry, complaints)
    })
}
