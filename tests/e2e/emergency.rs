//! Breaking the glass from a clone, as docs/emergency.md has it, and who hears of it.

use crate::common::{
    PROD, Person, PolicyText, Ran, Words, World, done, page_blocks, shown, write_program,
};
use base64ct::{Base64, Encoding};
use relhook::audit::{AuditLog, Event, HeartbeatRecord};
use relhook::types::{Seconds, Timestamp};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const DAY: u64 = 24 * 3600;

/// What declares an emergency of the last commit.
const DECLARE: [&str; 8] = [
    "emergency",
    "--ref",
    "prod",
    "--reason",
    "nobody can pay any more",
    "--ticket",
    "INC-7",
    "--yes",
];

fn policy(more: &str) -> PolicyText {
    PolicyText::usual().prod(&format!(
        "emergency:\n      by: [developers]\n      ticket: \"INC-#\"{more}"
    ))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap())
}

/// Time passes: an entry of the log is so much later, and no decision is made before its time.
fn passes(world: &World, seconds: u64) {
    let log = AuditLog::at(&world.server().join("relhook"));
    let at = log.last().unwrap().time.max(now()).plus(Seconds(seconds));
    let event = Event::Heartbeat(HeartbeatRecord::default());
    log.append(at, event).unwrap();
}

#[track_caller]
fn eventually(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(40), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Somebody types a command of the page, with the commit that is meant.
fn types(person: &Person<'_>, line: &str, commit: &str) -> Ran {
    let line = line.replace("8d01e77ab12c", &commit[..12]);
    crate::common::types(person, &line)
}

/// The commands of the page: to check, declare, push, look, approve, reject and revert. There are no others.
fn on_the_page() -> [String; 7] {
    let lines = page_blocks("emergency.md");
    let tried: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(
        tried.len(),
        7,
        "a command of the page is not tried: {tried:?}"
    );
    [
        "relhook check",
        "relhook emergency",
        "git push",
        "relhook status",
        "relhook approve",
        "relhook reject",
        "git revert",
    ]
    .map(|begin| {
        let mut found = tried.iter().filter(|line| line.starts_with(begin));
        let line = found
            .next()
            .unwrap_or_else(|| panic!("{begin} is not on the page"));
        (*line).to_owned()
    })
}

#[test]
fn the_page_for_a_team_whose_senior_is_away_can_be_followed() {
    let [check, declare, push, status, approve, reject, revert] = on_the_page();
    let world = World::with(&policy(""));
    let (dana, rita, remy) = (
        world.person("dana"),
        world.person("rita"),
        world.person("remy"),
    );
    let fix = dana.commits("fix");
    let ran = types(&dana, &check, &fix);
    assert_eq!(ran.code, 1, "{}", shown(&ran));
    assert!(shown(&ran).contains("rita"), "{}", shown(&ran));
    let said = done(&types(&dana, &declare, &fix));
    assert!(said.contains("WITHOUT APPROVAL"), "{said}");
    assert!(said.contains("then the push itself:"), "{said}");
    let said = done(&types(&dana, &push, &fix));
    assert!(said.contains("EMERGENCY"), "{said}");
    assert!(said.contains("INC-42"), "{said}");
    assert_eq!(world.server_ref(PROD), Some(fix.clone()));
    for line in said.lines() {
        assert!(line.trim_end().chars().count() <= 80, "{line}");
    }

    // Everybody sees what is owed, on the server and, a moment later, in each clone.
    let owed = |said: &str| said.contains("REVIEWS OWED") && said.contains(&fix[..7]);
    let on_server = world.relhook(&["status"]);
    assert!(owed(&shown(&on_server)), "{}", shown(&on_server));
    assert!(shown(&on_server).contains("remy or rita or vera can look at it"));
    eventually("rita sees it", || {
        owed(&shown(&types(&rita, &status, &fix)))
    });

    // A no keeps it open, and says so.
    rita.git(&["fetch", "-q", "origin"]);
    let said = done(&types(&remy, &reject, &fix));
    assert!(said.contains("is still owed"), "{said}");
    let said = done(&types(&rita, &status, &fix));
    assert!(said.contains("this breaks the invoices"), "{said}");

    // So it is taken back, which is approved as always.
    done(&types(&dana, &revert, &fix));
    let revert = dana.git(&["rev-parse", "HEAD"]);
    dana.offers("revert");
    rita.approves(&revert).accepted();
    let said = done(&types(&dana, &push, &fix));
    assert!(said.contains("settled:"), "{said}");
    let json = world.relhook(&["status", "--json"]).text();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["debts"], serde_json::json!([]));

    // The next one is good, and whoever comes back says so.
    let next = dana.commits("next");
    done(&types(&dana, &declare, &next));
    let said = done(&types(&dana, &push, &next));
    assert!(said.contains("EMERGENCY"), "{said}");
    eventually("rita can settle it", || {
        let said = shown(&types(&rita, &status, &next));
        said.contains("REVIEWS OWED") && said.contains(&next[..7])
    });
    let said = done(&types(&rita, &approve, &next));
    assert!(said.contains("this settles what is owed for it"), "{said}");
    assert!(said.contains("1 commit:"), "{said}");
    assert!(said.contains("settled:"), "{said}");
    let said = shown(&world.relhook(&["status"]));
    assert!(!said.contains("REVIEWS OWED"), "{said}");
    holds_up(&world, [&fix, &next]);
}

