//! X.509 signatures by gpgsm and openssl.

use super::lab::{Lab, TEXT, block, field, key_files, now, refusal, refusal_at, signer};
use crate::object::{SignatureBlock, SignatureFormat};
use crate::signature::{Keyring, KeyringError, SignatureProblem, inspect_key_file};
use crate::types::{KeyFingerprint, Seconds};
use base64ct::{Base64, Encoding};
use std::fs;

const CONFIG: &str = "[req]
distinguished_name=dn
prompt=no
x509_extensions=v3
[dn]
CN=Rita Reviewer
emailAddress=rita@corp.example
[v3]
basicConstraints=critical,CA:FALSE
subjectKeyIdentifier=hash
keyUsage=critical,";

/// Makes a key and a certificate signed by itself, valid for 30 days; its name in the policy.
fn certificate(lab: &Lab, name: &str, key: &[&str], usage: &str) -> KeyFingerprint {
    lab.write("req.cnf", format!("{CONFIG}{usage}\n").as_bytes());
    let (secret, public) = (format!("{name}.key"), format!("{name}.crt"));
    let mut all = vec!["genpkey", "-quiet", "-out", &secret];
    all.extend(key);
    lab.run("openssl", &all);
    lab.run(
        "openssl",
        &[
            "req", "-x509", "-key", &secret, "-out", &public, "-days", "30", "-config", "req.cnf",
            "-sha256",
        ],
    );
    print(lab, name)
}

fn print(lab: &Lab, name: &str) -> KeyFingerprint {
    let file = format!("{name}.crt");
    let shown = lab.run(
        "openssl",
        &["x509", "-in", &file, "-noout", "-fingerprint", "-sha1"],
    );
    let shown = String::from_utf8(shown).unwrap();
    KeyFingerprint::X509(shown.trim().split_once('=').unwrap().1.replace(':', ""))
}

const RSA: [&str; 4] = ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"];

fn keyring(lab: &Lab, names: &[&str]) -> Keyring {
    let files = names.iter().map(|name| {
        let file = format!("{name}.crt");
        (file.clone(), fs::read(lab.path(&file)).unwrap())
    });
    let known = names.iter().map(|name| print(lab, name)).collect();
    Keyring::of(known, &key_files(files), &lab.cache()).unwrap()
}

/// A CMS signature in git's armor.
fn armored(der: &[u8], text: &[u8]) -> SignatureBlock {
    let base64 = Base64::encode_string(der);
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let armor = format!(
        "-----BEGIN SIGNED MESSAGE-----\n{}\n-----END SIGNED MESSAGE-----\n",
        lines.join("\n")
    );
    block(SignatureFormat::X509, armor.into_bytes(), text)
}

/// Signs with openssl, which brings the certificate along.
fn openssl_sign(lab: &Lab, name: &str, text: &[u8], options: &[&str]) -> SignatureBlock {
    lab.write("text", text);
    let (secret, public) = (format!("{name}.key"), format!("{name}.crt"));
    let mut all = vec![
        "cms",
        "-sign",
        "-binary",
        "-in",
        "text",
        "-outform",
        "DER",
        "-nosmimecap",
    ];
    all.extend(["-signer", &public, "-inkey", &secret]);
    all.extend(options);
    armored(&lab.run("openssl", &all), text)
}

#[test]
fn git_with_gpgsm_signs_and_its_signature_is_good() {
    let lab = Lab::new();
    let rita = certificate(&lab, "rita", &RSA, "digitalSignature");
    lab.write("gnupg/gpg-agent.conf", b"allow-loopback-pinentry\n");
    lab.run(
        "openssl",
        &[
            "pkcs12", "-export", "-legacy", "-in", "rita.crt", "-inkey", "rita.key", "-out",
            "rita.p12", "-passout", "pass:",
        ],
    );
    let import = "gpgsm --batch --quiet --pinentry-mode loopback --passphrase-fd 0 --import rita.p12 </dev/null";
    lab.run("sh", &["-c", import]);
    lab.write(
        "gnupg/trustlist.txt",
        format!("{rita} S relax\n").as_bytes(),
    );
    lab.write("gnupg/gpgsm.conf", b"disable-crl-checks\n");
    let script = format!(
        "git init -q repo && cd repo && git config user.name Rita && git config user.email rita@corp.example \
         && git config gpg.format x509 && git config user.signingkey {rita} \
         && git commit -q --allow-empty -m hello && git tag -s -m approve v1 && git cat-file tag v1"
    );
    let raw = String::from_utf8(lab.run("sh", &["-c", &script])).unwrap();
    let at = raw.find("-----BEGIN SIGNED MESSAGE-----").unwrap();
    let signed = block(
        SignatureFormat::X509,
        raw.as_bytes()[at..].to_vec(),
        &raw.as_bytes()[..at],
    );
    let keyring = keyring(&lab, &["rita"]);
    assert_eq!(signer(&keyring, &signed), rita);
    let mut other = signed.clone();
    other.payload.extend(b"more");
    assert_eq!(refusal(&keyring, &other), SignatureProblem::Bad);
    assert_eq!(keyring.certificates()[0].user_ids.len(), 2);

    // Beside the original: git asks gpgsm, which asks the agent whom the machine trusts.
    lab.run("sh", &["-c", "cd repo && git verify-tag v1"]);
}

