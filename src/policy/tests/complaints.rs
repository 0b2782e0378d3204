//! What the reader says about keys, names and identifiers.

use super::{complaints, says, with};

#[test]
fn unknown_keys_get_the_nearest_one() {
    says(
        "repository:",
        "repositroy: a\nrepository:",
        "2:1: unknown key `repositroy` in the policy; did you mean `repository`?",
    );
    says(
        "    logins: [dana]",
        "    login: [dana]",
        "8:5: unknown key `login` in a person; did you mean `logins`?",
    );
    says(
        "    expire: 30d",
        "    approvals: 2",
        "26:5: unknown key `approvals` in a branch rule",
    );
    says(
        "      - match: [infra/**]",
        "      - mach: [infra/**]\n        match: [infra/**]",
        "29:9: unknown key `mach` in a path rule; did you mean `match`?",
    );
    says(
        "  source: REMOTE_USER",
        "  source: REMOTE_USER\n  header: X-User",
        "5:3: unknown key `header` in `identity`; known here: `source`",
    );
}

#[test]
fn credentials_are_pointed_elsewhere_and_never_repeated() {
    for key in ["password", "ftp-passwd", "user", "api_token", "Secret"] {
        let lines = complaints(&with(
            "    kind: dir",
            &format!("    {key}: hunter2\n    kind: dir"),
        ));
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].starts_with(&format!(
                "38:5: `{key}`: credentials do not belong in this file"
            )),
            "{lines:?}"
        );
        assert!(lines[0].contains("relhook/credentials/<target>"));
        assert!(!lines[0].contains("hunter2"));
    }
    let url = "    kind: ftps\n    host: me:hunter2@ftp.example\n    path: /";
    let lines = complaints(&with("    kind: dir\n    path: /srv/www/site", url));
    assert_eq!(
        lines,
        ["39:11: `host`: has to be a host's name or address alone: no `ftp://`, no user, no port"]
    );
    let private = "['-----BEGIN OPENSSH PRIVATE KEY----- hunter2']";
    let lines = complaints(&with(
        "['openpgp:0123456789ABCDEF0123456789ABCDEF01234567']",
        private,
    ));
    assert_eq!(
        lines,
        ["9:12: `keys`: this is a private key: take it for lost, and make a new one"]
    );
}

#[test]
fn duplicates_are_refused_at_every_level() {
    says(
        "teams:",
        "version: 1\nteams:",
        "19:1: `version` is here twice; the first is on line 1",
    );
    says(
        "  carol:\n",
        "  bob: {}\n  carol:\n",
        "14:3: `bob` is here twice; the first is on line 10",
    );
    says(
        "    from: [reviewers]",
        "    from: [reviewers]\n    'from': [everybody]",
        "26:5: `from` is here twice; the first is on line 25",
    );
    says(
        "  everybody:",
        "  reviewers: [dana]\n  everybody:",
        "21:3: `reviewers` is here twice; the first is on line 20",
    );
    says(
        "[bob, carol]",
        "[bob, bob, carol]",
        "20:20: `bob` is in this list twice",
    );
}

#[test]
fn every_identifier_has_one_owner() {
    says(
        "[bob@acme.example]",
        "[bob@acme.example, DANA@acme.example]",
        "11:32: the e-mail `DANA@acme.example` already belongs to `dana` (line 7)",
    );
    says(
        "logins: [bob]",
        "logins: [Dana]",
        "12:14: the login `Dana` already belongs to `dana` (line 8)",
    );
    says(
        "openpgp:1123456789ABCDEF0123456789ABCDEF01234567",
        "openpgp:0123456789abcdef0123456789abcdef01234567",
        "13:12: the key `0123456789ABCDEF0123456789ABCDEF01234567` already belongs to `dana` (line 9)",
    );
    says(
        "logins: [carol]",
        "logins: [carol, CAROL]",
        "17:21: the login `CAROL` already belongs to `carol` (line 17)",
    );
    says(
        "  everybody:",
        "  Reviewers: [dana]\n  everybody:",
        "21:3: `Reviewers` and `reviewers` (line 20) differ in case only",
    );
}

#[test]
fn names_resolve() {
    says(
        "[bob, carol]",
        "[bob, caro]",
        "20:20: there is no person `caro`; did you mean `carol`?",
    );
    says(
        "    from: [reviewers]",
        "    from: [reviewer]",
        "25:12: there is no team `reviewer`; did you mean `reviewers`?",
    );
    says(
        "        from: [everybody]",
        "        from: [owners]",
        "31:16: there is no team `owners`; known here: `reviewers`, `everybody`",
    );
    says(
        "push: [everybody]",
        "push: [evrybody]",
        "27:12: there is no team `evrybody`; did you mean `everybody`?",
    );
    says(
        "release: [www]",
        "release: [ww]",
        "32:15: there is no target `ww`; did you mean `www`?",
    );
}
