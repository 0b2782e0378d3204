//! The policy's file and its paths.

use crate::common::{POLICY, PROD, PolicyText, Words, World};

const POLICY_ARGS: [&str; 4] = ["--policy", "policy.yaml", "--keys", "keys"];

#[track_caller]
fn unsound(world: &World, yaml: &str) {
    std::fs::write(world.path("policy.yaml"), yaml).unwrap();
    let ran = world.init(&POLICY_ARGS);
    assert_eq!(ran.code, 1, "{yaml}");
    assert!(ran.err.contains("policy.yaml:"), "{yaml}\n{}", ran.err);
    assert_eq!(world.server_ref(POLICY), None);
}

fn prepared() -> (World, String) {
    let world = World::without_relhook();
    world.write_policy(&PolicyText::usual());
    (world, PolicyText::usual().yaml)
}

#[test]
fn y_03_a_policy_on_another_branch_is_nothing() {
    let world = World::new();
    let dana = world.person("dana");
    let lax = PolicyText::usual()
        .yaml
        .replace("reviewers: [", "reviewers: [dana, dora, ");
    std::fs::write(dana.clone_dir().join("policy.yaml"), lax).unwrap();
    dana.git(&["add", "policy.yaml"]);
    let fix = dana.commits("index.html");
    dana.offers("fix");
    world
        .server_git(&["symbolic-ref", "HEAD", "refs/heads/fix"])
        .assert_ok();
    let dora = world.person("dora");
    let _ = dora.approves(&fix);
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn y_04_without_a_policy_nothing_goes_in() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("x");
    // The policy's ref is taken away behind git's back.
    let file = world.server().join(POLICY);
    let away = world.path("away");
    std::fs::rename(&file, &away).unwrap();
    dana.pushes(&["prod"]).refused_with("RH8");
    dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH8");
    // Or names something that is none.
    std::fs::write(&file, format!("{}\n", world.server_ref(PROD).unwrap())).unwrap();
    dana.pushes(&["prod"]).refused_with("RH8");
    std::fs::remove_file(&file).unwrap();
    std::fs::rename(&away, &file).unwrap();
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
}

#[test]
fn y_05_y_06_y_09_y_10_values_that_are_not_plain() {
    let (world, yaml) = prepared();
    let rule = "    required: 1\n    from: [reviewers]\n";
    for odd in [
        "    aprovals: 1\n    from: [reviewers]\n",
        "    required:\n    from: [reviewers]\n",
        "    required: ~\n    from: [reviewers]\n",
        "    required: 0\n    from: [reviewers]\n",
        "    required: 9\n    from: [reviewers]\n",
        "    required: 0x1\n    from: [reviewers]\n",
        "    required: \"1\"\n    from: [reviewers]\n",
        "    required: !foo 1\n    from: [reviewers]\n",
        "    required: &x 1\n    from: [reviewers]\n",
        "    required: 1\n    from: reviewers\n",
        "    <<: {required: 1}\n    from: [reviewers]\n",
    ] {
        unsound(&world, &yaml.replacen(rule, odd, 1));
    }
}

#[test]
fn y_07_a_key_twice() {
    let (world, yaml) = prepared();
    for (once, twice) in [
        ("teams:\n", "teams:\n  reviewers: [dana]\n"),
        (
            "people:\n",
            "people:\n  rita:\n    emails: [x@acme.example]\n",
        ),
        (
            "branches:\n",
            "branches:\n  refs/heads/prod:\n    required: 1\n    from: [developers]\n",
        ),
        ("version: 1\n", "version: 1\nversion: 1\n"),
        ("    required: 1\n", "    required: 1\n    required: 1\n"),
    ] {
        unsound(&world, &yaml.replacen(once, twice, 1));
    }
}

#[test]
fn y_08_line_breaks_that_an_editor_does_not_show() {
    let (world, yaml) = prepared();
    for odd in [
        '\u{85}', '\u{2028}', '\u{2029}', '\r', '\u{202e}', '\u{200b}', '\u{1b}', '\0',
    ] {
        unsound(
            &world,
            &yaml.replace("acme/site\n", &format!("acme/site # x{odd}y\n")),
        );
    }
}

