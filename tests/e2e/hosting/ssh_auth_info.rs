//! docs/hosting/ssh-auth-info.md, followed: OpenSSH that tells by which key somebody logged in.

use super::ssh_git::{Hosted, PEOPLE, notes_environment};
use super::sshd::login_key;
use super::{plays_the_story, policy, pushes_in_log};
use crate::common::{PROD, PolicyText, World};

fn hosted(more: &str) -> Hosted {
    Hosted::new("ssh-auth-info", with_keys, more)
}

/// The usual policy; each person who logs in has their login key in it.
fn with_keys(world: &World) -> PolicyText {
    PEOPLE.iter().fold(policy("ssh-auth-info"), |policy, name| {
        let public = login_key(world, name).with_extension("pub");
        let line = std::fs::read_to_string(public).unwrap();
        let head = format!("    logins: [{name}]\n    keys:\n");
        policy.replacing(&head, &format!("{head}      - {}\n", line.trim_end()))
    })
}

#[test]
fn the_story_is_played_with_the_keys_alone() {
    let hosted = hosted("");
    plays_the_story(&hosted.world, |person| hosted.connects(person));
    hosted.page.was_followed();
    // The key itself is kept as evidence: the log alone shows who it was.
    let public = login_key(&hosted.world, "dana").with_extension("pub");
    let public = std::fs::read_to_string(public).unwrap();
    let key = public.rsplit_once(' ').unwrap().0;
    let kept = std::fs::read_dir(hosted.world.server().join("relhook/audit/evidence")).unwrap();
    let mut kept = kept.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    assert!(kept.any(|bytes| bytes == format!("publickey {key}\n").into_bytes()));
}

#[test]
fn i_14_the_variable_of_a_client_is_not_sshds() {
    // As the page has it, and on a server that lets everything in.
    for more in ["", "AcceptEnv *\n"] {
        let hosted = hosted(more);
        let rita = login_key(&hosted.world, "rita").with_extension("pub");
        let forged = hosted.world.path("forged");
        let line = std::fs::read_to_string(rita).unwrap();
        let mut words = line.split(' ');
        let (kind, blob) = (words.next().unwrap(), words.next().unwrap());
        std::fs::write(&forged, format!("publickey {kind} {blob}\n")).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&forged, private).unwrap();
        let dana = hosted.world.person("dana");
        hosted.connects(&dana);
        dana.commits("index.html");
        let seen = notes_environment(&hosted.world);
        dana.pushes(&["HEAD:seen"]).accepted();
        let told = std::fs::read_to_string(&seen).unwrap();
        assert!(!told.contains("RELHOOK_LOGIN"), "{told}");
        let options = format!(
            "-o 'SetEnv=SSH_USER_AUTH={} RELHOOK_LOGIN=rita'",
            forged.display()
        );
        let ran = hosted.pushes_with_ssh(&dana, &options, &[]);
        assert!(ran.err.contains("RH401"), "{}", ran.err);
        assert_eq!(pushes_in_log(&hosted.world, PROD), ["dana rejected"]);
    }
}

#[test]
fn a_key_that_nobody_in_the_policy_has_is_named() {
    let hosted = Hosted::new("ssh-auth-info", |_| policy("ssh-auth-info"), "");
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    dana.pushes(&["HEAD:fix"]).accepted();
    let push = dana.pushes(&["HEAD:prod"]);
    push.refused_with("RH204");
    push.refused_with("SHA256:");
    assert_eq!(pushes_in_log(&hosted.world, PROD), ["nobody rejected"]);
}

#[test]
fn a_server_that_does_not_tell_is_told_what_to_set() {
    // What stands first in sshd's settings counts.
    let hosted = hosted("Match all\n    ExposeAuthInfo no\n");
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    let push = dana.pushes(&["HEAD:prod"]);
    push.refused_with("RH203");
    push.refused_with("ExposeAuthInfo");
}
