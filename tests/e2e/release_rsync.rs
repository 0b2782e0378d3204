//! Releases by rsync over ssh, to a real sshd.

use crate::common::relay::Relay;
use crate::common::sftpd::{PASSWORD, Sftpd};
use crate::common::webhost::WebHost;
use crate::hosting::sshd::account;
use crate::release_kit::{
    Bench, LINK, Log, PROGRAM, SITE, carry_out_apart, fingerprint, refused, released, tree,
};
use relhook::policy::{HostKey, RsyncTarget, SshLogin, SshProof, TargetKind, Verify};
use relhook::release::{Adoption, MANIFEST_NAME, Order, Outcome};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

const FILE: u32 = 0o100_644;

fn target(login: SshLogin, path: &Path) -> TargetKind {
    TargetKind::Rsync(RsyncTarget {
        compress: false,
        host: "127.0.0.1".into(),
        path: path.to_str().unwrap().to_owned(),
        login,
    })
}

fn order(bench: &Bench, host: &WebHost, commit: Oid, sequence: u64) -> Order {
    bench.order(target(host.login("host"), &host.site()), commit, sequence)
}

/// A host, and a repository whose relhook has the key to it.
fn pair() -> (Bench, WebHost) {
    let (bench, host) = (Bench::new(), WebHost::start());
    bench.account(&host.credentials("key"));
    (bench, host)
}

/// The site without what relhook keeps there for itself.
fn site(host: &WebHost) -> BTreeMap<String, String> {
    let mut site = tree(&host.site());
    site.remove(MANIFEST_NAME);
    site.remove(".relhook-temp/");
    site
}

fn names(host: &WebHost) -> Vec<String> {
    site(host).into_keys().collect()
}

fn mode(host: &WebHost, name: &str) -> u32 {
    let meta = fs::metadata(host.site().join(name)).unwrap();
    meta.permissions().mode() & 0o7777
}

#[test]
fn a_release_brings_what_differs_and_takes_away_what_is_ours() {
    let (bench, host) = pair();
    let first = bench.commit_modes(&[
        (FILE, b"index.html", b"one"),
        (FILE, b"css/a/b.css", b"x"),
        (FILE, b"old/deep/page", b"x"),
        (PROGRAM, b"cgi/run", b"#!"),
        (LINK, b"start", b"index.html"),
        (FILE, b".gitignore", b"x"),
    ]);
    let mut log = Log::default();
    let order_1 = order(&bench, &host, first, 1);
    let totals = released(bench.release_with(&order_1, Adoption::Refuse, &mut log));
    assert_eq!((totals.uploaded, totals.unchanged), (5, 0));
    assert_eq!(log.words(), ["started", "finished"]);
    assert_eq!(
        names(&host).join(" "),
        "cgi/ cgi/run css/ css/a/ css/a/b.css index.html old/ old/deep/ old/deep/page start"
    );
    assert_eq!(site(&host)["start"], "-> index.html");
    assert_eq!(
        (mode(&host, "index.html"), mode(&host, "cgi/run")),
        (0o644, 0o755)
    );
    assert_eq!(mode(&host, ".relhook-temp"), 0o700);
    assert_eq!(mode(&host, MANIFEST_NAME), 0o644);
    assert!(matches!(bench.release(&order_1), Ok(Outcome::UpToDate(_))));

    let untouched = fs::metadata(host.site().join("css/a/b.css")).unwrap();
    let second = bench.commit_modes(&[
        (FILE, b"index.html", b"two!"),
        (FILE, b"css/a/b.css", b"x"),
        (FILE, b"css/new/c.css", b"x"),
        (FILE, b"cgi/run", b"#!"),
        (FILE, b"start/now", b"y"),
    ]);
    let totals = released(bench.release(&order(&bench, &host, second, 2)));
    assert_eq!(
        (totals.uploaded, totals.deleted, totals.unchanged),
        (4, 2, 1)
    );
    assert_eq!(
        names(&host).join(" "),
        "cgi/ cgi/run css/ css/a/ css/a/b.css css/new/ css/new/c.css index.html start/ start/now"
    );
    assert_eq!(site(&host)["index.html"], "two!");
    assert_eq!(mode(&host, "cgi/run"), 0o644);
    let still = fs::metadata(host.site().join("css/a/b.css")).unwrap();
    assert_eq!(untouched.modified().unwrap(), still.modified().unwrap());
    for gone in ["stage", "rsync.journal"] {
        assert!(
            !bench
                .folder()
                .join("release")
                .join(SITE)
                .join(gone)
                .exists()
        );
    }
}

#[test]
fn a_password_opens_the_account_where_the_host_takes_one() {
    assert_eq!(account(), "root", "sshd asks the machine's own accounts");
    let (bench, host) = (Bench::new(), Sftpd::with_password());
    let login = SshLogin {
        port: host.port,
        host_keys: vec![host.host_key()],
        proof: SshProof::Key,
    };
    let ordered = |version, sequence| {
        let commit = bench.commit(&[("page", version), ("other", "x")]);
        bench.order(target(login.clone(), &host.site()), commit, sequence)
    };
    let lines = |password: &str| format!("user=root\npassword={password}\n");
    bench.account(&lines("wrong one"));
    let said = refused(bench.release(&ordered("1", 1)), 613);
    assert!(!said.contains("wrong one"), "{said}");
    bench.account(&lines(PASSWORD));
    for (sequence, version) in [(1, "1"), (2, "2")] {
        released(bench.release(&ordered(version, sequence)));
        assert_eq!(tree(&host.site())["page"], version);
    }
}

