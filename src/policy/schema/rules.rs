//! `branches`: the rules for protected refs.

use super::super::globs;
use super::emergency;
use super::{
    At, Attribution, BranchEntry, Complaints, DelegationEntry, DemandEntry, Enforce, Entry, Fault,
    Fields, Independence, Named, Node, PathEntry, Releaser, RollbackEntry, TicketRule, fields,
    items, named, names, read_as, shown, values,
};
use crate::policy::{GlobError, POLICY_REF, PathGlobs, Position, TicketPattern, TicketPlace};

/// The most people that a rule may require.
const MAX_REQUIRED: u32 = 100;

/// Every rule.
pub(super) fn rules(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<BranchEntry>>> {
    named(node, what, complaints, |entry, complaints| {
        pattern(entry, complaints);
        rule(entry, complaints).unwrap_or_default()
    })
}

fn pattern(entry: &Entry, complaints: &mut Complaints) {
    let pattern = entry.key.text.as_str();
    let checked = globs::check_ref(pattern)
        .and_then(|()| PathGlobs::compile(&[pattern.to_owned()]).map(|_| ()));
    if let Err(error) = checked {
        bad_glob(pattern, entry.key_at, error, complaints);
    } else if pattern.starts_with("refs/relhook/") && pattern != POLICY_REF {
        let (what, why) = (shown(pattern), "relhook governs its own refs itself");
        let fault = Fault::Value {
            what,
            why: why.to_owned(),
        };
        let hint = format!("of these, only `{POLICY_REF}` takes a rule");
        complaints.hinted(entry.key_at, fault, hint);
    }
}

fn bad_glob(pattern: &str, at: Position, error: GlobError, complaints: &mut Complaints) {
    let (pattern, why) = (shown(pattern), error.why);
    let hint = || {
        error
            .instead
            .map(|glob| format!("write `{}`", shown(&glob)))
    };
    complaints.push(at, Fault::Glob { pattern, why }, hint);
}

fn rule(entry: &Entry, complaints: &mut Complaints) -> Option<BranchEntry> {
    const KNOWN: [&str; 18] = [
        "required",
        "from",
        "enforce",
        "expire",
        "independence",
        "attribution",
        "push",
        "paths",
        "baseline",
        "release",
        "emergency",
        "windows",
        "freezes",
        "delegation",
        "rollback",
        "ticket",
        "checks",
        "releaser",
    ];
    const INDEPENDENCE: [(&str, Independence); 2] = [
        ("commit", Independence::Commit),
        ("range", Independence::Range),
    ];
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "a branch rule", &KNOWN, complaints)?;
    let expire = fields.optional("expire", complaints, |node, what, complaints| {
        read_as(node, what, complaints, values::span)
    });
    let baseline = fields.optional("baseline", complaints, |node, what, complaints| {
        read_as(node, what, complaints, values::oid)
    });
    Some(BranchEntry {
        demand: demand(&fields, complaints),
        expire: expire.map(|span| span.value),
        independence: fields.optional("independence", complaints, |node, what, complaints| {
            fields::choice(node, what, &INDEPENDENCE, complaints)
        }),
        attribution: fields.optional("attribution", complaints, attribution),
        push: fields.optional("push", complaints, |node, what, complaints| {
            let value = names(node, what, complaints)?;
            Some(At { value, at: node.at })
        }),
        paths: fields
            .optional("paths", complaints, path_rules)
            .unwrap_or_default(),
        baseline: baseline.map(|oid| oid.value),
        release: fields
            .optional("release", complaints, names)
            .unwrap_or_default(),
        emergency: fields
            .get("emergency")
            .and_then(|entry| emergency::emergency(entry, complaints)),
        windows: fields
            .optional("windows", complaints, names)
            .unwrap_or_default(),
        freezes: fields
            .optional("freezes", complaints, names)
            .unwrap_or_default(),
        delegation: fields.optional("delegation", complaints, delegation),
        rollback: fields.optional("rollback", complaints, rollback),
        enforce: fields.optional("enforce", complaints, enforce),
        ticket: fields.optional("ticket", complaints, ticket),
        checks: fields
            .optional("checks", complaints, super::machines::check_names)
            .unwrap_or_default(),
        releaser: fields.optional("releaser", complaints, releaser),
    })
}

