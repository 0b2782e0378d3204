//! Releases to a Subversion repository, behind a real svnserve.

use crate::common::svnserve::{PASSWORD, Svnserve, USER};
use crate::common::webhost::WebHost;
use crate::release_kit::{
    Bench, LINK, Log, PROGRAM, SITE, carry_out_apart, fingerprint, refused, released, tree,
};
use relhook::policy::{SvnAccess, SvnTarget, TargetKind, Verify};
use relhook::release::{Adoption, Credits, MANIFEST_NAME, Order, Outcome};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

const FILE: u32 = 0o100_644;

fn plain(port: u16) -> TargetKind {
    TargetKind::Svn(SvnTarget {
        host: "127.0.0.1".into(),
        path: "/www".into(),
        access: SvnAccess::Plain { port },
    })
}

fn order(bench: &Bench, server: &Svnserve, commit: Oid, sequence: u64) -> Order {
    bench.order(plain(server.port), commit, sequence)
}

fn pair() -> (Bench, Svnserve) {
    let (bench, server) = (Bench::new(), Svnserve::start());
    bench.credentials(USER, PASSWORD);
    (bench, server)
}

fn site(server: &Svnserve) -> BTreeMap<String, String> {
    let mut site = tree(&server.export());
    site.remove(MANIFEST_NAME);
    site
}

fn names(server: &Svnserve) -> Vec<String> {
    site(server).into_keys().collect()
}