#[test]
fn u_03_no_name_becomes_an_option_a_host_or_a_shells_word() {
    let (bench, host) = pair();
    let hostile: [&[u8]; 9] = [
        b"--rsh=touch x",
        b"-e",
        b"host:path",
        b"#comment",
        b";comment",
        b"$(touch x)`touch x`",
        b" * ? [a] ",
        b"caf\xe9",
        b"-d/--delete/x",
    ];
    let entries: Vec<(u32, &[u8], &[u8])> = hostile
        .iter()
        .map(|name| (FILE, *name, &b"1"[..]))
        .collect();
    released(bench.release(&order(&bench, &host, bench.commit_modes(&entries), 1)));
    let found = site(&host);
    for name in hostile {
        let name = String::from_utf8_lossy(name).into_owned();
        assert_eq!(
            found.get(&name).map(String::as_str),
            Some("1"),
            "{name}: {found:?}"
        );
    }
    assert_eq!(found.len(), hostile.len() + 2);
    let totals = released(bench.release(&order(&bench, &host, bench.commit(&[("a", "2")]), 2)));
    assert_eq!((totals.uploaded, totals.deleted), (1, 9));
    assert_eq!(names(&host).join(" "), "a");
}

#[test]
fn u_10_a_host_with_another_key_is_not_spoken_to() {
    let (bench, host) = pair();
    let mut order = order(&bench, &host, bench.commit(&[("a", "1")]), 1);
    let TargetKind::Rsync(rsync) = &mut order.target.kind else {
        panic!()
    };
    rsync.login = host.login("other");
    let error = refused(bench.release(&order), 626);
    let mut keygen = crate::common::command("ssh-keygen", host.home());
    let print = crate::common::run(keygen.arg("-lf").arg(host.home().join("host.pub"))).text();
    let print = print.split(' ').nth(1).unwrap();
    assert!(error.contains(print), "{error} does not show {print}");
    assert_eq!(names(&host).join(" "), "");
    // So it is by its fingerprint.
    let wrong = fingerprint(&host.home().join("other.pub"));
    let TargetKind::Rsync(rsync) = &mut order.target.kind else {
        panic!()
    };
    rsync.login.host_keys = vec![wrong];
    let error = refused(bench.release(&order), 626);
    assert!(error.contains(print), "{error} does not show {print}");
    assert_eq!(names(&host).join(" "), "");
    assert!(!host.log().contains("Accepted publickey"), "{}", host.log());
    // Of several keys, one is enough.
    let TargetKind::Rsync(rsync) = &mut order.target.kind else {
        panic!()
    };
    rsync.login.host_keys.extend(host.login("host").host_keys);
    released(bench.release(&order));
    let TargetKind::Rsync(rsync) = &mut order.target.kind else {
        panic!()
    };
    rsync.login.host_keys = vec![fingerprint(&host.home().join("host.pub"))];
    order.commit = bench.commit(&[("a", "2")]);
    order.sequence = 2;
    released(bench.release(&order));
}

#[test]
fn u_12_only_the_targets_own_key_is_used_and_only_if_it_is_private() {
    let (bench, host) = (Bench::new(), WebHost::start());
    let order = order(&bench, &host, bench.commit(&[("a", "1")]), 1);
    let error = refused(bench.release(&order), 610);
    assert!(error.contains("is not there"), "{error}");
    bench.account(&host.credentials("other"));
    refused(bench.release(&order), 613);
    bench.account(&host.credentials("key"));
    let file = host.home().join("key");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let error = refused(bench.release(&order), 610);
    assert!(error.contains("others can read it"), "{error}");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    for (lines, part) in [
        ("user=a\nkey=x\n", "not an absolute path"),
        ("user=a\nkey=/x\npassword=x\n", "no use for `key=`"),
        ("user=a\naccess_key=x\nkey=/x\n", "no use for `access_key=`"),
    ] {
        bench.account(lines);
        let error = refused(bench.release(&order), 610);
        assert!(error.contains(part), "{error}");
    }
    bench.account(&host.credentials("key"));
    released(bench.release(&order));
    let desk = bench.folder().join("release").join(SITE);
    for (name, content) in tree(&desk) {
        assert!(!content.contains("PRIVATE KEY"), "{name}");
    }
}

