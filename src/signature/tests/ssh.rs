//! SSH signatures by ssh-keygen.

use super::lab::{Lab, TEXT, refusal, signer, ssh_block, ssh_keyring};
use crate::signature::{SignatureProblem, SshKeyError, ssh_fingerprint};
use std::fs;

const KINDS: [(&str, &[&str]); 6] = [
    ("ed25519", &["-t", "ed25519"]),
    ("p256", &["-t", "ecdsa", "-b", "256"]),
    ("p384", &["-t", "ecdsa", "-b", "384"]),
    ("p521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa2048", &["-t", "rsa", "-b", "2048"]),
    ("rsa4096", &["-t", "rsa", "-b", "4096"]),
];

#[test]
fn every_accepted_kind_of_key_signs_with_either_hash() {
    let lab = Lab::new();
    for (name, options) in KINDS {
        let key = lab.ssh_key(name, options);
        let keyring = ssh_keyring(&[&key]);
        for hash in ["hashalg=sha256", "hashalg=sha512"] {
            let block = lab.ssh_sign(name, TEXT, &["-O", hash]);
            assert_eq!(signer(&keyring, &block), key, "{name} {hash}");
            let other = ssh_block(block.armor, b"something else");
            assert_eq!(refusal(&keyring, &other), SignatureProblem::Bad, "{name}");
        }
        let line = fs::read_to_string(lab.path(&format!("{name}.pub"))).unwrap();
        assert_eq!(ssh_fingerprint(&line), Ok(key), "{name}");
    }
}

#[test]
fn k_01_a_key_that_the_policy_does_not_hold_is_unknown() {
    let lab = Lab::new();
    let bob = lab.ssh_key("bob", &["-t", "ed25519"]);
    let mallory = lab.ssh_key("mallory", &["-t", "ed25519"]);
    let block = lab.ssh_sign("mallory", TEXT, &[]);
    assert_eq!(
        refusal(&ssh_keyring(&[&bob]), &block),
        SignatureProblem::UnknownKey {
            key: mallory.to_string()
        }
    );
}

#[test]
fn k_02_the_comment_of_a_key_is_not_an_identity() {
    let lab = Lab::new();
    let bob = lab.ssh_key("bob", &["-t", "ed25519"]);
    fs::create_dir(lab.path("evil")).unwrap();
    lab.ssh_key("evil/bob", &["-t", "ed25519", "-C", "bob"]);
    let problem = refusal(&ssh_keyring(&[&bob]), &lab.ssh_sign("evil/bob", TEXT, &[]));
    assert!(
        matches!(problem, SignatureProblem::UnknownKey { .. }),
        "{problem}"
    );
}

#[test]
fn k_03_only_the_namespace_git_counts() {
    let lab = Lab::new();
    let bob = lab.ssh_key("bob", &["-t", "ed25519"]);
    let keyring = ssh_keyring(&[&bob]);
    for namespace in ["file", "git2", "gi", "GIT", "git\u{1b}[m"] {
        let block = lab.ssh_sign("bob", TEXT, &["-n", namespace]);
        let SignatureProblem::WrongNamespace { namespace: shown } = refusal(&keyring, &block)
        else {
            panic!("{namespace}");
        };
        assert_eq!(shown, crate::types::escape(namespace.as_bytes()));
    }
}

