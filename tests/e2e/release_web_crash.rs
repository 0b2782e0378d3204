//! D-08, U-07: releases to buckets and WebDAV servers that are killed, cut off or put off at every
//! one of their requests.
//!
//! Whatever happened, the next run brings the target to exactly what an undisturbed run gives.

use crate::common::davd::{self, Dav, Davd};
use crate::common::proxy::{Mishap, Proxy};
use crate::common::s3d::{ACCESS, BUCKET, S3d, SECRET};
use crate::release_kit::{Bench, carry_out_apart, released, tree, written};
use relhook::policy::{Authentication, Replacing, TargetKind, WebdavTarget};
use relhook::release::{Order, Outcome};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

type Files = BTreeMap<String, String>;

/// What is behind the relay, kept alive for the test.
enum Server {
    Store(S3d),
    Dav(Davd),
}

impl Server {
    /// The folder on the disk that the release is in.
    fn site(&self) -> PathBuf {
        match self {
            Self::Store(store) => store.bucket().join("www"),
            Self::Dav(dav) => dav.site(),
        }
    }

    fn hands_over(&self) {
        match self {
            Self::Dav(dav) => dav.hands_over(),
            // It remembers for 20 ms what a folder held, and was not asked about the change.
            Self::Store(_) => std::thread::sleep(Duration::from_millis(60)),
        }
    }
}

/// A target behind a relay, and two commits: `a` is there, `b` is being released when it goes wrong.
struct Scene {
    bench: Bench,
    server: Server,
    proxy: Proxy,
    /// The target as the policy writes it, where it can.
    text: String,
    kind: TargetKind,
    a: Oid,
    b: Oid,
}

impl Scene {
    fn before(server: Server, port: u16, make: impl Fn(u16) -> (String, TargetKind)) -> Self {
        let (bench, proxy) = (Bench::new(), Proxy::before_http(port));
        let (text, kind) = make(proxy.port);
        let a = bench.commit(&[
            ("same", "1"),
            ("edited", "old"),
            ("gone/deep/x", "1"),
            ("file-to-dir", "1"),
            ("dir-to-file/p/q", "1"),
            ("old-name", "the same under another name"),
        ]);
        let b = bench.commit(&[
            ("same", "1"),
            ("edited", "new"),
            ("new/deep/z", "1"),
            ("file-to-dir/a", "1"),
            ("dir-to-file", "1"),
            ("new-name", "the same under another name"),
        ]);
        Self {
            bench,
            server,
            proxy,
            text,
            kind,
            a,
            b,
        }
    }

    fn bucket(more: &str) -> Self {
        let store = S3d::start();
        let port = store.port;
        let scene = Self::before(Server::Store(store), port, |port| {
            let text = format!(
                "    kind: s3\n    endpoint: http://localhost:{port}\n    tls: none\n    \
                 bucket: {BUCKET}\n    prefix: www\n    connections: 1\n{more}"
            );
            let kind = written(&text);
            (text, kind)
        });
        let keys = format!("access_key={ACCESS}\nsecret_key={SECRET}\n");
        scene.bench.account(&keys);
        scene
    }

    fn apache() -> Self {
        let server = Davd::start(Dav::PlainApacheDigest);
        let port = server.port;
        let scene = Self::before(Server::Dav(server), port, |port| {
            let text = format!(
                "    kind: webdav\n    url: http://localhost:{port}/dav\n    tls: none\n    \
                 authentication: digest\n    connections: 1\n"
            );
            let kind = written(&text);
            (text, kind)
        });
        scene.bench.credentials(davd::USER, davd::PASSWORD);
        scene
    }

    /// No policy writes this: a password that goes over the line as it is.
    fn nginx(put: Replacing) -> Self {
        let server = Davd::start(Dav::PlainNginx);
        let port = server.port;
        let scene = Self::before(Server::Dav(server), port, |port| {
            let target = WebdavTarget {
                url: format!("http://localhost:{port}/dav").parse().unwrap(),
                authentication: Authentication::Basic,
                put,
                ca: None,
                connections: 2,
            };
            (String::new(), TargetKind::Webdav(target))
        });
        scene.bench.credentials(davd::USER, davd::PASSWORD);
        scene
    }

    fn order(&self, commit: Oid) -> Order {
        let sequence = if commit == self.a { 1 } else { 2 };
        self.bench.order(self.kind.clone(), commit, sequence)
    }

