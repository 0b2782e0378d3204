//! Timestamps of a third party: OpenSSL's, behind a small web server, and OpenSSL's judgement of what
//! was kept.

use super::{Site, time};
use crate::common::{Ran, command, run};
use relhook::audit::{Event, Hash, HeartbeatRecord, StampRecord, StampSigner};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// How the authority behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As it should.
    Proper,
    /// It answers the first question for ever.
    Repeats,
    /// It stamps something else, with the right nonce.
    Another,
    /// It refuses, as RFC 3161 has it.
    Rejects,
    /// It has no time.
    Busy,
    /// It answers with a page.
    Page,
}

/// An authority for timestamps, with a key of its own and an authority above it.
struct Authority {
    home: TempDir,
    port: u16,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Authority {
    #[track_caller]
    fn start(manner: Manner) -> Self {
        let home = tempfile::Builder::new().prefix("tsa").tempdir().unwrap();
        certify(home.path());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let (dir, stop) = (home.path().to_owned(), over.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                answer(&dir, manner, stream.unwrap());
            }
        });
        Self {
            home,
            port,
            over,
            thread: Some(thread),
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/tsr", self.port)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().unwrap().join();
    }
}

#[track_caller]
fn openssl(dir: &Path, words: &[&str]) -> Ran {
    let mut openssl = command("openssl", dir);
    run(openssl.current_dir(dir).args(words))
}

/// Makes an authority's certificate, and under it one for timestamps.
#[track_caller]
fn certify(dir: &Path) {
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let ca = [
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "30",
        "-subj",
        "/CN=Test authority",
    ];
    openssl(dir, &[&["req", "-x509"], &key[..], &ca].concat()).assert_ok();
    let own = [
        "-keyout",
        "tsa.key",
        "-out",
        "tsa.csr",
        "-subj",
        "/CN=Test timestamps",
    ];
    openssl(dir, &[&["req", "-new"], &key[..], &own].concat()).assert_ok();
    let extensions = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
                      extendedKeyUsage=critical,timeStamping\n";
    fs::write(dir.join("ext"), extensions).unwrap();
    let sign = [
        "x509",
        "-req",
        "-in",
        "tsa.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "30",
        "-extfile",
        "ext",
        "-out",
        "tsa.pem",
    ];
    openssl(dir, &sign).assert_ok();
    let settings = format!(
        "[tsa]\ndefault_tsa = one\n[one]\nserial = {}/serial\nsigner_cert = tsa.pem\ncerts = ca.pem\n\
         signer_key = tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n\
         digests = sha256\naccuracy = secs:1\nordering = yes\nclock_precision_digits = 3\n\
         ess_cert_id_alg = sha256\n",
        dir.display()
    );
    fs::write(dir.join("tsa.cnf"), settings).unwrap();
}

/// Reads one request and answers it.
fn answer(dir: &Path, manner: Manner, mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    let body = loop {
        let count = stream.read(&mut piece).unwrap();
        request.extend(&piece[..count]);
        let head = request.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(head) = head else {
            assert_ne!(count, 0);
            continue;
        };
        let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
        assert!(text.starts_with("post /tsr "), "{text}");
        assert!(
            text.contains("content-type: application/timestamp-query"),
            "{text}"
        );
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap().parse().unwrap();
        if request.len() >= head + 4 + length {
            break request[head + 4..].to_vec();
        }
    };
    let (status, body) = match manner {
        Manner::Busy => ("503 Busy", b"later".to_vec()),
        Manner::Page => ("200 OK", b"<html>hello</html>".to_vec()),
        Manner::Rejects => (
            "200 OK",
            b"\x30\x0b\x30\x09\x02\x01\x02\x30\x04\x0c\x02no".to_vec(),
        ),
        Manner::Repeats if dir.join("reply").exists() => {
            ("200 OK", fs::read(dir.join("reply")).unwrap())
        }
        Manner::Proper | Manner::Repeats | Manner::Another => {
            let mut query = body;
            if manner == Manner::Another {
                // The hash stands behind its head, 04 20.
                let at = query
                    .windows(2)
                    .position(|two| two == [0x04, 0x20])
                    .unwrap();
                query[at + 2] ^= 1;
            }
            fs::write(dir.join("query"), query).unwrap();
            let words = ["-queryfile", "query", "-config", "tsa.cnf", "-out", "reply"];
            openssl(dir, &[&["ts", "-reply"], &words[..]].concat()).assert_ok();
            ("200 OK", fs::read(dir.join("reply")).unwrap())
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), &body].concat());
}

impl Site {
    /// The last entry, as JSON.
    fn newest(&self) -> serde_json::Value {
        let shown = self.audit(&["log", "-n", "1", "--json"]).text();
        serde_json::from_str(&shown).unwrap()
    }

    /// A heartbeat that asks for a timestamp; it is there whatever comes of that.
    #[track_caller]
    fn beats(&self, words: &[&str]) -> (serde_json::Value, String) {
        let before = self.log().last().unwrap().seq;
        let ran = self.audit(&[&["heartbeat", "--timestamp"], words].concat());
        ran.assert_ok();
        let newest = self.newest();
        assert_eq!(
            (newest["kind"].as_str(), newest["seq"].as_u64()),
            (Some("heartbeat"), Some(before + 1))
        );
        (newest["stamp"].clone(), ran.err)
    }
}

