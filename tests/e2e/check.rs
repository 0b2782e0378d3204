//! `relhook check`: what it says is what the server then does.

use crate::common::{POLICY, PROD, Person, PolicyText, World, documented, named, shown};

#[track_caller]
fn fits(text: &str) {
    for line in text.lines().filter(|line| !line.contains("git push")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[track_caller]
fn says(person: &Person<'_>, args: &[&str], code: i32) -> String {
    let ran = person.relhook(&[&["check"], args].concat());
    assert_eq!(ran.code, code, "{}\n{}", ran.err, shown(&ran));
    shown(&ran)
}

#[test]
fn an_unapproved_commit_would_be_refused_and_so_it_is() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("price.txt");
    let said = says(&dana, &["origin", "prod"], 1);
    fits(&said);
    let ids = [
        ("tip", tip.as_str()),
        ("policy", &world.server_ref(POLICY).unwrap()),
        ("before", &world.server_ref(PROD).unwrap()),
    ];
    insta::assert_snapshot!(named(&said, &ids));
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn an_approved_commit_would_be_accepted_and_so_it_is() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.commits("price.txt");
    dana.pushes(&["prod:dana/price"]).accepted();
    remy.git(&["fetch", "-q", "origin"]);
    remy.approves(&tip).accepted();
    let said = says(&dana, &["origin", "prod"], 0);
    fits(&said);
    let statement = remy.git(&[
        "rev-parse",
        &format!("refs/tags/relhook/approve/{}", &tip[..12]),
    ]);
    let ids = [
        ("tip", tip.as_str()),
        ("yes", &statement),
        ("policy", &world.server_ref(POLICY).unwrap()),
        ("before", &world.server_ref(PROD).unwrap()),
    ];
    insta::assert_snapshot!(named(&said, &ids));
    // Again: the policy is no news any more.
    assert!(!says(&dana, &["origin", "prod"], 0).contains("first time"));
    dana.pushes(&["prod"]).accepted();
    let said = says(&dana, &[], 0);
    assert!(said.contains("Nothing to push"), "{said}");
}

#[test]
fn json_has_a_version_and_everything_that_the_text_says() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("price.txt");
    let said = says(&dana, &["--json", "origin", "prod"], 1);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let before = world.server_ref(PROD).unwrap();
    assert_eq!(json["schema"], "relhook/check/v1");
    assert_eq!(json["outlook"], "refused");
    assert_eq!(json["policy"]["commit"], world.server_ref(POLICY).unwrap());
    assert_eq!(json["policy"]["news"], "first");
    assert_eq!(json["pusher"]["person"], "dana");
    let update = &json["updates"][0];
    assert_eq!(update["ref"], PROD);
    assert_eq!(
        (&update["old"], &update["new"]),
        (&before.into(), &tip.clone().into())
    );
    assert_eq!(update["reasons"][0]["code"], "RH401");
    let commit = &update["commits"][0];
    assert_eq!(commit["commit"], tip);
    assert_eq!(commit["on_server"], false);
    assert_eq!(commit["contributors"], serde_json::json!(["dana"]));
    let could = serde_json::json!(["remy", "rita", "vera"]);
    assert_eq!(commit["shortfalls"][0]["could"], could);
    documented(&json);
}

#[test]
fn offline_it_judges_by_what_was_fetched_last() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("price.txt");
    let ran = dana.relhook(&["check", "--offline", "origin", "prod"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("no policy"), "{}", ran.err);
    says(&dana, &["origin", "prod"], 1);
    std::fs::rename(world.server(), world.path("gone.git")).unwrap();
    let said = says(&dana, &["--offline", "origin", "prod"], 1);
    assert!(said.contains("offline"), "{said}");
    let ran = dana.relhook(&["check", "origin", "prod"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("nothing could be fetched"), "{}", ran.err);
}

#[test]
fn what_is_not_there_is_a_usage_error() {
    let world = World::new();
    let dana = world.person("dana");
    for (args, why) in [
        (&["origin", "nowhere"][..], "nowhere"),
        (&["--as", "danna"], "dana, dora"),
        (&["origin", "refs/heads/*"], "one by one"),
        (&["--upload-pack=touch x"], "unexpected argument"),
        (&["--", "--upload-pack=touch x"], "name the remote"),
    ] {
        let ran = dana.relhook(&[&["check"], args].concat());
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(why), "{args:?}: {}", ran.err);
    }
}

#[test]
fn nothing_that_the_user_tracks_is_touched() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("price.txt");
    let others = ["for-each-ref", "--exclude=refs/relhook/remotes/"];
    let before = (
        dana.git(&others),
        dana.clone_dir().join(".git/FETCH_HEAD").exists(),
    );
    world.server_git(&["branch", "other", "prod"]).assert_ok();
    says(&dana, &["origin", "prod"], 1);
    let after = (
        dana.git(&others),
        dana.clone_dir().join(".git/FETCH_HEAD").exists(),
    );
    assert_eq!(before, after);
    assert!(!dana.clone_dir().join(".git/relhook").exists());
}

