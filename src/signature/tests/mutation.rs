//! No bytes, however odd, make a reader panic, and none but the signer's own are good.

use super::lab::{Lab, TEXT, block, now, ssh_block, ssh_keyring};
use crate::object::SignatureFormat;
use crate::signature::armor::{Label, dearmor};
use crate::signature::{Keyring, SignatureStatus, ssh_fingerprint};
use base64ct::{Base64, Encoding};
use proptest::prelude::*;

const FORMATS: [(SignatureFormat, &str); 3] = [
    (SignatureFormat::OpenPgp, "PGP SIGNATURE"),
    (SignatureFormat::Ssh, "SSH SIGNATURE"),
    (SignatureFormat::X509, "SIGNED MESSAGE"),
];

fn armored(label: &str, bytes: &[u8]) -> Vec<u8> {
    let base64 = Base64::encode_string(bytes);
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(70)
        .map(String::from_utf8_lossy)
        .collect();
    let body = lines.join("\n");
    let blank = if label.starts_with("PGP") { "\n" } else { "" };
    format!("-----BEGIN {label}-----\n{blank}{body}\n-----END {label}-----").into_bytes()
}

fn is_good(keyring: &Keyring, format: SignatureFormat, armor: Vec<u8>) -> bool {
    matches!(
        keyring.verify(&block(format, armor, TEXT), now()),
        SignatureStatus::Good(_)
    )
}

proptest! {
    #[test]
    fn random_armor_is_refused(
        which in 0..3usize,
        raw in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (format, label) = FORMATS[which];
        let armor = if raw { bytes } else { armored(label, &bytes) };
        prop_assert!(!is_good(&ssh_keyring(&[]), format, armor));
    }

    #[test]
    fn random_packets_are_refused(
        head in prop::sample::select(vec![0x88u8, 0x89, 0x8a, 0x8b, 0xc2, 0xc0]),
        length in any::<u8>(),
        class in 0..2u8,
        rest in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let bytes = [vec![head, length, 4, class, 22, 8], rest].concat();
        let armor = armored("PGP SIGNATURE", &bytes);
        prop_assert!(!is_good(&ssh_keyring(&[]), SignatureFormat::OpenPgp, armor));
    }

    #[test]
    fn random_lines_are_no_key(line in "(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp256)? ?[A-Za-z0-9+/=]{0,90}") {
        prop_assert!(ssh_fingerprint(&line).is_err());
    }
}

#[test]
fn an_ssh_signature_changed_in_any_bit_is_never_good() {
    let lab = Lab::new();
    let bob = lab.ssh_key("bob", &["-t", "ed25519"]);
    let keyring = ssh_keyring(&[&bob]);
    let armor = lab.ssh_sign("bob", TEXT, &[]).armor;
    let bytes = dearmor(&armor, Label::Ssh).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let armor = armored("SSH SIGNATURE", &changed);
            assert!(
                !is_good(&keyring, SignatureFormat::Ssh, armor),
                "{at} {bit}"
            );
        }
    }
    for length in 0..bytes.len() {
        let armor = armored("SSH SIGNATURE", &bytes[..length]);
        assert!(!is_good(&keyring, SignatureFormat::Ssh, armor), "{length}");
    }
    let whole = keyring.verify(&ssh_block(armor, TEXT), now());
    assert!(matches!(whole, SignatureStatus::Good(_)));
}
