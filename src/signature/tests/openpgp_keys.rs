//! OpenPGP keys that may not sign, or not any more, and files that hold the wrong ones.

use super::lab::{Lab, TEXT, key_files, now, refusal, refusal_at, signer};
use crate::signature::{Keyring, KeyringError, SignatureProblem, inspect_key_file};
use crate::types::{KeyFingerprint, Seconds};
use std::collections::BTreeSet;

const BOB: &str = "Bob <bob@corp.example>";

fn named(keys: &[&str]) -> BTreeSet<KeyFingerprint> {
    keys.iter()
        .map(|key| KeyFingerprint::OpenPgp((*key).to_owned()))
        .collect()
}

#[test]
fn s_12_a_signing_subkey_stands_for_its_primary_key() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    lab.gpg(&["--quick-add-key", &bob, "ed25519", "sign", "never"]);
    let listed = lab.gpg(&["--with-colons", "--list-keys", &bob]);
    let subkey = super::lab::field(&String::from_utf8(listed).unwrap(), "fpr:").remove(1);
    let block = lab.gpg_sign(&format!("{subkey}!"), TEXT, &[]);
    assert_eq!(
        signer(&lab.openpgp_keyring(&[&bob]), &block),
        KeyFingerprint::OpenPgp(bob.clone())
    );
    // The policy names primary keys: a subkey's own fingerprint is the name of nothing.
    let files = key_files([("bob.asc".to_owned(), lab.export(&bob))]);
    let error = Keyring::of(named(&[&subkey]), &files, &lab.path("other")).unwrap_err();
    assert!(matches!(error, KeyringError::ExtraKey { key, .. } if key == bob));
}

#[test]
fn a_subkey_that_is_not_for_signing_does_not_sign() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    lab.gpg(&["--quick-add-key", &bob, "ed25519", "sign", "never"]);
    let listed = lab.gpg(&["--with-colons", "--list-keys", &bob]);
    let subkey = super::lab::field(&String::from_utf8(listed).unwrap(), "fpr:").remove(1);
    let block = lab.gpg_sign(&format!("{subkey}!"), TEXT, &[]);
    // Now its owner makes it one for logging in only.
    let script = lab.write("commands", b"key 1\nchange-usage\ns\na\nq\nsave\n");
    let shell = format!(
        "gpg --batch --quiet --pinentry-mode loopback --passphrase '' --command-fd 0 --edit-key {bob} <{}",
        script.display()
    );
    lab.run("sh", &["-c", &shell]);
    let listed = String::from_utf8(lab.gpg(&["--with-colons", "--list-keys", &bob])).unwrap();
    let sub = listed
        .lines()
        .find(|line| line.starts_with("sub:"))
        .unwrap();
    assert_eq!(sub.split(':').nth(11), Some("a"), "{listed}");
    assert_eq!(
        refusal(&lab.openpgp_keyring(&[&bob]), &block),
        SignatureProblem::WrongSubkey { key: bob }
    );
}

#[test]
fn s_14_a_revoked_key_is_refused_though_gpg_exits_with_0() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let block = lab.gpg_sign(&bob, TEXT, &[]);
    signer(&lab.openpgp_keyring(&[&bob]), &block);
    let prepared = lab.path(&format!("gnupg/openpgp-revocs.d/{bob}.rev"));
    let certificate = std::fs::read_to_string(prepared)
        .unwrap()
        .replace(":-----", "-----");
    let file = lab.write("revoke.asc", certificate.as_bytes());
    lab.gpg(&["--import", file.to_str().unwrap()]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    assert!(keyring.certificates()[0].revoked());
    assert!(!keyring.certificates()[0].can_sign(now()));
    assert_eq!(
        refusal(&keyring, &block),
        SignatureProblem::RevokedKey { key: bob }
    );
}

#[test]
fn s_14_a_revoked_subkey_is_refused() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    lab.gpg(&["--quick-add-key", &bob, "ed25519", "sign", "never"]);
    let listed = lab.gpg(&["--with-colons", "--list-keys", &bob]);
    let subkey = super::lab::field(&String::from_utf8(listed).unwrap(), "fpr:").remove(1);
    let block = lab.gpg_sign(&format!("{subkey}!"), TEXT, &[]);
    let script = lab.write("commands", b"key 1\nrevkey\ny\n0\n\ny\nsave\n");
    let shell = format!(
        "gpg --quiet --no-tty --pinentry-mode loopback --passphrase '' --command-fd 0 --edit-key {bob} <{}",
        script.display()
    );
    lab.run("sh", &["-c", &shell]);
    assert_eq!(
        refusal(&lab.openpgp_keyring(&[&bob]), &block),
        SignatureProblem::RevokedKey { key: bob }
    );
}

#[test]
fn s_15_an_expired_key_does_not_sign_with_an_older_date() {
    let lab = Lab::new();
    lab.gpg(&[
        "--faked-system-time",
        "20200101T000000!",
        "--quick-gen-key",
        BOB,
        "ed25519",
        "sign,cert",
        "2021-01-01",
    ]);
    let bob = lab.fingerprint_of(BOB);
    let block = lab.gpg_sign(&bob, TEXT, &["--faked-system-time", "20200601T000000!"]);
    assert_eq!(
        refusal(&lab.openpgp_keyring(&[&bob]), &block),
        SignatureProblem::ExpiredKey { key: bob }
    );
}

