//! Ranges and history.

use crate::common::{PROD, Person, Words, World};

#[test]
fn g_01_laundered_through_another_branch() {
    let world = World::new();
    let dana = world.person("dana");
    let evil = dana.commits("evil");
    dana.offers("dev");
    dana.git(&["tag", "--no-sign", "somewhere", &evil]);
    dana.pushes(&["refs/tags/somewhere"]).accepted();
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH401");
    push.refused_with(&evil[..7]);
}

#[test]
fn g_02_a_start_that_nobody_accepted() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let evil = dana.commits("evil");
    dana.offers("evil");
    // An administrator's slip: the ref is moved with the second lock taken off.
    let lock = world.server().join("hooks/reference-transaction");
    std::fs::rename(&lock, world.path("lock")).unwrap();
    world.server_git(&["update-ref", PROD, &evil]).assert_ok();
    std::fs::rename(world.path("lock"), &lock).unwrap();
    let more = dana.commits("x");
    dana.offers("evil");
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &more);
    words.set("Relhook-Base", &evil);
    rita.pushes(&[&rita.states(&words)]).accepted();
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH401");
    push.refused_with(&evil[..7]);
}

#[test]
fn g_05_a_merge_that_adds_something() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    two_branches(&world);
    dana.takes("left");
    dana.git(&["merge", "-q", "--no-ff", "--no-commit", "origin/right"]);
    let merge = dana.commits("backdoor");
    dana.offers("merged");
    // Both sides have been looked at; what the merge itself adds has not.
    for side in ["left", "right"] {
        rita.git(&["fetch", "-q", "origin"]);
        let commit = rita.git(&["rev-parse", &format!("origin/{side}")]);
        rita.approves(&commit).accepted();
    }
    let push = dana.pushes(&["HEAD:prod"]);
    push.refused_with("RH401");
    push.refused_with(&merge[..7]);
    push.refused_with("backdoor");
}

#[test]
fn g_05_a_reviewer_does_not_approve_what_their_own_merge_adds() {
    let world = World::new();
    let rita = world.person("rita");
    two_branches(&world);
    rita.takes("left");
    rita.git(&["merge", "-q", "--no-ff", "--no-commit", "origin/right"]);
    let message = format!("m\n\nRelhook-Approve: {PROD}\nRelhook-Repository: acme/site\n");
    std::fs::write(rita.clone_dir().join("backdoor"), "x").unwrap();
    rita.git(&["add", "backdoor"]);
    rita.git(&["commit", "-q", "-m", &message]);
    rita.pushes(&["HEAD:prod"]).refused_with("RH");
}

#[test]
fn g_06_a_merge_that_drops_a_fix() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    two_branches(&world);
    dana.takes("left");
    dana.git(&[
        "merge",
        "-q",
        "--no-ff",
        "-s",
        "ours",
        "-m",
        "m",
        "origin/right",
    ]);
    dana.offers("merged");
    for side in ["left", "right"] {
        rita.git(&["fetch", "-q", "origin"]);
        let commit = rita.git(&["rev-parse", &format!("origin/{side}")]);
        rita.approves(&commit).accepted();
    }
    let merge = dana.git(&["rev-parse", "HEAD"]);
    let push = dana.pushes(&["HEAD:prod"]);
    push.refused_with("RH401");
    push.refused_with(&merge[..7]);
}

#[test]
fn g_09_commits_behind_a_second_parent() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    two_branches(&world);
    dana.takes("left");
    let left = dana.git(&["rev-parse", "HEAD"]);
    dana.git(&["merge", "-q", "--no-ff", "-m", "m", "origin/right"]);
    dana.offers("merged");
    rita.approves(&left).accepted();
    let right = dana.git(&["rev-parse", "origin/right"]);
    dana.pushes(&["HEAD:prod"]).refused_with(&right[..7]);
}

#[test]
fn g_10_replaced_objects() {
    let world = World::new();
    let dana = world.person("dana");
    let good = dana.git(&["rev-parse", "HEAD"]);
    let evil = dana.commits("evil");
    let name = format!("refs/replace/{evil}");
    dana.pushes(&[&format!("{good}:{name}")]).refused_with("RH");
    assert_eq!(world.server_ref(&name), None);
    // One that an administrator made changes nothing of what is judged.
    dana.offers("evil");
    world.server_git(&["update-ref", &name, &good]).assert_ok();
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH401");
    push.refused_with("evil");
}

#[test]
fn g_11_g_12_grafts_and_shallow_files_stop_everything() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    for file in ["info/grafts", "shallow"] {
        let path = world.server().join(file);
        std::fs::write(&path, format!("{}\n", world.server_ref(PROD).unwrap())).unwrap();
        dana.pushes(&["prod"]).refused_with("RH9");
        std::fs::remove_file(path).unwrap();
    }
    dana.pushes(&[&format!("{tip}:refs/heads/fix")]).accepted();
}

/// `left` and `right`, each one commit by Dana on top of `prod`.
fn two_branches(world: &World) {
    let dana: Person<'_> = world.person("dana");
    for side in ["left", "right"] {
        dana.takes("prod");
        dana.commits(side);
        dana.offers(side);
    }
}
