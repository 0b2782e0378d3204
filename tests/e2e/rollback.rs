//! A protected ref goes back, and what went back comes in again only on fresh approvals.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER, authority};
use crate::common::{
    POLICY, PROD, Person, PolicyText, Push, Ran, Words, World, shown, write_program,
};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The admins, Paul and Rita, may roll `prod` back.
fn world() -> World {
    world_with("rollback: {by: [admins]}")
}

fn world_with(more: &str) -> World {
    World::with(&PolicyText::usual().prod(more))
}

/// Dana changes a file, Remy approves it, Dana pushes it; the commit.
#[track_caller]
fn ships(world: &World, file: &str) -> String {
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let commit = dana.commits(file);
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    remy.approves(&commit).accepted();
    dana.pushes(&["prod"]).accepted();
    commit
}

/// What a rollback of `prod` from where it is to `to` says.
fn going_back(person: &Person<'_>, to: &str) -> Words {
    person.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(person, to);
    words
        .set("Relhook-Decision", "rollback")
        .set("Relhook-Expires", "2099-01-01T00:00:00Z")
        .set("Relhook-Reason", "the shop is down");
    words
}

/// The tag of a statement that says so.
#[track_caller]
fn states(person: &Person<'_>, words: &Words) -> String {
    let tag = person.signs(words);
    person
        .pushes(&[&person.refspec(&tag, &words.commit)])
        .accepted();
    tag
}

/// States it and moves the ref with plain git; the statement's tag and what the pusher saw.
#[track_caller]
fn rolls_back(person: &Person<'_>, to: &str) -> (String, Push) {
    let tag = states(person, &going_back(person, to));
    let push = person.pushes(&[&format!("+{to}:{PROD}")]);
    push.accepted();
    (tag, push)
}

