//! What travels is compressed where the policy asks for it and the host does it: fewer bytes, and the
//! same site.

use crate::common::relay::Relay;
use crate::common::sftpd::Sftpd;
use crate::common::webhost::WebHost;
use crate::hosting::sshd::account;
use crate::release_kit::{Bench, released, tree};
use relhook::policy::{RsyncTarget, SftpTarget, SshProof, TargetKind, Verify};
use relhook::release::{MANIFEST_NAME, Outcome, is_base};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::path::Path;

/// Words, as pages have them: a fifth of their size is enough for them.
fn text(words: u32) -> String {
    let word = |n: u32| {
        format!(
            "<p class=\"c{}\">word {}</p>\n",
            n % 7,
            n.wrapping_mul(40_503) % 9973
        )
    };
    (0..words).map(word).collect()
}

/// What does not get smaller.
fn noise(version: &str) -> Vec<u8> {
    let mut state = u64::from(version.as_bytes()[0]);
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..300_000).map(|_| next()).collect()
}

/// What is to be on the site: text, noise, and nothing.
fn wanted(version: &str) -> BTreeMap<&'static str, Vec<u8>> {
    BTreeMap::from([
        ("index.html", (text(60_000) + version).into_bytes()),
        ("film", noise(version)),
        ("css/empty", Vec::new()),
        ("css/a b.css", b"x".to_vec()),
    ])
}

/// A commit of that, and how many bytes it has.
fn files(bench: &Bench, version: &str) -> (Oid, usize) {
    let files = wanted(version);
    let entries: Vec<(u32, &[u8], &[u8])> = files
        .iter()
        .map(|(name, content)| (0o100_644, name.as_bytes(), content.as_slice()))
        .collect();
    let size = files.values().map(Vec::len).sum();
    (bench.commit_modes(&entries), size)
}

/// A site is what the commit is.
#[track_caller]
fn holds(site: &Path, version: &str) {
    let mut found = tree(site);
    found.retain(|name, _| name != MANIFEST_NAME && name != ".relhook-temp/" && !is_base(name));
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["css/", "css/a b.css", "css/empty", "film", "index.html"]
    );
    for (name, content) in wanted(version) {
        assert!(std::fs::read(site.join(name)).unwrap() == content, "{name}");
    }
}

/// What a release says beside its counts.
#[track_caller]
fn notice(bench: &Bench, kind: TargetKind, commit: Oid, sequence: u64) -> Option<String> {
    match bench.release(&bench.order(kind, commit, sequence)) {
        Ok(Outcome::Released(_, _, notice)) => notice,
        other => panic!("not released: {other:?}"),
    }
}

/// A target by the port at which it is reached, and whether it is compressed.
type Target<'a> = dyn Fn(u16, bool) -> TargetKind + 'a;

/// How many bytes a first release sends to a host, and how many its files have. A second one replaces
/// them, and reads them back.
fn sends(
    bench: &Bench,
    host: u16,
    site: &Path,
    target: &Target<'_>,
    compress: bool,
) -> (u64, usize) {
    let relay = Relay::before(host);
    let (first, size) = files(bench, "one");
    assert_eq!(notice(bench, target(relay.port, compress), first, 1), None);
    holds(site, "one");
    let sent = relay.sent();
    let (second, _) = files(bench, "two");
    let mut order = bench.order(target(relay.port, compress), second, 2);
    order.target.care.verify = Verify::Deep;
    released(bench.release(&order));
    holds(site, "two");
    (sent, size)
}

/// Compressed, it sends less than half of the content, and otherwise all of it.
fn sends_less(prepare: &dyn Fn(&Bench), host: u16, site: &Path, target: &Target<'_>) {
    for (compress, least, most) in [(false, 1.0, 1.2), (true, 0.1, 0.5)] {
        let bench = Bench::new();
        prepare(&bench);
        let (sent, size) = sends(&bench, host, site, target, compress);
        let share = sent as f64 / size as f64;
        assert!(
            (least..most).contains(&share),
            "{compress}: {sent} of {size}"
        );
        empty(site);
    }
}

#[test]
fn sftp_sends_text_in_fewer_bytes_and_through_changes_of_keys() {
    let sftpd = Sftpd::with_settings("RekeyLimit 200K\nLogLevel DEBUG1\n");
    let lines = format!("user={}\nkey={}\n", account(), sftpd.key().display());
    let target = |port, compress| match sftpd.target(sftpd.host_key(), SshProof::Key) {
        TargetKind::Sftp(mut target) => {
            target.login.port = port;
            target.compress = compress;
            TargetKind::Sftp(target)
        }
        other => panic!("{other:?}"),
    };
    let prepare = |bench: &Bench| sftpd.credentials(&bench.folder(), &lines);
    sends_less(&prepare, sftpd.port, &sftpd.site(), &target);
    let (log, connections) = (sftpd.log(), 4);
    let agreed = log.matches("SSH2_MSG_NEWKEYS received").count();
    assert!(agreed > 2 * connections, "{agreed}");
}

fn rsync(host: &WebHost, port: u16, compress: bool) -> TargetKind {
    let mut login = host.login("host");
    login.port = port;
    TargetKind::Rsync(RsyncTarget {
        host: "127.0.0.1".into(),
        path: host.site().to_str().unwrap().to_owned(),
        login,
        compress,
    })
}

#[test]
fn rsync_sends_text_in_fewer_bytes_by_sftp_and_by_itself() {
    for sftp in ["Subsystem sftp internal-sftp\n", ""] {
        let host = WebHost::set(&format!("{sftp}RekeyLimit 200K\n"));
        let target = |port, compress| rsync(&host, port, compress);
        let prepare = |bench: &Bench| bench.account(&host.credentials("key"));
        sends_less(&prepare, host.port, &host.site(), &target);
    }
}

#[test]
fn a_host_that_does_not_compress_is_released_to_and_that_is_told() {
    const TOLD: &str = "the policy says `compress: true`, and the host does not do that: \
                        files travelled as they are";
    let host = WebHost::set("Subsystem sftp internal-sftp\nCompression no\n");
    let sftp = |compress| {
        TargetKind::Sftp(SftpTarget {
            host: "127.0.0.1".into(),
            path: host.site().to_str().unwrap().to_owned(),
            login: host.login("host"),
            compress,
        })
    };
    let rsync = |compress| rsync(&host, host.port, compress);
    for target in [&rsync as &dyn Fn(bool) -> TargetKind, &sftp] {
        let bench = Bench::new();
        bench.account(&host.credentials("key"));
        let (first, _) = files(&bench, "one");
        let (second, _) = files(&bench, "two");
        let said = notice(&bench, target(true), first, 1);
        assert_eq!(said.as_deref(), Some(TOLD));
        let said = notice(&bench, target(true), second, 2);
        assert_eq!(said.as_deref(), Some(TOLD));
        holds(&host.site(), "two");
        assert_eq!(notice(&bench, target(false), first, 3), None);
        empty(&host.site());
    }
}

fn empty(site: &Path) {
    std::fs::remove_dir_all(site).unwrap();
    std::fs::create_dir(site).unwrap();
}