fn delegation(node: &Node, what: &str, complaints: &mut Complaints) -> Option<DelegationEntry> {
    const KNOWN: [&str; 3] = ["by", "to", "longest"];
    let fields = Fields::read(node, (what, node.at), "`delegation`", &KNOWN, complaints)?;
    let longest = fields.required("longest", complaints, |node, what, complaints| {
        read_as(node, what, complaints, values::absence)
    });
    Some(DelegationEntry {
        by: fields.optional("by", complaints, names),
        to: fields.required("to", complaints, names).unwrap_or_default(),
        at: fields.get("to").map_or(node.at, |entry| entry.value.at),
        longest: longest.map(|span| span.value),
    })
}

fn rollback(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<RollbackEntry>> {
    const KNOWN: [&str; 2] = ["by", "required"];
    let fields = Fields::read(node, (what, node.at), "a rollback", &KNOWN, complaints)?;
    let required = fields.optional("required", complaints, |node, what, complaints| {
        fields::number(node, what, 1..=MAX_REQUIRED, complaints)
    });
    let by = fields.required("by", complaints, names)?;
    let value = RollbackEntry { by, required };
    Some(At { value, at: node.at })
}

fn attribution(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<Attribution>> {
    const ATTRIBUTION: [(&str, Attribution); 2] = [
        ("signature", Attribution::Signature),
        ("signature-or-pusher", Attribution::SignatureOrPusher),
    ];
    let value = fields::choice(node, what, &ATTRIBUTION, complaints)?;
    Some(At { value, at: node.at })
}

fn enforce(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<Enforce>> {
    const ENFORCE: [(&str, Enforce); 2] = [("refuse", Enforce::Refuse), ("warn", Enforce::Warn)];
    let value = fields::choice(node, what, &ENFORCE, complaints)?;
    Some(At { value, at: node.at })
}

fn releaser(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<Releaser>> {
    const RELEASER: [(&str, Releaser); 2] = [
        ("anyone", Releaser::Anyone),
        ("distinct", Releaser::Distinct),
    ];
    let value = fields::choice(node, what, &RELEASER, complaints)?;
    Some(At { value, at: node.at })
}

fn ticket(node: &Node, what: &str, complaints: &mut Complaints) -> Option<TicketRule> {
    const KNOWN: [&str; 2] = ["pattern", "in"];
    const PLACES: [(&str, TicketPlace); 4] = [
        ("approval", TicketPlace::Approval),
        ("range", TicketPlace::Range),
        ("each", TicketPlace::Each),
        ("either", TicketPlace::Either),
    ];
    let fields = Fields::read(node, (what, node.at), "`ticket`", &KNOWN, complaints)?;
    let pattern = fields.required("pattern", complaints, |node, what, complaints| {
        read_as(node, what, complaints, TicketPattern::new)
    });
    let place = fields.required("in", complaints, |node, what, complaints| {
        fields::choice(node, what, &PLACES, complaints)
    });
    Some(TicketRule {
        pattern: pattern?.value,
        place: place?,
    })
}

fn demand(fields: &Fields<'_>, complaints: &mut Complaints) -> DemandEntry {
    let required = fields.required("required", complaints, |node, what, complaints| {
        fields::number(node, what, 1..=MAX_REQUIRED, complaints)
    });
    let from = fields.required("from", complaints, names);
    DemandEntry {
        required,
        from: from.unwrap_or_default(),
    }
}

fn path_rules(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Vec<PathEntry>> {
    let list = fields::list(node, what, super::MAX_ITEMS, complaints)?;
    let read_one = |item| path_rule(item, complaints).unwrap_or_default();
    Some(list.iter().map(read_one).collect())
}

fn path_rule(node: &Node, complaints: &mut Complaints) -> Option<PathEntry> {
    const KNOWN: [&str; 3] = ["match", "required", "from"];
    let what = ("paths", node.at);
    let fields = Fields::read(node, what, "a path rule", &KNOWN, complaints)?;
    let patterns = fields.required("match", complaints, path_globs);
    Some(PathEntry {
        patterns: patterns.unwrap_or_default(),
        demand: demand(&fields, complaints),
    })
}

/// Globs over paths of a tree.
pub(super) fn path_globs(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<At<String>>> {
    items(node, what, complaints, |item, what, complaints| {
        let glob = fields::text(item, what, complaints)?;
        match PathGlobs::check(&glob.value) {
            Ok(()) => Some(glob),
            Err(error) => {
                bad_glob(&glob.value, glob.at, error, complaints);
                None
            }
        }
    })
}
