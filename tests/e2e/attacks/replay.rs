//! What a statement, a policy or a path is taken for, and is not.

use crate::common::{POLICY, Person, PolicyText, Words, World};
use crate::common::{RawPush, ZERO, run};

fn work(world: &World) -> (Person<'_>, Person<'_>, String) {
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    remy.takes("fix");
    (dana, remy, fix)
}

/// Commits a change of the policy on the branch `draft`, offered; the commit.
fn drafts(paul: &Person<'_>, old: &str, new: &str) -> String {
    paul.git(&["fetch", "-q", "origin", POLICY]);
    paul.git(&["checkout", "-q", "-B", "policy", "FETCH_HEAD"]);
    let file = paul.clone_dir().join("policy.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(old), "{old} is not in\n{text}");
    std::fs::write(&file, text.replacen(old, new, 1)).unwrap();
    paul.git(&["commit", "-q", "-a", "-m", "Change the policy"]);
    paul.pushes(&["+HEAD:refs/heads/draft"]).accepted();
    paul.git(&["rev-parse", "HEAD"])
}

/// The same, approved by Rita and in force.
fn changes(world: &World, old: &str, new: &str) -> String {
    let (paul, rita) = (world.person("paul"), world.person("rita"));
    let change = drafts(&paul, old, new);
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &change);
    let base = world.server_ref(POLICY).unwrap();
    words.set("Relhook-Ref", POLICY).set("Relhook-Base", &base);
    let statement = rita.states(&words);
    rita.pushes(&[&format!("{change}:{POLICY}"), &statement])
        .accepted();
    change
}

#[test]
fn v_15_v_19_a_statement_that_says_less_or_more_than_one_commit() {
    let world = World::new();
    let (_, remy, fix) = work(&world);
    for (key, value) in [
        ("Relhook-Paths", "docs/**"),
        ("Relhook-Scope", "everything below"),
        ("Relhook-Commit", "any"),
        ("Relhook-Commit", ZERO),
        ("Relhook-Commit", "*"),
        ("Relhook-Ref", "refs/heads/*"),
        ("Relhook-Ref", "*"),
    ] {
        let mut words = Words::approve(&remy, &fix);
        words.set(key, value);
        remy.pushes(&[&remy.states(&words)]).refused_with("RH324");
    }
}

