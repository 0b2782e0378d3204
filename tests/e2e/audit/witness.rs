//! Every clone is a witness: what it once saw of the log cannot be taken back unseen.

use super::quiet;
use crate::common::{PROD, Person, World, command, run};
use std::path::{Path, PathBuf};

/// The size and root that end what a pusher sees.
fn told(said: &str) -> String {
    let last = said.lines().rev().find_map(|line| {
        let line = line.strip_prefix("remote: ").unwrap_or(line).trim_end();
        line.strip_prefix("relhook: log ")
    });
    last.unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// What the log is, once everybody can see it.
pub(super) fn shown(world: &World) -> String {
    let note = world.relhook(&["audit", "checkpoint"]);
    note.assert_ok();
    let note = String::from_utf8(note.out).unwrap();
    let lines: Vec<&str> = note.lines().collect();
    assert_eq!(lines[0], "acme/site");
    format!("{} {}", lines[1], lines[2])
}

/// A copy of the log as it is.
pub(super) fn kept(world: &World) -> PathBuf {
    let _quiet = quiet(world);
    copied(&world.server().join("relhook/audit"), world.path("before"))
}

/// A copy of a folder elsewhere.
fn copied(from: &Path, to: PathBuf) -> PathBuf {
    let mut copy = command("cp", Path::new("/"));
    run(copy.arg("-a").arg(from).arg(&to)).assert_ok();
    to
}

/// Puts the log back to what it was when it was copied.
pub(super) fn put_back(world: &World, copy: &Path) {
    let audit = world.server().join("relhook/audit");
    let _quiet = quiet(world);
    std::fs::remove_dir_all(&audit).unwrap();
    copied(copy, audit);
    // What was made from the log is made again from it.
    std::fs::remove_dir_all(world.server().join("relhook/ledger")).unwrap();
}

/// Whoever runs the server can take away what clones see; through git, relhook's hook forbids it.
fn taken_away(world: &World) {
    let deleted = world.server_git(&["update-ref", "-d", "refs/relhook/checkpoint"]);
    assert_ne!(deleted.code, 0);
    std::fs::remove_file(world.server().join("refs/relhook/checkpoint")).unwrap();
}

/// What becomes of a look at the server.
fn looks(person: &Person<'_>) -> (i32, String) {
    let ran = person.relhook(&["status"]);
    (ran.code, ran.err)
}

#[test]
fn every_push_ends_with_what_the_log_is() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    let free = dana.pushes(&["HEAD:refs/heads/fix"]);
    free.accepted();
    assert_eq!(told(&free.said), shown(&world));
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH401");
    assert_eq!(told(&refused.said), shown(&world));
    rita.approves(&fix).accepted();
    let accepted = dana.pushes(&["prod"]);
    accepted.accepted();
    // What comes of it may be told by now, in an entry of its own.
    let line = told(&accepted.said);
    let last = world.log().pop().unwrap();
    assert!(
        line.starts_with(&format!("{} ", last["seq"])),
        "{line}: {last}"
    );
    world
        .relhook(&["audit", "verify", "--since", &line])
        .assert_ok();
    let since = told(&refused.said);
    let verified = world.relhook(&["audit", "verify", "--since", &since]);
    verified.assert_ok();
    let (size, root) = since.split_once(' ').unwrap();
    let first = if root.starts_with('A') { "B" } else { "A" };
    let other = format!("{size} {first}{}", &root[1..]);
    let verified = world.relhook(&["audit", "verify", "--since", &other]);
    assert_eq!(
        verified.code,
        4,
        "{}",
        String::from_utf8_lossy(&verified.out)
    );
}

#[test]
fn an_approval_carries_what_its_signer_saw() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    let seen = shown(&world);
    rita.relhook(&["approve", "--yes", "--ref", "refs/heads/prod", &fix])
        .assert_ok();
    let said = |args: &[&str]| {
        let ran = world.server_git(args);
        ran.assert_ok();
        String::from_utf8(ran.out).unwrap()
    };
    let below = "refs/relhook/statements";
    let name = said(&["for-each-ref", "--format=%(refname)", below]);
    let tag = said(&["cat-file", "-p", name.trim()]);
    assert!(
        tag.contains(&format!("Relhook-Checkpoint: {seen}\n")),
        "{tag}"
    );
}