#[test]
fn l_06_a_heartbeat_keeps_what_time_a_third_party_says_that_it_was() {
    let (site, authority) = (Site::of(300), Authority::start(Manner::Proper));
    let ca = authority.file("ca.pem");
    let (stamp, said) = site.beats(&[&authority.url(), "--authority", ca.to_str().unwrap()]);
    assert_eq!(stamp["state"], "kept", "{stamp}");
    assert_eq!(stamp["signer"], "verified", "{stamp}");
    assert_eq!(stamp["size"], 300, "{stamp}");
    assert!(said.contains("timestamp of 300 entries"), "{said}");

    // OpenSSL agrees, with what was kept and the text of the checkpoint alone.
    let token = site
        .log()
        .evidence_dir()
        .join(stamp["token"].as_str().unwrap());
    let body = format!("acme/site\n300\n{}\n", stamp["root"].as_str().unwrap());
    fs::write(authority.file("body"), &body).unwrap();
    let verify = |data: &str| {
        let words = ["-token_in", "-data", data, "-CAfile", "ca.pem"];
        let token = ["ts", "-verify", "-in", token.to_str().unwrap()];
        openssl(authority.home.path(), &[&token, &words[..]].concat())
    };
    verify("body").assert_ok();
    fs::write(authority.file("other"), body.replace("300", "301")).unwrap();
    assert_ne!(verify("other").code, 0);

    site.grow(300);
    let verified = site.audit(&["verify"]).text();
    assert!(
        verified.contains("timestamps: 1, each of the log as it was"),
        "{verified}"
    );
    let shown = site.audit(&["log", "-n", "0"]).text();
    assert!(
        shown.contains("heartbeat  timestamp of 300 entries"),
        "{shown}"
    );
    // A heartbeat without one is as before.
    site.audit(&["heartbeat"]).assert_ok();
    assert_eq!(site.newest()["stamp"], serde_json::Value::Null);
}

#[test]
fn who_signed_is_told_from_who_knows() {
    let site = Site::of(3);
    let (authority, other) = (
        Authority::start(Manner::Proper),
        Authority::start(Manner::Proper),
    );
    let (stamp, said) = site.beats(&[&authority.url()]);
    assert_eq!(stamp["signer"], "unverified", "{stamp}");
    assert!(said.contains("nobody verified who signed it"), "{said}");
    let ca = other.file("ca.pem");
    let (stamp, _) = site.beats(&[&authority.url(), "--authority", ca.to_str().unwrap()]);
    assert_eq!(stamp["state"], "missing", "{stamp}");
    let why = stamp["why"].as_str().unwrap();
    assert!(
        why.contains("not signed by an authority that is trusted"),
        "{why}"
    );
    // A certificate that is for something else signs no time.
    fs::write(authority.file("ext"), "extendedKeyUsage=serverAuth\n").unwrap();
    site.audit(&["verify"]).assert_ok();
}

#[test]
fn a_heartbeat_without_its_timestamp_says_why() {
    for (manner, says) in [
        (Manner::Another, "the timestamp of something else"),
        (Manner::Rejects, "did not grant it (status 2): `no`"),
        (Manner::Busy, "status 503"),
        (Manner::Page, "no timestamp of RFC 3161"),
    ] {
        let (site, authority) = (Site::of(2), Authority::start(manner));
        let (stamp, said) = site.beats(&[&authority.url()]);
        assert_eq!(stamp["state"], "missing", "{stamp}");
        assert!(
            stamp["why"].as_str().unwrap().contains(says),
            "{manner:?}: {stamp}"
        );
        assert!(said.contains("no timestamp"), "{said}");
        site.audit(&["verify"]).assert_ok();
    }
    let (site, authority) = (Site::of(2), Authority::start(Manner::Repeats));
    assert_eq!(site.beats(&[&authority.url()]).0["state"], "kept");
    // The same log again, so that only the nonce tells the old answer from a new one.
    let copy = Site::of(2);
    let stamp = copy.beats(&[&authority.url()]).0;
    let why = stamp["why"].as_str().unwrap();
    assert!(
        why.contains("something else") || why.contains("nonce"),
        "{why}"
    );
    // Nobody there, and no address at all.
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (stamp, _) = site.beats(&[&format!("http://dana:hunter2@{nobody}/")]);
    assert_eq!(stamp["state"], "missing", "{stamp}");
    assert!(!stamp.to_string().contains("hunter2"), "{stamp}");
    assert_eq!(site.beats(&["ftp://a.example/"]).0["state"], "missing");
}

#[test]
fn l_02_a_timestamp_of_another_log_is_found() {
    let (site, authority) = (Site::of(5), Authority::start(Manner::Proper));
    let (stamp, _) = site.beats(&[&authority.url()]);
    let record = |size: u64| StampRecord::Kept {
        size,
        root: stamp["root"].as_str().unwrap().to_owned(),
        at: stamp["at"].as_str().unwrap().parse().unwrap(),
        token: Hash::of(&site.log().evidence(&token(&stamp)).unwrap()),
        signer: StampSigner::Verified,
    };
    // It may be named again, but of what it is of alone.
    for (size, holds) in [(5, true), (4, false)] {
        let beat = HeartbeatRecord {
            stamp: Some(record(size)),
        };
        site.log().append(time(9), Event::Heartbeat(beat)).unwrap();
        let ran = site.audit(&["verify"]);
        assert_eq!(ran.code, if holds { 0 } else { 4 }, "{}", ran.err);
    }
    let said = String::from_utf8(site.audit(&["verify"]).out).unwrap();
    assert!(
        said.contains("its timestamp is not of what the log was"),
        "{said}"
    );
    fs::remove_file(site.log().evidence_dir().join(token(&stamp).as_str())).unwrap();
    assert_eq!(site.audit(&["verify"]).code, 4);
}

fn token(stamp: &serde_json::Value) -> Hash {
    serde_json::from_value(stamp["token"].clone()).unwrap()
}