    /// A target with `a` released.
    fn reset(&self) {
        self.proxy.calm();
        let site = self.server.site();
        empty(&site);
        fs::create_dir_all(site.join("uploads")).unwrap();
        fs::write(site.join("uploads/theirs"), "theirs").unwrap();
        self.server.hands_over();
        let _ = fs::remove_dir_all(self.bench.folder().join("release"));
        released(self.bench.release(&self.order(self.a)));
    }

    fn undisturbed(&self) -> Files {
        self.reset();
        released(self.bench.release(&self.order(self.b)));
        self.found()
    }

    /// Every file; a bucket has no directories.
    fn found(&self) -> Files {
        let mut files: Files = tree(&self.server.site());
        if let Server::Store(_) = self.server {
            files.retain(|name, _| !name.ends_with('/'));
        }
        // Whatever the name is that a folder was set aside under.
        let names = files.into_iter().map(|(name, content)| {
            let aside = name.strip_prefix(".relhook-aside-");
            let aside = aside.and_then(|rest| rest.split_once('/'));
            (
                aside.map_or(name.clone(), |(_, below)| format!("aside/{below}")),
                content,
            )
        });
        names.collect()
    }

    /// Kills the release of `b` at its request number `at`; false if it had fewer.
    fn killed_at(&self, at: usize, mishap: Mishap) -> bool {
        self.proxy.arm(at, mishap);
        let order = self.order(self.b);
        let target = [("RELHOOK_APART_TARGET", self.text.as_str())];
        let mut child = self
            .bench
            .release_in("release_web_crash::apart", &order, &target);
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

    /// Kills the release at every request, and carries on each time. Gives how many there were.
    fn survives(&self, mishap: Mishap) -> usize {
        let expected = self.undisturbed();
        for at in 1.. {
            self.reset();
            if !self.killed_at(at, mishap) {
                return at - 1;
            }
            let outcome = self.bench.release(&self.order(self.b));
            assert!(
                matches!(outcome, Ok(Outcome::Released(..) | Outcome::UpToDate(_))),
                "{mishap:?} at {at}: {outcome:?}"
            );
            assert_eq!(self.found(), expected, "{mishap:?} at {at}");
        }
        0
    }

    /// Mends within the run what goes wrong at every request.
    fn mends(&self, mishap: Mishap) {
        let expected = self.undisturbed();
        for at in 1..200 {
            self.reset();
            self.proxy.arm(at, mishap);
            released(self.bench.release(&self.order(self.b)));
            assert_eq!(self.found(), expected, "{mishap:?} at {at}");
            if self.proxy.count() < at {
                return;
            }
        }
        panic!("the release had no end");
    }
}

fn empty(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => fs::remove_dir_all(path).unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
    }
}

/// Not a test: the other end of [`Bench::release_in`].
#[test]
#[ignore = "started by other tests, in a process that they kill"]
fn apart() {
    carry_out_apart(|variable| written(&variable("_TARGET")));
}

#[test]
fn d_08_u_07_a_kill_at_any_request_to_a_bucket_is_carried_on() {
    let scene = Scene::bucket("");
    for mishap in [Mishap::FreezeBefore, Mishap::FreezeAfter] {
        assert!(scene.survives(mishap) > 10);
    }
}

#[test]
fn d_08_u_07_a_kill_at_any_request_leaves_the_pointer_at_a_whole_release() {
    let scene = Scene::bucket("    switch: pointer\n");
    for mishap in [Mishap::FreezeBefore, Mishap::FreezeAfter] {
        assert!(scene.survives(mishap) > 10);
    }
}

#[test]
fn d_08_u_07_a_kill_at_any_request_to_a_webdav_server_is_carried_on() {
    let scene = Scene::apache();
    for mishap in [Mishap::FreezeBefore, Mishap::FreezeAfter] {
        assert!(scene.survives(mishap) > 20);
    }
}

#[test]
fn a_bucket_that_is_busy_or_cuts_off_is_asked_again() {
    for form in ["", "    switch: pointer\n"] {
        let scene = Scene::bucket(form);
        for mishap in [Mishap::CutBefore, Mishap::CutAfter, Mishap::Busy(2)] {
            scene.mends(mishap);
        }
    }
}

#[test]
fn a_webdav_server_that_is_busy_or_cuts_off_is_asked_again() {
    for put in [Replacing::Beside, Replacing::Whole] {
        let scene = Scene::nginx(put);
        for mishap in [Mishap::CutBefore, Mishap::CutAfter, Mishap::Busy(2)] {
            scene.mends(mishap);
        }
    }
}
