//! Push protocol and hook input.

use crate::common::{PROD, PolicyText, RawPush, Words, World, ZERO};

#[test]
fn p_01_both_zero_delete() {
    let world = World::new();
    for setting in ["receive.denyDeletes", "receive.denyNonFastForwards"] {
        world.server_git(&["config", setting, "true"]).assert_ok();
    }
    let before = world.server_ref(PROD);
    let push = RawPush::new()
        .command(ZERO, ZERO, PROD)
        .send(&world.person("dana"));
    push.refused_with("RH101");
    assert_eq!(world.server_ref(PROD), before);
}

#[test]
fn p_02_delete_and_make_again() {
    let world = World::new();
    let dana = world.person("dana");
    let before = world.server_ref(PROD).unwrap();
    dana.git(&["checkout", "-q", "--orphan", "evil"]);
    let evil = dana.commits("index.html");
    for old in [ZERO, &before] {
        let push = RawPush::new()
            .command(old, ZERO, PROD)
            .command(ZERO, &evil, PROD);
        push.send(&dana).refused_with("RH1");
        assert_eq!(world.server_ref(PROD).as_ref(), Some(&before));
    }
}

#[test]
fn p_03_one_ref_twice() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let before = world.server_ref(PROD).unwrap();
    let good = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&good).accepted();
    let evil = dana.commits("evil");
    let twice = RawPush::new()
        .command(&before, &good, PROD)
        .command(&good, &evil, PROD);
    twice.send(&dana).refused_with("RH1");
    let swapped = RawPush::new()
        .command(&before, &evil, PROD)
        .command(&before, &good, PROD);
    swapped.send(&dana).refused_with("RH1");
    assert_eq!(world.server_ref(PROD), Some(before));
}

#[test]
fn p_04_a_line_smuggled_into_a_name() {
    let world = World::new();
    let dana = world.person("dana");
    let before = world.server_ref(PROD).unwrap();
    let evil = dana.commits("evil");
    // Rita's statement about it would have to be in the push; its line alone is nothing.
    let fake = format!("refs/relhook/statements/{evil}/0123456789abcdef");
    let name = format!("refs/heads/x\n{ZERO} {evil} {fake}");
    let push = RawPush::new()
        .command(&before, &evil, PROD)
        .command(ZERO, &evil, name);
    push.send(&dana).refused_with("RH");
    assert_eq!(world.server_ref(PROD).as_ref(), Some(&before));
    assert_eq!(world.server_ref(&fake), None);
    // And a smuggled line does not hide another one.
    let name = format!("{PROD}\n{ZERO} {ZERO} refs/heads/y");
    RawPush::new()
        .command(&before, &evil, name)
        .send(&dana)
        .refused();
    assert_eq!(world.server_ref(PROD), Some(before));
}

#[test]
fn p_05_names_that_git_would_refuse_later() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    for name in [
        "refs/heads//prod",
        "refs/heads/./prod",
        "refs/heads/../heads/prod",
        "refs/heads/prod ",
        "refs/heads/prod\r",
        "refs/heads/prod.lock",
        "refs/heads/x y",
        "HEAD",
    ] {
        RawPush::new()
            .command(ZERO, &tip, name)
            .send(&dana)
            .refused_with("RH1");
    }
}

#[test]
fn p_06_a_statement_that_git_will_not_store() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let hide = [
        "config",
        "--add",
        "receive.hideRefs",
        "refs/relhook/statements",
    ];
    world.server_git(&hide).assert_ok();
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.git(&["fetch", "-q", "origin"]);
    let statement = rita.states(&Words::approve(&rita, &fix));
    // git refuses the hidden ref only after relhook saw it, and moves the other one.
    rita.pushes(&["origin/fix:prod", &statement])
        .refused_with("hidden ref");
    assert_eq!(world.server_ref(PROD).as_ref(), Some(&fix));
    let stored = world.server_git(&["for-each-ref", "refs/relhook/statements"]);
    assert_eq!(stored.text(), "");
    // What the verdict rested on was kept before anything was answered.
    let mut evidence = std::fs::read_dir(world.server().join("relhook/audit/evidence")).unwrap();
    let holds = |file: std::io::Result<std::fs::DirEntry>| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.contains(&format!("Relhook-Commit: {fix}")) && text.contains("BEGIN PGP SIGNATURE")
    };
    assert!(evidence.any(holds));
    world.relhook(&["audit", "verify"]).assert_ok();
}