/// Releases three times to a host with these settings, the last time past a change by hand; what sshd says of it.
fn thrice(settings: &str) -> String {
    let (bench, host) = (Bench::new(), WebHost::set(settings));
    bench.account(&host.credentials("key"));
    let one = bench.commit(&[("a", "1"), ("css/b", "1"), ("css/c", "1")]);
    released(bench.release(&order(&bench, &host, one, 1)));
    let two = bench.commit(&[("a", "2"), ("css/b", "2"), ("css/c", "1")]);
    let totals = released(bench.release(&order(&bench, &host, two, 2)));
    assert_eq!((totals.uploaded, totals.unchanged), (2, 1));
    assert_eq!(site(&host)["css/b"], "2");
    // A link in the place of a folder of ours is seen, whichever way it is looked for.
    let away = host.home().join("away");
    fs::rename(host.site().join("css"), &away).unwrap();
    symlink(&away, host.site().join("css")).unwrap();
    let three = bench.commit(&[("a", "3"), ("css/b", "3"), ("css/c", "1")]);
    let error = refused(bench.release(&order(&bench, &host, three, 3)), 616);
    assert!(error.contains("css"), "{error}");
    assert_eq!(fs::read_to_string(away.join("b")).unwrap(), "2");
    fs::remove_file(host.site().join("css")).unwrap();
    fs::rename(&away, host.site().join("css")).unwrap();
    // A record that is not the one that was left is seen too.
    let record = host.site().join(MANIFEST_NAME);
    let left = fs::read_to_string(&record).unwrap();
    fs::write(&record, left.replacen("css/b", "css/d", 1)).unwrap();
    refused(bench.release(&order(&bench, &host, three, 3)), 623);
    assert_eq!(site(&host)["a"], "2");
    fs::write(&record, left).unwrap();
    released(bench.release(&order(&bench, &host, three, 3)));
    assert_eq!(site(&host)["css/b"], "3");
    host.log()
}

#[test]
fn a_host_is_looked_at_by_sftp_where_it_offers_that_and_by_rsync_where_not() {
    let offered = thrice("Subsystem sftp internal-sftp\n");
    assert!(offered.contains("subsystem 'sftp'"), "{offered}");
    let without = thrice("");
    assert!(!without.contains("subsystem 'sftp'"), "{without}");
}

#[test]
fn a_host_whose_sftp_says_nothing_or_something_else_is_asked_by_rsync() {
    for program in [
        "/bin/sleep 1000",
        "/bin/echo Welcome; sleep 1000",
        "/bin/false",
    ] {
        let (bench, host) = (
            Bench::new(),
            WebHost::set(&format!("Subsystem sftp {program}\n")),
        );
        bench.account(&host.credentials("key"));
        for (sequence, text) in [(1, "1"), (2, "2")] {
            let commit = bench.commit(&[("a", text), ("css/b", text)]);
            released(bench.release(&order(&bench, &host, commit, sequence)));
            assert_eq!(site(&host)["css/b"], text, "{program}");
        }
    }
}

#[test]
fn whatever_rsync_reads_slower_than_it_comes_waits() {
    // The host asks for so many files, and sends so much back, that neither fits any buffer on the way.
    let (bench, host) = pair();
    let names: Vec<String> = (0..12_000)
        .map(|at| format!("d{}/f{at}", at % 50))
        .collect();
    let large = "x".repeat(40 << 20);
    let files = names.iter().map(|name| (name.as_str(), "small"));
    let files: Vec<(&str, &str)> = files.chain([("large", large.as_str())]).collect();
    let mut order = order(&bench, &host, bench.commit(&files), 1);
    order.target.care.verify = Verify::Deep;
    let totals = released(bench.release(&order));
    assert_eq!(totals.uploaded, 12_001);
}

#[test]
fn a_host_that_asks_for_much_in_advance_is_sent_it() {
    // It tells the sums of all that it has while the first files are still on their way.
    let (bench, host) = pair();
    let names: Vec<String> = (0..600).map(|at| format!("d{}/f{at}", at % 9)).collect();
    let content = |seed: u32| -> String {
        let mut word = seed;
        let mut next = || {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + u8::try_from(word >> 24).unwrap() % 26)
        };
        (0..256 << 10).map(|_| next()).collect()
    };
    for (sequence, seed) in [(1, 7), (2, 11)] {
        let texts: Vec<String> = (0..7).map(|at| content(seed * 100 + at)).collect();
        let texts = names.iter().zip(texts.iter().cycle());
        let files: Vec<(&str, &str)> = texts
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let commit = bench.commit(&files);
        released(bench.release(&order(&bench, &host, commit, sequence)));
    }
}

#[test]
fn a_host_that_gives_one_channel_for_each_connection_is_asked_for_more_connections() {
    let log = thrice("MaxSessions 1\nSubsystem sftp internal-sftp\n");
    assert!(log.contains("no more sessions"), "{log}");
}

#[test]
fn a_host_whose_key_may_run_rsync_alone_is_released_to() {
    // What such a key is given to is told the command, and takes nothing that is not rsync's.
    let only = "case $SSH_ORIGINAL_COMMAND in 'rsync --server '*) exec $SSH_ORIGINAL_COMMAND;; esac; exit 9";
    let log = thrice(&format!(
        "ForceCommand {only}\nSubsystem sftp internal-sftp\n"
    ));
    assert!(log.contains("forced-command"), "{log}");
}

