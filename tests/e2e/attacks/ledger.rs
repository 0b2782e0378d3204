//! Who brought what: pushes that come first, that hide what they bring, that are refused or killed
//! after they were accepted.

use crate::common::{PROD, Person, PolicyText, RawPush, World, ZERO, run_with, write_program};

/// `prod` takes who first pushed a commit for who made it.
fn by_pusher() -> World {
    World::with(&PolicyText::usual().prod("attribution: signature-or-pusher"))
}

/// A commit of hers that she did not sign.
fn unsigned(dana: &Person<'_>) -> String {
    dana.commits_as("index.html", &["--no-gpg-sign"])
}

/// Puts `before` and `after` around a hook, which is read from its standard input as it was.
fn around(world: &World, hook: &str, before: &str, after: &str) {
    let path = world.server().join("hooks").join(hook);
    let kept = world.server().join("hooks").join(format!("{hook}.kept"));
    std::fs::rename(&path, &kept).unwrap();
    let text = format!(
        "#!/bin/sh\n{before}\n\"{}\" \"$@\" || exit 1\n{after}\n",
        kept.display()
    );
    write_program(&path, &text);
}

fn undone(world: &World, hook: &str) {
    let hooks = world.server().join("hooks");
    std::fs::rename(hooks.join(format!("{hook}.kept")), hooks.join(hook)).unwrap();
}

/// Whether an approval of this reviewer covers a commit for a push to `prod`.
fn may_approve(reviewer: &Person<'_>, pusher: &Person<'_>, commit: &str) -> bool {
    reviewer.approves(commit).accepted();
    let push = pusher.pushes(&[&format!("{commit}:{PROD}")]);
    if !push.went_in {
        push.refused_with("RH401");
    }
    push.went_in
}

#[test]
fn i_12_who_pushed_it_first_to_any_branch_may_not_approve_it() {
    let world = World::new();
    let (dana, rita, remy) = (
        world.person("dana"),
        world.person("rita"),
        world.person("remy"),
    );
    let fix = dana.commits("index.html");
    remy.takes_from(&dana, "prod");
    remy.offers("helpful");
    assert!(!may_approve(&remy, &dana, &fix));
    // Deleting the branch takes nothing back, and neither does a lost ledger.
    remy.pushes(&[":refs/heads/helpful"]).accepted();
    dana.pushes(&[&format!("{fix}:{PROD}")])
        .refused_with("RH401");
    crate::audit::loses_ledger(&world);
    dana.pushes(&[&format!("{fix}:{PROD}")])
        .refused_with("RH401");
    rita.takes_from(&dana, "prod");
    assert!(may_approve(&rita, &dana, &fix));
}

#[test]
fn i_12_what_a_known_person_pushed_first_is_theirs_whoever_pushes_it_on() {
    let world = by_pusher();
    let (dana, dora, rita) = (
        world.person("dana"),
        world.person("dora"),
        world.person("rita"),
    );
    let fix = unsigned(&dana);
    dana.offers("fix");
    rita.approves(&fix).accepted();
    dora.takes("fix");
    dora.pushes(&[&format!("{fix}:{PROD}")]).accepted();
}

#[test]
fn i_12_what_came_past_the_hooks_is_nobodys() {
    let world = by_pusher();
    let (dana, dora, rita) = (
        world.person("dana"),
        world.person("dora"),
        world.person("rita"),
    );
    let fix = unsigned(&dana);
    let from = dana.clone_dir();
    let from = from.to_str().unwrap();
    world
        .server_git(&["fetch", "-q", from, "prod:refs/heads/fetched"])
        .assert_ok();
    rita.approves(&fix).accepted();
    // Nor does bringing it once more make it anybody's.
    dora.takes("fetched");
    for pusher in [&dora, &dana] {
        pusher
            .pushes(&[&format!("{fix}:{PROD}")])
            .refused_with("RH202");
    }
}

#[test]
fn p_16_naming_what_is_there_makes_nobody_its_first_pusher() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    remy.takes("fix");
    remy.offers("named");
    // Nor does sending it once more.
    RawPush::new()
        .command(ZERO, &fix, "refs/heads/sent")
        .send(&remy)
        .accepted();
    assert!(may_approve(&remy, &dana, &fix));
}

#[test]
fn p_17_what_travels_hidden_is_its_carriers() {
    let world = World::new();
    let (dana, rita, remy) = (
        world.person("dana"),
        world.person("rita"),
        world.person("remy"),
    );
    let fix = dana.commits("index.html");
    remy.takes_from(&dana, "prod");
    remy.git(&["reset", "-q", "--hard", "HEAD^"]);
    let other = remy.commits("readme");
    RawPush::new()
        .command(ZERO, &other, "refs/heads/readme")
        .with_object(&fix)
        .send(&remy)
        .accepted();
    dana.offers("fix");
    assert!(!may_approve(&remy, &dana, &fix));
    assert!(may_approve(&rita, &dana, &fix));
}

#[test]
fn d_11_a_push_that_another_program_refuses_afterwards_claims_nothing() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    remy.takes_from(&dana, "prod");
    around(&world, "pre-receive", "", "exit 1");
    remy.pushes(&["HEAD:refs/heads/helpful"]).refused();
    undone(&world, "pre-receive");
    dana.offers("fix");
    assert!(may_approve(&remy, &dana, &fix));
}

