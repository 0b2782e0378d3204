//! Armor: the text form of a signature, read strictly.
//!
//! The engines behind this room get bytes that this file decoded, so their own armor readers,
//! which are lenient and have had holes, never see what a stranger wrote.

use base64ct::{Base64, Encoding};

/// The largest armored signature, in bytes. An RSA-4096 one takes 1 KiB, a certificate chain 10.
pub(super) const MAX_ARMOR_BYTES: usize = 16 * 1024;
/// The longest line of base64: the 76 columns of MIME.
const MAX_LINE: usize = 76;
/// The most header lines, and the longest one.
const MAX_HEADERS: usize = 16;
const MAX_HEADER: usize = 256;

/// Which armor to expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// `-----BEGIN PGP SIGNATURE-----`: headers, a blank line, base64 and a checksum.
    Pgp,
    /// `-----BEGIN SSH SIGNATURE-----`: base64 alone.
    Ssh,
    /// `-----BEGIN SIGNED MESSAGE-----`: base64 alone.
    Cms,
}

impl Label {
    fn text(self) -> &'static str {
        match self {
            Self::Pgp => "PGP SIGNATURE",
            Self::Ssh => "SSH SIGNATURE",
            Self::Cms => "SIGNED MESSAGE",
        }
    }

    fn has_headers(self) -> bool {
        match self {
            Self::Pgp => true,
            Self::Ssh | Self::Cms => false,
        }
    }
}

/// The bytes inside the armor.
///
/// `armor` is exactly one block; one line feed may follow its last line.
pub(super) fn dearmor(armor: &[u8], label: Label) -> Result<Vec<u8>, &'static str> {
    if armor.len() > MAX_ARMOR_BYTES {
        return Err("larger than 16 KiB");
    }
    let text = std::str::from_utf8(armor).map_err(|_| "the armor is not text")?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut lines: Vec<&str> = text.split('\n').collect();
    let name = label.text();
    if lines.pop() != Some(format!("-----END {name}-----").as_str()) {
        return Err("the armor does not end with its own last line");
    }
    let Some((first, mut body)) = lines.split_first() else {
        return Err("the armor has no lines");
    };
    if *first != format!("-----BEGIN {name}-----") {
        return Err("the armor does not begin with its own first line");
    }
    if label.has_headers() {
        body = after_headers(body)?;
        let (checksum, base64) = split_checksum(body);
        let bytes = decode(base64)?;
        if checksum.is_some_and(|sum| !crc24_is(&bytes, sum)) {
            return Err("the armor's checksum is wrong");
        }
        return Ok(bytes);
    }
    decode(body)
}

/// What follows the `Key: value` lines and the blank line; they are unsigned and say nothing.
fn after_headers<'a, 'b>(body: &'a [&'b str]) -> Result<&'a [&'b str], &'static str> {
    let blank = body
        .iter()
        .position(|line| line.is_empty())
        .ok_or("the armor has no blank line after its headers")?;
    let (headers, rest) = body.split_at(blank);
    let plain = |line: &&str| {
        line.len() <= MAX_HEADER && line.contains(": ") && !line.chars().any(char::is_control)
    };
    if headers.len() > MAX_HEADERS || !headers.iter().all(plain) {
        return Err("the armor's headers are not plain `Key: value` lines");
    }
    Ok(rest.split_first().map_or(&[], |(_, after)| after))
}

/// The `=abcd` line at the end, which newer writers leave out, and what is before it.
fn split_checksum<'a, 'b>(body: &'a [&'b str]) -> (Option<&'b str>, &'a [&'b str]) {
    match body.split_last() {
        Some((last, rest)) if last.len() == 5 => match last.strip_prefix('=') {
            Some(sum) => (Some(sum), rest),
            None => (None, body),
        },
        _ => (None, body),
    }
}

/// Lines of base64, all as long as the first but for the last.
fn decode(lines: &[&str]) -> Result<Vec<u8>, &'static str> {
    let width = lines.first().map_or(0, |line| line.len());
    let Some((last, full)) = lines.split_last() else {
        return Err("the armor is empty");
    };
    let even = full.iter().all(|line| line.len() == width);
    if !even || last.is_empty() || last.len() > width || width > MAX_LINE {
        return Err("the armor's lines are not of one length");
    }
    Base64::decode_vec(&lines.concat()).map_err(|_| "the armor is not canonical base64")
}

/// Whether `sum` is the base64 of the OpenPGP checksum (RFC 4880, 6.1) of `bytes`.
fn crc24_is(bytes: &[u8], sum: &str) -> bool {
    let mut crc: u32 = 0x00b7_04ce;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4cfb;
            }
        }
    }
    let [_, high, middle, low] = crc.to_be_bytes();
    Base64::decode_vec(sum).is_ok_and(|want| want == [high, middle, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_block_and_nothing_around_it() {
        let good = "-----BEGIN SSH SIGNATURE-----\nAAEC\nAw==\n-----END SSH SIGNATURE-----";
        assert_eq!(dearmor(good.as_bytes(), Label::Ssh), Ok(vec![0, 1, 2, 3]));
        assert!(dearmor(format!("{good}\n").as_bytes(), Label::Ssh).is_ok());
        for bad in [
            format!("{good}\n\n"),
            format!("{good}\nx"),
            format!("\n{good}"),
            format!(" {good}"),
            good.replace('\n', "\r\n"),
            good.replace("AAEC\n", "AAEC\n\n"),
            good.replace("AAEC\n", "AAEC \n"),
            good.replace("AAEC\n", "A\n"),
            good.replace("Aw==", "Ax=="),
            good.replace("Aw==", "Aw"),
            good.replace("Aw==", "Aw==\u{c}"),
            good.replace("AAEC\nAw==\n", ""),
            good.replace("SSH", "PGP"),
            good.replace("AAEC\n", "Comment: x\n\nAAEC\n"),
            format!("{good}\n{good}"),
            "A".repeat(MAX_ARMOR_BYTES + 1),
        ] {
            assert!(dearmor(bad.as_bytes(), Label::Ssh).is_err(), "{bad}");
        }
    }

    #[test]
    fn openpgp_headers_are_ignored_and_its_checksum_is_not() {
        let block = |headers: &str, sum: &str| {
            format!(
                "-----BEGIN PGP SIGNATURE-----\n{headers}\nAAECAw==\n{sum}-----END PGP SIGNATURE-----\n"
            )
        };
        let read = |text: String| dearmor(text.as_bytes(), Label::Pgp);
        assert_eq!(read(block("", "")), Ok(vec![0, 1, 2, 3]));
        assert!(read(block("", "=QlRL\n")).is_err());
        assert_eq!(read(block("Comment: hello\n", "")), Ok(vec![0, 1, 2, 3]));
        assert!(read(block("no colon\n", "")).is_err());
        assert!(read(block("Comment: \u{1b}[0m\n", "")).is_err());
        assert!(read(block(&"A: b\n".repeat(MAX_HEADERS + 1), "")).is_err());
    }
}
