//! A repository whose log is of the format before: a chain of lines in one file.

use crate::common::World;
use sha2::{Digest, Sha256};
use std::fs;

/// Writes the log of this world as the relhook before this one would have.
fn aged(world: &World) -> Vec<serde_json::Value> {
    let entries = world.log();
    let audit = world.server().join("relhook/audit");
    let mut prev = "0".repeat(64);
    let mut lines = Vec::new();
    for entry in &entries {
        let fields = entry.as_object().unwrap();
        let mut old = serde_json::Map::new();
        for name in ["schema", "seq", "time"] {
            old.insert(name.into(), fields[name].clone());
        }
        old.insert("schema".into(), "relhook/audit/v1".into());
        old.insert("prev".into(), prev.into());
        for (name, value) in fields {
            if !["schema", "seq", "time", "hidden"].contains(&name.as_str()) {
                old.insert(name.clone(), value.clone());
            }
        }
        let line = serde_json::to_vec(&old).unwrap();
        prev = Sha256::digest(&line)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        lines.extend(line);
        lines.push(b'\n');
    }
    let last = entries.last().unwrap();
    let head = format!(
        "{{\"seq\":{},\"hash\":\"{prev}\",\"time\":{}}}",
        last["seq"], last["time"]
    );
    for name in ["head", "tile", "hidden"] {
        let _ = fs::remove_dir_all(audit.join(name));
    }
    for name in ["checkpoint", "log-key", "publish.lock"] {
        let _ = fs::remove_file(audit.join(name));
    }
    let _ = fs::remove_file(world.server().join("refs/relhook/checkpoint"));
    fs::write(audit.join("log.jsonl"), lines).unwrap();
    fs::write(audit.join("head"), head).unwrap();
    entries
}

/// An entry without what only the new format has.
fn bare(entry: &serde_json::Value) -> serde_json::Value {
    let mut entry = entry.clone();
    let fields = entry.as_object_mut().unwrap();
    fields.remove("hidden");
    fields.remove("schema");
    entry
}

#[test]
fn every_entry_of_the_old_log_is_kept() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
    rita.approves(&fix).accepted();
    // Enough for a full tile.
    for _ in 0..270 {
        world.relhook(&["audit", "heartbeat"]).assert_ok();
    }
    let old = aged(&world);
    // Until it is taken over, nothing goes on.
    dana.pushes(&["prod"]).refused_with("relhook init");
    assert_eq!(world.relhook(&["audit", "verify"]).code, 3);
    world.relhook(&["init"]).assert_ok();
    let new = world.log();
    assert_eq!(new.len(), old.len() + 1);
    for (old, new) in old.iter().zip(&new) {
        assert_eq!(bare(old), bare(new));
    }
    assert_eq!(new.last().unwrap()["kind"], "migrated");
    assert_eq!(new.last().unwrap()["entries"], old.len());
    world.relhook(&["audit", "verify"]).assert_ok();
    assert!(world.server().join("relhook/audit/log.v1.jsonl").exists());
    dana.pushes(&["prod"]).accepted();
    // It is done once.
    world.relhook(&["init"]).assert_ok();
    assert_eq!(world.log().len(), new.len() + 1);
}

#[test]
fn l_02_an_old_log_that_was_changed_is_not_taken_over() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("index.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    aged(&world);
    let path = world.server().join("relhook/audit/log.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let cut = format!("{}\n", lines[..lines.len() - 1].join("\n"));
    for bad in [text.replacen("rejected", "accepted", 1), cut] {
        fs::write(&path, bad).unwrap();
        assert_ne!(world.relhook(&["init"]).code, 0);
        dana.pushes(&["HEAD:refs/heads/fix"]).refused();
    }
    fs::write(&path, text).unwrap();
    world.relhook(&["init"]).assert_ok();
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
}
