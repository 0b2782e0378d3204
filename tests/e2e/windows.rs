//! Release windows and freezes, through real pushes at real moments.

use crate::common::{PROD, Person, PolicyText, Words, World, documented, shown};
use relhook::types::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The time of day so many seconds from now, in UTC.
fn time(seconds: i64) -> String {
    Timestamp::from_unix(now() + seconds).to_string()[11..16].to_owned()
}

/// The date and time so many seconds from now, in UTC.
fn date(seconds: i64) -> String {
    let at = Timestamp::from_unix(now() + seconds).to_string();
    at.trim_end_matches('Z').to_owned()
}

/// The usual policy, `prod` with these windows and freezes.
fn world(rule: &str, sections: &str) -> World {
    World::with(&policy(rule, sections))
}

fn policy(rule: &str, sections: &str) -> PolicyText {
    let mut policy = PolicyText::usual().prod(rule);
    policy.yaml.push_str(sections);
    policy
}

/// A window of every day.
fn window(name: &str, from: i64, to: i64, more: &str) -> String {
    let (from, to) = (time(from), time(to));
    format!("  {name}: {{zone: UTC, from: \"{from}\", to: \"{to}\"{more}}}\n")
}

fn freeze(name: &str, from: i64, until: i64, more: &str) -> String {
    let (from, until) = (date(from), date(until));
    format!("  {name}: {{zone: UTC, from: \"{from}\", until: \"{until}\"{more}}}\n")
}

/// A commit of Dana's that Rita has approved.
fn approved(world: &World) -> (Person<'_>, String) {
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    (dana, fix)
}

