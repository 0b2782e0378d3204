//! Certificates that hold, and everything else.

use super::*;
use crate::policy::{KeyFiles, Policy};
use crate::signature::{Keyring, SignatureProblem};
use crate::types::{Oid, RefChange, RefName, Timestamp};
use hmac::{Hmac, Mac};
use proptest::prelude::*;
use sha1::Sha1;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const SEED: &[u8] = b"0123456789abcdef0123";
const NOW: i64 = 1_790_000_000;
const PATH: &str = "/srv/git/site.git";

fn oid(digit: &str) -> Oid {
    digit.repeat(40).parse().unwrap()
}

/// One person with an SSH key, and what a push of hers is held against.
struct Lab {
    dir: tempfile::TempDir,
    policy: Policy,
    keyring: Keyring,
    updates: Vec<(RefName, RefChange)>,
    options: Vec<Vec<u8>>,
    pushees: Pushees,
    nonces: Nonces,
}

impl Lab {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "x", "-f"];
        let made = Command::new("ssh-keygen").args(keygen).arg(&key).status();
        assert!(made.unwrap().success());
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let yaml = format!(
            "version: 1\nrepository: acme/site\npeople:\n\
             \x20 dana:\n    emails: [dana@acme.example]\n    keys: [\"{}\"]\n\
             \x20 rita:\n    emails: [rita@acme.example]\n    keys: [\"openpgp:{}\"]\n\
             teams:\n  all: [dana, rita]\nbranches:\n  refs/heads/prod:\n    required: 1\n    from: [all]\n\
             \x20 refs/relhook/policy:\n    required: 1\n    from: [all]\n",
            public.trim_end().strip_suffix(" x").unwrap(),
            "AB".repeat(20)
        );
        let policy = Policy::parse(yaml.as_bytes(), "policy.yaml").unwrap();
        let dana = policy
            .people
            .values()
            .find(|person| !person.ssh_keys.is_empty());
        let known = dana.unwrap().keys.iter().cloned().collect();
        let home = dir.path().join("keyring");
        let keyring = Keyring::of(known, &KeyFiles::default(), &home).unwrap();
        let change = RefChange::between(Some(oid("a")), Some(oid("b")));
        Self {
            policy,
            keyring,
            updates: vec![(RefName::new(b"refs/heads/prod").unwrap(), change)],
            options: vec![b"ticket=OPS-1".to_vec()],
            pushees: Pushees::of(Vec::new(), Path::new(PATH), "acme/site"),
            nonces: Nonces {
                seed: Some(Seed::new(SEED)),
                paths: vec![PATH.into()],
                issued: Some(nonce(NOW).into_bytes()),
                status: Some(b"OK".to_vec()),
                slop: 0,
                clock: Timestamp::from_unix(NOW + 3),
            },
            dir,
        }
    }

    fn verify(&self, raw: &[u8]) -> Result<Verified, CertificateError> {
        verify(
            raw,
            &Expected {
                policy: &self.policy,
                keyring: &self.keyring,
                now: Timestamp::from_unix(NOW),
                updates: &self.updates,
                options: &self.options,
                pushees: &self.pushees,
                nonces: &self.nonces,
            },
        )
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        let mut sign = Command::new("ssh-keygen");
        sign.args(["-q", "-Y", "sign", "-n", "git", "-f"]);
        sign.arg(self.dir.path().join("key"));
        sign.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = sign.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let signature = child.wait_with_output().unwrap().stdout;
        [text.as_bytes(), &signature].concat()
    }
}

/// git's nonce for these seconds.
fn nonce(stamp: i64) -> String {
    let key = format!("{PATH}:{stamp}");
    let mut hmac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    hmac.update(SEED);
    let code = hmac.finalize().into_bytes();
    let hex = crate::types::hex(&code);
    format!("{stamp}-{hex}")
}

fn text() -> String {
    format!(
        "certificate version 0.1\npusher SHA256:x  {NOW} +0000\npushee git@host:site.git\n\
         nonce {}\npush-option ticket=OPS-1\n\n{} {} refs/heads/prod\n",
        nonce(NOW),
        oid("a"),
        oid("b")
    )
}

#[test]
fn a_certificate_for_this_push_shows_its_signer() {
    let lab = Lab::new();
    let raw = lab.sign(&text());
    let signer = lab.verify(&raw).unwrap();
    assert_eq!(signer.person.to_string(), "dana");
    let read = PushCertificate::parse(&raw).unwrap();
    assert_eq!(read.pushee.as_deref(), Some(&b"git@host:site.git"[..]));
    assert_eq!(read.updates, lab.updates);
    assert_eq!(read.options, lab.options);
}

