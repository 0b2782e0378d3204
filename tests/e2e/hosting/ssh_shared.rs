//! docs/hosting/ssh-shared-account.md, followed: OpenSSH, one account, a key for each person.

use super::ssh_git::{Hosted, PEOPLE, notes_environment};
use super::sshd::{HOST, account};
use super::{plays_the_story, policy, pushes_in_log};
use crate::common::PROD;

const PAGE: &str = "ssh-shared-account";

fn hosted(more: &str) -> Hosted {
    Hosted::new(PAGE, |_| policy("ssh-key"), more)
}

/// What a client could want git, a shell or relhook to read.
const BROUGHT: [(&str, &str); 8] = [
    ("RELHOOK_LOGIN", "rita"),
    ("RELHOOK_USER", "rita"),
    ("REMOTE_USER", "rita"),
    ("GL_USER", "rita"),
    ("SUDO_USER", "rita"),
    ("GIT_CONFIG_COUNT", "1"),
    ("GIT_CONFIG_KEY_0", "core.hooksPath"),
    ("GIT_CONFIG_VALUE_0", "/dev/null"),
];

/// ssh options that send all of it.
fn sends() -> String {
    let set: Vec<String> = BROUGHT
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("-o 'SetEnv={}'", set.join(" "))
}

#[test]
fn the_story_is_played_over_ssh() {
    let hosted = hosted("");
    plays_the_story(&hosted.world, |person| hosted.connects(person));
    // The page's other way has a test of its own.
    for block in ["environment-sshd", "environment-key"] {
        hosted.page.block(block, &[]);
    }
    hosted.page.was_followed();
}

#[test]
fn i_14_i_33_a_client_brings_no_variables_over_ssh() {
    // As the page has it, and on a server that lets everything in.
    for more in ["", "AcceptEnv *\n"] {
        let hosted = hosted(more);
        let dana = hosted.world.person("dana");
        hosted.connects(&dana);
        dana.commits("index.html");
        let seen = notes_environment(&hosted.world);
        let ran = hosted.pushes_with_ssh(&dana, &sends(), &[]);
        assert!(ran.err.contains("RH401"), "{}", ran.err);
        assert_eq!(pushes_in_log(&hosted.world, PROD), ["dana rejected"]);
        dana.pushes(&["HEAD:seen"]).accepted();
        let ran = hosted.pushes_with_ssh(&dana, &sends(), &[]);
        assert!(ran.err.contains("RH401"), "{}", ran.err);
        let told = std::fs::read_to_string(&seen).unwrap();
        assert!(told.contains("\nRELHOOK_LOGIN=dana\n"), "{told}");
        assert!(
            !told.contains("rita") && !told.contains("hooksPath"),
            "{told}"
        );
    }
}

#[test]
fn i_14_push_options_make_nobody_else_of_a_client() {
    let hosted = hosted("");
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    let options = [
        "-o",
        "RELHOOK_LOGIN=rita",
        "-o",
        "x\u{a0}RELHOOK_LOGIN=rita",
    ];
    dana.pushes_with(&options, &["HEAD:prod"])
        .refused_with("RH401");
    assert_eq!(pushes_in_log(&hosted.world, PROD), ["dana rejected"]);
}

#[test]
fn i_31_nothing_but_git_is_served() {
    let hosted = hosted("");
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    let before = hosted.world.server_ref(PROD);
    for program in [
        "RELHOOK_LOGIN=rita git-receive-pack",
        "env RELHOOK_LOGIN=rita git-receive-pack",
        "git -c core.hooksPath=/dev/null receive-pack",
        "git receive-pack",
        "git-receive-pack --skip-connectivity-check",
        "touch pwned; git-receive-pack",
        "/usr/bin/git-receive-pack",
        "sh -c git-receive-pack",
    ] {
        let push = dana.pushes_with(&[&format!("--receive-pack={program}")], &["HEAD:prod"]);
        push.refused_with("relhook: `");
        push.refused_with("use a plain git");
    }
    for injected in [
        "site.git; id",
        "site.git$(id)",
        "site.git`id`",
        "site.git' 'x",
        "a\nb",
    ] {
        let url = format!("{}@{HOST}:{injected}", account());
        let push = dana.try_git(&["push", &url, "HEAD:prod"]);
        assert_ne!(push.code, 0);
        assert!(
            push.err.contains("relhook: ") && !push.err.contains("uid="),
            "{}",
            push.err
        );
    }
    for words in [
        &["id"][..],
        &["sh", "-i"],
        &["git-receive-pack 'site.git'; id"],
        &["git-receive-pack 'site.git'\nid"],
        &["git-upload-pack '../../../etc'"],
        &["scp -t /tmp"],
    ] {
        let ran = hosted.ssh("dana", words);
        assert_ne!(ran.code, 0, "{words:?}");
        assert!(ran.err.contains("relhook: "), "{words:?}: {}", ran.err);
        assert!(ran.out.is_empty(), "{words:?}");
    }
    assert_eq!(hosted.world.server_ref(PROD), before);
    assert!(pushes_in_log(&hosted.world, PROD).is_empty());
}

