//! What the answers of stores mean.

use super::*;
use crate::policy::{PathGlobs, S3Switch};
use crate::release::Secret;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use url::Url;

fn keys() -> Keys {
    Keys {
        access_key: "AKIA".into(),
        secret_key: Secret::new("so-secret".into()),
        session_token: None,
    }
}

fn store(port: u16, headers: Vec<Dress>) -> Store {
    let target = S3Target {
        endpoint: Url::parse(&format!("http://127.0.0.1:{port}")).unwrap(),
        region: "us-east-1".into(),
        bucket: "site".into(),
        prefix: Some("www".into()),
        addressing: Addressing::Path,
        switch: S3Switch::IndexLast,
        headers,
        ca: None,
        connections: 1,
    };
    Store::new(&target, &keys(), None).unwrap()
}

/// What a `PUT` gives when the store answers so.
fn put_answered(status: &str, headers: &str, body: &str) -> Result<(), ReleaseError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\nbody") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(head).unwrap()
    });
    let store = store(port, Vec::new());
    let clothes = store.clothes("index.html", b"body");
    let result = store.put_whole(&store.key("index.html"), b"body", &clothes, &|_| {});
    let asked = served.join().unwrap();
    assert!(
        asked.starts_with("PUT /site/www/index.html?X-Amz-"),
        "{asked}"
    );
    assert!(
        asked.contains("content-md5: hBotaJrYa9FhFEdFPCLG/A=="),
        "{asked}"
    );
    assert!(
        asked.contains("content-type: text/html; charset=utf-8"),
        "{asked}"
    );
    result
}

fn error(code: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>words</Message></Error>")
}

/// Whether an object holds `body`, when the store answers so, request by request.
fn holds(depth: Verify, answers: Vec<String>) -> Result<bool, ReleaseError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let answer = format!("HTTP/1.1 {answer}");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let content = Content {
        blob: crate::types::Oid::from_bytes(&[7; 20]).unwrap(),
        size: 4,
        sha256: hex(&Sha256::digest(b"body")),
    };
    let found = store(port, Vec::new()).holds("www/a", &content, depth);
    served.join().unwrap();
    found
}

#[test]
fn u_22_an_object_is_compared_as_closely_as_the_store_lets_it() {
    let head = |size: u64, sum: Option<&[u8]>| {
        let sum = sum.map(|of| format!("x-amz-checksum-sha256: {}\r\n", Sums::of(of).sha256));
        let sum = sum.unwrap_or_default();
        format!("200 OK\r\n{sum}Content-Length: {size}\r\nConnection: close\r\n\r\n")
    };
    let none = "404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
    let body = |text: &str| {
        let length = text.len();
        format!("200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}")
    };
    let quick = |answer: String| holds(Verify::Quick, vec![answer]).unwrap();
    assert!(quick(head(4, Some(b"body"))));
    assert!(!quick(head(4, Some(b"ydob"))));
    assert!(!quick(head(5, Some(b"body"))));
    assert!(!quick(none.clone()));
    // All that such a store tells.
    assert!(quick(head(4, None)));
    // A sum that a store only claims counts for nothing where the content is read.
    let deep = |answers: [String; 2]| holds(Verify::Deep, answers.into()).unwrap();
    assert!(deep([head(4, None), body("body")]));
    assert!(!deep([head(4, Some(b"body")), body("ydob")]));
    assert!(!deep([head(4, None), none]));
}

#[test]
fn u_20_each_refusal_says_what_it_is() {
    for (status, code, number, again) in [
        ("503 Slow Down", "SlowDown", 614, true),
        ("500 Oops", "InternalError", 614, true),
        ("429 Too Many", "TooManyRequests", 614, true),
        ("409 Conflict", "OperationAborted", 614, true),
        ("400 Bad", "BadDigest", 630, true),
        ("403 Forbidden", "AccessDenied", 614, false),
        ("403 Forbidden", "SignatureDoesNotMatch", 613, false),
        ("403 Forbidden", "InvalidAccessKeyId", 613, false),
        ("404 Not Found", "NoSuchBucket", 632, false),
        ("301 Moved", "PermanentRedirect", 632, false),
        ("307 Elsewhere", "Temporary", 629, false),
        ("507 Full", "InsufficientStorage", 614, false),
    ] {
        let error = put_answered(status, "", &error(code)).unwrap_err();
        assert_eq!(error.code().to_string(), format!("RH{number}"), "{code}");
        assert_eq!(error.is_transient(), again, "{code}");
        let text = error.to_string();
        assert!(
            !text.contains("so-secret") && !text.contains("Signature="),
            "{text}"
        );
    }
}

