//! `machines`: what says how checks went, each under a name.

use super::people::public_key;
use super::{At, Complaints, Entry, Fields, Key, Named, Node, checked, items, name, named, values};

/// One entry of `machines`.
#[derive(Debug, Default)]
pub(in crate::policy) struct MachineEntry {
    pub(in crate::policy) keys: Vec<At<Key>>,
    pub(in crate::policy) checks: Vec<At<String>>,
}

/// Every machine.
pub(super) fn machines(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<MachineEntry>>> {
    named(node, what, complaints, |entry, complaints| {
        name(entry, "machine", complaints);
        machine(entry, complaints).unwrap_or_default()
    })
}

fn machine(entry: &Entry, complaints: &mut Complaints) -> Option<MachineEntry> {
    const KNOWN: [&str; 2] = ["keys", "checks"];
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "a machine", &KNOWN, complaints)?;
    let keys = fields.required("keys", complaints, |node, what, complaints| {
        items(node, what, complaints, public_key)
    });
    let checks = fields.required("checks", complaints, check_names);
    Some(MachineEntry {
        keys: keys.unwrap_or_default(),
        checks: checks.unwrap_or_default(),
    })
}

/// A list of checks, by their names.
pub(super) fn check_names(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<At<String>>> {
    items(node, what, complaints, |item, what, complaints| {
        checked(item, what, complaints, values::name)
    })
}
