//! Who counts as a contributor, and as whom.

use crate::common::{CommitText, PROD, Person, PolicyText, World, run};

/// Dana's work on `prod`, offered; the commit.
fn offered(dana: &Person<'_>, options: &[&str]) -> String {
    let fix = dana.commits_as("index.html", options);
    dana.offers("fix");
    fix
}

#[test]
fn i_01_author_and_committer_are_claims() {
    let world = World::new();
    let remy = world.person("remy");
    // Everything about it says Rita, but Remy made it: it is his signature.
    let rita = [
        "-c",
        "user.name=Rita Reviewer",
        "-c",
        "user.email=rita@acme.example",
    ];
    remy.git(&[&rita[..], &["commit", "-q", "--allow-empty", "-m", "seed"]].concat());
    std::fs::write(remy.clone_dir().join("evil"), "x").unwrap();
    remy.git(&["add", "evil"]);
    remy.git(&[&rita[..], &["commit", "-q", "-m", "evil"]].concat());
    let evil = remy.git(&["rev-parse", "HEAD"]);
    remy.offers("fix");
    remy.approves(&evil).accepted();
    remy.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn i_02_an_identity_that_nobody_owns() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    for options in [
        &["--author", "X <x@nowhere.example>"][..],
        &["-m", "x\n\nCo-authored-by: X <x@nowhere.example>"],
    ] {
        let fix = offered(&dana, options);
        rita.approves(&fix).accepted();
        let push = dana.pushes(&["prod"]);
        push.refused_with("RH2");
        push.refused_with("x@nowhere.example");
        dana.git(&["reset", "-q", "--hard", "HEAD^"]);
        dana.pushes(&[":refs/heads/fix"]).accepted();
    }
    // As the committer, and signed by a known key all the same.
    let nobody = ["-c", "user.email=x@nowhere.example"];
    dana.git(&[&nobody[..], &["commit", "-q", "--allow-empty", "-m", "x"]].concat());
    dana.pushes(&["prod"]).refused_with("RH2");
}

#[test]
fn i_03_i_04_i_24_identity_lines_off_the_grammar() {
    let world = World::new();
    world
        .server_git(&["config", "receive.fsckObjects", "false"])
        .assert_ok();
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    let text = CommitText::of(&dana, &fix);
    for odd in [
        "author  <> 0 +0000\n",
        "author Dana <dana@acme.example> <rita@acme.example> 1 +0000\n",
        "author Dana < dana@acme.example > 1 +0000\n",
        "author Dana dana@acme.example 1 +0000\n",
        "author Dana <dana@acme.example> 99999999999999999999 +0000\n",
        "author Dana <dana@acme.example>\n",
    ] {
        let mut evil = text.clone();
        evil.headers[2] = odd.into();
        let oid = dana.writes_signed_commit(&evil);
        let push = dana.pushes(&[&format!("{oid}:{PROD}")]);
        assert!(push.said.contains("RH"), "{odd}: {}", push.said);
        push.refused();
    }
}

#[test]
fn i_06_two_entries_of_one_human_are_two_people() {
    // Accepted: nothing in a repository tells that two registered people are one human. Who is
    // registered is the policy's business, and changing that takes an approval.
    let world = World::new();
    let (remy, rita) = (world.person("remy"), world.person("rita"));
    let fix = remy.commits("index.html");
    remy.offers("fix");
    rita.approves(&fix).accepted();
    remy.pushes(&["prod"]).accepted();
}

#[test]
fn i_07_one_identifier_of_two_people() {
    let world = World::without_relhook();
    let policy = PolicyText::usual();
    for (old, new) in [
        ("emails: [dora@acme.example]", "emails: [dana@acme.example]"),
        ("emails: [dora@acme.example]", "emails: [DANA@acme.example]"),
        ("logins: [dora]", "logins: [dana]"),
    ] {
        world.write_policy(&policy.clone().replacing(old, new));
        let ran = world.init(&["--policy", "policy.yaml", "--keys", "keys"]);
        assert_eq!(ran.code, 1, "{new}");
        assert!(ran.err.contains("policy.yaml:"), "{}", ran.err);
    }
}