#[test]
fn a_release_is_one_commit_that_says_whose_it_is() {
    let (bench, server) = pair();
    let first = bench.commit_modes(&[
        (FILE, b"index.html", b"one"),
        (FILE, b"css/a b/c.css", b"x"),
        (PROGRAM, b"cgi/run", b"#!"),
        (LINK, b"start", b"index.html"),
        (FILE, b".gitignore", b"x"),
    ]);
    let mut log = Log::default();
    let mut order_1 = order(&bench, &server, first, 1);
    order_1.credits = Credits {
        pushed_by: Some("dana".into()),
        approved_by: vec!["rita".into(), "theo".into()],
    };
    let totals = released(bench.release_with(&order_1, Adoption::Refuse, &mut log));
    assert_eq!((totals.uploaded, totals.unchanged), (4, 0));
    assert_eq!(log.words(), ["started", "finished"]);
    assert_eq!(server.revision(), 2);
    assert_eq!(
        names(&server),
        [
            "cgi/",
            "cgi/run",
            "css/",
            "css/a b/",
            "css/a b/c.css",
            "index.html",
            "start"
        ]
    );
    assert_eq!(site(&server)["start"], "-> index.html");
    assert_eq!(server.property("svn:executable", "cgi/run"), "*");
    let told = server.log(2);
    assert!(told.contains("| relhook |"), "{told}");
    for line in [
        "change",
        "Repository: acme/site",
        "Ref: refs/heads/prod",
        &format!("Commit: {first}"),
        "Author: Dana <dana@example.org>",
        "Approved-By: rita, theo",
        "Released-By: dana",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    assert!(matches!(bench.release(&order_1), Ok(Outcome::UpToDate(_))));
    assert_eq!(server.revision(), 2);
    assert!(
        !bench
            .folder()
            .join("release")
            .join(SITE)
            .join("stage")
            .exists()
    );
}

#[test]
fn only_what_differs_is_committed_and_moves_keep_their_history() {
    let (bench, server) = pair();
    let first = bench.commit_modes(&[
        (FILE, b"index.html", b"one"),
        (FILE, b"same", b"x"),
        (FILE, b"old/deep/page", b"a page that moves"),
        (PROGRAM, b"run", b"#!"),
        (FILE, b"file", b"1"),
        (FILE, b"dir/file", b"2"),
        (LINK, b"link", b"same"),
    ]);
    released(bench.release(&order(&bench, &server, first, 1)));
    let second = bench.commit_modes(&[
        (FILE, b"index.html", b"two"),
        (FILE, b"same", b"x"),
        (FILE, b"new/page", b"a page that moves"),
        (FILE, b"run", b"#!"),
        (FILE, b"file/now-a-folder", b"1"),
        (FILE, b"dir", b"3"),
        (FILE, b"link", b"no link"),
    ]);
    let totals = released(bench.release(&order(&bench, &server, second, 2)));
    assert_eq!(
        (totals.uploaded, totals.deleted, totals.unchanged),
        (6, 3, 1)
    );
    let told = server.log(3);
    for line in [
        "   M /www/index.html",
        "   A /www/new/page (from /www/old/deep/page:2)",
        "   D /www/old",
        "   M /www/run",
        "   R /www/dir",
        "   R /www/file",
        "   R /www/link",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    assert!(!told.contains("/www/same"), "{told}");
    assert_eq!(server.property("svn:executable", "run"), "");
    assert_eq!(
        names(&server),
        [
            "dir",
            "file/",
            "file/now-a-folder",
            "index.html",
            "link",
            "new/",
            "new/page",
            "run",
            "same"
        ]
    );
    assert_eq!(site(&server)["link"], "no link");
    assert_eq!(site(&server)["dir"], "3");
}

/// As on other targets: it is told, it is not taken for released, and the next run sends it again.
#[test]
fn u_22_another_content_in_the_repository_is_found_where_it_is_read_back_and_is_sent_again() {
    let (bench, server) = pair();
    let first = bench.commit(&[("a", "1"), ("b", "1"), ("c/d", "genuine")]);
    let mut order = order(&bench, &server, first, 1);
    order.target.care.verify = Verify::Deep;
    server.alters_once("genuine", "changed");
    let error = refused(bench.release(&order), 619);
    assert!(error.contains("`c/d`"), "{error}");
    assert_eq!(site(&server)["c/d"], "changed");
    let before = server.revision();
    let totals = released(bench.release(&order));
    assert_eq!((totals.uploaded, totals.unchanged), (1, 2));
    assert_eq!(site(&server)["c/d"], "genuine");
    assert_eq!(server.revision(), before + 1);
    assert!(matches!(bench.release(&order), Ok(Outcome::UpToDate(_))));
    // A quick one does not read it.
    let second = bench.commit(&[("a", "1"), ("b", "1"), ("c/d", "other genuine")]);
    let mut order = bench.order(plain(server.port), second, 2);
    order.target.care.verify = Verify::Quick;
    server.alters_once("other genuine", "other changed");
    released(bench.release(&order));
    assert_eq!(site(&server)["c/d"], "other changed");
}

#[test]
fn the_author_is_set_where_the_server_lets_us() {
    let (bench, server) = pair();
    server.lets_authors_be_set();
    released(bench.release(&order(&bench, &server, bench.commit(&[("a", "1")]), 1)));
    let told = server.log(2);
    assert!(told.contains("| dana@example.org |"), "{told}");
}

#[test]
fn u_03_no_name_is_an_option_an_action_or_a_revision() {
    let (bench, server) = pair();
    let hostile = [
        "-r",
        "--password=x",
        "a@12",
        "@",
        "put",
        " x ",
        "100%25.html",
        "$(touch x)",
        "#a",
        "ü/é@",
        "http:/x",
        "a'b\"c",
        "rm",
    ];
    let files: Vec<(&str, &str)> = hostile.iter().map(|name| (*name, "1")).collect();
    released(bench.release(&order(&bench, &server, bench.commit(&files), 1)));
    let found = site(&server);
    for name in hostile {
        assert_eq!(
            found.get(name).map(String::as_str),
            Some("1"),
            "{name}: {found:?}"
        );
    }
    let files: Vec<(&str, &str)> = hostile.iter().map(|name| (*name, "2")).collect();
    let totals = released(bench.release(&order(&bench, &server, bench.commit(&files), 2)));
    assert_eq!((totals.uploaded, totals.deleted), (13, 0));
    let totals = released(bench.release(&order(&bench, &server, bench.commit(&[("z", "1")]), 3)));
    assert_eq!((totals.uploaded, totals.deleted), (1, 13));
    assert_eq!(names(&server), ["z"]);
    for bad in [&b"a/.svn/b"[..], b".SVN", b"caf\xe9", b"a\x01b"] {
        let commit = bench.commit_modes(&[(FILE, bad, b"1")]);
        refused(bench.release(&order(&bench, &server, commit, 4)), 601);
    }
}

#[test]
fn files_of_others_stay_until_told_and_their_changes_to_ours_are_overwritten() {
    let (bench, server) = pair();
    let file = server.file("theirs");
    server.commit(&[
        "mkdir",
        "shop",
        "put",
        &file,
        "shop/page",
        "put",
        &file,
        "other",
    ]);
    let commit = bench.commit(&[("shop/page", "ours"), ("d/e/f", "ours")]);
    let first = order(&bench, &server, commit, 1);
    let error = refused(bench.release(&first), 616);
    assert!(error.ends_with(":\n  shop/page"), "{error}");
    assert_eq!(server.revision(), 2);
    released(bench.release_with(&first, Adoption::Adopt, &mut Log::default()));
    assert_eq!(site(&server)["shop/page"], "ours");

    // Changed, removed, and added in a folder of ours, by hand.
    server.commit(&[
        "put",
        &file,
        "shop/page",
        "rm",
        "d/e/f",
        "put",
        &file,
        "d/theirs",
    ]);
    let next = bench.commit(&[("shop/page", "ours"), ("d/e/f", "ours"), ("x", "1")]);
    let totals = released(bench.release(&order(&bench, &server, next, 2)));
    assert_eq!((totals.uploaded, totals.unchanged), (3, 0));
    assert_eq!(site(&server)["shop/page"], "ours");
    assert_eq!(site(&server)["d/e/f"], "ours");

    let last = bench.commit(&[("x", "1")]);
    released(bench.release(&order(&bench, &server, last, 3)));
    assert_eq!(names(&server), ["d/", "d/theirs", "other", "shop/", "x"]);
}

#[test]
fn u_12_the_password_is_in_no_argument_no_variable_and_no_file() {
    let (bench, server) = pair();
    bench.credentials(USER, "wrong-battery-staple");
    let order = order(&bench, &server, bench.commit(&[("a", "1")]), 1);
    let error = refused(bench.release(&order), 613);
    assert!(!error.contains("battery"), "{error}");
    bench.credentials(USER, PASSWORD);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let mut seen = 0;
        while stopped.try_recv().is_err() {
            for entry in fs::read_dir("/proc").unwrap().flatten() {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).into_owned();
                if line.starts_with("/usr/bin/svn") {
                    seen += 1;
                    let env = fs::read(entry.path().join("environ")).unwrap_or_default();
                    let env = String::from_utf8_lossy(&env).into_owned();
                    assert!(!(line + &env).contains("battery"));
                }
            }
        }
        seen
    });
    released(bench.release(&order));
    stop.send(()).unwrap();
    assert!(watch.join().unwrap() > 0, "no svn was seen");
    let desk = bench.folder().join("release").join(SITE);
    for (name, content) in tree(&desk) {
        assert!(!content.contains("battery"), "{name}");
    }
}

