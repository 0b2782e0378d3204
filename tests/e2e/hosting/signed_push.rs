//! docs/hosting/signed-push.md, followed: pushers known by the certificates that they sign.

use super::ssh_git::Hosted;
use super::sshd::account;
use super::{plays_the_story, policy, pushes_in_log};
use crate::common::{PROD, Person, command, run_with};

fn hosted() -> Hosted {
    Hosted::new("signed-push", |_| policy("signed-push"), "")
}

/// The page's steps in a clone: where it pushes, and that it signs.
#[track_caller]
fn connects(hosted: &Hosted, person: &Person<'_>) {
    hosted.connects(person);
    let sign = hosted.page.block("sign", &[]);
    let mut sh = person.command("sh");
    run_with(
        sh.arg("-eu").current_dir(person.clone_dir()),
        sign.as_bytes(),
    )
    .assert_ok();
}

/// The page's step on the server that names the repository's address.
#[track_caller]
fn lists_the_address(hosted: &Hosted) {
    let server = hosted.world.server().display().to_string();
    let ours = format!("{}@git.acme.example", account());
    let places = [
        ("/srv/git/site.git", server.as_str()),
        ("git@git.acme.example", ours.as_str()),
    ];
    let script = hosted.page.block("address", &places);
    let mut sh = command("sh", &hosted.world.path("home/server"));
    run_with(sh.arg("-eu"), script.as_bytes()).assert_ok();
}

#[test]
fn the_story_is_played_with_signed_pushes() {
    let hosted = hosted();
    lists_the_address(&hosted);
    plays_the_story(&hosted.world, |person| connects(&hosted, person));
    hosted.page.was_followed();
    let file = hosted.world.server().join("relhook/nonce.config");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    // Set up once more, the secret stays what it is.
    let secret = std::fs::read(&file).unwrap();
    hosted.world.relhook(&["init"]).assert_ok();
    assert_eq!(std::fs::read(&file).unwrap(), secret);
}

#[test]
fn i_14_whoever_is_let_in_is_who_signed() {
    let hosted = hosted();
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    // Logged in, and no signature: nobody.
    dana.pushes(&["prod"]).refused_with("RH203");
    // Remy's key in Dana's clone: Remy.
    let key = crate::common::keys().ssh("remy");
    let setting = format!("user.signingKey={}", key.display());
    let ran = dana.try_git(&["-c", &setting, "push", "--signed", "origin", "prod"]);
    assert!(ran.err.contains("RH401"), "{}", ran.err);
    assert_eq!(
        pushes_in_log(&hosted.world, PROD),
        ["nobody rejected", "remy rejected"]
    );
}