#[test]
fn a_key_that_is_locked_is_opened_by_its_passphrase_and_no_other() {
    let (bench, host) = (Bench::new(), WebHost::start());
    let locked = host.home().join("locked");
    fs::copy(host.home().join("key"), &locked).unwrap();
    let mut keygen = crate::common::command("ssh-keygen", host.home());
    keygen.args(["-q", "-p", "-P", "", "-N", "open sesame", "-f"]);
    crate::common::run(keygen.arg(&locked)).assert_ok();
    let order = order(&bench, &host, bench.commit(&[("a", "1")]), 1);
    bench.account(&host.credentials("locked"));
    let error = refused(bench.release(&order), 610);
    assert!(error.contains("passphrase"), "{error}");
    let account = |passphrase: &str| {
        let credentials = host.credentials("locked");
        bench.account(&format!("{credentials}passphrase={passphrase}\n"));
    };
    account("open barley");
    let error = refused(bench.release(&order), 610);
    assert!(!error.contains("barley"), "{error}");
    account("open sesame");
    released(bench.release(&order));
    assert_eq!(site(&host)["a"], "1");
}

#[test]
fn files_that_relhook_did_not_put_there_stay_until_told() {
    let (bench, host) = pair();
    fs::create_dir(host.site().join("shop")).unwrap();
    fs::write(host.site().join("shop/index.html"), "theirs").unwrap();
    fs::write(host.site().join("other"), "theirs").unwrap();
    let commit = bench.commit(&[
        ("shop/index.html", "ours"),
        ("shop/new", "ours"),
        ("a/b", "1"),
    ]);
    let order_1 = order(&bench, &host, commit, 1);
    let error = refused(bench.release(&order_1), 616);
    assert!(error.ends_with(":\n  shop/index.html"), "{error}");
    let before = ["other", "shop/", "shop/index.html"];
    assert_eq!(names(&host), before);
    assert!(
        !host.site().join(".relhook-temp").exists(),
        "nothing was touched"
    );

    released(bench.release_with(&order_1, Adoption::Adopt, &mut Log::default()));
    assert_eq!(site(&host)["shop/index.html"], "ours");
    assert_eq!(site(&host)["other"], "theirs");
    // The folder was theirs, so it stays; the other one was ours.
    let empty = bench.commit(&[("x", "1")]);
    released(bench.release(&order(&bench, &host, empty, 2)));
    assert_eq!(names(&host).join(" "), "other shop/ x");
}

#[test]
fn a_folder_of_ours_stays_as_long_as_something_else_is_in_it() {
    let (bench, host) = pair();
    let commit = bench.commit(&[("d/e/f", "1"), ("g/h", "1")]);
    released(bench.release(&order(&bench, &host, commit, 1)));
    fs::write(host.site().join("d/theirs"), "x").unwrap();
    released(bench.release(&order(&bench, &host, bench.commit(&[("a", "1")]), 2)));
    assert_eq!(names(&host).join(" "), "a d/ d/theirs");
}

#[test]
fn u_05_nothing_is_written_through_a_link_on_the_host() {
    let (bench, host) = pair();
    let elsewhere = host.home().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, host.site().join("uploads")).unwrap();
    fs::write(host.site().join("page"), "theirs").unwrap();
    let commit = bench.commit(&[("uploads/x", "1"), ("page/y", "1")]);
    for adoption in [Adoption::Refuse, Adoption::Adopt] {
        let order = order(&bench, &host, commit, 1);
        let error = refused(
            bench.release_with(&order, adoption, &mut Log::default()),
            616,
        );
        assert!(error.contains("\n  page\n  uploads"), "{error}");
    }
    assert_eq!(tree(&elsewhere).len(), 0);
    assert_eq!(names(&host).join(" "), "page uploads");
}

/// A folder of ours that somebody replaced by a link: what we hold in it is neither changed nor
/// removed where the link leads, nor is the link.
#[test]
fn u_05_no_file_of_ours_is_changed_through_a_link_on_the_host() {
    let (bench, host) = pair();
    let first = [("d/e/a", "1"), ("d/e/b", "1"), ("x", "1")];
    released(bench.release(&order(&bench, &host, bench.commit(&first), 1)));
    let (ours, elsewhere) = (host.site().join("d"), host.home().join("elsewhere"));
    fs::rename(&ours, &elsewhere).unwrap();
    symlink(&elsewhere, &ours).unwrap();
    fs::write(elsewhere.join("e/a"), "theirs").unwrap();
    let before = tree(&elsewhere);
    for (sequence, files) in (2..).zip([
        &[("d/e/a", "2"), ("d/e/b", "1"), ("x", "1")][..],
        &[("d/e/a", "1"), ("x", "1")],
        &[("x", "1")],
        &[("d", "file"), ("x", "1")],
        &[("d/e/a", "1"), ("d/e/b", "1"), ("d/e/c", "1"), ("x", "1")],
    ]) {
        let order = order(&bench, &host, bench.commit(files), sequence);
        let said = refused(bench.release(&order), 616);
        assert!(said.contains("\n  d"), "{said}");
        assert_eq!(tree(&elsewhere), before, "{files:?}");
        assert_eq!(fs::read_link(&ours).unwrap(), elsewhere);
    }
    fs::remove_file(&ours).unwrap();
    fs::rename(&elsewhere, &ours).unwrap();
    let last = bench.commit(&[("d/e/a", "7"), ("x", "1")]);
    released(bench.release(&order(&bench, &host, last, 7)));
    assert_eq!(site(&host)["d/e/a"], "7");
    assert_eq!(names(&host).join(" "), "d/ d/e/ d/e/a x");
}

