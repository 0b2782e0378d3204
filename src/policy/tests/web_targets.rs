//! The places in production that are reached by HTTP.

use super::super::{
    Account, Addressing, Authentication, Replacing, S3Switch, S3Target, TargetKind, WebdavTarget,
};
use super::{complaints, parse, says, with};

const DIR: &str = "    kind: dir\n    path: /srv/www/site\n";
const S3: &str = "    kind: s3\n    endpoint: https://s3.example\n    bucket: acme-site\n";
const DAV: &str = "    kind: webdav\n    url: https://dav.example/site/\n";

fn kind(text: &str) -> TargetKind {
    let policy = parse(&with(DIR, text)).unwrap_or_else(|errors| panic!("{errors}"));
    let mut targets = policy.targets.into_values();
    targets.next().unwrap().kind
}

fn s3(text: &str) -> S3Target {
    match kind(text) {
        TargetKind::S3(s3) => s3,
        other => panic!("{other:?}"),
    }
}

fn webdav(text: &str) -> WebdavTarget {
    match kind(text) {
        TargetKind::Webdav(webdav) => webdav,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_left_out_has_a_default() {
    let bucket = s3(S3);
    assert_eq!(bucket.region, "us-east-1");
    assert_eq!((bucket.prefix, bucket.ca), (None, None));
    assert_eq!(
        (bucket.addressing, bucket.switch, bucket.connections),
        (Addressing::Path, S3Switch::IndexLast, 8)
    );
    assert_eq!(kind(S3).account(), Account::Keys);
    let folder = webdav(DAV);
    assert_eq!(folder.url.as_str(), "https://dav.example/site");
    assert_eq!(
        (folder.authentication, folder.put, folder.connections),
        (Authentication::Basic, Replacing::Beside, 4)
    );
    assert_eq!(kind(DAV).account(), Account::Password);
}

#[test]
fn everything_can_be_said() {
    let text = "    region: eu-central-1\n    prefix: www/site\n    addressing: virtual-host\n    \
        switch: pointer\n    keep: 3\n    connections: 2\n    ca: keys/ca.pem\n    headers:\n      \
        - match: [assets/**]\n        cache-control: public, max-age=31536000\n      \
        - match: [feed]\n        content-type: application/rss+xml\n";
    let bucket = s3(&format!("{S3}{text}"));
    assert_eq!(bucket.region, "eu-central-1");
    assert_eq!(bucket.prefix.as_deref(), Some("www/site"));
    assert_eq!(bucket.switch, S3Switch::Pointer { keep: 3 });
    assert_eq!(bucket.addressing, Addressing::VirtualHost);
    assert_eq!(bucket.headers.len(), 2);
    assert!(bucket.headers[0].paths.is_match(b"assets/a/b"));
    assert_eq!(
        bucket.headers[1].content_type.as_deref(),
        Some("application/rss+xml")
    );
    assert_eq!(kind(&format!("{S3}{text}")).ca(), Some("ca.pem"));
    let text = "    authentication: digest\n    put: whole\n";
    let folder = webdav(&format!("{DAV}{text}"));
    assert_eq!(folder.authentication, Authentication::Digest);
    assert_eq!(folder.put, Replacing::Whole);
}

#[test]
fn an_address_without_encryption_has_to_be_said_twice() {
    let plain = S3.replace("https", "http");
    says(
        DIR,
        &plain,
        "39:15: `endpoint`: `http` sends files unencrypted, and what stands on the line can be changed; write `https`, or `tls: none` beside it if it has to be",
    );
    assert_eq!(
        s3(&format!("{plain}    tls: none\n")).endpoint.scheme(),
        "http"
    );
    says(
        DIR,
        &format!("{S3}    tls: none\n"),
        "41:5: `tls`: cannot be `none` where the address is `https`; leave it out",
    );
    let plain = DAV.replace("https", "http") + "    tls: none\n";
    says(
        DIR,
        &plain,
        "37:3: `authentication`: `basic` would send the password unencrypted; write `https`, or `authentication: digest`",
    );
    let said = webdav(&format!("{plain}    authentication: digest\n"));
    assert_eq!(said.url.scheme(), "http");
}

#[test]
fn u_12_an_address_that_does_not_fit_is_not_repeated() {
    for bad in [
        "https://me:hunter2@s3.example",
        "https://hunter2@s3.example",
        "https://s3.example/?key=hunter2",
        "https://s3.example/#hunter2",
        "https://s3.example/a/../hunter2",
        "https://s3.example/%2e%2E/hunter2",
        "ftp://hunter2",
        "hunter2",
    ] {
        let lines = complaints(&with(DIR, &S3.replace("https://s3.example", bad)));
        assert_eq!(lines.len(), 1, "{bad}: {lines:?}");
        assert!(!lines[0].contains("hunter2"), "{lines:?}");
    }
}

#[test]
fn what_does_not_fit_a_bucket_is_said() {
    for (from, to) in [
        ("acme-site", "ab"),
        ("acme-site", "a..b"),
        ("acme-site", "-ab"),
        ("acme-site", "\"a/b\""),
        ("acme-site\n", "acme.site\n    addressing: virtual-host\n"),
        ("acme-site\n", "acme-site\n    prefix: /www\n"),
        ("acme-site\n", "acme-site\n    prefix: ../www\n"),
        ("acme-site\n", "acme-site\n    keep: 3\n"),
        ("acme-site\n", "acme-site\n    switch: both\n"),
        ("acme-site\n", "acme-site\n    region: a/b\n"),
        ("acme-site\n", "acme-site\n    headers: []\n"),
        (
            "acme-site\n",
            "acme-site\n    headers: [{match: [a], x: b}]\n",
        ),
        (
            "acme-site\n",
            "acme-site\n    headers: [{match: [a], cache-control: \"\"}]\n",
        ),
        (
            "acme-site\n",
            "acme-site\n    headers: [{cache-control: a}]\n",
        ),
        ("acme-site\n", "acme-site\n    connections: 33\n"),
        ("acme-site\n", "acme-site\n    host: a\n"),
    ] {
        let text = S3.replace(from, to);
        assert_ne!(text, S3);
        let lines = complaints(&with(DIR, &text));
        assert_eq!(lines.len(), 1, "{to}: {lines:?}");
    }
}
