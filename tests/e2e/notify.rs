//! Telling people that a release has failed for good: a program, a mail server's front door and a
//! web hook over TLS, each of them there.

use crate::common::ftpd::authority;
use crate::common::{PolicyText, World, tls, write_program};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A program that keeps its arguments and its input in `<path>.args` and `<path>.in`, and fails
/// while `<path>.broken` is there.
fn program(world: &World, name: &str) -> PathBuf {
    let path = world.path(name);
    let text = "#!/bin/sh\nif [ -e \"$0.broken\" ]; then exit 75; fi\necho \"$@\" >> \"$0.args\"\n\
                env > \"$0.env\"\ncat >> \"$0.in\"\n";
    write_program(&path, text);
    path
}

fn beside(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}.{end}", path.display()))
}

/// A server that releases `prod` to a folder that cannot be one, and tells people as `notify` says.
fn server(notify: &str) -> World {
    let world = World::without_relhook();
    let mut policy = PolicyText::usual().prod("release: [www]");
    fs::write(world.path("www"), "in the way").unwrap();
    policy.yaml += &format!(
        "targets:\n  www:\n    kind: dir\n    path: {}\nnotify:\n{notify}",
        world.path("www").display()
    );
    policy.keys.insert("hook.pem".into(), authority("right"));
    world.write_policy(&policy);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    world
}

fn ships(world: &World, file: &str) -> String {
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits(file);
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    fix
}

#[track_caller]
fn eventually(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_program_and_a_mail_tell_of_a_release_that_failed_for_good_once() {
    let tools = World::without_repository("none.git");
    let (pager, mta) = (program(&tools, "pager"), program(&tools, "sendmail"));
    let world = server(&format!(
        "  pager:\n    kind: command\n    run: [{}, --level, \"two words; $(touch x)\"]\n  ops:\n    \
         kind: mail\n    from: relhook@acme.example\n    to: [ops@acme.example]\n    sendmail: {}\n",
        pager.display(),
        mta.display()
    ));
    let fix = ships(&world, "index.html");
    eventually("nobody was told", || {
        beside(&mta, "in").exists() && beside(&pager, "in").exists()
    });
    eventually("it is not whole", || {
        let told = fs::read(beside(&pager, "in")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&told).is_ok()
    });
    let told = fs::read(beside(&pager, "in")).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["schema"], "relhook/notice/v1");
    assert_eq!(told["event"], "release-failed");
    assert_eq!(told["target"], "www");
    assert_eq!(told["commit"], fix.as_str());
    let args = fs::read_to_string(beside(&pager, "args")).unwrap();
    assert_eq!(args, "--level two words; $(touch x)\n");
    let env = fs::read_to_string(beside(&pager, "env")).unwrap();
    assert!(!env.contains("GIT_") && !env.contains("RELHOOK"), "{env}");
    let args = fs::read_to_string(beside(&mta, "args")).unwrap();
    assert_eq!(args, "-i -f relhook@acme.example -- ops@acme.example\n");
    let mail = fs::read_to_string(beside(&mta, "in")).unwrap();
    assert!(
        mail.starts_with("From: relhook@acme.example\nTo: ops@acme.example\nSubject: acme/site: ")
    );
    // Once, however often somebody looks.
    for _ in 0..2 {
        world.relhook(&["release", "--due"]);
    }
    assert_eq!(
        fs::read_to_string(beside(&pager, "args"))
            .unwrap()
            .lines()
            .count(),
        1
    );
}

