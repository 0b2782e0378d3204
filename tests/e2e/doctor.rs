//! `relhook doctor`: each thing is broken in a real repository, found, mended with the very command
//! that is printed, and gone.

mod gate;
mod record;
mod repository;
mod ssh;

use crate::common::{RELHOOK, Ran, World, run};
use serde_json::Value;

/// What `relhook doctor --json` says.
fn examined(world: &World) -> Value {
    let ran = world.relhook(&["doctor", "--json"]);
    serde_json::from_slice(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err))
}

/// The findings of one check that are not in order.
fn bad(world: &World, check: &str) -> Vec<Value> {
    let seen = examined(world);
    let findings = seen["findings"].as_array().unwrap();
    let of = |one: &&Value| one["check"] == check;
    assert!(
        findings.iter().any(|one| of(&one)),
        "there is no check {check}"
    );
    let bad = findings
        .iter()
        .filter(of)
        .filter(|one| one["state"] != "ok");
    bad.cloned().collect()
}

/// The one finding of a check, which is in this state.
#[track_caller]
fn finds(world: &World, check: &str, state: &str, what: &str) -> Value {
    let bad = bad(world, check);
    let [one] = bad.as_slice() else {
        panic!("{check}: {bad:#?}");
    };
    assert_eq!(one["state"], state, "{one:#}");
    let said = one["what"].as_str().unwrap();
    assert!(said.contains(what), "{said}");
    one.clone()
}

/// Runs the commands of a finding as somebody who pastes them.
#[track_caller]
fn mends(world: &World, finding: &Value) {
    let commands = finding["mend"].as_array().unwrap();
    assert!(!commands.is_empty(), "{finding:#}");
    for command in commands {
        pasted(world, command.as_str().unwrap()).assert_ok();
    }
}

fn pasted(world: &World, line: &str) -> Ran {
    let mut shell = world.server_command("sh");
    let folder = std::path::Path::new(RELHOOK).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    shell.env("PATH", format!("{}:{path}", folder.display()));
    run(shell.current_dir("/").args(["-c", line]))
}

/// Finds it, mends it as is said, and finds it gone.
#[track_caller]
fn finds_and_mends(world: &World, check: &str, state: &str, what: &str) {
    let finding = finds(world, check, state, what);
    mends(world, &finding);
    assert_eq!(bad(world, check), [] as [Value; 0]);
}

#[test]
fn every_check_is_described_and_the_answer_is_as_documented() {
    let world = World::new();
    let seen = examined(&world);
    let keys: Vec<&str> = seen
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "schema",
            "repository",
            "git_dir",
            "account",
            "counts",
            "findings"
        ]
    );
    assert_eq!(seen["schema"], "relhook/doctor/v1");
    assert_eq!(seen["repository"], "acme/site");
    assert_eq!(seen["git_dir"], world.server().to_str().unwrap());
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/doctor.md")).unwrap();
    let findings = seen["findings"].as_array().unwrap();
    for finding in findings {
        let keys: Vec<&str> = finding
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys, ["check", "state", "what", "mend", "advice"]);
        let check = format!("`{}`", finding["check"].as_str().unwrap());
        assert!(page.contains(&check), "{check} is not in docs/doctor.md");
    }
    let total: u64 = ["error", "warning", "unknown", "ok"]
        .iter()
        .map(|state| {
            let count = seen["counts"][state].as_u64().unwrap();
            let of = findings
                .iter()
                .filter(|one| one["state"] == **state)
                .count();
            assert_eq!(count, of as u64, "{state}");
            count
        })
        .sum();
    assert_eq!(total, findings.len() as u64);
    let json = std::fs::read_to_string(root.join("docs/json.md")).unwrap();
    for key in keys {
        assert!(
            json.contains(&format!("| `{key}` |")),
            "{key} is not in docs/json.md"
        );
    }
}