#[test]
fn openssl_and_curves_sign_too() {
    let lab = Lab::new();
    let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    for (name, key) in [("rsa", &RSA[..]), ("curve", &curve[..])] {
        let print = certificate(&lab, name, key, "digitalSignature");
        let keyring = keyring(&lab, &[name]);
        let block = openssl_sign(&lab, name, TEXT, &["-md", "sha256"]);
        assert_eq!(signer(&keyring, &block), print, "{name}");
    }
}

#[test]
fn s_30_a_certificate_that_the_policy_does_not_name_is_unknown() {
    let lab = Lab::new();
    certificate(&lab, "rita", &RSA, "digitalSignature");
    let mallory = certificate(&lab, "mallory", &RSA, "digitalSignature");
    let keyring = keyring(&lab, &["rita"]);
    let brought_along = openssl_sign(&lab, "mallory", TEXT, &["-md", "sha256"]);
    let unknown = SignatureProblem::UnknownKey {
        key: mallory.to_string(),
    };
    assert_eq!(refusal(&keyring, &brought_along), unknown);
    // Seeing it once does not make it known, nor does it hide the right one of the same name.
    assert_eq!(refusal(&keyring, &brought_along), unknown);
    let good = openssl_sign(&lab, "rita", TEXT, &["-md", "sha256", "-nocerts"]);
    signer(&keyring, &good);
    // Not brought along, it is not even found.
    let bare = openssl_sign(&lab, "mallory", TEXT, &["-md", "sha256", "-nocerts"]);
    let problem = refusal(&keyring, &bare);
    assert!(
        matches!(problem, SignatureProblem::UnknownKey { .. }),
        "{problem}"
    );
    // A policy without X.509 does not ask gpgsm at all.
    let bob = lab.ssh_key("bob", &["-t", "ed25519"]);
    let problem = refusal(&super::lab::ssh_keyring(&[&bob]), &good);
    assert!(
        matches!(problem, SignatureProblem::UnknownKey { .. }),
        "{problem}"
    );
}

#[test]
fn s_15_a_certificate_expires_by_the_servers_clock() {
    let lab = Lab::new();
    let rita = certificate(&lab, "rita", &RSA, "digitalSignature");
    let keyring = keyring(&lab, &["rita"]);
    let block = openssl_sign(&lab, "rita", TEXT, &["-md", "sha256"]);
    signer(&keyring, &block);
    let later = now().plus(Seconds(31 * 24 * 3600));
    assert_eq!(
        refusal_at(&keyring, &block, later),
        SignatureProblem::ExpiredKey {
            key: rita.to_string()
        }
    );
    let before = crate::types::Timestamp::from_unix(now().as_unix() - 24 * 3600);
    let problem = refusal_at(&keyring, &block, before);
    assert!(
        matches!(problem, SignatureProblem::NotYetValid { .. }),
        "{problem}"
    );
}

#[test]
fn s_18_weak_digests_and_short_keys_are_refused() {
    let lab = Lab::new();
    certificate(&lab, "rita", &RSA, "digitalSignature");
    let block = openssl_sign(&lab, "rita", TEXT, &["-md", "sha1"]);
    let problem = refusal(&keyring(&lab, &["rita"]), &block);
    assert!(
        matches!(problem, SignatureProblem::Weak { .. }),
        "{problem}"
    );
    let short = ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024"];
    certificate(&lab, "short", &short, "digitalSignature");
    let block = openssl_sign(&lab, "short", TEXT, &["-md", "sha256"]);
    let problem = refusal(&keyring(&lab, &["short"]), &block);
    assert!(
        matches!(problem, SignatureProblem::Weak { .. }),
        "{problem}"
    );
}

