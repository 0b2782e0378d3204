//! The sender is killed, is far behind, or two send at once; the receiver hangs.

use super::rsyslog::Rsyslog;
use super::{Repeats, eventually, grow, is_everything, sends, streaming};
use crate::common::{RELHOOK, World};
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

pub(super) fn spawns(world: &World) -> Child {
    let mut relhook = world.server_command(RELHOOK);
    relhook.arg("--git-dir").arg(world.server());
    relhook.args(["audit", "stream", "--once"]);
    relhook.stdout(Stdio::null()).stderr(Stdio::null());
    relhook.spawn().unwrap()
}

fn to_file(world_of: &std::path::Path) -> World {
    streaming(&format!(
        "    file: {{kind: file, path: {}}}\n",
        world_of.display()
    ))
}

fn lines(path: &std::path::Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // What a killed write left half is there again behind it.
    let whole = text.lines().filter(|line| line.ends_with('}'));
    whole.map(str::to_owned).collect()
}

#[test]
fn a_kill_at_any_time_makes_no_gap() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("log.jsonl");
    let world = to_file(&path);
    grow(&world, 4000);
    for number in 0..25 {
        let mut child = spawns(&world);
        std::thread::sleep(Duration::from_millis(15 + 11 * number));
        let _ = child.kill();
        let _ = child.wait();
    }
    sends(&world);
    is_everything(&world, &lines(&path), Repeats::Allowed);
}

#[test]
fn a_server_that_dies_again_and_again_misses_nothing() {
    let Some(mut server) = Rsyslog::stopped() else {
        return;
    };
    let world = streaming(&format!(
        "    tcp: {{kind: syslog, transport: tcp, host: 127.0.0.1, port: {}, max_message: 65536}}\n",
        server.tcp
    ));
    for number in 0..4 {
        grow(&world, 300);
        if number % 2 == 0 {
            assert_eq!(world.relhook(&["audit", "stream", "--once"]).code, 1);
        } else {
            server.starts();
            sends(&world);
            let last = format!("\"seq\":{},", world.log().len());
            let arrived = server.has("tcp", &last);
            let bodies: Vec<String> = arrived.into_iter().map(|(_, body)| body).collect();
            is_everything(&world, &bodies, Repeats::Allowed);
            server.stops();
        }
    }
}

#[test]
fn ten_thousand_behind_take_no_more_memory_than_a_thousand() {
    let peak = |entries: u64| {
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("log.jsonl");
        let world = to_file(&path);
        grow(&world, entries);
        let mut child = spawns(&world);
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0;
        while child.try_wait().unwrap().is_none() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
            most = most.max(kilobytes.unwrap_or(0_u64));
            std::thread::sleep(Duration::from_millis(2));
        }
        is_everything(&world, &lines(&path), Repeats::None);
        most
    };
    let (small, large) = (peak(1000), peak(10_000));
    assert!(large < small + 16 * 1024, "{small} kB, then {large} kB");
    assert!(large < 96 * 1024, "{large} kB");
}

#[test]
fn two_senders_send_nothing_twice_and_leave_nothing() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("log.jsonl");
    let world = to_file(&path);
    for _ in 0..5 {
        grow(&world, 200);
        let children: Vec<Child> = (0..4).map(|_| spawns(&world)).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        is_everything(&world, &lines(&path), Repeats::None);
    }
}

#[test]
fn a_receiver_that_hangs_holds_up_no_push_and_no_other_stream() {
    // It takes connections, reads nothing and closes nothing.
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("log.jsonl");
    let world = streaming(&format!(
        "    hangs: {{kind: syslog, transport: tcp, host: 127.0.0.1, port: {port}}}\n    \
         file: {{kind: file, path: {}}}\n",
        path.display()
    ));
    let dana = world.person("dana");
    dana.commits("index.html");
    let begun = Instant::now();
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let size = world.log().len();
    eventually("the other stream waits", || lines(&path).len() >= size);
    drop(listener);
}
