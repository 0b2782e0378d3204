//! Releases over SFTP to a real OpenSSH server.

use crate::common::sftpd::{PASSWORD, Sftpd};
use crate::common::{command, run};
use crate::hosting::sshd::account;
use crate::release_kit::*;
use relhook::policy::{HostKey, SshProof};
use relhook::release::{Adoption, MANIFEST_NAME, Order, is_base};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

fn site() -> (Bench, Sftpd) {
    let (bench, sftpd) = (Bench::new(), Sftpd::start());
    with_key(&bench, &sftpd, "");
    (bench, sftpd)
}

fn with_key(bench: &Bench, sftpd: &Sftpd, more: &str) {
    let lines = format!("user={}\nkey={}\n{more}", account(), sftpd.key().display());
    sftpd.credentials(&bench.folder(), &lines);
}

fn order(bench: &Bench, sftpd: &Sftpd, commit: Oid, sequence: u64) -> Order {
    let kind = sftpd.target(sftpd.host_key(), SshProof::Key);
    bench.order(kind, commit, sequence)
}

/// What a visitor of the site finds, without the manifest.
fn visible(sftpd: &Sftpd) -> BTreeMap<String, String> {
    let mut found = tree(&sftpd.site());
    found.retain(|name, _| name != MANIFEST_NAME && !is_base(name));
    found
}