#[test]
fn p_07_a_lie_about_the_old_value() {
    let world = World::new();
    let dana = world.person("dana");
    let before = world.server_ref(PROD).unwrap();
    let evil = dana.commits("evil");
    dana.offers("evil");
    for old in [evil.as_str(), ZERO] {
        RawPush::new()
            .command(old, &evil, PROD)
            .send(&dana)
            .refused_with("RH1");
    }
    assert_eq!(world.server_ref(PROD), Some(before));
}

#[test]
fn p_08_a_deletion_with_a_made_up_old_value() {
    let world = World::without_relhook();
    let release = "refs/heads/release/1";
    world.server_git(&["update-ref", release, PROD]).assert_ok();
    world.write_policy(&PolicyText::usual());
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    let before = world.server_ref(release);
    assert!(before.is_some());
    let push = RawPush::new().command(&"deadbeef".repeat(5), ZERO, release);
    push.send(&world.person("dana")).refused_with("RH101");
    assert_eq!(world.server_ref(release), before);
}

#[test]
fn p_10_every_ref_is_judged_by_itself() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let good = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&good).accepted();
    let evil = dana.commits("evil");
    let before = world.server_ref(PROD).unwrap();
    let push = RawPush::new()
        .command(&before, &good, PROD)
        .command(ZERO, &evil, "refs/heads/release/1")
        .send(&dana);
    push.refused_with("RH401");
    assert_eq!(world.server_ref(PROD), Some(before));
    assert_eq!(world.server_ref("refs/heads/release/1"), None);
}

#[test]
fn p_11_a_line_that_is_too_long() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    let name = format!("refs/heads/{}", "x/".repeat(30_000) + "y");
    RawPush::new()
        .command(ZERO, &tip, name)
        .send(&dana)
        .refused_with("RH");
}

#[test]
fn p_13_control_characters_in_push_options() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    for option in [
        &b"a\nGIT_PUSH_OPTION_1=evil"[..],
        b"a\rb",
        b"a\x1b[31mb",
        b"\xff",
    ] {
        let push = RawPush::new()
            .command(ZERO, &tip, "refs/heads/fix")
            .option(option);
        push.send(&dana).refused_with("RH");
    }
    RawPush::new()
        .command(ZERO, &tip, "refs/heads/fix")
        .option(b"ticket=1")
        .send(&dana)
        .accepted();
}

#[test]
fn p_15_other_objects_than_commits() {
    let world = World::new();
    let dana = world.person("dana");
    let commit = dana.commits("x");
    dana.git(&["tag", "-m", "x", "v1", &commit]);
    let before = world.server_ref(PROD).unwrap();
    for object in ["refs/tags/v1", "HEAD^{tree}", "HEAD:x"] {
        let oid = dana.git(&["rev-parse", object]);
        RawPush::new()
            .command(&before, &oid, PROD)
            .send(&dana)
            .refused_with("RH1");
    }
}

#[test]
fn p_17_a_commit_that_travelled_hidden_is_judged_when_it_is_named() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    dana.git(&["reset", "-q", "--hard", "HEAD^"]);
    let evil = dana.commits("evil");
    let push = RawPush::new()
        .command(ZERO, &tip, "refs/heads/fix")
        .with_object(&evil);
    push.send(&dana).accepted();
    let before = world.server_ref(PROD).unwrap();
    RawPush::new()
        .command(&before, &evil, PROD)
        .send(&dana)
        .refused_with("RH401");
}
