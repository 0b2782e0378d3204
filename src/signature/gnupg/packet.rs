//! One OpenPGP signature packet (RFC 4880, 5.2), read far enough to know what it claims.
//!
//! Nothing here is believed: what is read can only refuse a signature before GnuPG is asked, and
//! whatever passes is then verified by GnuPG. So a stranger's signature costs no process, several
//! packets in one block never get there, and neither do text-mode signatures, whose class GnuPG's
//! library does not tell.

use crate::signature::SignatureProblem;

/// What a signature says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SignaturePacket {
    /// The key that it names.
    pub(super) issuer: Issuer,
}

/// How a signature names its key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Issuer {
    /// By the whole fingerprint: 40 upper-case hexadecimal digits.
    Fingerprint(String),
    /// By the fingerprint's last 16 digits.
    KeyId(String),
}

impl Issuer {
    /// Whether a key of this fingerprint is meant.
    pub(super) fn names(&self, fingerprint: &str) -> bool {
        match self {
            Self::Fingerprint(own) => own == fingerprint,
            Self::KeyId(id) => fingerprint.len() == 40 && fingerprint.ends_with(id.as_str()),
        }
    }

    /// The digits.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Fingerprint(text) | Self::KeyId(text) => text,
        }
    }
}

/// The tag of a signature packet.
const SIGNATURE: u8 = 2;
/// Subpackets: the issuer's key id and its fingerprint.
const ISSUER_KEY_ID: u8 = 16;
const ISSUER_FINGERPRINT: u8 = 33;
/// The most packets that are counted.
const MAX_PACKETS: usize = 64;

/// Reads the only packet of a block.
pub(super) fn read(bytes: &[u8]) -> Result<SignaturePacket, SignatureProblem> {
    let mut rest = bytes;
    let mut bodies = Vec::new();
    while !rest.is_empty() && bodies.len() < MAX_PACKETS {
        let (tag, body, after) = packet(rest).ok_or_else(|| malformed("its packets"))?;
        if tag != SIGNATURE {
            return Err(malformed("a packet that is not a signature"));
        }
        bodies.push(body);
        rest = after;
    }
    match bodies.as_slice() {
        [body] if rest.is_empty() => signature(body),
        other => Err(SignatureProblem::NotOne { count: other.len() }),
    }
}

/// The first packet's tag and body, and what follows it.
fn packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first()?;
    let (tag, (length, rest)) = if head & 0xc0 == 0xc0 {
        (head & 0x3f, new_length(rest)?)
    } else if head & 0xc0 == 0x80 {
        ((head >> 2) & 0x0f, old_length(head & 0x03, rest)?)
    } else {
        return None;
    };
    let (body, after) = rest.split_at_checked(length)?;
    Some((tag, body, after))
}

/// A length in the new format; a partial one is nothing.
fn new_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [one @ 0..=191, rest @ ..] => Some((usize::from(*one), rest)),
        [high @ 192..=223, low, rest @ ..] => {
            let length = ((usize::from(*high) - 192) << 8) + usize::from(*low) + 192;
            Some((length, rest))
        }
        [255, a, b, c, d, rest @ ..] => {
            let length = u32::from_be_bytes([*a, *b, *c, *d]);
            Some((usize::try_from(length).ok()?, rest))
        }
        _ => None,
    }
}

/// A length in the old format; an indeterminate one is nothing.
fn old_length(kind: u8, bytes: &[u8]) -> Option<(usize, &[u8])> {
    let width = match kind {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => return None,
    };
    let (digits, rest) = bytes.split_at_checked(width)?;
    let length = digits
        .iter()
        .fold(0usize, |sum, digit| (sum << 8) + usize::from(*digit));
    Some((length, rest))
}

/// The fields of a signature packet's body.
fn signature(body: &[u8]) -> Result<SignaturePacket, SignatureProblem> {
    let [version, class, _key, hash, rest @ ..] = body else {
        return Err(malformed("it ends too early"));
    };
    if *version != 4 {
        return Err(unsupported(format!(
            "OpenPGP signatures of version {version}"
        )));
    }
    match class {
        0x00 => {}
        0x01 => {
            return Err(unsupported(
                "a text-mode signature, which other line endings fit as well".to_owned(),
            ));
        }
        _ => return Err(malformed("not a signature over content")),
    }
    check_hash(*hash)?;
    let short = || malformed("its subpackets");
    let (hashed, rest) = area(rest).ok_or_else(short)?;
    let (unhashed, _) = area(rest).ok_or_else(short)?;
    let issuer = issuer(hashed)
        .or_else(|| issuer(unhashed))
        .ok_or_else(|| malformed("it does not name its key"))?;
    Ok(SignaturePacket { issuer })
}

