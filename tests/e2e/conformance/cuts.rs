//! Protocols that nobody can read along, killed and cut off after any number of bytes.
//!
//! FTP is met at each of its commands in `release_crash.rs`, buckets and WebDAV at each of their
//! requests in `release_web_crash.rs`.

use super::Kind;
use super::kinds::ssh::{Rsync, Sftp};
use super::kinds::svn::Svn;
use super::mishaps::{ends, own};
use super::scene::Scene;
use crate::common::relay::{Break, Relay};
use relhook::release::Order;
use std::collections::BTreeSet;
use std::time::Duration;

/// A kind whose server listens on one port.
pub trait Relayed: Kind {
    /// That port.
    fn port(&self) -> u16;
}

/// In how many places a run is met.
const PLACES: u64 = 16;

const OLD: [(&str, &str); 7] = [
    ("same", "1"),
    ("edited", "old"),
    ("gone/deep/x", "moves"),
    ("gone/y", "9"),
    ("file-to-dir", "1"),
    ("dir-to-file/p/q", "1"),
    ("late", "1"),
];

const NEW: [(&str, &str); 7] = [
    ("same", "1"),
    ("edited", "new"),
    ("new/deep/z", "moves"),
    ("new/w", ""),
    ("file-to-dir/a", "1"),
    ("dir-to-file", "1"),
    ("late", "1"),
];

/// The old release's paths with other contents: there is nothing to do but to send files.
const EDITED: [(&str, &str); 7] = [
    ("same", "1"),
    ("edited", "new"),
    ("gone/deep/x", "other"),
    ("gone/y", "10"),
    ("file-to-dir", "2"),
    ("dir-to-file/p/q", "2"),
    ("late", "2"),
];

/// A target behind a relay, which holds the old release and what others put there.
struct Behind<K> {
    scene: Scene<K>,
    relay: Relay,
    film: String,
    /// The new release.
    to: [(&'static str, &'static str); 7],
    /// What of relhook's own an undisturbed run leaves.
    clean: BTreeSet<String>,
    /// How many bytes it sends.
    bytes: u64,
}

impl<K: Relayed> Behind<K> {
    fn new() -> Self {
        Self::going_to(NEW)
    }

    fn going_to(to: [(&'static str, &'static str); 7]) -> Self {
        let mut scene = Scene::<K>::new();
        let port = scene.kind.port();
        let relay = Relay::before(port);
        scene.goes_through(relay.port, port);
        scene.puts("uploads/theirs", "theirs");
        // It does not get smaller on its way.
        let digits = (0_u32..5_000).map(|n| n.wrapping_mul(2_654_435_761).to_string());
        let mut behind = Self {
            scene,
            relay,
            film: digits.collect(),
            to,
            clean: BTreeSet::new(),
            bytes: 0,
        };
        behind.old();
        behind.relay.calm();
        let order = behind.next();
        let files = with(&behind.to, &behind.film);
        crate::release_kit::released(behind.scene.release(&order));
        behind.scene.holds(&files);
        behind.bytes = behind.relay.sent();
        behind.clean = own(&behind.scene);
        behind
    }

    fn old(&mut self) {
        self.relay.calm();
        self.scene.arrives(&with(&OLD, "short"));
    }

    fn next(&mut self) -> Order {
        self.scene.ordered(&with(&self.to, &self.film))
    }

    /// The old release, then the new one met in the middle of it; false if it was over before.
    fn met(&mut self, after: u64, what: Break) -> (Order, bool) {
        self.old();
        let order = self.next();
        self.relay.arm(after, what);
        let mut child = self.scene.starts(&order);
        let wrong = loop {
            if self.relay.went_wrong(Duration::from_millis(10)) {
                break true;
            }
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "the release failed by itself at {after}");
                break false;
            }
        };
        if what == Break::Freeze {
            // SIGKILL.
            child.kill().unwrap();
        }
        child.wait().unwrap();
        self.scene
            .holds_no_half(&with(&OLD, "short"), &with(&self.to, &self.film));
        self.relay.calm();
        (order, wrong)
    }

    /// Meets a run in places all over it, and carries it on each time.
    fn survives(&mut self, what: Break) {
        let mut met = 0;
        for place in 0..PLACES {
            // The handshake and what begins and ends a run have more steps than the bytes between.
            let after = 1 + self.bytes * place / PLACES + 31 * place;
            let (order, wrong) = self.met(after, what);
            met += u64::from(wrong);
            let files = with(&self.to, &self.film);
            ends(&self.scene, &order, &files, &self.clean);
        }
        assert!(met + 3 > PLACES, "only {met} runs were met");
    }
}

fn with<'a>(files: &[(&'a str, &'a str)], film: &'a str) -> Vec<(&'a str, &'a str)> {
    let film = ("film", film);
    files.iter().copied().chain([film]).collect()
}

#[test]
fn d_08_u_07_sftp_that_is_killed_anywhere_is_carried_on() {
    Behind::<Sftp<false>>::new().survives(Break::Freeze);
}

#[test]
fn u_07_sftp_that_is_cut_off_anywhere_is_carried_on() {
    Behind::<Sftp<false>>::new().survives(Break::Cut);
}

#[test]
fn d_08_u_07_rsync_that_is_killed_anywhere_is_carried_on() {
    Behind::<Rsync<false>>::new().survives(Break::Freeze);
}

/// The record travels with the files then, and may be there before all of them are.
#[test]
fn d_08_u_07_rsync_that_sends_the_record_along_is_carried_on() {
    Behind::<Rsync<false>>::going_to(EDITED).survives(Break::Freeze);
    Behind::<Rsync<false>>::going_to(EDITED).survives(Break::Cut);
}

#[test]
fn u_07_rsync_that_is_cut_off_anywhere_is_carried_on() {
    Behind::<Rsync<false>>::new().survives(Break::Cut);
}

#[test]
fn d_08_u_07_svn_that_is_killed_anywhere_is_carried_on() {
    Behind::<Svn>::new().survives(Break::Freeze);
}

#[test]
fn u_07_svn_that_is_cut_off_anywhere_is_carried_on() {
    Behind::<Svn>::new().survives(Break::Cut);
}
