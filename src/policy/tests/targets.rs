//! The places in production.

use super::super::{
    DirTarget, FtpTarget, HostKey, SharedKind, SshProof, SvnAccess, TargetKind, TlsMode,
};
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
        shared: Vec::new(),
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
fn what_travels_is_compressed_where_the_policy_says_so() {
    let ssh = "    host: web.example\n    path: /srv/www\n    host_keys: ['ssh-ed25519 \
               AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ']\n";
    let compress = |kind: TargetKind| match kind {
        TargetKind::Sftp(target) => target.compress,
        TargetKind::Rsync(target) => target.compress,
        other => panic!("{other:?}"),
    };
    for site in [
        format!("    kind: sftp\n{ssh}"),
        format!("    kind: rsync\n{ssh}"),
    ] {
        assert!(!compress(kind(&site)), "{site}");
        for (word, is) in [("true", true), ("false", false)] {
            let said = format!("{site}    compress: {word}\n");
            assert_eq!(compress(kind(&said)), is, "{said}");
        }
        let said = format!("{site}    compress: 6\n");
        let line = 37 + said.lines().count();
        says(
            DIR,
            &said,
            &format!("{line}:15: `compress` has to be `true` or `false`, not one word"),
        );
    }
    let ftps = "    kind: ftps\n    host: ftp.example\n    path: /\n    compress: true\n";
    says(
        DIR,
        ftps,
        "41:5: unknown key `compress` in a target of this kind; known here: `path`, `host`, `port`, \
         `tls`, `ca`, `connections`",
    );
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
        "39:5: unknown key `host` in a target of this kind; known here: `path`, `keep`, `shared`",
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
    assert_eq!(target.login.host_keys[0].to_string(), HOST_KEY);
    let bad = format!("{sftp}    host_keys: ['web.example {HOST_KEY}']\n");
    let policy = parse(&with(DIR, &bad)).unwrap_err().to_string();
    assert!(policy.contains("is not a host's public key"), "{policy}");
}

#[test]
fn a_host_is_known_by_its_keys_alone() {
    let rsync = "    kind: rsync\n    host: web.example\n    path: /srv/www\n";
    says(DIR, rsync, "37:3: a target needs `host_keys`");
    let keys = format!("{rsync}    host_keys: ['{HOST_KEY} a comment']\n");
    let TargetKind::Rsync(target) = kind(&keys) else {
        panic!("{keys}")
    };
    assert_eq!(target.login.port, 22);
    assert_eq!(
        target.login.host_keys,
        [HostKey::Whole(HOST_KEY.to_owned())]
    );
    assert_eq!(target.login.proof, SshProof::Key);
    let print = "SHA256:Mbv8mJUUPCHzDQzvJEVKVbxtDqTXxVwgQyZcvz0rfA0";
    let keys = format!("{rsync}    host_keys: ['{HOST_KEY}', '{print}']\n");
    let TargetKind::Rsync(target) = kind(&keys) else {
        panic!("{keys}")
    };
    let shown: Vec<String> = target
        .login
        .host_keys
        .iter()
        .map(HostKey::to_string)
        .collect();
    assert_eq!(shown, [HOST_KEY, print]);
    assert!(matches!(target.login.host_keys[1], HostKey::Print(_)));
    for (bad, part) in [
        ("host_keys: [ssh-ed25519]", "is not a host's public key"),
        (
            "host_keys: ['web.example ssh-ed25519 AAAA']",
            "is not a host's public key",
        ),
        ("host_keys: []", "host_keys"),
        // Of other letters, cut off, too long, with what fills it up, another hash, a whole line.
        ("host_keys: ['SHA256:']", "nor a fingerprint"),
        (
            "host_keys: ['SHA256:Mbv8mJUUPCHzDQzvJEVKVbxtDqTXxVwgQyZcvz0rfA']",
            "nor a fingerprint",
        ),
        (
            "host_keys: ['SHA256:Mbv8mJUUPCHzDQzvJEVKVbxtDqTXxVwgQyZcvz0rfA0AAAA']",
            "nor a fingerprint",
        ),
        (
            "host_keys: ['SHA256:Mbv8mJUUPCHzDQzvJEVKVbxtDqTXxVwgQyZcvz0rfA0=']",
            "nor a fingerprint",
        ),
        (
            "host_keys: ['SHA256:Mbv8mJUUPCHzDQzvJEVKVbxtDqTXxVwgQyZcvz0rf_0']",
            "nor a fingerprint",
        ),
        (
            "host_keys: ['SHA256:Mbv8mJUUPCHzDQzvJEVKVbxtDqTXxVwgQyZcvz0rfA1']",
            "nor a fingerprint",
        ),
        (
            "host_keys: ['MD5:9e:a5:9c:a1:5a:6d:c8:36:3b:d7:a8:b6:bd:8f:c8:bf']",
            "nor a fingerprint",
        ),
        (
            "host_keys: ['256 SHA256:Mbv8mJUUPCHzDQzvJEVKVbxtDqTXxVwgQyZcvz0rfA0 host (ED25519)']",
            "nothing around it",
        ),
    ] {
        let lines = complaints(&with(DIR, &format!("{rsync}    {bad}\n")));
        assert!(lines[0].contains(part), "{bad}: {lines:?}");
    }
}