#[test]
fn a_certificate_that_is_not_for_signing_does_not_sign() {
    let lab = Lab::new();
    certificate(&lab, "rita", &RSA, "keyEncipherment");
    let block = openssl_sign(&lab, "rita", TEXT, &["-md", "sha256"]);
    let problem = refusal(&keyring(&lab, &["rita"]), &block);
    assert!(
        matches!(problem, SignatureProblem::WrongSubkey { .. }),
        "{problem}"
    );
}

#[test]
fn s_20_and_s_07_one_detached_signature_and_nothing_else() {
    let lab = Lab::new();
    certificate(&lab, "rita", &RSA, "digitalSignature");
    certificate(&lab, "mallory", &RSA, "digitalSignature");
    let keyring = keyring(&lab, &["rita"]);
    let opaque = openssl_sign(&lab, "rita", TEXT, &["-md", "sha256", "-nodetach"]);
    refusal(&keyring, &opaque);
    for order in [["rita", "mallory"], ["mallory", "rita"]] {
        let [first, second] = order.map(|name| (format!("{name}.crt"), format!("{name}.key")));
        lab.write("text", TEXT);
        let der = lab.run(
            "openssl",
            &[
                "cms", "-sign", "-binary", "-in", "text", "-outform", "DER", "-md", "sha256",
                "-signer", &first.0, "-inkey", &first.1, "-signer", &second.0, "-inkey", &second.1,
            ],
        );
        let problem = refusal(&keyring, &armored(&der, TEXT));
        assert!(
            !matches!(problem, SignatureProblem::EngineFailed { .. }),
            "{problem}"
        );
    }
    let mut tail = openssl_sign(&lab, "rita", TEXT, &["-md", "sha256"]);
    tail.armor.extend(b"x\n");
    assert!(matches!(
        refusal(&keyring, &tail),
        SignatureProblem::Malformed { .. }
    ));
    refusal(&keyring, &armored(b"not CMS at all", TEXT));
}

#[test]
fn key_files_may_hold_a_chain_but_have_to_hold_the_certificate() {
    let lab = Lab::new();
    let rita = certificate(&lab, "rita", &RSA, "digitalSignature");
    certificate(&lab, "authority", &RSA, "keyCertSign");
    let read = |name: &str| fs::read(lab.path(name)).unwrap();
    let chain = [read("authority.crt"), read("rita.crt")].concat();
    let der = lab.run("openssl", &["x509", "-in", "rita.crt", "-outform", "DER"]);
    for (number, content) in [chain, der].into_iter().enumerate() {
        let files = key_files([("rita.pem".to_owned(), content)]);
        let cache = lab.path(&format!("cache{number}"));
        let keyring = Keyring::of([rita.clone()].into(), &files, &cache).unwrap();
        let listed: Vec<_> = keyring
            .certificates()
            .iter()
            .map(|held| &held.fingerprint)
            .collect();
        assert_eq!(listed, [&rita]);
    }
    let files = key_files([("authority.crt".to_owned(), read("authority.crt"))]);
    let error = Keyring::of([rita.clone()].into(), &files, &lab.cache()).unwrap_err();
    assert_eq!(error, KeyringError::MissingKey { key: rita.clone() });
    let [listed] = inspect_key_file("rita.crt", &read("rita.crt"))
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(listed.fingerprint, rita);
    assert!(listed.can_sign(now()));
    assert!(inspect_key_file("x", b"hello").is_err());
}

#[test]
fn verifying_starts_no_agent() {
    let lab = Lab::new();
    certificate(&lab, "rita", &RSA, "digitalSignature");
    let keyring = keyring(&lab, &["rita"]);
    signer(
        &keyring,
        &openssl_sign(&lab, "rita", TEXT, &["-md", "sha256"]),
    );
    let found = lab.run("find", &["cache", "-name", "S.*"]);
    assert!(found.is_empty(), "{}", String::from_utf8_lossy(&found));
    // And no scratch folder is left.
    assert_eq!(fs::read_dir(lab.cache()).unwrap().count(), 1);
    assert!(field("", "fpr:").is_empty());
}
