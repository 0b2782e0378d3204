//! What a check has to know of an entry, told by its bytes alone, in one pass and without making
//! anything of them.
//!
//! Most entries are of few kinds and hold plain text. Whether such a one is in the one form that relhook
//! writes shows byte by byte: the fields in their order, no blanks, no escapes, plain numbers. What this
//! does not tell is not thereby wrong, and is read strictly ([`super::draft::strictly`]); but what it tells,
//! that tells too. The tests hold the two beside each other.

use super::Hash;
use super::entry::SCHEMA;
use crate::types::Timestamp;

/// How long an object's id is, in digits, and a SHA-256.
const OID: usize = 40;
const SHA256: usize = 64;

/// What an entry in its usual form says to a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audit) struct Glance {
    pub seq: u64,
    pub time: Timestamp,
    /// What commits to what is kept beside it.
    pub hidden: Option<[u8; 32]>,
    /// What a verdict rests on.
    pub evidence: Vec<Hash>,
    /// What the log cannot be read without.
    pub needed: Vec<Hash>,
}

/// What the entry in these bytes says; nothing where they are not in the usual form, or of a rare kind.
pub(in crate::audit) fn read(bytes: &[u8]) -> Option<Glance> {
    if !is_plain(bytes) {
        return None;
    }
    let mut rest = Rest(bytes);
    rest.literal(b"{\"schema\":\"")?;
    rest.literal(SCHEMA.as_bytes())?;
    rest.literal(b"\",\"seq\":")?;
    let seq = rest.number()?;
    rest.literal(b",\"time\":")?;
    let time = std::str::from_utf8(rest.text()?).ok()?.parse().ok()?;
    rest.literal(b",\"kind\":")?;
    let mut named = Named::default();
    match rest.text()? {
        b"verdict" => rest.verdict(&mut named)?,
        b"refused" => rest.refused()?,
        b"moved" => rest.moved()?,
        b"release" => rest.release()?,
        b"pinned" => rest.pinned()?,
        b"read" => rest.read()?,
        b"heartbeat" => {}
        _ => return None,
    }
    let hidden = match rest.is_next(b",\"hidden\":") {
        true => Some(digest(rest.digits::<SHA256>()?)?),
        false => None,
    };
    rest.literal(b"}")?;
    rest.0.is_empty().then_some(Glance {
        seq,
        time,
        hidden,
        evidence: named.evidence,
        needed: named.needed,
    })
}

/// Whether it is text without an escape: a quote in it then ends a text, and all between two is as it
/// was written.
fn is_plain(bytes: &[u8]) -> bool {
    // Not `all`, which looks at one byte after the other.
    let plain = |so_far, byte: &u8| so_far & (*byte >= b' ') & (*byte != b'\\');
    bytes.iter().fold(true, plain) && std::str::from_utf8(bytes).is_ok()
}

/// The pieces of evidence that an entry names.
#[derive(Default)]
struct Named {
    evidence: Vec<Hash>,
    needed: Vec<Hash>,
}

