//! `relhook status`: from a clone and on the server.

use crate::common::{POLICY, PROD, Ran, World, documented, named};

fn text(ran: &Ran, code: i32) -> String {
    let out = String::from_utf8(ran.out.clone()).unwrap();
    assert_eq!(ran.code, code, "{}\n{out}", ran.err);
    out
}

#[test]
fn a_clone_sees_what_waits_and_what_is_in() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.commits("price.txt");
    dana.pushes(&["prod:dana/price"]).accepted();
    let approve = [
        "approve",
        "dana/price",
        "--ref",
        "prod",
        "--yes",
        "--reason",
        "fine",
    ];
    remy.relhook(&approve).assert_ok();
    let said = text(&dana.relhook(&["status"]), 0);
    let format = "--format=%(objectname)";
    let tag = world.server_git(&["for-each-ref", format, "refs/relhook/statements/"]);
    let ids = [
        ("tip", tip.as_str()),
        ("yes", &tag.text()),
        ("policy", &world.server_ref(POLICY).unwrap()),
        ("before", &world.server_ref(PROD).unwrap()),
    ];
    insta::assert_snapshot!(named(&said, &ids));
    let reject = [
        "reject",
        "dana/price",
        "--ref",
        "prod",
        "--yes",
        "--reason",
        "no",
    ];
    remy.relhook(&reject).assert_ok();
    let json = text(&dana.relhook(&["status", "--json"]), 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "relhook/status/v1");
    let statements = json["statements"].as_array().unwrap();
    assert_eq!(statements.len(), 2);
    let no = statements
        .iter()
        .find(|one| one["decision"] == "reject")
        .unwrap();
    assert_eq!(no["signer"], "remy");
    let tag = no["tag"].as_str().unwrap();
    remy.relhook(&["withdraw", tag, "--yes", "--reason", "well"])
        .assert_ok();
    assert!(!text(&dana.relhook(&["status"]), 0).contains("  no "));
    dana.pushes(&["prod"]).accepted();
    let said = text(&dana.relhook(&["status", "--offline"]), 0);
    assert!(
        said.contains("as last fetched") && said.contains("yes"),
        "{said}"
    );
    let said = text(&dana.relhook(&["status"]), 0);
    assert!(said.contains("no statement about anything"), "{said}");
}

#[test]
fn the_server_says_whether_it_is_whole() {
    let world = World::new();
    let said = text(&world.relhook(&["status"]), 0);
    assert!(said.contains("hooks and settings: in place"), "{said}");
    assert!(said.contains("log: entry"), "{said}");
    let json = text(&world.relhook(&["status", "--json"]), 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["server"]["sound"], true);
    documented(&json);
    std::fs::remove_file(world.server().join("hooks/pre-receive")).unwrap();
    let said = text(&world.relhook(&["status"]), 1);
    assert!(said.contains("MISSING: hook pre-receive"), "{said}");
}

#[test]
fn h_08_h_09_a_ref_that_was_moved_past_the_hooks_is_told() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("price.txt");
    dana.pushes(&["prod:dana/price"]).accepted();
    std::fs::write(world.server().join(PROD), format!("{tip}\n")).unwrap();
    let said = text(&world.relhook(&["status"]), 1);
    assert!(said.contains("MOVED: refs/heads/prod"), "{said}");
}
