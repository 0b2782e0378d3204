//! SSH signatures put together by hand: what ssh-keygen would not write.

use super::lab::{Lab, TEXT, refusal, signer, ssh_block, ssh_keyring};
use crate::object::SignatureBlock;
use crate::signature::armor::{Label, dearmor};
use crate::signature::wire::Wire;
use crate::signature::{SignatureProblem, ssh_fingerprint};
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256, Sha512};
use std::fs;

/// A string of the wire format.
fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes()[..], bytes].concat()
}

/// The fields of a signature, to be changed.
#[derive(Clone)]
struct Blob {
    version: u32,
    key: Vec<u8>,
    namespace: Vec<u8>,
    reserved: Vec<u8>,
    hash: Vec<u8>,
    signature: Vec<u8>,
    tail: Vec<u8>,
}

impl Blob {
    fn of(block: &SignatureBlock) -> Self {
        let bytes = dearmor(&block.armor, Label::Ssh).unwrap();
        let mut wire = Wire::new(&bytes[6..]);
        let version = wire.number().unwrap();
        let mut next = || wire.string().unwrap().to_vec();
        Self {
            version,
            key: next(),
            namespace: next(),
            reserved: next(),
            hash: next(),
            signature: next(),
            tail: Vec::new(),
        }
    }

    fn block(&self) -> SignatureBlock {
        let bytes = [
            b"SSHSIG".to_vec(),
            self.version.to_be_bytes().to_vec(),
            string(&self.key),
            string(&self.namespace),
            string(&self.reserved),
            string(&self.hash),
            string(&self.signature),
            self.tail.clone(),
        ]
        .concat();
        let base64 = Base64::encode_string(&bytes);
        let lines: Vec<_> = base64
            .as_bytes()
            .chunks(70)
            .map(String::from_utf8_lossy)
            .collect();
        let armor = format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----",
            lines.join("\n")
        );
        ssh_block(armor.into_bytes(), TEXT)
    }
}

#[test]
fn every_field_is_what_it_has_to_be() {
    let lab = Lab::new();
    let bob = lab.ssh_key("bob", &["-t", "ed25519"]);
    let keyring = ssh_keyring(&[&bob]);
    let good = Blob::of(&lab.ssh_sign("bob", TEXT, &[]));
    assert_eq!(signer(&keyring, &good.block()), bob);
    let malformed = |change: &dyn Fn(&mut Blob)| {
        let mut blob = good.clone();
        change(&mut blob);
        let problem = refusal(&keyring, &blob.block());
        assert!(
            matches!(problem, SignatureProblem::Malformed { .. }),
            "{problem}"
        );
    };
    malformed(&|blob| blob.version = 0);
    malformed(&|blob| blob.version = 2);
    malformed(&|blob| blob.reserved = b"x".to_vec());
    malformed(&|blob| blob.tail = b"x".to_vec());
    malformed(&|blob| blob.key.push(0));
    malformed(&|blob| blob.signature.push(0));
    malformed(&|blob| blob.signature.truncate(20));
    malformed(&|blob| blob.key.clear());
    malformed(&|blob| blob.signature = [string(b"ssh-rsa"), string(&[0; 64])].concat());
    malformed(&|blob| blob.signature = [string(b"ssh-ed25519"), string(&[0; 63])].concat());
    let mut other = good.clone();
    other.signature = [string(b"ssh-ed25519"), string(&[0; 64])].concat();
    assert_eq!(refusal(&keyring, &other.block()), SignatureProblem::Bad);
}

#[test]
fn k_10_sha_1_is_refused_wherever_it_stands() {
    let lab = Lab::new();
    let bob = lab.ssh_key("bob", &["-t", "rsa", "-b", "2048"]);
    let keyring = ssh_keyring(&[&bob]);
    let good = Blob::of(&lab.ssh_sign("bob", TEXT, &[]));
    let mut outer = good.clone();
    outer.hash = b"sha1".to_vec();
    assert!(matches!(
        refusal(&keyring, &outer.block()),
        SignatureProblem::Weak { .. }
    ));
    outer.hash = b"sha3".to_vec();
    assert!(matches!(
        refusal(&keyring, &outer.block()),
        SignatureProblem::Unsupported { .. }
    ));
    let mut inner = good.clone();
    let mut wire = Wire::new(&good.signature);
    assert_eq!(wire.string(), Some(&b"rsa-sha2-512"[..]));
    let number = wire.string().unwrap();
    inner.signature = [string(b"ssh-rsa"), string(number)].concat();
    assert!(matches!(
        refusal(&keyring, &inner.block()),
        SignatureProblem::Weak { .. }
    ));
    inner.signature = [string(b"rsa-sha2-256"), string(number)].concat();
    assert_eq!(refusal(&keyring, &inner.block()), SignatureProblem::Bad);
}

