//! The same signatures under the original tools: git, gpg and ssh-keygen.
//!
//! Where they and relhook agree, the test says so; each difference is wanted, and stands here with
//! its reason.

use super::lab::{Lab, TEXT, pgp_block, refusal, signer, ssh_block, ssh_keyring};
use crate::object::SignatureBlock;
use crate::signature::SignatureProblem;
use std::fs;

const BOB: &str = "Bob <bob@corp.example>";

/// Whether `gpg --verify` exits with 0, and its status lines.
fn gpg_says(lab: &Lab, block: &SignatureBlock) -> (bool, String) {
    lab.write("text", &block.payload);
    lab.write("text.asc", &block.armor);
    let output = lab.try_run(
        "gpg",
        &[
            "--batch",
            "--status-fd",
            "1",
            "--verify",
            "text.asc",
            "text",
        ],
    );
    let status = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), status)
}

/// Whether `ssh-keygen -Y verify` exits with 0.
fn ssh_says(lab: &Lab, name: &str, block: &SignatureBlock) -> bool {
    let line = fs::read_to_string(lab.path(&format!("{name}.pub"))).unwrap();
    lab.write("allowed", format!("bob {line}").as_bytes());
    lab.write("text", &block.payload);
    lab.write("text.sig", &block.armor);
    let verify = "ssh-keygen -Y verify -f allowed -I bob -n git -s text.sig <text";
    lab.try_run("sh", &["-c", verify]).status.success()
}

/// A repository with one tag signed as git signs: its text and signature.
fn tag(lab: &Lab, config: &str) -> SignatureBlock {
    let script = format!(
        "git init -q repo && cd repo && git config user.name Bob && git config user.email bob@corp.example \
         && {config} && git commit -q --allow-empty -m hello && git tag -s -m approve v1 && git cat-file tag v1"
    );
    let raw = lab.run("sh", &["-c", &script]);
    let begin = b"-----BEGIN ";
    let at = raw
        .windows(begin.len())
        .position(|window| window == begin)
        .unwrap();
    let (text, armor) = raw.split_at(at);
    if armor.starts_with(b"-----BEGIN SSH") {
        ssh_block(armor.to_vec(), text)
    } else {
        pgp_block(armor.to_vec(), text)
    }
}

#[test]
fn a_tag_signed_by_git_with_openpgp_is_good_for_both() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let block = tag(&lab, &format!("git config user.signingkey {bob}"));
    signer(&lab.openpgp_keyring(&[&bob]), &block);
    lab.run("sh", &["-c", "cd repo && git verify-tag v1"]);
}

#[test]
fn a_tag_signed_by_git_with_ssh_is_good_for_both() {
    let lab = Lab::new();
    let bob = lab.ssh_key("bob", &["-t", "ed25519"]);
    let config = "git config gpg.format ssh && git config user.signingkey ../bob \
                  && git config gpg.ssh.allowedSignersFile ../allowed";
    let block = tag(&lab, config);
    assert_eq!(signer(&ssh_keyring(&[&bob]), &block), bob);
    let line = fs::read_to_string(lab.path("bob.pub")).unwrap();
    lab.write("allowed", format!("bob@corp.example {line}").as_bytes());
    lab.run("sh", &["-c", "cd repo && git verify-tag v1"]);
}

#[test]
fn difference_gpg_exits_with_0_for_a_key_that_has_expired() {
    let lab = Lab::new();
    let fake = ["--faked-system-time", "20200101T000000!"];
    lab.gpg(
        &[
            &fake[..],
            &["--quick-gen-key", BOB, "ed25519", "sign,cert", "2021-01-01"],
        ]
        .concat(),
    );
    let bob = lab.fingerprint_of(BOB);
    let block = lab.gpg_sign(&bob, TEXT, &["--faked-system-time", "20200601T000000!"]);
    let (passed, status) = gpg_says(&lab, &block);
    // The signer chooses the date of a signature, so only the clock of the server can decide.
    assert!(
        passed && status.contains("EXPKEYSIG") && status.contains("VALIDSIG"),
        "{status}"
    );
    let problem = refusal(&lab.openpgp_keyring(&[&bob]), &block);
    assert!(
        matches!(problem, SignatureProblem::ExpiredKey { .. }),
        "{problem}"
    );
}

