//! What an auditor takes along: a receipt, checked far from the server.

use crate::common::{RELHOOK, World, command, run};

#[test]
fn a_receipt_is_checked_with_the_public_key_alone() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("index.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    let key = world.relhook(&["audit", "key"]);
    let key = String::from_utf8(key.out).unwrap();
    let entries = world.log();
    let last = entries.len().to_string();
    let receipt = world.relhook(&["audit", "prove", &last]);
    receipt.assert_ok();
    let away = tempfile::tempdir().unwrap();
    let file = away.path().join("refusal.tlog-proof");
    std::fs::write(&file, &receipt.out).unwrap();
    let check = |key: &str| {
        let mut check = command(RELHOOK, away.path());
        check
            .current_dir(away.path())
            .args(["audit", "check", "--key", key]);
        run(check.arg(&file))
    };
    let checked = check(key.trim());
    checked.assert_ok();
    let said = String::from_utf8(checked.out).unwrap();
    assert!(said.contains("\"outcome\":\"rejected\""), "{said}");
    // Who it was is not in the log itself.
    assert!(!said.contains("dana"), "{said}");

    let other = World::new().relhook(&["audit", "key"]);
    let refused = check(String::from_utf8(other.out).unwrap().trim());
    assert_eq!(refused.code, 4);
    let text = String::from_utf8(receipt.out).unwrap();
    let changed = text.replacen(&format!("index {}", entries.len() - 1), "index 0", 1);
    std::fs::write(&file, changed).unwrap();
    assert_eq!(check(key.trim()).code, 4);
    assert_eq!(check("no key").code, 3);
    assert_eq!(world.relhook(&["audit", "prove", "9999"]).code, 3);
}

#[test]
fn l_08_what_is_kept_beside_an_entry_is_deleted_for_good_and_said_to_be() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("index.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    let refusal = world.log().len();
    assert_eq!(world.log()[refusal - 1]["person"], "dana");
    let redacted = world.relhook(&[
        "audit",
        "redact",
        &refusal.to_string(),
        "--reason",
        "asked for",
    ]);
    redacted.assert_ok();
    let log = world.log();
    assert!(log[refusal - 1].get("person").is_none());
    assert_eq!(log[refusal - 1]["outcome"], "rejected");
    assert_eq!(log[refusal]["kind"], "redacted");
    assert_eq!(log[refusal]["reason"], "asked for");
    let verified = world.relhook(&["audit", "verify"]);
    verified.assert_ok();
    let said = String::from_utf8(verified.out).unwrap();
    assert!(said.contains(&format!("redacted: {refusal}\n")), "{said}");
    // The log goes on, and its ledger can be made again from it.
    super::loses_ledger(&world);
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
}
