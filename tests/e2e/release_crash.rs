//! D-08, U-07: a release to an FTP site that is killed, or cut off, at every one of its commands.
//!
//! Whatever happened, the next run brings the site to exactly what an undisturbed run gives: same
//! files, same record, nothing left over, and the foreign files as they were.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER};
use crate::common::proxy::{Mishap, Proxy};
use crate::release_kit::{Bench, ftp, released, tree};
use relhook::policy::TlsMode;
use relhook::release::{Order, Outcome};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// A site behind a relay, and three commits: `a` is there, `b` is being released when it goes
/// wrong, `c` may be what is accepted by then.
struct Scene {
    bench: Bench,
    ftpd: Ftpd,
    proxy: Proxy,
    connections: u32,
    a: Oid,
    b: Oid,
    c: Oid,
}

type Files = BTreeMap<String, String>;

impl Scene {
    fn new(connections: u32) -> Self {
        let bench = Bench::new();
        bench.credentials(USER, PASSWORD);
        let ftpd = Ftpd::start(Tls::None);
        let proxy = Proxy::before(ftpd.port);
        let a = bench.commit(&[
            ("same", "1"),
            ("edited", "old"),
            ("gone/deep/x", "moves"),
            ("gone/y", "9"),
            ("file-to-dir", "1"),
            ("dir-to-file/p/q", "1"),
            ("late", "1"),
        ]);
        let b = bench.commit(&[
            ("same", "1"),
            ("edited", "new"),
            ("new/deep/z", "moves"),
            ("new/w", ""),
            ("file-to-dir/a", "1"),
            ("dir-to-file", "1"),
            ("late", "1"),
        ]);
        let c = bench.commit(&[
            ("same", "1"),
            ("edited", "newest"),
            ("new/deep/z", "moves"),
            ("gone/y", "9"),
            ("dir-to-file/p/q", "1"),
            ("file-to-dir/a", "2"),
        ]);
        Self {
            bench,
            ftpd,
            proxy,
            connections,
            a,
            b,
            c,
        }
    }

    fn order(&self, commit: Oid) -> Order {
        let path = self.ftpd.site().display().to_string();
        let kind = ftp(self.proxy.port, &path, TlsMode::Plain, self.connections);
        let sequence = [self.a, self.b, self.c]
            .iter()
            .position(|one| *one == commit)
            .unwrap();
        self.bench.order(kind, commit, sequence as u64 + 1)
    }

    /// A site as it was before relhook came, or with `a` released.
    fn reset(&self, from: Option<Oid>) {
        self.proxy.calm();
        fs::remove_dir_all(self.ftpd.site()).unwrap();
        fs::create_dir_all(self.ftpd.site().join("uploads")).unwrap();
        fs::write(self.ftpd.site().join("uploads/theirs"), "theirs").unwrap();
        let _ = fs::remove_dir_all(self.bench.folder().join("release"));
        if let Some(commit) = from {
            released(self.bench.release(&self.order(commit)));
        }
    }

    /// What undisturbed runs give.
    fn undisturbed(&self, from: Option<Oid>, then: &[Oid]) -> Files {
        self.reset(from);
        for commit in then {
            released(self.bench.release(&self.order(*commit)));
        }
        tree(&self.ftpd.site())
    }

    /// Kills the release of `b` at its command number `at`; false if it had fewer.
    fn killed_at(&self, commit: Oid, at: usize, mishap: Mishap) -> bool {
        self.proxy.arm(at, mishap);
        let mut child = self.bench.release_apart(&self.order(commit));
        let wrong = loop {
            if self.proxy.went_wrong(Duration::from_millis(20)) {
                break true;
            }
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "the release failed by itself at {at}");
                break false;
            }
        };
        // SIGKILL.
        let _ = child.kill();
        child.wait().unwrap();
        self.proxy.calm();
        wrong
    }

    /// Kills the release of `doomed` at every command, and releases `next` each time.
    fn survives(&self, mishap: Mishap, from: Option<Oid>, doomed: Oid, next: Oid) -> usize {
        let expected = self.undisturbed(from, &[next]);
        for at in 1.. {
            self.reset(from);
            if !self.killed_at(doomed, at, mishap) {
                return at;
            }
            let outcome = self.bench.release(&self.order(next));
            assert!(
                matches!(outcome, Ok(Outcome::Released(..) | Outcome::UpToDate(_))),
                "{mishap:?} at {at}: {outcome:?}"
            );
            assert_eq!(self.found(), expected, "{mishap:?} at {at}");
        }
        0
    }

    fn found(&self) -> Files {
        tree(&self.ftpd.site())
    }
}

#[test]
fn d_08_d_09_a_kill_at_any_command_is_carried_on() {
    let scene = Scene::new(1);
    for mishap in [Mishap::FreezeBefore, Mishap::FreezeAfter] {
        assert!(scene.survives(mishap, Some(scene.a), scene.b, scene.b) > 60);
    }
}

#[test]
fn d_08_a_kill_at_any_command_is_followed_by_another_release() {
    let scene = Scene::new(1);
    for mishap in [Mishap::FreezeBefore, Mishap::FreezeAfter] {
        assert!(scene.survives(mishap, Some(scene.a), scene.b, scene.c) > 60);
    }
}

#[test]
fn d_08_a_kill_in_the_first_release_is_carried_on() {
    let scene = Scene::new(2);
    for mishap in [Mishap::FreezeBefore, Mishap::FreezeAfter] {
        assert!(scene.survives(mishap, None, scene.a, scene.a) > 60);
    }
}

#[test]
fn a_broken_connection_is_mended_within_the_run() {
    let scene = Scene::new(2);
    let expected = scene.undisturbed(Some(scene.a), &[scene.b]);
    for mishap in [Mishap::CutBefore, Mishap::CutAfter] {
        for at in (1..70).step_by(3) {
            scene.reset(Some(scene.a));
            scene.proxy.arm(at, mishap);
            released(scene.bench.release(&scene.order(scene.b)));
            assert_eq!(scene.found(), expected, "{mishap:?} at {at}");
        }
    }
}

#[test]
fn u_07_a_kill_in_the_middle_of_a_file_shows_nothing_of_it() {
    let bench = Bench::new();
    bench.credentials(USER, PASSWORD);
    let ftpd = Ftpd::with(Tls::None, "anon_max_rate=3000000\n");
    let path = ftpd.site().display().to_string();
    let order =
        |commit, sequence| bench.order(ftp(ftpd.port, &path, TlsMode::Plain, 2), commit, sequence);
    released(bench.release(&order(
        bench.commit(&[("page", "old"), ("film", "short")]),
        1,
    )));
    let before = tree(&ftpd.site());
    let film = "0123456789abcdef".repeat(512 * 1024);
    let next = order(bench.commit(&[("page", "new"), ("film", &film)]), 2);

    let mut child = bench.release_apart(&next);
    let half_way = || {
        let mut sizes = fs::read_dir(ftpd.site())
            .unwrap()
            .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()));
        sizes.any(|size| size > 1_000_000)
    };
    while !half_way() {
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let mut now = tree(&ftpd.site());
    let temps: Vec<String> = now
        .keys()
        .filter(|name| name.ends_with(".tmp"))
        .cloned()
        .collect();
    assert!(!temps.is_empty());
    temps.iter().for_each(|name| drop(now.remove(name)));
    assert_eq!(now, before);

    let totals = released(bench.release(&next));
    assert_eq!(totals.uploaded, 2);
    let after = tree(&ftpd.site());
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        [".relhook-manifest.json", "film", "page"]
    );
    assert!(after["film"] == film && after["page"] == "new");
}
