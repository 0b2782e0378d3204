//! What an approval is an approval of.

use crate::common::{PROD, Person, PolicyText, Words, World};

fn work(world: &World) -> (Person<'_>, Person<'_>, String) {
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.takes("fix");
    (dana, rita, fix)
}

#[test]
fn v_01_an_approval_for_something_else() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    let before = world.server_ref(PROD).unwrap();
    let tree = rita.git(&["rev-parse", &format!("{before}^{{tree}}")]);
    for (key, value) in [
        ("Relhook-Repository", "acme/other"),
        ("Relhook-Commit", before.as_str()),
        ("Relhook-Tree", tree.as_str()),
    ] {
        let mut words = Words::approve(&rita, &fix);
        words.set(key, value);
        rita.pushes(&[&rita.states(&words)]).refused_with("RH3");
    }
    // Well made, and for another branch: it is stored, and counts there only.
    let mut words = Words::approve(&rita, &fix);
    words.set("Relhook-Ref", "refs/heads/release/1");
    rita.pushes(&[&rita.states(&words)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn v_01_an_approval_that_compared_with_something_later() {
    let world = World::new();
    let (dana, rita, _) = work(&world);
    // Rita looked at the second commit alone.
    let first = dana.git(&["rev-parse", "HEAD"]);
    let second = dana.commits("more");
    dana.offers("fix");
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &second);
    words.set("Relhook-Base", &first);
    rita.pushes(&[&rita.states(&words)]).accepted();
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH401");
    push.refused_with(&first[..7]);
}

#[test]
fn v_04_v_05_commits_that_came_after_the_approval() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    rita.approves(&fix).accepted();
    let more = dana.commits("more");
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH401");
    push.refused_with(&more[..7]);
    // Not even an empty one rests on an approval of what is below it.
    dana.git(&["reset", "-q", "--hard", &fix]);
    dana.git(&["commit", "-q", "--allow-empty", "-m", "nothing"]);
    dana.pushes(&["prod"]).refused();
}

#[test]
fn v_05_an_approval_of_a_descendant_is_none_of_its_ancestor() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    let more = dana.commits("more");
    dana.offers("fix");
    rita.approves(&more).accepted();
    dana.pushes(&[&format!("{fix}:{PROD}")]).refused();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn v_06_v_07_a_merge_approves_exactly_what_it_merges() {
    let world = World::new();
    let (dana, rita, _) = work(&world);
    rita.takes("prod");
    let message = format!("m\n\nRelhook-Approve: {PROD}\nRelhook-Repository: acme/site\n");
    rita.git(&["merge", "-q", "--no-ff", "-m", &message, "origin/fix"]);
    // Dana adds to it what nobody has seen.
    dana.takes_from(&rita, "prod");
    let more = dana.commits("more");
    dana.pushes(&["prod"]).refused_with(&more[..7]);
    // An approval trailer for another branch or repository is none.
    for (from, to) in [(PROD, "refs/heads/release/1"), ("acme/site", "acme/other")] {
        rita.git(&["reset", "-q", "--hard", "origin/prod"]);
        rita.git(&[
            "merge",
            "-q",
            "--no-ff",
            "-m",
            &message.replace(from, to),
            "origin/fix",
        ]);
        rita.pushes(&["prod"]).refused_with("RH");
    }
}

#[test]
fn v_06_an_unsigned_approving_commit() {
    let world = World::new();
    let (_, rita, _) = work(&world);
    let message = format!("m\n\nRelhook-Approve: {PROD}\nRelhook-Repository: acme/site\n");
    rita.git(&[
        "commit",
        "-q",
        "--allow-empty",
        "--no-gpg-sign",
        "-m",
        &message,
    ]);
    rita.pushes(&["HEAD:prod"]).refused_with("RH2");
}

