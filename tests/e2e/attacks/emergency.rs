//! Breaking the glass: what it lets in, what it does not, and what is owed for it.

use crate::common::{POLICY, PROD, Person, PolicyText, Words, World};
use relhook::audit::{AuditLog, Event, HeartbeatRecord};
use relhook::types::{Seconds, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

const REASON: &str = "the checkout fails for everybody";

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap())
}

/// The usual policy, in which developers may declare an emergency for `prod`.
fn policy(more: &str) -> PolicyText {
    let more = more.lines().map(|line| format!("\n      {line}"));
    let more: String = more.collect();
    PolicyText::usual().prod(&format!("emergency:\n      by: [developers]{more}"))
}

fn world(more: &str) -> World {
    World::with(&policy(more))
}

/// What somebody says who declares an emergency for a commit, on top of what `prod` names.
fn emergency(person: &Person<'_>, commit: &str) -> Words {
    let mut words = Words::approve(person, commit);
    words.set("Relhook-Decision", "emergency");
    words.set("Relhook-Expires", &now().plus(Seconds(3600)).to_string());
    words.set("Relhook-Reason", REASON);
    words
}

/// A commit of Dana's that nobody approved, for which she declares an emergency.
fn declared<'w>(world: &'w World, file: &str) -> (Person<'w>, String) {
    let dana = world.person("dana");
    let fix = dana.commits(file);
    dana.offers("fix");
    dana.pushes(&[&dana.states(&emergency(&dana, &fix))])
        .accepted();
    (dana, fix)
}

/// An approval of what went in, that names the emergency by which it did.
fn settling(person: &Person<'_>, commit: &str, base: &str, tag: &str) -> Words {
    let mut words = Words::approve(person, commit);
    words.set("Relhook-Base", base);
    words.set("Relhook-Settles", tag);
    words
}