#[test]
fn difference_gpg_takes_sha_1_and_signatures_from_the_future() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "rsa2048", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    // SHA-1 collides: two texts could share a signature.
    let weak = lab.gpg_sign(&bob, TEXT, &["--digest-algo", "SHA1"]);
    assert!(gpg_says(&lab, &weak).0);
    assert!(matches!(
        refusal(&keyring, &weak),
        SignatureProblem::Weak { .. }
    ));
    // A date that is yet to come would outlive every expiry.
    let future = lab.gpg_sign(&bob, TEXT, &["--faked-system-time", "20600101T000000!"]);
    assert!(gpg_says(&lab, &future).1.contains("GOODSIG"));
    assert!(matches!(
        refusal(&keyring, &future),
        SignatureProblem::NotYetValid { .. }
    ));
}

#[test]
fn difference_gpg_takes_text_mode_over_other_line_endings() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let mut block = lab.gpg_sign(&bob, TEXT, &["--textmode"]);
    block.payload = String::from_utf8(block.payload)
        .unwrap()
        .replace('\n', "\r\n")
        .into_bytes();
    // An object with other bytes has another name; a signature has to be over one.
    assert!(gpg_says(&lab, &block).0);
    let problem = refusal(&lab.openpgp_keyring(&[&bob]), &block);
    assert!(
        matches!(problem, SignatureProblem::Unsupported { .. }),
        "{problem}"
    );
}

#[test]
fn difference_gpg_takes_any_key_of_any_name() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let keyring = lab.openpgp_keyring(&[&bob]);
    lab.gpg(&[
        "--quick-gen-key",
        "--allow-freeform-uid",
        "Bob the other <bob@corp.example>",
        "ed25519",
        "sign,cert",
        "never",
    ]);
    let mallory = lab.fingerprint_of("Bob the other <bob@corp.example>");
    let block = lab.gpg_sign(&mallory, TEXT, &[]);
    assert!(gpg_says(&lab, &block).1.contains("GOODSIG"));
    assert_eq!(
        refusal(&keyring, &block),
        SignatureProblem::UnknownKey { key: mallory }
    );
}

#[test]
fn agreement_on_what_is_bad() {
    let lab = Lab::new();
    let bob = lab.openpgp_key(BOB, "ed25519", &[]);
    let dana = lab.ssh_key("dana", &["-t", "ed25519"]);
    let (openpgp, ssh) = (lab.openpgp_keyring(&[&bob]), ssh_keyring(&[&dana]));
    let mut one = lab.gpg_sign(&bob, TEXT, &[]);
    let mut two = lab.ssh_sign("dana", TEXT, &[]);
    assert!(gpg_says(&lab, &one).0 && ssh_says(&lab, "dana", &two));
    signer(&openpgp, &one);
    signer(&ssh, &two);
    one.payload.push(b'\n');
    two.payload.push(b'\n');
    assert!(!gpg_says(&lab, &one).0 && !ssh_says(&lab, "dana", &two));
    assert_eq!(refusal(&openpgp, &one), SignatureProblem::Bad);
    assert_eq!(refusal(&ssh, &two), SignatureProblem::Bad);
}

#[test]
fn difference_ssh_keygen_takes_short_rsa_and_text_around_the_armor() {
    let lab = Lab::new();
    // 1024 bits have been too few since 2013.
    let short = lab.ssh_key("short", &["-t", "rsa", "-b", "1024"]);
    let block = lab.ssh_sign("short", TEXT, &[]);
    assert!(ssh_says(&lab, "short", &block));
    assert!(matches!(
        refusal(&ssh_keyring(&[&short]), &block),
        SignatureProblem::Weak { .. }
    ));
    // What follows a signature is not covered by it.
    let dana = lab.ssh_key("dana", &["-t", "ed25519"]);
    let mut block = lab.ssh_sign("dana", TEXT, &[]);
    block.armor.extend(b"commit: EVIL\n");
    assert!(ssh_says(&lab, "dana", &block));
    let problem = refusal(&ssh_keyring(&[&dana]), &block);
    assert!(
        matches!(problem, SignatureProblem::Malformed { .. }),
        "{problem}"
    );
}
