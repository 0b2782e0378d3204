//! Machine checks, through real pushes: the account of a job, with a key of its own.

use crate::common::{POLICY, PROD, Person, PolicyText, Words, World, documented, keys, shown};

/// `prod` needs tests and a scan, for which the machine `ci` speaks; a second one may only scan.
fn policy() -> PolicyText {
    let mut policy = PolicyText::usual().prod("checks: [tests, scan]");
    let (ci, scanner) = (keys().ssh_public("mallory-ssh"), "openpgp:");
    let scanner = format!("{scanner}{}", keys().fingerprint("mallory"));
    policy.yaml.push_str(&format!(
        "machines:\n  ci: {{keys: [\"{ci}\"], checks: [tests, scan]}}\n  \
         scanner: {{keys: [\"{scanner}\"], checks: [scan]}}\n"
    ));
    let key = keys().openpgp_public("mallory");
    policy.keys.insert("scanner.asc".into(), key);
    policy
}

/// The account of the jobs. No person of the policy has its login, its address or its keys.
fn job(world: &World) -> Person<'_> {
    let job = world.person("mallory");
    job.git(&["config", "gpg.format", "ssh"]);
    let key = keys().ssh("mallory-ssh");
    job.git(&["config", "user.signingKey", key.to_str().unwrap()]);
    job
}

fn attests(job: &Person<'_>, name: &str, result: &str, commit: &str) -> i32 {
    job.git(&["fetch", "-q", "origin"]);
    let words = ["attest-check", "--name", name, "--result", result];
    let ran = job.relhook(&[&words[..], &["--ref", "prod", commit]].concat());
    ran.code
}

#[test]
fn a_push_waits_for_the_machines_word_about_exactly_this_commit() {
    let world = World::with(&policy());
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let before = dana.commits("index.html");
    dana.offers("fix");
    let job = job(&world);
    assert_eq!(attests(&job, "tests", "pass", &before), 0);
    assert_eq!(attests(&job, "scan", "pass", &before), 0);
    let fix = dana.commits("more.html");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH545");
    refused.refused_with("no machine says how `tests` went");
    refused.refused_with("relhook attest-check --name tests");
    let ran = dana.relhook(&["check", "origin", "prod"]);
    assert_eq!(ran.code, 1);
    assert!(shown(&ran).contains("RH545"), "{}", shown(&ran));

    assert_eq!(attests(&job, "tests", "pass", &fix), 0);
    assert_eq!(attests(&job, "scan", "fail", &fix), 0);
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH546");
    refused.refused_with("`scan` failed");
    // Its last word counts; the server sees them in whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(attests(&job, "scan", "pass", &fix), 0);
    let ran = dana.relhook(&["check", "--json", "origin", "prod"]);
    ran.assert_ok();
    documented(&serde_json::from_slice(&ran.out).unwrap());
    let pushed = dana.pushes(&["prod"]);
    pushed.accepted();
    assert!(pushed.said.contains("tests (ci)"), "{}", pushed.said);
    assert_eq!(world.server_ref(PROD), Some(fix));
    let log = world.log();
    let checks = &log.last().unwrap()["report"]["updates"][0]["checks"];
    assert_eq!(checks[0]["machine"], "ci", "{checks}");
    let report = world.relhook(&["report"]).text();
    let passed = "<span class=\"good\">tests</span> by ci";
    assert!(report.contains(passed), "{report}");
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn a_machine_says_nothing_but_its_own_checks() {
    let world = World::with(&policy());
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    dana.offers("fix");
    let job = job(&world);
    job.git(&["fetch", "-q", "origin"]);
    // It approves nothing, whatever address it takes.
    job.git(&["config", "user.email", "rita@acme.example"]);
    let yes = job.states(&Words::approve(&job, &fix));
    job.pushes(&[&yes]).refused_with("RH549");
    let mut no = Words::approve(&job, &fix);
    no.set("Relhook-Decision", "reject")
        .set("Relhook-Reason", "mine");
    let no = job.states(&no);
    job.pushes(&[&no]).refused_with("RH549");
    // Nor does it speak for a check that is not its own: the scanner signs with OpenPGP.
    job.git(&["config", "gpg.format", "openpgp"]);
    job.git(&["config", "user.signingKey", &keys().fingerprint("mallory")]);
    assert_eq!(attests(&job, "tests", "pass", &fix), 1);
    assert_eq!(attests(&job, "scan", "pass", &fix), 0);
    // And what it commits is nobody's.
    job.git(&["checkout", "-q", "-B", "robot", &fix]);
    job.commits("robot.html");
    job.pushes(&["robot:prod"]).refused_with("RH302");
}

#[test]
fn no_person_says_how_a_check_went() {
    let world = World::with(&policy());
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    remy.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&remy, &fix);
    words.set("Relhook-Decision", "check");
    words.drop("Relhook-Base");
    words
        .set("Relhook-Check", "tests")
        .set("Relhook-Result", "pass");
    remy.pushes(&[&remy.states(&words)]).refused_with("RH550");
    let ran = remy.relhook(&[
        "attest-check",
        "--name",
        "tests",
        "--result",
        "pass",
        "--ref",
        "prod",
        &fix,
    ]);
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("for a machine"), "{}", ran.err);
}

#[test]
fn a_machines_statements_about_one_commit_are_not_without_number() {
    let world = World::with(&policy());
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    dana.offers("fix");
    let job = job(&world);
    job.git(&["fetch", "-q", "origin"]);
    let mut refspecs = Vec::new();
    for number in 0..65 {
        let mut words = Words::approve(&job, &fix);
        words.set("Relhook-Decision", "check");
        words.drop("Relhook-Base");
        words
            .set("Relhook-Check", "tests")
            .set("Relhook-Result", "pass");
        words.set("Relhook-Reason", &format!("run {number}"));
        refspecs.push(job.states(&words));
    }
    let all: Vec<&str> = refspecs.iter().map(String::as_str).collect();
    job.pushes(&all).refused_with("RH334");
    job.pushes(&all[..64]).accepted();
    job.pushes(&all[64..]).refused_with("RH334");
}

#[test]
fn a_key_is_no_persons_and_no_machines_at_once() {
    let world = World::new();
    let paul = world.person("paul");
    paul.git(&["fetch", "-q", "origin", POLICY]);
    paul.git(&["checkout", "-q", "--detach", "FETCH_HEAD"]);
    let key = keys().ssh_public("remy");
    let mut text = PolicyText::usual();
    text.yaml.push_str(&format!(
        "machines:\n  ci: {{keys: [\"{key}\"], checks: [tests]}}\n"
    ));
    std::fs::write(paul.clone_dir().join("policy.yaml"), &text.yaml).unwrap();
    paul.git(&["commit", "-q", "-am", "A robot with a human key"]);
    let refused = paul.pushes(&[&format!("HEAD:{POLICY}")]);
    refused.refused_with("RH803");
    refused.refused_with("belongs to `remy` (line");
}
