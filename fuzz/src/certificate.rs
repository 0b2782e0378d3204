//! Push certificates.

use relhook::certificate::PushCertificate;

/// What was read is the bytes themselves: its parts, put together again, are what was signed.
pub fn holds(data: &[u8]) {
    let read = match PushCertificate::parse(data) {
        Ok(read) => read,
        Err(error) => return super::is_harmless(&error),
    };
    let signed = &read.signature.payload;
    assert_eq!([&signed[..], &read.signature.armor].concat(), data);
    assert_eq!(written_again(&read), *signed);
    // Without its signature, or with something behind it, it is none.
    assert!(PushCertificate::parse(signed).is_err());
    assert!(PushCertificate::parse(&[data, b"x\n"].concat()).is_err());
}

fn written_again(read: &PushCertificate) -> Vec<u8> {
    let mut text = b"certificate version 0.1\n".to_vec();
    let mut header = |name: &str, value: &[u8]| {
        text.extend([name.as_bytes(), b" ", value, b"\n"].concat());
    };
    header("pusher", &read.pusher);
    let known = [("pushee", &read.pushee), ("nonce", &read.nonce)];
    for (name, value) in known {
        if let Some(value) = value {
            header(name, value);
        }
    }
    for option in &read.options {
        header("push-option", option);
    }
    text.push(b'\n');
    for (name, change) in &read.updates {
        let id = |oid: Option<relhook::types::Oid>| {
            oid.map_or_else(|| "0".repeat(40), |oid| oid.to_string())
        };
        let ids = format!("{} {} ", id(change.old()), id(change.new_oid()));
        text.extend([ids.as_bytes(), name.as_bytes(), b"\n"].concat());
    }
    text
}