/// Whatever a host has under the record's name, it is not fetched when it is larger than any record.
#[test]
fn u_17_a_record_without_measure_is_not_fetched() {
    let (bench, host) = pair();
    let first = bench.commit(&[("a", "1")]);
    released(bench.release(&order(&bench, &host, first, 1)));
    let record = host.site().join(MANIFEST_NAME);
    let file = fs::File::options().write(true).open(&record).unwrap();
    file.set_len(200 << 30).unwrap();
    let second = order(&bench, &host, bench.commit(&[("a", "2")]), 2);
    let said = refused(bench.release(&second), 615);
    assert!(said.contains("larger than"), "{said}");
    assert_eq!(fs::read(host.site().join("a")).unwrap(), b"1");
    let kept = tree(&bench.folder().join("release"));
    assert!(kept.keys().all(|name| !name.contains(MANIFEST_NAME)));
    let told = bench.release_with(&second, Adoption::Adopt, &mut Log::default());
    released(told);
    assert_eq!(site(&host)["a"], "2");
}

/// How often the host was asked something, over however many connections.
fn asked(host: &WebHost) -> usize {
    host.log().matches("Starting session: ").count()
}

/// Where nobody but relhook was there, a host is asked twice for files that change in place: once for all
/// that is to be seen, and once to take what is sent. Where anything is otherwise, it is seen as ever.
#[test]
fn a_change_in_place_asks_the_host_twice() {
    let (bench, host) = pair();
    let order = |sequence: u64, text: &str| {
        let files = [("a/b/c", text), ("d", "1"), ("e/f", "1")];
        order(&bench, &host, bench.commit(&files), sequence)
    };
    released(bench.release(&order(1, "1")));
    for (sequence, text) in [(2, "2"), (3, "3")] {
        let before = asked(&host);
        let totals = released(bench.release(&order(sequence, text)));
        assert_eq!((totals.uploaded, totals.unchanged), (1, 2));
        assert_eq!(asked(&host) - before, 2);
        assert_eq!(site(&host)["a/b/c"], text);
    }
    let record = host.site().join(MANIFEST_NAME);
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("e/f", "e/g")).unwrap();
    refused(bench.release(&order(4, "4")), 623);
    fs::remove_file(&record).unwrap();
    let said = refused(bench.release(&order(4, "4")), 615);
    assert!(said.contains("it is gone"), "{said}");
    fs::write(&record, text).unwrap();
    let dir = host.site().join("a");
    fs::rename(&dir, host.site().join("kept")).unwrap();
    let mut mkfifo = crate::common::command("mkfifo", host.home());
    crate::common::run(mkfifo.arg(&dir)).assert_ok();
    refused(bench.release(&order(4, "4")), 616);
    fs::remove_file(&dir).unwrap();
    // A folder that somebody removed is made again.
    released(bench.release(&order(4, "4")));
    assert_eq!(site(&host)["a/b/c"], "4");
    assert_eq!(site(&host)["kept/b/c"], "3");
}

/// A record of ours that somebody put back is not what was left there.
#[test]
fn a_record_that_was_put_back_is_refused_where_files_change_in_place_too() {
    let (bench, host) = pair();
    let order =
        |sequence: u64, text: &str| order(&bench, &host, bench.commit(&[("a", text)]), sequence);
    released(bench.release(&order(1, "1")));
    let record = host.site().join(MANIFEST_NAME);
    let older = fs::read(&record).unwrap();
    released(bench.release(&order(2, "2")));
    let known = bench
        .folder()
        .join("release")
        .join(SITE)
        .join("rsync.known");
    for on_the_server in [false, true] {
        fs::write(&record, &older).unwrap();
        if on_the_server {
            fs::write(&known, &older).unwrap();
        }
        let said = refused(bench.release(&order(3, "3")), 615);
        assert!(said.contains("an older one"), "{said}");
        assert_eq!(site(&host)["a"], "2");
    }
}

#[test]
fn a_directory_or_a_program_that_is_missing_is_said() {
    let (bench, host) = pair();
    let mut order = order(&bench, &host, bench.commit(&[("a", "1")]), 1);
    order.target.kind = target(host.login("host"), &host.site().join("absent"));
    refused(bench.release(&order), 620);
    order.target.kind = target(host.login("host"), &host.site());
    released(bench.release(&order));
    fs::remove_file(host.site().join(MANIFEST_NAME)).unwrap();
    order.sequence = 2;
    let error = refused(bench.release(&order), 615);
    assert!(error.contains("it is gone"), "{error}");
}

#[test]
fn a_host_that_is_away_is_tried_again_later() {
    let (bench, host) = pair();
    let mut order = order(&bench, &host, bench.commit(&[("a", "1")]), 1);
    let mut login = host.login("host");
    login.port = crate::common::free_port();
    order.target.kind = target(login, &host.site());
    let error = bench.release(&order).unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(error.code().to_string(), "RH611");
}

