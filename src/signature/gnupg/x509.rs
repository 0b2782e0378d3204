//! X.509: certificates pinned by fingerprint, and one CMS signature verified.
//!
//! The policy names the signer's own certificate, so no authority is asked, no chain is built and
//! no revocation list is fetched: whoever holds an authority's key cannot sign for anybody. What
//! gpgsm then does is arithmetic; expiry is judged here, by the server's clock. Revoking a
//! certificate means removing it from the policy.

use super::certificate::{Algorithm, Certificate, CertificateKey};
use super::engine::{self, Scope};
use super::home;
use super::outcome::Outcome;
use super::packet::hex;
use super::worker::{DEADLINE, Job, with_deadline};
use crate::object::SignatureBlock;
use crate::signature::SignatureProblem;
use crate::signature::armor::{self, Label};
use crate::types::{KeyFingerprint, Timestamp, escape};
use base64ct::{Base64, Encoding};
use gpgme::Protocol;
use sha1::{Digest, Sha1};
use std::path::Path;
use std::process::{Command, Stdio};

/// Reads a block strictly: the signature without its armor.
pub(super) fn read(block: &SignatureBlock) -> Result<Vec<u8>, SignatureProblem> {
    armor::dearmor(&block.armor, Label::Cms).map_err(|why| SignatureProblem::Malformed {
        why: why.to_owned(),
    })
}

/// What gpgsm says of a signature over the block's text.
pub(super) fn ask(
    signature: Vec<u8>,
    block: &SignatureBlock,
    home: &Path,
    cache: &Path,
) -> Result<Outcome, String> {
    // gpgsm stores the certificates that a signature brings along. A copy that lives for one
    // signature keeps a stranger's from shadowing ours in the next.
    let scratch = home::scratch_copy(home, cache)?;
    let folder = scratch.path().to_owned();
    let job = Job {
        signature,
        payload: block.payload.clone(),
    };
    with_deadline(DEADLINE, move || {
        job.run(&mut engine::context(
            Protocol::Cms,
            &folder,
            Scope::WithX509,
        )?)
    })
}

/// A certificate as a key file holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Der(Vec<u8>);

impl Der {
    /// GnuPG's name for it: the SHA-1 of its bytes, in upper-case hexadecimal digits.
    pub(super) fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint::X509(hex(&Sha1::digest(&self.0)))
    }
}

/// First and last line of a certificate in a PEM file.
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The certificates of a key file; none if it is a file of another kind.
pub(super) fn certificates(content: &[u8]) -> Result<Vec<Der>, String> {
    // A DER certificate is a SEQUENCE with a length of two bytes.
    if let [0x30, 0x82, high, low, rest @ ..] = content {
        let length = usize::from(*high) << 8 | usize::from(*low);
        return if rest.len() == length {
            Ok(vec![Der(content.to_vec())])
        } else {
            Err("not exactly one certificate".to_owned())
        };
    }
    let Ok(text) = std::str::from_utf8(content) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (body, after) = after
            .split_once(END)
            .ok_or("a certificate without its last line")?;
        let base64: String = body.split_ascii_whitespace().collect();
        let der = Base64::decode_vec(&base64).map_err(|_| "a certificate that is not base64")?;
        found.push(Der(der));
        rest = after;
    }
    Ok(found)
}

/// Puts certificates into a home and lists them.
pub(super) fn import(home: &Path, wanted: &[Der]) -> Result<Vec<Certificate>, String> {
    let file = home.join("import.der");
    for der in wanted {
        std::fs::write(&file, &der.0).map_err(|error| error.to_string())?;
        gpgsm(home, &["--import", &file.to_string_lossy()])?;
    }
    std::fs::remove_file(&file).map_err(|error| error.to_string())?;
    parse_list(&gpgsm(home, &["--with-colons", "--list-keys"])?)
}

