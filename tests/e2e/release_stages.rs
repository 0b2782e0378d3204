//! Releases that go from stage to stage: through real pushes, hooks, workers and signed statements.

use crate::common::{PROD, Person, PolicyText, Push, Ran, Words, World};
use relhook::audit::{AuditLog, Event, ReleaseRecord, ReleaseState};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A server that releases `prod` to the folders `staging` and `www`, the latter held as `hold`
/// says, and a third folder `more` in the stage of `www`.
struct Line {
    world: World,
}

/// A push that went in.
struct Shipped {
    fix: String,
    said: String,
}

impl Line {
    fn with(hold: &str) -> Self {
        let world = World::without_relhook();
        let policy = PolicyText::usual().prod("release: [staging, www, more]");
        let place = |name: &str| world.path(name).display().to_string();
        let yaml = format!(
            "{}targets:\n  staging: {{kind: dir, path: {}, stage: try}}\n  www: {{kind: dir, path: {}, \
             stage: live}}\n  more: {{kind: dir, path: {}, stage: live}}\nstages:\n  - try\n  - \
             name: live\n    hold: {hold}\n",
            policy.yaml,
            place("staging"),
            place("www"),
            place("more"),
        );
        for name in ["staging", "www", "more"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        world.write_policy(&PolicyText { yaml, ..policy });
        world
            .init(&["--policy", "policy.yaml", "--keys", "keys"])
            .assert_ok();
        Self { world }
    }

    fn file(&self, target: &str, file: &str) -> PathBuf {
        self.world.path(target).join("current").join(file)
    }

    /// Dana makes a file, Rita approves it, Dana pushes it.
    fn ships(&self, file: &str) -> Shipped {
        let (dana, rita) = (self.world.person("dana"), self.world.person("rita"));
        let fix = dana.commits(file);
        dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
        rita.approves(&fix).accepted();
        let push = dana.pushes(&["prod"]);
        push.accepted();
        Shipped {
            fix,
            said: push.said,
        }
    }

    /// What holds `target`, by `relhook release status --json`.
    fn hold(&self, target: &str) -> serde_json::Value {
        let status = self.world.relhook(&["release", "status", "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&status.out).unwrap();
        let all = status["targets"].as_array().unwrap();
        let own = all.iter().find(|one| one["target"] == target).unwrap();
        own["hold"].clone()
    }

    fn is_held(&self, target: &str) -> String {
        let hold = self.hold(target);
        assert_eq!(hold["state"], "held", "{hold}");
        hold["text"].as_str().unwrap().to_owned()
    }
}

/// Lifts the hold; what was said.
#[track_caller]
fn lifts(person: &Person<'_>) -> String {
    let ran = person.relhook(&["release", "lift", "live", "--yes", "--reason", "tried it"]);
    let said = String::from_utf8_lossy(&ran.out).into_owned() + &ran.err;
    assert_eq!(ran.code, 0, "{said}");
    said
}

/// What was written to standard output.
fn out(ran: &Ran) -> String {
    String::from_utf8_lossy(&ran.out).into_owned()
}

/// What was said, without git's `remote: ` and line breaks.
fn flat(said: &str) -> String {
    let words = said.split_whitespace().filter(|word| *word != "remote:");
    words.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn arrives(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        let waited = start.elapsed();
        assert!(
            waited < Duration::from_secs(30),
            "{} never came",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_there(path: &Path) -> bool {
    path.exists()
}

#[test]
fn a_release_goes_on_when_a_person_of_the_team_has_signed() {
    let line = Line::with("{lift: [admins]}");
    let Shipped { fix, said } = line.ships("index.html");
    arrives(&line.file("staging", "index.html"));
    assert!(said.contains("staging: released"), "{}", said);
    assert!(flat(&said).contains("until one of admins lifts live"));
    assert!(!is_there(&line.file("www", "index.html")));
    line.is_held("www");
    // A held target has not failed, and waiting for it is not wrong.
    line.world.relhook(&["release"]).assert_ok();
    let watch = ["release", "status", "--watch", "--until-done"];
    let watched = line.world.relhook(&watch);
    assert_eq!(watched.code, 1, "{watched:?}");
    assert!(out(&watched).contains("www: "), "{watched:?}");

    let said = lifts(&line.world.person("paul"));
    assert!(said.contains("taken in by"), "{said}");
    arrives(&line.file("www", "index.html"));
    arrives(&line.file("more", "index.html"));
    line.world.relhook(&watch).assert_ok();
    line.world.relhook(&["audit", "verify"]).assert_ok();

    let log = line.world.relhook(&["release", "log", "--json"]);
    let log: serde_json::Value = serde_json::from_slice(&log.out).unwrap();
    assert_eq!(log["schema"], "relhook/release-log/v1");
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3, "{log}");
    for run in runs {
        assert_eq!(run["outcome"], "released");
        assert_eq!(run["commit"], fix.as_str());
        assert_eq!(run["pushed_by"], "dana");
        assert_eq!(run["approved_by"][0], "rita");
        let lifted = run["target"] != "staging";
        assert_eq!(run["lifted_by"][0] == "paul", lifted, "{run}");
    }
    // It is judged again, with the statement that let it go on.
    let replay = line.world.relhook(&["audit", "replay"]);
    replay.assert_ok();
    assert!(
        out(&replay).contains("2 releases that people let go on"),
        "{}",
        out(&replay)
    );
    let text = line
        .world
        .relhook(&["release", "log", "--target", "www"])
        .text();
    assert!(text.contains("let go on by paul"), "{text}");
    assert!(!text.contains("staging"), "{text}");
}

#[test]
fn l_13_a_release_that_nobody_let_go_on_is_listed() {
    let line = Line::with("{lift: [admins]}");
    let Shipped { fix, .. } = line.ships("index.html");
    arrives(&line.file("staging", "index.html"));
    let log = line.world.log();
    let accepted = log.iter().rev().find(|entry| entry["kind"] == "verdict");
    let sequence = accepted.unwrap()["seq"].as_u64().unwrap();
    let said = |lifted_by: &str| {
        let release = Event::Release(ReleaseRecord {
            target: "www".into(),
            refname: PROD.into(),
            commit: fix.parse().unwrap(),
            sequence,
            state: ReleaseState::Started,
            uploaded: 0,
            deleted: 0,
            bytes: 0,
            error: None,
            for_good: false,
            lifted_by: vec![lifted_by.into()],
        });
        let log = AuditLog::at(&line.world.server().join("relhook"));
        log.append(log.last().unwrap().time, release).unwrap();
        let ran = line.world.relhook(&["audit", "replay"]);
        (ran.code, flat(&out(&ran)))
    };
    // Paul had said nothing then.
    let (code, text) = said("paul");
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("RH715") && text.contains("no statement of theirs"),
        "{text}"
    );
    // Vera says so, and is in none of the teams.
    let vera = line.world.person("vera");
    signed_lift(&vera, &fix, |_| {}).accepted();
    let (_, text) = said("vera");
    assert!(
        text.contains("they were in none of the teams that may"),
        "{text}"
    );
}

/// What stood there before was let on once; a hold is for what is new.
#[test]
fn going_back_is_held_by_no_stage() {
    let line = Line::with("{lift: [admins]}");
    line.ships("index.html");
    arrives(&line.file("staging", "index.html"));
    lifts(&line.world.person("paul"));
    arrives(&line.file("www", "index.html"));
    line.ships("second.html");
    arrives(&line.file("staging", "second.html"));
    lifts(&line.world.person("paul"));
    arrives(&line.file("www", "second.html"));

    // A third one waits before the stage, and the way back past it is open.
    line.ships("third.html");
    arrives(&line.file("staging", "third.html"));
    line.is_held("www");
    let back = [
        "release", "--target", "www", "--to", "2", "--reason", "broken",
    ];
    let list = line
        .world
        .relhook(&["release", "list", "--target", "www", "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.out).unwrap();
    let releases = list["targets"][0]["releases"].as_array().unwrap();
    let first = releases.last().unwrap()["sequence"].to_string();
    let mut back = back.map(str::to_owned);
    back[4] = first;
    let back: Vec<&str> = back.iter().map(String::as_str).collect();
    line.world.relhook(&back).assert_ok();
    assert!(!is_there(&line.file("www", "second.html")));
    assert!(is_there(&line.file("www", "index.html")));
    // It is `www` alone that went back, and the way forward is held as before.
    assert!(is_there(&line.file("staging", "third.html")));
    let latest = [
        "release", "--target", "www", "--to", "latest", "--reason", "mended",
    ];
    line.world.relhook(&latest).assert_ok();
    line.is_held("www");
    assert!(!is_there(&line.file("www", "third.html")));
}

#[test]
fn who_contributed_does_not_let_it_go_on() {
    let line = Line::with("{lift: [developers]}");
    line.ships("index.html");
    arrives(&line.file("staging", "index.html"));
    lifts(&line.world.person("dana"));
    assert!(line.is_held("www").contains("dana had a part"));
    assert!(!is_there(&line.file("www", "index.html")));
    lifts(&line.world.person("dora"));
    arrives(&line.file("www", "index.html"));
}

#[test]
fn a_third_person_is_neither_contributor_nor_approver() {
    let line = Line::with("{lift: [admins], lifter: third-person}");
    line.ships("index.html");
    arrives(&line.file("staging", "index.html"));
    lifts(&line.world.person("rita"));
    assert!(line.is_held("www").contains("rita had a part"));
    lifts(&line.world.person("paul"));
    arrives(&line.file("www", "index.html"));
}

#[test]
fn anyone_of_the_team_where_the_policy_says_so() {
    let line = Line::with("{lift: [developers], lifter: anyone}");
    line.ships("index.html");
    arrives(&line.file("staging", "index.html"));
    lifts(&line.world.person("dana"));
    arrives(&line.file("www", "index.html"));
}

#[test]
fn a_statement_can_be_taken_back_and_time_has_to_pass_too() {
    let line = Line::with("{lift: [admins], after: 30m}");
    line.ships("index.html");
    arrives(&line.file("staging", "index.html"));
    let paul = line.world.person("paul");
    let said = lifts(&paul);
    let hold = line.hold("www");
    assert_eq!(hold["state"], "until", "{hold}");
    let id = said.split("relhook withdraw ").nth(1).unwrap();
    let id = id.split_whitespace().next().unwrap();
    paul.relhook(&["withdraw", id, "--reason", "not yet", "--yes"])
        .assert_ok();
    line.is_held("www");
    assert!(!is_there(&line.file("www", "index.html")));
}

#[test]
fn the_first_failure_stops_what_follows_until_somebody_mends_it() {
    let line = Line::with("{lift: [admins]}");
    fs::remove_dir(line.world.path("staging")).unwrap();
    fs::write(line.world.path("staging"), "in the way").unwrap();
    let said = line.ships("index.html").said;
    assert!(said.contains("staging: "), "{}", said);
    let hold = line.hold("www");
    assert_eq!(hold["state"], "stopped", "{hold}");
    // What is said before there is anything to lift does not count later.
    lifts(&line.world.person("paul"));
    std::thread::sleep(Duration::from_millis(1100));
    let status = line.world.relhook(&["release", "status"]).text();
    assert!(status.contains("never by itself"), "{status}");

    fs::remove_file(line.world.path("staging")).unwrap();
    fs::create_dir(line.world.path("staging")).unwrap();
    // A timer does not try again what failed for good; a person does.
    assert_eq!(line.world.relhook(&["release", "--due"]).code, 1);
    assert!(!is_there(&line.file("staging", "index.html")));
    line.world.relhook(&["release"]).assert_ok();
    assert!(is_there(&line.file("staging", "index.html")));
    assert!(!is_there(&line.file("www", "index.html")));
    assert!(
        line.is_held("www")
            .contains("before the stages before had it")
    );
    lifts(&line.world.person("paul"));
    arrives(&line.file("www", "index.html"));
}

#[test]
fn a_new_release_is_held_anew_and_an_old_statement_is_not_for_it() {
    let line = Line::with("{lift: [admins]}");
    line.ships("one.html");
    arrives(&line.file("staging", "one.html"));
    lifts(&line.world.person("paul"));
    arrives(&line.file("www", "one.html"));
    line.ships("two.html");
    arrives(&line.file("staging", "two.html"));
    line.is_held("www");
    assert!(!is_there(&line.file("www", "two.html")));
}

/// By hand, stage after stage, and only as far as it may go.
#[test]
fn by_hand_nobody_gets_past_a_hold() {
    let line = Line::with("{after: 30m}");
    line.ships("index.html");
    arrives(&line.file("staging", "index.html"));
    let ran = line.world.relhook(&["release", "--target", "www"]);
    ran.assert_ok();
    assert!(out(&ran).contains("held until"), "{ran:?}");
    assert!(!is_there(&line.file("www", "index.html")));
}

#[test]
fn by_the_way_back_nobody_gets_past_a_hold_either() {
    let line = Line::with("{after: 30m}");
    let held = line.ships("index.html").fix;
    line.ships("second.html");
    arrives(&line.file("staging", "second.html"));
    for to in [held.as_str(), "previous"] {
        let target = ["release", "--target", "www", "--reason", "x", "--to", to];
        let ran = line.world.relhook(&target);
        assert_ne!(ran.code, 0);
        assert!(!is_there(&line.file("www", "index.html")), "{ran:?}");
    }
    let target = ["release", "--target", "www", "--reason", "x", "--to", &held];
    let said = flat(&out(&line.world.relhook(&target)));
    assert!(said.contains("never released there"), "{said}");
}

#[test]
fn a_stage_that_was_sent_back_lets_nothing_go_on() {
    let line = Line::with("{lift: [admins]}");
    line.ships("index.html");
    arrives(&line.file("staging", "index.html"));
    line.ships("second.html");
    arrives(&line.file("staging", "second.html"));
    let back = [
        "release", "--target", "staging", "--reason", "x", "--to", "previous",
    ];
    line.world.relhook(&back).assert_ok();
    assert!(!is_there(&line.file("staging", "second.html")));
    assert_eq!(line.hold("www")["state"], "waiting");
    line.world.relhook(&["release"]);
    assert!(!is_there(&line.file("www", "second.html")));
}

/// A lift as git alone signs it, with some trailers changed.
fn signed_lift(person: &Person<'_>, commit: &str, change: impl FnOnce(&mut Words)) -> Push {
    person.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(person, commit);
    words.drop("Relhook-Base");
    words.set("Relhook-Decision", "lift");
    words.set("Relhook-Stage", "live");
    change(&mut words);
    person.pushes(&[&person.states(&words)])
}

#[test]
fn a_lift_that_is_not_exactly_one_is_refused_or_does_not_count() {
    let line = Line::with("{lift: [admins]}");
    let fix = line.ships("index.html").fix;
    arrives(&line.file("staging", "index.html"));
    let paul = line.world.person("paul");
    signed_lift(&paul, &fix, |words| {
        words.drop("Relhook-Stage");
    })
    .refused_with("Relhook-Stage");
    signed_lift(&paul, &fix, |words| {
        words.set("Relhook-Stage", "../live");
    })
    .refused_with("Relhook-Stage");
    signed_lift(&paul, &fix, |words| {
        words.set("Relhook-Base", &fix);
    })
    .refused_with("Relhook-Base");
    signed_lift(&paul, &fix, |words| {
        words.set("Relhook-Repository", "acme/other");
    })
    .refused();
    // An approval is no lift, and a lift for another ref or stage is none for this one.
    signed_lift(&paul, &fix, |words| {
        words.set("Relhook-Ref", "refs/heads/release/1");
    })
    .accepted();
    signed_lift(&paul, &fix, |words| {
        words.set("Relhook-Stage", "try");
    })
    .accepted();
    // Remy is known, but in none of the teams.
    signed_lift(&line.world.person("remy"), &fix, |_| {}).accepted();
    line.world.relhook(&["release"]).assert_ok();
    assert!(
        line.is_held("www")
            .contains("remy is in none of these teams")
    );
    assert!(!is_there(&line.file("www", "index.html")));
    let at = line.world.server_git(&["rev-parse", PROD]).text();
    assert_eq!(at.trim(), fix);
    // One made with git alone lets it go on.
    signed_lift(&paul, &fix, |_| {}).accepted();
    arrives(&line.file("www", "index.html"));
}

/// A lift lets a release go on and nothing else: it is no approval of a commit.
#[test]
fn a_lift_approves_nothing() {
    let line = Line::with("{lift: [admins, reviewers]}");
    let dana = line.world.person("dana");
    let fix = dana.commits("index.html");
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    signed_lift(&line.world.person("rita"), &fix, |_| {}).accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
}
