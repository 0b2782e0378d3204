//! What each source says, and to what it is blind.

use super::{Identified, Presented, identify};
use crate::facts::Pusher;
use crate::policy::{Policy, locks_out};
use crate::types::PersonName;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const DANA: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4DjNAYlFb5yzmNkAsJXeNEZ6mFGbb4lB2b2HyQeNdn";
const STRANGER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA4yXV5l3Fy3/CQUwSknQXWSRcZSOYYRGo4eabHmvYsp";

fn policy(source: &str) -> Policy {
    let yaml = format!(
        "version: 1\nrepository: acme/site\nidentity:\n  source: {source}\npeople:\n\
         \x20 dana:\n    emails: [dana@acme.example]\n    logins: [dana, 'ACME\\dana']\n    keys: [\"{DANA}\"]\n\
         \x20 rita:\n    emails: [rita@acme.example]\n    logins: [rita]\n    keys: [\"openpgp:{}\"]\n\
         teams:\n  all: [dana, rita]\nbranches:\n  refs/heads/prod:\n    required: 1\n    from: [all]\n\
         \x20 refs/relhook/policy:\n    required: 1\n    from: [all]\n",
        "AB".repeat(20)
    );
    let policy = Policy::parse(yaml.as_bytes(), "policy.yaml").unwrap();
    assert_eq!(locks_out(&policy), None);
    policy
}

/// What `source` says where the environment holds these variables.
fn told<V: AsRef<[u8]>>(source: &str, variables: &[(&str, V)]) -> Identified {
    let variables: BTreeMap<&str, Vec<u8>> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_ref().to_vec()))
        .collect();
    identify(&policy(source), &Presented::Nothing, &|name| {
        variables.get(name).cloned()
    })
}

fn person(name: &str) -> Pusher {
    Pusher::Person(PersonName::new(name))
}

/// The sources that are a login in one variable, and that variable.
const LOGINS: [(&str, &str); 5] = [
    ("ssh-key", "RELHOOK_LOGIN"),
    ("os-account", "RELHOOK_LOGIN"),
    ("http", "REMOTE_USER"),
    ("gitolite", "GL_USER"),
    ("SITE_LOGIN", "SITE_LOGIN"),
];

/// Everything that some server or client sets, and that could be taken for a pusher.
const ALL: [&str; 16] = [
    "RELHOOK_LOGIN",
    "RELHOOK_USER",
    "REMOTE_USER",
    "HTTP_REMOTE_USER",
    "HTTP_X_REMOTE_USER",
    "GL_USER",
    "GL_USERNAME",
    "GITEA_PUSHER_NAME",
    "SITE_LOGIN",
    "USER",
    "LOGNAME",
    "SUDO_USER",
    "GIT_COMMITTER_NAME",
    "GIT_PUSH_CERT_SIGNER",
    "GIT_PUSH_OPTION_0",
    "SSH_ORIGINAL_COMMAND",
];

#[test]
fn i_14_exactly_one_source_is_read() {
    for (source, own) in LOGINS {
        let others: Vec<(&str, &str)> = ALL
            .iter()
            .filter(|name| **name != own)
            .map(|name| (*name, "dana"))
            .collect();
        let missing = Pusher::Missing {
            source: own.to_owned(),
        };
        assert_eq!(told(source, &others).pusher, missing, "{source}");
        let both = [&others[..], &[(own, "rita")]].concat();
        let said = told(source, &both);
        assert_eq!(said.pusher, person("rita"), "{source}");
        assert_eq!(said.login.as_deref(), Some("rita"), "{source}");
    }
    let all = ALL.map(|name| (name, "dana"));
    assert_eq!(told("none", &all).pusher, Pusher::NotAsked);
    assert_eq!(told("none", &all).login, None);
    for (source, own) in [
        ("gitea", "GITEA_PUSHER_ID"),
        ("gitlab", "GL_ID"),
        ("ssh-auth-info", "SSH_USER_AUTH"),
        ("signed-push", "GIT_PUSH_CERT"),
    ] {
        let source_name = own.to_owned();
        let missing = Pusher::Missing {
            source: source_name,
        };
        assert_eq!(told(source, &all).pusher, missing, "{source}");
    }
}

