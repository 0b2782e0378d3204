//! `audit`: what the policy says about the audit log itself.

use super::{At, Complaints, Entry, Fields, Named, Node, fields, named, read_as, streams};
use crate::cosign::WitnessKey;
use crate::policy::{Reading, Stream};

/// What stands under `audit`.
#[derive(Debug, Default)]
pub(in crate::policy) struct AuditEntry {
    pub(in crate::policy) reading: Reading,
    pub(in crate::policy) streams: Vec<Named<Option<Stream>>>,
    pub(in crate::policy) witnesses: Vec<Named<Option<At<WitnessKey>>>>,
    pub(in crate::policy) required: Option<At<u32>>,
}

/// The most witnesses: all their lines have to fit into one note.
const MAX_WITNESSES: u32 = 32;

/// The whole section.
pub(super) fn audit(entry: &Entry, complaints: &mut Complaints) -> Option<AuditEntry> {
    const KNOWN: [&str; 4] = ["log_reads", "streams", "witnesses", "required"];
    let what = ("audit", entry.key_at);
    let fields = Fields::read(&entry.value, what, "`audit`", &KNOWN, complaints)?;
    let logged = fields.optional("log_reads", complaints, fields::truth);
    let reading = match logged {
        Some(true) => Reading::Logged,
        Some(false) | None => Reading::Free,
    };
    let streams = fields.optional("streams", complaints, all_streams);
    let witnesses = fields.optional("witnesses", complaints, all_witnesses);
    let required = fields.optional("required", complaints, |node, what, complaints| {
        fields::number(node, what, 0..=MAX_WITNESSES, complaints)
    });
    Some(AuditEntry {
        reading,
        streams: streams.unwrap_or_default(),
        witnesses: witnesses.unwrap_or_default(),
        required,
    })
}

fn all_witnesses(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<Option<At<WitnessKey>>>>> {
    let all = named(node, what, complaints, |entry, complaints| {
        super::name(entry, "witness", complaints);
        read_as(&entry.value, &entry.key.text, complaints, |text| {
            text.parse::<WitnessKey>()
                .map_err(|fault| fault.to_string())
        })
    })?;
    if all.len() > MAX_WITNESSES as usize {
        let (what, limit) = ("witnesses", MAX_WITNESSES as usize);
        complaints.add(node.at, super::Fault::TooMany { what, limit });
        return None;
    }
    Some(all)
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
