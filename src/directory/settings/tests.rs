//! What a settings file may say.

use super::{Security, Settings};
use crate::directory::Kind;
use crate::types::{PersonName, TeamName};
use std::path::{Path, PathBuf};

const SMALL: &str = "version: 1\nurl: ldaps://dc1.acme.example\nbase: dc=acme,dc=example\nteams:\n  reviewers: cn=reviewers,dc=acme,dc=example\n";

fn read(text: &str) -> Result<Settings, Vec<String>> {
    let read = Settings::parse(text.as_bytes(), "d.yaml", Path::new("/etc/relhook"));
    read.map_err(|errors| errors.lines())
}

fn refused(text: &str, expected: &str) {
    let lines = read(text).unwrap_err();
    assert!(
        lines.iter().any(|line| line.contains(expected)),
        "{expected}: {lines:?}"
    );
}

#[test]
fn little_is_enough_and_the_rest_is_what_is_usual() {
    let settings = read(SMALL).unwrap();
    assert_eq!(settings.server.to_string(), "ldaps://dc1.acme.example:636");
    assert_eq!(settings.server.security, Security::Tls);
    assert_eq!(
        (settings.kind, &settings.bind, &settings.ca),
        (None, &None, &None)
    );
    let team = TeamName::new("reviewers");
    assert_eq!(settings.teams[&team], ["cn=reviewers,dc=acme,dc=example"]);
    let usual = settings.attributes(Kind::ActiveDirectory);
    assert_eq!(usual.login, ["sAMAccountName", "userPrincipalName"]);
    assert_eq!(settings.attributes(Kind::Ldap).human, "employeeNumber");
    assert!(settings.filter(Kind::Ldap).contains("inetOrgPerson"));
}

#[test]
fn everything_can_be_said() {
    let text = "version: 1
url: ldap://[::1]:3389
kind: active-directory
ca: keys/ca.pem
bind: {dn: 'cn=relhook,dc=acme', password-file: secret}
base: ou=people,dc=acme
filter: (&(objectClass=user)(!(cn=svc-*)))
attributes: {login: [uid], email: mail, name: displayName, human: employeeID}
teams:
  reviewers: ['cn=a,dc=acme', 'cn=b,dc=acme']
one-human:
  dana: [dana, dana-release]
keep: [root-admin]
leave-out: [svc, 'cn=old,dc=acme']
";
    let settings = read(text).unwrap();
    assert_eq!(settings.server.to_string(), "ldap://[::1]:3389");
    assert_eq!(settings.server.security, Security::StartTls);
    let bind = settings.bind.clone().unwrap();
    assert_eq!(bind.dn, "cn=relhook,dc=acme");
    let password = settings.beside(&bind.password_file.unwrap());
    assert_eq!(password, PathBuf::from("/etc/relhook/secret"));
    let dana = PersonName::new("dana");
    assert_eq!(settings.one_human[&dana], ["dana", "dana-release"]);
    assert_eq!(settings.attributes(Kind::Ldap).email, ["mail"]);
    assert_eq!(settings.leave_out.len(), 2);
}

#[test]
fn what_is_not_known_is_refused_with_what_is_near() {
    refused(&format!("{SMALL}filtre: (a=b)\n"), "did you mean `filter`?");
    refused(
        &format!("{SMALL}one_human: {{}}\n"),
        "did you mean `one-human`?",
    );
    refused(&format!("{SMALL}kind: openldap\n"), "cannot be `openldap`");
    refused(
        &format!("{SMALL}attributes: {{mail: x}}\n"),
        "unknown key `mail`",
    );
    refused(&format!("{SMALL}teams: {{}}\n"), "here twice");
    refused(&SMALL.replace("version: 1", "version: 2"), "`version`");
    refused(&SMALL.replace("base:", "#"), "needs `base`");
}

#[test]
fn a_password_stands_in_a_file_of_its_own() {
    refused(&format!("{SMALL}password: hunter2\n"), "password-file");
    refused(
        &format!("{SMALL}bind: {{dn: 'cn=x', password: hunter2}}\n"),
        "password-file",
    );
    for text in [
        format!("{SMALL}password: hunter2\n"),
        SMALL.replace("ldaps://", "ldaps://cn=x:hunter2@"),
    ] {
        let lines = read(&text).unwrap_err().join("\n");
        assert!(!lines.contains("hunter2"), "{lines}");
    }
}

#[test]
fn plain_ldap_is_asked_for_and_has_no_password() {
    let plain = SMALL.replace("ldaps:", "ldap:");
    assert_eq!(read(&plain).unwrap().server.security, Security::StartTls);
    let plain = format!("{plain}tls: none\n");
    assert_eq!(read(&plain).unwrap().server.security, Security::Plain);
    refused(
        &format!("{plain}bind: {{dn: 'cn=x', password-file: p}}\n"),
        "in the clear",
    );
    refused(&format!("{SMALL}tls: none\n"), "denies that");
    refused(&format!("{SMALL}tls: starttls\n"), "cannot be `starttls`");
}

#[test]
fn a_url_names_a_host_and_nothing_else() {
    for bad in [
        "http://x",
        "ldap:x",
        "ldaps://",
        "ldaps://x/dc=y",
        "ldaps://x:0",
        "ldaps://x:70000",
        "ldaps://u@x",
        "ldaps://x?a",
        "ldapi://%2ftmp",
        "ldaps://-x",
        "ldaps://x y",
    ] {
        let text = SMALL.replace("ldaps://dc1.acme.example", &format!("'{bad}'"));
        assert!(read(&text).is_err(), "{bad}");
    }
}

#[test]
fn filters_names_and_attributes_are_checked() {
    for bad in ["objectClass=x", "(a=b", "(a=b)(c=d)", "(a=b))", "(&)x"] {
        refused(&format!("{SMALL}filter: '{bad}'\n"), "search filter");
    }
    refused(
        &SMALL.replace("base: dc=acme,dc=example", "base: people"),
        "whole name",
    );
    refused(&SMALL.replace("reviewers:", "'re viewers':"), "not a name");
    refused(
        &format!("{SMALL}attributes: {{human: 'a)(b'}}\n"),
        "name of an attribute",
    );
}

#[test]
fn the_documents_example_can_be_read() {
    let page = include_str!("../../../docs/directory.md");
    let example = page.split("```yaml\n").nth(1).unwrap();
    let settings = read(example.split("```").next().unwrap()).unwrap();
    assert_eq!(settings.teams[&TeamName::new("developers")].len(), 2);
}