#[test]
fn v_21_a_quorum_that_is_spread_over_the_commits() {
    let world = World::with(&PolicyText::usual().replacing(
        "  refs/heads/prod:\n    required: 1",
        "  refs/heads/prod:\n    required: 2",
    ));
    let (dana, remy, first) = work(&world);
    let rita = world.person("rita");
    let second = dana.commits("more");
    dana.offers("fix");
    remy.approves(&first).accepted();
    // Rita looked at the second commit alone.
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &second);
    words.set("Relhook-Base", &first);
    rita.pushes(&[&rita.states(&words)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn k_04_a_signers_own_date_makes_nothing_valid() {
    let world = World::new();
    let (dana, remy, fix) = work(&world);
    // Dated to when the statement had not expired yet.
    let mut words = Words::approve(&remy, &fix);
    words.set("Relhook-Expires", "2020-01-01T00:00:00Z");
    let text = words.text();
    let name = format!("relhook/approve/{}", &fix[..12]);
    let mut git = remy.git_command();
    git.env("GIT_COMMITTER_DATE", "2019-06-01T00:00:00Z").args([
        "tag",
        "-s",
        "-f",
        "-m",
        &text,
        "--cleanup=verbatim",
        &name,
        &fix,
    ]);
    run(&mut git).assert_ok();
    let tag = remy.git(&["rev-parse", &format!("refs/tags/{name}")]);
    let _ = remy.pushes(&[&remy.refspec(&tag, &fix)]);
    dana.pushes(&["prod"]).refused_with("RH4");
}

#[test]
fn k_07_one_ssh_key_of_two_people() {
    let world = World::without_relhook();
    let keys = crate::common::keys();
    let policy = PolicyText::usual().replacing(&keys.ssh_public("dora"), &keys.ssh_public("dana"));
    world.write_policy(&policy);
    let ran = world.init(&["--policy", "policy.yaml", "--keys", "keys"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("policy.yaml:"), "{}", ran.err);
}

#[test]
fn k_08_a_key_that_is_taken_out_of_the_policy() {
    let world = World::new();
    let (dana, remy, fix) = work(&world);
    remy.approves(&fix).accepted();
    let key = crate::common::keys().ssh_public("remy");
    changes(&world, &format!("      - {key}\n"), "");
    dana.pushes(&["prod"]).refused_with("RH4");
    // And nothing new of it is taken in.
    let mut words = Words::approve(&remy, &fix);
    words.set("Relhook-Reason", "once more");
    remy.pushes(&[&remy.states(&words)]).refused_with("RH302");
}

#[test]
fn g_04_an_old_history_that_is_merged_later() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    // Dated long before anybody knew of relhook, and by nobody.
    dana.git(&["checkout", "-q", "--orphan", "old"]);
    let long_ago = "1999-01-01T00:00:00Z";
    let mut git = dana.git_command();
    git.env("GIT_AUTHOR_DATE", long_ago)
        .env("GIT_COMMITTER_DATE", long_ago)
        .args(["-c", "user.email=x@nowhere.example", "commit", "-q"])
        .args(["--no-gpg-sign", "--allow-empty", "-m", "old"]);
    run(&mut git).assert_ok();
    dana.git(&["checkout", "-q", "prod"]);
    dana.git(&[
        "merge",
        "-q",
        "--allow-unrelated-histories",
        "-m",
        "m",
        "old",
    ]);
    let tip = dana.git(&["rev-parse", "HEAD"]);
    dana.offers("fix");
    remy.approves(&tip).accepted();
    dana.pushes(&["prod"]).refused_with("RH2");
}

#[test]
fn g_23_names_that_could_be_options_or_revisions() {
    let world = World::new();
    let (dana, ..) = work(&world);
    let traps = [
        "--output=trap",
        "@{-1}",
        ":/Change",
        "^{/x}",
        "-x",
        "HEAD@{0}",
        "$(touch trap)",
    ];
    for trap in traps {
        for command in ["approve", "check", "reject"] {
            let ran = dana.relhook(&[command, "--", trap]);
            assert_ne!(ran.code, 0, "{command} {trap}");
        }
    }
    assert!(!dana.clone_dir().join("trap").exists());
}

#[test]
fn o_19_a_tag_around_a_statement() {
    let world = World::new();
    let (dana, remy, fix) = work(&world);
    let inner = remy.signs(&Words::approve(&remy, &fix));
    let text = format!(
        "object {inner}\ntype tag\ntag relhook/approve/{}\ntagger {} 1 +0000\n\nx\n",
        &fix[..12],
        remy.address()
    );
    let outer = remy.writes_object("tag", text.as_bytes());
    let name = remy.statement_ref(&outer, &fix);
    RawPush::new()
        .command(ZERO, &outer, &name)
        .send(&remy)
        .refused_with("RH324");
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn y_02_an_older_policy_pushed_again() {
    let world = World::new();
    let old = world.server_ref(POLICY).unwrap();
    changes(
        &world,
        "reviewers: [rita, remy, vera]",
        "reviewers: [rita, remy]",
    );
    let now = world.server_ref(POLICY).unwrap();
    let paul = world.person("paul");
    paul.pushes(&[&format!("+{old}:{POLICY}")])
        .refused_with("RH102");
    RawPush::new()
        .command(ZERO, &old, POLICY)
        .send(&paul)
        .refused_with("RH1");
    assert_eq!(world.server_ref(POLICY), Some(now));
}

#[test]
fn y_11_y_19_y_20_y_21_y_22_what_a_policy_is_not() {
    let world = World::without_relhook();
    world.write_policy(&PolicyText::usual());
    let yaml = PolicyText::usual().yaml;
    let target = |more: &str| {
        format!("{yaml}targets:\n  www:\n    kind: dir\n    path: /srv/www\n    {more}\n")
    };
    let cut = |at: usize| yaml[..yaml.len() * at / 10].to_owned();
    for unsound in [
        format!("{yaml}---\nversion: 1\n"),
        format!("\u{feff}{yaml}"),
        target("password: secret"),
        target("user: ftp"),
        format!("include: other.yaml\n{yaml}"),
        yaml.replace("acme/site", "!env HOME"),
        yaml.replace(
            "    emails: [dana@",
            "    valid_from: 1999-01-01\n    emails: [dana@",
        ),
        cut(1),
        cut(3),
        cut(5),
        cut(7),
        cut(9),
    ] {
        std::fs::write(world.path("policy.yaml"), &unsound).unwrap();
        let ran = world.init(&["--policy", "policy.yaml", "--keys", "keys"]);
        assert_eq!(ran.code, 1, "{unsound}");
        assert_eq!(world.server_ref(POLICY), None);
    }
    // Nothing is filled in from the environment either.
    std::fs::write(
        world.path("policy.yaml"),
        yaml.replace("acme/site", "acme/$HOME"),
    )
    .unwrap();
    let ran = world.init(&["--policy", "policy.yaml", "--keys", "keys"]);
    assert!(!ran.err.contains("/home/server"), "{}", ran.err);
}

#[test]
fn y_15_every_rule_that_matches_applies() {
    let policy = PolicyText::usual().replacing(
        "  refs/heads/prod:\n",
        "  refs/heads/**:\n    required: 1\n    from: [admins]\n  refs/heads/prod:\n",
    );
    let world = World::with(&policy);
    let (dana, remy, paul) = (
        world.person("dana"),
        world.person("remy"),
        world.person("paul"),
    );
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/tags/fix"]).accepted();
    for (approver, enough) in [(&remy, false), (&paul, true)] {
        approver.git(&["fetch", "-q", "--tags", "origin"]);
        approver.approves(&fix).accepted();
        let push = dana.pushes(&["prod"]);
        assert_eq!(push.went_in, enough, "{}", push.said);
    }
}

/// A rule by which only admins may pass what touches `infra`.
fn owned(pattern: &str) -> PolicyText {
    PolicyText::usual().prod(&format!(
        "paths:\n      - match: ['{pattern}']\n        required: 1\n        from: [admins]"
    ))
}

/// Offers what Dana stands on, approved by a reviewer who owns nothing; what the push says.
fn shows(world: &World) -> crate::common::Push {
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.git(&["rev-parse", "HEAD"]);
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    remy.approves(&tip).accepted();
    dana.pushes(&["HEAD:prod"])
}

#[test]
fn q_01_a_star_stays_within_its_folder() {
    let world = World::with(&owned("infra/*"));
    let dana = world.person("dana");
    dana.commits("infra/deep/file");
    shows(&world).accepted();
    dana.commits("infra/file");
    shows(&world).refused_with("RH402");
}

#[test]
fn q_06_q_13_names_of_any_bytes_are_owned() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::with(&owned("infra/**"));
    let dana = world.person("dana");
    for name in [
        &b"\xff"[..],
        b"a\nb",
        b"\"quoted\"",
        b"tab\there",
        "\u{e9}".as_bytes(),
    ] {
        std::fs::create_dir_all(dana.clone_dir().join("infra")).unwrap();
        let file = dana
            .clone_dir()
            .join("infra")
            .join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(&file, "x").unwrap();
        dana.git(&["add", "-A"]);
        dana.git(&["commit", "-q", "-m", "odd"]);
        shows(&world).refused_with("RH402");
        dana.git(&["reset", "-q", "--hard", "HEAD^"]);
    }
}

#[test]
fn q_07_q_08_q_09_modes_links_and_submodules_are_changes() {
    let world = World::with(&owned("infra/**"));
    let (dana, remy, paul) = (
        world.person("dana"),
        world.person("remy"),
        world.person("paul"),
    );
    dana.commits("infra/file");
    std::os::unix::fs::symlink("file", dana.clone_dir().join("infra/link")).unwrap();
    dana.git(&["add", "-A"]);
    dana.git(&["commit", "-q", "-m", "link"]);
    let tip = dana.git(&["rev-parse", "HEAD"]);
    dana.offers("fix");
    remy.approves(&tip).accepted();
    paul.approves(&tip).accepted();
    dana.pushes(&["prod"]).accepted();
    let module = format!("160000,{tip},infra/module");
    let link = dana.writes_object("blob", b"../../secret");
    let link = format!("120000,{link},infra/link");
    for change in [
        &["update-index", "--chmod=+x", "infra/file"][..],
        &["update-index", "--add", "--cacheinfo", &module],
        &["update-index", "--cacheinfo", &link],
        &["update-index", "--force-remove", "infra/file"],
    ] {
        dana.git(change);
        dana.git(&["commit", "-q", "-m", "change"]);
        shows(&world).refused_with("RH402");
        dana.git(&["reset", "-q", "--hard", &tip]);
    }
}

#[test]
fn q_14_a_change_that_a_later_commit_takes_back_is_one_too() {
    let world = World::with(&owned("infra/**"));
    let dana = world.person("dana");
    dana.commits("infra/file");
    dana.git(&["revert", "--no-edit", "HEAD"]);
    dana.commits("index.html");
    let push = shows(&world);
    push.refused_with("RH402");
    push.refused_with("infra/file");
}

#[test]
fn n_08_a_statement_before_its_commit() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    remy.takes_from(&dana, "prod");
    let tag = remy.signs(&Words::approve(&remy, &fix));
    let name = remy.statement_ref(&tag, &fix);
    let push = RawPush::new().packing(&[&tag]).command(ZERO, &tag, &name);
    push.send(&remy).refused();
    dana.offers("fix");
    remy.pushes(&[&format!("{tag}:{name}")]).accepted();
}
