//! Pushes that meet each other, and refs that are not what they seem.

use crate::common::{PROD, Person, PolicyText, RawPush, Words, World, ZERO, shown};
use std::process::{Command, Stdio};

/// Starts a push without waiting for it.
fn push(person: &Person<'_>, refspecs: &[&str]) -> Command {
    let mut git = person.git_command();
    git.args(["push", "-q", "origin"]).args(refspecs);
    git.stdout(Stdio::null()).stderr(Stdio::null());
    git
}

/// Runs both at once, the second so many milliseconds later; whether each went in.
fn at_once(mut first: Command, mut second: Command, later: u64) -> (bool, bool) {
    let mut one = first.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(later));
    let mut other = second.spawn().unwrap();
    (
        one.wait().unwrap().success(),
        other.wait().unwrap().success(),
    )
}

/// The ref names what the last verdict about it allowed, and the log verifies.
#[track_caller]
fn is_on_record(world: &World, refname: &str) {
    let now = world.server_ref(refname).unwrap();
    let allowed = world.log().iter().any(|entry| {
        let updates = entry["updates"].as_array().cloned().unwrap_or_default();
        entry["outcome"] == "accepted"
            && updates.iter().any(|update| update["permit"]["new"] == now)
    });
    assert!(allowed, "{refname} names {now}, which nothing allowed");
    world.relhook(&["audit", "verify"]).assert_ok();
}

#[test]
fn z_01_r_01_two_pushes_race_for_one_ref() {
    let world = World::new();
    let (dana, dora, remy) = (
        world.person("dana"),
        world.person("dora"),
        world.person("remy"),
    );
    for round in 0..6_u64 {
        let mut commits = Vec::new();
        for person in [&dana, &dora] {
            person.takes("prod");
            let commit = person.commits(&format!("{}-{round}", person.name));
            person
                .pushes(&[&format!("+HEAD:refs/heads/by-{}", person.name)])
                .accepted();
            remy.approves(&commit).accepted();
            commits.push(commit);
        }
        let (one, two) = (push(&dana, &["prod"]), push(&dora, &["prod"]));
        let went_in = match round % 2 {
            0 => at_once(one, two, 5 * round),
            _ => at_once(two, one, 5 * round),
        };
        assert!(went_in.0 ^ went_in.1, "round {round}: {went_in:?}");
        assert!(commits.contains(&world.server_ref(PROD).unwrap()));
        is_on_record(&world, PROD);
    }
}

#[test]
fn z_02_two_pushes_to_different_refs_both_go_in() {
    let world = World::new();
    let (dana, dora, remy) = (
        world.person("dana"),
        world.person("dora"),
        world.person("remy"),
    );
    for round in 0..4 {
        let release = format!("refs/heads/release/{round}");
        dana.takes("prod");
        dora.takes("prod");
        let one = dana.commits(&format!("one-{round}"));
        let two = dora.commits(&format!("two-{round}"));
        dana.pushes(&["+HEAD:refs/heads/by-dana"]).accepted();
        dora.pushes(&["+HEAD:refs/heads/by-dora"]).accepted();
        remy.approves(&one).accepted();
        remy.git(&["fetch", "-q", "origin"]);
        let mut words = Words::approve(&remy, &two);
        words.set("Relhook-Ref", &release).drop("Relhook-Base");
        remy.pushes(&[&remy.states(&words)]).accepted();
        let to_release = format!("HEAD:{release}");
        let went_in = at_once(push(&dana, &["prod"]), push(&dora, &[&to_release]), round);
        assert!(went_in.0, "round {round}");
        is_on_record(&world, PROD);
        if went_in.1 {
            is_on_record(&world, &release);
        }
    }
}