/// The files of a release that is worth killing: some large ones, so that there is time.
fn large(bench: &Bench, letter: u8) -> Oid {
    let content: Vec<u8> = (0..3_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 ^ letter)
        .collect();
    let names: Vec<String> = (0..12)
        .map(|number| format!("d{}/f{number}", number % 3))
        .collect();
    let mut entries: Vec<(u32, &[u8], &[u8])> = names
        .iter()
        .map(|name| (FILE, name.as_bytes(), &content[..]))
        .collect();
    let small: Vec<String> = (0..200).map(|at| format!("d{}/s{at}", at % 3)).collect();
    entries.extend(
        small
            .iter()
            .map(|name| (FILE, name.as_bytes(), &content[..300])),
    );
    entries.push((LINK, b"link", b"d0/f0"));
    let own = [b"only/", &[letter][..]].concat();
    entries.push((FILE, &own, &content));
    bench.commit_modes(&entries)
}

fn starts(bench: &Bench, host: &WebHost, order: &Order) -> Child {
    let key = host.login("host").host_keys[0].to_string();
    let port = host.port.to_string();
    let site = host.site();
    let variables = [
        ("RELHOOK_APART_PORT", port.as_str()),
        ("RELHOOK_APART_KEY", &key),
        ("RELHOOK_APART_PATH", site.to_str().unwrap()),
    ];
    bench.release_in("release_rsync::apart", order, &variables)
}

/// How far a run is, as it is seen from outside.
type Moment = fn(&Path) -> bool;

/// Whether a path below `dir` holds `name`, directories ending in `/`. What is there comes and goes
/// meanwhile.
fn any_below(dir: &Path, name: &str) -> bool {
    let mut open = vec![(dir.to_owned(), String::new())];
    while let Some((dir, at)) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let mut path = format!("{at}{}", entry.file_name().to_string_lossy());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                path.push('/');
                open.push((entry.path(), path.clone()));
            }
            if path.contains(name) {
                return true;
            }
        }
    }
    false
}

#[test]
fn u_07_whenever_relhook_is_killed_the_next_run_ends_the_same() {
    let moments: [(&str, Moment); 4] = [
        ("at once", |_| true),
        ("while files are sent", |site| {
            any_below(site, ".relhook-temp/")
        }),
        ("while some are complete", |site| {
            any_below(site, ".relhook-part/f")
        }),
        ("when the first is in place", |site| {
            fs::read(site.join("d0/f0")).is_ok_and(|bytes| bytes[0] == b'b')
        }),
    ];
    for (what, moment) in moments {
        let (bench, host) = pair();
        let (one, two) = (large(&bench, b'a'), large(&bench, b'b'));
        released(bench.release(&order(&bench, &host, one, 1)));
        let next = order(&bench, &host, two, 2);
        let mut run = starts(&bench, &host, &next);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !moment(&host.site()) && run.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::sleep(Duration::from_millis(1));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        bench.release(&next).unwrap();
        assert_same(&bench, &host, what);
    }
}

#[test]
fn u_07_whenever_the_connection_is_cut_the_next_run_ends_the_same() {
    for wait in [0, 150, 400] {
        let (bench, host) = pair();
        let (one, two) = (large(&bench, b'a'), large(&bench, b'b'));
        released(bench.release(&order(&bench, &host, one, 1)));
        let next = order(&bench, &host, two, 2);
        let mut run = starts(&bench, &host, &next);
        let seen = || any_below(&host.site(), ".relhook-temp/");
        while !seen() && run.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(wait));
        // The other end of the connection dies, and rsync there with it.
        for pid in sessions(&host) {
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        run.wait().unwrap();
        bench.release(&next).unwrap();
        assert_same(&bench, &host, &format!("after {wait} ms"));
    }
}

#[test]
fn u_07_d_08_whenever_the_first_release_is_killed_or_cut_off_the_next_run_ends_the_same() {
    let moments: [(&str, Moment); 5] = [
        ("at once", |_| true),
        ("while only rsync has been there", |site| {
            any_below(site, ".relhook-temp/")
        }),
        ("while files are sent", |site| {
            any_below(site, ".relhook-part/f")
        }),
        ("when all have arrived", |site| {
            any_below(site, &format!(".relhook-temp/{MANIFEST_NAME}"))
        }),
        ("when the first is in place", |site| {
            site.join("d0/f0").exists()
        }),
    ];
    for (what, moment) in moments {
        for cut in [false, true] {
            let (bench, mut host) = pair();
            let next = order(&bench, &host, large(&bench, b'b'), 1);
            let mut run = starts(&bench, &host, &next);
            let deadline = Instant::now() + Duration::from_secs(60);
            let mut is_seen = moment(&host.site());
            while !is_seen && run.try_wait().unwrap().is_none() {
                assert!(Instant::now() < deadline, "{what}");
                std::thread::sleep(Duration::from_millis(1));
                is_seen = moment(&host.site());
            }
            // The others last for a few milliseconds.
            assert!(is_seen || !what.starts_with("while"), "{what}");
            match cut {
                true => host.stops(),
                false => run.kill().unwrap(),
            }
            run.wait().unwrap();
            if cut {
                host.starts();
            }
            bench.release(&next).unwrap();
            assert_same(&bench, &host, &format!("{what}, cut off: {cut}"));
        }
    }
}

/// What the first release asked the host for by rsync.
fn first_calls(host: &WebHost) -> usize {
    let log = host.log();
    log.lines()
        .filter(|line| line.contains("Starting session: command"))
        .count()
}

