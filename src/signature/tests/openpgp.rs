//! OpenPGP signatures that are not what they seem.

use super::lab::{Lab, TEXT, now, pgp_block, refusal, refusal_at, signer};
use crate::signature::{SignatureProblem, SignatureStatus};
use crate::types::{KeyFingerprint, Seconds};
use base64ct::{Base64, Encoding};

const BOB: &str = "Bob <bob@corp.example>";

/// The bytes inside an armor.
fn packets(armor: &[u8]) -> Vec<u8> {
    crate::signature::armor::dearmor(armor, crate::signature::armor::Label::Pgp).unwrap()
}

/// Packets in an armor without a checksum.
fn armored(packets: &[u8]) -> Vec<u8> {
    let base64 = Base64::encode_string(packets);
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN PGP SIGNATURE-----\n\n{}\n-----END PGP SIGNATURE-----\n",
        lines.join("\n")
    )
    .into_bytes()
}

#[test]
fn a_good_signature_names_its_key_and_time() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let block = lab.gpg_sign(&bob, TEXT, &[]);
    let SignatureStatus::Good(key) = keyring.verify(&block, now()) else {
        panic!("refused: {:?}", keyring.verify(&block, now()));
    };
    assert_eq!(key.key(), &KeyFingerprint::OpenPgp(bob));
    let age = now().as_unix() - key.claimed_time().unwrap().as_unix();
    assert!((0..120).contains(&age), "{age}");

    let other = pgp_block(block.armor.clone(), b"something else");
    assert_eq!(refusal(&keyring, &other), SignatureProblem::Bad);
    // One that was refused changes nothing for the next.
    assert_eq!(signer(&keyring, &block), *key.key());
}

#[test]
fn rsa_of_2048_bits_is_enough() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "rsa2048", &[]);
    let block = lab.gpg_sign(&bob, TEXT, &[]);
    signer(&lab.openpgp_keyring(&[&bob]), &block);
}

#[test]
fn s_01_a_message_or_clearsigned_text_is_no_signature() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let file = lab.write("text", TEXT);
    let file = file.to_str().unwrap();
    for kind in ["--sign", "--clearsign", "--store"] {
        let whole = lab.gpg(&["-u", &bob, "--armor", "--output", "-", kind, file]);
        let problem = refusal(&keyring, &pgp_block(whole.clone(), TEXT));
        assert!(
            matches!(problem, SignatureProblem::Malformed { .. }),
            "{kind}: {problem}"
        );
        // The same under a signature's label: its packets are not one signature.
        let text = String::from_utf8(whole).unwrap();
        let relabelled = text.replace("PGP MESSAGE", "PGP SIGNATURE").into_bytes();
        let problem = refusal(&keyring, &pgp_block(relabelled, TEXT));
        assert!(
            matches!(problem, SignatureProblem::Malformed { .. }),
            "{kind}: {problem}"
        );
    }
    let empty = pgp_block(armored(&[]), TEXT);
    assert!(matches!(
        refusal(&keyring, &empty),
        SignatureProblem::Malformed { .. }
    ));
}

#[test]
fn s_07_two_signatures_in_one_armor_are_none() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let mallory = lab.openpgp_key("Mallory <m@evil.example>", "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let good = packets(&lab.gpg_sign(&bob, TEXT, &[]).armor);
    let bad = packets(&lab.gpg_sign(&bob, b"other", &[]).armor);
    let unknown = packets(&lab.gpg_sign(&mallory, TEXT, &[]).armor);
    for pair in [
        [&good, &good],
        [&good, &bad],
        [&bad, &good],
        [&good, &unknown],
        [&unknown, &good],
    ] {
        let both = pgp_block(armored(&pair.map(Vec::as_slice).concat()), TEXT);
        assert_eq!(
            refusal(&keyring, &both),
            SignatureProblem::NotOne { count: 2 }
        );
    }
    // And two armors in one block.
    let one = lab.gpg_sign(&bob, TEXT, &[]).armor;
    let twice = pgp_block([one.clone(), one].concat(), TEXT);
    assert!(matches!(
        refusal(&keyring, &twice),
        SignatureProblem::Malformed { .. }
    ));
}

#[test]
fn s_08_nothing_may_follow_the_armor() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let mut block = lab.gpg_sign(&bob, TEXT, &[]);
    block.armor.extend(b"commit: EVIL\n");
    assert!(matches!(
        refusal(&keyring, &block),
        SignatureProblem::Malformed { .. }
    ));
}

#[test]
fn s_09_a_comment_in_the_armor_says_nothing() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let block = lab.gpg_sign(&bob, TEXT, &["--comment", "approved by Alice"]);
    assert!(String::from_utf8_lossy(&block.armor).contains("Comment: "));
    assert_eq!(signer(&keyring, &block), KeyFingerprint::OpenPgp(bob));
}

#[test]
fn s_10_and_s_11_a_user_id_is_not_an_identity() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let other = Lab::new();
    let mallory = other.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    assert_eq!(
        refusal(&keyring, &other.gpg_sign(&mallory, TEXT, &[])),
        SignatureProblem::UnknownKey { key: mallory }
    );
}

