//! Envelopes (DSSE) that the log's key signs, for attestations of what the log says.
//!
//! What is signed begins with `DSSEv1 ` and holds no line break; a checkpoint has one behind its name, so
//! neither can be taken for the other.

use super::{AuditError, AuditLog};
use base64ct::{Base64, Encoding};
use serde_json::json;

/// What comes before a raw Ed25519 key to make it a public key as others read it (RFC 8410).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// What an envelope's signature is over: its type and its payload, each behind its length.
fn pre_authentication(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl AuditLog {
    /// A signed envelope, one line of JSON.
    ///
    /// # Errors
    /// When the log's key cannot be used, or the payload is not one line.
    pub fn sign_envelope(&self, kind: &str, payload: &[u8]) -> Result<String, AuditError> {
        let unusable = |why: String| AuditError::Key {
            path: self.key_file(),
            why,
        };
        if payload.contains(&b'\n') || kind.contains('\n') {
            return Err(unusable("what is to be signed is not one line".into()));
        }
        let signer = self.signer()?;
        let signature = signer.sign_bytes(&pre_authentication(kind, payload));
        let signature = signature.map_err(unusable)?;
        let envelope = json!({
            "payloadType": kind,
            "payload": Base64::encode_string(payload),
            "signatures": [{
                "keyid": signer.public().id(),
                "sig": Base64::encode_string(&signature),
            }],
        });
        Ok(envelope.to_string())
    }
}

/// A raw Ed25519 key as DER.
pub(in crate::audit) fn der(key: &[u8; 32]) -> Vec<u8> {
    [&SPKI[..], key].concat()
}

#[cfg(test)]
mod tests {
    use super::pre_authentication;

    #[test]
    fn the_example_of_the_specification() {
        let kind = "http://example.com/HelloWorld";
        let made = pre_authentication(kind, b"hello world");
        assert_eq!(
            made,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }
}