#[test]
fn a_notifier_that_fails_is_shown_and_gets_it_later() {
    let tools = World::without_repository("none.git");
    let pager = program(&tools, "pager");
    fs::write(beside(&pager, "broken"), "").unwrap();
    let run = format!(
        "  pager:\n    kind: command\n    run: [{}]\n",
        pager.display()
    );
    let world = server(&run);
    ships(&world, "index.html");
    let state = world.server().join("relhook/notify/pager.json");
    eventually("it was never tried", || state.exists());
    let status = world.relhook(&["status"]);
    let text = String::from_utf8_lossy(&status.out).into_owned();
    assert!(
        text.contains("the notifier pager does not get through (1 times"),
        "{text}"
    );
    assert!(text.contains("75"), "{text}");
    // Before it is due again, nothing is tried; then it gets what it missed.
    fs::remove_file(beside(&pager, "broken")).unwrap();
    world.relhook(&["release", "--due"]);
    assert!(!beside(&pager, "in").exists());
    let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    kept["retry_at"] = serde_json::Value::Null;
    fs::write(&state, kept.to_string()).unwrap();
    world.relhook(&["release", "--due"]);
    assert!(beside(&pager, "in").exists());
    let status = world.relhook(&["status"]);
    assert!(
        !String::from_utf8_lossy(&status.out).contains("pager"),
        "{status:?}"
    );
}

/// The JSON of everything that a program was told.
fn told(program: &Path) -> Vec<serde_json::Value> {
    let text = fs::read(beside(program, "in")).unwrap_or_default();
    let read = serde_json::Deserializer::from_slice(&text).into_iter();
    read.map_while(Result::ok).collect()
}

#[test]
fn changes_by_hand_and_a_release_that_was_taken_back_are_told() {
    let tools = World::without_repository("none.git");
    let (pager, other) = (program(&tools, "pager"), program(&tools, "other"));
    let check = tools.path("check");
    let script = "#!/bin/sh\n[ ! -e \"$0.broken\" ]\n";
    write_program(&check, script);
    let world = World::without_relhook();
    fs::create_dir(world.path("www")).unwrap();
    let mut policy = PolicyText::usual().prod("release: [www]");
    policy.yaml += &format!(
        "targets:\n  www:\n    kind: dir\n    path: {}\n    health:\n      command: [{}]\n      \
         retries: 0\nnotify:\n  pager:\n    kind: command\n    run: [{}]\n    events: \
         [drift-found, release-returned]\n  other:\n    kind: command\n    run: [{}]\n    events: \
         [release-failed]\n",
        world.path("www").display(),
        check.display(),
        pager.display(),
        other.display()
    );
    world.write_policy(&policy);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    ships(&world, "index.html");
    world.relhook(&["release"]).assert_ok();
    assert_eq!(world.relhook(&["drift"]).code, 0);
    assert!(told(&pager).is_empty());

    let page = world.path("www/current/index.html");
    fs::write(&page, "by hand").unwrap();
    // However often it is found, it is told once.
    for _ in 0..3 {
        assert_eq!(world.relhook(&["drift"]).code, 1);
    }
    let all = told(&pager);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (&all[0]["event"], &all[0]["target"]),
        (&"drift-found".into(), &"www".into())
    );
    let text = all[0]["text"].as_str().unwrap();
    assert!(text.starts_with("changed index.html: "), "{text}");
    // Something else is told, and so is the same after a release.
    fs::write(world.path("www/current/shell.php"), "<?php").unwrap();
    assert_eq!(world.relhook(&["drift"]).code, 1);
    assert_eq!(told(&pager).len(), 2);
    world.relhook(&["release"]).assert_ok();
    fs::write(&page, "by hand").unwrap();
    assert_eq!(world.relhook(&["drift"]).code, 1);
    assert_eq!(told(&pager).len(), 3);

    fs::write(beside(&check, "broken"), "").unwrap();
    ships(&world, "second.html");
    eventually("nobody was told that it was taken back", || {
        told(&pager).len() > 3
    });
    let last = told(&pager).pop().unwrap();
    assert_eq!(last["event"], "release-returned");
    let text = last["text"].as_str().unwrap();
    assert!(text.starts_with("RH641 "), "{text}");
    // Whoever asks for failed releases alone learns of it too, and of nothing else.
    eventually("the other was not told", || !told(&other).is_empty());
    let all = told(&other);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["event"], "release-returned");
}