/// All of it is judged again, and holds up; nobody claims a review that was none, and the report says what it was.
fn holds_up(world: &World, [fix, next]: [&str; 2]) {
    world.relhook(&["audit", "verify"]).assert_ok();
    let replay = world.relhook(&["audit", "replay"]);
    assert_eq!(replay.code, 0, "{}\n{}", shown(&replay), replay.err);
    let attested = world.relhook(&["audit", "attest"]).text();
    let statements = attested.lines().map(|line| {
        let envelope: serde_json::Value = serde_json::from_str(line).unwrap();
        let payload = Base64::decode_vec(envelope["payload"].as_str().unwrap());
        String::from_utf8(payload.unwrap()).unwrap()
    });
    let statements: Vec<String> = statements.collect();
    for commit in [fix, next] {
        let subject = format!("\"gitCommit\":\"{commit}\"");
        let of = statements.iter().filter(|text| text.contains(&subject));
        let claims = |level: &str| of.clone().any(|text| text.contains(level));
        assert!(claims("SLSA_SOURCE_LEVEL_2"), "{statements:?}");
        assert!(!claims("SLSA_SOURCE_LEVEL_3") && !claims("SLSA_SOURCE_LEVEL_4"));
    }
    let report = world.relhook(&["report", "--format", "jsonl"]).text();
    let change = report
        .lines()
        .find(|line| line.contains(&format!("\"new\":\"{next}\"")));
    let change: serde_json::Value = serde_json::from_str(change.unwrap()).unwrap();
    assert_eq!(change["emergency"]["people"], serde_json::json!(["dana"]));
    assert_eq!(change["emergency"]["settled"]["how"], "review");
    assert_eq!(
        change["emergency"]["settled"]["people"],
        serde_json::json!(["rita"])
    );
}

#[test]
fn a_clone_says_what_the_server_will_say() {
    let world = World::with(&policy(
        "\n      limit:\n        count: 1\n        within: 30d\n      cosign: [reviewers]",
    ));
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("fix");
    dana.offers("fix");
    let emergency = [
        "emergency",
        &fix,
        "--ref",
        "prod",
        "--reason",
        "nobody can pay any more",
        "--ticket",
        "INC-1",
        "--yes",
    ];
    let said = done(&dana.relhook(&emergency));
    assert!(said.contains("RH508"), "{said}");
    let check = dana.relhook(&["check", "origin", "prod"]);
    assert_eq!(check.code, 1);
    assert!(shown(&check).contains("RH508"), "{}", shown(&check));
    dana.pushes(&["prod"]).refused_with("RH508");
    // Somebody who may do neither is told, and not taken in.
    rita.git(&["fetch", "-q", "origin"]);
    let said = done(&rita.relhook(&emergency));
    assert!(
        said.contains("You sign what somebody else has declared"),
        "{said}"
    );
    let check = dana.relhook(&["check", "origin", "prod"]);
    assert_eq!(check.code, 0, "{}", shown(&check));
    assert!(
        shown(&check).contains("AS AN EMERGENCY"),
        "{}",
        shown(&check)
    );
    dana.pushes(&["prod"]).accepted();
    // What is approved needs none; where no more are allowed, both say so.
    let more = dana.commits("more");
    dana.offers("fix");
    let again = [&emergency[..1], &[more.as_str()], &emergency[2..]].concat();
    let knows = || shown(&dana.relhook(&["status"])).contains("REVIEWS OWED");
    eventually("the clone knows", knows);
    let said = done(&dana.relhook(&again));
    assert!(said.contains("RH509"), "{said}");
    done(&rita.relhook(&again));
    let check = dana.relhook(&["check", "origin", "prod"]);
    assert!(shown(&check).contains("RH509"), "{}", shown(&check));
    dana.pushes(&["prod"]).refused_with("RH509");
}

