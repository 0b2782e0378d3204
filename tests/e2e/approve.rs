//! `relhook approve`, `reject` and `withdraw`: what is shown is what is signed, by git itself.

use crate::common::{PROD, Person, Ran, World, named, run_with, shown, write_program};
use std::fs;

/// Dana's commit, which the server has on a branch of hers.
fn shared<'w>(world: &'w World) -> (Person<'w>, Person<'w>, String) {
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.commits("price.txt");
    dana.pushes(&["prod:dana/price"]).accepted();
    (dana, remy, tip)
}

#[track_caller]
fn done(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{}\n{}", ran.err, shown(ran));
    shown(ran)
}

#[track_caller]
fn fails(ran: &Ran, code: i32, why: &str) {
    assert_eq!(ran.code, code, "{}\n{}", ran.err, shown(ran));
    assert!(ran.err.contains(why), "{}\n{}", ran.err, shown(ran));
}

/// The statements that the server has: ref and tag.
fn statements(world: &World) -> Vec<(String, String)> {
    let format = "--format=%(refname) %(objectname)";
    let listed = world.server_git(&["for-each-ref", format, "refs/relhook/statements/"]);
    let listed = listed.text();
    let pairs = listed.lines().map(|line| line.split_once(' ').unwrap());
    pairs.map(|(name, oid)| (name.into(), oid.into())).collect()
}

#[test]
fn an_approval_is_shown_signed_and_taken_in() {
    let world = World::new();
    let (dana, remy, tip) = shared(&world);
    let said = done(&remy.relhook(&["approve", "dana/price", "--ref", "prod", "--yes"]));
    let stored = statements(&world);
    assert_eq!(stored.len(), 1);
    let ids = [
        ("tip", tip.as_str()),
        ("yes", stored[0].1.as_str()),
        ("before", &world.server_ref(PROD).unwrap()),
    ];
    insta::assert_snapshot!(named(&said, &ids));
    assert!(
        said.lines().all(|line| line.chars().count() <= 80),
        "{said}"
    );
    dana.pushes(&["prod"]).accepted();
    // git alone can read it, and nothing is left lying about.
    let tag = world.server_git(&["cat-file", "tag", &stored[0].1]).text();
    assert!(tag.contains(&format!("\nRelhook-Commit: {tip}\n")), "{tag}");
    assert_eq!(remy.git(&["tag", "--list"]), "");
}

#[test]
fn an_openpgp_key_signs_as_well() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    dana.commits("price.txt");
    dana.pushes(&["prod:dana/price"]).accepted();
    let said = done(&rita.relhook(&["approve", "dana/price", "--ref", "prod", "--yes"]));
    assert!(said.contains("signed by rita"), "{said}");
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn nothing_is_signed_unasked() {
    let world = World::new();
    let (_, remy, _) = shared(&world);
    let approve = ["approve", "dana/price", "--ref", "prod"];
    fails(&remy.relhook(&approve), 2, "say --yes");
    assert_eq!(statements(&world), []);
}

#[test]
fn at_a_terminal_only_yes_is_yes() {
    let world = World::new();
    let (_, remy, _) = shared(&world);
    let relhook = crate::common::RELHOOK;
    let approve = format!("{relhook} approve dana/price --ref prod");
    for (answer, code, stored) in [("n\n", 1, 0), ("\n", 1, 0), ("y\n", 0, 1)] {
        let mut script = remy.command("script");
        script
            .current_dir(remy.clone_dir())
            .args(["-q", "-e", "-c", &approve, "/dev/null"]);
        let ran = run_with(&mut script, answer.as_bytes());
        assert_eq!(ran.code, code, "{answer:?}: {}", shown(&ran));
        assert!(shown(&ran).contains("Sign it? [y/N]"), "{}", shown(&ran));
        assert_eq!(statements(&world).len(), stored, "{answer:?}");
    }
}

#[test]
fn own_work_is_pointed_out() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("price.txt");
    dana.pushes(&["prod:dana/price"]).accepted();
    let ran = dana.relhook(&[
        "approve",
        "dana/price",
        "--ref",
        "prod",
        "--yes",
        "--no-push",
    ]);
    let said = done(&ran);
    assert!(
        said.contains("yours: an approval by you does not count"),
        "{said}"
    );
    assert!(said.contains("would still be refused"), "{said}");
}

#[test]
fn v_03_v_07_a_name_for_two_commits_is_not_signed() {
    let world = World::new();
    let (dana, remy, _) = shared(&world);
    remy.git(&["fetch", "-q", "origin"]);
    remy.git(&["branch", "-q", "dana/price", "origin/dana/price"]);
    dana.commits("more.txt");
    dana.pushes(&["prod:dana/price"]).accepted();
    let ran = remy.relhook(&["approve", "dana/price", "--ref", "prod", "--yes"]);
    fails(&ran, 2, "name the commit by its id");
    fails(
        &remy.relhook(&["approve", "nowhere", "--ref", "prod", "--yes"]),
        2,
        "no such commit",
    );
    let only = remy.relhook(&["approve", "origin/dana/price", "--yes"]);
    fails(&only, 2, "name the ref with --ref");
    assert_eq!(statements(&world), []);
}