#[test]
fn k_10_old_and_short_keys_are_refused() {
    let lab = Lab::new();
    for (name, options) in [
        ("rsa1024", &["-t", "rsa", "-b", "1024"][..]),
        ("dsa", &["-t", "dsa"]),
        ("rsa8192", &["-t", "rsa", "-b", "4104"]),
    ] {
        let key = lab.ssh_key(name, options);
        let line = fs::read_to_string(lab.path(&format!("{name}.pub"))).unwrap();
        let in_policy = ssh_fingerprint(&line).unwrap_err();
        // Even if a policy held it.
        let problem = refusal(&ssh_keyring(&[&key]), &lab.ssh_sign(name, TEXT, &[]));
        match name {
            "rsa1024" => {
                assert_eq!(in_policy, SshKeyError::RsaTooShort { bits: 1024 });
                assert_eq!(
                    problem,
                    SignatureProblem::Weak {
                        what: "RSA 1024 bits".to_owned()
                    }
                );
            }
            "dsa" => {
                assert!(matches!(in_policy, SshKeyError::Unsupported { .. }));
                assert!(
                    matches!(problem, SignatureProblem::Unsupported { .. }),
                    "{problem}"
                );
            }
            _ => {
                assert_eq!(in_policy, SshKeyError::RsaTooLong { bits: 4104 });
                assert!(
                    matches!(problem, SignatureProblem::Unsupported { .. }),
                    "{problem}"
                );
            }
        }
    }
}

#[test]
fn k_06_a_certificate_is_no_key() {
    let lab = Lab::new();
    lab.ssh_key("ca", &["-t", "ed25519"]);
    lab.ssh_key("bob", &["-t", "ed25519"]);
    lab.run(
        "ssh-keygen",
        &["-q", "-s", "ca", "-I", "bob", "-n", "bob", "bob.pub"],
    );
    let line = fs::read_to_string(lab.path("bob-cert.pub")).unwrap();
    assert_eq!(ssh_fingerprint(&line), Err(SshKeyError::Certificate));
}

#[test]
fn a_public_key_is_one_plain_line() {
    let lab = Lab::new();
    lab.ssh_key("bob", &["-t", "ed25519"]);
    let line = fs::read_to_string(lab.path("bob.pub")).unwrap();
    let line = line.trim_end();
    assert!(ssh_fingerprint(line).is_ok());
    let bare: Vec<_> = line.split(' ').take(2).collect();
    assert!(ssh_fingerprint(&bare.join(" ")).is_ok());
    for bad in [
        format!("{line}\n{line}"),
        format!("{line}\n\n"),
        format!(" {line}"),
        format!("no-touch-required {line}"),
        format!("cert-authority {line}"),
        format!("namespaces=\"git\" {line}"),
        format!("* {line}"),
        line.replacen("ssh-ed25519", "ssh-rsa", 1),
        line.replacen("AAAA", "AAAB", 1),
        "ssh-ed25519".to_owned(),
        "ssh-ed25519 ".to_owned(),
        String::new(),
        format!("{line}{}", "x".repeat(5000)),
    ] {
        assert!(ssh_fingerprint(&bad).is_err(), "{bad}");
    }
    let key = fs::read_to_string(lab.path("bob")).unwrap();
    assert!(ssh_fingerprint(&key).is_err());
}

#[test]
fn only_the_canonical_armor_is_read() {
    let lab = Lab::new();
    let bob = lab.ssh_key("bob", &["-t", "ed25519"]);
    let keyring = ssh_keyring(&[&bob]);
    let good = String::from_utf8(lab.ssh_sign("bob", TEXT, &[]).armor).unwrap();
    assert_eq!(
        signer(&keyring, &ssh_block(good.clone().into_bytes(), TEXT)),
        bob
    );
    for bad in [
        format!("{good}x"),
        format!("{good}\n"),
        format!("x\n{good}"),
        good.replace('\n', "\r\n"),
        good.replace('\n', "\n\n"),
        good.replacen('\n', "\nComment: x\n\n", 1),
        good.replace("SSH SIGNATURE", "SIGNATURE"),
        good.replacen("U1NI", "U1NJ", 1),
        good.trim_end().trim_end_matches('-').to_owned(),
    ] {
        let problem = refusal(&keyring, &ssh_block(bad.clone().into_bytes(), TEXT));
        assert!(
            matches!(problem, SignatureProblem::Malformed { .. }),
            "{bad}: {problem}"
        );
    }
}
