//! The new lines of the two sections.

use super::super::fields::is_ambiguous;
use super::super::yaml::Entry;
use super::blocks::{Block, Lines};
use super::{Notes, Register, RegisterPerson, Section, entries};
use crate::types::{PersonName, TeamName, escape};
use std::collections::BTreeSet;
use std::ops::Range;

/// The widest line that a list in brackets may make.
const WIDEST: usize = 100;
/// How far an entry is indented where nothing shows how the file does it.
const INDENT: usize = 2;

/// The lines of `people` and what takes their place.
pub(super) fn people(
    lines: &Lines<'_>,
    section: Section<'_>,
    old: &Register,
    wanted: &Register,
    notes: &Notes,
) -> (Range<usize>, String) {
    let new = wanted.people.keys();
    let new: Vec<&str> = new.map(PersonName::as_str).collect();
    sections(lines, section, &new, |name, entry, indent| {
        let name = PersonName::new(name);
        let person = wanted.people.get(&name)?;
        Some(match (entry, old.people.get(&name)) {
            (Some(_), Some(before)) if before == person => Written::Same,
            (Some((entry, block)), Some(before)) if !lines.is_flow(&entry.value) => {
                Written::Other(edited(lines, entry, block, before, person))
            }
            (Some(_), _) | (_, Some(_)) => Written::Other(whole_person(&name, person, indent)),
            (None, None) => {
                let notes = comments(notes.get(&name), indent);
                Written::Other(notes + &whole_person(&name, person, indent))
            }
        })
    })
}

/// The lines of `teams` and what takes their place.
pub(super) fn teams(
    lines: &Lines<'_>,
    section: Section<'_>,
    old: &Register,
    wanted: &Register,
) -> (Range<usize>, String) {
    let new = wanted.teams.keys();
    let new: Vec<&str> = new.map(TeamName::as_str).collect();
    sections(lines, section, &new, |name, entry, indent| {
        let name = TeamName::new(name);
        let members = wanted.teams.get(&name)?;
        if entry.is_some() && old.teams.get(&name) == Some(members) {
            return Some(Written::Same);
        }
        let shape = match entry {
            Some((entry, _)) if !lines.is_flow(&entry.value) => Shape::Block,
            Some(_) | None => Shape::Brackets,
        };
        let members: Vec<String> = ordered(entry.map(|(entry, _)| entry), members);
        Some(Written::Other(list(name.as_str(), &members, indent, shape)))
    })
}

/// Both sections by themselves.
pub(super) fn alone(wanted: &Register, notes: &Notes) -> String {
    let lines = Lines::of("");
    let nothing = Register::default();
    let section = |name| Section {
        name,
        entry: None,
        lines: 0..0,
    };
    let mut text = String::new();
    if !wanted.people.is_empty() {
        text.push_str(&people(&lines, section("people"), &nothing, wanted, notes).1);
    }
    if !wanted.teams.is_empty() {
        text.push_str(&teams(&lines, section("teams"), &nothing, wanted).1);
    }
    text
}

/// The members in the order that they have in the file, new ones behind.
fn ordered(entry: Option<&Entry>, members: &BTreeSet<PersonName>) -> Vec<String> {
    let before = entry.and_then(|entry| super::register::words(&entry.value));
    let mut all: Vec<String> = before.unwrap_or_default();
    all.retain(|name| members.contains(&PersonName::new(&**name)));
    let known: BTreeSet<String> = all.iter().cloned().collect();
    let new = members.iter().map(ToString::to_string);
    all.extend(new.filter(|name| !known.contains(name)));
    all
}

/// What becomes of an entry.
enum Written {
    /// It keeps its lines.
    Same,
    /// These take their place.
    Other(String),
}

