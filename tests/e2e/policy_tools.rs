//! Tools for a policy, as docs/policy-tools.md tells of them.

use crate::common::{POLICY, PROD, PolicyText, RELHOOK, World, command, documented, run, shown};
use serde_json::Value;
use std::path::Path;

/// relhook in a folder that holds this policy.
fn policy(dir: &Path, yaml: &str, args: &[&str]) -> (i32, String) {
    std::fs::write(dir.join("policy.yaml"), yaml).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut relhook = command(RELHOOK, home.path());
    let ran = run(relhook.current_dir(dir).arg("policy").args(args));
    let said = shown(&ran) + &ran.err;
    (ran.code, said)
}

fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_bus_factor_is_told_rule_by_rule() {
    let dir = tempfile::tempdir().unwrap();
    let usual = PolicyText::usual();
    let (code, said) = policy(dir.path(), &usual.yaml, &["bus-factor"]);
    fits(&said);
    assert_eq!(code, 0, "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "nothing at all goes in while remy, rita and vera are away",
        "what remy wrote does not go in while rita and vera are away",
        "what paul wrote does not go in while rita is away",
        "no rule hangs on one person",
    ] {
        assert!(flat.contains(part), "{part}: {said}");
    }
    let (code, json) = policy(dir.path(), &usual.yaml, &["bus-factor", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(code, 0);
    assert_eq!(json["schema"], "relhook/bus-factor/v1");
    assert_eq!(json["hangs_on_one"], false);
    assert_eq!(json["rows"][0]["away"]["people"], 3);
    documented(&json);
}

#[test]
fn a_rule_that_hangs_on_one_person_is_a_warning_and_lint_says_so_too() {
    let dir = tempfile::tempdir().unwrap();
    let one = PolicyText::usual().replacing("reviewers: [rita, remy, vera]", "reviewers: [rita]");
    let (code, said) = policy(dir.path(), &one.yaml, &["bus-factor"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("WARNING: nothing at all goes in while rita is away"),
        "{said}"
    );
    let (code, said) = policy(dir.path(), &one.yaml, &["lint"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("`refs/heads/prod`: while `rita` is away, nothing can be approved"),
        "{said}"
    );
    let (code, said) = policy(dir.path(), "version: 1\n", &["bus-factor"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("policy.yaml:1:1"), "{said}");
    let (code, said) = policy(dir.path(), "", &["bus-factor", "elsewhere.yaml"]);
    assert_eq!(code, 3, "{said}");
}

fn could(json: &Value, person: &str) -> String {
    let people = json["people"].as_array().unwrap();
    let one = people.iter().find(|one| one["person"] == person).unwrap();
    one["could"].as_str().unwrap().to_owned()
}

#[test]
fn who_can_agrees_with_what_the_server_then_does() {
    let two = PolicyText::usual()
        .replacing(
            "  refs/heads/prod:\n    required: 1",
            "  refs/heads/prod:\n    required: 2",
        )
        .replacing("  vera:\n", "  vera:\n    disabled: true\n")
        .replacing(
            "reviewers: [rita, remy, vera]",
            "reviewers: [rita, remy, vera, dora]",
        );
    let world = World::with(&two);
    let (dana, rita, remy) = (
        world.person("dana"),
        world.person("rita"),
        world.person("remy"),
    );
    let tip = dana.commits("price.txt");
    dana.offers("dana/price");
    rita.git(&["fetch", "-q", "origin"]);
    let ask = |args: &[&str]| {
        let ran = rita.relhook(&[&["who-can"], args].concat());
        (ran.code, shown(&ran) + &ran.err)
    };
    let (code, said) = ask(&["dana/price", "--ref", "prod"]);
    fits(&said);
    assert_eq!(code, 0, "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "RH401 1 commit lacks approval by 2 people",
        "could approve now: dora: more is lacking besides remy: more is lacking besides rita",
        "paul: is in none of the teams that count here: reviewers",
        "vera: is disabled in the policy",
    ] {
        assert!(flat.contains(part), "{part}: {said}");
    }
    let (_, json) = ask(&[&tip, "--ref", "prod", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "relhook/who-can/v1");
    assert_eq!(json["ref"], PROD);
    assert_eq!(json["policy"], world.server_ref(POLICY).unwrap());
    for (person, wanted) in [
        ("dana", "not-in-team"),
        ("dora", "yes"),
        ("rita", "yes"),
        ("remy", "yes"),
        ("paul", "not-in-team"),
        ("vera", "disabled"),
    ] {
        assert_eq!(could(&json, person), wanted, "{person}: {json:#}");
    }
    documented(&json);
    remy.approves(&tip).accepted();
    let (_, json) = ask(&[&tip, "--ref", "prod", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(could(&json, "remy"), "approved");
    let people = json["people"].as_array().unwrap();
    let of_rita = people.iter().find(|one| one["person"] == "rita").unwrap();
    assert_eq!(of_rita["enough"], true, "{json:#}");
    // It is what the server says then.
    dana.pushes(&["prod"]).refused_with("RH401");
    rita.approves(&tip).accepted();
    let (code, said) = ask(&[&tip, "--ref", "prod"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("no approval is lacking"), "{said}");
    assert!(said.contains("dora: could, but nothing lacks it"), "{said}");
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn nobody_could_where_everybody_able_had_a_hand_in_it() {
    let one = PolicyText::usual().replacing("reviewers: [rita, remy, vera]", "reviewers: [rita]");
    let world = World::with(&one);
    let rita = world.person("rita");
    let tip = rita.commits("price.txt");
    let ran = rita.relhook(&["who-can", &tip, "--ref", "prod"]);
    let said = shown(&ran);
    assert_eq!(ran.code, 1, "{said}{}", ran.err);
    assert!(said.contains("could approve now:\n  nobody\n"), "{said}");
    let own = format!("rita: had a hand in {}", &tip[..7]);
    assert!(said.contains(&own), "{said}");
    let ran = rita.relhook(&["who-can", "nowhere", "--ref", "prod"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}

#[test]
fn explain_says_which_rules_match_and_what_they_demand() {
    let dir = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy.yaml.example");
    let example = std::fs::read_to_string(example).unwrap();
    let args = ["explain", "prod", "infra/dns.tf", "site/a.html"];
    let (code, said) = policy(dir.path(), &example, &args);
    assert_eq!(code, 0, "{said}");
    fits(&said);
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "refs/heads/prod: one rule matches it",
        "is approved by 1 of bob (Bob Reviewer) or carol (Carol Deputy) (reviewers)",
        "an approval counts for 30 d",
        "infra/dns.tf - falls under `infra/**`",
        "also approved by 2 of bob",
        "site/a.html - nothing on top of that",
        "what is accepted is released to www",
    ] {
        assert!(flat.contains(part), "{part}: {said}");
    }
    let (_, json) = policy(
        dir.path(),
        &example,
        &["explain", "--json", "prod", "infra/x"],
    );
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "relhook/policy-explain/v1");
    assert_eq!(json["paths"][0]["on_top"][0]["required"], 2);
    assert_eq!(
        json["rules"][0]["able"],
        serde_json::json!(["bob", "carol"])
    );
    documented(&json);
    let (code, said) = policy(dir.path(), &example, &["explain", "refs/heads/my work"]);
    assert_eq!(code, 2, "{said}");
    let (_, said) = policy(dir.path(), &example, &["explain", "stage"]);
    assert!(said.contains("no rule matches it"), "{said}");
}

#[test]
fn scenarios_are_tried_and_what_goes_otherwise_is_told_by_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let example = std::fs::read_to_string(root.join("policy.yaml.example")).unwrap();
    let scenarios =
        std::fs::read_to_string(root.join("docs/policy-scenarios.yaml.example")).unwrap();
    let file = dir.path().join("scenarios.yaml");
    std::fs::write(&file, &scenarios).unwrap();
    let (code, said) = policy(dir.path(), &example, &["test", "scenarios.yaml"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("all as expected"), "{said}");
    // The rule is loosened: what it was to refuse goes in now, and the file says so.
    let loose = example.replacen(
        "independence: commit",
        "attribution: signature-or-pusher",
        1,
    );
    let loose = loose.replacen("    attribution: signature\n", "", 1);
    let (code, said) = policy(dir.path(), &loose, &["test", "scenarios.yaml"]);
    assert_eq!(code, 1, "{said}");
    let at = scenarios
        .lines()
        .position(|line| line.contains("an unsigned change"))
        .unwrap()
        + 1;
    assert!(
        said.contains(&format!("scenarios.yaml:{at}: an unsigned")),
        "{said}"
    );
    assert!(
        said.contains("  - RH202 ") && said.contains("  + accepted"),
        "{said}"
    );
    assert!(said.contains("1 not as expected"), "{said}");
    let (code, json) = policy(dir.path(), &loose, &["test", "scenarios.yaml", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["as_expected"]), (1, &Value::Bool(false)));
    documented(&json);
    std::fs::write(&file, "version: 1\nscenarios:\n  - nme: x\n").unwrap();
    let (code, said) = policy(dir.path(), &example, &["test", "scenarios.yaml"]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("scenarios.yaml:3:5: unknown key `nme`"),
        "{said}"
    );
}

#[test]
fn the_scenarios_in_the_documents_are_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("docs/policy-tools.md")).unwrap();
    let block = docs
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let example = std::fs::read_to_string(root.join("policy.yaml.example")).unwrap();
    std::fs::write(dir.path().join("scenarios.yaml"), block).unwrap();
    let (code, said) = policy(dir.path(), &example, &["test", "scenarios.yaml"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2 scenarios, all as expected"), "{said}");
}
