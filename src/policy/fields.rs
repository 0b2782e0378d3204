//! Single values of the tree: text, numbers, truth values, lists and mappings with known keys.
//!
//! Each reader complains once where a value does not fit, and then gives nothing.

use super::complaint::Complaints;
use super::suggest;
use super::yaml::{Entry, Node, Scalar, Value, shown};
use super::{Fault, Position};
use std::ops::RangeInclusive;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    /// The value.
    pub(crate) value: T,
    /// Where.
    pub(crate) at: Position,
}

/// A mapping whose keys are known.
pub(crate) struct Fields<'a> {
    place: &'static str,
    at: Position,
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// Reads the mapping under `what`, which begins at `at` and is `place` (`a person`).
    pub(crate) fn read(
        node: &'a Node,
        (what, at): (&str, Position),
        place: &'static str,
        known: &[&'static str],
        complaints: &mut Complaints,
    ) -> Option<Self> {
        let entries = mapping(node, what, complaints)?;
        for entry in entries {
            let key = entry.key.text.as_str();
            if !known.contains(&key) {
                unknown_key(entry, place, known, complaints);
            }
        }
        Some(Self { place, at, entries })
    }

    /// Where the mapping begins: at the key that it stands under.
    pub(crate) fn at(&self) -> Position {
        self.at
    }

    /// What stands under `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key.text == key)
    }

    /// What stands under `key`, which has to be there.
    pub(crate) fn need(&self, key: &'static str, complaints: &mut Complaints) -> Option<&'a Node> {
        let found = self.get(key).map(|entry| &entry.value);
        if found.is_none() {
            let place = self.place.to_owned();
            complaints.add(self.at, Fault::MissingKey { key, place });
        }
        found
    }

    /// Reads what stands under `key`, if anything does.
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        complaints: &mut Complaints,
        read: impl FnOnce(&'a Node, &str, &mut Complaints) -> Option<T>,
    ) -> Option<T> {
        let entry = self.get(key)?;
        let read = read(&entry.value, key, complaints);
        complaints.explained(entry.key_at, read)
    }

    /// Reads what stands under `key`, which has to be there.
    pub(crate) fn required<T>(
        &self,
        key: &'static str,
        complaints: &mut Complaints,
        read: impl FnOnce(&'a Node, &str, &mut Complaints) -> Option<T>,
    ) -> Option<T> {
        let node = self.need(key, complaints)?;
        let read = read(node, key, complaints);
        complaints.explained(node.at, read)
    }
}

fn unknown_key(entry: &Entry, place: &'static str, known: &[&str], complaints: &mut Complaints) {
    let key = shown(&entry.key.text);
    if looks_secret(&entry.key.text, place) {
        let hint = match place {
            "the settings" | "`bind`" => {
                "write it into a file that its owner alone can read, and name that: \
                 `password-file: <path>`"
            }
            _ => {
                "`user=` and `password=` lines belong in relhook/credentials/<target> inside the \
                 repository on the server, readable by its owner only"
            }
        };
        complaints.hinted(entry.key_at, Fault::Secret { key }, hint);
        return;
    }
    let hint = || suggest::hint(&entry.key.text, known.iter().copied());
    complaints.push(entry.key_at, Fault::UnknownKey { key, place }, hint);
}

/// Whether a key is one under which people write credentials.
fn looks_secret(key: &str, place: &str) -> bool {
    const ANYWHERE: [&str; 8] = [
        "passw",
        "passphrase",
        "secret",
        "token",
        "credential",
        "private",
        "apikey",
        "pwd",
    ];
    const IN_A_TARGET: [&str; 6] = ["user", "username", "login", "auth", "key", "pass"];
    let folded = key.to_lowercase().replace(['-', '_', ' '], "");
    ANYWHERE.iter().any(|word| folded.contains(word))
        || (place == "a target" && IN_A_TARGET.contains(&folded.as_str()))
}

/// The entries of a mapping.
pub(crate) fn mapping<'a>(
    node: &'a Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<&'a [Entry]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        Value::Scalar(_) | Value::List(_) | Value::Faulty => {
            kind(node, what, "a mapping", complaints);
            None
        }
    }
}

/// The items of a list that may not be empty and holds at most `limit`.
pub(crate) fn list<'a>(
    node: &'a Node,
    what: &str,
    limit: usize,
    complaints: &mut Complaints,
) -> Option<&'a [Node]> {
    match &node.value {
        Value::List(items) if items.is_empty() => {
            let what = format!("`{}`", shown(what));
            complaints.hinted(
                node.at,
                Fault::EmptyList { what },
                "leave the key out, or fill it",
            );
            None
        }
        Value::List(items) if items.len() > limit => {
            let what = "items in one list";
            complaints.add(node.at, Fault::TooMany { what, limit });
            None
        }
        Value::List(items) => Some(items),
        Value::Scalar(_) if !node.is_nothing() => {
            let (found, expected) = ("one word", "a list");
            let what = shown(what);
            let hint = "write it in brackets: `[…]`";
            let fault = Fault::Kind {
                what,
                expected,
                found,
            };
            complaints.hinted(node.at, fault, hint);
            None
        }
        Value::Scalar(_) | Value::Map(_) | Value::Faulty => {
            kind(node, what, "a list", complaints);
            None
        }
    }
}