#[test]
fn z_03_r_02_v_11_an_approval_is_taken_back_while_the_push_runs() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    for round in 0..6_u64 {
        dana.takes("prod");
        let before = world.server_ref(PROD).unwrap();
        let fix = dana.commits(&format!("file-{round}"));
        dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
        remy.git(&["fetch", "-q", "origin"]);
        let words = Words::approve(&remy, &fix);
        let tag = remy.signs(&words);
        remy.pushes(&[&remy.refspec(&tag, &fix)]).accepted();
        let mut back = words.clone();
        back.set("Relhook-Decision", "withdraw")
            .set("Relhook-Withdraws", &tag)
            .set("Relhook-Reason", "on second thoughts");
        let back = remy.states(&back);
        let (one, two) = (push(&dana, &["prod"]), push(&remy, &[&back]));
        let went_in = match round % 2 {
            0 => at_once(one, two, 10 * round),
            _ => {
                let (two, one) = at_once(two, one, 10 * round);
                (one, two)
            }
        };
        assert!(went_in.1, "nothing keeps an approver from taking it back");
        if went_in.0 {
            is_on_record(&world, PROD);
        } else {
            assert_eq!(world.server_ref(PROD), Some(before));
            // Once it is back, no later push rests on it.
            dana.pushes(&["prod"]).refused_with("RH4");
        }
    }
    is_no_finding(&world);
}

/// Whichever came first: a replay knows of nothing that is wrong.
#[track_caller]
fn is_no_finding(world: &World) {
    let replayed = world.relhook(&["audit", "replay"]);
    assert!([0, 3].contains(&replayed.code), "{}", shown(&replayed));
}

#[test]
fn z_03_a_deputy_is_taken_back_while_the_push_runs() {
    let rule = "delegation: {to: [developers], longest: 21d}";
    let world = World::with(&PolicyText::usual().prod(rule));
    let [dana, dora, remy] = ["dana", "dora", "remy"].map(|name| world.person(name));
    let signs = |person: &Person<'_>, args: &[&str]| {
        let ran = person.relhook(args);
        ran.assert_ok();
        shown(&ran)
    };
    for round in 0..6_u64 {
        dana.takes("prod");
        let before = world.server_ref(PROD).unwrap();
        let fix = dana.commits(&format!("file-{round}"));
        dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
        let named = signs(
            &remy,
            &[
                "delegate", "--to", "dora", "--for", "prod", "--until", "1d", "--reason", "leave",
                "--yes",
            ],
        );
        let id = named.split("relhook withdraw ").nth(1).unwrap();
        let id = id.split(' ').next().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1100));
        dora.git(&["fetch", "-q", "origin"]);
        signs(
            &dora,
            &[
                "approve",
                &fix,
                "--ref",
                "prod",
                "--in-stead-of",
                "remy",
                "--yes",
            ],
        );
        let back = ["withdraw", id, "--reason", "back", "--yes", "--no-push"];
        let kept = signs(&remy, &back);
        let back = kept.split_whitespace().last().unwrap();
        let (one, two) = (push(&dana, &["prod"]), push(&remy, &[back]));
        let went_in = match round % 2 {
            0 => at_once(one, two, 10 * round),
            _ => {
                let (two, one) = at_once(two, one, 10 * round);
                (one, two)
            }
        };
        assert!(went_in.1, "nothing keeps a reviewer from taking it back");
        if went_in.0 {
            is_on_record(&world, PROD);
        } else {
            assert_eq!(world.server_ref(PROD), Some(before));
            dana.pushes(&["prod"]).refused_with("RH526");
            remy.git(&["fetch", "-q", "origin"]);
            remy.approves(&fix).accepted();
            dana.pushes(&["prod"]).accepted();
        }
    }
    is_no_finding(&world);
}

#[test]
fn z_04_r_03_r_04_a_statement_in_the_push_that_needs_it() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    for (round, options) in [&[][..], &["--atomic"]].into_iter().enumerate() {
        dana.takes("prod");
        let before = world.server_ref(PROD);
        let fix = dana.commits(&format!("file-{round}"));
        dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
        remy.takes("fix");
        let good = remy.states(&Words::approve(&remy, &fix));
        let mut other = Words::approve(&remy, &fix);
        other.set("Relhook-Repository", "acme/other");
        let bad = remy.states(&other);
        // One bad statement beside the good one, in either order: nothing moves.
        for refspecs in [["HEAD:prod", &good, &bad], [&bad, &good, "HEAD:prod"]] {
            remy.pushes_with(options, &refspecs).refused_with("RH327");
            assert_eq!(world.server_ref(PROD), before);
        }
        let stored = world.server_git(&["for-each-ref", &format!("refs/relhook/statements/{fix}")]);
        assert_eq!(stored.text(), "");
        remy.pushes_with(options, &["HEAD:prod", &good]).accepted();
        assert_eq!(world.server_ref(PROD), Some(fix));
    }
}

