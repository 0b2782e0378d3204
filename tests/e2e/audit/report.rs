//! The auditor's report, from a repository in which things happened.

use crate::common::{RELHOOK, World, command, run};
use std::fs;
use std::process::Command;

/// A push that was refused, the same push approved, and one to no protected ref.
fn lived_in() -> World {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    world
}

#[test]
fn a_report_names_who_did_what_and_what_it_rests_on() {
    let world = lived_in();
    let page = world.relhook(&["report"]).text();
    let tip = world.server_ref("refs/heads/prod").unwrap();
    for said in [
        &tip[..],
        "written by</dt><dd>dana",
        "approved by</dt><dd>rita",
        "pushed by</dt><dd>dana",
        "RH401",
        "The log verifies.",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    let lines = world.relhook(&["report", "--format", "jsonl"]).text();
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let change = lines.iter().find(|line| line["kind"] == "change").unwrap();
    assert_eq!(change["new"], tip);
    assert_eq!(change["went"], "in");
    assert_eq!(change["approvals"].as_array().unwrap().len(), 1);
    assert!(change["approvals"][0]["seen"].is_string());
    let refused = lines.iter().filter(|line| line["kind"] == "refusal");
    assert_eq!(refused.count(), 1);

    let table = world.relhook(&["report", "--format", "csv"]).text();
    assert_eq!(table.lines().count(), 2, "{table}");
    let none = world.relhook(&["report", "--to", "2001-01-01"]).text();
    assert!(none.contains("no entry of this period"), "{none}");
    assert_eq!(world.relhook(&["report", "--from", "monday"]).code, 2);
}

#[test]
fn l_02_of_a_log_that_was_changed_there_is_no_report() {
    let world = lived_in();
    let head = fs::read_to_string(world.log_head()).unwrap();
    fs::write(world.log_head(), head.replacen("RH401", "RH402", 1)).unwrap();
    let refused = world.relhook(&["report"]);
    assert_eq!(refused.code, 4);
    assert!(!String::from_utf8_lossy(&refused.out).contains("<html"));
}

#[test]
fn the_archive_is_checked_with_stock_tools() {
    let world = lived_in();
    let away = tempfile::tempdir().unwrap();
    let archive = away.path().join("audit.tar");
    let path = archive.to_str().unwrap();
    // Which refs moved is told: nothing follows by itself any more.
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    world.relhook(&["report", "--pack", path]).assert_ok();
    let mut tar = Command::new("tar");
    run(tar.current_dir(away.path()).args(["-xf", path])).assert_ok();
    let folder = away.path().join("relhook-report");
    // Each piece of evidence is what its name says.
    let mut sums = Command::new("sh");
    sums.current_dir(folder.join("evidence"))
        .args(["-c", "for f in *; do echo \"$f  $f\"; done | sha256sum -c"]);
    run(&mut sums).assert_ok();
    let entries = fs::read_to_string(folder.join("entries.jsonl")).unwrap();
    assert_eq!(entries, world.log_text());
    let receipts: Vec<_> = fs::read_dir(folder.join("receipts")).unwrap().collect();
    assert_eq!(receipts.len(), entries.lines().count());
    for receipt in receipts {
        let mut check = command(RELHOOK, away.path());
        check
            .args(["audit", "check", "--key"])
            .arg(folder.join("key"));
        run(check.arg(receipt.unwrap().path())).assert_ok();
    }
    let attested = fs::read_dir(folder.join("attestations")).unwrap();
    assert_eq!(attested.count(), 1);
    assert!(folder.join("report.html").exists() && folder.join("HOW-TO-CHECK.txt").exists());
}
