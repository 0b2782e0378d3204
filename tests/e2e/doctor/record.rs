//! What relhook keeps, and whether the refs are what it accepted.

use super::{bad, finds, finds_and_mends, mends};
use crate::common::{PROD, PolicyText, World};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A commit that nobody approved, made on the server itself.
fn unapproved(world: &World) -> String {
    let who = ["-c", "user.name=x", "-c", "user.email=x@x"];
    let tree = format!("{PROD}^{{tree}}");
    let args = ["commit-tree", "-m", "past the hooks", "-p", PROD, &tree];
    world.server_git(&[&who[..], &args].concat()).text()
}

#[test]
fn h_09_a_ref_that_was_written_past_the_hooks_is_put_back() {
    let world = World::new();
    let before = world.server_ref(PROD).unwrap();
    let stray = unapproved(&world);
    fs::write(world.server().join(PROD), format!("{stray}\n")).unwrap();
    finds_and_mends(&world, "moved-refs", "error", "where no verdict put it");
    assert_eq!(world.server_ref(PROD).unwrap(), before);
    let made = world.server().join("refs/heads/release");
    fs::create_dir_all(&made).unwrap();
    fs::write(made.join("9"), format!("{stray}\n")).unwrap();
    finds_and_mends(&world, "moved-refs", "error", "nothing was ever accepted");
    assert_eq!(world.server_ref("refs/heads/release/9"), None);
}

#[test]
fn r_07_a_name_that_can_be_taken_for_a_protected_one() {
    let world = World::new();
    let prod = world.server_ref(PROD).unwrap();
    fs::write(world.server().join("refs/heads/Prod"), format!("{prod}\n")).unwrap();
    finds_and_mends(&world, "lookalike-refs", "warning", "refs/heads/Prod");
}

#[test]
fn l_01_a_record_that_somebody_changed() {
    let world = World::new();
    let log = world.log_head();
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("acme/site", "acme/sits", 1)).unwrap();
    finds(&world, "log", "error", "the record is broken");
}

#[test]
fn a_folder_that_others_can_enter_or_that_is_gone() {
    let world = World::new();
    let folder = world.server().join("relhook");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    finds_and_mends(&world, "folder", "error", "mode 0700");
    let bare = World::without_relhook();
    finds(&bare, "folder", "error", "`relhook init` has not run");
    finds(&bare, "policy", "error", "no policy is in force");
    finds(&bare, "refusal", "unknown", "no policy");
    finds(&bare, "pre-receive", "error", "is not there");
}

#[test]
fn a_policy_that_leans_on_one_person_is_told() {
    let policy =
        PolicyText::usual().replacing("reviewers: [rita, remy, vera]", "reviewers: [rita]");
    let world = World::with(&policy);
    let found = bad(&world, "policy-lint");
    let leans = |one: &serde_json::Value| one["what"].as_str().unwrap().contains("`rita` is away");
    assert!(found.iter().any(leans), "{found:#?}");
}

#[test]
fn u_12_an_account_that_others_can_read() {
    let policy = PolicyText::usual().prod("release: [site]");
    let target = "targets:\n  site:\n    kind: ftps\n    tls: explicit\n    host: ftp.acme.example\n    path: /\n";
    let world = World::with(&PolicyText {
        yaml: policy.yaml + target,
        ..PolicyText::usual()
    });
    finds(&world, "credentials", "error", "site");
    let file = world.server().join("relhook/credentials/site");
    fs::write(&file, "user=u\npassword=p\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let finding = finds(&world, "credentials", "error", "others can read it");
    assert!(!finding.to_string().contains("password=p"));
    mends(&world, &finding);
    assert!(bad(&world, "credentials").is_empty());
}

#[test]
fn u_06_what_was_accepted_and_is_not_out_is_told() {
    let world = World::new();
    let out = world.path("out");
    let target = format!(
        "targets:\n  site:\n    kind: dir\n    path: {}\n",
        out.display()
    );
    let policy = PolicyText::usual().prod("release: [site]");
    let world = World::with(&PolicyText {
        yaml: policy.yaml + &target,
        ..PolicyText::usual()
    });
    assert!(bad(&world, "releases").is_empty());
    let dana = world.person("dana");
    let commit = dana.commits("fix");
    dana.offers("dana/fix");
    world.person("rita").approves(&commit).accepted();
    // The releaser is not there to bring it out.
    fs::remove_file(world.server().join("hooks/post-receive")).unwrap();
    dana.pushes(&["prod"]).accepted();
    finds(&world, "post-receive", "error", "is not there");
    finds_and_mends(&world, "releases", "warning", "does not hold");
}