#[test]
fn a_first_release_goes_by_sftp_where_that_writes_and_by_rsync_where_not() {
    // rsync makes its folder, and nothing else.
    for (settings, calls) in [
        ("Subsystem sftp internal-sftp\n", 1..=1),
        // What the account's umask takes away from files is given back.
        ("Subsystem sftp internal-sftp -u 027\n", 1..=1),
        ("Subsystem sftp internal-sftp -R\n", 2..=30),
        ("Subsystem sftp internal-sftp -P symlink\n", 2..=30),
        ("Subsystem sftp internal-sftp -u 077 -P setstat\n", 2..=30),
        ("Subsystem sftp internal-sftp -P rename\n", 2..=30),
        ("", 2..=30),
    ] {
        let (bench, host) = (Bench::new(), WebHost::set(settings));
        bench.account(&host.credentials("key"));
        let commit = bench.commit_modes(&[
            (FILE, b"index.html", b"one"),
            (FILE, b"css/a/b.css", b"x"),
            (PROGRAM, b"cgi/run", b"#!"),
            (LINK, b"start", b"index.html"),
            (FILE, b"empty", b""),
        ]);
        let order = order(&bench, &host, commit, 1);
        let totals = released(bench.release(&order));
        assert_eq!(totals.uploaded, 5, "{settings}");
        assert_eq!(
            names(&host).join(" "),
            "cgi/ cgi/run css/ css/a/ css/a/b.css empty index.html start",
            "{settings}"
        );
        assert_eq!(site(&host)["start"], "-> index.html");
        let modes = ["css/a/b.css", "cgi/run", MANIFEST_NAME].map(|name| mode(&host, name));
        assert_eq!(modes, [0o644, 0o755, 0o644], "{settings}");
        assert_eq!(mode(&host, ".relhook-temp"), 0o700);
        let wanted = if settings.contains("027") {
            0o750
        } else {
            0o755
        };
        if !settings.contains("077") {
            assert_eq!(mode(&host, "css/a"), wanted, "{settings}");
        }
        let asked = first_calls(&host);
        assert!(calls.contains(&asked), "{settings}: {asked}");
        assert!(matches!(bench.release(&order), Ok(Outcome::UpToDate(_))));
        let next = bench.commit(&[("index.html", "two"), ("css/a/b.css", "x")]);
        released(bench.release(&self::order(&bench, &host, next, 2)));
        assert_eq!(site(&host)["index.html"], "two", "{settings}");
    }
}

#[test]
fn u_08_a_file_that_appears_while_the_first_release_is_under_way_stays() {
    for killed in [false, true] {
        let (bench, host) = pair();
        let next = order(&bench, &host, large(&bench, b'b'), 1);
        let mut run = starts(&bench, &host, &next);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !any_below(&host.site(), ".relhook-part/f") {
            assert!(Instant::now() < deadline && run.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(1));
        }
        let theirs = host.site().join("d1/f1");
        fs::write(&theirs, "somebody's").unwrap();
        if killed {
            run.kill().unwrap();
        }
        run.wait().unwrap();
        // Not now, and not by the run that carries on.
        for _ in 0..2 {
            let error = refused(bench.release(&next), 616);
            assert!(error.contains("d1/f1"), "{error}");
            assert_eq!(
                fs::read(&theirs).unwrap(),
                b"somebody's",
                "killed: {killed}"
            );
        }
        fs::remove_file(&theirs).unwrap();
        released(bench.release(&next));
        assert_same(&bench, &host, "a file of somebody else's");
    }
}

#[test]
fn a_first_release_to_a_host_far_away_goes_by_more_channels() {
    assert_eq!(far("Subsystem sftp internal-sftp\n"), 4);
}

#[test]
fn a_host_far_away_that_gives_no_more_channels_is_released_to_by_one() {
    // One for rsync, and one for SFTP.
    assert_eq!(far("MaxSessions 2\nSubsystem sftp internal-sftp\n"), 1);
}

/// A first release of many files to a host that is far away; over how many channels it went by SFTP.
fn far(settings: &str) -> usize {
    let (bench, host) = (Bench::new(), WebHost::set(settings));
    bench.account(&host.credentials("key"));
    let relay = Relay::before(host.port);
    relay.delay(Duration::from_millis(4));
    let names: Vec<String> = (0..400).map(|at| format!("d{}/f{at}", at % 7)).collect();
    let content = "large ".repeat(200_000);
    let files = names.iter().map(|name| (name.as_str(), name.as_str()));
    let files: Vec<(&str, &str)> = files
        .chain([("a", content.as_str()), ("b", &content)])
        .collect();
    let mut order = order(&bench, &host, bench.commit(&files), 1);
    let mut login = host.login("host");
    login.port = relay.port;
    order.target.kind = target(login, &host.site());
    assert_eq!(released(bench.release(&order)).uploaded, 402);
    let found = site(&host);
    for (name, text) in files {
        assert_eq!(found[name], text, "{name}");
    }
    host.log().matches("subsystem 'sftp'").count()
}

