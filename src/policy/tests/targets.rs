//! The places in production.

use super::super::{DirTarget, FtpTarget, TargetKind, TlsMode};
use super::{complaints, parse, says, with};
use std::path::PathBuf;

const DIR: &str = "    kind: dir\n    path: /srv/www/site\n";

fn kind(text: &str) -> TargetKind {
    let policy = parse(&with(DIR, text)).unwrap_or_else(|errors| panic!("{errors}"));
    let mut targets = policy.targets.into_values();
    targets.next().unwrap().kind
}

fn ftp(text: &str) -> FtpTarget {
    match kind(text) {
        TargetKind::Ftp(ftp) => ftp,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_left_out_has_a_default() {
    let dir = DirTarget {
        path: PathBuf::from("/srv/www/site"),
        keep: 5,
    };
    assert_eq!(kind(DIR), TargetKind::Dir(dir));
    let site = ftp("    kind: ftps\n    host: ftp.example\n    path: /\n");
    assert_eq!((site.tls, site.port), (TlsMode::Explicit, 21));
    assert_eq!((site.connections, site.ca), (8, None));
    let site = ftp(
        "    kind: ftps\n    tls: implicit\n    host: 2001:db8::1\n    path: /a/b\n    ca: keys/ca.pem\n",
    );
    assert_eq!((site.tls, site.port), (TlsMode::Implicit, 990));
    assert_eq!(site.ca.as_deref(), Some("ca.pem"));
    let site = ftp("    kind: ftps\n    tls: implicit\n    port: 2121\n    host: a\n    path: /\n");
    assert_eq!(site.port, 2121);
}

#[test]
fn plain_ftp_has_to_be_said_twice() {
    let plain = "    kind: ftp\n    host: ftp.example\n    path: /\n";
    says(
        DIR,
        plain,
        "37:3: `kind`: `ftp` sends passwords and files unencrypted; write `kind: ftps`, or `tls: none` if it has to be",
    );
    let said = format!("{plain}    tls: none\n");
    assert_eq!(ftp(&said).tls, TlsMode::Plain);
    says(
        DIR,
        "    kind: ftps\n    host: ftp.example\n    path: /\n    tls: none\n",
        "41:10: `tls`: cannot be `none`; known here: `explicit`, `implicit`",
    );
    says(
        DIR,
        &format!("{plain}    tls: explicit\n"),
        "41:10: `tls`: cannot be `explicit`; known here: `none`",
    );
}

#[test]
fn each_kind_has_its_own_keys() {
    says(
        "    kind: dir\n",
        "    kind: dir\n    host: a\n",
        "39:5: unknown key `host` in a target of this kind; known here: `path`, `keep`",
    );
    says("    kind: dir\n", "", "37:3: a target needs `kind`");
    says(
        "kind: dir",
        "kind: dri",
        "38:11: `kind`: cannot be `dri`; did you mean `dir`?",
    );
    says(
        "    path: /srv/www/site\n",
        "    path: /srv/www/site\n    keep: 0\n",
        "40:11: `keep`: has to be from 1 to 1000",
    );
    says(
        DIR,
        "    kind: ftps\n    path: /\n",
        "37:3: a target needs `host`",
    );
}

#[test]
fn paths_stay_where_they_are_written() {
    for path in [
        "srv",
        "./srv",
        "/srv/../etc",
        "/srv/./x",
        "/srv//x",
        "/srv/",
        "/",
        "~/x",
    ] {
        let lines = complaints(&with("/srv/www/site", path));
        assert_eq!(lines.len(), 1, "{path}: {lines:?}");
        assert!(lines[0].starts_with("39:11: `path`: "), "{lines:?}");
    }
    for from in [
        "/public", "public/", "..", "a/../b", "./a", "a//b", ".git", "a/.GIT/b",
    ] {
        let lines = complaints(&with(DIR, &format!("{DIR}    from: {from}\n")));
        assert_eq!(lines.len(), 1, "{from}: {lines:?}");
        assert!(lines[0].starts_with("40:11: `from`: "), "{lines:?}");
    }
    for ca in [
        "/etc/ssl/ca.pem",
        "ca.pem",
        "keys/../ca.pem",
        "keys/a/b",
        "keys/",
        "keys/.x",
    ] {
        let ftps = "    kind: ftps\n    host: a\n    path: /\n";
        let lines = complaints(&with(DIR, &format!("{ftps}    ca: {ca}\n")));
        assert_eq!(lines.len(), 1, "{ca}: {lines:?}");
        assert!(
            lines[0].contains("is not a file of the policy's own `keys/`"),
            "{lines:?}"
        );
    }
    for host in ["ftp://a", "a:21", "a/b", "a b", "-a", "\"\"", "me@a"] {
        let lines = complaints(&with(
            DIR,
            &format!("    kind: ftps\n    path: /\n    host: {host}\n"),
        ));
        assert_eq!(lines.len(), 1, "{host}: {lines:?}");
    }
}

#[test]
fn what_is_left_out_of_a_release_is_globs() {
    let policy = parse(&with(
        DIR,
        &format!("{DIR}    exclude: [public/drafts/**, '**/*.psd']\n"),
    ));
    let target = policy.unwrap().targets.into_values().next().unwrap();
    assert!(target.exclude.is_match(b"public/drafts/a"));
    assert!(target.exclude.is_match(b"x/y.psd"));
    assert!(!target.exclude.is_match(b"public/a"));
    says(
        DIR,
        &format!("{DIR}    exclude: [/drafts]\n"),
        "40:15: the pattern `/drafts` begins with `/`, so that it would match nothing; write `drafts`",
    );
}

#[test]
fn no_two_targets_are_the_same_place() {
    says(
        DIR,
        &format!("{DIR}  twin:\n{DIR}"),
        "40:3: the targets `twin` and `www` (line 37) are the same place",
    );
    let ftps = |host: &str| format!("    kind: ftps\n    host: {host}\n    path: /a\n");
    says(
        DIR,
        &format!("{}  twin:\n{}", ftps("a.example"), ftps("A.Example")),
        "41:3: the targets `twin` and `www` (line 37) are the same place",
    );
}

const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1Yk6NKyKXyTAgzsvNgEDSXGiCw4yFf6YlMPCt4yrPk";

#[test]
fn an_sftp_host_is_known_by_its_keys_alone() {
    let sftp = "    kind: sftp\n    host: web.example\n    path: /srv/www\n";
    says(DIR, sftp, "37:3: a target needs `host_keys`");
    let keys = format!("{sftp}    host_keys: ['{HOST_KEY} a comment']\n");
    let TargetKind::Sftp(target) = kind(&keys) else {
        panic!("{keys}")
    };
    assert_eq!(target.login.port, 22);
    assert_eq!(target.login.host_keys[0].0, HOST_KEY);
    let bad = format!("{sftp}    host_keys: ['web.example {HOST_KEY}']\n");
    let policy = parse(&with(DIR, &bad)).unwrap_err().to_string();
    assert!(policy.contains("is not a host's public key"), "{policy}");
}
