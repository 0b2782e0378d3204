//! The grammar: `certificate version 0.1`, `pusher`, `pushee`, `nonce`, `push-option` lines, a
//! blank line, `<old> <new> <ref>` lines, one signature.

use super::GrammarError;
use crate::object::{SignatureBlock, shown, split_signature};
use crate::types::{Oid, RefChange, RefName};

/// The largest certificate that is read, in bytes.
pub const MAX_CERTIFICATE_BYTES: usize = 1 << 20;
/// The longest header line, in bytes.
const MAX_LINE: usize = 4096;
/// The most push options.
const MAX_OPTIONS: usize = 64;

/// A push certificate that fits the grammar. All that it says is a claim until it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushCertificate {
    /// The signing key and the time, as the client names them: never more than a claim.
    pub pusher: Vec<u8>,
    /// The address that the client pushed to.
    pub pushee: Option<Vec<u8>>,
    /// What the server gave the client to sign.
    pub nonce: Option<Vec<u8>>,
    /// The push options, in order.
    pub options: Vec<Vec<u8>>,
    /// What is asked of each ref, in order, one named twice twice; never empty.
    pub updates: Vec<(RefName, RefChange)>,
    /// The signature, over everything before it.
    pub signature: SignatureBlock,
}

impl PushCertificate {
    /// Reads a certificate from its raw bytes.
    ///
    /// Each header stands once and in git's order, and nothing else does. `pushee` and `nonce` may
    /// be absent: git writes neither where it knows none.
    ///
    /// # Errors
    /// Everything that does not fit the grammar: see [`GrammarError`].
    pub fn parse(raw: &[u8]) -> Result<Self, GrammarError> {
        if raw.len() > MAX_CERTIFICATE_BYTES {
            return Err(GrammarError::TooLarge { size: raw.len() });
        }
        if let Some(byte) = raw
            .iter()
            .find(|byte| **byte != b'\n' && is_control(**byte))
        {
            return Err(GrammarError::Control { byte: *byte });
        }
        let mut lines = Lines(raw);
        if lines.next()? != b"certificate version 0.1" {
            return Err(GrammarError::Version);
        }
        let pusher = lines.header("pusher")?;
        let pusher = pusher.ok_or(GrammarError::Missing { header: "pusher" })?;
        let pushee = lines.header("pushee")?;
        let nonce = lines.header("nonce")?;
        let options = options(&mut lines)?;
        lines.blank()?;
        let content = lines.0;
        let (refs, signature) = split_signature(raw, content)?;
        Ok(Self {
            pusher: pusher.to_vec(),
            pushee: pushee.map(<[u8]>::to_vec),
            nonce: nonce.map(<[u8]>::to_vec),
            options,
            updates: updates(refs)?,
            signature: signature.ok_or(GrammarError::Unsigned)?,
        })
    }
}

fn options(lines: &mut Lines<'_>) -> Result<Vec<Vec<u8>>, GrammarError> {
    let mut options = Vec::new();
    while let Some(option) = lines.header("push-option")? {
        if options.len() == MAX_OPTIONS {
            return Err(GrammarError::TooManyOptions);
        }
        options.push(option.to_vec());
    }
    Ok(options)
}

fn updates(refs: &[u8]) -> Result<Vec<(RefName, RefChange)>, GrammarError> {
    let mut lines = Lines(refs);
    let mut updates = Vec::new();
    while !lines.0.is_empty() {
        updates.push(update(lines.next()?)?);
    }
    if updates.is_empty() {
        Err(GrammarError::NoRefs)
    } else {
        Ok(updates)
    }
}

fn update(line: &[u8]) -> Result<(RefName, RefChange), GrammarError> {
    let bad = || GrammarError::RefLine { line: shown(line) };
    let mut fields = line.splitn(3, |byte| *byte == b' ');
    let mut id = || Oid::from_hex_or_zero(fields.next().unwrap_or_default());
    let (old, new) = (id().map_err(|_| bad())?, id().map_err(|_| bad())?);
    let name = fields.next().ok_or_else(bad)?;
    Ok((RefName::new(name)?, RefChange::between(old, new)))
}

/// Control characters and DEL: none may stand in a certificate, line breaks aside.
fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

/// The lines that have not been taken yet.
struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    /// The next line, without its line break, which has to be there.
    fn peek(&self) -> Result<&'a [u8], GrammarError> {
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let line = end.and_then(|end| self.0.get(..end));
        let line = line.ok_or(GrammarError::Cut)?;
        if line.len() > MAX_LINE {
            return Err(GrammarError::LongLine { line: shown(line) });
        }
        Ok(line)
    }

    /// Takes the next line.
    fn next(&mut self) -> Result<&'a [u8], GrammarError> {
        let line = self.peek()?;
        self.0 = self.0.get(line.len() + 1..).unwrap_or_default();
        Ok(line)
    }

    /// Takes the next line if it is this header: its value, which is never empty.
    fn header(&mut self, name: &'static str) -> Result<Option<&'a [u8]>, GrammarError> {
        let line = self.peek()?;
        let value = line
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b" "));
        let Some(value) = value else {
            return Ok(None);
        };
        if value.is_empty() {
            return Err(GrammarError::Header { line: shown(line) });
        }
        self.next().map(|_| Some(value))
    }

    /// Takes the blank line behind the headers.
    fn blank(&mut self) -> Result<(), GrammarError> {
        match self.next()? {
            b"" => Ok(()),
            line => Err(GrammarError::Header { line: shown(line) }),
        }
    }
}