#[test]
fn a_name_that_is_no_text_arrives_by_rsync() {
    let (bench, host) = pair();
    let commit = bench.commit_modes(&[(FILE, b"caf\xe9", b"1"), (LINK, b"to", b"caf\xe9")]);
    let outcome = bench.release(&order(&bench, &host, commit, 1));
    assert_eq!(released(outcome).uploaded, 2);
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    assert_eq!(fs::read(host.site().join(name)).unwrap(), b"1");
    assert_eq!(fs::read_link(host.site().join("to")).unwrap(), name);
}

#[test]
fn sftp_that_shows_another_directory_than_rsync_is_given_nothing() {
    if rustix::process::geteuid().as_raw() != 0 {
        return;
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let away = elsewhere.path().to_str().unwrap();
    // The path of the release is not known before the host is there.
    let program = elsewhere.path().with_extension("sh");
    let host = WebHost::set(&format!(
        "Subsystem sftp /usr/bin/unshare -m /bin/sh {}\n",
        program.display()
    ));
    let site_of = host.site();
    let seen = program.with_extension("seen");
    let script = format!(
        "mount --bind {away} {} && : > {} && exec /usr/lib/openssh/sftp-server\n",
        site_of.display(),
        seen.display()
    );
    fs::write(&program, script).unwrap();
    let bench = Bench::new();
    bench.account(&host.credentials("key"));
    for (sequence, text) in [(1, "1"), (2, "2")] {
        let commit = bench.commit(&[("a", text), ("css/b", text)]);
        released(bench.release(&order(&bench, &host, commit, sequence)));
        assert_eq!(names(&host), ["a", "css/", "css/b"]);
        assert_eq!(site(&host)["css/b"], text);
        assert_eq!(fs::read_dir(away).unwrap().count(), 0);
    }
    for used in [&program, &seen] {
        fs::remove_file(used).unwrap();
    }
}

/// The processes that serve the host's connections: those whose lines in its log name them.
fn sessions(host: &WebHost) -> Vec<i32> {
    let key = host.home().to_str().unwrap().to_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains("--server") && line.contains("rsync") && cwd(pid).contains(&key) {
            found.push(pid);
        }
    }
    found
}

fn cwd(pid: i32) -> String {
    let cwd = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    cwd.to_string_lossy().into_owned()
}

#[track_caller]
fn assert_same(bench: &Bench, host: &WebHost, what: &str) {
    let clean = WebHost::start();
    let other = Bench::new();
    other.account(&clean.credentials("key"));
    released(other.release(&order(&other, &clean, large(&other, b'b'), 2)));
    let (left, right) = (site(host), site(&clean));
    assert_eq!(
        left.keys().collect::<Vec<_>>(),
        right.keys().collect::<Vec<_>>(),
        "{what}"
    );
    assert!(left == right, "{what}: some content differs");
    assert!(
        !bench
            .folder()
            .join("release")
            .join(SITE)
            .join("stage")
            .exists(),
        "{what}"
    );
}

#[test]
fn u_07_a_full_disk_stops_the_release_and_the_next_run_carries_on() {
    if rustix::process::geteuid().as_raw() != 0 {
        return;
    }
    let host = WebHost::with_mounts("mount -t tmpfs -o size=20m none \"$SITE\"");
    let bench = Bench::new();
    bench.account(&host.credentials("key"));
    let small = bench.commit(&[("a", "1")]);
    released(bench.release(&order(&bench, &host, small, 1)));
    let error = bench
        .release(&order(&bench, &host, large(&bench, b'a'), 2))
        .unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
    assert!(!error.is_transient(), "{error}");
    let third = bench.commit(&[("a", "3"), ("d0/f0", "3")]);
    released(bench.release(&order(&bench, &host, third, 3)));
    // The host's view of its own disk: everything that the failed run had brought is gone.
    let view = fetched(&bench, &host);
    assert_eq!(view, ["a", "d0/", "d0/f0"]);
}

/// The site as its own host sees it.
fn fetched(bench: &Bench, host: &WebHost) -> Vec<String> {
    let place = bench.outside("view");
    let login = host.login("host");
    let known = host.home().join("known");
    let line = format!("[127.0.0.1]:{} {}\n", host.port, login.host_keys[0]);
    fs::write(&known, line).unwrap();
    let ssh = format!(
        "ssh -F none -p {} -l {} -i {} -o UserKnownHostsFile={}",
        host.port,
        crate::hosting::sshd::account(),
        host.home().join("key").display(),
        known.display()
    );
    let mut rsync = crate::common::command("rsync", host.home());
    rsync.args(["-r", "--rsh", &ssh]);
    rsync
        .arg(format!("127.0.0.1:{}/", host.site().display()))
        .arg(&place);
    crate::common::run(&mut rsync).assert_ok();
    let mut found = tree(&place);
    found.remove(MANIFEST_NAME);
    found.remove(".relhook-temp/");
    found.into_keys().collect()
}

/// Not a test: the process that other tests kill.
#[test]
#[ignore = "started by other tests, in a process that they kill"]
fn apart() {
    carry_out_apart(|variable| {
        let login = SshLogin {
            port: variable("_PORT").parse().unwrap(),
            host_keys: vec![HostKey::Whole(variable("_KEY"))],
            proof: SshProof::Key,
        };
        target(login, Path::new(&variable("_PATH")))
    });
}