#[test]
fn u_18_a_subversion_repository_has_to_be_another_machines() {
    for (url, part) in [
        ("file:///srv/svn/www", "has to begin with"),
        ("http://svn.example/www", "has to begin with"),
        ("svn+x://svn.example/www", "has to begin with"),
        ("svn://dana:secret@svn.example/www", "host's name alone"),
        ("svn://svn.example:99/www", "the port in `port`"),
        ("svn://-oX/www", "host's name alone"),
        ("svn://svn.example", "names no folder"),
        ("svn://svn.example/a/../b", "plain path"),
        ("svn://svn.example/a@12", "one of `@"),
        ("svn://svn.example/a%2e", "one of `@"),
    ] {
        let text = format!("    kind: svn\n    url: {url}\n    tls: none\n");
        let lines = complaints(&with(DIR, &text));
        assert!(lines[0].contains(part), "{url}: {lines:?}");
        assert!(!lines[0].contains("secret"), "{lines:?}");
    }
}

#[test]
fn plain_svn_has_to_be_said_twice() {
    let plain = "    kind: svn\n    url: svn://svn.example/www/prod\n";
    says(
        DIR,
        plain,
        "37:3: `url`: `svn://` sends files unencrypted, and nothing proves who the server is; write `svn+ssh://` or `https://`, or `tls: none` if it has to be",
    );
    let TargetKind::Svn(target) = kind(&format!("{plain}    tls: none\n    port: 3691\n")) else {
        panic!("{plain}")
    };
    assert_eq!(target.url(), "svn://svn.example:3691/www/prod");
    let https = "    kind: svn\n    url: https://svn.example/www\n";
    let TargetKind::Svn(target) = kind(&format!("{https}    ca: keys/ca.pem\n")) else {
        panic!("{https}")
    };
    let access = SvnAccess::Https {
        port: 443,
        ca: Some("ca.pem".into()),
    };
    assert_eq!(target.access, access);
    says(
        DIR,
        &format!("{https}    tls: none\n"),
        "40:5: `tls`: means nothing for a URL of this kind",
    );
}

#[test]
fn a_command_is_words_and_no_line_for_a_shell() {
    let command = "    kind: command\n    program: /usr/local/bin/deploy\n";
    let TargetKind::Command(target) = kind(&format!(
        "{command}    args: [--stage, 'a b; rm -rf /']\n    env: [DEPLOY_STAGE]\n    minutes: 5\n"
    )) else {
        panic!("{command}")
    };
    assert_eq!(target.args, ["--stage", "a b; rm -rf /"]);
    assert_eq!(
        (target.env, target.minutes),
        (vec!["DEPLOY_STAGE".to_owned()], 5)
    );
    for (bad, part) in [
        ("program: deploy", "absolute path"),
        (
            "program: /usr/bin/deploy now\n    env: [A=B]",
            "name of a variable",
        ),
        ("program: /x\n    env: [RELHOOK_TREE]", "name of a variable"),
        ("program: /x\n    minutes: 0", "from 1 to 1440"),
    ] {
        let lines = complaints(&with(DIR, &format!("    kind: command\n    {bad}\n")));
        assert!(lines[0].contains(part), "{bad}: {lines:?}");
    }
}

#[test]
fn shared_paths_do_not_lie_in_each_other() {
    let dir = |list: &str| format!("{DIR}    shared: [{list}]\n");
    let TargetKind::Dir(target) = kind(&dir("uploads, config/site.ini, .well-known/")) else {
        panic!("no directory")
    };
    let made: Vec<_> = target.shared.iter().map(|shared| shared.made_as).collect();
    assert_eq!(
        made,
        [SharedKind::Folder, SharedKind::File, SharedKind::Folder]
    );
    assert_eq!(target.shared[2].path.as_bytes(), b".well-known");
    for (bad, part) in [
        ("a, a", "stands above"),
        ("a, a/b", "stands above"),
        ("a/b, a/", "stands above"),
        ("/a", "no `/` in front"),
        ("../a", "`..`"),
        (".relhook-x", "keeps for itself"),
    ] {
        let lines = complaints(&with(DIR, &dir(bad)));
        assert!(lines[0].contains(part), "{bad}: {lines:?}");
    }
}

#[test]
fn the_examples_in_the_pages_are_sound() {
    let pages = [
        ("dir", include_str!("../../../docs/targets/dir.md")),
        ("ftps", include_str!("../../../docs/targets/ftp.md")),
        ("sftp", include_str!("../../../docs/targets/sftp.md")),
        ("rsync", include_str!("../../../docs/targets/rsync.md")),
        ("svn", include_str!("../../../docs/targets/svn.md")),
        ("command", include_str!("../../../docs/targets/command.md")),
        ("s3", include_str!("../../../docs/targets/s3.md")),
        ("webdav", include_str!("../../../docs/targets/webdav.md")),
    ];
    for (name, page) in pages {
        let (_, rest) = page.split_once("```yaml\ntargets:\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        let body = example.split_inclusive('\n').skip(1).collect::<String>();
        assert!(body.starts_with(&format!("    kind: {name}\n")), "{body}");
        kind(&body);
    }
}
