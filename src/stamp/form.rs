//! The forms of RFC 3161 in DER, as far as they are needed.

use crate::types::Timestamp;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{Any, Int, ObjectIdentifier, OctetString, Uint, Utf8StringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};

/// SHA-256.
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// What a token signs.
pub(super) const TST_INFO: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// Data that is signed.
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// An algorithm and nothing else: SHA-256 has no parameters but, perhaps, NULL.
#[derive(Sequence)]
struct Algorithm {
    oid: ObjectIdentifier,
    #[asn1(optional = "true")]
    parameters: Option<Any>,
}

#[derive(Sequence)]
struct Imprint {
    algorithm: Algorithm,
    hash: OctetString,
}

#[derive(Sequence)]
struct Request {
    version: u8,
    imprint: Imprint,
    nonce: Uint,
    // The certificates are to come along, so that the token can be checked by itself.
    certificates: bool,
}

/// The request for a timestamp of this hash.
pub(super) fn request(hash: &[u8; 32], nonce: &[u8; 8]) -> der::Result<Vec<u8>> {
    Request {
        version: 1,
        imprint: Imprint {
            algorithm: Algorithm {
                oid: SHA_256,
                parameters: None,
            },
            hash: OctetString::new(&hash[..])?,
        },
        nonce: Uint::new(nonce)?,
        certificates: true,
    }
    .to_der()
}

/// A number's bytes as DER has them, without its leading zeros.
pub(super) fn plain(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let last = number.len().saturating_sub(1);
    number.get(zeros.min(last)..).unwrap_or_default()
}

/// An authority's answer.
pub(super) struct Answer {
    pub(super) status: u32,
    pub(super) said: String,
    pub(super) token: Option<Vec<u8>>,
}

pub(super) fn answer(bytes: &[u8]) -> der::Result<Answer> {
    let mut reader = SliceReader::new(bytes)?;
    let answer = reader.sequence(|reader| {
        let (status, said) = reader.sequence(|reader| {
            let status = u32::decode(reader)?;
            let mut said = String::new();
            while !reader.is_finished() {
                let more = Any::decode(reader)?;
                if more.tag() == Tag::Sequence {
                    said = text(&more)?;
                }
            }
            Ok((status, said))
        })?;
        let token = match reader.is_finished() {
            true => None,
            false => Some(Any::decode(reader)?.to_der()?),
        };
        Ok(Answer {
            status,
            said,
            token,
        })
    })?;
    reader.finish(answer)
}

/// Free text: a list of strings.
fn text(list: &Any) -> der::Result<String> {
    let mut reader = SliceReader::new(list.value())?;
    let mut text = Vec::new();
    while !reader.is_finished() {
        text.push(Utf8StringRef::decode(&mut reader)?.as_str().to_owned());
    }
    Ok(text.join("; "))
}

/// What a token says.
pub(super) struct Info {
    pub(super) imprint: Vec<u8>,
    pub(super) time: Timestamp,
    pub(super) nonce: Option<Vec<u8>>,
}

/// The signed data of a token.
pub(super) fn signed(token: &[u8]) -> der::Result<SignedData> {
    let content = ContentInfo::from_der(token)?;
    if content.content_type != SIGNED_DATA {
        return Err(Tag::Sequence.value_error());
    }
    content.content.decode_as()
}

/// The bytes that a token signs.
pub(super) fn content(signed: &SignedData) -> der::Result<Vec<u8>> {
    let content = &signed.encap_content_info;
    if content.econtent_type != TST_INFO {
        return Err(Tag::Sequence.value_error());
    }
    let content = content.econtent.as_ref();
    let content = content.ok_or_else(|| Tag::OctetString.value_error())?;
    let octets: OctetString = content.decode_as()?;
    Ok(octets.as_bytes().to_vec())
}

pub(super) fn info(token: &[u8]) -> der::Result<Info> {
    let content = content(&signed(token)?)?;
    let mut reader = SliceReader::new(&content)?;
    let info = reader.sequence(|reader| {
        if u8::decode(reader)? != 1 {
            return Err(Tag::Integer.value_error());
        }
        ObjectIdentifier::decode(reader)?;
        let imprint = Imprint::decode(reader)?;
        if imprint.algorithm.oid != SHA_256 {
            return Err(Tag::ObjectIdentifier.value_error());
        }
        Int::decode(reader)?;
        let time = time(&Any::decode(reader)?)?;
        let mut nonce = None;
        // Accuracy, whether times are ordered, the nonce, names and extensions: each may be absent.
        while !reader.is_finished() {
            let more = Any::decode(reader)?;
            if more.tag() == Tag::Integer {
                nonce = Some(more.decode_as::<Uint>()?.as_bytes().to_vec());
            }
        }
        Ok(Info {
            imprint: imprint.hash.as_bytes().to_vec(),
            time,
            nonce,
        })
    })?;
    reader.finish(info)
}

/// `20261129020000Z`, with a fraction of the second or without.
fn time(any: &Any) -> der::Result<Timestamp> {
    let wrong = || Tag::GeneralizedTime.value_error();
    if any.tag() != Tag::GeneralizedTime {
        return Err(wrong());
    }
    let text = std::str::from_utf8(any.value()).map_err(|_| wrong())?;
    let text = text.strip_suffix('Z').ok_or_else(wrong)?;
    let digits = text.split('.').next().unwrap_or_default();
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let part = |range| digits.get(range).unwrap_or_default();
    let (year, month, day) = (part(0..4), part(4..6), part(6..8));
    let (hour, minute, second) = (part(8..10), part(10..12), part(12..14));
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    text.parse().map_err(|_| wrong())
}
