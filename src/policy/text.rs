//! The file as text: bounded, UTF-8, and without a character that an editor shows differently from
//! what a parser reads.

use super::complaint::Complaints;
use super::{Fault, Position};
use crate::types::is_deceptive;

/// The largest policy, in bytes.
pub const MAX_POLICY_BYTES: usize = 64 * 1024;

/// The bytes as text, if every character of them may stand in a policy.
pub(crate) fn read<'a>(bytes: &'a [u8], complaints: &mut Complaints) -> Option<&'a str> {
    if bytes.len() > MAX_POLICY_BYTES {
        let limit = MAX_POLICY_BYTES;
        complaints.add(Position::START, Fault::TooLarge { limit });
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(valid);
            complaints.add(end_of(&before), Fault::NotUtf8);
            return None;
        }
    };
    let mut clean = true;
    let mut at = Position::START;
    for ch in text.chars() {
        if let Some(hint) = forbidden(ch) {
            let shown = format!("U+{:04X}", u32::from(ch));
            complaints.push(at, Fault::Character { shown }, || hint.map(str::to_owned));
            clean = false;
        }
        step(&mut at, ch);
    }
    clean.then_some(text)
}

/// Whether a character may not stand in a policy, and what to do about it.
fn forbidden(ch: char) -> Option<Option<&'static str>> {
    match ch {
        '\n' => None,
        '\t' => Some(Some("a tab: use blanks")),
        '\r' => Some(Some("a carriage return: save the file with LF line ends")),
        '\u{feff}' => Some(Some(
            "a byte-order mark: save the file as UTF-8 without one",
        )),
        _ if ch.is_control() || is_deceptive(ch) => Some(None),
        _ => None,
    }
}

fn step(at: &mut Position, ch: char) {
    if ch == '\n' {
        at.line = at.line.saturating_add(1);
        at.column = 1;
    } else {
        at.column = at.column.saturating_add(1);
    }
}

fn end_of(text: &str) -> Position {
    let mut at = Position::START;
    text.chars().for_each(|ch| step(&mut at, ch));
    at
}