/// Text that no reader of YAML takes for anything else.
pub(crate) fn text(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<String>> {
    let at = node.at;
    match &node.value {
        Value::Scalar(scalar) if !node.is_nothing() => word(scalar, at, complaints).then(|| At {
            value: scalar.text.clone(),
            at,
        }),
        Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Faulty => {
            kind(node, what, "text", complaints);
            None
        }
    }
}

/// Whether a scalar is text; complains if not.
pub(crate) fn word(scalar: &Scalar, at: Position, complaints: &mut Complaints) -> bool {
    if scalar.plain && is_ambiguous(&scalar.text) {
        let shown = shown(&scalar.text);
        let hint = format!("write \"{shown}\", in quotes");
        complaints.hinted(at, Fault::Ambiguous { shown }, hint);
        return false;
    }
    if let Some(odd) = scalar.text.chars().find(|ch| is_odd(*ch)) {
        let shown = format!("U+{:04X}", u32::from(odd));
        complaints.add(at, Fault::Character { shown });
        return false;
    }
    true
}

/// What an escape sequence in quotes could still bring in.
pub(super) fn is_odd(ch: char) -> bool {
    ch.is_control() || crate::types::is_deceptive(ch)
}

/// A number in plain decimal digits, within `range`.
pub(crate) fn number(
    node: &Node,
    what: &str,
    range: RangeInclusive<u32>,
    complaints: &mut Complaints,
) -> Option<At<u32>> {
    let scalar = match &node.value {
        Value::Scalar(scalar) if !node.is_nothing() => scalar,
        Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Faulty => {
            kind(node, what, "a number", complaints);
            return None;
        }
    };
    let (what, digits) = (shown(what), scalar.text.as_str());
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    if !scalar.plain || !canonical {
        let quote = if scalar.plain { "" } else { "\"" };
        let shown = format!("{quote}{}{quote}", shown(digits));
        complaints.add(node.at, Fault::NotANumber { what, shown });
        return None;
    }
    match digits.parse() {
        Ok(value) if range.contains(&value) => Some(At { value, at: node.at }),
        Ok(_) | Err(_) => {
            let why = format!("has to be from {} to {}", range.start(), range.end());
            complaints.add(node.at, Fault::Value { what, why });
            None
        }
    }
}

/// `true` or `false`, and no other spelling.
pub(crate) fn truth(node: &Node, what: &str, complaints: &mut Complaints) -> Option<bool> {
    match &node.value {
        Value::Scalar(scalar) if scalar.plain && scalar.text == "true" => Some(true),
        Value::Scalar(scalar) if scalar.plain && scalar.text == "false" => Some(false),
        Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Faulty => {
            kind(node, what, "`true` or `false`", complaints);
            None
        }
    }
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(
    node: &Node,
    what: &str,
    choices: &[(&'static str, T)],
    complaints: &mut Complaints,
) -> Option<T> {
    let word = text(node, what, complaints)?;
    let found = choices.iter().find(|(name, _)| *name == word.value);
    if found.is_none() {
        let (what, why) = (shown(what), format!("cannot be `{}`", shown(&word.value)));
        let hint = || suggest::hint(&word.value, choices.iter().map(|(name, _)| *name));
        complaints.push(node.at, Fault::Value { what, why }, hint);
    }
    found.map(|(_, choice)| *choice)
}

/// Complains that a value is of another kind, or not there at all.
fn kind(node: &Node, what: &str, expected: &'static str, complaints: &mut Complaints) {
    let what = shown(what);
    let found = match &node.value {
        Value::Faulty => return,
        Value::Scalar(_) if node.is_nothing() => {
            complaints.add(node.at, Fault::NoValue { what });
            return;
        }
        Value::Scalar(scalar) if scalar.plain => "one word",
        Value::Scalar(_) => "text in quotes",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    };
    let fault = Fault::Kind {
        what,
        expected,
        found,
    };
    complaints.add(node.at, fault);
}

/// Whether some reader of YAML 1.1 or 1.2 takes the plain text for something else than text.
pub(crate) fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 11] = [
        "", "~", "null", "y", "n", "yes", "no", "on", "off", "true", "false",
    ];
    let folded = text.to_lowercase();
    let digits = folded.trim_start_matches(['-', '+']);
    WORDS.contains(&folded.as_str())
        || matches!(digits, ".inf" | ".nan")
        || (digits.starts_with(|ch: char| ch.is_ascii_digit() || ch == '.') && is_number(digits))
}

/// Whether text that begins with a digit or a dot, sign removed, is a number, a time or a date.
fn is_number(digits: &str) -> bool {
    let bare = digits.replace('_', "");
    let radix = ["0x", "0o", "0b"].iter().any(|prefix| {
        bare.strip_prefix(prefix)
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    let clock = bare.contains(':')
        && bare
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b":.".contains(&byte));
    let mut date = bare.splitn(3, '-');
    let date = [date.next(), date.next(), date.next()]
        .iter()
        .all(|part| part.is_some_and(|part| part.starts_with(|ch: char| ch.is_ascii_digit())))
        && bare.find('-') == Some(4);
    radix || clock || date || bare.parse::<f64>().is_ok()
}