/// Refuses digests below SHA-256.
fn check_hash(id: u8) -> Result<(), SignatureProblem> {
    let weak = match id {
        8 | 9 | 10 | 12 | 14 => return Ok(()),
        1 => "MD5",
        2 => "SHA-1",
        3 => "RIPEMD-160",
        11 => "SHA-224",
        _ => return Err(unsupported(format!("the digest algorithm {id}"))),
    };
    Err(SignatureProblem::Weak {
        what: weak.to_owned(),
    })
}

/// A subpacket area behind its two-byte length, and what follows it.
fn area(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = old_length(1, bytes)?;
    rest.split_at_checked(length)
}

/// The key that an area names, by fingerprint rather than by id.
fn issuer(mut area: &[u8]) -> Option<Issuer> {
    let mut id = None;
    while !area.is_empty() {
        let (length, rest) = new_length_of_subpacket(area)?;
        let (subpacket, after) = rest.split_at_checked(length)?;
        let (kind, data) = subpacket.split_first()?;
        match (kind & 0x7f, data) {
            (ISSUER_FINGERPRINT, [4, print @ ..]) if print.len() == 20 => {
                return Some(Issuer::Fingerprint(hex(print)));
            }
            (ISSUER_KEY_ID, data) if data.len() == 8 => id = Some(Issuer::KeyId(hex(data))),
            _ => {}
        }
        area = after;
    }
    id
}

/// Like a new packet's length, but two bytes reach to 254.
fn new_length_of_subpacket(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [high @ 192..=254, low, rest @ ..] => {
            let length = ((usize::from(*high) - 192) << 8) + usize::from(*low) + 192;
            Some((length, rest))
        }
        _ => new_length(bytes),
    }
}

/// Upper-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn malformed(why: &str) -> SignatureProblem {
    SignatureProblem::Malformed {
        why: why.to_owned(),
    }
}

fn unsupported(what: String) -> SignatureProblem {
    SignatureProblem::Unsupported { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version 4 signature of this class and digest that names a key id.
    fn body(class: u8, hash: u8) -> Vec<u8> {
        let mut body = vec![4, class, 22, hash, 0, 0, 0, 10, 9, 16];
        body.extend([0xab; 8]);
        body.extend([0, 0]);
        body
    }

    fn packets(bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for body in bodies {
            bytes.extend([0xc2, u8::try_from(body.len()).unwrap()]);
            bytes.extend(body);
        }
        bytes
    }

    #[test]
    fn s_07_only_one_signature_packet_is_read() {
        let one = body(0, 8);
        let read_of = |bodies: &[Vec<u8>]| read(&packets(bodies));
        assert_eq!(
            read_of(std::slice::from_ref(&one)).unwrap().issuer,
            Issuer::KeyId("AB".repeat(8))
        );
        assert_eq!(
            read_of(&[one.clone(), one.clone()]),
            Err(SignatureProblem::NotOne { count: 2 })
        );
        assert_eq!(read_of(&[]), Err(SignatureProblem::NotOne { count: 0 }));
        let mut literal = packets(&[one]);
        literal.extend([0xcb, 1, 0]);
        assert!(matches!(
            read(&literal),
            Err(SignatureProblem::Malformed { .. })
        ));
    }

    #[test]
    fn s_18_and_s_19_weak_digests_and_text_mode_never_reach_gnupg() {
        for weak in [1, 2, 3, 11] {
            assert!(matches!(
                read(&packets(&[body(0, weak)])),
                Err(SignatureProblem::Weak { .. })
            ));
        }
        assert!(matches!(
            read(&packets(&[body(1, 8)])),
            Err(SignatureProblem::Unsupported { .. })
        ));
    }

    #[test]
    fn whatever_is_cut_off_is_refused() {
        let whole = packets(&[body(0, 8)]);
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
    }
}