#[test]
fn i_32_nothing_outside_the_folder_is_served() {
    let hosted = hosted("");
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    // A repository that the account could read, beside the folder and linked from within it.
    let beside = hosted.world.path("other.git");
    let mut init = hosted.world.server_command("git");
    crate::common::run(init.args(["init", "-q", "--bare"]).arg(&beside)).assert_ok();
    std::os::unix::fs::symlink(&beside, hosted.world.path("srv/link.git")).unwrap();
    for path in [
        "../other.git",
        "link.git",
        beside.to_str().unwrap(),
        "missing.git",
        "",
        "/",
        ".",
    ] {
        let ran = hosted.ssh("dana", &[&format!("git-upload-pack '{path}'")]);
        assert_ne!(ran.code, 0, "{path}");
        assert!(
            ran.err.contains("relhook: ") && ran.out.is_empty(),
            "{path}: {}",
            ran.err
        );
    }
    for url in ["site.git", "/site", "site.git/"] {
        let url = format!("{}@{HOST}:{url}", account());
        assert!(dana.git(&["ls-remote", &url, PROD]).contains(PROD));
    }
}

#[test]
fn somebody_who_asks_for_a_shell_is_greeted() {
    let hosted = hosted("");
    let ran = hosted.ssh("dana", &[]);
    assert_eq!((ran.code, ran.out.as_slice()), (1, &b""[..]));
    assert!(
        ran.err.contains("relhook: hello dana, you are logged in"),
        "{}",
        ran.err
    );
}

#[test]
fn a_login_that_the_policy_does_not_have_is_told_how_to_get_there() {
    let hosted = hosted("");
    std::fs::write(hosted.keys_file(), hosted.line("key", "zoe", "dana")).unwrap();
    let dana = hosted.world.person("dana");
    hosted.connects(&dana);
    dana.commits("index.html");
    dana.pushes(&["HEAD:fix"]).accepted();
    let push = dana.pushes(&["HEAD:prod"]);
    push.refused_with("RH204");
    push.refused_with("logins: ['zoe']");
    assert_eq!(pushes_in_log(&hosted.world, PROD), ["nobody rejected"]);
    // A key without a line gets nowhere.
    let remy = hosted.world.person("remy");
    hosted.connects(&remy);
    remy.pushes(&["HEAD:fix2"])
        .refused_with("Permission denied");
}

#[test]
fn a_push_by_path_says_nobody() {
    let hosted = hosted("");
    let dana = hosted.world.person("dana");
    dana.commits("index.html");
    let push = dana.pushes(&["HEAD:prod"]);
    push.refused_with("RH203");
    push.refused_with("serve-key");
}

#[test]
fn the_environment_of_a_key_does_it_too() {
    let hosted = {
        let page = super::Page::named(PAGE);
        hosted(&page.block("environment-sshd", &[]))
    };
    hosted.has_lines("environment-key", &PEOPLE);
    let root = hosted.world.path("srv").display().to_string();
    plays_the_story(&hosted.world, |person| {
        hosted.connects(person);
        // git-shell knows no folder of its own.
        let url = person.git(&["config", "remote.origin.url"]);
        let url = url.replace(":site.git", &format!(":{root}/site.git"));
        person.git(&["config", "remote.origin.url", &url]);
    });
    // The key's line stands before what a client sends.
    let dana = hosted.world.person("dana");
    dana.commits("later.html");
    let ran = hosted.pushes_with_ssh(&dana, "-o SetEnv=RELHOOK_LOGIN=rita", &[]);
    assert!(ran.err.contains("RH401"), "{}", ran.err);
    assert_eq!(
        pushes_in_log(&hosted.world, PROD).last().unwrap(),
        "dana rejected"
    );
}