#[test]
fn a_change_of_mode_or_kind_alone_travels() {
    let (bench, sftpd) = site();
    let first = bench.commit_modes(&[
        (PROGRAM, b"cgi/admin.sh", b"#!/bin/sh\n"),
        (0o100_644, b"page", b"cgi/admin.sh"),
        (PROGRAM, b"moves", b"moving"),
    ]);
    released(bench.release(&order(&bench, &sftpd, first, 1)));
    let second = bench.commit_modes(&[
        (0o100_644, b"cgi/admin.sh", b"#!/bin/sh\n"),
        (LINK, b"page", b"cgi/admin.sh"),
        (0o100_644, b"moved", b"moving"),
    ]);
    let mut order = order(&bench, &sftpd, second, 2);
    // A link is not read back through to what it leads to.
    order.target.care.verify = relhook::policy::Verify::Deep;
    let totals = released(bench.release(&order));
    assert_eq!((totals.uploaded, totals.deleted), (3, 1));
    let mode = |name: &str| {
        fs::metadata(sftpd.site().join(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("cgi/admin.sh") & 0o777, 0o644);
    assert_eq!(mode("moved") & 0o777, 0o644);
    assert_eq!(visible(&sftpd)["page"], "-> cgi/admin.sh");
}

#[test]
fn a_tree_arrives_and_then_only_what_changed() {
    let (bench, sftpd) = site();
    let big = "0123456789abcdef".repeat(200_000);
    let first = bench.commit_modes(&[
        (0o100_644, b"index.html", b"one\r\ntwo\n"),
        (0o100_644, b"css/a b.css", b"x"),
        (0o100_644, b"empty", b""),
        (0o100_644, b"old/x", b"1"),
        (0o100_644, "é/ü".as_bytes(), b"utf-8"),
        (0o100_644, b"big", big.as_bytes()),
        (PROGRAM, b"cgi/run", b"#!/bin/sh\n"),
        (LINK, b"latest", b"css/a b.css"),
    ]);
    let totals = released(bench.release(&order(&bench, &sftpd, first, 1)));
    assert_eq!((totals.uploaded, totals.deleted), (8, 0));
    let found = visible(&sftpd);
    assert_eq!(found["index.html"], "one\r\ntwo\n");
    assert_eq!(found["big"].len(), big.len());
    assert!(found["big"] == big);
    assert_eq!(found["empty"], "");
    assert_eq!(found["latest"], "-> css/a b.css");
    let mode = |name: &str| {
        fs::metadata(sftpd.site().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(
        (mode("cgi/run"), mode("index.html"), mode("cgi")),
        (0o755, 0o644, 0o755)
    );

    let before = sftpd.written();
    let second = bench.commit_modes(&[
        (0o100_644, b"index.html", b"ONE\r\ntwo\n"),
        (0o100_644, b"css/a b.css", b"x"),
        (0o100_644, b"empty", b""),
        (0o100_644, "é/ü".as_bytes(), b"utf-8"),
        (0o100_644, b"big", big.as_bytes()),
        (PROGRAM, b"cgi/run", b"#!/bin/sh\n"),
        (LINK, b"latest", b"css/a b.css"),
    ]);
    let totals = released(bench.release(&order(&bench, &sftpd, second, 2)));
    assert_eq!(
        (totals.uploaded, totals.deleted, totals.unchanged),
        (1, 1, 6)
    );
    // The page and the manifest.
    assert_eq!(sftpd.written() - before, 2, "{}", sftpd.log());
    let found = visible(&sftpd);
    assert_eq!(found["index.html"], "ONE\r\ntwo\n");
    assert!(
        !found.keys().any(|name| name.starts_with("old")),
        "{found:?}"
    );
}

#[test]
fn u_10_a_host_that_the_policy_does_not_know_is_sent_nothing() {
    let (bench, sftpd) = site();
    let commit = bench.commit(&[("a", "1")]);
    sftpd.make_key("other", &["-t", "ed25519"]);
    let line = fs::read_to_string(sftpd.path("other.pub")).unwrap();
    let other = HostKey::Whole(line.split(' ').take(2).collect::<Vec<_>>().join(" "));
    let kind = sftpd.target(other, SshProof::Key);
    let said = refused(bench.release(&bench.order(kind, commit, 1)), 626);
    let mut keygen = command("ssh-keygen", &sftpd.site());
    keygen.arg("-lf").arg(sftpd.path("host.pub"));
    let print = run(&mut keygen).text();
    let print = print.split(' ').nth(1).unwrap();
    assert!(said.contains(print), "{said} does not show {print}");
    assert!(!sftpd.log().contains("Accepted"), "{}", sftpd.log());
    assert!(tree(&sftpd.site()).is_empty());
}

/// The fingerprint does not tell which of the host's keys it is of.
#[test]
fn u_10_a_fingerprint_of_any_of_a_hosts_keys_is_enough_and_no_other() {
    let bench = Bench::new();
    let keys = bench.outside("keys");
    let kinds = [("rsa", "3072"), ("ecdsa", "384"), ("other", "256")];
    for (name, bits) in kinds {
        let kind = if name == "other" { "ecdsa" } else { name };
        let mut keygen = command("ssh-keygen", &keys);
        keygen.args(["-q", "-N", "", "-t", kind, "-b", bits, "-f"]);
        run(keygen.arg(keys.join(name))).assert_ok();
    }
    let at = |name: &str| keys.join(name).display().to_string();
    let more = format!("HostKey {}\nHostKey {}\n", at("rsa"), at("ecdsa"));
    let sftpd = Sftpd::with_settings(&more);
    let lines = format!("user={}\nkey={}\n", account(), sftpd.key().display());
    sftpd.credentials(&bench.folder(), &lines);
    let wrong = fingerprint(&keys.join("other.pub"));
    let kind = sftpd.target(wrong.clone(), SshProof::Key);
    let commit = bench.commit(&[("a", "0")]);
    let said = refused(bench.release(&bench.order(kind, commit, 1)), 626);
    assert!(said.contains("SHA256:"), "{said}");
    assert!(!said.contains(&wrong.to_string()), "{said}");
    assert!(!sftpd.log().contains("Accepted"), "{}", sftpd.log());
    assert!(tree(&sftpd.site()).is_empty());
    let own = sftpd.path("host.pub");
    for (sequence, public) in (1..).zip([own, keys.join("rsa.pub"), keys.join("ecdsa.pub")]) {
        let kind = sftpd.target(fingerprint(&public), SshProof::Key);
        let commit = bench.commit(&[("a", &sequence.to_string())]);
        released(bench.release(&bench.order(kind, commit, sequence)));
        assert_eq!(visible(&sftpd)["a"], sequence.to_string());
    }
}

/// A host that answers every request with an error in these words, which stand for Python's.
fn repeats(words: &str) -> (tempfile::TempDir, Sftpd) {
    let home = tempfile::tempdir_in("/tmp").unwrap();
    let script = home.path().join("sftp.py");
    let text = format!(
        "import base64, struct, sys\n\
         said = {words}\n\
         read, out = sys.stdin.buffer.read, sys.stdout.buffer\n\
         def text(b): return struct.pack('>I', len(b)) + b\n\
         def send(p): out.write(text(p)); out.flush()\n\
         while len(head := read(4)) == 4:\n    \
             body = read(struct.unpack('>I', head)[0])\n    \
             if body[0] == 1:\n        \
                 send(b'\\x02\\0\\0\\0\\x03' + text(b'posix-rename@openssh.com') + text(b'1'))\n    \
             else:\n        \
                 send(b'\\x65' + body[1:5] + b'\\0\\0\\0\\x04' + text(said) + text(b'en'))\n"
    );
    fs::write(&script, text).unwrap();
    let sftpd = Sftpd::with_password_and(&format!("ForceCommand python3 {}\n", script.display()));
    (home, sftpd)
}

#[test]
fn u_12_u_17_no_answer_of_a_host_repeats_the_password() {
    assert_eq!(account(), "root", "sshd asks the machine's own accounts");
    let said = |words: &str| {
        let (bench, (_home, sftpd)) = (Bench::new(), repeats(words));
        sftpd.credentials(
            &bench.folder(),
            &format!("user=root\npassword={PASSWORD}\n"),
        );
        let order = order(&bench, &sftpd, bench.commit(&[("a", "1")]), 1);
        let mut log = Log::default();
        let outcome = bench.release_with(&order, Adoption::Refuse, &mut log);
        let said = refused(outcome, 614);
        let mut all = format!("{said}{log:?}");
        all.extend(tree(&bench.folder().join("release")).into_values());
        assert!(!all.contains(PASSWORD), "{all}");
        assert!(!all.contains('\x1b'), "{all}");
        said
    };
    let password = format!("b'no, not with {PASSWORD}'");
    let basic = format!("base64.b64encode(b'root:{PASSWORD}')");
    for words in [&*password, &basic] {
        let said = said(words);
        assert!(said.contains("repeats a secret"), "{said}");
    }
    // What repeats none is shown, as far as it is safe to show.
    let said = said("b'\\x1b[31mno' + b'x' * 10000");
    assert!(
        said.contains("\\x1b[31mnoxxx") && said.len() < 1000,
        "{said}"
    );
}

#[test]
fn keys_of_each_kind_open_the_account_and_others_do_not() {
    let (bench, sftpd) = site();
    let cases: [(&str, &[&str], &str); 3] = [
        ("rsa", &["-t", "rsa", "-b", "3072"], ""),
        ("ecdsa", &["-t", "ecdsa", "-b", "256"], ""),
        (
            "locked",
            &["-t", "ed25519", "-N", "open sesame"],
            "passphrase=open sesame\n",
        ),
    ];
    for (sequence, (name, options, more)) in (1..).zip(cases) {
        let key = sftpd.make_key(name, options);
        let lines = format!("user={}\nkey={}\n{more}", account(), key.display());
        sftpd.credentials(&bench.folder(), &lines);
        let commit = bench.commit(&[("a", name)]);
        // Another key is let in still.
        refused(bench.release(&order(&bench, &sftpd, commit, sequence)), 613);
        sftpd.let_in(name);
        released(bench.release(&order(&bench, &sftpd, commit, sequence)));
        assert_eq!(visible(&sftpd)["a"], name);
    }
    let commit = bench.commit(&[("a", "locked again")]);
    let lines = format!(
        "user={}\nkey={}\npassphrase=open says me\n",
        account(),
        sftpd.path("locked").display()
    );
    sftpd.credentials(&bench.folder(), &lines);
    let said = refused(bench.release(&order(&bench, &sftpd, commit, 9)), 610);
    assert!(
        said.contains("does not open it") && !said.contains("says me"),
        "{said}"
    );
}

#[test]
fn u_12_a_key_that_others_can_read_is_not_used() {
    let (bench, sftpd) = site();
    let commit = bench.commit(&[("a", "1")]);
    fs::set_permissions(sftpd.key(), fs::Permissions::from_mode(0o644)).unwrap();
    let said = refused(bench.release(&order(&bench, &sftpd, commit, 1)), 610);
    assert!(said.contains("others can read it"), "{said}");
    assert!(!sftpd.log().contains("preauth"), "{}", sftpd.log());
}

#[test]
fn a_password_opens_the_account_where_the_host_takes_one() {
    assert_eq!(account(), "root", "sshd asks the machine's own accounts");
    let (bench, sftpd) = (Bench::new(), Sftpd::with_password());
    let commit = bench.commit(&[("a", "1")]);
    let lines = |password: &str| format!("user=root\npassword={password}\n");
    sftpd.credentials(&bench.folder(), &lines("wrong one"));
    let said = refused(bench.release(&order(&bench, &sftpd, commit, 1)), 613);
    assert!(!said.contains("wrong one"), "{said}");
    sftpd.credentials(&bench.folder(), &lines(PASSWORD));
    released(bench.release(&order(&bench, &sftpd, commit, 1)));
    assert_eq!(visible(&sftpd)["a"], "1");
}

#[test]
fn u_05_a_link_that_stands_on_the_site_leads_nothing_out() {
    let (bench, sftpd) = site();
    let outside = bench.outside("elsewhere");
    std::os::unix::fs::symlink(&outside, sftpd.site().join("uploads")).unwrap();
    let commit = bench.commit(&[("uploads/a", "1")]);
    let result = bench.release(&order(&bench, &sftpd, commit, 1));
    assert!(result.is_err(), "{result:?}");
    assert!(tree(&outside).is_empty());
    let link = fs::symlink_metadata(sftpd.site().join("uploads")).unwrap();
    assert!(link.is_symlink());
}

#[test]
fn u_05_a_folder_that_became_a_link_leads_no_delete_out() {
    let (bench, sftpd) = site();
    let first = bench.commit(&[("old/x", "1"), ("a", "1")]);
    released(bench.release(&order(&bench, &sftpd, first, 1)));
    let outside = bench.outside("elsewhere");
    fs::write(outside.join("x"), "theirs").unwrap();
    fs::remove_dir_all(sftpd.site().join("old")).unwrap();
    std::os::unix::fs::symlink(&outside, sftpd.site().join("old")).unwrap();
    let second = bench.commit(&[("a", "1")]);
    let said = refused(bench.release(&order(&bench, &sftpd, second, 2)), 616);
    assert!(said.contains("old"), "{said}");
    assert_eq!(fs::read_to_string(outside.join("x")).unwrap(), "theirs");
}

#[test]
fn a_stranger_keeps_what_is_theirs() {
    let (bench, sftpd) = site();
    fs::write(sftpd.site().join("theirs"), "t").unwrap();
    fs::write(sftpd.site().join("index.html"), "older").unwrap();
    let commit = bench.commit(&[("index.html", "new"), ("a", "1")]);
    let said = refused(bench.release(&order(&bench, &sftpd, commit, 1)), 616);
    assert!(said.contains("index.html"), "{said}");
    assert_eq!(visible(&sftpd)["index.html"], "older");
    let adopted = bench.release_with(
        &order(&bench, &sftpd, commit, 1),
        Adoption::Adopt,
        &mut Log::default(),
    );
    released(adopted);
    assert_eq!(visible(&sftpd)["index.html"], "new");
    assert_eq!(visible(&sftpd)["theirs"], "t");
}

fn many(bench: &Bench, version: &str) -> Oid {
    let files: Vec<(String, String)> = (0..300)
        .map(|n| {
            (
                format!("d{}/f{n}", n % 7),
                format!("{version} {n}").repeat(50),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    bench.commit(&files)
}

#[test]
fn d_08_a_release_that_is_killed_is_carried_on() {
    let (bench, sftpd) = site();
    released(bench.release(&order(&bench, &sftpd, many(&bench, "one"), 1)));
    let next = order(&bench, &sftpd, many(&bench, "two"), 2);
    for wanted in [1, 30, 50, 40] {
        let before = sftpd.written();
        let mut child = bench.release_apart(&next);
        let deadline = Instant::now() + Duration::from_secs(60);
        while sftpd.written() - before < wanted && Instant::now() < deadline {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it was killed"
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }
    bench.release(&next).unwrap();
    let found = visible(&sftpd);
    assert_eq!(
        found.keys().filter(|name| !name.ends_with('/')).count(),
        300
    );
    assert!(
        found
            .iter()
            .all(|(name, text)| name.ends_with('/') || text.starts_with("two "))
    );
    assert!(
        !found.keys().any(|name| name.contains(".relhook-")),
        "{:?}",
        found.keys()
    );
}

#[test]
fn a_host_that_goes_away_is_an_error_and_the_next_run_carries_on() {
    let (bench, mut sftpd) = site();
    released(bench.release(&order(&bench, &sftpd, many(&bench, "one"), 1)));
    let commit = many(&bench, "two");
    let running = std::thread::spawn({
        let order = order(&bench, &sftpd, commit, 2);
        let git_dir = bench.git_dir();
        move || release(&git_dir, &order, Adoption::Refuse, &mut Log::default())
    });
    let before = sftpd.written();
    while sftpd.written() - before < 20 && !running.is_finished() {
        std::thread::sleep(Duration::from_millis(2));
    }
    sftpd.stops();
    let _ = running.join().unwrap();
    sftpd.starts();
    // The host is where it was, so that what was begun there is carried on.
    bench.release(&order(&bench, &sftpd, commit, 2)).unwrap();
    let found = visible(&sftpd);
    assert!(
        found
            .iter()
            .all(|(name, text)| name.ends_with('/') || text.starts_with("two "))
    );
}
