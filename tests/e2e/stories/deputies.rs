//! Somebody is away: who stands in for them, and what that never lets through.

use crate::common::{POLICY, PROD, Person, PolicyText, Push, Ran, World, shown};
use serde_json::Value;

/// Reviewers may name developers and reviewers their deputies, for three weeks.
fn delegating() -> PolicyText {
    let rule = "delegation: {by: [reviewers], to: [developers, reviewers], longest: 21d}";
    PolicyText::usual().prod(rule)
}

#[track_caller]
pub(super) fn done(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{}\n{}", ran.err, shown(ran));
    shown(ran)
}

#[track_caller]
fn fails(ran: &Ran, code: i32, why: &str) {
    let said = format!("{}\n{}", ran.err, shown(ran));
    assert_eq!(ran.code, code, "{said}");
    assert!(said.contains(why), "{said}");
}

const LEAVE: [&str; 8] = [
    "--for", "prod", "--until", "14d", "--reason", "leave", "--yes", "--to",
];

fn delegates(by: &Person<'_>, to: &str, more: &[&str]) -> Ran {
    by.relhook(&[&["delegate"], &LEAVE[..], &[to], more].concat())
}

/// All that a pusher saw, as one line: long ones are broken anywhere.
fn flat(push: &Push) -> String {
    let lines = push.said.lines();
    let words = lines.flat_map(|line| line.trim_start_matches("remote:").split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn refused_saying(push: &Push, why: &str) {
    push.refused();
    assert!(flat(push).contains(why), "{}", push.said);
}

/// The id that `relhook withdraw` takes, out of what a statement's maker is told.
#[track_caller]
fn id(said: &str) -> String {
    let (_, rest) = said.split_once("taken in by ").unwrap();
    let line = rest.lines().next().unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

/// A commit of this person's on top of prod, which the others can fetch.
pub(super) fn offered(person: &Person<'_>, file: &str) -> String {
    person.takes("prod");
    let tip = person.commits(file);
    let branch = format!("+HEAD:refs/heads/{}/{file}", person.name);
    person.pushes(&[&branch]).accepted();
    tip
}

fn approves(deputy: &Person<'_>, commit: &str, stead: &str) -> Ran {
    deputy.git(&["fetch", "-q", "origin"]);
    let approve = ["approve", commit, "--ref", "prod", "--yes"];
    deputy.relhook(&[&approve[..], &["--in-stead-of", stead]].concat())
}

/// Changes the policy by paul, with rita's approval.
pub(super) fn changes(world: &World, change: impl Fn(&str) -> String) {
    let (paul, rita) = (world.person("paul"), world.person("rita"));
    paul.git(&["fetch", "-q", "origin", POLICY]);
    paul.git(&["checkout", "-q", "-B", "policy", "FETCH_HEAD"]);
    let file = paul.clone_dir().join("policy.yaml");
    let old = std::fs::read_to_string(&file).unwrap();
    let new = change(&old);
    assert_ne!(old, new);
    std::fs::write(&file, new).unwrap();
    paul.git(&["commit", "-q", "-a", "-m", "Change the policy"]);
    let tip = paul.git(&["rev-parse", "HEAD"]);
    paul.pushes(&["+HEAD:refs/heads/draft"]).accepted();
    rita.git(&["fetch", "-q", "origin"]);
    done(&rita.relhook(&["approve", &tip, "--ref", POLICY, "--yes"]));
    paul.pushes(&[&format!("{tip}:{POLICY}")]).accepted();
}

#[test]
fn a_deputy_approves_while_the_reviewer_is_away() {
    let world = World::with(&delegating());
    let [dana, dora, rita] = ["dana", "dora", "rita"].map(|name| world.person(name));
    let said = done(&delegates(&rita, "dora", &[]));
    assert!(said.contains("Name dora your deputy"), "{said}");
    assert!(said.contains("taken in by"), "{said}");
    let tip = offered(&dana, "price.txt");
    // Whoever looks is told who could.
    let said = shown(&dana.relhook(&["check", "origin", "prod"]));
    assert!(said.contains("dora in rita's stead"), "{said}");
    assert!(said.contains("--in-stead-of rita"), "{said}");
    refused_saying(&dana.pushes(&["prod"]), "dora in rita's stead");
    let listed = done(&dana.relhook(&["delegate", "--list"]));
    assert!(listed.contains("  dora for rita on prod from "), "{listed}");
    let status = done(&dana.relhook(&["status"]));
    assert!(
        status.contains("\ndeputies\n  dora for rita on prod"),
        "{status}"
    );
    let status = shown(&world.relhook(&["status", "--json"]));
    let status: Value = serde_json::from_str(&status).unwrap();
    let deputy = &status["deputies"][0];
    assert_eq!(
        (&deputy["deputy"], &deputy["in_stead_of"]),
        (&"dora".into(), &"rita".into())
    );
    assert_eq!(deputy["counts"], true);
    // In their own name a deputy is nobody here.
    dora.git(&["fetch", "-q", "origin"]);
    done(&dora.relhook(&["approve", &tip, "--ref", "prod", "--yes"]));
    dana.pushes(&["prod"]).refused_with("RH409");
    let said = done(&approves(&dora, &tip, "rita"));
    assert!(said.contains("in the stead of rita"), "{said}");
    assert!(said.contains("a push of this would be accepted"), "{said}");
    let said = done(&dana.relhook(&["check", "origin", "prod"]));
    assert!(said.contains("dora in rita's stead"), "{said}");
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert!(
        flat(&push).contains("approved by dora in rita's stead"),
        "{}",
        push.said
    );
    // The record says so too, and holds up, on the server and in a clone.
    let log = world.log_text();
    assert!(log.contains("\"in_stead_of\":\"rita\""), "{log}");
    let report = world.relhook(&["report"]).text();
    let told = "dora approved in the stead of rita";
    assert!(report.contains(told), "{report}");
    world.relhook(&["audit", "verify"]).assert_ok();
    world.relhook(&["audit", "replay"]).assert_ok();
    dana.relhook(&["status"]).assert_ok();
    dana.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn nobody_approves_their_own_work_through_a_deputy() {
    let world = World::with(&delegating());
    let [dora, rita, remy] = ["dora", "rita", "remy"].map(|name| world.person(name));
    done(&delegates(&rita, "dora", &[]));
    // rita wrote it, and named the one who would approve it; dora wrote it, and stands in for rita.
    for author in [&rita, &dora] {
        let tip = offered(author, &format!("{}.txt", author.name));
        let said = done(&approves(&dora, &tip, "rita"));
        assert!(said.contains("does not count for it"), "{said}");
        let push = author.pushes(&["prod"]);
        push.refused_with("RH401");
        refused_saying(&push, "had a hand in it");
    }
    // Nor in a circle: remy stands in for rita, rita for remy, and each wrote one.
    done(&delegates(&rita, "remy", &[]));
    done(&delegates(&remy, "rita", &[]));
    let tip = offered(&rita, "circle.txt");
    done(&approves(&rita, &tip, "remy"));
    done(&approves(&remy, &tip, "rita"));
    rita.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn nobody_makes_a_quorum_alone() {
    let policy = delegating().replacing(
        "longest: 21d}\n    required: 1",
        "longest: 21d}\n    required: 2",
    );
    let world = World::with(&policy);
    let [dana, dora, rita, remy] = ["dana", "dora", "rita", "remy"].map(|name| world.person(name));
    done(&delegates(&rita, "dora", &[]));
    done(&delegates(&remy, "dora", &[]));
    let tip = offered(&dana, "price.txt");
    done(&approves(&dora, &tip, "rita"));
    done(&approves(&dora, &tip, "remy"));
    dana.pushes(&["prod"]).refused_with("RH401");
    // dora speaks for rita, and rita speaks: that is one.
    rita.git(&["fetch", "-q", "origin"]);
    rita.approves(&tip).accepted();
    dana.pushes(&["prod"]).accepted();
    let last = world.log().pop().unwrap();
    assert_eq!(
        last["updates"][0]["approved_by"],
        serde_json::json!(["dora", "rita"])
    );
}

#[test]
fn a_delegation_has_its_time_and_can_be_taken_back() {
    let world = World::with(&delegating());
    let [dana, dora, rita] = ["dana", "dora", "rita"].map(|name| world.person(name));
    let tip = offered(&dana, "price.txt");
    // Before there is a delegation, and before it begins.
    done(&approves(&dora, &tip, "rita"));
    dana.pushes(&["prod"]).refused_with("RH526");
    let said = done(&delegates(&rita, "dora", &["--from", "2d"]));
    done(&approves(&dora, &tip, "rita"));
    refused_saying(&dana.pushes(&["prod"]), "that begins");
    done(&rita.relhook(&["withdraw", &id(&said), "--reason", "sooner", "--yes"]));
    let listed = done(&rita.relhook(&["delegate", "--list"]));
    assert_eq!(listed, "nobody stands in for anybody\n");
    // What was said before counts only when it is said again.
    let said = done(&delegates(&rita, "dora", &[]));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    done(&approves(&dora, &tip, "rita"));
    done(&rita.relhook(&["withdraw", &id(&said), "--reason", "back", "--yes"]));
    refused_saying(&dana.pushes(&["prod"]), "that was taken back");
    // What goes out while it holds stays out there when it is taken back.
    let said = done(&delegates(&rita, "dora", &[]));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    done(&approves(&dora, &tip, "rita"));
    dana.pushes(&["prod"]).accepted();
    done(&rita.relhook(&["withdraw", &id(&said), "--reason", "back", "--yes"]));
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn a_delegation_is_only_what_the_policy_lets_it_be() {
    let world = World::with(&delegating());
    let [dana, dora, rita] = ["dana", "dora", "rita"].map(|name| world.person(name));
    for (by, to, more, why) in [
        (&dana, "dora", &[][..], "RH522"),
        (&rita, "paul", &[], "RH522"),
        (&rita, "rita", &[], "RH525"),
        (&rita, "nobody", &[], "RH525"),
    ] {
        fails(&delegates(by, to, more), 1, why);
    }
    let mut times = LEAVE;
    for (from, until, why) in [
        ("2020-01-01", "2020-01-02", "it is over already"),
        (
            "2099-01-02",
            "2099-01-01T00:00:00Z",
            "it ends before it begins",
        ),
        ("2099-01-01", "22d", "it is longer than 21d"),
    ] {
        times[3] = until;
        let ran = rita.relhook(&[&["delegate"], &times[..], &["dora", "--from", from]].concat());
        fails(&ran, 1, why);
    }
    // Nobody hands on what they hold for somebody else.
    done(&delegates(&rita, "dora", &[]));
    fails(&delegates(&dora, "dana", &[]), 1, "RH522");
    let elsewhere = ["--for", "release/1"];
    let mut other = LEAVE;
    other[..2].copy_from_slice(&elsewhere);
    let ran = rita.relhook(&[&["delegate"], &other[..], &["dora"]].concat());
    fails(&ran, 1, "no rule for this ref has a `delegation`");
    // The server does not rely on what a client says before.
    let policy = world.server_ref(POLICY).unwrap();
    dana.git(&["fetch", "-q", "origin", POLICY]);
    let mut words = crate::common::Words::approve(&dana, &policy);
    words
        .set("Relhook-Decision", "delegate")
        .drop("Relhook-Base")
        .set("Relhook-To", "dora")
        .set("Relhook-From", "2026-01-01T00:00:00Z")
        .set("Relhook-Expires", "2099-01-01T00:00:00Z")
        .set("Relhook-Reason", "leave");
    dana.pushes(&[&dana.states(&words)]).refused_with("RH522");
    // Nor on a policy that is not in force any more. To somebody else: what is said twice in one
    // second is one statement, and the server has the first.
    let kept = done(&delegates(&rita, "dana", &["--no-push"]));
    let push = kept.lines().find(|line| line.contains("git push")).unwrap();
    let refname = push.rsplit(' ').next().unwrap().to_owned();
    changes(&world, |old| format!("{old}# looked through\n"));
    rita.pushes(&[&refname]).refused_with("RH521");
}

#[test]
fn who_has_left_has_nobody_standing_in_for_them() {
    let world = World::with(&delegating());
    let [dana, dora, remy] = ["dana", "dora", "remy"].map(|name| world.person(name));
    done(&delegates(&remy, "dora", &[]));
    let gone_out = offered(&dana, "before.txt");
    done(&approves(&dora, &gone_out, "remy"));
    dana.pushes(&["prod"]).accepted();
    let tip = offered(&dana, "after.txt");
    done(&approves(&dora, &tip, "remy"));
    changes(&world, |old| {
        old.replace("reviewers: [rita, remy, vera]", "reviewers: [rita, vera]")
    });
    dana.pushes(&["prod"]).refused_with("RH401");
    dana.pushes(&["prod"]).refused_with("RH526");
    let listed = done(&dana.relhook(&["delegate", "--list"]));
    assert!(
        listed.contains("does not count: the policy does not let it"),
        "{listed}"
    );
    assert_eq!(world.server_ref(PROD), Some(gone_out));
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn a_delegation_for_some_paths_is_for_those_only() {
    let world = World::with(&delegating());
    let [dana, dora, rita] = ["dana", "dora", "rita"].map(|name| world.person(name));
    let said = done(&delegates(&rita, "dora", &["--paths", "docs/**", "*.md"]));
    assert!(said.contains("for `docs/**`, `*.md` only"), "{said}");
    let tip = offered(&dana, "src/main.c");
    done(&approves(&dora, &tip, "rita"));
    refused_saying(&dana.pushes(&["prod"]), "for other paths only");
    let tip = offered(&dana, "docs/index.md");
    done(&approves(&dora, &tip, "rita"));
    dana.pushes(&["prod"]).accepted();
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn a_deputy_objects_and_the_reviewer_overrules_it() {
    let world = World::with(&delegating());
    let [dana, dora, rita, remy] = ["dana", "dora", "rita", "remy"].map(|name| world.person(name));
    let said = done(&delegates(&rita, "dora", &[]));
    let tip = offered(&dana, "price.txt");
    dora.git(&["fetch", "-q", "origin"]);
    let reject = [
        "reject",
        &tip,
        "--ref",
        "prod",
        "--reason",
        "wrong price",
        "--yes",
    ];
    let no = done(&dora.relhook(&[&reject[..], &["--in-stead-of", "rita"]].concat()));
    assert!(no.contains("It stops every push"), "{no}");
    remy.approves(&tip).accepted();
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH404");
    refused_saying(&push, "dora, in rita's stead, objects");
    // The delegation ends; the objection does not.
    done(&rita.relhook(&["withdraw", &id(&said), "--reason", "back", "--yes"]));
    dana.pushes(&["prod"]).refused_with("RH404");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    rita.approves(&tip).accepted();
    dana.pushes(&["prod"]).accepted();
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn a_delegation_an_approval_and_the_push_at_once() {
    let world = World::with(&delegating());
    let [dana, dora, rita] = ["dana", "dora", "rita"].map(|name| world.person(name));
    let tip = offered(&dana, "price.txt");
    let kept = done(&delegates(&rita, "dora", &["--no-push"]));
    let named = kept.lines().find(|line| line.contains("git push")).unwrap();
    let named = named.rsplit(' ').next().unwrap();
    dora.git(&["fetch", "-q", "origin"]);
    let from = rita.clone_dir();
    dora.git(&[
        "fetch",
        "-q",
        from.to_str().unwrap(),
        &format!("{named}:{named}"),
    ]);
    let approve = [
        "approve",
        &tip,
        "--ref",
        "prod",
        "--yes",
        "--no-push",
        "--in-stead-of",
        "rita",
    ];
    let kept = done(&dora.relhook(&approve));
    let said = kept.lines().find(|line| line.contains("git push")).unwrap();
    let said = said.rsplit(' ').next().unwrap();
    dora.pushes(&[&format!("{tip}:{PROD}"), named, said])
        .accepted();
    world.relhook(&["audit", "replay"]).assert_ok();
}