#[test]
fn a_changed_policy_is_told() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("price.txt");
    says(&dana, &[], 1);
    let old = world.server_ref(POLICY).unwrap();
    let tree = world
        .server_git(&["rev-parse", &format!("{old}^{{tree}}")])
        .text();
    let who = ["-c", "user.name=x", "-c", "user.email=x@x.example"];
    let commit = ["commit-tree", "-m", "again", "-p", &old, &tree];
    let new = world.server_git(&[&who[..], &commit].concat()).text();
    world
        .server_git(&["-c", "core.hooksPath=/dev/null", "update-ref", POLICY, &new])
        .assert_ok();
    let said = says(&dana, &[], 1);
    assert!(said.contains("the policy has changed"), "{said}");
    assert!(!says(&dana, &[], 1).contains("changed"));
    // One that does not continue it is something else.
    let root = ["commit-tree", "-m", "anew", &tree];
    let new = world.server_git(&[&who[..], &root].concat()).text();
    world
        .server_git(&["-c", "core.hooksPath=/dev/null", "update-ref", POLICY, &new])
        .assert_ok();
    let said = says(&dana, &[], 1);
    assert!(
        said.contains("WARNING: the policy does not continue"),
        "{said}"
    );
}

#[test]
fn an_approval_that_may_have_expired_cannot_be_told() {
    let world = World::with(&PolicyText::usual().prod("expire: 30d"));
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let tip = dana.commits("price.txt");
    dana.pushes(&["prod:dana/price"]).accepted();
    remy.git(&["fetch", "-q", "origin"]);
    let words = crate::common::Words::approve(&remy, &tip);
    let mut git = remy.git_command();
    git.env("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z");
    let name = format!("relhook/approve/{}", &tip[..12]);
    crate::common::run(git.args([
        "tag",
        "-s",
        "--cleanup=verbatim",
        "-m",
        &words.text(),
        &name,
        &tip,
    ]))
    .assert_ok();
    let tag = remy.git(&["rev-parse", &format!("refs/tags/{name}")]);
    remy.pushes(&[&remy.refspec(&tag, &tip)]).accepted();
    let said = says(&dana, &["origin", "prod"], 3);
    assert!(said.contains("may have expired"), "{said}");
    // The server knows better: it saw the statement just now.
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn the_clones_own_hook_stops_what_would_be_refused() {
    let world = World::new();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    dana.relhook(&["init", "--client"]).assert_ok();
    let tip = dana.commits("price.txt");
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH401");
    assert!(
        push.said.contains("the server was not asked"),
        "{}",
        push.said
    );
    assert!(!push.said.contains("remote:"), "{}", push.said);
    let asked = dana.pushes_with(&["--no-verify"], &["prod"]);
    asked.refused_with("remote:   RH401");
    dana.pushes(&["prod:dana/price"]).accepted();
    remy.git(&["fetch", "-q", "origin"]);
    remy.approves(&tip).accepted();
    let push = dana.pushes(&["prod"]);
    assert!(!push.said.contains("pre-push"), "{}", push.said);
    push.accepted();
}

#[test]
fn the_clones_own_hook_lets_pass_what_it_cannot_tell() {
    let world = World::new();
    let dana = world.person("dana");
    dana.relhook(&["init", "--client"]).assert_ok();
    let other = world.path("other.git");
    let other = other.to_str().unwrap();
    world
        .server_git(&["init", "-q", "--bare", other])
        .assert_ok();
    dana.commits("price.txt");
    // A server without relhook; then one that is gone by the time it is asked.
    dana.git(&["push", "-q", other, "prod"]);
    let line = format!(
        "prod {} refs/heads/prod {}\n",
        dana.git(&["rev-parse", "HEAD"]),
        "0".repeat(40)
    );
    let mut hook = dana.command(crate::common::RELHOOK);
    hook.current_dir(dana.clone_dir())
        .args(["hook", "pre-push", "/nowhere", "/nowhere"]);
    let ran = crate::common::run_with(&mut hook, line.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("cannot be told"), "{}", ran.err);
}

#[test]
fn a_work_tree_elsewhere_is_judged_in_its_own_repository() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("price.txt");
    let linked = world.path("linked");
    let linked = linked.to_str().unwrap();
    dana.git(&["worktree", "add", "-q", "-b", "topic", linked]);
    let mut check = dana.command(crate::common::RELHOOK);
    let ran = crate::common::run(
        check
            .current_dir(linked)
            .args(["check", "origin", "topic:prod"]),
    );
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(shown(&ran).contains(&tip[..7]), "{}", shown(&ran));
    let mut check = dana.command(crate::common::RELHOOK);
    let ran = crate::common::run(
        check
            .current_dir(world.root())
            .env("GIT_DIR", dana.clone_dir().join(".git"))
            .args(["check", "origin", "topic:prod"]),
    );
    assert_eq!(ran.code, 1, "{}", ran.err);
}

#[test]
fn a_shallow_clone_cannot_tell_and_says_what_helps() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("price.txt");
    let tip = dana.git(&["rev-parse", "HEAD"]);
    std::fs::write(dana.clone_dir().join(".git/shallow"), format!("{tip}\n")).unwrap();
    let ran = dana.relhook(&["check", "origin", "prod"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err.contains("hint: run `git fetch --unshallow`"),
        "{}",
        ran.err
    );
}