#[test]
fn i_08_a_mailmap_changes_nobody() {
    let world = World::new();
    let remy = world.person("remy");
    let map = "Rita Reviewer <rita@acme.example> <remy@acme.example>\n";
    std::fs::write(remy.clone_dir().join(".mailmap"), map).unwrap();
    remy.git(&["add", ".mailmap"]);
    let fix = remy.commits("index.html");
    remy.offers("fix");
    remy.approves(&fix).accepted();
    remy.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn i_09_co_authors_wherever_they_stand() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    for message in [
        "x\n\nCo-authored-by: Rita <rita@acme.example>",
        "x\n\nCo-authored-by: Rita <rita@acme.example>\n\nand more prose",
        "x\nco-authored-by: Rita <rita@acme.example>",
        "x\n\nprose\nCO-AUTHORED-BY: Rita <RITA@acme.example>\nprose",
        "x\n\n  Co-authored-by: Rita <rita@acme.example>",
        "x\n\n---\nCo-authored-by: Rita <rita@acme.example>",
    ] {
        dana.takes("prod");
        std::fs::write(dana.clone_dir().join("f"), message).unwrap();
        dana.git(&["add", "f"]);
        dana.git(&["commit", "-q", "--cleanup=verbatim", "-m", message]);
        let fix = dana.git(&["rev-parse", "HEAD"]);
        dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
        rita.approves(&fix).accepted();
        let push = dana.pushes(&["prod"]);
        assert!(
            !push.went_in && push.said.contains("RH401"),
            "{message}: {}",
            push.said
        );
    }
}

#[test]
fn i_14_only_the_configured_variable_says_who_pushes() {
    let world = World::with(&PolicyText::usual().prod("push: [developers]"));
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = offered(&dana, &[]);
    rita.approves(&fix).accepted();
    rita.takes("fix");
    let push_as = |changes: &[(&str, &str)]| {
        let mut git = rita.git_command();
        git.env_remove("RELHOOK_USER")
            .args(["push", "origin", "HEAD:prod"]);
        for (name, value) in changes {
            git.env(name, value);
        }
        run(&mut git)
    };
    for changes in [
        &[][..],
        &[
            ("REMOTE_USER", "dana"),
            ("GL_USER", "dana"),
            ("HTTP_REMOTE_USER", "dana"),
        ],
        &[
            ("HTTP_X_REMOTE_USER", "dana"),
            ("GIT_COMMITTER_NAME", "dana"),
            ("USER", "dana"),
        ],
        &[("RELHOOK_USER", "rita"), ("LOGNAME", "dana")],
        &[("RELHOOK_USER", "Dana")],
        &[("RELHOOK_USER", "")],
        &[("RELHOOK_USER", "nobody")],
    ] {
        let ran = push_as(changes);
        assert!(
            ran.code != 0 && ran.err.contains("RH2"),
            "{changes:?}: {}",
            ran.err
        );
    }
    assert_eq!(push_as(&[("RELHOOK_USER", "dana")]).code, 0);
}

#[test]
fn i_16_the_signer_of_a_commit_is_one_of_its_contributors() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.takes("fix");
    // Rita signs Dana's commit anew, without a word of her own in it.
    let resigned = rita.writes_signed_commit(&CommitText::of(&rita, &fix));
    rita.pushes(&[&format!("{resigned}:refs/heads/resigned")])
        .accepted();
    rita.approves(&resigned).accepted();
    rita.pushes(&[&format!("{resigned}:{PROD}")])
        .refused_with("RH401");
}

#[test]
fn i_22_two_keys_of_one_person_are_one_approval() {
    let world = World::with(&PolicyText::usual().replacing(
        "  refs/heads/prod:\n    required: 1",
        "  refs/heads/prod:\n    required: 2",
    ));
    let (dana, rita, remy) = (
        world.person("dana"),
        world.person("rita"),
        world.person("remy"),
    );
    let fix = offered(&dana, &[]);
    rita.approves(&fix).accepted();
    let second = crate::common::keys().ssh("rita-ssh");
    rita.git(&["config", "gpg.format", "ssh"]);
    rita.git(&["config", "user.signingKey", second.to_str().unwrap()]);
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
    remy.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
}
