//! What happened is judged again: histories that hold up, and what somebody who has the server's account
//! put into them.

use crate::common::{POLICY, PROD, Person, PolicyText, RELHOOK, Ran, Words, World, command, run};
use relhook::audit::{AuditLog, Event, Hash, PermitRecord, Pin, UpdateRecord, VerdictRecord};
use relhook::types::{Oid, RefName, Timestamp, hex};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl World {
    fn replays(&self, more: &[&str]) -> Ran {
        self.relhook(&[&["audit", "replay"], more].concat())
    }

    /// The replay as JSON; its exit code has to be this one.
    #[track_caller]
    fn replayed(&self, code: i32) -> Value {
        answer(&self.replays(&["--json"]), code)
    }

    /// As whoever has the server's account can, past the hooks.
    pub(super) fn moves(&self, name: &str, to: &str) {
        let past = ["-c", "core.hooksPath=/dev/null", "update-ref", name, to];
        self.server_git(&past).assert_ok();
    }

    pub(super) fn audit_log(&self) -> AuditLog {
        AuditLog::at(&self.server().join("relhook"))
    }

    fn at(&self, name: &str) -> String {
        self.server_ref(name).unwrap()
    }

    fn policy_is(&self) -> Oid {
        self.at(POLICY).parse().unwrap()
    }

    /// A verdict as the gate would have written it, had it accepted.
    pub(super) fn forged(&self, old: &str, new: &str, evidence: Vec<Hash>) -> VerdictRecord {
        let (old, new): (Oid, Oid) = (old.parse().unwrap(), new.parse().unwrap());
        VerdictRecord {
            outcome: "accepted".into(),
            person: Some("dana".into()),
            login: Some("dana".into()),
            policy: self.policy_is(),
            updates: vec![UpdateRecord {
                refname: PROD.into(),
                claimed: Some(old),
                old: Some(old),
                new: Some(new),
                codes: Vec::new(),
                let_pass: Vec::new(),
                approved_by: vec!["rita".into()],
                contributors: vec!["dana".into()],
                rollback: None,
                tickets: Vec::new(),
                permit: Some(PermitRecord {
                    ref_hex: hex(PROD.as_bytes()),
                    old: Some(old),
                    new,
                    release: Vec::new(),
                }),
                emergency: None,
            }],
            others: 0,
            codes: Vec::new(),
            report: None,
            evidence,
            seen: Vec::new(),
            arrivals: None,
            landed: Vec::new(),
            found: Vec::new(),
            settled: Vec::new(),
            tool: "0.1.0".into(),
        }
    }

    /// The evidence that is a statement with this decision.
    fn statement(&self, decision: &str) -> PathBuf {
        let folder = self.server().join("relhook/audit/evidence");
        let says = format!("Relhook-Decision: {decision}\n");
        let mut files = std::fs::read_dir(folder).unwrap();
        let found = files.find_map(|file| {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            text.contains(&says).then_some(path)
        });
        found.unwrap()
    }
}

pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap())
}

#[track_caller]
fn answer(ran: &Ran, code: i32) -> Value {
    let text = String::from_utf8_lossy(&ran.out).into_owned();
    assert_eq!(ran.code, code, "{}\n{text}", ran.err);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["schema"], "relhook/replay/v1");
    answer
}

/// The codes of what was found, and the entries that they are about.
fn found(answer: &Value) -> Vec<(String, Option<u64>)> {
    let all = answer["findings"].as_array().unwrap().iter();
    all.map(|one| {
        let code = one["code"].as_str().unwrap().to_owned();
        (code, one["entry"].as_u64())
    })
    .collect()
}

fn codes(answer: &Value) -> Vec<String> {
    let mut codes: Vec<String> = found(answer).into_iter().map(|(code, _)| code).collect();
    codes.dedup();
    codes
}