#[test]
fn v_10_an_expired_approval() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    let mut words = Words::approve(&rita, &fix);
    words.set("Relhook-Expires", "2026-01-01T00:00:00Z");
    let _ = rita.pushes(&[&rita.states(&words)]);
    dana.pushes(&["prod"]).refused_with("RH401");
    words.set("Relhook-Expires", "2999-01-01T00:00:00Z");
    rita.pushes(&[&rita.states(&words)]).accepted();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn v_13_an_approver_who_left() {
    let world = World::with(&PolicyText::usual());
    let (dana, rita, fix) = work(&world);
    world.person("remy").approves(&fix).accepted();
    let paul = world.person("paul");
    paul.git(&["fetch", "-q", "origin", crate::common::POLICY]);
    paul.git(&["checkout", "-q", "-B", "policy", "FETCH_HEAD"]);
    let file = paul.clone_dir().join("policy.yaml");
    let old = std::fs::read_to_string(&file).unwrap();
    let new = old.replace("  remy:\n", "  remy:\n    disabled: true\n");
    std::fs::write(&file, new).unwrap();
    paul.git(&["commit", "-q", "-a", "-m", "Remy left"]);
    let change = paul.git(&["rev-parse", "HEAD"]);
    paul.pushes(&["HEAD:refs/heads/draft"]).accepted();
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &change);
    let base = world.server_ref(crate::common::POLICY).unwrap();
    words
        .set("Relhook-Ref", crate::common::POLICY)
        .set("Relhook-Base", &base);
    let statement = rita.states(&words);
    rita.pushes(&[&format!("{change}:{}", crate::common::POLICY), &statement])
        .accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn v_18_y_01_y_18_a_push_that_brings_the_policy_it_would_like() {
    let world = World::new();
    let (dana, rita, paul) = (
        world.person("dana"),
        world.person("rita"),
        world.person("paul"),
    );
    let fix = dana.commits("index.html");
    dana.offers("fix");
    let policy = crate::common::POLICY;
    paul.git(&["fetch", "-q", "origin", policy]);
    paul.git(&["checkout", "-q", "-B", "policy", "FETCH_HEAD"]);
    let file = paul.clone_dir().join("policy.yaml");
    let old = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        old.replace("reviewers: [rita, remy", "reviewers: [dora, rita, remy"),
    )
    .unwrap();
    paul.git(&["commit", "-q", "-a", "-m", "Dora may review"]);
    let change = paul.git(&["rev-parse", "HEAD"]);
    paul.pushes(&["HEAD:refs/heads/draft"]).accepted();
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &change);
    let base = world.server_ref(policy).unwrap();
    words.set("Relhook-Ref", policy).set("Relhook-Base", &base);
    let for_policy = rita.states(&words);
    let dora = world.person("dora");
    dora.git(&["fetch", "-q", "origin"]);
    let for_prod = dora.states(&Words::approve(&dora, &fix));
    // One push with the new policy, its approval, and a release that only the new policy allows.
    for other in [&rita, &dora] {
        let from = other.clone_dir();
        paul.git(&[
            "fetch",
            "-q",
            from.to_str().unwrap(),
            "refs/tags/relhook/*:refs/got/*",
        ]);
    }
    paul.git(&["fetch", "-q", "origin"]);
    let to_policy = format!("{change}:{policy}");
    let to_prod = format!("{fix}:{PROD}");
    paul.pushes(&[&to_policy, &for_policy, &for_prod, &to_prod])
        .refused_with("RH401");
    assert_eq!(world.server_ref(policy), Some(base));
    paul.pushes(&[&to_policy, &for_policy]).accepted();
    paul.pushes(&[&for_prod, &to_prod]).accepted();
}

/// Rita's no, stored on the server, about a commit that she has signed a yes to before.
fn rejects_later(rita: &Person<'_>, fix: &str) {
    let mut words = Words::approve(rita, fix);
    words
        .set("Relhook-Decision", "reject")
        .set("Relhook-Reason", "it breaks the shop");
    rita.pushes(&[&rita.states(&words)]).accepted();
    // Times are whole seconds, and of two at the same time the objection stands anyway.
    std::thread::sleep(std::time::Duration::from_millis(2100));
}

#[test]
fn v_12_a_yes_that_was_held_back_does_not_overrule_a_later_no() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    let yes = rita.states(&Words::approve(&rita, &fix));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let clone = rita.clone_dir();
    let tags = "refs/tags/relhook/*:refs/got/*";
    dana.git(&["fetch", "-q", clone.to_str().unwrap(), tags]);
    rejects_later(&rita, &fix);
    // Dana has the yes from Rita's clone and brings it only now.
    let push = dana.pushes(&[&format!("{fix}:{PROD}"), &yes]);
    push.refused_with("it breaks the shop");
    // A yes that Rita gives after her no counts.
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn v_12_an_approving_commit_that_was_held_back_does_not_overrule_a_later_no() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    rita.takes("prod");
    let message = format!("m\n\nRelhook-Approve: {PROD}\nRelhook-Repository: acme/site\n");
    rita.git(&["merge", "-q", "--no-ff", "-m", &message, "origin/fix"]);
    dana.takes_from(&rita, "prod");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    rejects_later(&rita, &fix);
    dana.pushes(&["prod"]).refused_with("it breaks the shop");
}
