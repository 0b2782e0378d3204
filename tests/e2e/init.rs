//! `relhook init`.

use crate::common::{POLICY, PROD, PolicyText, Ran, World};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const POLICY_ARGS: [&str; 4] = ["--policy", "policy.yaml", "--keys", "keys"];

fn prepared() -> World {
    let world = World::without_relhook();
    world.write_policy(&PolicyText::usual());
    world
}

#[track_caller]
fn refused(ran: &Ran, why: &str) {
    assert_eq!(ran.code, 1, "{}", ran.text());
    assert!(ran.err.contains(why), "{}", ran.err);
}

#[test]
fn puts_a_repository_under_the_rule_and_says_what_it_did() {
    let world = prepared();
    let said = world.init(&POLICY_ARGS).text();
    let server = world.server().display().to_string();
    let git = world.server_git(&["--version"]).text();
    let pins = |name: &str| world.server_ref(name).unwrap()[..7].to_owned();
    let said = said
        .replace(&git.replace("git version", "git"), "GIT")
        .replace(&server, "SERVER")
        .replace(&pins(POLICY), "POLICY")
        .replace(&pins(PROD), "PROD");
    insta::assert_snapshot!(said);
    assert!(said.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_second_run_changes_nothing_and_says_so() {
    let world = World::new();
    let before = world.server_git(&["for-each-ref"]).text();
    let config = fs::read(world.server().join("config")).unwrap();
    let log = world.log();
    for args in [&[][..], &POLICY_ARGS] {
        let said = world.init(args).text();
        assert!(
            said.ends_with("nothing to do: everything is in place"),
            "{said}"
        );
    }
    assert_eq!(world.server_git(&["for-each-ref"]).text(), before);
    assert_eq!(fs::read(world.server().join("config")).unwrap(), config);
    assert_eq!(world.log(), log);
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = prepared();
    let before = world.server_git(&["for-each-ref"]).text();
    let config = fs::read(world.server().join("config")).unwrap();
    let said = world
        .init(&[&POLICY_ARGS[..], &["--dry-run"]].concat())
        .text();
    assert!(
        said.contains("would hook pre-receive") && said.contains("nothing was changed"),
        "{said}"
    );
    assert_eq!(world.server_git(&["for-each-ref"]).text(), before);
    assert_eq!(fs::read(world.server().join("config")).unwrap(), config);
    assert!(!world.server().join("relhook").exists());
    assert!(!world.server().join("hooks/pre-receive").exists());
}

#[test]
fn what_was_lost_is_put_back() {
    let world = World::new();
    fs::remove_file(world.server().join("hooks/pre-receive")).unwrap();
    fs::write(world.server().join("hooks/post-receive"), "").unwrap();
    world
        .server_git(&["config", "receive.fsckObjects", "false"])
        .assert_ok();
    let said = world.init(&[]).text();
    for done in [
        "done  hook pre-receive",
        "done  hook post-receive",
        "done  setting receive.fsckObjects",
    ] {
        assert!(said.contains(done), "{said}");
    }
    assert!(said.contains("ok    hook reference-transaction"), "{said}");
}

#[test]
fn an_interrupted_run_is_carried_on() {
    let world = World::new();
    fs::remove_file(world.server().join("relhook/installed")).unwrap();
    fs::remove_file(world.server().join("hooks/pre-receive")).unwrap();
    let log = world.log().len();
    world.init(&POLICY_ARGS).assert_ok();
    assert_eq!(world.log().len(), log);
    assert!(world.server().join("relhook/installed").exists());
}

#[test]
fn a_policy_that_is_in_force_is_never_replaced() {
    let world = World::new();
    let before = world.server_ref(POLICY);
    world.write_policy(&PolicyText::usual().prod("push: [developers]"));
    refused(&world.init(&POLICY_ARGS), "another policy is in force");
    assert_eq!(world.server_ref(POLICY), before);
}

#[test]
fn y_04_no_policy_or_an_empty_one_is_refused() {
    let world = prepared();
    refused(&world.init(&[]), "no policy is in force");
    for text in ["", "# nothing\n", "version: 1\n"] {
        fs::write(world.path("policy.yaml"), text).unwrap();
        refused(&world.init(&POLICY_ARGS), "policy.yaml:");
    }
    assert_eq!(world.server_ref(POLICY), None);
}

#[test]
fn an_unsound_policy_is_refused_with_its_place() {
    let world = prepared();
    world.write_policy(&PolicyText::usual().replacing("[reviewers]", "[reviewer]"));
    let ran = world.init(&POLICY_ARGS);
    refused(&ran, "policy.yaml:");
    assert!(ran.err.contains("reviewers"), "{}", ran.err);
}

#[test]
fn a_policy_whose_keys_are_not_there_is_refused() {
    let world = prepared();
    fs::remove_file(world.path("keys/rita.asc")).unwrap();
    refused(
        &world.init(&POLICY_ARGS),
        "no file in `keys/` holds the key",
    );
    fs::write(world.path("keys/rita.asc"), b"not a key").unwrap();
    refused(&world.init(&POLICY_ARGS), "keys");
    assert_eq!(world.server_ref(POLICY), None);
}

#[test]
fn a_policy_that_names_a_certificate_that_is_not_there_is_refused() {
    let world = prepared();
    let policy = PolicyText::usual().prod("release: [site]");
    let target = "targets:\n  site:\n    kind: ftps\n    tls: explicit\n    host: ftp.acme.example\n    path: /\n    ca: keys/ca.pem\n";
    world.write_policy(&PolicyText {
        yaml: policy.yaml + target,
        ..PolicyText::usual()
    });
    refused(&world.init(&POLICY_ARGS), "keys/ca.pem");
    assert_eq!(world.server_ref(POLICY), None);
}

#[test]
fn h_04_hooks_that_git_would_not_run_are_an_error() {
    let world = prepared();
    fs::write(
        world.path("home/server/.gitconfig"),
        "[core]\n\thooksPath = /dev/null\n",
    )
    .unwrap();
    refused(
        &world.init(&POLICY_ARGS),
        "core.hooksPath is `/dev/null` (global)",
    );
    fs::remove_file(world.path("home/server/.gitconfig")).unwrap();
    world
        .server_git(&["config", "core.hooksPath", "elsewhere"])
        .assert_ok();
    refused(
        &world.init(&POLICY_ARGS),
        "core.hooksPath is `elsewhere` (local)",
    );
    assert!(!world.server().join("hooks/pre-receive").exists());
}

#[test]
fn h_16_another_programs_hook_is_an_error() {
    let world = prepared();
    let path = world.server().join("hooks/pre-receive");
    fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
    refused(&world.init(&POLICY_ARGS), "another program's hook");
    assert_eq!(fs::read_to_string(&path).unwrap(), "#!/bin/sh\nexit 0\n");
    assert_eq!(world.server_ref(POLICY), None);
}

#[test]
fn what_relhook_cannot_read_is_an_error() {
    let world = prepared();
    let graft = world.server().join("info/grafts");
    fs::write(&graft, format!("{}\n", world.server_ref(PROD).unwrap())).unwrap();
    refused(&world.init(&POLICY_ARGS), "info/grafts");
    fs::remove_file(graft).unwrap();
    let shallow = world.server().join("shallow");
    fs::write(&shallow, format!("{}\n", world.server_ref(PROD).unwrap())).unwrap();
    refused(&world.init(&POLICY_ARGS), "shallow");
    fs::remove_file(shallow).unwrap();
    world.init(&POLICY_ARGS).assert_ok();
}

#[test]
fn a_clone_is_not_a_server() {
    let world = prepared();
    let dana = world.person("dana");
    let ran = dana.relhook(&["init", "--policy", "../../policy.yaml"]);
    refused(&ran, "not a bare repository");
}

#[test]
fn what_a_person_should_look_at_is_said() {
    let world = prepared();
    world
        .server_git(&["symbolic-ref", "refs/heads/alias", PROD])
        .assert_ok();
    world
        .server_git(&["config", "receive.procReceiveRefs", "refs/heads"])
        .assert_ok();
    world
        .server_git(&["config", "core.sharedRepository", "group"])
        .assert_ok();
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(world.server(), open).unwrap();
    let said = world.init(&POLICY_ARGS).text();
    for warned in [
        "warning: receive.procReceiveRefs",
        "warning: core.sharedRepository",
        "warning: refs/heads/alias is a symbolic ref",
        "can be written by others",
    ] {
        assert!(said.contains(warned), "{warned}: {said}");
    }
}

#[test]
fn a_clone_gets_its_hook() {
    let world = World::new();
    let dana = world.person("dana");
    dana.relhook(&["init", "--client"]).assert_ok();
    let hook = dana.clone_dir().join(".git/hooks/pre-push");
    assert_eq!(
        fs::metadata(hook).unwrap().permissions().mode() & 0o777,
        0o755
    );
    let said = dana.relhook(&["init", "--client"]).text();
    assert!(
        said.ends_with("nothing to do: everything is in place"),
        "{said}"
    );
}
