//! The reader as a whole: what it says about mistakes, and laws that hold for any input.

mod audit;
mod calendar;
mod care;
mod change;
mod complaints;
mod deputies;
mod emergency;
mod globs;
mod hostile;
mod judgement;
mod keys;
mod laws;
mod machines;
mod notify;
mod stages;
mod targets;
mod values;
mod web_targets;

use super::{Policy, PolicyErrors};

/// A small sound policy.
pub(super) const SOUND: &str = "\
version: 1
repository: acme/site
identity:
  source: REMOTE_USER
people:
  dana:
    emails: [dana@acme.example]
    logins: [dana]
    keys: ['openpgp:0123456789ABCDEF0123456789ABCDEF01234567']
  bob:
    emails: [bob@acme.example]
    logins: [bob]
    keys: ['openpgp:1123456789ABCDEF0123456789ABCDEF01234567']
  carol:
    name: Carol Deputy
    emails: [carol@acme.example]
    logins: [carol]
    keys: ['openpgp:2123456789ABCDEF0123456789ABCDEF01234567']
teams:
  reviewers: [bob, carol]
  everybody: [dana, bob, carol]
branches:
  refs/heads/prod:
    required: 1
    from: [reviewers]
    expire: 30d
    push: [everybody]
    paths:
      - match: [infra/**]
        required: 2
        from: [everybody]
    release: [www]
  refs/relhook/policy:
    required: 2
    from: [everybody]
targets:
  www:
    kind: dir
    path: /srv/www/site
";

/// Reads a policy.
pub(super) fn parse(yaml: &str) -> Result<Policy, PolicyErrors> {
    Policy::parse(yaml.as_bytes(), "p.yaml")
}

/// The sound policy with one part of it replaced.
pub(super) fn with(part: &str, by: &str) -> String {
    assert!(SOUND.contains(part), "the sound policy holds {part:?}");
    SOUND.replacen(part, by, 1)
}

/// The complaints about a policy, `line:column: message; hint` each.
pub(super) fn complaints(yaml: &str) -> Vec<String> {
    let errors = parse(yaml).expect_err("this policy has a mistake");
    let lines = errors.lines();
    lines
        .iter()
        .map(|line| line.strip_prefix("p.yaml:").unwrap_or(line).to_owned())
        .collect()
}

/// One mistake in the sound policy, one complaint.
#[track_caller]
pub(super) fn says(part: &str, by: &str, expected: &str) {
    assert_eq!(complaints(&with(part, by)), [expected]);
}

#[test]
fn a_sound_policy_is_read_as_it_is_written() {
    let policy = parse(SOUND).unwrap_or_else(|errors| panic!("{errors}"));
    let prod = &policy.rules[0];
    assert_eq!(policy.repository.0, "acme/site");
    assert_eq!(
        policy.identity,
        super::IdentitySource::Variable("REMOTE_USER".into())
    );
    assert_eq!(prod.pattern, "refs/heads/prod");
    assert_eq!(prod.required, 1);
    assert_eq!(prod.expire.unwrap().0, 30 * 24 * 3600);
    assert_eq!(prod.independence, super::Independence::Commit);
    assert_eq!(prod.attribution, super::Attribution::Signature);
    assert_eq!(prod.paths[0].required, 2);
    assert_eq!(prod.release[0].as_str(), "www");
    assert_eq!(policy.people.len(), 3);
    assert_eq!(policy.targets.len(), 1);
}

#[test]
fn the_example_is_a_policy() {
    let text = include_bytes!("../../../policy.yaml.example");
    let policy =
        Policy::parse(text, "policy.yaml.example").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.people.len(), 5);
    assert_eq!(policy.rules.len(), 3);
    assert_eq!(super::locks_out(&policy), None);
    assert_eq!(super::warnings(&policy, None), []);
}

/// Every key of a policy.
const KEYS: &str = "\
    version repository identity source people name emails logins keys disabled teams branches \
    required from enforce expire independence attribution push paths match baseline release targets \
    kind include exclude symlinks host_keys agent submodules lfs export names last path keep \
    host port tls ca connections compress stage stages hold after lift lifter notify events to sendmail \
    url run verify machines checks ticket pattern in releaser windows freezes zone days until override drift health status contains within retries command audit log_reads streams \
    transport facility socket format max_message delegation by longest";

#[test]
fn the_example_and_the_reference_name_every_key() {
    for key in KEYS.split_whitespace() {
        is_named(key);
    }
}

#[track_caller]
fn is_named(key: &str) {
    let example = include_str!("../../../policy.yaml.example");
    let reference = include_str!("../../../docs/policy.md");
    assert!(
        example.contains(&format!("{key}:")),
        "{key} is not in the example"
    );
    assert!(
        reference.contains(&format!("`{key}`")),
        "{key} is not in docs/policy.md"
    );
}