#[track_caller]
fn check(person: &Person<'_>, code: i32) -> String {
    let ran = person.relhook(&["check", "origin", "prod"]);
    assert_eq!(ran.code, code, "{}\n{}", ran.err, shown(&ran));
    shown(&ran).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_push_outside_every_window_is_refused_and_is_told_when_one_opens() {
    let opens = time(2 * HOUR);
    let windows = window("early", 2 * HOUR, 3 * HOUR, "") + &window("late", 5 * HOUR, 6 * HOUR, "");
    let world = world("windows: [early, late]", &format!("windows:\n{windows}"));
    let (dana, _) = approved(&world);
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH541");
    refused.refused_with(&format!("{opens} UTC"));
    let said = check(&dana, 1);
    assert!(said.contains("RH541") && said.contains(&opens), "{said}");
    let status = dana.relhook(&["status"]).text();
    assert!(
        status.contains("shut (outside early and late) until"),
        "{status}"
    );
    let page = dana.relhook(&["explain", "RH541"]).text();
    assert!(page.contains("--override"), "{page}");
}

#[test]
fn a_push_in_a_window_goes_in_and_what_comes_next_is_foreseen() {
    let windows = window("now", -2 * HOUR, 2 * HOUR, "");
    let freezes = freeze("soon", HOUR, 30 * DAY, "");
    let sections = format!("windows:\n{windows}freezes:\n{freezes}");
    let world = world("windows: [now]\n    freezes: [soon]", &sections);
    let (dana, fix) = approved(&world);
    let said = check(&dana, 0);
    assert!(said.contains("open until"), "{said}");
    let json = dana.relhook(&["check", "--json", "origin", "prod"]).text();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    documented(&json);
    assert_eq!(json["updates"][0]["hours"]["open"], true);
    dana.pushes(&["prod"]).accepted();
    assert_eq!(world.server_ref(PROD), Some(fix));
    // The entry says by which rules of time zones it was.
    let log = world.log();
    let update = &log.last().unwrap()["report"]["updates"][0];
    assert_eq!(update["zone_rules"], relhook::policy::zone_rules());
    let json = world.relhook(&["status", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.out).unwrap();
    let refs = json["refs"].as_array().unwrap();
    let prod = refs.iter().find(|one| one["ref"] == PROD).unwrap();
    assert_eq!(prod["hours"]["open"], true, "{prod}");
    assert!(refs.iter().any(|one| one["hours"].is_null()));
}

#[test]
fn a_freeze_stops_everything_but_what_somebody_overrides_who_may() {
    let freezes = freeze("audit", -DAY, DAY, ", override: [admins]");
    let world = world("freezes: [audit]", &format!("freezes:\n{freezes}"));
    let (dana, fix) = approved(&world);
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH542");
    refused.refused_with("the freeze `audit` holds until");
    refused.refused_with("--override audit --reason <why>");
    check(&dana, 1);

    // Who may not, says so in vain.
    let remy = world.person("remy");
    remy.git(&["fetch", "-q", "origin"]);
    let approve = ["approve", &fix, "--ref", "prod", "--yes"];
    let with = |more: &[&'static str]| [&approve[..], more].concat();
    let ran = remy.relhook(&with(&["--override", "audit"]));
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("--reason"), "{}", ran.err);
    let ran = remy.relhook(&with(&["--override", "adit", "--reason", "x"]));
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("`audit`"), "{}", ran.err);
    let said = remy.relhook(&with(&["--override", "audit", "--reason", "please"]));
    said.assert_ok();
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH542");
    refused.refused_with("RH543");

    // Paul may. It is not his to approve, but Rita did.
    let paul = world.person("paul");
    paul.git(&["fetch", "-q", "origin"]);
    let said = paul.relhook(&with(&[
        "--override",
        "audit",
        "--reason",
        "the shop is down",
    ]));
    said.assert_ok();
    assert!(shown(&said).contains("overrides"), "{}", shown(&said));
    let said = check(&dana, 0);
    assert!(said.contains("`audit` overridden by"), "{said}");
    let pushed = dana.pushes(&["prod"]);
    pushed.accepted();
    assert!(
        pushed.said.contains("`audit` overridden by"),
        "{}",
        pushed.said
    );
    assert!(pushed.said.contains("the shop is down"), "{}", pushed.said);
    let log = world.log();
    let overridden = &log.last().unwrap()["report"]["updates"][0]["overridden"][0];
    assert_eq!(overridden["person"], "paul");
    assert_eq!(overridden["reason"], "the shop is down");
    let report = world.relhook(&["report"]).text();
    let told = "paul overrode <b>audit</b>: the shop is down";
    assert!(report.contains(told), "{report}");

    // It was for that commit.
    let next = dana.commits("more.html");
    dana.offers("next");
    world.person("rita").approves(&next).accepted();
    dana.pushes(&["prod"]).refused_with("RH542");
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn an_override_is_signed_with_git_alone() {
    let windows = window("later", 2 * HOUR, 3 * HOUR, ", override: [reviewers]");
    let world = world("windows: [later]", &format!("windows:\n{windows}"));
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    remy.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&remy, &fix);
    words.set("Relhook-Overrides", "later");
    // Without a reason it is no statement.
    remy.pushes(&[&remy.states(&words)]).refused_with("RH324");
    words.set("Relhook-Reason", "the site is down");
    remy.pushes(&[&remy.states(&words)]).accepted();
    // The same word approves and overrides.
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn nobody_overrides_for_their_own_work() {
    let freezes = freeze("audit", -DAY, DAY, ", override: [reviewers]");
    let world = world("freezes: [audit]", &format!("freezes:\n{freezes}"));
    let (rita, remy) = (world.person("rita"), world.person("remy"));
    let fix = remy.commits("index.html");
    remy.offers("fix");
    rita.approves(&fix).accepted();
    let mut words = Words::approve(&remy, &fix);
    words.set("Relhook-Overrides", "audit");
    words.set("Relhook-Reason", "mine");
    remy.pushes(&[&remy.states(&words)]).accepted();
    let refused = remy.pushes(&["prod"]);
    refused.refused_with("RH542");
    refused.refused_with("had a hand");
}

#[test]
fn a_push_before_a_freeze_holds_up_when_it_is_judged_again_in_it() {
    let freezes = freeze("soon", 20, DAY, "");
    let world = world("freezes: [soon]", &format!("freezes:\n{freezes}"));
    let begins = now() + 20;
    let (dana, _) = approved(&world);
    // Within a minute of it, a clone cannot tell.
    let said = check(&dana, 3);
    assert!(said.contains("within a minute"), "{said}");
    dana.pushes(&["prod"]).accepted();
    while now() <= begins {
        std::thread::sleep(Duration::from_millis(200));
    }
    world.relhook(&["audit", "replay"]).assert_ok();
    dana.commits("late.html");
    dana.pushes(&["prod"]).refused_with("RH542");
}

#[test]
fn a_policy_whose_windows_are_wrong_is_not_taken() {
    let world = World::new();
    let paul = world.person("paul");
    paul.git(&["fetch", "-q", "origin", "refs/relhook/policy"]);
    paul.git(&["checkout", "-q", "--detach", "FETCH_HEAD"]);
    let text = policy(
        "windows: [office]",
        "windows:\n  office: {zone: Europe/Berln, from: \"08:00\", to: \"16:00\"}\n",
    );
    std::fs::write(paul.clone_dir().join("policy.yaml"), &text.yaml).unwrap();
    paul.git(&["commit", "-q", "-am", "Windows"]);
    let refused = paul.pushes(&["HEAD:refs/relhook/policy"]);
    refused.refused_with("RH803");
    refused.refused_with("did you mean `Europe/Berlin`?");
}

#[test]
fn an_emergency_waits_for_a_window_unless_the_window_lets_it_pass() {
    // A window of two hours that opened three ago, and a freeze.
    let hour = |ago: i64| {
        let time = Timestamp::from_unix(now() - ago * HOUR).to_string();
        time[11..16].to_owned()
    };
    let window = format!("from: \"{}\", to: \"{}\"", hour(3), hour(1));
    let closed = |word: &str| {
        let window = format!("  audit: {{zone: UTC, {window}, emergency: {word}}}\n");
        ("windows", "RH541", format!("windows:\n{window}"))
    };
    let frozen = |word: &str| {
        let freezes = freeze("audit", -DAY, DAY, &format!(", emergency: {word}"));
        ("freezes", "RH542", format!("freezes:\n{freezes}"))
    };
    for (passes, (key, code, text)) in [
        (false, frozen("waits")),
        (true, frozen("passes")),
        (false, closed("waits")),
        (true, closed("passes")),
    ] {
        let rule = format!("emergency:\n      by: [developers]\n    {key}: [audit]");
        let world = world(&rule, &text);
        let dana = world.person("dana");
        let fix = dana.commits("index.html");
        dana.offers("fix");
        let until = Timestamp::from_unix(now() + HOUR).to_string();
        let mut words = Words::approve(&dana, &fix);
        words
            .set("Relhook-Decision", "emergency")
            .set("Relhook-Expires", &until)
            .set("Relhook-Reason", "the checkout charges twice");
        dana.pushes(&[&dana.states(&words)]).accepted();
        let push = dana.pushes(&["prod"]);
        if !passes {
            push.refused_with(code);
            continue;
        }
        push.accepted();
        assert!(push.said.contains("`audit` overridden by"), "{}", push.said);
        world.relhook(&["audit", "replay"]).assert_ok();
    }
}