#[test]
fn a_web_hook_whose_authority_is_not_beside_the_policy_is_refused_with_it() {
    let world = World::without_relhook();
    let mut policy = PolicyText::usual();
    policy.yaml += "notify:\n  chat:\n    kind: webhook\n    url: https://chat.acme.example/a\n    \
                    ca: keys/absent.pem\n";
    world.write_policy(&policy);
    let said = world.init(&["--policy", "policy.yaml", "--keys", "keys"]);
    assert_ne!(said.code, 0);
    let text = crate::common::shown(&said) + &said.err;
    assert!(
        text.contains("the notifier `chat` trusts `keys/absent.pem`, which is not there"),
        "{text}"
    );
}

/// A web hook: every request's head and body; it answers with these codes, the last one for ever.
pub(crate) struct Hook {
    pub(crate) port: u16,
    got: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    pub(crate) fn answering(codes: &'static [u16]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        let config = tls::config();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut tls = tls::over(&config, stream.unwrap());
                // A client that does not trust the certificate goes away.
                let Some(request) = request(&mut tls) else {
                    continue;
                };
                let count = kept.lock().unwrap().len();
                kept.lock().unwrap().push(request);
                let code = codes.get(count).or(codes.last()).unwrap();
                let answer =
                    format!("HTTP/1.1 {code} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = tls.write_all(answer.as_bytes());
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        });
        Self { port, got }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

fn request(tls: &mut impl Read) -> Option<String> {
    let mut text = String::new();
    let mut byte = [0; 1024];
    loop {
        let read = tls.read(&mut byte).ok().filter(|read| *read > 0)?;
        text += &String::from_utf8_lossy(&byte[..read]);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.to_lowercase();
        let length = length.split("content-length: ").nth(1)?;
        let length: usize = length.split("\r\n").next()?.parse().ok()?;
        if body.len() >= length {
            return Some(text);
        }
    }
}

#[test]
fn a_web_hook_gets_json_and_the_token_from_the_credentials() {
    let hook = Hook::answering(&[204]);
    let world = server(&format!(
        "  chat:\n    kind: webhook\n    url: https://localhost:{}/hooks/relhook\n    ca: \
         keys/hook.pem\n",
        hook.port
    ));
    let folder = world.server().join("relhook/credentials");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("notify-chat");
    fs::write(&file, "token=s3cr3t-t0ken\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    ships(&world, "index.html");
    eventually("nothing came", || !hook.requests().is_empty());
    let all = hook.requests();
    let (head, body) = all[0].split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /hooks/relhook HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.to_lowercase()
            .contains("authorization: bearer s3cr3t-t0ken"),
        "{head}"
    );
    let told: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(told["event"], "release-failed");
    let log = world.log_text();
    let worker = fs::read_to_string(world.server().join("relhook/release/worker.log")).unwrap();
    assert!(!log.contains("s3cr3t") && !worker.contains("s3cr3t"));
}

#[test]
fn a_web_hook_that_says_no_or_is_not_to_be_trusted_is_tried_again_and_shown() {
    let hook = Hook::answering(&[500]);
    let world = server(&format!(
        "  chat:\n    kind: webhook\n    url: https://localhost:{port}/a\n    ca: keys/hook.pem\n  \
         other:\n    kind: webhook\n    url: https://localhost:{port}/b\n",
        port = hook.port
    ));
    ships(&world, "index.html");
    let state = |name: &str| world.server().join(format!("relhook/notify/{name}.json"));
    eventually("it was never tried", || {
        state("chat").exists() && state("other").exists()
    });
    let status = world.relhook(&["status"]);
    let text = String::from_utf8_lossy(&status.out).into_owned();
    assert!(text.contains("the answer was 500"), "{text}");
    assert!(
        text.contains("the notifier other does not get through"),
        "{text}"
    );
    // The machine does not know this authority, so nothing was sent to that address.
    assert!(
        hook.requests()
            .iter()
            .all(|request| request.starts_with("POST /a "))
    );
}
