//! A file that logrotate moves, a program, and a web hook over TLS.

use super::faults::spawns;
use super::{Repeats, eventually, grow, is_everything, sends, streaming, told};
use crate::common::{World, command, run, write_program};
use crate::notify::Hook;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_file_has_everything_across_logrotate() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("log.jsonl");
    let world = streaming(&format!(
        "    file: {{kind: file, path: {}}}\n",
        path.display()
    ));
    grow(&world, 150);
    sends(&world);
    let Some(logrotate) = ["/usr/sbin/logrotate"]
        .into_iter()
        .find(|path| Path::new(path).exists())
    else {
        eprintln!("skipped: logrotate is not here");
        return;
    };
    let conf = out.path().join("conf");
    let text = format!(
        "{} {{\n  rotate 50\n  create\n  dateext\n  dateformat .%s\n}}\n",
        path.display()
    );
    fs::write(&conf, text).unwrap();
    fs::set_permissions(&conf, fs::Permissions::from_mode(0o600)).unwrap();
    let rotates = |number: usize| {
        let mut rotate = command(logrotate, out.path());
        rotate.args(["-f", "-s"]).arg(out.path().join("state"));
        run(rotate.arg(&conf)).assert_ok();
        // Its own names have a resolution of a second.
        let made = fs::read_dir(out.path()).unwrap().find_map(|one| {
            let one = one.unwrap().path();
            let name = one.file_name().unwrap().to_str().unwrap().to_owned();
            name.starts_with("log.jsonl.").then_some(one)
        });
        fs::rename(made.unwrap(), out.path().join(format!("old{number:03}"))).unwrap();
    };
    for number in 0..4 {
        // While it is being written to, and between two batches.
        grow(&world, 400);
        let mut sender = spawns(&world);
        std::thread::sleep(std::time::Duration::from_millis(number * 40));
        rotates(usize::try_from(number).unwrap());
        assert!(sender.wait().unwrap().success());
    }
    sends(&world);
    let mut arrived = Vec::new();
    for number in 0..4 {
        arrived.extend(lines(&out.path().join(format!("old{number:03}"))));
    }
    arrived.extend(lines(&path));
    is_everything(&world, &arrived, Repeats::Allowed);
}

#[test]
fn a_line_that_was_cut_is_ended_and_no_link_is_followed() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("log.jsonl");
    let world = streaming(&format!(
        "    file: {{kind: file, path: {}}}\n",
        path.display()
    ));
    fs::write(&path, "{\"half\":").unwrap();
    sends(&world);
    let mut arrived = lines(&path);
    assert_eq!(arrived.remove(0), "{\"half\":");
    is_everything(&world, &arrived, Repeats::None);
    // Who can write the folder cannot have another file written to.
    let other = out.path().join("authorized_keys");
    fs::write(&other, "").unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&other, &path).unwrap();
    grow(&world, 3);
    assert_eq!(world.relhook(&["audit", "stream", "--once"]).code, 1);
    assert_eq!(fs::read_to_string(&other).unwrap(), "");
    assert_eq!(told(&world), ["file failed"]);
}

/// A program that keeps what it gets, and fails while `<path>.broken` is there.
fn program(world: &World) -> std::path::PathBuf {
    let path = world.path("ship");
    let text = "#!/bin/sh\n[ -e \"$0.broken\" ] && exit 75\nenv > \"$0.env\"\ncat >> \"$0.in\"\n";
    write_program(&path, text);
    path
}

#[test]
fn a_program_gets_lines_and_only_its_exit_code_counts() {
    let tools = World::without_repository("none.git");
    let ship = program(&tools);
    let world = streaming(&format!(
        "    tool: {{kind: command, run: [{}]}}\n",
        ship.display()
    ));
    let (broken, kept) = (tools.path("ship.broken"), tools.path("ship.in"));
    grow(&world, 1000);
    fs::write(&broken, "").unwrap();
    for _ in 0..5 {
        assert_eq!(world.relhook(&["audit", "stream", "--once"]).code, 1);
    }
    assert_eq!(told(&world), ["tool failed"]);
    fs::remove_file(&broken).unwrap();
    sends(&world);
    assert_eq!(told(&world), ["tool failed", "tool recovered"]);
    is_everything(&world, &lines(&kept), Repeats::None);
    let env = fs::read_to_string(tools.path("ship.env")).unwrap();
    assert!(!env.contains("GIT_") && !env.contains("RELHOOK"), "{env}");
    // One that does not read what it gets does not hold it up for ever.
    write_program(&ship, "#!/bin/sh\nexit 0\n");
    grow(&world, 2000);
    sends(&world);
}

#[test]
fn a_web_hook_gets_lines_signed_by_the_secret_of_the_credentials() {
    let hook = Hook::answering(&[503, 204]);
    let world = streaming(&format!(
        "    collector: {{kind: webhook, url: 'https://localhost:{}/in', ca: keys/hook.pem}}\n",
        hook.port
    ));
    let file = world.server().join("relhook/credentials/stream-collector");
    fs::write(&file, "token=s3cr3t-t0ken\nsecret=k3y\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    grow(&world, 150);
    assert_eq!(world.relhook(&["audit", "stream", "--once"]).code, 1);
    sends(&world);
    let requests = hook.requests();
    let bodies = requests.iter().skip(1).flat_map(|request| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        assert!(
            head.contains("authorization: bearer s3cr3t-t0ken"),
            "{head}"
        );
        assert!(
            head.contains("content-type: application/x-ndjson"),
            "{head}"
        );
        let (_, signed) = head.split_once("x-relhook-signature: sha256=").unwrap();
        let signed = signed.split("\r\n").next().unwrap();
        assert_eq!(signed, hmac(body), "{head}");
        body.lines().map(str::to_owned)
    });
    is_everything(&world, &bodies.collect::<Vec<_>>(), Repeats::None);
    assert_eq!(told(&world), ["collector failed", "collector recovered"]);
    let log = world.log_text();
    assert!(!log.contains("s3cr3t") && !log.contains("k3y"), "{log}");
    eventually("nothing more is sent", || true);
}

/// The signature, by OpenSSL.
fn hmac(body: &str) -> String {
    let mut openssl = command("openssl", Path::new("/"));
    openssl.args(["dgst", "-sha256", "-hmac", "k3y", "-r"]);
    let said = crate::common::run_with(&mut openssl, body.as_bytes());
    said.text().split(' ').next().unwrap().to_owned()
}
