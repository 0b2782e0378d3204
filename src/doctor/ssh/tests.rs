//! What is said of sshd and its keys.

use super::keys::Line;
use super::*;
use crate::doctor::State;

const SOUND: &str = "passwordauthentication no\npermituserenvironment no\nexposeauthinfo no\n\
    forcecommand none\ntrustedusercakeys none\nauthorizedkeyscommand none\nacceptenv LANG\n\
    acceptenv LC_*\nacceptenv GIT_PROTOCOL\n";

fn policy(source: &str) -> Policy {
    let yaml = format!(
        "version: 1\nrepository: a/b\nidentity:\n  source: {source}\npeople:\n  dana:\n    \
         emails: [d@x.example]\n    logins: [dana]\n    keys:\n      - {KEY}\n  rita:\n    \
         emails: [r@x.example]\n    logins: [rita]\n    keys:\n      - {OTHER}\nteams:\n  all: [dana, rita]\nbranches:\n  \
         refs/heads/prod:\n    required: 1\n    from: [all]\n  refs/relhook/policy:\n    \
         required: 1\n    from: [all]\n"
    );
    Policy::parse(yaml.as_bytes(), "policy.yaml").unwrap()
}

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4rE4HLKTFxLOBtJYX3hDqzUHe8WFNaTWv0NHkfbnUr";
const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIPrPXsTBUB0Ei51TGzG/Hk2WfAAw2sVTcrEyYZOLgPM";

fn outside(sshd: &str, keys: &str) -> Outside {
    Outside {
        by_root: true,
        sshd_config: "/etc/ssh/sshd_config".into(),
        sshd: Some(Ok(sshd.to_owned())),
        keys: vec![("/srv/git/keys".into(), Ok(keys.to_owned()))],
        sudoers: None,
    }
}

fn bad(source: &str, outside: &Outside) -> Vec<(&'static str, State)> {
    let policy = policy(source);
    let facts = Facts {
        outside,
        account: "git".into(),
        shell: Some(Path::new("/bin/sh")),
        policy: Some(&policy),
    };
    let found = judge(&facts, &Words::new(Path::new("/srv/x.git")));
    let bad = found.iter().filter(|one| one.state != State::Ok);
    bad.map(|one| (one.check, one.state)).collect()
}

fn served(login: &str, key: &str) -> String {
    format!("restrict,command=\"relhook serve-key {login} --root /srv\" {key} x\n")
}

#[test]
fn a_server_as_the_page_has_it_is_in_order() {
    let lines = served("dana", KEY) + "# remark\n\n" + &served("rita", OTHER);
    assert_eq!(bad("ssh-key", &outside(SOUND, &lines)), []);
}

#[test]
fn h_06_variables_that_a_client_may_not_bring() {
    for pattern in [
        "GIT_*",
        "*",
        "GIT_CONFIG_?OUNT",
        "LANG RELHOOK_*",
        "LD_PRELOAD",
    ] {
        let sshd = format!("{SOUND}acceptenv {pattern}\n");
        let found = bad("ssh-key", &outside(&sshd, &served("dana", KEY)));
        assert_eq!(found, [("accept-env", State::Error)], "{pattern}");
    }
    let sshd = format!("{SOUND}acceptenv SITE_*\n");
    let found = bad("SITE_LOGIN", &outside(&sshd, &served("dana", KEY)));
    assert_eq!(found, [("accept-env", State::Error)]);
}

#[test]
fn h_05_keys_that_open_a_shell() {
    let of = |line: &str| bad("ssh-key", &outside(SOUND, line));
    let error = [("authorized-keys", State::Error)];
    assert_eq!(of(KEY), error);
    assert_eq!(of(&format!("restrict {KEY}")), error);
    let eval = format!("restrict,command=\"eval \\\"$SSH_ORIGINAL_COMMAND\\\"\" {KEY}");
    assert_eq!(of(&eval), error);
    let sh = format!("restrict,command=\"sh -c \\\"$SSH_ORIGINAL_COMMAND\\\"\" {KEY}");
    assert_eq!(of(&sh), error);
    let open = format!("command=\"relhook serve-key dana\" {KEY}");
    assert_eq!(of(&open), [("authorized-keys", State::Warning)]);
    let forced = SOUND.replace("forcecommand none", "forcecommand relhook serve-key");
    assert_eq!(
        bad(
            "ssh-auth-info",
            &outside(
                &forced.replace("exposeauthinfo no", "exposeauthinfo yes"),
                KEY
            )
        ),
        []
    );
}

#[test]
fn a_key_of_one_person_and_a_login_of_another() {
    let of = |line: &str| bad("ssh-key", &outside(SOUND, line));
    assert_eq!(of(&served("rita", KEY)), [("key-owners", State::Error)]);
    assert_eq!(
        of(&served("mallory", KEY)),
        [("key-owners", State::Warning)]
    );
}

#[test]
fn other_ways_to_be_somebody_else() {
    let of = |from: &str, to: &str, source: &str| {
        bad(
            source,
            &outside(&SOUND.replace(from, to), &served("dana", KEY)),
        )
    };
    assert_eq!(
        of(
            "permituserenvironment no",
            "permituserenvironment yes",
            "ssh-key"
        ),
        [("user-environment", State::Warning)]
    );
    assert_eq!(of("x", "x", "ssh-auth-info"), [("auth-info", State::Error)]);
    assert_eq!(
        of(
            "trustedusercakeys none",
            "trustedusercakeys /etc/ca",
            "ssh-key"
        ),
        [("key-sources", State::Unknown)]
    );
    assert_eq!(
        of(
            "passwordauthentication no",
            "passwordauthentication yes",
            "ssh-key"
        ),
        [("login-shell", State::Warning)]
    );
}

#[test]
fn a_line_of_keys_is_read_as_sshd_reads_it() {
    let text = format!("Restrict,command=\"a \\\"b, c\\\" d\",from=\"x y\" {KEY} remark");
    let line = Line::parse(&text).unwrap();
    let value = |text: &str| Some(text.to_owned());
    assert_eq!(
        line.options,
        [
            ("restrict".to_owned(), None),
            ("command".to_owned(), value("a \"b, c\" d")),
            ("from".to_owned(), value("x y"))
        ]
    );
    assert_eq!(line.key, KEY);
    assert_eq!(Line::parse(" # x"), None);
    assert!(matches(b"*", b"") && !matches(b"GIT_?", b"GIT_"));
}