#[test]
fn l_01_l_02_a_log_that_was_rewritten_is_shouted_about_by_every_clone_that_saw_it() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    let before = kept(&world);
    dana.pushes(&["prod"]).refused();
    let seen = shown(&world);
    assert_eq!(looks(&rita).0, 0);

    // Whoever runs the server leaves the refusal out, and writes on from there.
    put_back(&world, &before);
    dana.pushes(&["HEAD:refs/heads/other"]).accepted();
    dana.pushes(&["HEAD:refs/heads/third"]).accepted();
    let now = shown(&world);
    world.relhook(&["audit", "verify"]).assert_ok();
    let (code, said) = looks(&rita);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("RH704"), "{said}");
    assert!(said.contains(&seen) && said.contains(&now), "{said}");
    let refused = rita.relhook(&["approve", "--yes", &fix]);
    assert_eq!(refused.code, 4, "{}", refused.err);
    // Both notes are kept, signed by the one key, for whoever has to be shown them.
    let proof = rita.clone_dir().join(".git/relhook-clone/logs/origin.fork");
    let proof = std::fs::read_to_string(proof).unwrap();
    assert_eq!(proof.matches("\u{2014} acme/site ").count(), 2, "{proof}");
    // Who did not see it before cannot know.
    assert_eq!(looks(&world.person("remy")).0, 0);
}

#[test]
fn l_01_a_log_that_was_cut_or_taken_away_is_shouted_about() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    shown(&world);
    let before = kept(&world);
    dana.pushes(&["prod"]).refused();
    shown(&world);
    assert_eq!(looks(&rita).0, 0);
    put_back(&world, &before);
    let held = quiet(&world);
    taken_away(&world);
    let (code, said) = looks(&rita);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("is not any more"), "{said}");
    drop(held);
    shown(&world);
    let (code, said) = looks(&rita);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("it is shorter than it was"), "{said}");
}

#[test]
fn l_02_a_log_with_another_key_is_not_the_one_that_was_seen() {
    let world = World::new();
    let rita = world.person("rita");
    shown(&world);
    assert_eq!(looks(&rita).0, 0);
    let other = World::new();
    shown(&other);
    let both = (quiet(&world), quiet(&other));
    std::fs::remove_dir_all(world.server().join("relhook/audit")).unwrap();
    copied(
        &other.server().join("relhook/audit"),
        world.server().join("relhook/audit"),
    );
    drop(both);
    taken_away(&world);
    shown(&world);
    let (code, said) = looks(&rita);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("it is signed by the key"), "{said}");
}

#[test]
fn the_own_hook_of_a_clone_stops_a_push_to_a_server_with_another_log() {
    let world = World::new();
    let dana = world.person("dana");
    dana.relhook(&["init", "--client"]).assert_ok();
    dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    shown(&world);
    let before = kept(&world);
    dana.pushes(&["--no-verify", "prod"]).refused();
    shown(&world);
    assert_eq!(looks(&dana).0, 0);
    put_back(&world, &before);
    dana.pushes(&["--no-verify", "HEAD:refs/heads/other"])
        .accepted();
    shown(&world);
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH704");
    assert!(!push.said.contains("RH401"), "{}", push.said);
}

#[test]
fn no_push_moves_what_clones_see_of_the_log() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("index.html");
    shown(&world);
    let at = world.server_ref("refs/relhook/checkpoint");
    for refspec in [
        "+HEAD:refs/relhook/checkpoint",
        ":refs/relhook/checkpoint",
        "+HEAD:refs/relhook/checkpoint/x",
    ] {
        dana.pushes(&[refspec]).refused();
        assert_eq!(world.server_ref("refs/relhook/checkpoint"), at);
    }
    // A mirror of a clone would delete it.
    dana.pushes(&["--mirror"]).refused();
    assert_eq!(world.server_ref("refs/relhook/checkpoint"), at);
    assert!(world.server_ref(PROD).is_some());
}