/// A section with each entry that stays in its place, and the new ones behind them.
fn sections<'a>(
    lines: &Lines<'_>,
    section: Section<'a>,
    wanted: &[&str],
    write: impl Fn(&str, Option<(&'a Entry, &Block)>, usize) -> Option<Written>,
) -> (Range<usize>, String) {
    let range = section.lines.clone();
    let all = section.entry.map_or(&[][..], |entry| entries(&entry.value));
    if wanted.is_empty() {
        return (range, format!("{}: {{}}\n", section.name));
    }
    let as_block = section
        .entry
        .is_some_and(|entry| !lines.is_flow(&entry.value));
    if !as_block || !lines.is_header(range.start) {
        let mut text = format!("{}:\n", section.name);
        added(&mut text, wanted.iter().copied(), INDENT, &write);
        return (range, text);
    }
    let first = all.first().map(|entry| entry.key_at.column);
    let indent = first.map_or(INDENT, |column| column.saturating_sub(1) as usize);
    let blocks = lines.blocks(range.start + 1..range.end, all);
    let head = blocks.first().map_or(range.end, |block| block.start);
    let mut text = lines.text(range.start..head);
    for (entry, block) in all.iter().zip(&blocks) {
        match write(&entry.key.text, Some((entry, block)), indent) {
            None => {}
            Some(Written::Same) => text.push_str(&lines.text(block.start..block.end)),
            Some(Written::Other(new)) => {
                text.push_str(&lines.text(block.start..block.key));
                text.push_str(&new);
            }
        }
    }
    let known: BTreeSet<&str> = all.iter().map(|entry| entry.key.text.as_str()).collect();
    let new = wanted.iter().filter(|name| !known.contains(**name));
    added(&mut text, new.copied(), indent, &write);
    // The comments behind the last entry.
    let end = blocks.last().map_or(range.end, |block| block.end);
    text.push_str(&lines.text(end..range.end));
    (range, text)
}

fn added<'n, 'a>(
    text: &mut String,
    names: impl Iterator<Item = &'n str>,
    indent: usize,
    write: &impl Fn(&str, Option<(&'a Entry, &Block)>, usize) -> Option<Written>,
) {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for name in names {
        if let Some(Written::Other(new)) = write(name, None, indent) {
            text.push_str(&new);
        }
    }
}

/// Notes as comment lines, in which nothing breaks the line.
fn comments(notes: Option<&Vec<String>>, indent: usize) -> String {
    let blanks = " ".repeat(indent);
    let notes = notes.into_iter().flatten();
    notes
        .map(|note| format!("{blanks}# {}\n", escape(note.as_bytes())))
        .collect()
}

/// A person's entry in which the fields that change have new lines, and the others keep theirs.
fn edited(
    lines: &Lines<'_>,
    entry: &Entry,
    block: &Block,
    before: &RegisterPerson,
    person: &RegisterPerson,
) -> String {
    let fields = entries(&entry.value);
    let indent = fields.first().map_or(1, |field| field.key_at.column);
    let indent = indent.saturating_sub(1) as usize;
    let blocks = lines.blocks(block.key + 1..block.end, fields);
    let (old, new) = (rendered(before, indent), rendered(person, indent));
    let mut text = String::new();
    let first = blocks.first().map_or(block.end, |field| field.start);
    text.push_str(&lines.text(block.key..first));
    let mut last = block.end;
    for (field, place) in fields.iter().zip(&blocks) {
        let name = field.key.text.as_str();
        let find = |all: &[(&'static str, String)]| {
            let field = all.iter().find(|(key, _)| *key == name);
            field.map(|(_, line)| line.clone())
        };
        last = place.end;
        match (find(&old), find(&new)) {
            (before, Some(after)) if before.as_deref() == Some(&*after) => {
                text.push_str(&lines.text(place.start..place.end));
            }
            (_, Some(after)) => {
                text.push_str(&lines.text(place.start..place.key));
                text.push_str(&after);
            }
            (_, None) => {}
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for (name, line) in new {
        if !fields.iter().any(|field| field.key.text == name) {
            text.push_str(&line);
        }
    }
    text.push_str(&lines.text(last..block.end));
    text
}

fn whole_person(name: &PersonName, person: &RegisterPerson, indent: usize) -> String {
    let mut text = format!("{}{}:\n", " ".repeat(indent), scalar(name.as_str()));
    let fields = rendered(person, indent + INDENT);
    if fields.is_empty() {
        // An entry has to be a mapping, and this is how one says nothing.
        return format!("{}{}: {{}}\n", " ".repeat(indent), scalar(name.as_str()));
    }
    text.extend(fields.into_iter().map(|(_, line)| line));
    text
}

/// The lines of each field that there is.
fn rendered(person: &RegisterPerson, indent: usize) -> Vec<(&'static str, String)> {
    let blanks = " ".repeat(indent);
    let mut fields = Vec::new();
    if let Some(name) = &person.full_name {
        fields.push(("name", format!("{blanks}name: {}\n", scalar(name))));
    }
    if !person.emails.is_empty() {
        let line = list("emails", &person.emails, indent, Shape::Brackets);
        fields.push(("emails", line));
    }
    if !person.logins.is_empty() {
        let line = list("logins", &person.logins, indent, Shape::Brackets);
        fields.push(("logins", line));
    }
    if !person.keys.is_empty() {
        fields.push(("keys", list("keys", &person.keys, indent, Shape::Block)));
    }
    if person.disabled {
        fields.push(("disabled", format!("{blanks}disabled: true\n")));
    }
    fields
}

/// How a list is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// In brackets, unless the line would be too wide.
    Brackets,
    /// One item a line.
    Block,
}

fn list(key: &str, items: &[String], indent: usize, shape: Shape) -> String {
    let blanks = " ".repeat(indent);
    let key = scalar(key);
    let words: Vec<String> = items.iter().map(|item| scalar(item)).collect();
    let line = format!("{blanks}{key}: [{}]\n", words.join(", "));
    if shape == Shape::Brackets && line.chars().count() <= WIDEST {
        return line;
    }
    let mut text = format!("{blanks}{key}:\n");
    for item in items {
        text.push_str(&format!("{blanks}  - {}\n", line_of(item)));
    }
    text
}

/// Text as it can stand anywhere: plain where no reader takes it for anything else.
fn scalar(text: &str) -> String {
    let plain = |ch: char| ch.is_ascii_alphanumeric() || "._@+-".contains(ch);
    let starts = text.starts_with(|ch: char| ch.is_ascii_alphanumeric());
    if starts && text.chars().all(plain) && !is_ambiguous(text) {
        return text.to_owned();
    }
    let words = |ch: char| ch.is_alphanumeric() || ch == ' ' || ch == '-' || ch == '.';
    if text.starts_with(char::is_alphabetic)
        && text.chars().all(words)
        && text.trim() == text
        && !is_ambiguous(text)
    {
        return text.to_owned();
    }
    quoted(text)
}

/// Text alone on its line, where a key's blanks and signs mean nothing.
fn line_of(text: &str) -> String {
    let key = |ch: char| ch.is_ascii_alphanumeric() || " ._@+-/=:".contains(ch);
    let fits = text.starts_with(|ch: char| ch.is_ascii_alphabetic())
        && text.chars().all(key)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !is_ambiguous(text);
    if fits { text.to_owned() } else { scalar(text) }
}

/// Text in double quotes, in which only two characters mean anything.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}