#[test]
fn v_08_what_is_shown_is_the_content_whatever_the_commit_asks_for() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let dir = dana.clone_dir();
    fs::write(dir.join(".gitattributes"), "* -diff\n*.txt diff=lies\n").unwrap();
    write_program(&dir.join("run.sh"), "#!/bin/sh\n\x1b[2Kecho\u{202e}\n");
    std::os::unix::fs::symlink("/etc/passwd", dir.join("link")).unwrap();
    dana.git(&["add", "."]);
    dana.commits("\u{202e}evil.txt");
    dana.pushes(&["prod:dana/price"]).accepted();
    for (key, value) in [
        ("diff.external", "false"),
        ("diff.lies.textconv", "echo nothing to see"),
        ("core.attributesFile", "/dev/null"),
        ("diff.renames", "true"),
        ("diff.relative", "true"),
        ("color.ui", "always"),
    ] {
        remy.git(&["config", "--global", key, value]);
    }
    let args = [
        "approve",
        "dana/price",
        "--ref",
        "prod",
        "--diff",
        "--yes",
        "--no-push",
    ];
    let said = done(&remy.relhook(&args));
    for shown in [
        "run.sh  +2 -0  new executable",
        "link  +1 -0  new symlink",
        "\\u{202e}evil.txt  +1 -0  new file",
        "+\\x1b[2Kecho\\u{202e}",
        "+/etc/passwd",
    ] {
        assert!(said.contains(shown), "{shown} is not in\n{said}");
    }
    assert!(!said.contains(['\x1b', '\u{202e}']), "{said}");
    assert!(!said.contains("nothing to see"), "{said}");
}

#[test]
fn a_signature_that_would_not_count_is_not_pushed() {
    let world = World::new();
    let (_, remy, _) = shared(&world);
    let approve = ["approve", "dana/price", "--ref", "prod", "--yes"];
    remy.git(&["config", "gpg.format", "openpgp"]);
    let key = crate::common::keys().fingerprint("mallory");
    remy.git(&["config", "user.signingKey", &key]);
    fails(&remy.relhook(&approve), 1, "your signature would not count");
    remy.git(&["config", "--unset", "user.signingKey"]);
    remy.git(&["config", "--unset", "gpg.format"]);
    remy.git(&["config", "user.email", "dana@acme.example"]);
    fails(
        &remy.relhook(&approve),
        1,
        "which is not an address of remy",
    );
    remy.git(&["config", "user.email", "remy@acme.example"]);
    remy.git(&["config", "gpg.ssh.program", "false"]);
    fails(&remy.relhook(&approve), 1, "git did not sign");
    assert_eq!(statements(&world), []);
    assert_eq!(remy.git(&["tag", "--list"]), "");
}

#[test]
fn a_tag_of_the_same_name_is_left_as_it_was() {
    let world = World::new();
    let (_, remy, tip) = shared(&world);
    remy.git(&["fetch", "-q", "origin"]);
    let name = format!("relhook/approve/{}", &tip[..12]);
    remy.git(&["tag", "--no-sign", &name, &tip]);
    done(&remy.relhook(&["approve", &tip, "--ref", PROD, "--yes"]));
    assert_eq!(remy.git(&["rev-parse", &format!("refs/tags/{name}")]), tip);
}

#[test]
fn what_is_kept_here_can_be_pushed_later() {
    let world = World::new();
    let (_, remy, tip) = shared(&world);
    let said = done(&remy.relhook(&[
        "approve",
        &tip,
        "--ref",
        "prod",
        "--yes",
        "--no-push",
        "--expires",
        "30d",
        "--reason",
        "looked at it",
        "-m",
        "Tried it on staging.",
    ]));
    assert_eq!(statements(&world), []);
    let push = said.lines().last().unwrap().trim();
    let words: Vec<&str> = push.split(' ').skip(1).collect();
    remy.try_git(&words).assert_ok();
    let stored = statements(&world);
    let tag = world.server_git(&["cat-file", "tag", &stored[0].1]).text();
    for said in [
        "\nTried it on staging.\n",
        "\nRelhook-Expires: ",
        "\nRelhook-Reason: looked at it\n",
    ] {
        assert!(tag.contains(said), "{tag}");
    }
}

#[test]
fn a_rejection_stops_the_push_until_it_is_withdrawn() {
    let world = World::new();
    let (dana, remy, _) = shared(&world);
    done(&remy.relhook(&["approve", "dana/price", "--ref", "prod", "--yes"]));
    let reject = ["reject", "dana/price", "--ref", "prod", "--yes"];
    fails(&remy.relhook(&reject), 2, "--reason");
    let said = done(&remy.relhook(&[&reject[..], &["--reason", "wrong price"]].concat()));
    assert!(said.contains("It stops every push"), "{said}");
    dana.pushes(&["prod"]).refused_with("wrong price");
    let hint = said.split("relhook withdraw ").nth(1).unwrap();
    let id = hint.split(' ').next().unwrap();
    let withdraw = ["withdraw", id, "--reason", "it was right", "--yes"];
    let ran = dana.relhook(&withdraw);
    fails(&ran, 1, "RH332");
    assert!(shown(&ran).contains("It is not yours"), "{}", shown(&ran));
    let said = done(&remy.relhook(&withdraw));
    assert!(said.contains("which says `reject`"), "{said}");
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn what_is_there_already_or_not_protected_needs_no_statement() {
    let world = World::new();
    let (_, remy, tip) = shared(&world);
    let before = world.server_ref(PROD).unwrap();
    fails(
        &remy.relhook(&["approve", &before, "--ref", "prod", "--yes"]),
        2,
        "already",
    );
    fails(
        &remy.relhook(&["approve", &tip, "--ref", "dana/price", "--yes"]),
        2,
        "no rule",
    );
}