#[test]
fn the_nonce_is_gits_own() {
    // As `git receive-pack` gave it out for this path, second and seed.
    let lab = Lab::new();
    let raw = text().replace(
        &nonce(NOW),
        "1795507085-14deb68d33e16ae4b1ce97c5c2f791a5cc07b4b5",
    );
    let mut nonces = lab.nonces.clone();
    nonces.paths = vec![b"../s.git".to_vec()];
    nonces.issued = Some(b"1795507085-14deb68d33e16ae4b1ce97c5c2f791a5cc07b4b5".to_vec());
    nonces.clock = Timestamp::from_unix(1_795_507_085);
    let lab = Lab { nonces, ..lab };
    assert!(lab.verify(&lab.sign(&raw)).is_ok());
}

#[test]
fn what_was_signed_for_something_else_shows_nobody() {
    let lab = Lab::new();
    let raw = lab.sign(&text());
    let refused = |change: &dyn Fn(&mut Lab)| {
        let mut lab = Lab::new();
        let raw = lab.sign(&text());
        change(&mut lab);
        lab.verify(&raw).unwrap_err()
    };
    assert!(matches!(
        refused(&|lab| lab.updates.push(lab.updates[0].clone())),
        CertificateError::OtherUpdates
    ));
    assert!(matches!(
        refused(&|lab| lab.options.clear()),
        CertificateError::OtherOptions
    ));
    assert!(matches!(
        refused(&|lab| lab.pushees.listed.push(b"ssh://host/site.git".to_vec())),
        CertificateError::OtherPushee { .. }
    ));
    assert!(matches!(
        refused(&|lab| lab.nonces.seed = None),
        CertificateError::NoSeed
    ));
    assert!(matches!(
        refused(&|lab| lab.nonces.seed = Some(Seed::new(b"short"))),
        CertificateError::WeakSeed
    ));
    assert!(matches!(
        refused(&|lab| lab.nonces.seed = Some(Seed::new(b"another seed that is long"))),
        CertificateError::ForeignNonce
    ));
    assert!(matches!(
        refused(&|lab| lab.nonces.paths = vec![b"/srv/git/other.git".to_vec()]),
        CertificateError::ForeignNonce
    ));
    assert!(matches!(
        refused(&|lab| lab.nonces.status = None),
        CertificateError::OtherNonce { .. }
    ));
    assert!(matches!(
        refused(&|lab| lab.nonces.issued = None),
        CertificateError::OtherNonce { .. }
    ));
    let late = i64::try_from(MAX_AGE).unwrap() + 1;
    assert!(matches!(
        refused(&|lab| lab.nonces.clock = Timestamp::from_unix(NOW + late)),
        CertificateError::Stale { .. }
    ));
    assert!(matches!(
        refused(&|lab| lab.nonces.clock = Timestamp::from_unix(NOW - 1)),
        CertificateError::Future { ahead: 1 }
    ));
    // Another lab's key is a stranger's.
    let stranger = Lab::new().verify(&raw).unwrap_err();
    assert!(matches!(
        stranger,
        CertificateError::Signature(SignatureProblem::UnknownKey { .. })
    ));
}

#[test]
fn what_git_does_not_write_is_not_read() {
    let lab = Lab::new();
    let good = String::from_utf8(lab.sign(&text())).unwrap();
    let changed = |old: &str, new: &str| {
        assert!(good.contains(old), "{old}");
        let raw = good.replacen(old, new, 1);
        PushCertificate::parse(raw.as_bytes()).unwrap_err()
    };
    use GrammarError as E;
    assert!(matches!(changed("version 0.1", "version 0.2"), E::Version));
    assert!(matches!(changed("pusher ", "Pusher "), E::Missing { .. }));
    for (old, new) in [
        ("pushee ", "pushee git@host:other.git\npushee "),
        ("pushee git@host:site.git\n", "x-header y\n"),
        ("nonce ", "nonce 1-x\nnonce "),
        ("push-option ticket=OPS-1\n", "push-option \n"),
        ("push-option ", "nonce 1-x\npush-option "),
    ] {
        assert!(matches!(changed(old, new), E::Header { .. }), "{new}");
    }
    assert!(matches!(changed("OPS-1", "OPS\0"), E::Control { byte: 0 }));
    assert!(matches!(changed("OPS-1", "OPS\r"), E::Control { byte: 13 }));
    let zeros = "0".repeat(39);
    let a = oid("a").to_string();
    assert!(matches!(changed(&a, &zeros), E::RefLine { .. }));
    assert!(matches!(changed("refs/heads/prod", "prod"), E::RefName(_)));
    let line = format!("{a} {} refs/heads/prod\n", oid("b"));
    assert!(matches!(changed(&line, ""), E::NoRefs));
    assert!(matches!(
        PushCertificate::parse(text().as_bytes()),
        Err(E::Unsigned)
    ));
    let long = format!("push-option {}", "x".repeat(5000));
    assert!(matches!(
        changed("push-option ticket=OPS-1", &long),
        E::LongLine { .. }
    ));
    let twice = [good.as_bytes(), &lab.sign(&text())[text().len()..]].concat();
    assert!(matches!(
        PushCertificate::parse(&twice),
        Err(E::Signature(_))
    ));
    let vast = vec![b'x'; MAX_CERTIFICATE_BYTES + 1];
    assert!(matches!(
        PushCertificate::parse(&vast),
        Err(E::TooLarge { .. })
    ));
    for cut in [0, 1, 30, text().len() - 1, good.len() - 1] {
        assert!(
            PushCertificate::parse(&good.as_bytes()[..cut]).is_err(),
            "{cut}"
        );
    }
}