#[test]
fn d_08_a_push_that_is_killed_before_its_objects_are_in_claims_nothing() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    remy.takes_from(&dana, "prod");
    around(&world, "pre-receive", "", "kill -9 $PPID");
    remy.pushes(&["HEAD:refs/heads/helpful"]).refused();
    undone(&world, "pre-receive");
    assert_eq!(world.server_ref("refs/heads/helpful"), None);
    // What it leaves behind looks like a push under way until it is cleared up, as git does.
    for entry in std::fs::read_dir(world.server().join("objects")).unwrap() {
        let path = entry.unwrap().path();
        if path.display().to_string().contains("incoming-") {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    dana.offers("fix");
    assert!(may_approve(&remy, &dana, &fix));
}

#[test]
fn d_08_a_push_that_is_killed_when_its_objects_are_in_keeps_what_it_brought() {
    let world = by_pusher();
    let (dana, dora, rita, remy) = (
        world.person("dana"),
        world.person("dora"),
        world.person("rita"),
        world.person("remy"),
    );
    let fix = unsigned(&dana);
    around(&world, "reference-transaction", "kill -9 $PPID; exit 1", "");
    dana.pushes(&["HEAD:refs/heads/fix"]).refused();
    undone(&world, "reference-transaction");
    assert_eq!(world.server_ref("refs/heads/fix"), None);
    world.server_git(&["cat-file", "-e", &fix]).assert_ok();
    // Others only name it: it stays hers, and is not anonymous.
    remy.takes_from(&dana, "prod");
    remy.offers("other");
    rita.approves(&fix).accepted();
    dora.takes("other");
    dora.pushes(&[&format!("{fix}:{PROD}")]).accepted();
}

#[test]
fn l_11_a_list_of_arrivals_that_is_gone_stops_everything_once_the_ledger_is_lost() {
    let world = World::new();
    let dana = world.person("dana");
    let many: String = (0..150)
        .map(|number| {
            format!("commit refs/heads/many\ncommitter D <d@x> {number} +0000\ndata 0\n\n")
        })
        .collect();
    run_with(
        dana.git_command().args(["fast-import", "--quiet"]),
        many.as_bytes(),
    )
    .assert_ok();
    dana.pushes(&["many"]).accepted();
    let entry = world.log().pop().unwrap();
    assert_eq!(entry["arrivals"]["count"], 150);
    assert_eq!(entry["arrivals"]["by"]["person"], "dana");
    let list = entry["arrivals"]["lists"][0].as_str().unwrap();
    let list = world.server().join("relhook/audit/evidence").join(list);
    let ids = std::fs::read_to_string(&list).unwrap();
    assert_eq!(ids.lines().count(), 150);
    std::fs::remove_file(list).unwrap();
    dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/a"]).accepted();
    crate::audit::loses_ledger(&world);
    let push = dana.pushes(&["HEAD:refs/heads/b"]);
    push.refused_with("RH702");
    push.refused_with("missing or altered");
}

#[test]
fn v_10_an_approving_commit_ages_from_when_it_came_to_any_branch() {
    let world = World::with(&PolicyText::usual().prod("expire: 1d"));
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    dana.commits("index.html");
    dana.offers("fix");
    remy.takes("fix");
    let message = "Approve\n\nRelhook-Approve: refs/heads/prod\nRelhook-Repository: acme/site";
    remy.git(&["commit", "-q", "--allow-empty", "-m", message]);
    remy.offers("fix");
    dana.takes("fix");
    dana.pushes(&[&format!("HEAD:{PROD}")]).accepted();
}

#[test]
fn x_04_a_whole_history_of_100_000_commits_goes_in_at_once_in_bounded_memory() {
    let world = World::new();
    let dana = world.person("dana");
    let history: String = (0..100_000)
        .map(|number| {
            format!(
                "commit refs/heads/all\ncommitter D <d@x> {number} +0000\ndata 8\n{number:07}\n\
                 M 644 inline f{}\ndata 8\n{number:07}\n\n",
                number % 100
            )
        })
        .collect();
    run_with(
        dana.git_command().args(["fast-import", "--quiet"]),
        history.as_bytes(),
    )
    .assert_ok();
    // Address space, which is more than what is used: libraries and mapped files count.
    around(&world, "pre-receive", "ulimit -v 500000", "");
    let begun = std::time::Instant::now();
    dana.pushes(&["all"]).accepted();
    let took = begun.elapsed();
    assert!(took.as_secs() < 300, "{took:?}");
    let entry = world.log().pop().unwrap();
    assert_eq!(entry["arrivals"]["count"], 100_000);
    // Lost, it comes back whole.
    crate::audit::loses_ledger(&world);
    let next = std::time::Instant::now();
    dana.pushes(&["all:refs/heads/again"]).accepted();
    assert!(next.elapsed().as_secs() < 120);
    eprintln!("first {took:?}, rebuild {:?}", next.elapsed());
}

#[test]
fn r_01_of_two_pushes_at_once_the_one_that_gets_in_brought_it() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    remy.takes_from(&dana, "prod");
    around(&world, "pre-receive", "", "sleep 3; exit 1");
    let entries = world.log().len();
    let mut push = remy.git_command();
    push.args(["push", "-q", "origin", "HEAD:refs/heads/helpful"]);
    let mut under_way = push.stderr(std::process::Stdio::null()).spawn().unwrap();
    while world.log().len() == entries {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // remy's is accepted and not in yet when hers comes; then it comes to nothing.
    undone(&world, "pre-receive");
    dana.offers("fix");
    assert!(under_way.try_wait().unwrap().is_none());
    assert!(!under_way.wait().unwrap().success());
    assert!(may_approve(&remy, &dana, &fix));
}