#[test]
fn what_is_missing_is_said() {
    let (bench, server) = pair();
    let commit = bench.commit(&[("a", "1")]);
    let mut order = order(&bench, &server, commit, 1);
    let TargetKind::Svn(svn) = &mut order.target.kind else {
        panic!()
    };
    svn.path = "/absent".into();
    refused(bench.release(&order), 620);
    let TargetKind::Svn(svn) = &mut order.target.kind else {
        panic!()
    };
    svn.access = SvnAccess::Plain {
        port: crate::common::free_port(),
    };
    let error = bench.release(&order).unwrap_err();
    assert_eq!(error.code().to_string(), "RH611", "{error}");
    assert!(error.is_transient());
}

#[test]
fn r_13_u_19_an_older_release_and_another_repository_do_not_follow() {
    let (bench, server) = pair();
    let commit = bench.commit(&[("a", "1")]);
    released(bench.release(&order(&bench, &server, commit, 5)));
    refused(bench.release(&order(&bench, &server, commit, 4)), 618);
    let mut other = order(&bench, &server, commit, 9);
    other.repository.0 = "acme/other".into();
    refused(bench.release(&other), 617);
    server.commit(&["rm", MANIFEST_NAME]);
    refused(bench.release(&order(&bench, &server, commit, 6)), 615);
}

#[test]
fn u_07_whenever_relhook_is_killed_each_release_is_committed_once() {
    for wait in [0, 40, 120, 250, 450, 700] {
        let (bench, server) = pair();
        let content = "x".repeat(200_000);
        let names: Vec<String> = (0..40)
            .map(|number| format!("d{}/f{number}", number % 7))
            .collect();
        let files: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (name.as_str(), content.as_str()))
            .collect();
        let next = order(&bench, &server, bench.commit(&files), 1);
        let port = server.port.to_string();
        let variables = [("RELHOOK_APART_PORT", port.as_str())];
        let mut run = bench.release_in("release_svn::apart", &next, &variables);
        std::thread::sleep(Duration::from_millis(wait));
        run.kill().unwrap();
        run.wait().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = bench.release(&next) {
            assert!(
                error.is_transient() && Instant::now() < deadline,
                "{wait}: {error}"
            );
        }
        assert_eq!(server.revision(), 2, "after {wait} ms");
        let found = site(&server);
        assert_eq!(
            found.values().filter(|found| **found == content).count(),
            40
        );
        assert!(matches!(bench.release(&next), Ok(Outcome::UpToDate(_))));
    }
}

#[test]
fn u_10_over_ssh_the_host_has_to_have_the_policys_key() {
    let (bench, server) = (Bench::new(), Svnserve::start());
    let host = WebHost::start();
    bench.account(&host.credentials("key"));
    let path = format!("{}/www", server.repository().display());
    let target = |name: &str| {
        TargetKind::Svn(SvnTarget {
            host: "127.0.0.1".into(),
            path: path.clone(),
            access: SvnAccess::Ssh(host.login(name)),
        })
    };
    let commit = bench.commit(&[("a", "1")]);
    refused(bench.release(&bench.order(target("other"), commit, 1)), 626);
    released(bench.release(&bench.order(target("host"), commit, 1)));
    assert_eq!(names(&server), ["a"]);
    let by = |name: &str| {
        let mut login = host.login("host");
        login.host_keys = vec![fingerprint(&host.home().join(format!("{name}.pub")))];
        TargetKind::Svn(SvnTarget {
            host: "127.0.0.1".into(),
            path: path.clone(),
            access: SvnAccess::Ssh(login),
        })
    };
    let commit = bench.commit(&[("b", "2")]);
    refused(bench.release(&bench.order(by("other"), commit, 2)), 626);
    released(bench.release(&bench.order(by("host"), commit, 2)));
    assert_eq!(names(&server), ["b"]);
}

/// Not a test: the process that another test kills.
#[test]
#[ignore = "started by other tests, in a process that they kill"]
fn apart() {
    carry_out_apart(|variable| plain(variable("_PORT").parse().unwrap()));
}
