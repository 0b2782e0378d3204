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

#[test]
fn a_rule_that_only_warns_lets_pass_and_says_so_everywhere() {
    let world = World::with(&PolicyText::usual().prod("enforce: warn"));
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.commits("price.txt");
    let ran = dana.relhook(&["check", "origin", "prod"]);
    let said = shown(&ran);
    fits(&said);
    assert_eq!(ran.code, 0, "{said}");
    assert!(said.contains("NOT approved as the policy asks"), "{said}");
    let ran = dana.relhook(&["check", "--json", "origin", "prod"]);
    let json: Value = serde_json::from_str(&shown(&ran)).unwrap();
    assert_eq!(json["updates"][0]["let_pass"][0]["code"], "RH401");
    documented(&json);
    let push = dana.pushes(&["prod"]);
    push.accepted();
    for part in [
        "relhook: let in, and NOT approved as the policy asks",
        "approved by nobody",
        "RH808 `refs/heads/prod` ONLY WARNS",
        "RH401 1 commit lacks approval",
        "relhook explain RH401 RH808",
    ] {
        assert!(push.said.contains(part), "{part}: {}", push.said);
    }
    let log = world.log();
    let entry = log
        .iter()
        .rfind(|entry| entry["kind"] == "verdict")
        .unwrap();
    assert_eq!(entry["outcome"], "warned");
    assert_eq!(
        entry["updates"][0]["let_pass"],
        serde_json::json!(["RH401"])
    );
    assert_eq!(entry["updates"][0]["new"], tip);
    // What was approved is not let pass; that the rule only warns is said all the same.
    let next = dana.commits("terms.txt");
    dana.offers("dana/terms");
    remy.approves(&next).accepted();
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert!(push.said.contains("relhook: accepted"), "{}", push.said);
    assert!(
        push.said.contains("RH808 `refs/heads/prod` ONLY WARNS"),
        "{}",
        push.said
    );
    let status = shown(&world.relhook(&["status"]));
    assert!(
        status.contains("needs 1 of reviewers (ONLY WARNS)"),
        "{status}"
    );
    let json: Value = serde_json::from_str(&shown(&dana.relhook(&["status", "--json"]))).unwrap();
    assert_eq!(json["refs"][0]["rules"][0]["only_warns"], true, "{json:#}");
    documented(&json);
    let doctor = shown(&world.relhook(&["doctor"]));
    assert!(doctor.contains("`refs/heads/prod` only warns"), "{doctor}");
    let replay = world.relhook(&["audit", "replay"]);
    assert_eq!(replay.code, 0, "{}{}", shown(&replay), replay.err);
    let page = world.path("report.html");
    let out = page.to_str().unwrap();
    world.relhook(&["report", "--output", out]).assert_ok();
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("a rule that only warns would have refused it (RH401)"));
    // Everything but approvals is held to.
    dana.git(&[
        "-c",
        "commit.gpgSign=false",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "unsigned",
    ]);
    dana.pushes(&["prod"]).refused_with("RH202");
    dana.git(&["reset", "-q", "--hard", &tip]);
    dana.pushes_with(&["--force"], &["prod"])
        .refused_with("RH102");
}

#[test]
fn an_objection_stops_a_push_where_a_rule_only_warns() {
    let world = World::with(&PolicyText::usual().prod("enforce: warn"));
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.commits("price.txt");
    dana.offers("dana/price");
    remy.git(&["fetch", "-q", "origin"]);
    let no = remy.relhook(&["reject", &tip, "--ref", "prod", "--reason", "no", "--yes"]);
    no.assert_ok();
    dana.pushes(&["prod"]).refused_with("RH404");
}

/// Two pushes to `prod`: one with an approval by Remy, and before it one that was refused.
fn history() -> World {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.commits("price.txt");
    dana.offers("dana/price");
    dana.pushes(&["prod"]).refused_with("RH401");
    remy.approves(&tip).accepted();
    dana.pushes(&["prod"]).accepted();
    world
}

