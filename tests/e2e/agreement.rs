//! The same push through `relhook check` and through the server: they say the same, code by code.

use crate::common::{POLICY, PROD, Person, PolicyText, Words, World, shown};
use std::collections::BTreeSet;

/// The codes of the reasons in a report.
fn codes(report: &str) -> BTreeSet<String> {
    report
        .lines()
        .filter_map(|line| {
            let line = line.strip_prefix("remote:").unwrap_or(line).trim_start();
            let code = line.split(' ').next()?;
            let is_code = code.len() == 5 && code.starts_with("RH");
            is_code.then(|| code.to_owned())
        })
        .collect()
}

/// Checks, pushes, and compares; what both said.
#[track_caller]
fn agree(person: &Person<'_>, specs: &[&str]) -> BTreeSet<String> {
    let check = person.relhook(&[&["check", "origin"], specs].concat());
    let push = person.pushes(specs);
    let text = format!("{}\n{}\n{}", shown(&check), check.err, push.said);
    assert_eq!(check.code == 0, push.went_in, "{text}");
    assert!(check.code < 2, "{text}");
    let said = codes(&shown(&check));
    assert_eq!(said, codes(&push.said), "{text}");
    assert_eq!(said.is_empty(), push.went_in, "{text}");
    said
}

#[track_caller]
fn refused(person: &Person<'_>, specs: &[&str], with: &[&str]) {
    let said = agree(person, specs);
    let with: BTreeSet<String> = with.iter().map(|&code| code.to_owned()).collect();
    assert_eq!(said, with);
}

#[track_caller]
fn accepted(person: &Person<'_>, specs: &[&str]) {
    assert_eq!(agree(person, specs), BTreeSet::new());
}

#[test]
fn on_approvals() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.commits("price.txt");
    refused(&dana, &["prod"], &["RH401"]);
    accepted(&dana, &["prod:dana/price"]);
    dana.approves(&tip).accepted();
    refused(&dana, &["prod"], &["RH401"]);
    remy.git(&["fetch", "-q", "origin"]);
    remy.approves(&tip).accepted();
    let later = dana.commits("more.txt");
    refused(&dana, &["prod"], &["RH401"]);
    accepted(&dana, &[&format!("{tip}:{PROD}")]);
    accepted(&dana, &["prod:dana/price"]);
    remy.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&remy, &later);
    words
        .set("Relhook-Decision", "reject")
        .set("Relhook-Reason", "wrong");
    let statement = remy.states(&words);
    accepted(&remy, &[&statement]);
    refused(&dana, &["prod"], &["RH401", "RH404"]);
}

#[test]
fn on_statements_in_the_same_push() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.commits("price.txt");
    remy.takes_from(&dana, "prod");
    let statement = remy.states(&Words::approve(&remy, &tip));
    // Who first pushes a commit has had a hand in it.
    refused(&remy, &["prod", &statement], &["RH401"]);
    let from = remy.clone_dir();
    dana.git(&[
        "fetch",
        "-q",
        from.to_str().unwrap(),
        "refs/tags/*:refs/tags/*",
    ]);
    accepted(&dana, &["prod", &statement]);
}

#[test]
fn on_who_made_it() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let forged = "--author=Remy Reviewer <remy@acme.example>";
    let tip = dana.commits_as("price.txt", &[forged]);
    accepted(&dana, &["prod:dana/price"]);
    remy.git(&["fetch", "-q", "origin"]);
    remy.approves(&tip).accepted();
    refused(&dana, &["prod"], &["RH401"]);
    dana.git(&["reset", "-q", "--hard", "origin/prod"]);
    dana.commits_as(
        "other.txt",
        &["--author=Eve <eve@elsewhere.example>", "--no-gpg-sign"],
    );
    refused(&dana, &["prod"], &["RH201", "RH202", "RH401"]);
}

#[test]
fn on_shape_and_names() {
    let world = World::new();
    let dana = world.person("dana");
    refused(&dana, &[":prod"], &["RH101"]);
    dana.git(&["checkout", "-q", "--orphan", "fresh"]);
    dana.commits("price.txt");
    let said = agree(&dana, &["+fresh:prod"]);
    assert!(said.contains("RH102"), "{said:?}");
    refused(&dana, &["fresh:refs/relhook/other"], &["RH106"]);
    let twice = dana.commits("more.txt");
    refused(&dana, &[&format!("{twice}:refs/heads/PROD")], &["RH106"]);
}

#[test]
fn on_a_policy_that_is_pushed() {
    let world = World::new();
    let (paul, rita) = (world.person("paul"), world.person("rita"));
    paul.git(&["fetch", "-q", "origin", POLICY]);
    paul.git(&["checkout", "-q", "-b", "policy", "FETCH_HEAD"]);
    let file = paul.clone_dir().join("policy.yaml");
    std::fs::write(&file, "version: 1\n").unwrap();
    paul.git(&["commit", "-q", "-a", "-m", "break it"]);
    let spec = format!("policy:{POLICY}");
    let said = agree(&paul, &[&spec]);
    assert!(said.contains("RH803"), "{said:?}");
    paul.git(&["reset", "-q", "--hard", "HEAD^"]);
    let more = PolicyText::usual().prod("push: [developers]");
    std::fs::write(&file, &more.yaml).unwrap();
    paul.git(&["commit", "-q", "-a", "-m", "say who may push"]);
    refused(&paul, &[&spec], &["RH401"]);
    accepted(&paul, &["policy:paul/policy"]);
    let ran = rita.relhook(&["approve", "paul/policy", "--ref", POLICY, "--yes"]);
    ran.assert_ok();
    accepted(&paul, &[&spec]);
    // The new policy decides from now on.
    let remy = world.person("remy");
    remy.commits("price.txt");
    let said = agree(&remy, &["prod"]);
    assert!(said.contains("RH205"), "{said:?}");
}

#[test]
fn on_merges() {
    let world = World::new();
    let (dana, dora, remy) = (
        world.person("dana"),
        world.person("dora"),
        world.person("remy"),
    );
    let left = dana.commits("left.txt");
    accepted(&dana, &["prod:dana/left"]);
    let right = dora.commits("right.txt");
    accepted(&dora, &["prod:dora/right"]);
    remy.git(&["fetch", "-q", "origin"]);
    remy.approves(&left).accepted();
    remy.approves(&right).accepted();
    dana.git(&["fetch", "-q", "origin"]);
    dana.git(&["merge", "-q", "--no-ff", "-m", "both", "origin/dora/right"]);
    refused(&dana, &["prod"], &["RH403"]);
    accepted(&dana, &["prod:dana/both"]);
    remy.relhook(&["approve", "dana/both", "--ref", "prod", "--yes"])
        .assert_ok();
    accepted(&dana, &["prod"]);
}