#[test]
fn s_13_a_claimed_issuer_is_not_believed() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let mallory = lab.openpgp_key("Mallory <m@evil.example>", "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    // Mallory's signature with Bob's key id in the part that nobody signs, and without her
    // fingerprint in the part that she does: the issuer's fingerprint comes first, 35 bytes long.
    let bytes = packets(&lab.gpg_sign(&mallory, TEXT, &[]).armor);
    let id = |key: &str| -> Vec<u8> {
        let digits = &key[24..];
        (0..16)
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect()
    };
    let (hers, his) = (id(&mallory), id(&bob));
    let at = bytes.windows(8).rposition(|window| window == hers).unwrap();
    let mut forged = bytes.clone();
    forged[at..at + 8].copy_from_slice(&his);
    let print = forged
        .windows(3)
        .position(|window| window == [22, 33, 4])
        .unwrap();
    // An experimental subpacket in its place, of the same length.
    forged[print + 1] = 101;
    let problem = refusal(&keyring, &pgp_block(armored(&forged), TEXT));
    assert_eq!(problem, SignatureProblem::Bad);
}

#[test]
fn s_16_an_expired_signature_is_refused_though_gpg_calls_it_green() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &["--faked-system-time", "20250101T000000!"]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let options = [
        "--faked-system-time",
        "20250601T000000!",
        "--default-sig-expire",
        "2d",
    ];
    let block = lab.gpg_sign(&bob, TEXT, &options);
    assert_eq!(
        refusal(&keyring, &block),
        SignatureProblem::ExpiredSignature
    );
    // By the server's clock, where gpg's says that it still holds.
    let fresh = lab.gpg_sign(&bob, TEXT, &["--default-sig-expire", "2d"]);
    signer(&keyring, &fresh);
    let later = now().plus(Seconds(3 * 24 * 3600));
    assert_eq!(
        refusal_at(&keyring, &fresh, later),
        SignatureProblem::ExpiredSignature
    );
}

#[test]
fn s_17_a_signature_from_the_future_is_refused() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let block = lab.gpg_sign(&bob, TEXT, &["--faked-system-time", "20600101T000000!"]);
    let problem = refusal(&keyring, &block);
    assert!(
        matches!(problem, SignatureProblem::NotYetValid { .. }),
        "{problem}"
    );
    // A clock that is a little ahead is forgiven, one that is far ahead is not.
    let fresh = lab.gpg_sign(&bob, TEXT, &[]);
    let behind = |seconds| crate::types::Timestamp::from_unix(now().as_unix() - seconds);
    assert!(matches!(
        keyring.verify(&fresh, behind(200)),
        SignatureStatus::Good(_)
    ));
    let problem = refusal_at(&keyring, &fresh, behind(400));
    assert!(
        matches!(problem, SignatureProblem::NotYetValid { .. }),
        "{problem}"
    );
}

#[test]
fn s_18_weak_digests_are_refused() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "rsa2048", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    for digest in ["SHA1", "RIPEMD160", "SHA224"] {
        let options = ["--allow-weak-digest-algos", "--digest-algo", digest];
        let problem = refusal(&keyring, &lab.gpg_sign(&bob, TEXT, &options));
        assert!(
            matches!(problem, SignatureProblem::Weak { .. }),
            "{digest}: {problem}"
        );
    }
    for digest in ["SHA256", "SHA384", "SHA512"] {
        signer(
            &keyring,
            &lab.gpg_sign(&bob, TEXT, &["--digest-algo", digest]),
        );
    }
}

#[test]
fn s_19_a_text_mode_signature_is_refused() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let block = lab.gpg_sign(&bob, TEXT, &["--textmode"]);
    let problem = refusal(&keyring, &block);
    assert!(
        matches!(problem, SignatureProblem::Unsupported { .. }),
        "{problem}"
    );
}

#[test]
fn s_23_the_armor_is_bounded_and_plain() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let good = String::from_utf8(lab.gpg_sign(&bob, TEXT, &[]).armor).unwrap();
    let huge = good.replacen("\n\n", &format!("\n\n{}", "A".repeat(64).repeat(400)), 1);
    for bad in [
        huge,
        good.replacen("\n\n", "\n\u{c}\n", 1),
        good.replace('\n', "\r\n"),
        good.replacen("-----END", "\n-----END", 1),
        good.replacen("\n=", "\n=A", 1),
    ] {
        let problem = refusal(&keyring, &pgp_block(bad.clone().into_bytes(), TEXT));
        assert!(
            matches!(problem, SignatureProblem::Malformed { .. }),
            "{bad}: {problem}"
        );
    }
}

#[test]
fn a_signature_cut_or_changed_anywhere_is_never_good() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let bytes = packets(&lab.gpg_sign(&bob, TEXT, &[]).armor);
    // What nobody signs: the unhashed area, here the issuer's key id, and two bytes of the digest
    // that are there for speed.
    let unhashed = bytes
        .windows(4)
        .position(|window| window == [0, 10, 9, 16])
        .unwrap();
    for at in (0..bytes.len()).filter(|at| !(unhashed..unhashed + 14).contains(at)) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        refusal(&keyring, &pgp_block(armored(&changed), TEXT));
    }
}
