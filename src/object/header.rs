//! The header lines of a commit or tag, taken one by one in the order that git writes them.

use super::error::{ObjectError, shown};
use crate::types::Oid;

/// One header: its first line and its continuation lines.
pub(super) struct Header<'a> {
    /// The name, before the first space.
    pub(super) name: &'a [u8],
    /// The first line's value, without its line end; never empty.
    pub(super) value: &'a [u8],
    /// The continuation lines as they stand, each with its leading space and its line end.
    pub(super) continuation: &'a [u8],
    /// How many bytes the whole header takes.
    pub(super) len: usize,
}

impl Header<'_> {
    /// The value over all lines, without the leading spaces, each line with its line end.
    pub(super) fn joined(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.len);
        text.extend_from_slice(self.value);
        text.push(b'\n');
        for line in self.continuation.split_inclusive(|byte| *byte == b'\n') {
            text.extend_from_slice(line.strip_prefix(b" ").unwrap_or(line));
        }
        text
    }
}

/// The headers that have not been taken yet, and the message behind them.
pub(super) struct Headers<'a> {
    known: &'static [&'static str],
    rest: &'a [u8],
    taken: usize,
}

impl<'a> Headers<'a> {
    /// The headers at the head of `raw`, which holds no NUL, in a grammar that has the headers
    /// `known`.
    pub(super) fn new(raw: &'a [u8], known: &'static [&'static str]) -> Self {
        Self {
            known,
            rest: raw,
            taken: 0,
        }
    }

    /// How many bytes have been taken.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the next header, which has to be `name`, on one line.
    pub(super) fn one(&mut self, name: &'static str) -> Result<Header<'a>, ObjectError> {
        match self.maybe(name)? {
            Some(header) => Ok(header),
            None => Err(self.missing(name)),
        }
    }

    /// Takes the next header, which has to be `name` and to hold an object id.
    pub(super) fn oid(&mut self, name: &'static str) -> Result<Oid, ObjectError> {
        let header = self.one(name)?;
        read_oid(name, &header)
    }

    /// Takes the next header if it is `name`; it then stands on one line.
    pub(super) fn maybe(&mut self, name: &'static str) -> Result<Option<Header<'a>>, ObjectError> {
        match self.maybe_long(name)? {
            Some(header) if !header.continuation.is_empty() => Err(ObjectError::Continued {
                header: name.to_owned(),
            }),
            taken => Ok(taken),
        }
    }

    /// Takes the next header if it is `name`, with its continuation lines.
    pub(super) fn maybe_long(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Header<'a>>, ObjectError> {
        let Some(header) = self.peek()? else {
            return Ok(None);
        };
        if header.name != name.as_bytes() {
            return Ok(None);
        }
        self.rest = self.rest.get(header.len..).unwrap_or_default();
        self.taken += header.len;
        Ok(Some(header))
    }

    /// The message: no header may be left before the blank line.
    pub(super) fn message(self) -> Result<&'a [u8], ObjectError> {
        if let Some(header) = self.peek()? {
            return Err(self.unexpected(header.name));
        }
        self.rest
            .strip_prefix(b"\n")
            .ok_or(ObjectError::NoBlankLine)
    }

    fn missing(&self, expected: &'static str) -> ObjectError {
        match self.peek() {
            Ok(None) => ObjectError::MissingHeader {
                expected,
                found: "the end of the headers".to_owned(),
            },
            Ok(Some(header)) if self.knows(header.name) => ObjectError::MissingHeader {
                expected,
                found: format!("`{}`", shown(header.name)),
            },
            Ok(Some(header)) => self.unexpected(header.name),
            Err(error) => error,
        }
    }

    fn knows(&self, name: &[u8]) -> bool {
        self.known.iter().any(|known| known.as_bytes() == name)
    }

    fn unexpected(&self, name: &[u8]) -> ObjectError {
        let header = shown(name);
        if self.knows(name) {
            ObjectError::HeaderPlace { header }
        } else {
            ObjectError::UnknownHeader { header }
        }
    }

    /// The next header; absent at the blank line.
    fn peek(&self) -> Result<Option<Header<'a>>, ObjectError> {
        let line = first_line(self.rest)?;
        if line.is_empty() {
            return Ok(None);
        }
        let (name, value) = split_line(line)?;
        let continuation = continuation(self.rest.get(line.len() + 1..).unwrap_or_default())?;
        Ok(Some(Header {
            name,
            value,
            continuation,
            len: line.len() + 1 + continuation.len(),
        }))
    }
}

/// The object id that a header holds.
pub(super) fn read_oid(name: &'static str, header: &Header<'_>) -> Result<Oid, ObjectError> {
    Oid::from_hex(header.value).map_err(|source| ObjectError::HeaderOid {
        header: name,
        source,
    })
}

/// The line at the head of `bytes`, without its line end, which has to be there.
fn first_line(bytes: &[u8]) -> Result<&[u8], ObjectError> {
    let end = memchr::memchr(b'\n', bytes);
    let line = end
        .and_then(|end| bytes.get(..end))
        .ok_or(ObjectError::NoBlankLine)?;
    // A lone CR looks like a blank line to some readers and like a header to others.
    if line.contains(&b'\r') {
        return Err(ObjectError::CarriageReturn {
            place: "the headers",
        });
    }
    Ok(line)
}

fn split_line(line: &[u8]) -> Result<(&[u8], &[u8]), ObjectError> {
    let bad = || ObjectError::HeaderLine { line: shown(line) };
    let space = line.iter().position(|byte| *byte == b' ').ok_or_else(bad)?;
    let (name, value) = line.split_at_checked(space).ok_or_else(bad)?;
    match value.split_first() {
        Some((_, value)) if !value.is_empty() && !name.is_empty() => Ok((name, value)),
        Some(_) | None => Err(bad()),
    }
}

/// The lines at the head of `bytes` that begin with a space.
fn continuation(bytes: &[u8]) -> Result<&[u8], ObjectError> {
    let mut len = 0;
    while let Some(rest) = bytes.get(len..)
        && rest.starts_with(b" ")
    {
        len += first_line(rest)?.len() + 1;
    }
    Ok(bytes.get(..len).unwrap_or_default())
}