#[test]
fn a_login_is_taken_as_it_stands_or_not_at_all() {
    for (source, own) in LOGINS {
        let pusher = |login: &[u8]| told(source, &[(own, login)]).pusher;
        assert_eq!(pusher(b"ACME\\dana"), person("dana"));
        for unknown in ["Dana", "dana ", " dana", "nobody", "dana\u{301}"] {
            let login = unknown.to_owned();
            assert_eq!(pusher(unknown.as_bytes()), Pusher::Unknown { login });
        }
        assert!(matches!(pusher(b""), Pusher::Missing { .. }));
        for odd in [
            &b"dana\n"[..],
            b"dana\0",
            b"\x1b[31mdana",
            b"dan\xff",
            b"dan\xc3",
            "dana\u{202e}".as_bytes(),
            "da\u{200b}na".as_bytes(),
            &[b'd'; 129],
        ] {
            let refused = pusher(odd);
            assert!(
                matches!(&refused, Pusher::Refused { source, .. } if source == own),
                "{odd:?}: {refused:?}"
            );
        }
    }
}

#[test]
fn what_the_log_shows_of_a_login_is_short_and_harmless() {
    let long = [&b"\x1b[2J\n"[..], &[b'x'; 100_000]].concat();
    let login = told("http", &[("REMOTE_USER", long)]).login.unwrap();
    assert!(login.starts_with("\\x1b[2J\\x0a") && login.len() < 600);
}

#[test]
fn gitea_a_deploy_key_and_a_job_are_nobody() {
    let person_of = |more: &[(&str, &str)]| {
        let usual = [("GITEA_PUSHER_NAME", "dana"), ("GITEA_PUSHER_ID", "7")];
        told("gitea", &[&usual[..], more].concat()).pusher
    };
    // Over ssh, over http, and by the button of a pull request.
    assert_eq!(
        person_of(&[("GITEA_DEPLOY_KEY_ID", "0"), ("GITEA_KEY_ID", "3")]),
        person("dana")
    );
    assert_eq!(person_of(&[]), person("dana"));
    let button = [
        ("GITEA_PR_ID", "12"),
        ("GITEA_PUSH_TRIGGER", "pr-merge-to-base"),
    ];
    assert_eq!(person_of(&button), person("dana"));
    for machine in [
        ("GITEA_DEPLOY_KEY_ID", "4"),
        ("GITEA_DEPLOY_KEY_ID", "00"),
        ("GITEA_DEPLOY_KEY_ID", "x"),
        ("GITEA_IS_DEPLOY_KEY", "true"),
        ("GITEA_ACTIONS_TASK_ID", "19"),
        ("GITEA_PUSHER_ID", "-2"),
        ("GITEA_PUSHER_ID", "0"),
        ("GITEA_PUSHER_ID", "+7"),
    ] {
        assert!(
            matches!(person_of(&[machine]), Pusher::Refused { .. }),
            "{machine:?}"
        );
    }
    let nameless = told("gitea", &[("GITEA_PUSHER_ID", "7")]).pusher;
    assert!(matches!(nameless, Pusher::Missing { .. }));
}

#[test]
fn gitlab_only_a_user_is_somebody() {
    let told = |id: &str| told("gitlab", &[("GL_ID", id), ("GL_USERNAME", "dana")]).pusher;
    assert_eq!(told("user-7"), person("dana"));
    assert!(matches!(told(""), Pusher::Missing { .. }));
    for other in [
        "key-7",
        "deploy-key-7",
        "deploy-token-7",
        "user-",
        "user-0",
        "user-7x",
        "User-7",
        "user--7",
        "user-123456789012345678901",
        "7",
    ] {
        assert!(matches!(told(other), Pusher::Refused { .. }), "{other}");
    }
}

