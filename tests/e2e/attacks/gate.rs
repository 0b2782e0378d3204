//! Ways around the gate itself.

use crate::common::{POLICY, PROD, Words, World, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn h_01_h_02_a_hook_that_does_not_run_is_found_and_mended() {
    let world = World::new();
    let hook = world.server().join("hooks/pre-receive");
    let mend = || {
        let said = world.init(&[]).text();
        assert!(said.contains("done  hook pre-receive"), "{said}");
    };
    fs::remove_file(&hook).unwrap();
    mend();
    fs::write(&hook, "").unwrap();
    mend();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).unwrap();
    mend();
    world.person("dana").commits("x");
    world.person("dana").pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn h_01_without_the_gate_the_second_lock_holds() {
    let world = World::new();
    let before = world.server_ref(PROD);
    fs::remove_file(world.server().join("hooks/pre-receive")).unwrap();
    world.person("dana").commits("x");
    world.person("dana").pushes(&["prod"]).refused();
    assert_eq!(world.server_ref(PROD), before);
}

#[test]
fn h_08_refs_moved_inside_the_repository() {
    let world = World::new();
    let dana = world.person("dana");
    let evil = dana.commits("evil");
    dana.offers("evil");
    let before = world.server_ref(PROD);
    for args in [
        &["update-ref", PROD, &evil][..],
        &["update-ref", "-d", PROD],
        &["branch", "-f", "prod", &evil],
        &[
            "fetch",
            "-q",
            dana.clone_dir().to_str().unwrap(),
            "+refs/heads/prod:refs/heads/prod",
        ],
        &["update-ref", POLICY, &evil],
        &["update-ref", "-d", POLICY],
    ] {
        assert_ne!(world.server_git(args).code, 0, "{args:?}");
    }
    assert_eq!(world.server_ref(PROD), before);
    // What concerns no protected ref goes on as ever.
    world
        .server_git(&["update-ref", "refs/heads/other", &evil])
        .assert_ok();
    world
        .server_git(&["update-ref", "-d", "refs/heads/other"])
        .assert_ok();
    world
        .server_git(&["symbolic-ref", "HEAD", "refs/heads/evil"])
        .assert_ok();
}

#[test]
fn r_11_housekeeping_goes_on() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    world
        .server_git(&["pack-refs", "--all", "--prune"])
        .assert_ok();
    world.server_git(&["gc", "-q", "--prune=now"]).assert_ok();
    let fix = dana.commits("x");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    world
        .server_git(&["pack-refs", "--all", "--prune"])
        .assert_ok();
    assert_eq!(world.server_ref(PROD), Some(fix));
    let more = dana.commits("y");
    dana.offers("fix");
    rita.approves(&more).accepted();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn h_09_a_ref_that_was_written_behind_gits_back_gives_no_start() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    dana.commits("evil");
    dana.offers("evil");
    let evil = dana.git(&["rev-parse", "HEAD"]);
    fs::write(world.server().join(PROD), format!("{evil}\n")).unwrap();
    // The next push is still judged from the last accepted commit: the evil one is in it.
    let more = dana.commits("x");
    dana.offers("evil");
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &more);
    words.set("Relhook-Base", &evil);
    rita.pushes(&[&rita.states(&words)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH");
}

#[test]
fn h_11_skipping_the_clones_hook_skips_nothing_on_the_server() {
    let world = World::new();
    let dana = world.person("dana");
    dana.relhook(&["init", "--client"]).assert_ok();
    dana.commits("x");
    dana.pushes(&["prod"]).refused_with("RH401");
    dana.pushes_with(&["--no-verify"], &["prod"])
        .refused_with("RH401");
}

#[test]
fn h_15_without_the_program_every_push_is_refused() {
    let world = World::new();
    let program = world.path("relhook");
    fs::copy(crate::common::RELHOOK, &program).unwrap();
    let mut init = world.server_command(program.to_str().unwrap());
    run(init.arg("--git-dir").arg(world.server()).arg("init")).assert_ok();
    let dana = world.person("dana");
    dana.commits("x");
    dana.offers("fix");
    fs::remove_file(program).unwrap();
    dana.pushes(&["HEAD:refs/heads/more"])
        .refused_with("is missing");
}

#[test]
fn n_the_server_fails_closed_when_its_folder_is_gone_or_open_to_others() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("x");
    let folder = world.server().join("relhook");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    dana.pushes(&["prod"]).refused_with("RH9");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    fs::rename(&folder, world.path("away")).unwrap();
    dana.pushes(&["prod"]).refused_with("RH9");
    dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH9");
}