fn reasons(finding: &Value) -> Vec<&str> {
    let all = finding["reasons"].as_array().unwrap().iter();
    all.map(|why| why["code"].as_str().unwrap()).collect()
}

/// A change by Dana that Rita approved; the commit.
pub(super) fn releases(world: &World, file: &str) -> String {
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    dana.takes("prod");
    let commit = dana.commits(file);
    dana.offers(&format!("work/{file}"));
    rita.approves(&commit).accepted();
    dana.pushes(&["prod"]).accepted();
    commit
}

/// What is released, and a commit on top of it that nobody approved.
pub(super) fn unapproved(world: &World) -> (String, String) {
    let good = releases(world, "index.html");
    let dana = world.person("dana");
    dana.takes("prod");
    let evil = dana.commits("evil.html");
    dana.offers("work/evil");
    (good, evil)
}

/// Another policy, approved and in force.
pub(super) fn changes_policy(world: &World, from: &str, to: &str) {
    let (paul, rita) = (world.person("paul"), world.person("rita"));
    paul.git(&["fetch", "-q", "origin", POLICY]);
    paul.git(&["checkout", "-q", "-B", "policy", "FETCH_HEAD"]);
    let file = paul.clone_dir().join("policy.yaml");
    let old = std::fs::read_to_string(&file).unwrap();
    assert!(old.contains(from), "{old}");
    std::fs::write(&file, old.replace(from, to)).unwrap();
    paul.git(&["commit", "-q", "-a", "-m", "Change the policy"]);
    let new = paul.git(&["rev-parse", "HEAD"]);
    paul.offers("draft");
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &new);
    words.set("Relhook-Ref", POLICY);
    words.set("Relhook-Base", &world.at(POLICY));
    let statement = rita.states(&words);
    rita.pushes(&[&statement]).accepted();
    paul.pushes(&[&format!("{new}:{POLICY}")]).accepted();
}

/// Takes back the newest statement of that decision.
pub(super) fn says(person: &Person<'_>, commit: &str, set: &[(&str, &str)]) -> String {
    person.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(person, commit);
    for (key, value) in set {
        words.set(key, value);
    }
    let statement = person.states(&words);
    person.pushes(&[&statement]).accepted();
    statement.split(':').next().unwrap().to_owned()
}