/// What is not read yet. Each step gives nothing where something else comes.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn verdict(&mut self, named: &mut Named) -> Option<()> {
        self.field(b",\"outcome\":", Self::skip_text)?;
        self.field(b",\"policy\":", Self::oid)?;
        self.field(b",\"updates\":", |rest| rest.list(Self::update))?;
        self.field(b",\"others\":", Self::skip_number)?;
        self.field(b",\"codes\":", Self::texts)?;
        self.field(b",\"evidence\":", |rest| rest.hashes(&mut named.evidence))?;
        self.field(b",\"seen\":", Self::oids)?;
        if self.is_next(b",\"arrivals\":") {
            self.arrivals(&mut named.needed)?;
        }
        if self.is_next(b",\"landed\":") {
            self.some(|rest| rest.list(Self::skip_number))?;
        }
        if self.is_next(b",\"found\":") {
            self.some(|rest| rest.list(Self::skip_number))?;
        }
        self.field(b",\"tool\":", Self::skip_text)
    }

    fn update(&mut self) -> Option<()> {
        self.field(b"{\"ref\":", Self::skip_text)?;
        self.field(b",\"claimed\":", Self::oid_or_none)?;
        self.field(b",\"old\":", Self::oid_or_none)?;
        self.field(b",\"new\":", Self::oid_or_none)?;
        self.field(b",\"codes\":", Self::texts)?;
        if self.is_next(b",\"tickets\":") {
            self.some(Self::texts)?;
        }
        self.literal(b",\"permit\":")?;
        if !self.is_next(b"null") {
            self.field(b"{\"ref_hex\":", Self::skip_text)?;
            self.field(b",\"old\":", Self::oid_or_none)?;
            self.field(b",\"new\":", Self::oid)?;
            self.field(b",\"release\":", Self::texts)?;
            self.literal(b"}")?;
        }
        self.literal(b"}")
    }

    fn arrivals(&mut self, lists: &mut Vec<Hash>) -> Option<()> {
        self.literal(b"{\"quarantine\":")?;
        if !self.is_next(b"null") {
            self.skip_text()?;
        }
        self.field(b",\"count\":", Self::skip_number)?;
        if self.is_next(b",\"oids\":") {
            self.some(Self::oids)?;
        }
        if self.is_next(b",\"lists\":") {
            self.some(|rest| rest.hashes(lists))?;
        }
        self.literal(b"}")
    }

    fn refused(&mut self) -> Option<()> {
        self.field(b",\"code\":", Self::skip_text)
    }

    fn moved(&mut self) -> Option<()> {
        self.field(b",\"sequence\":", Self::skip_number)?;
        self.field(b",\"ref\":", Self::skip_text)?;
        self.field(b",\"ref_hex\":", Self::skip_text)?;
        self.field(b",\"old\":", Self::oid_or_none)?;
        self.field(b",\"new\":", Self::oid)?;
        self.literal(b",\"outcome\":")?;
        self.one_of(&[b"moved", b"not-moved", b"elsewhere"])?;
        if self.is_next(b",\"now\":") {
            self.oid()?;
        }
        Some(())
    }

    fn release(&mut self) -> Option<()> {
        self.field(b",\"target\":", Self::skip_text)?;
        self.field(b",\"ref\":", Self::skip_text)?;
        self.field(b",\"commit\":", Self::oid)?;
        self.field(b",\"sequence\":", Self::skip_number)?;
        self.literal(b",\"state\":")?;
        self.one_of(&[b"started", b"finished", b"failed"])?;
        self.field(b",\"uploaded\":", Self::skip_number)?;
        self.field(b",\"deleted\":", Self::skip_number)?;
        self.field(b",\"bytes\":", Self::skip_number)?;
        self.is_next(b",\"for_good\":true");
        Some(())
    }

    fn pinned(&mut self) -> Option<()> {
        self.field(b",\"ref\":", Self::skip_text)?;
        self.field(b",\"ref_hex\":", Self::skip_text)?;
        self.field(b",\"oid\":", Self::oid)
    }

    fn read(&mut self) -> Option<()> {
        self.field(b",\"command\":", Self::skip_text)?;
        self.field(b",\"first\":", Self::skip_number)?;
        self.field(b",\"last\":", Self::skip_number)
    }

    fn field(&mut self, name: &[u8], value: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        self.literal(name)?;
        value(self)
    }

    fn literal(&mut self, bytes: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(bytes)?;
        Some(())
    }

    fn is_next(&mut self, bytes: &[u8]) -> bool {
        self.literal(bytes).is_some()
    }

    /// A text, without its quotes.
    fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.0.strip_prefix(b"\"")?;
        let (text, rest) = rest.split_at_checked(memchr::memchr(b'"', rest)?)?;
        self.0 = rest.get(1..)?;
        Some(text)
    }

    fn skip_text(&mut self) -> Option<()> {
        self.text().map(drop)
    }

    fn one_of(&mut self, words: &[&[u8]]) -> Option<()> {
        let text = self.text()?;
        words.contains(&text).then_some(())
    }

    /// A number without a sign and without a nought before it, that certainly fits.
    fn number(&mut self) -> Option<u64> {
        const MOST: usize = 19;
        let is_no_digit = |byte: &u8| !byte.is_ascii_digit();
        let length = self.0.iter().position(is_no_digit)?;
        let (digits, rest) = self.0.split_at_checked(length)?;
        let (first, others) = digits.split_first()?;
        if length > MOST || (*first == b'0' && !others.is_empty()) {
            return None;
        }
        self.0 = rest;
        let digit = |so_far: u64, byte: &u8| so_far * 10 + u64::from(byte - b'0');
        Some(digits.iter().fold(0, digit))
    }

    fn skip_number(&mut self) -> Option<()> {
        self.number().map(drop)
    }

    /// A text of so many lower-case hexadecimal digits.
    fn digits<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (digits, rest) = self.0.strip_prefix(b"\"")?.split_first_chunk::<N>()?;
        let is_digit = |byte: &u8| byte.is_ascii_digit() | (b'a'..=b'f').contains(byte);
        if !digits
            .iter()
            .fold(true, |so_far, byte| so_far & is_digit(byte))
        {
            return None;
        }
        self.0 = rest.strip_prefix(b"\"")?;
        Some(digits)
    }

    fn oid(&mut self) -> Option<()> {
        let digits = self.digits::<OID>()?;
        // Noughts alone name no object.
        (*digits != [b'0'; OID]).then_some(())
    }

    fn oid_or_none(&mut self) -> Option<()> {
        match self.is_next(b"null") {
            true => Some(()),
            false => self.oid(),
        }
    }

    fn oids(&mut self) -> Option<()> {
        self.list(Self::oid)
    }

    fn texts(&mut self) -> Option<()> {
        self.list(Self::skip_text)
    }

    fn hashes(&mut self, into: &mut Vec<Hash>) -> Option<()> {
        self.list(|rest| {
            let digits = rest.digits::<SHA256>()?;
            into.push(Hash::parse(std::str::from_utf8(digits).ok()?)?);
            Some(())
        })
    }

    fn list(&mut self, mut one: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.literal(b"[")?;
        if self.is_next(b"]") {
            return Some(());
        }
        loop {
            one(self)?;
            if self.is_next(b"]") {
                return Some(());
            }
            self.literal(b",")?;
        }
    }

    /// A list that is left out where it is empty.
    fn some(&mut self, list: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        match self.0.starts_with(b"[]") {
            true => None,
            false => list(self),
        }
    }
}

/// The bytes that these digits say.
fn digest(digits: &[u8; SHA256]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (pairs, _) = digits.as_chunks::<2>();
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
