//! Reading an entry in the form that it is written in, several times as fast as any JSON with the same
//! fields: what tells the kinds apart stands in front, so nothing has to be set aside and looked at
//! twice.
//!
//! What this does not read is not thereby wrong, and what it reads is not thereby right: whoever has
//! to know writes the entry again and compares.

use super::entry::SCHEMA;
use super::{Entry, Event, Hash, HeartbeatRecord};
use serde::de::DeserializeOwned;

/// The entry in these bytes; nothing where they are not in the usual form, or of a rare kind.
pub(in crate::audit) fn read(bytes: &[u8]) -> Option<Entry> {
    let rest = bytes.strip_prefix(b"{\"schema\":\"")?;
    let rest = rest.strip_prefix(SCHEMA.as_bytes())?;
    let (seq, rest) = upto(rest.strip_prefix(b"\",\"seq\":")?, b",\"time\":\"")?;
    let (time, rest) = upto(rest, b"\",\"kind\":\"")?;
    let (kind, rest) = upto(rest, b"\"")?;
    let (fields, hidden) = without_hidden(rest.strip_suffix(b"}")?);
    Some(Entry {
        schema: SCHEMA.to_owned(),
        seq: std::str::from_utf8(seq).ok()?.parse().ok()?,
        time: std::str::from_utf8(time).ok()?.parse().ok()?,
        event: event(kind, fields)?,
        hidden,
    })
}

fn event(kind: &[u8], fields: &[u8]) -> Option<Event> {
    match kind {
        b"verdict" => record(fields).map(Event::Verdict),
        b"moved" => record(fields).map(Event::Moved),
        b"release" => record(fields).map(Event::Release),
        b"course" => record(fields).map(Event::Course),
        b"drift" => record(fields).map(Event::Drift),
        b"debt" => record(fields).map(Event::Debt),
        b"pinned" => record(fields).map(Event::Pinned),
        b"heartbeat" if fields.is_empty() => Some(Event::Heartbeat(HeartbeatRecord::default())),
        _ => None,
    }
}

/// A record of `,"name":value…`.
fn record<T: DeserializeOwned>(fields: &[u8]) -> Option<T> {
    let fields = fields.strip_prefix(b",")?;
    let object = [b"{", fields, b"}"].concat();
    serde_json::from_slice(&object).ok()
}

/// The last field, where it is what commits to something hidden; and what is before it.
fn without_hidden(fields: &[u8]) -> (&[u8], Option<Hash>) {
    const NAME: &[u8] = b",\"hidden\":\"";
    let split = || {
        let at = fields.len().checked_sub(NAME.len() + 64 + 1)?;
        let (before, last) = fields.split_at_checked(at)?;
        let digits = last.strip_prefix(NAME)?.strip_suffix(b"\"")?;
        Some((before, serde_json::from_slice(&quoted(digits)).ok()?))
    };
    match split() {
        Some((before, hash)) => (before, Some(hash)),
        None => (fields, None),
    }
}

fn quoted(text: &[u8]) -> Vec<u8> {
    [b"\"", text, b"\""].concat()
}

/// What stands before `end`, and what behind it.
fn upto<'a>(bytes: &'a [u8], end: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memchr::memmem::find(bytes, end)?;
    let (before, rest) = bytes.split_at_checked(at)?;
    Some((before, rest.get(end.len()..)?))
}
