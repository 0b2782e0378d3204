//! How a directory is asked: over TLS, whole, and with nothing of what is in it trusted.

use super::slapd::{READER, ROOT, Slapd, group, group_dn, person, person_dn, write_secret};
use super::{answer, policy, sync_file};

const KEEP: &str = "keep: [root, alice]\n";

fn teams(name: &str) -> String {
    format!("{KEEP}teams: {{reviewers: '{}'}}\n", group_dn(name))
}

/// A directory with one person in one group.
fn small() -> Slapd {
    let members = [person_dn("rita")];
    Slapd::start(&(person("rita", "") + &group("reviewers", &members)))
}

#[test]
fn starttls_and_ldaps_read_the_same() {
    let directory = small();
    let plain = format!("ldap://localhost:{}", directory.port);
    for settings in [
        directory.settings(&teams("reviewers")),
        directory.settings_at(&plain, "right", &teams("reviewers")),
    ] {
        let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
        ran.assert_ok();
        let new = std::fs::read_to_string(new).unwrap();
        assert!(new.contains("reviewers: [root, alice, rita]"), "{new}");
        assert!(new.contains("  rita:\n    name: rita at Acme\n    emails: [rita@acme.example]\n    logins: [rita]\n"), "{new}");
        assert!(new.contains("  # the root\n"), "{new}");
    }
}

#[test]
fn u_10_a_server_with_another_authoritys_certificate_is_not_asked() {
    let directory = small();
    let urls = [
        format!("ldaps://localhost:{}", directory.tls_port),
        format!("ldap://localhost:{}", directory.port),
    ];
    for url in urls {
        let settings = directory.settings_at(&url, "wrong", &teams("reviewers"));
        let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
        assert_eq!(ran.code, 3, "{}", ran.err);
        assert!(ran.err.contains("no connection to"), "{}", ran.err);
        assert!(!new.exists());
    }
    // A right certificate for another name is as wrong.
    let url = format!("ldaps://127.0.0.1:{}", directory.tls_port);
    let settings = directory.settings_at(&url, "right", &teams("reviewers"));
    let (ran, _) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
}

#[test]
fn plain_ldap_reads_only_what_anybody_may_and_sends_no_password() {
    let directory = small();
    let settings = format!(
        "version: 1\nurl: ldap://127.0.0.1:{}\ntls: none\nbase: {ROOT}\n{}",
        directory.port,
        teams("reviewers")
    );
    let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    // This directory shows nothing to nobody: that is not an empty team.
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(!new.exists());
    let settings = format!("{settings}bind: {{dn: '{READER}', password-file: password}}\n");
    let (ran, _) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("in the clear"), "{}", ran.err);
}

#[test]
fn u_12_the_password_is_in_a_private_file_and_is_never_shown() {
    use std::os::unix::fs::PermissionsExt;
    let directory = small();
    let settings = directory.settings(&teams("reviewers"));
    let file = directory.folder().join("password");
    for (password, mode, expected) in [
        ("hunter2-wrong", 0o600, "these credentials are not valid"),
        ("hunter2-wrong", 0o644, "others can read it"),
        ("", 0o600, "has to hold the password"),
    ] {
        write_secret(&file, password);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
        assert_eq!(ran.code, 3, "{}", ran.err);
        assert!(ran.err.contains(expected), "{expected}: {}", ran.err);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
        assert!(!new.exists());
    }
}

#[test]
fn thousands_of_people_come_in_pages() {
    let logins: Vec<String> = (0..1300).map(|number| format!("p{number:04}")).collect();
    let entries: String = logins.iter().map(|login| person(login, "")).collect();
    let members: Vec<String> = logins
        .iter()
        .step_by(10)
        .map(|login| person_dn(login))
        .collect();
    // Without pages the server gives out 500 and says that there would be more.
    let limits = "limits users size.soft=500 size.hard=500 size.pr=500 size.prtotal=unlimited\n";
    let directory = Slapd::with(limits, &(entries + &group("reviewers", &members)));
    let settings = directory.settings(&teams("reviewers"));
    let (ran, _) = sync_file(&directory.folder(), &policy(), &settings, &["--json"]);
    ran.assert_ok();
    let said = answer(&ran);
    assert_eq!(said["accounts"], 1300);
    let added = said["changes"].as_array().unwrap();
    assert_eq!(
        added.iter().filter(|one| one["change"] == "added").count(),
        130
    );
}

#[test]
fn a_limit_is_an_error_and_never_a_smaller_team() {
    let logins: Vec<String> = (0..40).map(|number| format!("p{number:02}")).collect();
    let entries: String = logins.iter().map(|login| person(login, "")).collect();
    let members: Vec<String> = logins.iter().map(|login| person_dn(login)).collect();
    let limits = "limits users size.soft=10 size.hard=10 size.pr=10 size.prtotal=20\n";
    let directory = Slapd::with(limits, &(entries + &group("reviewers", &members)));
    let settings = directory.settings(&teams("reviewers"));
    let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("did not end"), "{}", ran.err);
    assert!(!new.exists());
}

#[test]
fn a_referral_is_an_error_and_never_a_smaller_team() {
    let elsewhere = format!(
        "dn: ou=branch,ou=people,{ROOT}\nobjectClass: referral\nobjectClass: extensibleObject\n\
         ou: branch\nref: ldap://elsewhere.example/ou=branch,{ROOT}\n\n"
    );
    let entries = person("rita", "") + &elsewhere + &group("reviewers", &[person_dn("rita")]);
    let directory = Slapd::start(&entries);
    let settings = directory.settings(&teams("reviewers"));
    let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("elsewhere.example"), "{}", ran.err);
    assert!(!new.exists());
}

