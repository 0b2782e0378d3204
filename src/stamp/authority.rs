//! Whether a token is signed by an authority that is trusted.

use super::{StampFault, form};
use cms::cert::CertificateChoices;
use cms::signed_data::{SignedData, SignerInfo};
use der::Encode;
use der::asn1::{Any, ObjectIdentifier, OctetString};
use rustls::pki_types::{CertificateDer, UnixTime};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::time::Duration;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// `id-kp-timeStamping`, as DER has it without its head.
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// Whether a token is signed by a certificate for timestamps that leads to one of these authorities,
/// and was valid at the time that it names.
///
/// # Errors
/// When it is not.
pub fn trusted(stamp: &super::Stamp, authorities: &[CertificateDer<'_>]) -> Result<(), StampFault> {
    let unreadable = |_: der::Error| StampFault::Unreadable;
    let signed = form::signed(&stamp.token).map_err(unreadable)?;
    let content = form::content(&signed).map_err(unreadable)?;
    let untrusted = |why: &str| StampFault::Untrusted(why.to_owned());
    let mut signers = signed.signer_infos.0.iter();
    let (Some(signer), None) = (signers.next(), signers.next()) else {
        return Err(untrusted("it has not one signature"));
    };
    let attributes = attributes(signer, &content)
        .map_err(unreadable)?
        .ok_or_else(|| untrusted("what is signed is not what it says"))?;
    let certificates = certificates(&signed).map_err(unreadable)?;
    let signature = signer.signature.as_bytes();
    let mut found = None;
    for certificate in &certificates {
        let Ok(candidate) = EndEntityCert::try_from(certificate) else {
            continue;
        };
        let mut kinds = ALL_VERIFICATION_ALGS.iter();
        if kinds.any(|kind| {
            candidate
                .verify_signature(*kind, &attributes, signature)
                .is_ok()
        }) {
            found = Some(candidate);
            break;
        }
    }
    let found = found.ok_or_else(|| untrusted("none of its certificates signed it"))?;
    let anchors: Result<Vec<_>, _> = authorities.iter().map(anchor_from_trusted_cert).collect();
    let anchors = anchors.map_err(|error| StampFault::Untrusted(error.to_string()))?;
    let time = u64::try_from(stamp.time.as_unix()).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(time));
    found
        .verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &anchors,
            &certificates,
            time,
            KeyUsage::required(TIME_STAMPING),
            None,
            None,
        )
        .map(drop)
        .map_err(|error| StampFault::Untrusted(error.to_string()))
}

fn certificates(signed: &SignedData) -> der::Result<Vec<CertificateDer<'static>>> {
    let Some(all) = &signed.certificates else {
        return Ok(Vec::new());
    };
    let mut certificates = Vec::new();
    for one in all.0.iter() {
        if let CertificateChoices::Certificate(certificate) = one {
            certificates.push(CertificateDer::from(certificate.to_der()?));
        }
    }
    Ok(certificates)
}

/// The bytes that are signed, if they are about this content.
fn attributes(signer: &SignerInfo, content: &[u8]) -> der::Result<Option<Vec<u8>>> {
    let Some(attributes) = &signer.signed_attrs else {
        return Ok(None);
    };
    let one = |oid: ObjectIdentifier| -> Option<&Any> {
        let mut named = attributes.iter().filter(|attribute| attribute.oid == oid);
        let (only, None) = (named.next()?, named.next()) else {
            return None;
        };
        (only.values.len() == 1)
            .then(|| only.values.get(0))
            .flatten()
    };
    let (Some(kind), Some(digest)) = (one(CONTENT_TYPE), one(MESSAGE_DIGEST)) else {
        return Ok(None);
    };
    let kind: ObjectIdentifier = kind.decode_as()?;
    let digest: OctetString = digest.decode_as()?;
    let hash = match signer.digest_alg.oid.to_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => Sha256::digest(content).to_vec(),
        "2.16.840.1.101.3.4.2.2" => Sha384::digest(content).to_vec(),
        "2.16.840.1.101.3.4.2.3" => Sha512::digest(content).to_vec(),
        _ => return Ok(None),
    };
    let fits = kind == form::TST_INFO && digest.as_bytes() == hash;
    match fits {
        true => attributes.to_der().map(Some),
        false => Ok(None),
    }
}
