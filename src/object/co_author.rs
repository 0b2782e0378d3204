//! Everybody whom a message names as having had a hand in the commit.
//!
//! git's own trailer reader misses such a line above the last paragraph, behind `---`, indented,
//! or with another hyphen. What is found here only ever adds suspects, so the search is wide: the
//! whole message, line by line, by letters only.

/// The keys that are looked for, in lower case, by their letters only.
const KEYS: [&str; 5] = [
    "coauthoredby",
    "codevelopedby",
    "cocommittedby",
    "signedoffby",
    "onbehalfof",
];

/// What one such line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoAuthor {
    /// Somebody with an e-mail.
    Named {
        /// The name, as it stands; may be empty.
        name: Vec<u8>,
        /// The e-mail, as it stands: not empty, no blanks, control characters, `<` or `>`.
        email: Vec<u8>,
    },
    /// The line names somebody, but not by an e-mail that can be read: nobody knows whom.
    Unreadable {
        /// The line.
        line: Vec<u8>,
    },
}

/// Everybody whom a line such as `Co-authored-by:`, `Co-developed-by:`, `Co-committed-by:`,
/// `Signed-off-by:` or `On-behalf-of:` names, wherever in the message it stands.
///
/// Case, blanks, invisible characters and the kind of hyphen are all the same to it. Without a
/// colon, or behind other words, such a key counts if an e-mail in angle brackets follows.
#[must_use]
pub fn co_authors(message: &[u8]) -> Vec<CoAuthor> {
    lines(message).into_iter().flat_map(read_line).collect()
}

/// Whether the line reads like a trailer whose key is `letters`, by its letters and digits only
/// and in lower case: the key, a colon, anything.
pub(crate) fn reads_like(line: &[u8], letters: &str) -> bool {
    after_letters(line, letters).is_some_and(|rest| after_colon(rest).is_some())
}

/// The message's lines; whatever some program shows as a line break ends one.
fn lines(message: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, ch) in chars(message) {
        if is_line_break(ch) {
            lines.push(message.get(start..at).unwrap_or_default());
            start = at;
        }
    }
    lines.push(message.get(start..).unwrap_or_default());
    lines
}

fn is_line_break(ch: char) -> bool {
    matches!(
        ch,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// The characters and where they begin; bytes that are not UTF-8 stand as U+FFFD each.
fn chars(bytes: &[u8]) -> impl Iterator<Item = (usize, char)> {
    let mut at = 0;
    bytes.utf8_chunks().flat_map(move |chunk| {
        let start = at;
        let valid = chunk.valid();
        let invalid = start + valid.len();
        at = invalid + chunk.invalid().len();
        let good = valid
            .char_indices()
            .map(move |(offset, ch)| (start + offset, ch));
        good.chain((invalid..at).map(|at| (at, char::REPLACEMENT_CHARACTER)))
    })
}

/// What follows `letters` at the beginning of the line, where other characters than letters and
/// digits do not count; absent if they do not stand there, or a longer word does.
fn after_letters<'a>(line: &'a [u8], letters: &str) -> Option<&'a [u8]> {
    let mut wanted = letters.chars().peekable();
    for (at, ch) in chars(line) {
        match wanted.peek() {
            None if ch.is_alphanumeric() => return None,
            None => return line.get(at..),
            Some(_) if !ch.is_alphanumeric() => {}
            Some(letter) if ch.to_ascii_lowercase() == *letter => {
                wanted.next();
            }
            Some(_) => return None,
        }
    }
    wanted.peek().is_none().then_some(b"")
}

fn read_line(line: &[u8]) -> Vec<CoAuthor> {
    let Some((rest, first)) = find_key(line) else {
        return Vec::new();
    };
    let colon = after_colon(rest);
    let value = colon.unwrap_or(rest);
    // Prose such as `on behalf of the team` names nobody, unless an address follows.
    let is_trailer = first && colon.is_some();
    let has_address = value.contains(&b'<') && value.contains(&b'@');
    if !is_trailer && !has_address {
        return Vec::new();
    }
    named_in_brackets(value)
        .or_else(|| bare_email(value).map(|named| vec![named]))
        .unwrap_or_else(|| {
            vec![CoAuthor::Unreadable {
                line: line.trim_ascii().to_vec(),
            }]
        })
}

/// What follows the first key in the line, and whether no other word stands before it.
fn find_key(line: &[u8]) -> Option<(&[u8], bool)> {
    let mut in_word = false;
    let mut first = true;
    for (at, ch) in chars(line) {
        if ch.is_alphanumeric() && !in_word {
            let tail = line.get(at..)?;
            if let Some(rest) = KEYS.iter().find_map(|key| after_letters(tail, key)) {
                return Some((rest, first));
            }
            first = false;
        }
        in_word = ch.is_alphanumeric();
    }
    None
}

/// What stands behind the colon that ends the key, be it a wide one.
fn after_colon(rest: &[u8]) -> Option<&[u8]> {
    let (at, ch) = chars(rest).find(|(_, ch)| !ch.is_whitespace())?;
    matches!(
        ch,
        ':' | '\u{ff1a}' | '\u{fe55}' | '\u{a789}' | '\u{2236}' | '='
    )
    .then(|| rest.get(at + ch.len_utf8()..))
    .flatten()
}

/// Every `name <email>` of the value; absent if there is none, or one that cannot be read.
fn named_in_brackets(value: &[u8]) -> Option<Vec<CoAuthor>> {
    let mut named = Vec::new();
    let mut rest = value;
    while let Some(open) = rest.iter().position(|byte| *byte == b'<') {
        let (name, tail) = rest.split_at_checked(open)?;
        let close = tail.iter().position(|byte| *byte == b'>')?;
        let email = tail.get(1..close)?;
        if !is_email(email) {
            return None;
        }
        named.push(CoAuthor::Named {
            name: trim_separators(name).to_vec(),
            email: email.to_vec(),
        });
        rest = tail.get(close + 1..)?;
    }
    (!named.is_empty()).then_some(named)
}

/// A value that is an e-mail and nothing else.
fn bare_email(value: &[u8]) -> Option<CoAuthor> {
    let email = value.trim_ascii();
    (is_email(email) && is_address(email)).then(|| CoAuthor::Named {
        name: Vec::new(),
        email: email.to_vec(),
    })
}

/// Whether something stands on both sides of an `@`.
fn is_address(email: &[u8]) -> bool {
    let at = email.iter().position(|byte| *byte == b'@');
    at.is_some_and(|at| at > 0 && at + 1 < email.len())
}

fn is_email(bytes: &[u8]) -> bool {
    let odd = |byte: &u8| byte.is_ascii_control() || b" <>".contains(byte);
    !bytes.is_empty() && !bytes.iter().any(odd)
}

fn trim_separators(name: &[u8]) -> &[u8] {
    let name = name.trim_ascii();
    name.strip_prefix(b",").unwrap_or(name).trim_ascii()
}
