//! `people` and `teams`.

use super::super::key;
use super::{
    At, Complaints, Entry, Fault, Fields, Key, Named, Node, PersonEntry, checked, fields, items,
    name, named, names, shown, values,
};

/// Everybody.
pub(super) fn people(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<PersonEntry>>> {
    named(node, what, complaints, |entry, complaints| {
        name(entry, "people", complaints);
        person(entry, complaints).unwrap_or_default()
    })
}

fn person(entry: &Entry, complaints: &mut Complaints) -> Option<PersonEntry> {
    const KNOWN: [&str; 5] = ["name", "emails", "logins", "keys", "disabled"];
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "a person", &KNOWN, complaints)?;
    let full_name = fields.optional("name", complaints, |node, what, complaints| {
        checked(node, what, complaints, values::full_name)
    });
    let emails = fields.optional("emails", complaints, |node, what, complaints| {
        items(node, what, complaints, |item, what, complaints| {
            checked(item, what, complaints, values::email)
        })
    });
    let logins = fields.optional("logins", complaints, |node, what, complaints| {
        items(node, what, complaints, |item, what, complaints| {
            checked(item, what, complaints, values::login)
        })
    });
    let keys = fields.optional("keys", complaints, |node, what, complaints| {
        items(node, what, complaints, public_key)
    });
    Some(PersonEntry {
        full_name: full_name.map(|name| name.value),
        disabled: fields
            .optional("disabled", complaints, fields::truth)
            .unwrap_or_default(),
        emails: emails.unwrap_or_default(),
        logins: logins.unwrap_or_default(),
        has_keys: fields.get("keys").is_some(),
        keys: keys.unwrap_or_default(),
    })
}

/// A public key, of a person or a machine.
pub(super) fn public_key(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<Key>> {
    let text = fields::text(node, what, complaints)?;
    match key::read(&text.value) {
        Ok(value) => Some(At { value, at: node.at }),
        Err(error) => {
            let (what, why) = (shown(what), format!("this {error}"));
            let hint = || error.hint().map(str::to_owned);
            complaints.push(node.at, Fault::Value { what, why }, hint);
            None
        }
    }
}

/// The teams and who is in them.
pub(super) fn teams(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<Vec<At<String>>>>> {
    named(node, what, complaints, |entry, complaints| {
        name(entry, "teams", complaints);
        names(&entry.value, &entry.key.text, complaints).unwrap_or_default()
    })
}