#[test]
fn r_06_an_alias_and_what_it_points_at_in_one_push() {
    let world = World::new();
    let dana = world.person("dana");
    let alias = "refs/heads/alias";
    world.server_git(&["symbolic-ref", alias, PROD]).assert_ok();
    let before = world.server_ref(PROD).unwrap();
    let evil = dana.commits("evil");
    for names in [[alias, PROD], [PROD, alias]] {
        let push = names.iter().fold(RawPush::new(), |push, name| {
            push.command(&before, &evil, name)
        });
        push.send(&dana).refused_with("RH105");
        assert_eq!(world.server_ref(PROD).as_ref(), Some(&before));
    }
}

#[test]
fn r_12_without_the_gate_one_refused_ref_does_not_take_the_lock_with_it() {
    let world = World::new();
    let dana = world.person("dana");
    let before = world.server_ref(PROD);
    dana.commits("evil");
    let hook = world.server().join("hooks/pre-receive");
    std::fs::rename(&hook, world.path("away")).unwrap();
    for refspecs in [
        ["HEAD:refs/heads/free", "HEAD:prod"],
        ["HEAD:prod", "HEAD:refs/heads/more"],
    ] {
        dana.pushes(&refspecs).refused();
        assert_eq!(world.server_ref(PROD), before);
    }
    std::fs::rename(world.path("away"), &hook).unwrap();
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn r_14_what_head_names_changes_no_rule() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("evil");
    dana.offers("other");
    for head in [
        "refs/heads/other",
        "refs/heads/nothing",
        "refs/relhook/policy",
    ] {
        world
            .server_git(&["symbolic-ref", "HEAD", head])
            .assert_ok();
        dana.pushes(&["HEAD:prod"]).refused_with("RH401");
        dana.pushes(&["+HEAD:refs/relhook/policy"])
            .refused_with("RH");
    }
}

#[test]
fn r_15_a_lock_that_somebody_left_behind() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    remy.approves(&fix).accepted();
    let before = world.server_ref(PROD);
    let lock = world.server().join("refs/heads/prod.lock");
    std::fs::write(&lock, "").unwrap();
    dana.pushes(&["prod"]).refused();
    assert_eq!(world.server_ref(PROD), before);
    std::fs::remove_file(lock).unwrap();
    // What was allowed and did not happen stands in nobody's way.
    dana.pushes(&["prod"]).accepted();
    is_on_record(&world, PROD);
}

#[test]
fn z_05_twins_of_relhooks_own_names() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    for name in [
        "refs/Relhook/policy",
        "refs/RELHOOK/statements/x",
        "refs/relhook/Policy",
        "refs/relhook/policy/x",
        "refs/relhook/checkpoint",
        "refs/relhook",
        "refs/heads/PROD",
        "refs/heads/pr\u{43e}d",
        "refs/heads/prod\u{200b}",
        "refs/heads/\u{ff50}rod",
        "refs/HEADS/prod",
    ] {
        let push = RawPush::new().command(ZERO, &tip, name).send(&dana);
        assert!(!push.went_in, "{name} went in");
        assert!(push.said.contains("RH1"), "{name}: {}", push.said);
    }
}

#[test]
fn z_06_v_09_a_replay_after_the_ref_was_set_back() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let before = world.server_ref(PROD).unwrap();
    let bad = dana.commits("index.html");
    dana.offers("fix");
    remy.approves(&bad).accepted();
    dana.pushes(&["prod"]).accepted();
    // Forward again, by a commit that undoes it.
    dana.git(&["revert", "--no-edit", &bad]);
    let undone = dana.git(&["rev-parse", "HEAD"]);
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    remy.approves(&undone).accepted();
    dana.pushes(&["prod"]).accepted();
    // The old approval brings the old commit back neither directly nor under another name.
    RawPush::new()
        .command(&undone, &bad, PROD)
        .send(&dana)
        .refused_with("RH102");
    dana.git(&["checkout", "-q", "-B", "again", &undone]);
    dana.git(&["revert", "--no-edit", &undone]);
    dana.pushes(&["HEAD:prod"]).refused_with("RH401");
    // An administrator who sets the ref back by hand is not followed either.
    let file = world.server().join(PROD);
    std::fs::write(&file, format!("{before}\n")).unwrap();
    RawPush::new()
        .command(&before, &bad, PROD)
        .send(&dana)
        .refused_with("RH");
}