#[test]
fn q_02_a_pattern_that_can_match_nothing() {
    let (world, yaml) = prepared();
    for odd in [
        "infra/",
        "/infra/**",
        "' infra/**'",
        "'infra/** '",
        "./infra",
        "infra//x",
        "''",
    ] {
        let paths = format!(
            "    paths:\n      - match: [{odd}]\n        required: 1\n        from: [admins]\n"
        );
        let rule = "  refs/heads/prod:\n";
        unsound(&world, &yaml.replace(rule, &format!("{rule}{paths}")));
    }
    for odd in [
        "prod",
        "heads/prod",
        "/refs/heads/prod",
        "refs/heads/prod/",
        "refs/heads/",
    ] {
        unsound(
            &world,
            &yaml.replace("  refs/heads/prod:", &format!("  {odd}:")),
        );
    }
}

#[test]
fn q_03_a_folder_that_becomes_something_else_is_still_owned() {
    let world = World::with(
        &PolicyText::usual()
            .prod("paths:\n      - match: [infra/**]\n        required: 1\n        from: [admins]"),
    );
    let (dana, remy, paul) = (
        world.person("dana"),
        world.person("remy"),
        world.person("paul"),
    );
    std::os::unix::fs::symlink("/etc", dana.clone_dir().join("infra")).unwrap();
    dana.git(&["add", "infra"]);
    dana.git(&["commit", "-q", "-m", "infra is elsewhere"]);
    let fix = dana.git(&["rev-parse", "HEAD"]);
    dana.offers("fix");
    remy.approves(&fix).accepted();
    dana.pushes(&["prod"]).refused_with("infra");
    paul.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn q_04_moving_a_file_out_of_an_owned_folder() {
    let world = World::with(
        &PolicyText::usual()
            .prod("paths:\n      - match: [infra/**]\n        required: 1\n        from: [admins]"),
    );
    let (dana, remy, paul) = (
        world.person("dana"),
        world.person("remy"),
        world.person("paul"),
    );
    let first = dana.commits("infra/a");
    dana.offers("fix");
    for person in [&remy, &paul] {
        person.approves(&first).accepted();
    }
    dana.pushes(&["prod"]).accepted();
    dana.git(&["mv", "infra/a", "b"]);
    dana.git(&["commit", "-q", "-m", "Move"]);
    let moved = dana.git(&["rev-parse", "HEAD"]);
    dana.offers("fix");
    remy.approves(&moved).accepted();
    dana.pushes(&["prod"]).refused_with("infra/a");
}

#[test]
fn y_17_a_key_file_with_another_key_in_it() {
    let (world, _) = prepared();
    let other = crate::common::keys().openpgp_public("mallory");
    std::fs::write(world.path("keys/rita.asc"), other).unwrap();
    let ran = world.init(&POLICY_ARGS);
    assert_eq!(ran.code, 1);
    assert_eq!(world.server_ref(POLICY), None);
}

#[test]
fn e_05_e_08_no_word_of_the_pusher_opens_the_gate() {
    let world = World::new();
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    for option in ["emergency", "force", "skip", "relhook.skip=true", "ci.skip"] {
        dana.pushes_with(&["-o", option], &["prod"])
            .refused_with("RH401");
    }
    // A decision that this version does not know is refused, not read as another.
    dana.offers("fix");
    let rita = world.person("rita");
    rita.takes("fix");
    for decision in ["emergency", "rollback", "hold"] {
        let mut words = Words::approve(&rita, &fix);
        words
            .set("Relhook-Decision", decision)
            .set("Relhook-Reason", "fire");
        rita.pushes(&[&rita.states(&words)]).refused_with("RH3");
    }
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn e_08_what_cannot_be_verified_is_not_taken_for_granted() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    // GnuPG's home of the policy's keys can no longer be trusted: others may have put a key there.
    let keyring = world.server().join("relhook/keyring");
    let keyring = keyring.join(world.server_ref(POLICY).unwrap());
    let mode = |bits| std::os::unix::fs::PermissionsExt::from_mode(bits);
    std::fs::set_permissions(&keyring, mode(0o777)).unwrap();
    dana.pushes(&["prod"]).refused_with("RH");
    std::fs::set_permissions(&keyring, mode(0o700)).unwrap();
    dana.pushes(&["prod"]).accepted();
    assert_eq!(world.server_ref(PROD), Some(fix));
}