#[test]
fn an_address_ends_in_the_repositorys_name() {
    let pushees = Pushees::of(Vec::new(), Path::new("/srv/git/site.git"), "acme/shop");
    for good in [
        "git@host:site.git",
        "git@host:shop",
        "ssh://git@host:2222/srv/git/site.git/",
        "https://host/git/site",
        "/srv/git/site.git",
        "../site.git",
        "file:///srv/site/.git",
    ] {
        assert_eq!(pushees.check(Some(good.as_bytes())), Ok(()), "{good}");
    }
    for bad in [
        "git@host:other.git",
        "https://host/site.git/x",
        "site.git.evil",
        "/",
        "",
    ] {
        assert!(pushees.check(Some(bad.as_bytes())).is_err(), "{bad}");
    }
    let listed = Pushees {
        listed: vec![
            b"git@host:srv/site.git".to_vec(),
            b"https://host/x.git".to_vec(),
        ],
        ..pushees.clone()
    };
    for good in [
        "host:srv/site.git",
        "https://host/x.git",
        "https://dana:pw@host/x.git",
    ] {
        assert_eq!(listed.check(Some(good.as_bytes())), Ok(()), "{good}");
    }
    for bad in [
        "other:srv/site.git",
        "https://host/git@x.git",
        "host:git@site.git",
        "/srv/git/site.git",
    ] {
        assert!(listed.check(Some(bad.as_bytes())).is_err(), "{bad}");
    }
    let shown = pushees
        .check(Some(b"https://dana:secret@host/x"))
        .unwrap_err();
    assert!(!shown.to_string().contains("secret"), "{shown}");
    assert!(!format!("{:?}", Seed::new(SEED)).contains("0123"));
}

/// What an attacker may do to a certificate.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Drop(usize, usize),
    Swap(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = || 0..2000usize;
    let line = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"nonce 1-x\n".to_vec()),
        Just(b"-----BEGIN SSH SIGNATURE-----\n".to_vec()),
        Just(b"push-option x\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..40),
    ];
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        at().prop_map(Change::Cut),
        (at(), line).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), 1..60usize).prop_map(|(at, len)| Change::Drop(at, len)),
        (0..14usize, 0..14usize).prop_map(|(one, other)| Change::Swap(one, other)),
    ]
}

fn apply(mut raw: Vec<u8>, change: &Change) -> Vec<u8> {
    let len = raw.len();
    match change {
        Change::Set(at, byte) if len > 0 => raw[at % len] = *byte,
        Change::Cut(at) => raw.truncate(at % (len + 1)),
        Change::Insert(at, bytes) => {
            let at = at % (len + 1);
            raw.splice(at..at, bytes.iter().copied());
        }
        Change::Drop(at, count) if len > 0 => {
            let at = at % len;
            raw.drain(at..(at + count).min(len));
        }
        Change::Swap(one, other) => {
            let mut lines: Vec<Vec<u8>> = raw
                .split_inclusive(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect();
            if *one < lines.len() && *other < lines.len() {
                lines.swap(*one, *other);
            }
            raw = lines.concat();
        }
        Change::Set(..) | Change::Drop(..) => {}
    }
    raw
}

#[test]
fn no_changed_certificate_shows_anybody() {
    let lab = Lab::new();
    let good = lab.sign(&text());
    let whole = PushCertificate::parse(&good).unwrap();
    let strategy = proptest::collection::vec(change(), 1..4);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(3000));
    let result = runner.run(&strategy, |changes| {
        let raw = changes.iter().fold(good.clone(), apply);
        if let Ok(read) = PushCertificate::parse(&raw)
            && lab.verify(&raw).is_ok()
        {
            // Only another way to wrap the same signature may pass, over the very same text.
            prop_assert_eq!(read.signature.payload, whole.signature.payload.clone());
        }
        Ok(())
    });
    result.unwrap();
}

proptest! {
    #[test]
    fn random_bytes_are_no_certificate(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(PushCertificate::parse(&bytes).is_err());
        let headed = [b"certificate version 0.1\n".to_vec(), bytes].concat();
        prop_assert!(PushCertificate::parse(&headed).is_err());
    }
}