#[test]
fn k_06_a_certificate_in_a_signature_is_refused() {
    let lab = Lab::new();
    let bob = lab.ssh_key("bob", &["-t", "ed25519"]);
    lab.ssh_key("ca", &["-t", "ed25519"]);
    lab.run(
        "ssh-keygen",
        &["-q", "-s", "ca", "-I", "bob", "-n", "bob", "bob.pub"],
    );
    let line = fs::read_to_string(lab.path("bob-cert.pub")).unwrap();
    let mut blob = Blob::of(&lab.ssh_sign("bob", TEXT, &[]));
    blob.key = Base64::decode_vec(line.split(' ').nth(1).unwrap()).unwrap();
    let problem = refusal(&ssh_keyring(&[&bob]), &blob.block());
    assert!(
        matches!(problem, SignatureProblem::Unsupported { .. }),
        "{problem}"
    );
}

/// What the outer signature covers.
fn signed_data() -> Vec<u8> {
    [
        b"SSHSIG".to_vec(),
        string(b"git"),
        string(b""),
        string(b"sha512"),
        string(&Sha512::digest(TEXT)),
    ]
    .concat()
}

/// What a security key signs: the application, its flags and counter, and the data.
fn touched(flags: u8) -> Vec<u8> {
    [
        Sha256::digest(b"ssh:").to_vec(),
        vec![flags, 0, 0, 0, 7],
        Sha256::digest(signed_data()).to_vec(),
    ]
    .concat()
}

/// A security key in software, of either kind, and its signatures with and without a touch.
fn security_key(lab: &Lab, kind: &str) -> (String, Blob, Blob) {
    let ed25519 = kind == "ed25519";
    let make: &[&str] = if ed25519 {
        &["genpkey", "-algorithm", "ed25519", "-out", "sk.pem"]
    } else {
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-out",
            "sk.pem",
        ]
    };
    lab.run("openssl", make);
    let public = lab.run(
        "openssl",
        &["pkey", "-in", "sk.pem", "-pubout", "-outform", "DER"],
    );
    let (name, key) = if ed25519 {
        let point = &public[public.len() - 32..];
        let name = "sk-ssh-ed25519@openssh.com";
        (
            name,
            [string(name.as_bytes()), string(point), string(b"ssh:")].concat(),
        )
    } else {
        let point = &public[public.len() - 65..];
        let name = "sk-ecdsa-sha2-nistp256@openssh.com";
        let parts = [
            string(name.as_bytes()),
            string(b"nistp256"),
            string(point),
            string(b"ssh:"),
        ];
        (name, parts.concat())
    };
    let signed = |flags: u8| {
        lab.write("data", &touched(flags));
        let signature = if ed25519 {
            lab.run(
                "openssl",
                &[
                    "pkeyutl", "-sign", "-inkey", "sk.pem", "-rawin", "-in", "data",
                ],
            )
        } else {
            let der = lab.run("openssl", &["dgst", "-sha256", "-sign", "sk.pem", "data"]);
            // SEQUENCE { INTEGER r, INTEGER s }: the integers are the wire format's.
            let r = &der[4..4 + usize::from(der[3])];
            let s = &der[6 + r.len()..];
            [string(r), string(s)].concat()
        };
        Blob {
            version: 1,
            key: key.clone(),
            namespace: b"git".to_vec(),
            reserved: Vec::new(),
            hash: b"sha512".to_vec(),
            signature: [
                string(name.as_bytes()),
                string(&signature),
                vec![flags, 0, 0, 0, 7],
            ]
            .concat(),
            tail: Vec::new(),
        }
    };
    let line = format!("{name} {}", Base64::encode_string(&key));
    (line, signed(1), signed(0))
}

#[test]
fn k_09_a_security_key_has_to_be_touched() {
    let lab = Lab::new();
    for kind in ["ed25519", "ecdsa"] {
        let (line, with_touch, without) = security_key(&lab, kind);
        let key = ssh_fingerprint(&line).unwrap();
        let keyring = ssh_keyring(&[&key]);
        assert_eq!(signer(&keyring, &with_touch.block()), key, "{kind}");
        let no_touch = SignatureProblem::NoTouch {
            key: key.to_string(),
        };
        assert_eq!(refusal(&keyring, &without.block()), no_touch, "{kind}");
        // The flag cannot be added later: the key signed it.
        let mut lie = without.clone();
        let at = lie.signature.len() - 5;
        lie.signature[at] = 1;
        assert_eq!(
            refusal(&keyring, &lie.block()),
            SignatureProblem::Bad,
            "{kind}"
        );

        // OpenSSH takes the same signature.
        lab.write("allowed", format!("bob {line}\n").as_bytes());
        lab.write(
            "sk.sig",
            &[with_touch.block().armor, b"\n".to_vec()].concat(),
        );
        lab.write("text", TEXT);
        let verify = "ssh-keygen -Y verify -f allowed -I bob -n git -s sk.sig <text";
        lab.run("sh", &["-c", verify]);
    }
}
