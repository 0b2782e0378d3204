//! D-08, U-07: a release to an FTP site that is killed, or cut off, at every one of its commands.
//!
//! Whatever happened, the next run brings the site to exactly what an undisturbed run gives: same
//! files, same record, nothing left over, and the foreign files as they were.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER};
use crate::common::proxy::{Mishap, Proxy};
use crate::common::{command, run};
use crate::release_kit::{Bench, ftp, released, tree};
use relhook::policy::TlsMode;
use relhook::release::{Order, Outcome, SPLIT};
use relhook::types::Oid;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
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
    /// The site and relhook's folder of it as they are with a commit released.
    kept: RefCell<BTreeMap<Option<Oid>, PathBuf>>,
}

type Files = BTreeMap<String, String>;

impl Scene {
    fn new(connections: u32) -> Self {
        Self::with(connections, [0; 3])
    }

    /// The same, each commit with so many files more.
    fn with(connections: u32, more: [usize; 3]) -> Self {
        let bench = Bench::new();
        bench.credentials(USER, PASSWORD);
        let ftpd = Ftpd::start(Tls::None);
        let proxy = Proxy::before(ftpd.port);
        let all: Vec<String> = (0..1_000).map(|n| format!("all/f{n:04}.png")).collect();
        let commit = |files: &[(&str, &str)], more: usize| {
            let more = all.iter().take(more).map(|name| (name.as_str(), "more"));
            bench.commit(&files.iter().copied().chain(more).collect::<Vec<_>>())
        };
        let a = commit(
            &[
                ("same", "1"),
                ("edited", "old"),
                ("gone/deep/x", "moves"),
                ("gone/y", "9"),
                ("file-to-dir", "1"),
                ("dir-to-file/p/q", "1"),
                ("late", "1"),
            ],
            more[0],
        );
        let b = commit(
            &[
                ("same", "1"),
                ("edited", "new"),
                ("new/deep/z", "moves"),
                ("new/w", ""),
                ("file-to-dir/a", "1"),
                ("dir-to-file", "1"),
                ("late", "1"),
            ],
            more[1],
        );
        let c = commit(
            &[
                ("same", "1"),
                ("edited", "newest"),
                ("new/deep/z", "moves"),
                ("gone/y", "9"),
                ("dir-to-file/p/q", "1"),
                ("file-to-dir/a", "2"),
            ],
            more[2],
        );
        Self {
            bench,
            ftpd,
            proxy,
            connections,
            a,
            b,
            c,
            kept: RefCell::default(),
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
        let _ = fs::remove_dir_all(self.bench.folder().join("release"));
        if let Some(kept) = self.kept.borrow().get(&from) {
            copy(&kept.join("site"), &self.ftpd.site());
            copy(&kept.join("release"), &self.bench.folder().join("release"));
            return;
        }
        fs::create_dir_all(self.ftpd.site().join("uploads")).unwrap();
        fs::write(self.ftpd.site().join("uploads/theirs"), "theirs").unwrap();
        fs::create_dir_all(self.bench.folder().join("release")).unwrap();
        if let Some(commit) = from {
            released(self.bench.release(&self.order(commit)));
        }
        let number = self.kept.borrow().len();
        let kept = self.bench.outside(&format!("kept-{number}"));
        copy(&self.ftpd.site(), &kept.join("site"));
        copy(&self.bench.folder().join("release"), &kept.join("release"));
        self.kept.borrow_mut().insert(from, kept);
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
        self.survives_from(1, mishap, from, doomed, next)
    }

    /// The same from a command on.
    fn survives_from(
        &self,
        first: usize,
        mishap: Mishap,
        from: Option<Oid>,
        doomed: Oid,
        next: Oid,
    ) -> usize {
        let expected = self.undisturbed(from, &[next]);
        for at in first.. {
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

    /// How many commands a release takes.
    fn commands(&self, from: Option<Oid>, next: Oid) -> usize {
        self.reset(from);
        let before = self.ftpd.commands().len();
        released(self.bench.release(&self.order(next)));
        self.ftpd.commands().len() - before
    }
}

fn copy(from: &Path, to: &Path) {
    let mut copy = command("cp", Path::new("/"));
    run(copy.args(["-a", "-T"]).arg(from).arg(to)).assert_ok();
}

/// A small change on a site whose record has two parts.
#[test]
fn d_08_u_07_a_kill_at_any_command_of_the_short_way_is_carried_on() {
    let scene = Scene::with(1, [SPLIT, SPLIT, SPLIT]);
    for mishap in [Mishap::FreezeBefore, Mishap::FreezeAfter] {
        assert!(scene.survives(mishap, Some(scene.a), scene.b, scene.b) > 60);
    }
}

#[test]
fn d_08_u_07_a_kill_at_any_command_of_the_short_way_is_followed_by_another_release() {
    let scene = Scene::with(1, [SPLIT, SPLIT, SPLIT]);
    for mishap in [Mishap::FreezeBefore, Mishap::FreezeAfter] {
        assert!(scene.survives(mishap, Some(scene.a), scene.b, scene.c) > 60);
    }
}

/// The last commands of a release write its record: of one part and then of two, of two and then of one,
/// and of two with another base.
#[test]
fn d_08_u_07_a_kill_while_the_record_gets_other_parts_is_carried_on() {
    for more in [[0, SPLIT, 0], [SPLIT, 0, 0], [SPLIT, SPLIT + 300, 0]] {
        let scene = Scene::with(1, more);
        let all = scene.commands(Some(scene.a), scene.b);
        let met = scene.survives_from(
            all - 40,
            Mishap::FreezeAfter,
            Some(scene.a),
            scene.b,
            scene.b,
        );
        assert!(met > all - 10, "{met} of {all}");
        let met = scene.survives_from(
            all - 40,
            Mishap::FreezeBefore,
            Some(scene.a),
            scene.b,
            scene.c,
        );
        assert!(met > all - 10, "{met} of {all}");
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