/// The tag of the last emergency.
fn tag(world: &World) -> String {
    let log = world.log();
    let mut entries = log.iter().rev();
    let update = entries.find_map(|entry| {
        let mut updates = entry["updates"].as_array()?.iter();
        updates
            .find(|update| update["emergency"].is_object())
            .cloned()
    });
    update.unwrap()["emergency"]["tag"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Time passes: an entry of the log is so much later, and no decision is made before its time.
fn passes(world: &World, seconds: u64) {
    let log = AuditLog::at(&world.server().join("relhook"));
    let at = log.last().unwrap().time.max(now()).plus(Seconds(seconds));
    let event = Event::Heartbeat(HeartbeatRecord::default());
    log.append(at, event).unwrap();
}

const DAY: u64 = 24 * 3600;

#[test]
fn an_emergency_lets_one_push_in_and_says_so_aloud() {
    let world = world("");
    let (dana, fix) = declared(&world, "index.html");
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert_eq!(world.server_ref(PROD), Some(fix.clone()));
    for said in [
        "relhook: EMERGENCY: accepted, and nobody has approved it",
        REASON,
        "OWED:",
        "remy, rita or vera",
        &format!("relhook approve {}", &fix[..12]),
    ] {
        assert!(push.said.contains(said), "{said} is not in\n{}", push.said);
    }
    let log = world.log();
    let entry = log.last().unwrap();
    assert_eq!(entry["outcome"], "emergency");
    let update = &entry["updates"][0];
    assert_eq!(update["emergency"]["people"], serde_json::json!(["dana"]));
    assert_eq!(update["emergency"]["reason"], REASON);
    world.relhook(&["audit", "verify"]).assert_ok();
    let shown = world.relhook(&["audit", "log"]).text();
    assert!(shown.contains("NOT APPROVED"), "{shown}");
}

#[test]
fn an_emergency_comes_with_the_push_that_it_lets_in() {
    let world = world("");
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    let statement = dana.states(&emergency(&dana, &fix));
    dana.pushes_with(&["--atomic"], &["prod", &statement])
        .accepted();
    assert_eq!(world.server_ref(PROD), Some(fix));
}

#[test]
fn what_is_approved_uses_no_emergency_up() {
    let world = world("");
    let (dana, fix) = declared(&world, "index.html");
    world.person("rita").approves(&fix).accepted();
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert!(!push.said.contains("EMERGENCY"), "{}", push.said);
    assert_eq!(world.log().last().unwrap()["outcome"], "accepted");
}

#[test]
fn e_02_no_more_than_the_rule_allows() {
    let world = world("limit:\n  count: 1\n  within: 30d");
    let (dana, _) = declared(&world, "a");
    dana.pushes(&["prod"]).accepted();
    let (dana, _) = declared(&world, "b");
    dana.pushes(&["prod"]).refused_with("RH509");
    passes(&world, 31 * DAY);
    // By now the review is overdue, too.
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH505");
    assert!(!push.said.contains("RH509"), "{}", push.said);
}

#[test]
fn e_05_nothing_but_a_signed_statement_of_one_who_may_is_an_emergency() {
    let world = world("");
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    dana.pushes_with(&["-o", "emergency"], &["prod"]).refused();
    rita.git(&["fetch", "-q", "origin"]);
    // A reviewer is not in `by`.
    rita.pushes(&[&rita.states(&emergency(&rita, &fix))])
        .refused_with("RH502");
    // Nor does a release branch know emergencies.
    let mut elsewhere = emergency(&dana, &fix);
    elsewhere.set("Relhook-Ref", "refs/heads/release/1");
    dana.pushes(&[&dana.states(&elsewhere)])
        .refused_with("RH501");
    let mut past = emergency(&dana, &fix);
    past.set("Relhook-Expires", "2026-01-01T00:00:00Z");
    dana.pushes(&[&dana.states(&past)]).refused_with("RH505");
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn e_05_an_emergency_is_for_one_commit_on_top_of_one_other_and_not_for_long() {
    let world = world("expire: 1h");
    let (dana, fix) = declared(&world, "index.html");
    // Another commit than the one that it names.
    dana.commits("more");
    dana.pushes(&["prod"]).refused_with("RH401");
    dana.git(&["reset", "-q", "--hard", &fix]);
    // The ref has moved meanwhile.
    let rita = world.person("rita");
    let dora = world.person("dora");
    let other = dora.commits("other");
    dora.offers("other");
    rita.approves(&other).accepted();
    dora.pushes(&["prod"]).accepted();
    dana.git(&["fetch", "-q", "origin"]);
    dana.git(&["merge", "-q", "-m", "Merge", "origin/prod"]);
    let merged = dana.git(&["rev-parse", "HEAD"]);
    let mut words = emergency(&dana, &merged);
    words.set("Relhook-Base", &fix);
    dana.pushes(&[&dana.states(&words)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH506");
    // Too late, by the server's clock, whatever the statement says.
    let mut words = emergency(&dana, &merged);
    words.set(
        "Relhook-Expires",
        &now().plus(Seconds(30 * DAY)).to_string(),
    );
    dana.pushes(&[&dana.states(&words)]).accepted();
    passes(&world, 3601);
    dana.pushes(&["prod"]).refused_with("RH505");
}

#[test]
fn e_05_an_emergency_can_be_withdrawn() {
    let world = world("");
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    dana.offers("fix");
    let tag = dana.signs(&emergency(&dana, &fix));
    dana.pushes(&[&dana.refspec(&tag, &fix)]).accepted();
    let args = ["withdraw", &tag, "--reason", "a false alarm", "--yes"];
    dana.relhook(&args).assert_ok();
    dana.pushes(&["prod"]).refused_with("RH511");
}

#[test]
fn e_06_a_reason_that_nobody_can_read_is_none() {
    let world = world("");
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    dana.offers("fix");
    for reason in [
        "asap",
        "aaaaaaaaaaaaaaaa",
        "x\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}",
        "- - - - - - - - - - - - - -1",
    ] {
        let mut words = emergency(&dana, &fix);
        words.set("Relhook-Reason", reason);
        let push = dana.pushes(&[&dana.states(&words)]);
        assert!(
            push.said.contains("RH503") || push.said.contains("RH324"),
            "{reason:?}: {}",
            push.said
        );
        push.refused();
    }
    dana.pushes(&["prod"]).refused();
}

#[test]
fn e_05_a_second_person_signs_too_where_the_rule_says_so() {
    let world = world("cosign: [reviewers, developers]");
    let (dana, fix) = declared(&world, "index.html");
    dana.pushes(&["prod"]).refused_with("RH508");
    // Twice the same person is one.
    let mut again = emergency(&dana, &fix);
    again.set("Relhook-Reason", "it still fails for everybody");
    dana.pushes(&[&dana.states(&again)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH508");
    let rita = world.person("rita");
    rita.git(&["fetch", "-q", "origin"]);
    rita.pushes(&[&rita.states(&emergency(&rita, &fix))])
        .accepted();
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert!(push.said.contains("signed too by rita"), "{}", push.said);
    // Nobody who signed it settles it.
    let base = world.server_git(&["rev-parse", "prod^"]).text();
    let push = rita.pushes(&[&rita.states(&settling(&rita, &fix, &base, &tag(&world)))]);
    push.accepted();
    assert!(push.said.contains("RH514"), "{}", push.said);
    assert!(!push.said.contains("settled:"), "{}", push.said);
}

#[test]
fn a_ticket_has_to_look_like_one() {
    let world = world("ticket: \"INC-#\"");
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    dana.offers("fix");
    dana.pushes(&[&dana.states(&emergency(&dana, &fix))])
        .refused_with("RH504");
    let mut words = emergency(&dana, &fix);
    words.set("Relhook-Ticket", "INC-x");
    dana.pushes(&[&dana.states(&words)]).refused_with("RH504");
    words.set("Relhook-Ticket", "INC-42");
    dana.pushes(&[&dana.states(&words)]).accepted();
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert!(push.said.contains("ticket: INC-42"), "{}", push.said);
}

#[test]
fn e_08_an_emergency_stands_in_for_approvals_and_nothing_else() {
    let world = world("except: [\"db/**\", keys]");
    // Paths that it does not let anybody touch.
    let (dana, _) = declared(&world, "db/x");
    dana.pushes(&["prod"]).refused_with("RH510");
    dana.git(&["reset", "-q", "--hard", "origin/prod"]);
    // A commit that nobody signed.
    let unsigned = dana.commits_as("a", &["--no-gpg-sign"]);
    dana.pushes(&["HEAD:refs/heads/unsigned"]).accepted();
    dana.pushes(&[&dana.states(&emergency(&dana, &unsigned))])
        .accepted();
    dana.pushes(&["prod"]).refused_with("RH202");
    dana.git(&["reset", "-q", "--hard", "origin/prod"]);
    // A standing objection.
    let fix = dana.commits("b");
    dana.pushes(&["HEAD:refs/heads/b"]).accepted();
    dana.pushes(&[&dana.states(&emergency(&dana, &fix))])
        .accepted();
    let remy = world.person("remy");
    remy.git(&["fetch", "-q", "origin"]);
    let mut no = Words::approve(&remy, &fix);
    no.set("Relhook-Decision", "reject");
    no.set("Relhook-Reason", "this breaks the shop");
    remy.pushes(&[&remy.states(&no)]).accepted();
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH404");
    push.refused_with("RH401");
}

#[test]
fn e_10_an_emergency_leads_forwards_only() {
    let world = world("");
    let dana = world.person("dana");
    let before = world.server_ref(PROD).unwrap();
    let fix = dana.commits("fix");
    dana.offers("fix");
    world.person("rita").approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    dana.pushes(&[&dana.states(&emergency(&dana, &before))])
        .accepted();
    dana.pushes_with(&["--force"], &[&format!("{before}:prod")])
        .refused_with("RH102");
    // A sibling that leaves the fix out is no way forwards either.
    dana.git(&["reset", "-q", "--hard", &before]);
    let other = dana.commits("other");
    dana.pushes(&["HEAD:refs/heads/other"]).accepted();
    dana.pushes(&[&dana.states(&emergency(&dana, &other))])
        .accepted();
    dana.pushes_with(&["--force"], &["prod"])
        .refused_with("RH102");
    assert_eq!(world.server_ref(PROD), Some(fix));
}

#[test]
fn e_09_nobody_breaks_the_glass_on_the_policy() {
    let world = world("");
    let dana = world.person("dana");
    dana.git(&["fetch", "-q", "origin", &format!("{POLICY}:policy")]);
    dana.git(&["checkout", "-q", "policy"]);
    let change = dana.commits("note");
    dana.pushes(&["HEAD:refs/heads/change"]).accepted();
    let mut words = emergency(&dana, &change);
    words.set("Relhook-Ref", POLICY);
    words.set("Relhook-Base", &world.server_ref(POLICY).unwrap());
    dana.pushes(&[&dana.states(&words)]).refused_with("RH501");
    dana.pushes(&[&format!("HEAD:{POLICY}")])
        .refused_with("RH401");
    let rule = "  refs/relhook/policy:\n";
    let worse = policy("").replacing(rule, &format!("{rule}    emergency:\n      by: [admins]\n"));
    std::fs::write(world.path("bad.yaml"), worse.yaml).unwrap();
    let bad = world.path("bad.yaml");
    let ran = world.relhook(&["policy", "lint", bad.to_str().unwrap()]);
    let said = ran.err.clone() + &String::from_utf8_lossy(&ran.out);
    assert!(
        said.contains("nobody breaks the glass on the policy itself"),
        "{said}"
    );
}

#[test]
fn e_11_an_emergency_is_used_up_whatever_becomes_of_the_ref() {
    let world = world("");
    let before = world.server_ref(PROD).unwrap();
    let (dana, fix) = declared(&world, "index.html");
    dana.pushes(&["prod"]).accepted();
    // What became of the move is told after the push; a heartbeat tells it as well.
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    let past = [
        "-c",
        "core.hooksPath=/dev/null",
        "update-ref",
        PROD,
        &before,
    ];
    world.server_git(&past).assert_ok();
    let push = dana.pushes(&[&format!("{fix}:prod")]);
    push.refused_with("RH507");
    // The ledger is made again from the log, and knows it still.
    crate::audit::loses_ledger(&world);
    dana.pushes(&[&format!("{fix}:prod")]).refused_with("RH507");
}

#[test]
fn e_01_e_07_e_13_what_went_in_stays_owed_and_blocks_once_it_is_overdue() {
    let world = world("review-within: 2d");
    let base = world.server_ref(PROD).unwrap();
    let (dana, fix) = declared(&world, "index.html");
    dana.pushes(&["prod"]).accepted();
    let rita = world.person("rita");
    // Until then, what is approved goes in, and everybody is told.
    let more = dana.commits("more");
    dana.offers("fix");
    rita.approves(&more).accepted();
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert!(push.said.contains("OWED:"), "{}", push.said);
    assert!(push.said.contains(&fix[..7]), "{}", push.said);
    passes(&world, 2 * DAY);
    let last = dana.commits("last");
    dana.offers("fix");
    rita.approves(&last).accepted();
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH512");
    push.refused_with(&fix[..7]);
    // Nor does another emergency get past it.
    let mut words = emergency(&dana, &last);
    words.set("Relhook-Expires", &now().plus(Seconds(3 * DAY)).to_string());
    dana.pushes(&[&dana.states(&words)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH512");
    // E-13: the statement's ref is gone, and the ledger too; what is owed is in the log.
    let name = dana.statement_ref(&tag(&world), &fix);
    let past = ["-c", "core.hooksPath=/dev/null", "update-ref", "-d", &name];
    world.server_git(&past).assert_ok();
    crate::audit::loses_ledger(&world);
    dana.pushes(&["prod"]).refused_with("RH512");
    // The review that settles it comes with the push.
    let statement = rita.states(&settling(&rita, &fix, &base, &tag(&world)));
    let push = rita.pushes(&[&statement]);
    push.accepted();
    assert!(push.said.contains("settled:"), "{}", push.said);
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn e_03_e_12_only_a_distinct_review_of_what_went_out_settles_it() {
    let world = world("");
    let base = world.server_ref(PROD).unwrap();
    let (dana, fix) = declared(&world, "index.html");
    dana.pushes(&["prod"]).accepted();
    let tag = tag(&world);
    let (rita, remy) = (world.person("rita"), world.person("remy"));
    rita.git(&["fetch", "-q", "origin"]);
    remy.git(&["fetch", "-q", "origin"]);
    let not = |person: &Person<'_>, words: &Words, why: &str| {
        let push = person.pushes(&[&person.states(words)]);
        push.accepted();
        assert!(push.said.contains("OWED:"), "{}", push.said);
        assert!(!push.said.contains("settled:"), "{}", push.said);
        assert!(push.said.contains(why), "{why} is not in\n{}", push.said);
    };
    // Who declared it, and wrote it.
    not(&dana, &settling(&dana, &fix, &base, &tag), "RH514");
    // An approval that does not say what it settles.
    not(
        &rita,
        settling(&rita, &fix, &base, &tag).drop("Relhook-Settles"),
        "RH514",
    );
    // One that names something else.
    not(
        &rita,
        settling(&rita, &fix, &base, &tag).set("Relhook-Settles", &fix),
        "RH514",
    );
    // One of somebody who looked at nothing.
    not(&rita, &settling(&rita, &fix, &fix, &tag), "OWED");
    // A no keeps it open, and says so.
    let mut no = settling(&remy, &fix, &base, &tag);
    no.drop("Relhook-Settles")
        .set("Relhook-Decision", "reject")
        .set("Relhook-Reason", "wrong price");
    not(&remy, &no, "wrong price");
    let yes = rita.states(&settling(&rita, &fix, &base, &tag));
    let push = rita.pushes(&[&yes]);
    push.accepted();
    assert!(push.said.contains("wrong price"), "{}", push.said);
    // Whoever said no comes round, later: a yes of the same second is none of a second thought.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let push = remy.pushes(&[&remy.states(&settling(&remy, &fix, &base, &tag))]);
    push.accepted();
    assert!(push.said.contains("settled:"), "{}", push.said);
    let log = world.log();
    let settled = &log.last().unwrap()["settled"][0];
    assert_eq!(settled["how"], "review");
    assert_eq!(settled["commit"], fix);
    let push = dana.pushes(&[&format!("{fix}:refs/heads/x")]);
    push.accepted();
    assert!(!push.said.contains("OWED"), "{}", push.said);
}

#[test]
fn e_07_a_revert_that_is_approved_settles_it_even_when_it_is_overdue() {
    let world = world("review-within: 1d");
    let (dana, fix) = declared(&world, "index.html");
    dana.pushes(&["prod"]).accepted();
    passes(&world, DAY);
    dana.git(&["revert", "--no-edit", &fix]);
    let revert = dana.git(&["rev-parse", "HEAD"]);
    dana.pushes(&["prod"]).refused_with("RH512");
    dana.offers("fix");
    world.person("rita").approves(&revert).accepted();
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert!(push.said.contains("settled:"), "{}", push.said);
    assert_eq!(world.log().last().unwrap()["settled"][0]["how"], "revert");
}

#[test]
fn e_04_two_emergencies_do_not_settle_each_other() {
    let world =
        World::with(&policy("").replacing("by: [developers]", "by: [developers, reviewers]"));
    let base = world.server_ref(PROD).unwrap();
    let (dana, first) = declared(&world, "a");
    dana.pushes(&["prod"]).accepted();
    let first_tag = tag(&world);
    let rita = world.person("rita");
    rita.takes("prod");
    let second = rita.commits("b");
    rita.offers("second");
    rita.pushes(&[&rita.states(&emergency(&rita, &second))])
        .accepted();
    rita.pushes(&["prod"]).accepted();
    let push = rita.pushes(&[&rita.states(&settling(&rita, &first, &base, &first_tag))]);
    push.accepted();
    assert!(push.said.contains("RH514"), "{}", push.said);
    assert!(!push.said.contains("settled:"), "{}", push.said);
    let remy = world.person("remy");
    remy.git(&["fetch", "-q", "origin"]);
    // Once somebody else has looked at the second one, what Rita says of the first counts.
    let push = remy.pushes(&[&remy.states(&settling(&remy, &second, &first, &tag(&world)))]);
    push.accepted();
    assert!(push.said.contains("settled:"), "{}", push.said);
    let mut again = settling(&rita, &first, &base, &first_tag);
    again.set("Relhook-Reason", "looked again");
    let push = rita.pushes(&[&rita.states(&again)]);
    push.accepted();
    assert!(push.said.contains("settled:"), "{}", push.said);
}
