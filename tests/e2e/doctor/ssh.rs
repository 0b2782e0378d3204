//! The way in: sshd's settings, the keys that open the account, and root looking at it for the
//! account. Nothing of the machine's own is read or changed: `/run` and the list of accounts are
//! private to each run.

use crate::common::{PolicyText, RELHOOK, Ran, World, copy_program, keys, run};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// The service account in the private list of accounts.
const GIT: u32 = 4321;

/// A server that is `git`'s, with an sshd that opens it to Dana's key.
fn opened() -> World {
    let policy = PolicyText::usual().replacing("source: RELHOOK_USER", "source: ssh-key");
    let world = World::with(&policy);
    fs::set_permissions(world.root(), fs::Permissions::from_mode(0o755)).unwrap();
    copy_program(RELHOOK, &world.path("relhook"));
    world.relhook(&["status"]).assert_ok();
    let own = run(Command::new(world.path("relhook"))
        .arg("-C")
        .arg(world.server())
        .arg("init"));
    own.assert_ok();
    let chown = format!("chown -R {GIT}:{GIT} {}", world.server().display());
    run(Command::new("sh").args(["-c", &chown])).assert_ok();
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-f"];
    run(Command::new("ssh-keygen")
        .args(keygen)
        .arg(world.path("hostkey")))
    .assert_ok();
    let passwd = format!(
        "root:x:0:0::/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\ngit:x:{GIT}:{GIT}::{}:/bin/sh\n",
        world.path("home").display()
    );
    fs::write(world.path("passwd"), passwd).unwrap();
    fs::write(
        world.path("sshd_config"),
        format!(
            "HostKey {0}/hostkey\nAuthorizedKeysFile {0}/authorized\nPasswordAuthentication no\nAcceptEnv LANG GIT_PROTOCOL\n",
            world.root().display()
        ),
    )
    .unwrap();
    fs::write(world.path("authorized"), line("dana", "dana")).unwrap();
    world
}

/// A line of keys that lets somebody in under a login.
fn line(login: &str, key: &str) -> String {
    format!(
        "restrict,command=\"relhook serve-key {login} --root /srv\" {}\n",
        keys().ssh_public(key)
    )
}

/// Runs a line of shell as root, with a `/run` and a list of accounts of its own.
fn privately(world: &World, what: &str) -> Ran {
    let folder = world.root().display();
    let script = format!(
        "set -e; mount -t tmpfs none /run; mkdir /run/sshd; mount --bind {folder}/passwd /etc/passwd; \
         export PATH={folder}:$PATH; {what}"
    );
    run(Command::new("unshare").args(["--mount", "sh", "-c", &script]))
}

fn examined(world: &World) -> Value {
    let folder = world.root().display();
    let line =
        format!("relhook doctor --json --sshd-config {folder}/sshd_config {folder}/server.git");
    let ran = privately(world, &line);
    serde_json::from_slice(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err))
}

fn bad(world: &World, check: &str) -> Vec<Value> {
    let seen = examined(world);
    let findings = seen["findings"].as_array().unwrap().clone();
    let mut of = findings
        .into_iter()
        .filter(|one| one["check"] == check)
        .peekable();
    assert!(of.peek().is_some(), "there is no check {check}: {seen:#}");
    of.filter(|one| one["state"] != "ok").collect()
}

#[track_caller]
fn finds_and_mends(world: &World, check: &str, what: &str) {
    let found = bad(world, check);
    let [one] = found.as_slice() else {
        panic!("{check}: {found:#?}");
    };
    assert!(one["what"].as_str().unwrap().contains(what), "{one:#}");
    for command in one["mend"].as_array().unwrap() {
        privately(world, command.as_str().unwrap()).assert_ok();
    }
    assert_eq!(bad(world, check), [] as [Value; 0]);
}

#[test]
fn root_looks_with_the_eyes_of_the_repositorys_account() {
    let world = opened();
    let seen = examined(&world);
    assert_eq!(seen["account"], "git");
    for check in [
        "sshd",
        "identity",
        "accept-env",
        "authorized-keys",
        "refusal",
        "log",
        "account",
    ] {
        assert_eq!(bad(&world, check), [] as [Value; 0], "{check}");
    }
    // Nothing in the repository became root's.
    let owner =
        std::os::unix::fs::MetadataExt::uid(&fs::metadata(world.server().join("relhook")).unwrap());
    assert_eq!(owner, GIT);
    fs::remove_file(world.server().join("hooks/pre-receive")).unwrap();
    let finding = &bad(&world, "pre-receive")[0];
    let mend = finding["mend"][0].as_str().unwrap();
    assert!(mend.starts_with("runuser -u git -- relhook -C "), "{mend}");
    let runs = format!("mount -t tmpfs none /run; {mend}");
    privately(&world, &runs).assert_ok();
    assert!(bad(&world, "pre-receive").is_empty());
}

#[test]
fn h_06_variables_that_sshd_takes_from_clients() {
    let world = opened();
    let config = world.path("sshd_config");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("AcceptEnv LANG", "AcceptEnv LANG GIT_*"),
    )
    .unwrap();
    finds_and_mends(&world, "accept-env", "`GIT_*`");
    assert_eq!(fs::read_to_string(&config).unwrap(), text);
    fs::write(&config, format!("{text}acceptenv RELHOOK_LOGIN\n")).unwrap();
    finds_and_mends(&world, "accept-env", "RELHOOK_LOGIN");
    fs::write(&config, format!("{text}PermitUserEnvironment yes\n")).unwrap();
    finds_and_mends(&world, "user-environment", "PermitUserEnvironment");
}

#[test]
fn h_05_keys_that_open_a_shell() {
    let world = opened();
    let file = world.path("authorized");
    fs::write(
        &file,
        line("dana", "dana") + &keys().ssh_public("dora") + "\n",
    )
    .unwrap();
    finds_and_mends(&world, "authorized-keys", "line 2");
    assert_eq!(fs::read_to_string(&file).unwrap(), line("dana", "dana"));
    let open = line("dana", "dana").replace("restrict,", "");
    fs::write(&file, open).unwrap();
    finds_and_mends(&world, "authorized-keys", "`restrict`");
    fs::write(&file, line("rita", "dana")).unwrap();
    let found = bad(&world, "key-owners");
    assert!(
        found[0]["what"].as_str().unwrap().contains("dana's"),
        "{found:#?}"
    );
    fs::write(&file, line("dana", "dana")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    finds_and_mends(&world, "writers", "authorized");
}