#[test]
fn s_15_a_key_expires_by_the_servers_clock() {
    let lab = Lab::new();
    lab.gpg(&["--quick-gen-key", BOB, "ed25519", "sign,cert", "30d"]);
    let bob = lab.fingerprint_of(BOB);
    let keyring = lab.openpgp_keyring(&[&bob]);
    let block = lab.gpg_sign(&bob, TEXT, &[]);
    signer(&keyring, &block);
    let later = now().plus(Seconds(31 * 24 * 3600));
    assert_eq!(
        refusal_at(&keyring, &block, later),
        SignatureProblem::ExpiredKey { key: bob }
    );
}

#[test]
fn s_18_short_rsa_and_dsa_keys_are_refused() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "rsa1024", &[]);
    let block = lab.gpg_sign(&bob, TEXT, &["--digest-algo", "SHA256"]);
    let problem = refusal(&lab.openpgp_keyring(&[&bob]), &block);
    let weak = SignatureProblem::Weak {
        what: "RSA 1024 bits".to_owned(),
    };
    assert_eq!(problem, weak);
    // DSA of that length signs even its own user id with SHA-1: it does not get in at all.
    let dave = lab.openpgp_key("Dave <d@x.example>", "dsa1024", &[]);
    let files = key_files([("dave.asc".to_owned(), lab.export(&dave))]);
    let error = Keyring::of(named(&[&dave]), &files, &lab.cache()).unwrap_err();
    assert!(error.to_string().contains("SHA-1"), "{error}");
}

#[test]
fn s_24_and_y_17_a_key_file_holds_what_the_policy_names_and_nothing_else() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let mallory = lab.openpgp_key("Mallory <m@evil.example>", "ed25519", &[]);
    let cache = lab.cache();
    // Another key beside Bob's, in his file or in one of its own.
    let both = lab.gpg(&["--armor", "--export", &bob, &mallory]);
    for files in [
        vec![("bob.asc".to_owned(), both)],
        vec![
            ("bob.asc".to_owned(), lab.export(&bob)),
            ("m.asc".to_owned(), lab.gpg(&["--export", &mallory])),
        ],
    ] {
        let error = Keyring::of(named(&[&bob]), &key_files(files), &cache).unwrap_err();
        assert!(
            matches!(&error, KeyringError::ExtraKey { key, .. } if *key == mallory),
            "{error}"
        );
    }
    // Mallory's key under Bob's name.
    let swapped = key_files([("bob.asc".to_owned(), lab.export(&mallory))]);
    let error = Keyring::of(named(&[&bob]), &swapped, &cache).unwrap_err();
    assert!(matches!(&error, KeyringError::ExtraKey { .. }), "{error}");
    // No file at all.
    let error = Keyring::of(named(&[&bob]), &key_files([]), &cache).unwrap_err();
    assert!(matches!(&error, KeyringError::MissingKey { .. }), "{error}");
    // Nothing of what failed is left to be found.
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 0);
}

#[test]
fn a_secret_key_is_refused_and_never_imported() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    for armor in [&["--armor"][..], &[]] {
        let secret = lab.gpg(&[armor, &["--export-secret-keys", &bob]].concat());
        let files = key_files([("bob.asc".to_owned(), secret.clone())]);
        let error = Keyring::of(named(&[&bob]), &files, &lab.cache()).unwrap_err();
        assert!(error.to_string().contains("secret key"), "{error}");
        assert!(inspect_key_file("bob.asc", &secret).is_err());
    }
}

#[test]
fn a_file_that_holds_no_key_is_refused() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let export = String::from_utf8(lab.export(&bob)).unwrap();
    let signature = lab.gpg_sign(&bob, TEXT, &[]).armor;
    for bad in [
        signature,
        export.as_bytes()[..export.len() / 2].to_vec(),
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n".to_vec(),
    ] {
        let files = key_files([("bob.asc".to_owned(), bad)]);
        let error = Keyring::of(named(&[&bob]), &files, &lab.cache()).unwrap_err();
        assert!(matches!(error, KeyringError::KeyFile { .. }), "{error}");
    }
}

#[test]
fn a_key_file_can_be_looked_into() {
    let lab = Lab::new();
    lab.gpg(&["--quick-gen-key", BOB, "ed25519", "sign,cert", "30d"]);
    let bob = lab.fingerprint_of(BOB);
    let listed = inspect_key_file("bob.asc", &lab.export(&bob)).unwrap();
    let [certificate] = listed.as_slice() else {
        panic!("{listed:?}");
    };
    assert_eq!(certificate.fingerprint, KeyFingerprint::OpenPgp(bob));
    assert_eq!(certificate.user_ids, [BOB]);
    assert!(!certificate.revoked());
    assert!(certificate.can_sign(now()));
    let days = (certificate.expires().unwrap().as_unix() - now().as_unix()) / (24 * 3600);
    assert!((28..=30).contains(&days), "{days}");
    assert!(!certificate.can_sign(now().plus(Seconds(31 * 24 * 3600))));
}

#[test]
fn s_31_a_user_id_with_control_characters_is_escaped() {
    let lab = Lab::new();
    let uid = "Bob \u{1b}[31m\u{202e} <b@x.example>";
    lab.gpg(&[
        "--allow-freeform-uid",
        "--quick-gen-key",
        uid,
        "ed25519",
        "sign,cert",
        "never",
    ]);
    let listed = lab.gpg(&["--with-colons", "--list-keys"]);
    let key = super::lab::field(&String::from_utf8(listed).unwrap(), "fpr:").remove(0);
    let listed = inspect_key_file("bob.asc", &lab.export(&key)).unwrap();
    let shown = &listed[0].user_ids[0];
    assert!(shown.contains("\\x1b[31m"), "{shown:?}");
    assert!(
        !shown.chars().any(|ch| ch.is_control() || ch == '\u{202e}'),
        "{shown:?}"
    );
}