#[test]
fn what_was_right_then_is_right_for_ever() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    // An approval that will have run out when it is judged again.
    dana.takes("prod");
    let short = dana.commits("short.html");
    dana.offers("work/short");
    let expires = Timestamp::from_unix(now().as_unix() + 25);
    says(&rita, &short, &[("Relhook-Expires", &expires.to_string())]);
    dana.pushes(&["prod"]).accepted();
    releases(&world, "index.html");
    dana.commits("refused.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    // Two have to approve from now on; who approved alone before did so by the rule of then.
    changes_policy(
        &world,
        "  refs/heads/prod:\n    required: 1\n",
        "  refs/heads/prod:\n    required: 2\n",
    );
    dana.takes("prod");
    dana.git(&["revert", "--no-edit", "HEAD"]);
    let revert = dana.git(&["rev-parse", "HEAD"]);
    dana.offers("work/revert");
    rita.approves(&revert).accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
    world.person("remy").approves(&revert).accepted();
    dana.pushes(&["prod"]).accepted();
    // It has gone out; that Rita takes it back now changes the next push, and nothing else.
    let tag = rita.git(&[
        "rev-parse",
        &format!("refs/tags/relhook/approve/{}", &revert[..12]),
    ]);
    let back = [
        ("Relhook-Decision", "withdraw"),
        ("Relhook-Withdraws", &tag),
        ("Relhook-Reason", "it broke the shop"),
    ];
    says(&rita, &revert, &back);
    while now() <= expires {
        std::thread::sleep(Duration::from_millis(200));
    }
    let answer = world.replayed(0);
    assert_eq!(answer["outcome"], "clean");
    assert_eq!(answer["repository"], "acme/site");
    assert!(answer["doubts"].as_array().unwrap().is_empty(), "{answer}");
    let refs = answer["refs"].as_array().unwrap();
    assert_eq!(refs.len(), 2, "{answer}");
    let prod = refs.iter().find(|one| one["ref"] == PROD).unwrap();
    assert_eq!((&prod["moves"], &prod["held"]), (&3.into(), &3.into()));
    assert_eq!(prod["value"], revert);
    let policy = refs.iter().find(|one| one["ref"] == POLICY).unwrap();
    assert_eq!(policy["moves"], 1);

    let text = world.replays(&["--ref", "prod"]).text();
    assert!(text.contains("every move holds up"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    // What has no entries yet is no reason to say that something is wrong.
    World::new().replayed(0);
}

#[test]
fn what_no_rule_protected_then_is_no_fault_now() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let stage = "refs/heads/stage";
    dana.takes("prod");
    let first = dana.commits("one.html");
    dana.offers("stage");
    let rule = format!(
        "  {stage}:\n    required: 1\n    from: [reviewers]\n    baseline: {first}\n  {PROD}:\n"
    );
    changes_policy(&world, &format!("  {PROD}:\n"), &rule);
    // It is where its rule has judging begin.
    world.replayed(0);
    dana.git(&["checkout", "-q", "-B", "stage", &first]);
    let second = dana.commits("two.html");
    dana.pushes(&["stage"]).refused_with("RH401");
    dana.offers("work/two");
    let about = [("Relhook-Ref", stage), ("Relhook-Base", &first)];
    says(&rita, &second, &about);
    dana.pushes(&["stage"]).accepted();
    let answer = world.replayed(0);
    let remarks = answer["remarks"].as_array().unwrap().iter();
    let of_refs: Vec<_> = remarks.filter(|one| !one["ref"].is_null()).collect();
    assert_eq!(of_refs.len(), 1, "{answer}");
    assert_eq!(of_refs[0]["ref"], stage);
    // One that a rule protects now and that nobody ever judged is another matter.
    let rule = "  refs/heads/work/*:\n    required: 1\n    from: [reviewers]\n";
    changes_policy(
        &world,
        &format!("  {PROD}:\n"),
        &format!("{rule}  {PROD}:\n"),
    );
    let answer = world.replayed(1);
    assert_eq!(found(&answer), [("RH712".to_owned(), None)]);
    assert_eq!(answer["findings"][0]["ref"], "refs/heads/work/two");
}

#[test]
fn l_13_a_ref_that_was_moved_past_relhook_is_listed() {
    let world = World::new();
    let (good, evil) = unapproved(&world);
    let dana = world.person("dana");
    world.moves(PROD, &evil);
    let answer = world.replayed(1);
    assert_eq!(found(&answer), [("RH712".to_owned(), None)]);
    let finding = &answer["findings"][0];
    assert_eq!(
        (&finding["from"], &finding["to"]),
        (&good[..].into(), &evil[..].into())
    );
    assert_eq!(finding["commits"], Value::from(vec![evil.clone()]));
    // A push on top is judged with all that came in meanwhile; that it did stays listed.
    let next = dana.commits("next.html");
    dana.offers("work/next");
    let rita = world.person("rita");
    says(&rita, &next, &[("Relhook-Base", &good)]);
    dana.pushes(&["prod"]).accepted();
    let answer = world.replayed(1);
    let [(code, Some(_))] = &found(&answer)[..] else {
        panic!("{answer}");
    };
    assert_eq!(code, "RH712");
    assert_eq!(answer["findings"][0]["commits"], Value::from(vec![evil]));
}

#[test]
fn l_13_a_ref_that_was_put_back_is_listed() {
    let world = World::new();
    let first = releases(&world, "one.html");
    let second = releases(&world, "two.html");
    let third = releases(&world, "three.html");
    world.moves(PROD, &first);
    let answer = world.replayed(1);
    assert_eq!(codes(&answer), ["RH712"]);
    assert_eq!(answer["findings"][0]["from"], third);
    // Nothing says yet that the last push moved the ref. The next one does, though it is refused.
    world.moves(PROD, &third);
    let dana = world.person("dana");
    dana.takes("prod");
    dana.commits("four.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    world.replayed(0);
    world.moves(PROD, &second);
    assert_eq!(codes(&world.replayed(1)), ["RH712"]);
    // Only these refs are looked at; the policy always is.
    let other = world.replays(&["--json", "--ref", "refs/heads/release/1"]);
    assert!(found(&answer_of(&other)).is_empty());
}

/// The text without its line breaks.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn answer_of(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.out).unwrap()
}

#[test]
fn l_13_a_verdict_whose_approval_is_gone_or_another_is_listed() {
    let world = World::new();
    let commit = releases(&world, "index.html");
    world.replayed(0);
    let file = world.statement("approve");
    let kept = std::fs::read(&file).unwrap();
    let refs = format!("refs/relhook/statements/{commit}/");
    let stored = world
        .server_git(&["for-each-ref", "--format=%(refname)", &refs])
        .text();
    let tag = world.at(&stored);
    // Lost evidence is told, and what the repository has in its place counts.
    std::fs::remove_file(&file).unwrap();
    let answer = world.replayed(1);
    assert_eq!(codes(&answer), ["RH714"]);
    // With both gone, nobody approved.
    std::fs::remove_file(world.server().join(&stored)).unwrap();
    let (folder, name) = tag.split_at(2);
    let object = world.server().join("objects").join(folder).join(name);
    std::fs::remove_file(object).unwrap();
    let answer = world.replayed(1);
    assert_eq!(codes(&answer), ["RH714", "RH711"]);
    assert_eq!(
        reasons(answer["findings"].as_array().unwrap().last().unwrap()),
        ["RH401"]
    );
    let text = String::from_utf8(world.replays(&[]).out).unwrap();
    assert!(
        words(&text).contains("RH401") && words(&text).contains("when it is judged again"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let mut other = kept.clone();
    let at = other.len() / 2;
    other[at] ^= 1;
    std::fs::write(&file, other).unwrap();
    assert_eq!(codes(&world.replayed(1)), ["RH714", "RH711"]);
    std::fs::write(&file, kept).unwrap();
    // The evidence alone is enough.
    world.replayed(0);
}

#[test]
fn l_13_an_accepted_verdict_that_no_push_made_is_listed() {
    let world = World::new();
    let (good, evil) = unapproved(&world);
    let forged = world.forged(&good, &evil, Vec::new());
    let log = world.audit_log();
    let entry = log.append(now(), Event::Verdict(forged.clone())).unwrap();
    world.moves(PROD, &evil);
    world.relhook(&["audit", "verify"]).assert_ok();
    let answer = world.replayed(1);
    assert_eq!(found(&answer), [("RH711".to_owned(), Some(entry.seq))]);
    assert_eq!(reasons(&answer["findings"][0]), ["RH401"]);

    // The same in a log that was made anew, key and all.
    let folder = world.server().join("relhook");
    let approval = std::fs::read(world.statement("approve")).unwrap();
    // Which refs moved is told, so that nothing follows by itself any more.
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    let _quiet = super::quiet(&world);
    for made in ["audit", "ledger"] {
        std::fs::remove_dir_all(folder.join(made)).unwrap();
    }
    log.begin("acme/site", now()).unwrap();
    for name in [PROD, POLICY] {
        let value = if name == PROD {
            &good
        } else {
            &world.at(POLICY)
        };
        let name = RefName::new(name.as_bytes()).unwrap();
        let pin = Pin::new(&name, value.parse().unwrap(), "root");
        log.append(now(), Event::Pinned(pin)).unwrap();
    }
    // An approval of another commit is no help.
    let evidence = log.keep(&approval).unwrap();
    let mut forged = world.forged(&good, &evil, vec![evidence]);
    log.append(now(), Event::Verdict(forged.clone())).unwrap();
    world.relhook(&["audit", "verify"]).assert_ok();
    let answer = world.replayed(1);
    assert_eq!(found(&answer), [("RH711".to_owned(), Some(4))]);
    // Nor is it that somebody says that nobody has to approve: the policy is the one that was pushed.
    forged.policy = good.parse().unwrap();
    log.append(now(), Event::Verdict(forged)).unwrap();
    let answer = world.replayed(1);
    assert!(codes(&answer).contains(&"RH713".to_owned()), "{answer}");
}

#[test]
fn l_13_what_the_record_says_of_people_is_compared() {
    let world = World::new();
    let good = releases(&world, "index.html");
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    dana.takes("prod");
    let next = dana.commits("next.html");
    dana.offers("work/next");
    remy.approves(&next).accepted();
    let log = world.audit_log();
    let approval = world
        .server_git(&[
            "for-each-ref",
            "--format=%(objectname)",
            &format!("refs/relhook/statements/{next}/"),
        ])
        .text();
    let raw = world.server_git(&["cat-file", "tag", &approval]).out;
    let evidence = log.keep(&raw).unwrap();
    // Rita is said to have approved what Remy did.
    let forged = world.forged(&good, &next, vec![evidence]);
    log.append(now(), Event::Verdict(forged)).unwrap();
    world.moves(PROD, &next);
    let answer = world.replayed(1);
    assert_eq!(codes(&answer), ["RH715"]);
    let text = answer["findings"][0]["text"].as_str().unwrap();
    assert!(text.contains("remy") && text.contains("rita"), "{text}");
}

#[test]
fn l_13_a_login_that_is_not_the_pushers_is_listed() {
    let world = World::new();
    let good = releases(&world, "index.html");
    let text = world.replays(&[]).text();
    assert!(
        words(&text).contains("pushes: that the login or key is of whom"),
        "{text}"
    );
    for (login, said) in [
        (Some("rita"), "by the login `rita`, which was rita's"),
        (Some("nobody"), "by the login `nobody`, which was nobody's"),
        (None, "no login is recorded that shows it"),
    ] {
        let (dana, rita) = (world.person("dana"), world.person("rita"));
        dana.takes("prod");
        // Each its own: the same file within one second is one commit, with two approvals.
        let next = dana.commits(&format!("{}.html", login.unwrap_or("none")));
        dana.pushes(&["+HEAD:refs/heads/work/next"]).accepted();
        rita.approves(&next).accepted();
        let log = world.audit_log();
        let prefix = format!("refs/relhook/statements/{next}/");
        let approval = world.server_git(&["for-each-ref", "--format=%(objectname)", &prefix]);
        let raw = world.server_git(&["cat-file", "tag", &approval.text()]).out;
        let mut forged = world.forged(&good, &next, vec![log.keep(&raw).unwrap()]);
        forged.login = login.map(str::to_owned);
        log.append(now(), Event::Verdict(forged)).unwrap();
        let answer = world.replayed(1);
        let found = answer["findings"].as_array().unwrap();
        let told = |one: &Value| one["text"].as_str().unwrap().contains(said);
        assert!(found.iter().any(told), "{said}: {answer}");
    }
}

#[test]
fn l_13_an_objection_that_was_left_out_is_listed() {
    let world = World::new();
    let good = releases(&world, "index.html");
    let (dana, rita, remy) = (
        world.person("dana"),
        world.person("rita"),
        world.person("remy"),
    );
    dana.takes("prod");
    let next = dana.commits("next.html");
    dana.offers("work/next");
    let no = [
        ("Relhook-Decision", "reject"),
        ("Relhook-Reason", "not yet"),
    ];
    says(&remy, &next, &no);
    let yes = says(&rita, &next, &[]);
    dana.pushes(&["prod"]).refused();
    let log = world.audit_log();
    let raw = world.server_git(&["cat-file", "tag", &yes]).out;
    let evidence = log.keep(&raw).unwrap();
    let later = Timestamp::from_unix(now().as_unix() + 3600);
    let forged = world.forged(&good, &next, vec![evidence]);
    log.append(later, Event::Verdict(forged)).unwrap();
    world.moves(PROD, &next);
    let answer = world.replayed(1);
    assert_eq!(codes(&answer), ["RH716"]);
    assert_eq!(reasons(&answer["findings"][0]), ["RH404"]);
}

#[test]
fn l_13_a_policy_that_was_put_in_the_place_of_the_one_in_force_is_listed() {
    let world = World::new();
    releases(&world, "index.html");
    let own = world.at(POLICY);
    let dana = world.person("dana");
    dana.git(&["fetch", "-q", "origin", POLICY]);
    dana.git(&["checkout", "-q", "-B", "mine", "FETCH_HEAD"]);
    let file = dana.clone_dir().join("policy.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace(
        "  reviewers: [rita, remy, vera]",
        "  reviewers: [rita, remy, vera, dora]",
    );
    std::fs::write(&file, text).unwrap();
    dana.git(&["commit", "-q", "-a", "-m", "Dora may"]);
    let mine = dana.git(&["rev-parse", "HEAD"]);
    dana.offers("mine");
    world.moves(POLICY, &mine);
    assert_eq!(found(&world.replayed(1)), [("RH713".to_owned(), None)]);
    dana.takes("prod");
    let commit = dana.commits("two.html");
    dana.offers("work/two");
    world.person("dora").approves(&commit).accepted();
    dana.pushes(&["prod"]).accepted();
    world.moves(POLICY, &own);
    let answer = world.replayed(1);
    // Both that it came and that it went.
    assert_eq!(codes(&answer), ["RH713"]);
    assert!(found(&answer)[0].1.is_some(), "{answer}");
    // What it let in holds up by it, and claims no controls.
    let levels = ["SLSA_SOURCE_LEVEL_4", "SLSA_SOURCE_LEVEL_2"];
    assert_eq!(world.levels(), levels);
}

#[test]
fn what_was_deleted_is_neither_right_nor_wrong() {
    let world = World::new();
    releases(&world, "index.html");
    let entry = world
        .log()
        .into_iter()
        .rfind(|entry| entry["kind"] == "verdict" && !entry["updates"][0]["permit"].is_null());
    let seq = entry.unwrap()["seq"].to_string();
    world
        .relhook(&["audit", "redact", &seq, "--reason", "asked for"])
        .assert_ok();
    let answer = world.replayed(3);
    assert_eq!(answer["outcome"], "unclear");
    let doubts = answer["doubts"].as_array().unwrap();
    assert!(!doubts.is_empty() && doubts.iter().all(|doubt| doubt["code"] == "RH718"));
    // A log that does not verify is not replayed at all.
    let head = std::fs::read_to_string(world.log_head()).unwrap();
    std::fs::write(world.log_head(), head.replacen("accepted", "rejected", 1)).unwrap();
    assert_eq!(world.replays(&[]).code, 4);
}

/// What a clone makes of it.
fn looks(person: &Person<'_>, more: &[&str]) -> Ran {
    person.relhook(&[&["audit", "replay", "--json"], more].concat())
}

#[test]
fn a_clone_finds_the_approvals_of_what_went_out() {
    let world = World::with(&PolicyText::usual().prod("attribution: signature"));
    let remy = world.person("remy");
    releases(&world, "one.html");
    changes_policy(
        &world,
        "  refs/heads/prod:\n    attribution: signature\n    required: 1\n",
        "  refs/heads/prod:\n    attribution: signature\n    required: 2\n",
    );
    // Clones are shown the log a second after a push, and all this may take less.
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    let answer = self::answer(&looks(&remy, &[]), 0);
    assert_eq!(answer["source"]["kind"], "clone");
    assert!(answer["source"]["checkpoint"].is_string(), "{answer}");
    assert!(
        answer["remarks"][0]["text"]
            .as_str()
            .unwrap()
            .contains("first approval")
    );

    // What came past relhook has no approval.
    let dana = world.person("dana");
    dana.takes("prod");
    let evil = dana.commits("evil.html");
    dana.offers("work/evil");
    world.moves(PROD, &evil);
    let answer = self::answer(&looks(&remy, &[]), 1);
    assert_eq!(codes(&answer), ["RH717"]);
    assert_eq!(
        answer["findings"][0]["commits"],
        Value::from(vec![evil.clone()])
    );
    // From there on there is nothing to find.
    self::answer(&looks(&remy, &["--from", &evil]), 0);
    assert_eq!(looks(&remy, &["--from", "nowhere"]).code, 2);
    let text = remy.relhook(&["audit", "replay"]);
    let text = String::from_utf8(text.out).unwrap();
    assert!(text.contains("RH717"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn a_clone_cannot_tell_what_came_first() {
    let world = World::with(&PolicyText::usual().prod("attribution: signature"));
    let rita = world.person("rita");
    let commit = releases(&world, "one.html");
    let tag = rita.git(&[
        "rev-parse",
        &format!("refs/tags/relhook/approve/{}", &commit[..12]),
    ]);
    std::thread::sleep(Duration::from_millis(1100));
    let back = [
        ("Relhook-Decision", "withdraw"),
        ("Relhook-Withdraws", &tag),
        ("Relhook-Reason", "it broke the shop"),
    ];
    says(&rita, &commit, &back);
    world.replayed(0);
    let answer = self::answer(&looks(&rita, &[]), 3);
    assert_eq!(answer["doubts"][0]["code"], "RH718");
}

#[test]
fn with_a_copy_of_the_log_a_clone_tells_as_much_as_the_server() {
    let world = World::new();
    let good = releases(&world, "index.html");
    // Which refs moved is told, so that nothing follows by itself any more.
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    let rita = world.person("rita");
    let copy = world.path("copy");
    let quiet = super::quiet(&world);
    let mut cp = command("cp", Path::new("/"));
    run(cp
        .arg("-a")
        .arg(world.server().join("relhook/audit"))
        .arg(&copy))
    .assert_ok();
    drop(quiet);
    std::fs::remove_file(copy.join("log-key")).unwrap();
    let with = |more: &[&str]| looks(&rita, &[&["--log", copy.to_str().unwrap()], more].concat());
    let answer = self::answer(&with(&[]), 0);
    assert_eq!(answer["source"]["kind"], "log");
    // Without evidence, it is a doubt.
    let evidence = copy.join("evidence");
    let away = world.path("away");
    std::fs::rename(&evidence, &away).unwrap();
    let answer = self::answer(&with(&[]), 3);
    assert_eq!(answer["doubts"][0]["code"], "RH714");
    std::fs::rename(&away, &evidence).unwrap();
    // Another key has not signed it.
    let key = world.relhook(&["audit", "key"]).text();
    self::answer(&with(&["--key", &key]), 0);
    let other = super::Site::of(1).audit(&["key"]).text();
    assert_eq!(with(&["--key", &other]).code, 4);
    // The server's log is longer by now than the copy.
    releases(&world, "two.html");
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    let old = with(&[]);
    assert_eq!(old.code, 3);
    assert!(old.err.contains("copy it again"), "{}", old.err);
    // On the server there is no question of a copy.
    let mut server = command(RELHOOK, &world.path("home/server"));
    server.arg("--git-dir").arg(world.server());
    let ran = run(server.args(["audit", "replay", "--from", &good]));
    assert_eq!(ran.code, 2);
}