#[test]
fn e_02_e_07_everybody_is_told_whatever_they_asked_for_and_without_any_push() {
    let world = World::without_relhook();
    let program = |name: &str| {
        let path = world.path(name);
        write_program(&path, "#!/bin/sh\ncat >> \"$0.in\"\n");
        path
    };
    let (all, some) = (program("all"), program("some"));
    let mut text = policy("\n      review-within: 4d");
    text.yaml += &format!(
        "notify:\n  all:\n    kind: command\n    run: [{}]\n  some:\n    kind: command\n    run: [{}]\n    \
         events: [release-failed]\n",
        all.display(),
        some.display()
    );
    world.write_policy(&text);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    let told = |path: &Path| {
        let path = format!("{}.in", path.display());
        std::fs::read_to_string(path).unwrap_or_default()
    };
    let dana = world.person("dana");
    let fix = dana.commits("fix");
    dana.offers("fix");
    done(&dana.relhook(&DECLARE));
    dana.pushes(&["prod"]).accepted();
    for path in [&all, &some] {
        eventually("they are told of it", || {
            let told = told(path);
            told.contains("\"event\":\"emergency\"")
                && told.contains("nobody can pay any more")
                && told.contains("INC-7")
                && told.contains(&fix)
        });
    }
    let heartbeat = || world.relhook(&["audit", "heartbeat"]).assert_ok().clone();
    heartbeat();
    assert!(!told(&all).contains("review-due"));
    passes(&world, 3 * DAY + 60);
    heartbeat();
    assert!(
        told(&all).contains("\"event\":\"review-due\""),
        "{}",
        told(&all)
    );
    assert!(!told(&some).contains("review-due"));
    passes(&world, DAY);
    heartbeat();
    heartbeat();
    for path in [&all, &some] {
        let told = told(path);
        assert_eq!(
            told.matches("\"event\":\"review-overdue\"").count(),
            1,
            "{told}"
        );
    }
    let log = world.relhook(&["audit", "log", "-n", "0"]).text();
    assert!(log.contains("overdue since"), "{log}");
    let status = shown(&world.relhook(&["status"]));
    assert!(status.contains("OVERDUE since"), "{status}");
}

#[test]
fn while_a_review_is_overdue_the_way_back_is_open_and_doctor_says_what_is_owed() {
    let world = World::with(&policy(
        "\n      review-within: 4d\n    rollback: {by: [developers]}",
    ));
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let good = dana.commits("good");
    dana.offers("fix");
    rita.approves(&good).accepted();
    dana.pushes(&["prod"]).accepted();
    let fix = dana.commits("fix");
    done(&dana.relhook(&DECLARE));
    dana.pushes(&["prod"]).accepted();
    let debts = || {
        let json = world.relhook(&["doctor", "--json"]);
        let json: serde_json::Value = serde_json::from_slice(&json.out).unwrap();
        let findings = json["findings"].as_array().unwrap();
        let of = findings.iter().filter(|one| one["check"] == "debts");
        of.cloned().collect::<Vec<_>>()
    };
    let [owed] = &debts()[..] else {
        panic!("{:?}", debts());
    };
    assert_eq!(owed["state"], "ok", "{owed}");
    passes(&world, 4 * DAY + 60);
    let [overdue] = &debts()[..] else {
        panic!("{:?}", debts());
    };
    assert_eq!(overdue["state"], "warning", "{overdue}");
    assert!(
        overdue["what"].as_str().unwrap().contains(&fix[..7]),
        "{overdue}"
    );
    let advice = overdue["advice"].to_string();
    assert!(
        advice.contains(&format!("relhook approve {}", &fix[..12])),
        "{advice}"
    );
    // Nothing new goes in, approved or not.
    let next = dana.commits("next");
    dana.offers("next");
    rita.approves(&next).accepted();
    dana.pushes(&["prod"]).refused_with("RH512");
    // What nobody has looked at may go away. That is no review of it.
    let mut words = Words::approve(&dana, &good);
    words
        .set("Relhook-Decision", "rollback")
        .set("Relhook-Expires", "2099-01-01T00:00:00Z")
        .set("Relhook-Reason", "it breaks the invoices");
    dana.pushes(&[&dana.states(&words)]).accepted();
    dana.pushes(&[&format!("+{good}:{PROD}")]).accepted();
    assert_eq!(world.server_ref(PROD), Some(good));
    assert_eq!(debts()[0]["state"], "warning", "{:?}", debts());
    dana.pushes(&["prod"]).refused_with("RH512");
    let log = world.relhook(&["audit", "replay"]);
    assert_eq!(log.code, 0, "{}\n{}", shown(&log), log.err);
}
