//! The policy in force, and what its ref would become.

use super::*;
use crate::facts::testing::{name, policy_yaml};
use crate::policy::POLICY_REF;

fn commit(repo: &Repo, files: &[(&str, &str)]) -> Oid {
    Signer::new("dana").commit(repo, repo.tree(files), &[], "policy")
}

fn proposed(repo: &Repo, change: RefChange) -> ProposedPolicy {
    let refname = name(POLICY_REF);
    let updates = [(&refname, change)];
    let (policy, memory) = (policy(""), Known::default());
    let facts = gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates);
    match facts.updates.into_iter().next().unwrap().subject {
        Subject::Policy(_, proposed) => proposed,
        other => panic!("{other:?}"),
    }
}

fn of(files: &[(&str, &str)]) -> ProposedPolicy {
    let repo = Repo::new();
    let new = commit(&repo, files);
    proposed(&repo, RefChange::Create { new })
}

fn complaints(proposed: ProposedPolicy) -> Vec<String> {
    match proposed {
        ProposedPolicy::Invalid { complaints } => complaints,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_policy_is_read_from_its_branch_with_its_keys() {
    let repo = Repo::new();
    assert!(repo.store().policy().unwrap().is_none());
    let yaml = policy_yaml("");
    let files = [
        ("README", "for people"),
        ("keys/dana.asc", "a key"),
        ("keys/extra.pem", "an authority"),
        ("policy.yaml", &yaml),
    ];
    let oid = commit(&repo, &files);
    repo.set_ref(POLICY_REF, oid);
    let (at, bundle) = repo.store().policy().unwrap().unwrap();
    assert_eq!(at, oid);
    assert_eq!(bundle.policy.id.unwrap().0, oid);
    let keys: Vec<(&str, &[u8])> = bundle.keys.iter().collect();
    assert_eq!(
        keys,
        [
            ("dana.asc", &b"a key"[..]),
            ("extra.pem", &b"an authority"[..])
        ]
    );
}

#[test]
fn a_policy_ref_that_is_symbolic_is_not_believed() {
    let repo = Repo::new();
    let yaml = policy_yaml("");
    repo.set_ref("refs/heads/mine", commit(&repo, &[("policy.yaml", &yaml)]));
    repo.git(&["symbolic-ref", POLICY_REF, "refs/heads/mine"]);
    assert!(matches!(
        repo.store().policy(),
        Err(PolicyReadError::OddRef { .. })
    ));
}

#[test]
fn a_sound_policy_is_sound() {
    let yaml = policy_yaml("");
    assert_eq!(of(&[("policy.yaml", &yaml)]), ProposedPolicy::Sound);
}

#[test]
fn a_policy_with_mistakes_tells_each_with_its_place() {
    let yaml = policy_yaml("    colour: red\n    expire: soon");
    let complaints = complaints(of(&[("policy.yaml", &yaml)]));
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(
        complaints
            .iter()
            .all(|line| line.starts_with("policy.yaml:"))
    );
}

#[test]
fn a_tree_without_a_policy_or_with_odd_files_is_no_policy() {
    let yaml = policy_yaml("");
    let lines = complaints(of(&[("other.yaml", &yaml)]));
    assert_eq!(lines, ["policy.yaml: it is not there"]);
    let lines = complaints(of(&[("policy.yaml/x", &yaml)]));
    assert_eq!(lines, ["policy.yaml: it is not a plain file"]);
    let lines = complaints(of(&[("policy.yaml", &yaml), ("keys", "x")]));
    assert_eq!(lines, ["keys: it is not a folder"]);
    let lines = complaints(of(&[("policy.yaml", &yaml), ("keys/deep/x", "x")]));
    assert_eq!(lines, ["keys/deep: it is not a plain file"]);
    let lines = complaints(of(&[("policy.yaml", &yaml), ("keys/.hidden", "x")]));
    assert_eq!(lines.len(), 1);
    let large = "#".repeat(1 << 20);
    let lines = complaints(of(&[("policy.yaml", &large)]));
    assert_eq!(lines, ["policy.yaml: it is larger than relhook reads"]);
}

#[test]
fn a_policy_whose_keys_are_not_there_is_refused() {
    let yaml = policy_yaml("").replacen(
        "  carol:",
        "  olga:\n    emails: [olga@acme.example]\n    keys:\n      \
         - openpgp:1D1FB2B6C1F0A3E4957C88D2A60B3F5E7C9A4412\n  carol:",
        1,
    );
    let lines = complaints(of(&[("policy.yaml", &yaml)]));
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn a_policy_that_locks_everybody_out_says_so() {
    // The rule leaves carol alone to write a change, and its paths leave dana alone.
    let yaml = policy_yaml("")
        .replace(
            "teams:\n",
            "teams:\n  left: [dana, bob]\n  right: [bob, carol]\n",
        )
        .replace(
            "  refs/relhook/policy:\n    required: 1\n    from: [all]\n",
            "  refs/relhook/policy:\n    required: 2\n    from: [left]\n    paths:\n      \
             - match: [policy.yaml]\n        required: 2\n        from: [right]\n",
        );
    match of(&[("policy.yaml", &yaml)]) {
        ProposedPolicy::LocksOut { why } => assert!(!why.is_empty()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deleted_or_unreadable_policy_is_absent() {
    let repo = Repo::new();
    let delete = RefChange::Delete { old: None };
    assert_eq!(proposed(&repo, delete), ProposedPolicy::Absent);
    let new = repo.tree(&[]);
    assert_eq!(
        proposed(&repo, RefChange::Create { new }),
        ProposedPolicy::Absent
    );
}
