//! Refs and races.

use crate::common::{PROD, RawPush, Words, World, ZERO};

#[test]
fn r_05_a_symbolic_ref_to_the_protected_one() {
    let world = World::new();
    let dana = world.person("dana");
    world
        .server_git(&["symbolic-ref", "refs/heads/alias", PROD])
        .assert_ok();
    world
        .server_git(&["symbolic-ref", "refs/heads/hang", "refs/heads/release/9"])
        .assert_ok();
    let before = world.server_ref(PROD).unwrap();
    let evil = dana.commits("evil");
    let alias = "refs/heads/alias";
    RawPush::new()
        .command(&before, &evil, alias)
        .send(&dana)
        .refused_with("RH1");
    RawPush::new()
        .command(&before, ZERO, alias)
        .send(&dana)
        .refused_with("RH1");
    RawPush::new()
        .command(ZERO, ZERO, alias)
        .send(&dana)
        .refused_with("RH1");
    RawPush::new()
        .command(ZERO, &evil, "refs/heads/hang")
        .send(&dana)
        .refused_with("RH1");
    assert_eq!(world.server_ref(PROD), Some(before));
    assert_eq!(world.server_ref("refs/heads/release/9"), None);
}

#[test]
fn r_08_reserved_names() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    for name in [
        "refs/relhook/x",
        "refs/relhook/policy/x",
        "refs/relhook/statements",
        "refs/relhook/statements/x/y",
        "refs/replace/0123456789012345678901234567890123456789",
        "refs/namespaces/ns/refs/heads/prod",
    ] {
        RawPush::new()
            .command(ZERO, &tip, name)
            .send(&dana)
            .refused_with("RH");
        assert_eq!(world.server_ref(name), None);
    }
}

#[test]
fn r_09_a_namespace_is_refused() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("x");
    let mut git = dana.git_command();
    git.env("GIT_NAMESPACE", "ns")
        .args(["push", "origin", "HEAD:refs/heads/prod"]);
    let ran = crate::common::run(&mut git);
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert_eq!(world.server_ref("refs/namespaces/ns/refs/heads/prod"), None);
}

#[test]
fn r_16_a_push_backwards() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let before = world.server_ref(PROD).unwrap();
    let fix = dana.commits("x");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    let back = format!("+{before}:{PROD}");
    dana.pushes(&[&back]).refused_with("RH1");
    // An approval of the old commit does not make it forward.
    let statement = rita.states(&Words::approve(&rita, &before));
    dana.git(&[
        "fetch",
        "-q",
        rita.clone_dir().to_str().unwrap(),
        "refs/tags/relhook/approve/*:refs/got/*",
    ]);
    dana.pushes(&[&back, &statement]).refused_with("RH1");
    assert_eq!(world.server_ref(PROD), Some(fix));
}

#[test]
fn r_17_an_approval_for_another_branch() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("x");
    dana.offers("fix");
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &fix);
    words.set("Relhook-Ref", "refs/heads/release/1");
    rita.pushes(&[&rita.states(&words)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn r_18_r_19_a_mirror_push_removes_nothing_of_ours() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("x");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    let checkpoint = "refs/relhook/checkpoint";
    let others = || {
        let refs = world.server_git(&["for-each-ref", "refs/relhook"]).text();
        let others = refs.lines().filter(|line| !line.ends_with(checkpoint));
        others.map(str::to_owned).collect::<Vec<_>>()
    };
    let (before, shown) = (others(), world.server_ref(checkpoint).unwrap());
    dana.try_git(&["push", "--mirror", "origin"]);
    dana.try_git(&["push", "--prune", "origin", "+refs/*:refs/*"]);
    assert_eq!(others(), before);
    // relhook alone moves this one, and only forward.
    world
        .server_git(&["merge-base", "--is-ancestor", &shown, checkpoint])
        .assert_ok();
}
