//! The form of an armored signature: exactly one block, nothing before, between or behind.
//!
//! What the tools that verify would skip (armor headers, text around the block, odd bytes between
//! the lines) is unsigned and has hidden defects in their readers before, so as good as nothing of
//! it gets that far.

use super::SignatureFormat;
use super::error::{ObjectError, shown};

/// The largest signature that is read, in bytes of armor.
pub const MAX_SIGNATURE_BYTES: usize = 16 << 10;

/// The longest line that is read, in bytes.
const MAX_LINE: usize = 256;

/// The first lines, as git knows them, and what they begin; a `PGP MESSAGE` carries its own
/// content, so that it says nothing about the object's.
const BEGINS: [(&[u8], Option<SignatureFormat>); 4] = [
    (
        b"-----BEGIN PGP SIGNATURE-----",
        Some(SignatureFormat::OpenPgp),
    ),
    (b"-----BEGIN SSH SIGNATURE-----", Some(SignatureFormat::Ssh)),
    (
        b"-----BEGIN SIGNED MESSAGE-----",
        Some(SignatureFormat::X509),
    ),
    (b"-----BEGIN PGP MESSAGE-----", None),
];

/// Why bytes are not exactly one armored signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    /// Larger than relhook reads.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The first line is not a known first line and nothing else.
    #[error("its first line is `{line}`")]
    Begin {
        /// The line.
        line: String,
    },
    /// More than one line begins a block.
    #[error("more than one block begins")]
    Several,
    /// The last line is not the one that ends the block, or something follows it.
    #[error("its last line is `{line}`, not the one that ends the block")]
    End {
        /// The line.
        line: String,
    },
    /// An armor header other than OpenPGP's `Comment` and `Version`.
    #[error("the armor header `{line}` is not `Comment` or `Version`")]
    Header {
        /// The line.
        line: String,
    },
    /// Something other than base64.
    #[error("the line `{line}` is not base64")]
    Base64 {
        /// The line.
        line: String,
    },
    /// Nothing between the first and the last line, or base64 that is cut short.
    #[error("its base64 is empty or cut short")]
    Incomplete,
}

/// Whether git takes `line` for the beginning of a signature: by its first bytes only.
pub(crate) fn begins_block(line: &[u8]) -> bool {
    BEGINS.iter().any(|(begin, _)| line.starts_with(begin))
}

/// Checks one block, from its first line to its last line's end.
pub(super) fn check(block: &[u8]) -> Result<SignatureFormat, ArmorError> {
    if block.len() > MAX_SIGNATURE_BYTES {
        return Err(ArmorError::TooLarge {
            limit: MAX_SIGNATURE_BYTES,
        });
    }
    let (first, rest) = take_line(block);
    let (begin, format) = begin_line(first)?;
    let mut lines: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
    // The last line's own line end leaves an empty piece behind it.
    let tail = lines.pop().unwrap_or_default();
    let last = lines.pop().unwrap_or_default();
    if !tail.is_empty() || !ends(begin, last) {
        let line = if tail.is_empty() { last } else { tail };
        return Err(ArmorError::End { line: shown(line) });
    }
    if lines.iter().any(|line| begins_block(line)) {
        return Err(ArmorError::Several);
    }
    match format {
        SignatureFormat::OpenPgp => check_base64(open_pgp_data(&lines)?)?,
        SignatureFormat::Ssh | SignatureFormat::X509 => check_base64(&lines)?,
    }
    Ok(format)
}

/// Checks what a signature covers: a signature over text means the same with other line ends, so
/// there may be no carriage return at all.
pub(super) fn check_payload(payload: &[u8]) -> Result<(), ObjectError> {
    if payload.contains(&b'\r') {
        return Err(ObjectError::CarriageReturn {
            place: "the signed content",
        });
    }
    Ok(())
}

fn take_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut pieces = bytes.splitn(2, |byte| *byte == b'\n');
    (
        pieces.next().unwrap_or_default(),
        pieces.next().unwrap_or_default(),
    )
}

fn begin_line(line: &[u8]) -> Result<(&'static [u8], SignatureFormat), ArmorError> {
    BEGINS
        .iter()
        .find_map(|(begin, format)| Some((*begin, (*format)?)).filter(|_| *begin == line))
        .ok_or_else(|| ArmorError::Begin { line: shown(line) })
}

/// Whether `last` is the last line that belongs to the first line `begin`.
fn ends(begin: &[u8], last: &[u8]) -> bool {
    match (
        begin.strip_prefix(b"-----BEGIN "),
        last.strip_prefix(b"-----END "),
    ) {
        (Some(begun), Some(ended)) => begun == ended,
        (None, _) | (_, None) => false,
    }
}

/// OpenPGP's lines without the armor headers, the blank line behind them and the checksum.
fn open_pgp_data<'a, 'b>(lines: &'b [&'a [u8]]) -> Result<&'b [&'a [u8]], ArmorError> {
    let blank = lines
        .iter()
        .position(|line| line.is_empty())
        .ok_or(ArmorError::Incomplete)?;
    let (headers, rest) = lines.split_at_checked(blank).unwrap_or_default();
    if let Some(line) = headers.iter().find(|line| !is_armor_header(line)) {
        return Err(ArmorError::Header { line: shown(line) });
    }
    let data = rest.get(1..).unwrap_or_default();
    match data.split_last() {
        Some((sum, data)) if is_checksum(sum) => Ok(data),
        Some(_) | None => Ok(data),
    }
}

fn is_armor_header(line: &[u8]) -> bool {
    (line.starts_with(b"Comment: ") || line.starts_with(b"Version: "))
        && line.len() <= MAX_LINE
        && line.iter().all(|byte| (b' '..=b'~').contains(byte))
}

fn is_checksum(line: &[u8]) -> bool {
    matches!(line, [b'=', digits @ ..] if digits.len() == 4 && digits.iter().all(is_base64_digit))
}

fn is_base64_digit(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/'
}

/// Checks that the lines together are base64 with its padding at the very end.
fn check_base64(lines: &[&[u8]]) -> Result<(), ArmorError> {
    let mut digits = 0;
    let mut padding = 0;
    for line in lines {
        let pad = line.iter().rev().take_while(|byte| **byte == b'=').count();
        let plain = line.get(..line.len() - pad).unwrap_or_default();
        let after_padding = padding > 0 && !plain.is_empty();
        let sound = !line.is_empty() && line.len() <= MAX_LINE && plain.iter().all(is_base64_digit);
        if !sound || after_padding {
            return Err(ArmorError::Base64 { line: shown(line) });
        }
        digits += plain.len();
        padding += pad;
    }
    if digits == 0 || padding > 2 || (digits + padding) % 4 != 0 {
        return Err(ArmorError::Incomplete);
    }
    Ok(())
}
