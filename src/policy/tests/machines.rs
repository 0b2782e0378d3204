//! Machines: what is read, and what is complained about.

use super::{complaints, parse, with};
use crate::types::KeyFingerprint;

const KEY: &str = "openpgp:3123456789ABCDEF0123456789ABCDEF01234567";

fn checked(rule: &str, machines: &str) -> String {
    let yaml = with(
        "    release: [www]\n",
        &format!("    release: [www]\n{rule}"),
    );
    format!("{yaml}{machines}")
}

#[test]
fn they_are_read() {
    let machines = format!("machines:\n  ci: {{keys: ['{KEY}'], checks: [tests, scan]}}\n");
    let yaml = checked("    checks: [scan]\n", &machines);
    let policy = parse(&yaml).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.rules[0].checks[0].as_str(), "scan");
    let key = KeyFingerprint::OpenPgp(KEY.trim_start_matches("openpgp:").to_owned());
    let machine = policy.machine_of_key(&key).unwrap();
    assert_eq!((machine.name.as_str(), machine.checks.len()), ("ci", 2));
    assert!(policy.owner_of_key(&key).is_none());
}

#[track_caller]
fn says(rule: &str, machines: &str, part: &str) {
    let lines = complaints(&checked(rule, machines));
    assert_eq!(lines.len(), 1, "{machines}: {lines:#?}");
    assert!(lines[0].contains(part), "{machines}: {lines:#?}");
}

#[test]
fn what_does_not_fit_is_said() {
    let ci = |inside: &str| format!("machines:\n  ci: {{{inside}}}\n");
    says("", &ci("checks: [tests]"), "a machine needs `keys`");
    says(
        "",
        &ci(&format!("keys: ['{KEY}']")),
        "a machine needs `checks`",
    );
    says(
        "",
        &ci(&format!("keys: ['{KEY}'], checks: [a b]")),
        "is not a name",
    );
    says("    checks: [tests]\n", "", "add `machines:`");
    let good = ci(&format!("keys: ['{KEY}'], checks: [tests]"));
    says("    checks: [tsts]\n", &good, "did you mean `tests`?");
    says(
        "",
        &good.replace("ci:", "Dana:"),
        "is the name of a person too",
    );
    let bobs = KEY.replace(":3", ":1");
    says("", &good.replace(KEY, &bobs), "already belongs to `bob`");
    let yaml = with(
        "  refs/relhook/policy:\n",
        "  refs/relhook/policy:\n    checks: [tests]\n",
    );
    let lines = complaints(&format!("{yaml}{good}"));
    assert!(lines[0].contains("without a machine"), "{lines:?}");
}