/// What `ssh-auth-info` says where the file holds `text`.
fn auth_info(text: &[u8]) -> Identified {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("auth");
    write(&file, text, 0o600);
    told(
        "ssh-auth-info",
        &[("SSH_USER_AUTH", file.to_str().unwrap())],
    )
}

fn write(file: &Path, text: &[u8], mode: u32) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn ssh_auth_info_the_key_says_who_it_is() {
    let dana = auth_info(format!("publickey {DANA}\n").as_bytes());
    assert_eq!(dana.pusher, person("dana"));
    assert_eq!(dana.evidence, [format!("publickey {DANA}\n").into_bytes()]);
    assert!(dana.login.unwrap().starts_with("SHA256:"));
    let stranger = auth_info(format!("publickey {STRANGER}\n").as_bytes());
    match stranger.pusher {
        Pusher::UnknownKey { key } => assert!(key.starts_with("ssh-ed25519 SHA256:"), "{key}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ssh_auth_info_anything_but_one_key_is_refused() {
    let good = format!("publickey {DANA}\n");
    for text in [
        String::new(),
        "\n".to_owned(),
        format!("publickey {DANA}"),
        format!("{good}{good}"),
        format!("{good}publickey {STRANGER}\n"),
        format!("{good}password\n"),
        format!("password\n{good}"),
        "password\n".to_owned(),
        "keyboard-interactive/pam\n".to_owned(),
        format!("hostbased {DANA}\n"),
        format!("publickey {DANA} comment\n"),
        format!("publickey  {DANA}\n"),
        format!(" publickey {DANA}\n"),
        format!("publickey\t{DANA}\n"),
        format!("publickey {DANA}\r\n"),
        format!("{good}\n"),
        format!("publickey ssh-rsa {}\n", &DANA[12..]),
        "publickey ssh-ed25519 AAAA\n".to_owned(),
        "publickey ssh-ed25519-cert-v01@openssh.com AAAA\n".to_owned(),
        format!("publickey {DANA}\n{}", "publickey x y\n".repeat(10_000)),
    ] {
        let said = auth_info(text.as_bytes()).pusher;
        assert!(matches!(said, Pusher::Refused { .. }), "{text:?}: {said:?}");
    }
    for text in [
        &b"publickey \xff\xfe \xff\n"[..],
        b"publickey ssh-ed25519 \0\n",
    ] {
        let said = auth_info(text).pusher;
        assert!(matches!(said, Pusher::Refused { .. }), "{said:?}");
    }
}

#[test]
fn ssh_auth_info_a_file_that_others_could_have_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let good = format!("publickey {DANA}\n");
    for mode in [0o644, 0o620, 0o602, 0o666, 0o660, 0o700] {
        write(Path::new(&path("open")), good.as_bytes(), mode);
        let said = told("ssh-auth-info", &[("SSH_USER_AUTH", path("open"))]).pusher;
        assert!(matches!(said, Pusher::Refused { .. }), "{mode:o}");
    }
    write(Path::new(&path("good")), good.as_bytes(), 0o600);
    std::os::unix::fs::symlink(path("good"), path("link")).unwrap();
    let fifo = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, path("fifo"), fifo).unwrap();
    for file in ["link", "fifo", "missing", ".", ""] {
        let said = told("ssh-auth-info", &[("SSH_USER_AUTH", path(file))]).pusher;
        assert!(matches!(said, Pusher::Refused { .. }), "{file}");
    }
    for named in [
        "good",
        "../good",
        "\0",
        "/etc/shadow\0",
        "/dev/null",
        "/dev/stdin",
    ] {
        let said = told("ssh-auth-info", &[("SSH_USER_AUTH", named)]).pusher;
        assert!(matches!(said, Pusher::Refused { .. }), "{named:?}");
    }
}
