//! Who pushes, by each kind of source: what it takes for a login, and to what it is blind.

use crate::common::{PolicyText, RELHOOK, Ran, World, keys, run};

/// A server whose policy names this source.
fn world(source: &str) -> World {
    World::with(
        &PolicyText::usual().replacing("source: RELHOOK_USER", &format!("source: {source}")),
    )
}

/// Dana's push of a commit that nobody approved, with these variables where the hooks run.
fn pushed(world: &World, variables: &[(&str, &str)]) -> Ran {
    let dana = world.person("dana");
    let mut push = dana.git_command();
    push.env_remove("RELHOOK_USER")
        .args(["push", "origin", "HEAD:prod"]);
    push.envs(variables.iter().copied());
    let ran = run(&mut push);
    assert_ne!(ran.code, 0, "{variables:?}: {}", ran.err);
    ran
}

/// Everything that could be taken for a login.
const ALL: [&str; 12] = [
    "RELHOOK_LOGIN",
    "RELHOOK_USER",
    "REMOTE_USER",
    "HTTP_REMOTE_USER",
    "GL_USER",
    "GL_USERNAME",
    "GITEA_PUSHER_NAME",
    "SITE_LOGIN",
    "USER",
    "LOGNAME",
    "SUDO_USER",
    "GIT_COMMITTER_NAME",
];

#[test]
fn i_14_each_source_is_blind_to_the_others() {
    for (source, own) in [
        ("ssh-key", "RELHOOK_LOGIN"),
        ("os-account", "RELHOOK_LOGIN"),
        ("http", "REMOTE_USER"),
        ("gitolite", "GL_USER"),
        ("SITE_LOGIN", "SITE_LOGIN"),
    ] {
        let world = world(source);
        world.person("dana").commits("index.html");
        let others: Vec<_> = ALL
            .iter()
            .filter(|name| **name != own)
            .map(|name| (*name, "dana"))
            .collect();
        let blind = pushed(&world, &others);
        assert!(
            blind.err.contains("RH203") && blind.err.contains(own),
            "{}",
            blind.err
        );
        let known = pushed(&world, &[&others[..], &[(own, "rita")]].concat());
        assert!(
            known.err.contains("RH401") && !known.err.contains("RH2"),
            "{}",
            known.err
        );
        let unknown = pushed(&world, &[(own, "it's\\zoe")]);
        assert!(unknown.err.contains("RH204"), "{}", unknown.err);
        assert!(
            unknown.err.contains("logins: ['it''s\\zoe']"),
            "{}",
            unknown.err
        );
        let log = world.log();
        let people = log.iter().filter(|entry| entry["kind"] == "verdict");
        let people: Vec<_> = people.map(|entry| entry["person"].clone()).collect();
        assert_eq!(
            people,
            [
                serde_json::json!(null),
                "rita".into(),
                serde_json::json!(null)
            ]
        );
    }
}

#[test]
fn i_14_what_cannot_be_a_login_is_refused_and_shown_harmlessly() {
    let world = world("http");
    world.person("dana").commits("index.html");
    let long = "x".repeat(5000);
    for odd in [
        "dana\u{1b}[2J",
        "dana\nrita",
        "dana\u{202e}",
        "dan\u{200b}a",
        &long,
    ] {
        let ran = pushed(&world, &[("REMOTE_USER", odd)]);
        assert!(ran.err.contains("RH208"), "{}", ran.err);
        assert!(
            !ran.err.contains('\u{1b}') && !ran.err.contains('\u{202e}'),
            "{}",
            ran.err
        );
        assert!(!ran.err.contains(&long), "{}", ran.err);
    }
    assert!(
        world
            .log()
            .iter()
            .all(|entry| entry.to_string().len() < 5000)
    );
}

#[test]
fn i_35_a_deploy_key_stands_for_nobody() {
    for (source, variables) in [
        (
            "gitea",
            &[
                ("GITEA_PUSHER_NAME", "dana"),
                ("GITEA_PUSHER_ID", "7"),
                ("GITEA_DEPLOY_KEY_ID", "3"),
            ][..],
        ),
        ("gitlab", &[("GL_USERNAME", "dana"), ("GL_ID", "key-3")]),
        (
            "gitlab",
            &[("GL_USERNAME", "dana"), ("GL_ID", "deploy-token-3")],
        ),
    ] {
        let world = world(source);
        world.person("dana").commits("index.html");
        let ran = pushed(&world, variables);
        assert!(ran.err.contains("RH208"), "{source}: {}", ran.err);
        assert!(
            ran.err.contains("nobody in particular"),
            "{source}: {}",
            ran.err
        );
    }
}

#[test]
fn i_36_a_file_that_sshd_did_not_write_shows_nobody() {
    let world = world("ssh-auth-info");
    world.person("dana").commits("index.html");
    let file = world.path("auth");
    let named = [("SSH_USER_AUTH", file.to_str().unwrap())];
    let writes = |text: &str, mode: u32| {
        std::fs::write(&file, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&file, mode).unwrap();
    };
    let key = format!("publickey {}\n", keys().ssh_public("dana"));
    writes(&key, 0o600);
    let ran = pushed(&world, &named);
    assert!(
        ran.err.contains("RH401") && !ran.err.contains("RH2"),
        "{}",
        ran.err
    );
    writes(&key, 0o644);
    let ran = pushed(&world, &named);
    assert!(ran.err.contains("RH208"), "{}", ran.err);
    writes(&format!("{key}{key}"), 0o600);
    let ran = pushed(&world, &named);
    assert!(ran.err.contains("RH208"), "{}", ran.err);
}

#[test]
fn i_31_i_34_the_serving_commands_refuse_what_sshd_and_sudo_did_not_start() {
    let world = World::new();
    let srv = world.root().to_str().unwrap();
    let serve = |args: &[&str], command: &str| {
        let mut serve = world.server_command(RELHOOK);
        run(serve.args(args).env("SSH_ORIGINAL_COMMAND", command))
    };
    let upload = "git-upload-pack 'server.git'";
    for (args, command) in [
        (&["serve-key", "dana", "--root", srv][..], "id"),
        (&["serve-key", "dana", "--root", "/"], upload),
        (&["serve-key", "da na", "--root", srv], upload),
        (&["serve-key", "", "--root", srv], upload),
        (&["serve-account", "--root", srv, upload], upload),
    ] {
        let ran = serve(args, command);
        assert_eq!(ran.code, 1, "{args:?}: {}", ran.err);
        assert!(
            ran.out.is_empty() && ran.err.starts_with("relhook: "),
            "{}",
            ran.err
        );
    }
    assert_eq!(
        serve(&["serve-account", "--root", srv, "--root", "/", upload], "").code,
        2
    );
    let ran = serve(&["serve-key", "dana", "--root", srv], upload);
    assert!(
        String::from_utf8_lossy(&ran.out).contains("refs/heads/prod"),
        "{}",
        ran.err
    );
}