fn replays(world: &World, policy: &PolicyText, more: &[&str]) -> (i32, String) {
    let dir = world.path("other");
    std::fs::create_dir_all(dir.join("keys")).unwrap();
    policy.write(&dir);
    let file = dir.join("policy.yaml");
    let args = [&["policy", "replay", file.to_str().unwrap()], more].concat();
    let ran = world.relhook(&args);
    (ran.code, shown(&ran) + &ran.err)
}

#[test]
fn what_happened_is_judged_again_by_another_policy() {
    let world = history();
    let usual = PolicyText::usual();
    let (code, said) = replays(&world, &usual, &[]);
    assert_eq!(code, 0, "{said}");
    // How it is wrapped depends on where the file is.
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("2 pushes judged again"), "{said}");
    assert!(flat.contains("2 would end as they did, 0"), "{said}");
    let rule = "  refs/heads/prod:\n    required: 1";
    let two = usual
        .clone()
        .replacing(rule, "  refs/heads/prod:\n    required: 2");
    let (code, said) = replays(&world, &two, &["--since", "90d"]);
    assert_eq!(code, 1, "{said}");
    fits(
        &said
            .lines()
            .filter(|line| !line.contains("acme/site"))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("by dana: was let in, and would have been refused"),
        "{said}"
    );
    assert!(
        flat.contains("RH401 1 commit lacks approval by 2 people"),
        "{said}"
    );
    assert!(
        flat.contains("1 would end as they did, 1 otherwise"),
        "{said}"
    );
    // Where a rule only warns, the refused one goes in, and it is said what the rule would say.
    let warns = usual.clone().prod("enforce: warn");
    let (code, json) = replays(&world, &warns, &["--json", "--ref", "prod"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(code, 1);
    assert_eq!(json["schema"], "relhook/policy-replay/v1");
    assert_eq!((&json["judged"], &json["alike"]), (&2.into(), &1.into()));
    assert_eq!(json["pushes"][0]["was"], "refused");
    assert_eq!(json["pushes"][0]["would"], "warned");
    assert_eq!(json["pushes"][0]["reasons"][0]["code"], "RH401");
    documented(&json);
    let (code, said) = replays(&world, &usual, &["--since", "soon"]);
    assert_eq!(code, 2, "{said}");
    let (code, said) = replays(
        &world,
        &usual.clone().replacing("version: 1", "version: 2"),
        &[],
    );
    assert_eq!(code, 1, "{said}");
}

#[test]
fn people_who_are_not_in_the_other_policy_would_not_have_pushed() {
    let world = history();
    let without = PolicyText::usual().replacing("    logins: [dana]\n", "    logins: [dee]\n");
    let (code, _) = replays(&world, &without, &[]);
    // Whose login it was then is whose push it was.
    assert_eq!(code, 0);
    let disabled = PolicyText::usual().replacing("  remy:\n", "  remy:\n    disabled: true\n");
    let (code, said) = replays(&world, &disabled, &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("RH401"), "{said}");
}

#[test]
fn in_a_clone_it_is_a_copy_of_the_log_that_is_judged_again() {
    let world = history();
    let dana = world.person("dana");
    let file = world.path("policy.yaml");
    let file = file.to_str().unwrap();
    let ran = dana.relhook(&["policy", "replay", file]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("--log"), "{}", ran.err);
    let copy = world.path("copy");
    // Clones are shown the log a second after a push, and all this may take less.
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    // Nobody adds to it meanwhile: an older copy is not what the server shows.
    let _quiet = crate::audit::quiet(&world);
    run(command("cp", &world.path("home/server"))
        .arg("-r")
        .arg(world.server().join("relhook/audit"))
        .arg(&copy))
    .assert_ok();
    let copy = copy.to_str().unwrap();
    let ran = dana.relhook(&["policy", "replay", file, "--log", copy]);
    assert!(ran.code == 0 || ran.code == 3, "{}{}", shown(&ran), ran.err);
    assert!(shown(&ran).contains("judged again"), "{}", shown(&ran));
}

/// Rita alone reviews, and may name a developer her deputy.
fn one_reviewer_with_deputies() -> PolicyText {
    PolicyText::usual()
        .replacing("reviewers: [rita, remy, vera]", "reviewers: [rita]")
        .prod("delegation: {by: [reviewers], to: [developers], longest: 21d}")
}

#[test]
fn the_bus_factor_counts_deputies_who_may_be_named_and_those_of_today() {
    let world = World::with(&one_reviewer_with_deputies());
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let ask = |more: &[&str]| {
        let ran = dana.relhook(&[&["policy", "bus-factor", "--standing"], more].concat());
        (ran.code, shown(&ran) + &ran.err)
    };
    let (code, said) = ask(&[]);
    fits(&said);
    assert_eq!(code, 1, "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "deputies: rita may name dana or dora",
        "WARNING: nothing at all goes in while rita is away",
        "with every deputy named, nothing at all goes in while dana, dora and rita are away",
        "what dana wrote does not go in while rita is away; with every deputy named, while dora and \
         rita are away",
        "what rita wrote does not go in even if everybody is there",
    ] {
        assert!(flat.contains(part), "{part}: {said}");
    }
    assert!(!flat.contains("of today"), "{said}");
    let leave = ["--until", "14d", "--reason", "leave", "--yes"];
    let named = ["delegate", "--to", "dora", "--for", "prod"];
    let ran = rita.relhook(&[&named[..], &leave[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let (_, said) = ask(&[]);
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let today = "with the deputies of today (dora for rita), nothing at all goes in while dora and rita \
                 are away";
    assert!(flat.contains(today), "{said}");
    let on_server = world.relhook(&["policy", "bus-factor", "--standing"]);
    let said = shown(&on_server);
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.starts_with("the policy of this server"),
        "{said}{}",
        on_server.err
    );
    assert!(flat.contains(today), "{said}");
    let (_, json) = ask(&["--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let row = &json["rows"][0];
    assert_eq!(row["now"]["deputies"][0]["in_stead_of"], "rita");
    assert_eq!(row["now"]["away"]["people"], 2);
    assert_eq!(row["away_with_deputies"]["people"], 3);
    assert_eq!(row["away"]["people"], 1);
    documented(&json);
    // It is so: with rita away, dora lets dana's change in, and without dora nobody does.
    let tip = dana.commits("price.txt");
    dana.offers("dana/price");
    dana.pushes(&["prod"]).refused_with("RH401");
    let dora = world.person("dora");
    dora.git(&["fetch", "-q", "origin"]);
    let ask = |args: &[&str]| {
        let ran = dana.relhook(&[&["who-can", &tip, "--ref", "prod"], args].concat());
        (ran.code, shown(&ran) + &ran.err)
    };
    let (code, said) = ask(&[]);
    fits(&said);
    assert_eq!(code, 0, "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["dora, in rita's stead (", "--in-stead-of rita"] {
        assert!(flat.contains(part), "{part}: {said}");
    }
    let (_, json) = ask(&["--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    documented(&json);
    let people = json["people"].as_array().unwrap();
    let of_dora = people.iter().find(|one| one["person"] == "dora").unwrap();
    assert_eq!(of_dora["could"], "not-in-team");
    assert_eq!(of_dora["deputy"][0]["could"], "yes");
    assert_eq!(of_dora["deputy"][0]["enough"], true);
    let approve = ["approve", &tip, "--ref", "prod", "--yes", "--in-stead-of"];
    let ran = dora.relhook(&[&approve[..], &["rita"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let (code, said) = ask(&[]);
    assert_eq!(code, 0, "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("has approved already"), "{said}");
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn who_can_says_why_a_deputy_cannot() {
    let world = World::with(
        &PolicyText::usual().prod("delegation: {by: [reviewers], to: [developers], longest: 21d}"),
    );
    let [dana, rita, remy] = ["dana", "rita", "remy"].map(|name| world.person(name));
    let delegates = |by: &crate::common::Person<'_>, more: &[&str]| {
        let named = ["delegate", "--for", "prod", "--reason", "leave", "--yes"];
        let ran = by.relhook(&[&named[..], more].concat());
        assert_eq!(ran.code, 0, "{}{}", shown(&ran), ran.err);
    };
    delegates(&rita, &["--to", "dana", "--until", "14d"]);
    delegates(
        &remy,
        &["--to", "dora", "--until", "14d", "--paths", "docs/**"],
    );
    delegates(&rita, &["--to", "dora", "--from", "3d", "--until", "10d"]);
    let tip = dana.commits("price.txt");
    dana.offers("dana/price");
    rita.git(&["fetch", "-q", "origin"]);
    let ran = rita.relhook(&["who-can", &tip, "--ref", "prod"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let said = shown(&ran);
    fits(&said);
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let (able, others) = flat.split_once("everybody else:").unwrap();
    assert!(!able.contains("stead"), "{said}");
    for part in ["had a hand in", "for other paths only", "only from 20"] {
        assert!(others.contains(part), "{part}: {said}");
    }
    let json = rita.relhook(&["who-can", &tip, "--ref", "prod", "--json"]);
    let json: Value = serde_json::from_str(&shown(&json)).unwrap();
    documented(&json);
    let people = json["people"].as_array().unwrap();
    let why = |person: &str| -> Vec<&str> {
        let one = people.iter().find(|one| one["person"] == person).unwrap();
        let deputy = one["deputy"].as_array().unwrap().iter();
        deputy.map(|one| one["could"].as_str().unwrap()).collect()
    };
    assert_eq!(why("dana"), ["contributor"]);
    assert_eq!(
        why("dora")
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        ["not-yet", "other-paths"].into()
    );
    assert_eq!(why("paul"), Vec::<&str>::new());
}

#[test]
fn explain_says_who_may_stand_in_break_the_glass_and_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let rule = "delegation: {by: [reviewers], to: [developers], longest: 21d}\n    \
                rollback: {by: [admins], required: 2}\n    releaser: distinct\n    emergency:\n      \
                by: [developers]\n      cosign: [reviewers]\n      ticket: \"INC-#\"\n      \
                limit: {count: 2, within: 30d}\n      except: [infra/**]\n      review-within: 3d";
    let text = PolicyText::usual().prod(rule);
    let (code, said) = policy(dir.path(), &text.yaml, &["explain", "prod", "infra/x"]);
    fits(&said);
    assert_eq!(code, 0, "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "remy, rita or vera (reviewers) may name dana or dora (developers) their deputy, for 21 d at most",
        "in an emergency, dana or dora may let in what nobody has approved (developers), and it is \
         reviewed within 3 d",
        "another one of remy, rita or vera (reviewers) signs the emergency, too",
        "an emergency names a ticket like `INC-#`",
        "2 emergencies at most in 30 d, and none while a review is overdue",
        "no emergency lets in what touches `infra/**`",
        "nor had a deputy who did: a third person",
        "it goes back to what was accepted before on the word of 2 of paul or rita (admins)",
    ] {
        assert!(flat.contains(part), "{part}: {said}");
    }
    let (_, json) = policy(dir.path(), &text.yaml, &["explain", "prod", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let rule = &json["rules"][0];
    assert_eq!(rule["delegation"]["longest_seconds"], 21 * 24 * 3600);
    assert_eq!(rule["emergency"]["limit"]["count"], 2);
    assert_eq!(rule["emergency"]["except"][0], "infra/**");
    documented(&json);
}