/// Runs gpgsm over a home, with nothing of our environment.
///
/// The library would do, had it not to be told at its first use in a process that X.509 is wanted;
/// a keyring is made before it is known what will be verified.
fn gpgsm(home: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(engine::program("gpgsm")?)
        .env_clear()
        .env("LC_ALL", "C")
        .arg("--homedir")
        .arg(home)
        .args(["--batch", "--no-tty"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("gpgsm: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().last().unwrap_or("it said nothing");
    Err(escape(line.as_bytes()))
}

/// Reads `--with-colons` (GnuPG's doc/DETAILS): `crt` begins a certificate, `fpr` and `uid` follow.
fn parse_list(text: &str) -> Result<Vec<Certificate>, String> {
    let mut certificates: Vec<Certificate> = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |number: usize| fields.get(number - 1).copied().unwrap_or_default();
        match (field(1), certificates.last_mut()) {
            ("crt", _) => certificates.push(begin(field)?),
            ("fpr", Some(last)) => {
                let print = field(10).to_owned();
                last.fingerprint = KeyFingerprint::X509(print.clone());
                last.keys
                    .iter_mut()
                    .for_each(|key| key.fingerprint.clone_from(&print));
            }
            ("uid", Some(last)) => last.user_ids.push(escape(field(10).as_bytes())),
            _ => {}
        }
    }
    Ok(certificates)
}

/// A certificate from its first line, without its fingerprint yet.
fn begin<'a>(field: impl Fn(usize) -> &'a str) -> Result<Certificate, String> {
    Ok(Certificate {
        fingerprint: KeyFingerprint::X509(String::new()),
        user_ids: Vec::new(),
        keys: vec![CertificateKey {
            fingerprint: String::new(),
            created: Some(time(field(6))?),
            expires: Some(time(field(7))?),
            revoked: false,
            can_sign: field(12).contains('s'),
            algorithm: match field(4) {
                "1" | "3" => Algorithm::Rsa,
                "17" => Algorithm::Dsa,
                "18" | "19" | "22" | "301" | "303" => Algorithm::Curve,
                _ => Algorithm::Other,
            },
            bits: field(3).parse().unwrap_or(0),
        }],
    })
}

/// `20261224T040939`, UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let part = |range| text.get(range).unwrap_or_default();
    let (date, clock) = text.split_once('T').unwrap_or_default();
    if date.len() != 8 || clock.len() != 6 {
        return Err("gpgsm lists a certificate without its times".to_owned());
    }
    format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4),
        part(4..6),
        part(6..8),
        part(9..11),
        part(11..13),
        part(13..15)
    )
    .parse()
    .map_err(|_| "gpgsm lists a certificate with odd times".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_in_one_form() {
        let shown = |text| time(text).map(|at| at.to_string());
        assert_eq!(
            shown("20261224T040939"),
            Ok("2026-12-24T04:09:39Z".to_owned())
        );
        for bad in [
            "",
            "20261224",
            "20261224T0409",
            "20261324T040939",
            "2026122éT04093",
            "0",
        ] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_of_another_kind_holds_no_certificate_and_a_broken_one_is_an_error() {
        assert_eq!(certificates(b"ssh-ed25519 AAAA dana"), Ok(Vec::new()));
        assert_eq!(certificates(b"\xff\xfe"), Ok(Vec::new()));
        let pem = |body: &str| certificates(format!("{BEGIN}\n{body}\n{END}\n").as_bytes());
        assert_eq!(pem("AAEC\r\nAw=="), Ok(vec![Der(vec![0, 1, 2, 3])]));
        assert!(pem("A*").is_err());
        assert!(certificates(format!("{BEGIN}\nAAEC\n").as_bytes()).is_err());
        assert!(certificates(&[0x30, 0x82, 0, 9, 1]).is_err());
    }

    proptest! {
        #[test]
        fn no_list_makes_the_reader_panic(text in "((crt|fpr|uid|sub)?[:0-9T]{0,60}\n){0,4}") {
            let _ = parse_list(&text);
        }

        #[test]
        fn no_file_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = certificates(&bytes);
            let _ = certificates(&[&[0x30, 0x82][..], &bytes].concat());
        }
    }
}