/// Waits until clones are shown the rollback that took this off the ref: a moment after it.
#[track_caller]
fn clones_are_shown_that_it_lost(world: &World, commit: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    let kept = || {
        let shown = world.server_git(&["for-each-ref", "refs/relhook/rollbacks/"]);
        shown.text().contains(commit)
    };
    while !kept() {
        assert!(
            Instant::now() < until,
            "clones are never shown the rollback"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// An approval that answers rollbacks.
fn answering(person: &Person<'_>, commit: &str, tags: &[&str]) -> Words {
    person.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(person, commit);
    words.set("Relhook-Answers", &tags.join(" "));
    words
}

#[test]
fn e_10_a_ref_goes_back_on_a_signed_word_and_what_is_undone_is_listed() {
    let world = world();
    let paul = world.person("paul");
    let first = ships(&world, "one.txt");
    ships(&world, "two.txt");
    let third = ships(&world, "three.txt");
    paul.git(&["fetch", "-q", "origin"]);
    let force = format!("+{first}:{PROD}");
    let push = paul.pushes(&[&force]);
    push.refused_with("RH561");
    assert!(push.said.contains("relhook rollback --to"), "{}", push.said);
    assert_eq!(world.server_ref(PROD), Some(third.clone()));
    let (tag, push) = rolls_back(&paul, &first);
    for said in [
        "rolled back to",
        "the shop is down",
        "undoes 2 commits",
        "Change two.txt",
        "Change three.txt",
    ] {
        assert!(push.said.contains(said), "{said}: {}", push.said);
    }
    assert_eq!(world.server_ref(PROD), Some(first));
    let log = world.log();
    let last = log.last().unwrap();
    let rollback = &last["updates"][0]["rollback"];
    assert_eq!(rollback["statements"][0], tag.as_str(), "{last}");
    assert_eq!(rollback["count"], 2);
    assert_eq!(rollback["by"][0]["person"], "paul");
    assert_eq!(rollback["by"][0]["reason"], "the shop is down");
    let report = world.relhook(&["report"]).text();
    let told = "takes back 2 commits</span><br>paul: the shop is down";
    assert!(report.contains(told), "{report}");
    let line = world.relhook(&["audit", "log"]);
    assert!(
        shown(&line).contains("rolled back (2 undone)"),
        "{}",
        shown(&line)
    );
    world.relhook(&["audit", "verify"]).assert_ok();
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn v_09_what_was_rolled_back_comes_in_again_only_on_a_fresh_approval_that_answers_it() {
    let world = world();
    let (dana, remy, paul) = (
        world.person("dana"),
        world.person("remy"),
        world.person("paul"),
    );
    let first = ships(&world, "one.txt");
    let second = ships(&world, "two.txt");
    let (tag, _) = rolls_back(&paul, &first);
    // The same again, and the ledger made anew from the log: the old approval stays old.
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH401");
    push.refused_with("RH564");
    crate::audit::loses_ledger(&world);
    dana.pushes(&["prod"]).refused_with("RH564");
    // Nor does it serve below something new.
    let third = dana.commits("three.txt");
    dana.offers("fix2");
    remy.git(&["fetch", "-q", "origin"]);
    let mut since = Words::approve(&remy, &third);
    since.set("Relhook-Base", &second);
    remy.pushes(&[&remy.states(&since)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH564");
    // A fresh one that says nothing of the rollback is none either.
    let mut fresh = Words::approve(&remy, &third);
    fresh.set("Relhook-Reason", "looks right to me");
    remy.pushes(&[&remy.states(&fresh)]).accepted();
    dana.pushes(&["prod"]).refused_with(&tag);
    let answer = answering(&remy, &third, &[&tag]);
    remy.pushes(&[&remy.states(&answer)]).accepted();
    dana.pushes(&["prod"]).accepted();
    assert_eq!(world.server_ref(PROD), Some(third));
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn v_09_a_clone_without_the_log_knows_what_was_undone() {
    let world = world_with("rollback: {by: [admins]}\n    attribution: signature");
    let (dana, remy, paul) = (
        world.person("dana"),
        world.person("remy"),
        world.person("paul"),
    );
    let first = ships(&world, "one.txt");
    let second = ships(&world, "two.txt");
    let (tag, _) = rolls_back(&paul, &first);
    let looks = |code: i32| {
        world.relhook(&["audit", "checkpoint"]).assert_ok();
        let ran = dana.relhook(&["audit", "replay", "--from", &first, "--ref", "prod"]);
        let text = shown(&ran);
        assert_eq!(ran.code, code, "{text}");
        text
    };
    clones_are_shown_that_it_lost(&world, &second);
    looks(0);
    // Somebody puts it back past the hooks: the approval from before does not cover it.
    let moves = |to: &str| {
        let past_the_hooks = ["-c", "core.hooksPath=/dev/null", "update-ref", PROD, to];
        world.server_git(&past_the_hooks).assert_ok();
    };
    moves(&second);
    let text = looks(1);
    assert!(text.contains("RH717") && text.contains("RH564"), "{text}");
    // With an answer it does.
    moves(&first);
    let answer = answering(&remy, &second, &[&tag]);
    remy.pushes(&[&remy.states(&answer)]).accepted();
    dana.pushes(&["prod"]).accepted();
    looks(0);
}

#[test]
fn v_09_an_approving_commit_goes_back_with_what_it_approved() {
    let world = world();
    let (dana, remy, paul) = (
        world.person("dana"),
        world.person("remy"),
        world.person("paul"),
    );
    let first = ships(&world, "one.txt");
    let approves = |more: &str| {
        let text = format!("Relhook-Approve: {PROD}\nRelhook-Repository: acme/site{more}");
        remy.git(&["commit", "-q", "--allow-empty", "-m", "Yes", "-m", &text]);
    };
    dana.commits("two.txt");
    dana.offers("fix2");
    remy.takes("fix2");
    approves("");
    remy.pushes(&["HEAD:prod"]).accepted();
    let (tag, _) = rolls_back(&paul, &first);
    remy.pushes(&["HEAD:prod"]).refused_with("RH401");
    approves("");
    remy.pushes(&["HEAD:prod"]).refused_with("RH564");
    approves(&format!("\nRelhook-Answers: {tag}"));
    remy.pushes(&["HEAD:prod"]).accepted();
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn v_09_a_rollback_counts_once() {
    let world = world();
    let (dana, remy, paul) = (
        world.person("dana"),
        world.person("remy"),
        world.person("paul"),
    );
    let first = ships(&world, "one.txt");
    let second = ships(&world, "two.txt");
    let (tag, _) = rolls_back(&paul, &first);
    let answer = answering(&remy, &second, &[&tag]);
    remy.pushes(&[&remy.states(&answer)]).accepted();
    dana.pushes(&["prod"]).accepted();
    let again = paul.pushes(&[&format!("+{first}:{PROD}")]);
    again.refused_with("RH561");
    again.refused_with("RH565");
    assert_eq!(world.server_ref(PROD), Some(second));
    // Rolled back twice, both reasons are answered.
    let mut words = going_back(&paul, &first);
    words.set("Relhook-Reason", "still down");
    let other = states(&paul, &words);
    paul.pushes(&[&format!("+{first}:{PROD}")]).accepted();
    dana.pushes(&["prod"]).refused_with("RH564");
    let one = answering(&remy, dana.git(&["rev-parse", "HEAD"]).as_str(), &[&other]);
    remy.pushes(&[&remy.states(&one)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH564");
    let tip = dana.git(&["rev-parse", "HEAD"]);
    let both = answering(&remy, &tip, &[&tag, &other]);
    remy.pushes(&[&remy.states(&both)]).accepted();
    dana.pushes(&["prod"]).accepted();
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn y_02_the_policy_never_goes_back() {
    let world = world();
    let (paul, rita) = (world.person("paul"), world.person("rita"));
    let before = world.server_ref(POLICY).unwrap();
    paul.git(&["fetch", "-q", "origin", POLICY]);
    paul.git(&["checkout", "-q", "-b", "policy", "FETCH_HEAD"]);
    let file = paul.clone_dir().join("policy.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n# stricter now\n")).unwrap();
    paul.git(&["commit", "-q", "-a", "-m", "stricter"]);
    paul.pushes(&["HEAD:refs/heads/paul/policy"]).accepted();
    rita.relhook(&["approve", "paul/policy", "--ref", POLICY, "--yes"])
        .assert_ok();
    paul.pushes(&[&format!("HEAD:{POLICY}")]).accepted();
    let now = world.server_ref(POLICY).unwrap();
    let mut words = going_back(&paul, &before);
    words.set("Relhook-Ref", POLICY).set("Relhook-Base", &now);
    let statement = paul.states(&words);
    paul.pushes(&[&statement]).refused_with("RH568");
    let force = format!("+{before}:{POLICY}");
    paul.pushes(&[&statement, &force]).refused_with("RH102");
    paul.pushes(&[&force]).refused_with("RH102");
    let ran = paul.relhook(&[
        "rollback", "--to", &before, "--ref", POLICY, "--reason", "x", "-y",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_eq!(world.server_ref(POLICY), Some(now));
    // Nor may the policy say that it does.
    let yaml = text.replace(
        "  refs/relhook/policy:\n",
        "  refs/relhook/policy:\n    rollback: {by: [admins]}\n",
    );
    std::fs::write(&file, yaml).unwrap();
    let lint = paul.relhook(&["policy", "lint", "policy.yaml"]);
    assert_eq!(lint.code, 1, "{}", shown(&lint));
    assert!(
        (shown(&lint) + &lint.err).contains("never goes back"),
        "{}",
        shown(&lint)
    );
}

#[test]
fn only_those_whom_the_policy_names_roll_back_and_only_where_it_names_anybody() {
    let plain = World::new();
    let first = ships(&plain, "one.txt");
    ships(&plain, "two.txt");
    let paul = plain.person("paul");
    let words = going_back(&paul, &first);
    paul.pushes(&[&paul.states(&words)]).refused_with("RH568");
    paul.pushes(&[&format!("+{first}:{PROD}")])
        .refused_with("RH102");
    let world = world();
    let first = ships(&world, "one.txt");
    let second = ships(&world, "two.txt");
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    for person in [dana, remy] {
        let words = going_back(&person, &first);
        let statement = person.states(&words);
        person.pushes(&[&statement]).refused_with("RH567");
        person
            .pushes(&[&statement, &format!("+{first}:{PROD}")])
            .refused_with("RH561");
    }
    // Whoever carries it does not matter: its signer does.
    let paul = world.person("paul");
    states(&paul, &going_back(&paul, &first));
    dana.pushes(&[&format!("+{first}:{PROD}")]).accepted();
    assert_ne!(world.server_ref(PROD), Some(second));
}

#[test]
fn a_ref_goes_back_only_to_what_was_let_in_as_a_whole() {
    let world = world();
    let (dana, remy, paul) = (
        world.person("dana"),
        world.person("remy"),
        world.person("paul"),
    );
    let before = world.server_ref(PROD).unwrap();
    let middle = dana.commits("one.txt");
    let tip = dana.commits("two.txt");
    dana.offers("fix");
    remy.approves(&tip).accepted();
    dana.pushes(&["prod"]).accepted();
    states(&paul, &going_back(&paul, &middle));
    let push = paul.pushes(&[&format!("+{middle}:{PROD}")]);
    push.refused_with("RH562");
    // What was there when relhook was installed was let be, too.
    let (tag, _) = rolls_back(&paul, &before);
    assert_eq!(world.server_ref(PROD), Some(before));
    // What was itself rolled back, and went in again below something else, was not let in as a whole since.
    let more = dana.commits("three.txt");
    dana.offers("fix2");
    remy.pushes(&[&remy.states(&answering(&remy, &more, &[&tag]))])
        .accepted();
    dana.pushes(&["prod"]).accepted();
    states(&paul, &going_back(&paul, &tip));
    let push = paul.pushes(&[&format!("+{tip}:{PROD}")]);
    push.refused_with("RH562");
    push.refused_with("was itself rolled back");
    // And what is no ancestor is no way back.
    dana.git(&["checkout", "-q", "--orphan", "elsewhere"]);
    dana.commits("x.txt");
    dana.pushes(&["+HEAD:prod"]).refused_with("RH102");
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn a_rollback_is_about_the_ref_as_it_is() {
    let world = world();
    let paul = world.person("paul");
    let first = ships(&world, "one.txt");
    ships(&world, "two.txt");
    let early = going_back(&paul, &first);
    states(&paul, &early);
    let third = ships(&world, "three.txt");
    let force = format!("+{first}:{PROD}");
    let push = paul.pushes(&[&force]);
    push.refused_with("RH561");
    push.refused_with("RH566");
    // It expires, and it can be withdrawn.
    let mut past = going_back(&paul, &first);
    past.set("Relhook-Expires", "2020-01-01T00:00:00Z");
    states(&paul, &past);
    paul.pushes(&[&force]).refused_with("RH406");
    let words = going_back(&paul, &first);
    let tag = states(&paul, &words);
    let mut back = words.clone();
    back.set("Relhook-Decision", "withdraw")
        .set("Relhook-Withdraws", &tag)
        .set("Relhook-Reason", "it works again")
        .drop("Relhook-Expires");
    states(&paul, &back);
    paul.pushes(&[&force]).refused_with("RH407");
    assert_eq!(world.server_ref(PROD), Some(third));
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn an_objection_stands_in_the_way_back_too() {
    let world = world();
    let (remy, paul) = (world.person("remy"), world.person("paul"));
    let first = ships(&world, "one.txt");
    ships(&world, "two.txt");
    remy.git(&["fetch", "-q", "origin"]);
    let mut no = Words::approve(&remy, &first);
    no.set("Relhook-Decision", "reject")
        .set("Relhook-Reason", "it leaks");
    states(&remy, &no);
    states(&paul, &going_back(&paul, &first));
    let push = paul.pushes(&[&format!("+{first}:{PROD}")]);
    push.refused_with("RH404");
    push.refused_with("it leaks");
}

#[test]
fn a_rule_can_ask_for_two_of_them() {
    let world = world_with("rollback: {by: [admins], required: 2}");
    let (paul, rita) = (world.person("paul"), world.person("rita"));
    let first = ships(&world, "one.txt");
    let second = ships(&world, "two.txt");
    let one = states(&paul, &going_back(&paul, &first));
    let force = format!("+{first}:{PROD}");
    paul.pushes(&[&force]).refused_with("RH561");
    // The same person twice is one person.
    let mut again = going_back(&paul, &first);
    again.set("Relhook-Reason", "really down");
    states(&paul, &again);
    paul.pushes(&[&force]).refused_with("RH561");
    states(&rita, &going_back(&rita, &first));
    paul.pushes(&[&force]).accepted();
    assert_eq!(world.server_ref(PROD), Some(first));
    // The word of any of them is an answer to what they said together.
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    dana.pushes(&["prod"]).refused_with("RH564");
    remy.pushes(&[&remy.states(&answering(&remy, &second, &[&one]))])
        .accepted();
    dana.pushes(&["prod"]).accepted();
    world.relhook(&["audit", "replay"]).assert_ok();
}

/// All that a command said.
fn said(ran: &Ran) -> String {
    shown(ran) + &ran.err
}

#[test]
fn the_command_shows_what_goes_signs_and_moves_and_the_next_approval_shows_why() {
    let world = world();
    let (dana, remy, rita) = (
        world.person("dana"),
        world.person("remy"),
        world.person("rita"),
    );
    let first = ships(&world, "one.txt");
    let second = ships(&world, "two.txt");
    // The bigger half of the promise: a person who may not is told so before and after.
    let command = |person: &Person<'_>, to: &str| {
        let words = [
            "--to",
            to,
            "--ref",
            "prod",
            "--reason",
            "no basket",
            "--yes",
        ];
        person.git(&["fetch", "-q", "origin"]);
        person.relhook(&[&["rollback"][..], &words].concat())
    };
    let ran = command(&remy, &first);
    assert_eq!(ran.code, 1, "{}", said(&ran));
    assert!(
        said(&ran).contains("RH561") && said(&ran).contains("RH567"),
        "{}",
        said(&ran)
    );
    let ran = command(&rita, &first);
    assert_eq!(ran.code, 0, "{}", said(&ran));
    for words in [
        "Roll back to",
        "undoes 1 commit",
        "Change two.txt",
        "no basket",
    ] {
        assert!(said(&ran).contains(words), "{words}: {}", said(&ran));
    }
    assert_eq!(world.server_ref(PROD), Some(first.clone()));
    // A clone says the same as the server, before it is shown the rollback and after.
    let checks = |code: i32| {
        let check = dana.relhook(&["check", "origin", "prod"]);
        assert_eq!(check.code, code, "{}", said(&check));
        said(&check)
    };
    assert!(checks(1).contains("RH564"));
    clones_are_shown_that_it_lost(&world, &second);
    assert!(checks(1).contains("RH564"));
    dana.pushes(&["prod"]).refused_with("RH564");
    let ran = remy.relhook(&["approve", &second, "--ref", "prod", "--yes"]);
    assert_eq!(ran.code, 0, "{}", said(&ran));
    assert!(
        said(&ran).contains("rolled back from refs/heads/prod by rita: no basket"),
        "{}",
        said(&ran)
    );
    assert!(said(&ran).contains("would be accepted"), "{}", said(&ran));
    checks(0);
    dana.pushes(&["prod"]).accepted();
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn nobody_goes_forward_by_a_rollback_or_moves_what_clones_are_shown_of_one() {
    let world = world();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let first = ships(&world, "one.txt");
    let second = ships(&world, "two.txt");
    let command = |to: &str| {
        let words = [
            "--to",
            to,
            "--ref",
            "prod",
            "--reason",
            "no basket",
            "--yes",
        ];
        rita.git(&["fetch", "-q", "origin"]);
        rita.relhook(&[&["rollback"][..], &words].concat())
    };
    assert_eq!(command(&second).code, 2);
    let ahead = dana.commits("three.txt");
    dana.offers("fix3");
    assert_eq!(command(&ahead).code, 1);
    assert_eq!(command(&first).code, 0);
    clones_are_shown_that_it_lost(&world, &second);
    let shown = world.server_git(&[
        "for-each-ref",
        "--format=%(refname)",
        "refs/relhook/rollbacks/",
    ]);
    let name = shown.text();
    dana.pushes(&[&format!("+HEAD:{name}")])
        .refused_with("RH106");
    dana.pushes(&[&format!(":{name}")]).refused();
}

#[test]
fn two_people_each_run_the_command_and_the_last_one_moves_the_ref() {
    let world = world_with("rollback: {by: [admins], required: 2}");
    let first = ships(&world, "one.txt");
    let second = ships(&world, "two.txt");
    for (name, then) in [("paul", &second), ("rita", &first)] {
        let person = world.person(name);
        person.git(&["fetch", "-q", "origin"]);
        let words = [
            "rollback", "--to", &first, "--ref", "prod", "--reason", "down", "--yes",
        ];
        let ran = person.relhook(&words);
        assert_eq!(ran.code, 0, "{}", said(&ran));
        assert_eq!(world.server_ref(PROD).as_ref(), Some(then));
    }
}

#[test]
fn every_target_goes_back_at_once_whatever_holds_a_release() {
    let ftpd = Ftpd::start(Tls::Explicit);
    let world = World::without_relhook();
    std::fs::create_dir(world.path("staging")).unwrap();
    let mut policy = PolicyText::usual()
        .prod("release: [staging, site]")
        .prod("rollback: {by: [admins]}");
    policy.yaml += &format!(
        "targets:\n  staging: {{kind: dir, path: {}, stage: try}}\n  site:\n    kind: ftps\n    \
         host: localhost\n    port: {}\n    path: {}\n    ca: keys/site.pem\n    stage: live\nstages:\n  \
         - try\n  - name: live\n    hold: {{lift: [admins]}}\n",
        world.path("staging").display(),
        ftpd.port,
        ftpd.site().display()
    );
    policy.keys.insert("site.pem".into(), authority("right"));
    world.write_policy(&policy);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    let folder = world.server().join("relhook/credentials");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("site");
    std::fs::write(&file, format!("user={USER}\npassword={PASSWORD}\n")).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();

    let paul = world.person("paul");
    let staged = world.path("staging").join("current");
    let comes = |path: &Path, there: bool| {
        let until = Instant::now() + Duration::from_secs(60);
        while path.exists() != there {
            let status = || shown(&world.relhook(&["release", "status"]));
            assert!(
                Instant::now() < until,
                "{}: {there}\n{}",
                path.display(),
                status()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let lifts = || {
        paul.git(&["fetch", "-q", "origin"]);
        let lift = paul.relhook(&["release", "lift", "live", "--yes", "--reason", "tried it"]);
        assert_eq!(lift.code, 0, "{}", said(&lift));
    };
    let first = ships(&world, "one.txt");
    comes(&staged.join("one.txt"), true);
    lifts();
    comes(&ftpd.site().join("one.txt"), true);
    ships(&world, "two.txt");
    comes(&staged.join("two.txt"), true);
    lifts();
    comes(&ftpd.site().join("two.txt"), true);
    let _ = rolls_back(&paul, &first);
    comes(&staged.join("two.txt"), false);
    comes(&ftpd.site().join("two.txt"), false);
    assert!(ftpd.site().join("one.txt").exists());
    assert!(staged.join("one.txt").exists());
    // What is new waits for its stages as ever.
    let dana = world.person("dana");
    dana.git(&["fetch", "-q", "origin"]);
    dana.git(&["reset", "-q", "--hard", "origin/prod"]);
    ships(&world, "three.txt");
    comes(&staged.join("three.txt"), true);
    std::thread::sleep(Duration::from_millis(500));
    assert!(!ftpd.site().join("three.txt").exists());
    world.relhook(&["audit", "verify"]).assert_ok();
}

/// The entry that accepted a commit for `prod`.
fn entry_of(world: &World, commit: &str) -> u64 {
    let log = world.log();
    let accepted = log.iter().rfind(|entry| {
        let mut updates = entry["updates"].as_array().into_iter().flatten();
        entry["outcome"] == "accepted"
            && updates.any(|one| one["ref"] == PROD && one["new"] == commit)
    });
    accepted.unwrap()["seq"].as_u64().unwrap()
}

#[test]
fn a_release_is_named_by_its_number() {
    let world = world();
    let paul = world.person("paul");
    let first = ships(&world, "one.txt");
    let second = ships(&world, "two.txt");
    let third = ships(&world, "three.txt");
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    let list = paul.relhook(&["rollback", "--list", "--ref", "prod"]);
    let listed = shown(&list);
    assert_eq!(list.code, 0, "{}", list.err);
    let numbers: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let entries = [&third, &second, &first].map(|commit| entry_of(&world, commit).to_string());
    assert_eq!(numbers[..3], entries, "{listed}");
    for part in [&first[..7], "Change two.txt", ", now  Change three.txt"] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    for line in listed.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let back = |to: &str| {
        let rest = ["--ref", "prod", "--reason", "the shop is down", "--yes"];
        paul.relhook(&[&["rollback", "--to", to], &rest[..]].concat())
    };
    // What was no release of the ref is none: an entry of something else, and one that is not there.
    for number in ["999999", "1"] {
        let none = back(number);
        assert_eq!(none.code, 2, "{}", none.err);
        assert!(none.err.contains("shows no release"), "{}", none.err);
    }
    assert_eq!(world.server_ref(PROD), Some(third));
    let ran = back(&entries[2]);
    assert_eq!(ran.code, 0, "{}{}", shown(&ran), ran.err);
    assert_eq!(world.server_ref(PROD), Some(first));
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn everybody_is_told_of_a_rollback_whatever_they_asked_for() {
    let world = World::without_relhook();
    let program = world.path("some");
    write_program(&program, "#!/bin/sh\ncat >> \"$0.in\"\n");
    let mut text = PolicyText::usual().prod("rollback: {by: [admins]}");
    text.yaml += &format!(
        "notify:\n  some:\n    kind: command\n    run: [{}]\n    events: [release-failed]\n",
        program.display()
    );
    world.write_policy(&text);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    let told = || std::fs::read_to_string(format!("{}.in", program.display())).unwrap_or_default();
    let first = ships(&world, "one.txt");
    ships(&world, "two.txt");
    assert!(!told().contains("rolled-back"));
    let (_, _) = rolls_back(&world.person("paul"), &first);
    let start = Instant::now();
    while !told().contains("\"event\":\"rolled-back\"") {
        assert!(start.elapsed() < Duration::from_secs(60), "{}", told());
        std::thread::sleep(Duration::from_millis(100));
    }
    let told = told();
    for part in ["paul: the shop is down", &first, "1 commit is undone"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(told.matches("rolled-back").count(), 1, "{told}");
}
