//! `emergency`: who may let in what nobody has approved.

use super::rules::path_globs;
use super::{At, Complaints, Entry, Fault, Fields, Node, checked, fields, names, read_as, values};
use crate::policy::{Emergency, Leave, Limit, TicketPattern};
use crate::types::Seconds;

/// The most emergencies that a policy may allow.
const MAX_COUNT: u32 = 100;

/// What stands under `emergency`.
#[derive(Debug)]
pub(in crate::policy) struct EmergencyEntry {
    /// Where the key stands.
    pub(in crate::policy) at: super::Position,
    pub(in crate::policy) by: Vec<At<String>>,
    pub(in crate::policy) cosign: Option<At<Vec<At<String>>>>,
    pub(in crate::policy) expire: Seconds,
    pub(in crate::policy) limit: Limit,
    pub(in crate::policy) except: Vec<At<String>>,
    pub(in crate::policy) ticket: Option<TicketPattern>,
    pub(in crate::policy) review_within: Seconds,
    pub(in crate::policy) while_overdue: Leave,
    pub(in crate::policy) cross_review: Leave,
}

/// Reads it.
pub(super) fn emergency(entry: &Entry, complaints: &mut Complaints) -> Option<EmergencyEntry> {
    const KNOWN: [&str; 9] = [
        "by",
        "cosign",
        "expire",
        "limit",
        "except",
        "ticket",
        "review-within",
        "while-overdue",
        "cross-review",
    ];
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "`emergency`", &KNOWN, complaints)?;
    let by = fields.required("by", complaints, names);
    let cosign = fields.optional("cosign", complaints, |node, what, complaints| {
        let value = names(node, what, complaints)?;
        Some(At { value, at: node.at })
    });
    let expire = span(&fields, "expire", Emergency::LONGEST, complaints);
    let review_within = span(&fields, "review-within", Emergency::MEMORY, complaints);
    let limit = fields.optional("limit", complaints, limit);
    let except = fields.optional("except", complaints, path_globs);
    let ticket = fields.optional("ticket", complaints, ticket);
    let while_overdue = fields.optional("while-overdue", complaints, leave);
    let cross_review = fields.optional("cross-review", complaints, leave);
    Some(EmergencyEntry {
        at: entry.key_at,
        by: by?,
        cosign,
        expire: expire.unwrap_or(Emergency::EXPIRE),
        limit: limit.unwrap_or(Emergency::LIMIT),
        except: except.unwrap_or_default(),
        ticket,
        review_within: review_within.unwrap_or(Emergency::REVIEW_WITHIN),
        while_overdue: while_overdue.unwrap_or(Leave::Refuse),
        cross_review: cross_review.unwrap_or(Leave::Refuse),
    })
}

/// A span of time that is no longer than `longest`.
fn span(
    fields: &Fields<'_>,
    key: &str,
    longest: Seconds,
    complaints: &mut Complaints,
) -> Option<Seconds> {
    fields.optional(key, complaints, |node, what, complaints| {
        read_span(node, what, longest, complaints)
    })
}

fn read_span(
    node: &Node,
    what: &str,
    longest: Seconds,
    complaints: &mut Complaints,
) -> Option<Seconds> {
    let span = read_as(node, what, complaints, values::span)?;
    if span.value <= longest {
        return Some(span.value);
    }
    let (what, days) = (what.to_owned(), longest.0 / (24 * 60 * 60));
    let why = format!("may be at most {days} days");
    complaints.add(node.at, Fault::Value { what, why });
    None
}

fn limit(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Limit> {
    const KNOWN: [&str; 2] = ["count", "within"];
    let fields = Fields::read(node, (what, node.at), "`limit`", &KNOWN, complaints)?;
    let count = fields.required("count", complaints, |node, what, complaints| {
        fields::number(node, what, 1..=MAX_COUNT, complaints)
    });
    let within = fields.required("within", complaints, |node, what, complaints| {
        read_span(node, what, Emergency::MEMORY, complaints)
    });
    Some(Limit {
        count: count?.value,
        within: within?,
    })
}

fn ticket(node: &Node, what: &str, complaints: &mut Complaints) -> Option<TicketPattern> {
    let text = checked(node, what, complaints, |text| {
        TicketPattern::new(text).map(|_| ())
    })?;
    TicketPattern::new(&text.value).ok()
}

fn leave(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Leave> {
    const LEAVE: [(&str, Leave); 2] = [("refuse", Leave::Refuse), ("allow", Leave::Allow)];
    fields::choice(node, what, &LEAVE, complaints)
}