#[test]
fn a_success_that_turns_into_an_error_is_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).unwrap();
        let body = error("InternalError");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    let error = store(port, Vec::new()).copy("a", "b", None).unwrap_err();
    assert!(error.is_transient(), "{error}");
    served.join().unwrap();
}

#[test]
fn u_20_another_sum_than_was_sent_is_no_success() {
    let right = Sums::of(b"body").sha256;
    let header = |sum: &str| format!("x-amz-checksum-sha256: {sum}\r\n");
    put_answered("200 OK", &header(&right), "").unwrap();
    put_answered("200 OK", "ETag: \"not-a-hash-7\"\r\n", "").unwrap();
    let error = put_answered("200 OK", &header("AAAA"), "").unwrap_err();
    assert_eq!(error.code().to_string(), "RH630");
}

#[test]
fn a_wrong_clock_is_said_plainly() {
    let date = "Date: Sat, 01 Jan 2000 00:00:00 GMT\r\n";
    for code in ["RequestTimeTooSkewed", "AccessDenied"] {
        let error = put_answered("403 Forbidden", date, &error(code)).unwrap_err();
        assert_eq!(error.code().to_string(), "RH631", "{error}");
        assert!(error.to_string().contains("seconds apart"), "{error}");
    }
}

#[test]
fn u_12_a_secret_that_comes_back_is_not_shown() {
    let body = "<Error><Code>X</Code><Message>your so-secret is wrong</Message></Error>";
    let error = put_answered("403 Forbidden", "", body)
        .unwrap_err()
        .to_string();
    assert!(!error.contains("so-secret"), "{error}");
    assert!(!format!("{:?}", store(1, Vec::new())).contains("so-secret"));
}

#[test]
fn u_17_what_a_store_says_is_escaped_and_cut() {
    let message = "\u{202e}evil".to_owned() + &"x".repeat(10_000);
    let body = format!("<Error><Code>Odd</Code><Message>{message}</Message></Error>");
    let error = put_answered("400 Bad", "", &body).unwrap_err().to_string();
    assert!(!error.contains('\u{202e}') && error.len() < 500, "{error}");
}

#[test]
fn files_are_stored_with_what_browsers_have_to_know() {
    let dress = |globs: &[&str], cache: Option<&str>, kind: Option<&str>| Dress {
        paths: PathGlobs::compile(&globs.iter().map(ToString::to_string).collect::<Vec<_>>())
            .unwrap(),
        cache_control: cache.map(str::to_owned),
        content_type: kind.map(str::to_owned),
    };
    let store = store(
        1,
        vec![
            dress(&["feed"], None, Some("application/rss+xml")),
            dress(&["assets/**"], Some("max-age=31536000"), None),
            dress(&["**"], Some("no-cache"), None),
        ],
    );
    let told = |path: &str, bytes: &[u8]| {
        let clothes = store.clothes(path, bytes);
        (clothes.content_type, clothes.cache_control.unwrap())
    };
    assert_eq!(
        told("/feed", b""),
        ("application/rss+xml".into(), "no-cache".into())
    );
    assert_eq!(
        told("/assets/a.css", b"a"),
        ("text/css; charset=utf-8".into(), "max-age=31536000".into())
    );
    assert_eq!(told("a.html", b"\xff").0, "text/html");
    assert_eq!(told("a.png", b"").0, "image/png");
    assert_eq!(told("LICENSE", b"").0, "application/octet-stream");
    assert!(store.same_clothes("a.html", "b/c.html"));
    assert!(!store.same_clothes("a.html", "a.txt") && !store.same_clothes("a.css", "assets/a.css"));
    assert_eq!(store.key("/a/b"), "www/a/b");
    assert_eq!(store.key("/"), "www/");
}
