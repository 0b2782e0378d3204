//! Signature blocks, as far as relhook reads them itself: armor, the OpenPGP packet that is looked
//! at before GnuPG is asked, and the whole of SSH signatures.

use relhook::object::{SignatureBlock, SignatureFormat};
use relhook::policy::KeyFiles;
use relhook::signature::{Keyring, SignatureProblem, SignatureStatus, ssh_fingerprint};
use relhook::types::Timestamp;

/// The only key that is known; nobody has its private half any more.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGcmNcYhbIbzwTtScoW1sDK4oowsA5jU2bIzHtYtyiRk";

/// What it once signed.
const PAYLOAD: &[u8] = b"tree 1111111111111111111111111111111111111111\nfuzz\n";

/// The inside of the signature that it made.
const SIGNATURE: &str = "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgZyY1xiFshvPBO1JyhbWwMriij\
                         CwDmNTZsjMe1i3KJGQAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5\
                         AAAAQE3vqPsgJeofUC7pLhEevHZDUZsy8EWjN8b1QAmyC84ci4WDfzpXTXGrs/1vspW/9F6\
                         xjYSNgwDmF7RVOQIK1QU=";

/// The first byte picks the format, and whether the others are the armor itself or what is in it.
/// Nothing but the one signature that was made is good, to the last bit of it.
pub fn holds(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let (format, label) = match choice % 3 {
        0 => (SignatureFormat::OpenPgp, "PGP SIGNATURE"),
        1 => (SignatureFormat::Ssh, "SSH SIGNATURE"),
        _ => (SignatureFormat::X509, "SIGNED MESSAGE"),
    };
    let armor = match choice & 0x40 {
        0 => rest.to_vec(),
        _ => armored(label, format, rest),
    };
    let block = SignatureBlock {
        format,
        armor,
        payload: PAYLOAD.to_vec(),
    };
    KEYRING.with(
        |keyring| match keyring.verify(&block, Timestamp::from_unix(0)) {
            SignatureStatus::Good(_) => {
                let text: String = String::from_utf8_lossy(&block.armor)
                    .lines()
                    .filter(|line| !line.starts_with("-----"))
                    .collect();
                assert_eq!(text, SIGNATURE, "another encoding of the same signature");
            }
            SignatureStatus::Refused(problem) => refused(&problem),
        },
    );
}

thread_local! {
    static KEYRING: Keyring = {
        let known = [ssh_fingerprint(KEY).expect("a key")].into();
        let nowhere = std::path::Path::new("/nonexistent");
        Keyring::of(known, &KeyFiles::new(), nowhere).expect("no key is for GnuPG")
    };
}

fn refused(problem: &SignatureProblem) {
    super::is_harmless(problem);
    if let SignatureProblem::UnknownKey { key } = problem {
        assert!(!key.is_empty() && key.len() < 80, "{key}");
    }
}

fn armored(label: &str, format: SignatureFormat, bytes: &[u8]) -> Vec<u8> {
    let blank = if format == SignatureFormat::OpenPgp {
        "\n"
    } else {
        ""
    };
    let mut text = format!("-----BEGIN {label}-----\n{blank}");
    for line in base64(bytes).as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("ASCII"));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text.into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk
            .iter()
            .fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let number = number << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place)) & 63];
            text.push(if place > chunk.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    text
}
