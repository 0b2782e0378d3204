//! Trailers: the `Key: value` lines of a message's last paragraph.

use super::error::shown;

/// The most trailers that are read.
const MAX_TRAILERS: usize = 64;

/// The longest trailer line that is read, in bytes.
const MAX_LINE: usize = 4096;

/// One `Key: value` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// The key, as it stands: ASCII letters, digits and hyphens, a letter first.
    pub key: String,
    /// The value, as it stands: not empty, no blanks around it, no control characters.
    pub value: Vec<u8>,
}

/// The trailers of one message, in its order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailers(Vec<Trailer>);

impl Trailers {
    /// The trailers, in the message's order.
    pub fn iter(&self) -> std::slice::Iter<'_, Trailer> {
        self.0.iter()
    }
}

/// Why a message's last paragraph is not one of trailers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrailerError {
    /// The message ends in a blank line, or is empty.
    #[error("the message does not end in a paragraph of trailers")]
    NoParagraph,
    /// The last paragraph is the first one too: the title, not trailers.
    #[error("there is no title above the trailers")]
    NoTitle,
    /// A line that is not `Key: value`.
    #[error("the line `{line}` among the trailers is not one: {why}")]
    Line {
        /// The line.
        line: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More than relhook reads.
    #[error("more than {limit} trailers")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// Reads the trailers of a message: each line of its last paragraph has to be one.
///
/// # Errors
/// A message without such a paragraph, or with one line in it that is not `Key: value` to the
/// byte: one space behind the colon, no other blanks around the value, no control characters.
pub fn trailers(message: &[u8]) -> Result<Trailers, TrailerError> {
    let (before, paragraph) = split_last_paragraph(message);
    if paragraph.is_empty() {
        return Err(TrailerError::NoParagraph);
    }
    if before.iter().all(u8::is_ascii_whitespace) {
        return Err(TrailerError::NoTitle);
    }
    let lines: Vec<&[u8]> = paragraph.split(|byte| *byte == b'\n').collect();
    if lines.len() > MAX_TRAILERS {
        return Err(TrailerError::TooMany {
            limit: MAX_TRAILERS,
        });
    }
    let read: Result<Vec<Trailer>, TrailerError> = lines.into_iter().map(read_line).collect();
    read.map(Trailers)
}

/// Parts a message at its last empty line: what stands before, and the last paragraph without its
/// line end. The paragraph is empty where the message is, or ends in a blank line.
#[must_use]
pub fn split_last_paragraph(message: &[u8]) -> (&[u8], &[u8]) {
    let body = message.strip_suffix(b"\n").unwrap_or(message);
    if body.ends_with(b"\n") {
        return (message, b"");
    }
    let start = body.windows(2).rposition(|pair| pair == b"\n\n");
    match start.and_then(|start| body.split_at_checked(start + 2)) {
        Some(parts) => parts,
        None if body.starts_with(b"\n") => (b"", body.get(1..).unwrap_or_default()),
        None => (b"", body),
    }
}

fn read_line(line: &[u8]) -> Result<Trailer, TrailerError> {
    parse_line(line).map_err(|why| TrailerError::Line {
        line: shown(line),
        why,
    })
}

fn parse_line(line: &[u8]) -> Result<Trailer, &'static str> {
    if line.len() > MAX_LINE {
        return Err("it is longer than 4096 bytes");
    }
    let colon = line.iter().position(|byte| *byte == b':');
    let (key, rest) = colon
        .and_then(|colon| line.split_at_checked(colon))
        .ok_or("it has no colon")?;
    let key = read_key(key).ok_or("its key is not letters, digits and hyphens")?;
    let value = rest
        .strip_prefix(b": ")
        .ok_or("there is no space behind the colon")?;
    if value.is_empty() {
        Err("it has no value")
    } else if value.iter().any(u8::is_ascii_control) {
        Err("it holds a control character")
    } else if value.starts_with(b" ") || value.ends_with(b" ") {
        Err("there are blanks around the value")
    } else {
        Ok(Trailer {
            key,
            value: value.to_vec(),
        })
    }
}

fn read_key(key: &[u8]) -> Option<String> {
    let plain = key.first()?.is_ascii_alphabetic()
        && key
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    plain
        .then(|| String::from_utf8(key.to_vec()).ok())
        .flatten()
}