#[test]
fn nested_groups_are_walked_and_a_circle_ends() {
    let entries = ["rita", "remy", "vera"]
        .map(|login| person(login, ""))
        .concat()
        + &group("reviewers", &[person_dn("rita"), group_dn("inner")])
        + &group("inner", &[person_dn("remy"), group_dn("deep")])
        + &group(
            "deep",
            &[
                group_dn("reviewers"),
                group_dn("deep"),
                "UID=Vera , OU=people,dc=Acme,dc=example".into(),
            ],
        );
    let directory = Slapd::start(&entries);
    let settings = directory.settings(&teams("reviewers"));
    let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    ran.assert_ok();
    let new = std::fs::read_to_string(new).unwrap();
    assert!(
        new.contains("reviewers: [root, alice, remy, rita, vera]"),
        "{new}"
    );
}

#[test]
fn groups_of_other_shapes_are_read_too() {
    let posix = format!(
        "dn: {}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 7\nmemberUid: remy\n\n",
        group_dn("unix")
    );
    let unique = format!(
        "dn: {}\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: {}#'0101'B\nuniqueMember: {}\n\n",
        group_dn("unique"),
        person_dn("rita"),
        group_dn("unix")
    );
    let entries = person("rita", "") + &person("remy", "") + &posix + &unique;
    let directory = Slapd::start(&entries);
    let settings = directory.settings(&teams("unique"));
    let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    ran.assert_ok();
    let new = std::fs::read_to_string(new).unwrap();
    assert!(
        new.contains("reviewers: [root, alice, remy, rita]"),
        "{new}"
    );
}

#[test]
fn a_member_that_cannot_be_seen_is_an_error_and_never_a_smaller_team() {
    let hidden = format!("uid=ghost,ou=hidden,{ROOT}");
    let ghost = person("ghost", "").replace("ou=people", "ou=hidden");
    let entries =
        person("rita", "") + &ghost + &group("reviewers", &[person_dn("rita"), hidden.clone()]);
    let directory = Slapd::start(&entries);
    let settings = directory.settings(&teams("reviewers"));
    let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("cannot be seen"), "{}", ran.err);
    assert!(!new.exists());
    let (ran, _) = sync_file(
        &directory.folder(),
        &policy(),
        &format!("{settings}leave-out: ['{hidden}']\n"),
        &[],
    );
    ran.assert_ok();
    // Nor is a group that is not there an empty one.
    let settings = directory.settings(&teams("revewers"));
    let (ran, _) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    // Nor is a server taken at the word of the settings.
    let settings = directory.settings(&format!("{}kind: active-directory\n", teams("reviewers")));
    let (ran, _) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("does not say so"), "{}", ran.err);
}

#[test]
fn i_03_t_01_a_hostile_entry_changes_nothing_but_itself() {
    // "*)(uid=*" as a login, escapes and YAML in the name, and both in a group of logins.
    let name = "x\"\n  mallory: {}\u{1b}[2J\u{202e}";
    let base64 = |text: &str| {
        let mut encode = crate::common::command("base64", &std::env::temp_dir());
        let ran = crate::common::run_with(encode.arg("-w0"), text.as_bytes());
        String::from_utf8(ran.out).unwrap()
    };
    let hostile = format!(
        "dn: uid=\\2A\\29\\28uid=\\2A,ou=people,{ROOT}\nobjectClass: inetOrgPerson\n\
         uid: *)(uid=*\ncn:: {}\nsn: x\nmail:: {}\n\n",
        base64(name),
        base64("a@x\n    disabled: true")
    );
    let posix = format!(
        "dn: {}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 7\nmemberUid: rita\nmemberUid: \\2a\n\n",
        group_dn("unix")
    );
    let wild = format!(
        "dn: {}\nobjectClass: posixGroup\ncn: wild\ngidNumber: 8\nmemberUid: rita\nmemberUid: *\n\n",
        group_dn("wild")
    );
    let entries = person("rita", "")
        + &hostile
        + &posix
        + &wild
        + &group(
            "reviewers",
            &[
                format!("uid=\\2A\\29\\28uid=\\2A,ou=people,{ROOT}"),
                person_dn("rita"),
            ],
        );
    let directory = Slapd::start(&entries);
    // A login that no policy can hold is no name for anybody.
    let settings = directory.settings(&teams("reviewers"));
    let (ran, new) = sync_file(&directory.folder(), &policy(), &settings, &[]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(!new.exists());
    let text = String::from_utf8(ran.out).unwrap();
    assert!(text.contains("no login that can be a name"), "{text}");
    // Given a name, it is a person with what a policy can hold of it.
    let named = format!("{settings}one-human: {{odd: '*)(uid=*'}}\n");
    let (ran, new) = sync_file(&directory.folder(), &policy(), &named, &[]);
    ran.assert_ok();
    let text = String::from_utf8(ran.out).unwrap();
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "{text:?}"
    );
    let new = std::fs::read_to_string(new).unwrap();
    assert!(
        new.contains("  odd:\n    logins: [\"*)(uid=*\"]\n"),
        "{new}"
    );
    assert!(
        !new.contains("mallory") && !new.contains("disabled"),
        "{new}"
    );
    // In a group of logins, a star is a name that nobody has, and matches nobody.
    for group in ["unix", "wild"] {
        let settings = directory.settings(&teams(group));
        let (ran, _) = sync_file(&directory.folder(), &policy(), &settings, &[]);
        assert_eq!(ran.code, 3, "{group}: {}", ran.err);
        assert!(ran.err.contains("there is no such entry"), "{}", ran.err);
    }
}
