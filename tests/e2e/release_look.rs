//! Targets that a program brings the files to are looked at like the others: before a first release,
//! between releases, and after one.

use crate::common::svnserve::{PASSWORD, Svnserve, USER};
use crate::common::webhost::WebHost;
use crate::common::write_program;
use crate::release_kit::{Bench, LINK, Log, PROGRAM, SITE, refused, released, tree};
use relhook::policy::{CommandTarget, RsyncTarget, SvnAccess, SvnTarget, TargetKind, Verify};
use relhook::release::drift::Looked;
use relhook::release::{
    Adoption, Comparison, MANIFEST_NAME, Order, Outcome, ReleaseError, compare, look,
};
use relhook::types::TargetName;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

const FILE: u32 = 0o100_644;

fn looks(bench: &Bench, order: &Order, depth: Verify) -> Result<Looked, ReleaseError> {
    let looked = bench.with_setting(|setting| look(setting, order, depth, &mut Log::default()));
    looked.map(Option::unwrap)
}

/// What a look finds, as `what path`.
#[track_caller]
fn drift(bench: &Bench, order: &Order, depth: Verify) -> Vec<String> {
    let looked = looks(bench, order, depth).unwrap();
    let found = looked.differences.iter();
    found
        .map(|one| format!("{} {}", one.what.word(), one.path))
        .collect()
}

fn compares(bench: &Bench, order: &Order) -> Result<Comparison, ReleaseError> {
    let orders = crate::release_kit::Always(order.clone());
    let compared = bench.with_setting(|setting| compare(setting, &TargetName::new(SITE), &orders));
    compared.map(|found| found.unwrap().1)
}

fn names<'a>(paths: impl IntoIterator<Item = &'a relhook::types::RepoPath>) -> String {
    let names: Vec<String> = paths.into_iter().map(ToString::to_string).collect();
    names.join(" ")
}

fn set_back(path: &Path) {
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(old).unwrap();
}

fn rsync_order(bench: &Bench, host: &WebHost, commit: relhook::types::Oid, number: u64) -> Order {
    let kind = TargetKind::Rsync(RsyncTarget {
        compress: false,
        host: "127.0.0.1".into(),
        path: host.site().to_str().unwrap().to_owned(),
        login: host.login("host"),
    });
    bench.order(kind, commit, number)
}

/// A host that holds a release, with all of it some time old.
fn rsync_site() -> (Bench, WebHost, Order) {
    let (bench, host) = (Bench::new(), WebHost::start());
    bench.account(&host.credentials("key"));
    fs::write(host.site().join("robots.txt"), "theirs").unwrap();
    let commit = bench.commit_modes(&[
        (FILE, b"index.html", b"one"),
        (FILE, b"css/a b.css", b"x"),
        (FILE, b"css/deep/b.css", b"y"),
        (PROGRAM, b"cgi/run", b"#!"),
        (LINK, b"start", b"index.html"),
        (FILE, b"up/load", b"z"),
    ]);
    let order = rsync_order(&bench, &host, commit, 1);
    released(bench.release(&order));
    for file in [
        "index.html",
        "css/a b.css",
        "css/deep/b.css",
        "cgi/run",
        "up/load",
    ] {
        set_back(&host.site().join(file));
    }
    (bench, host, order)
}

#[test]
fn u_09_u_22_what_is_changed_by_hand_on_an_rsync_host_is_found_and_put_back() {
    let (bench, host, order) = rsync_site();
    let root = host.site();
    for depth in [Verify::Quick, Verify::Deep] {
        let looked = looks(&bench, &order, depth).unwrap();
        assert_eq!(looked.differences, []);
        let all = looked.compared;
        assert_eq!(all.hash + all.time + all.size, 6, "{all:?}");
        assert_eq!(all.time > 0, depth == Verify::Quick, "{all:?}");
    }
    // The same size and an old time: only a look that reads it back sees that.
    fs::write(root.join("css/a b.css"), "X").unwrap();
    set_back(&root.join("css/a b.css"));
    // The same size, and touched since.
    fs::write(root.join("index.html"), "eno").unwrap();
    fs::remove_file(root.join("css/deep/b.css")).unwrap();
    fs::write(root.join("css/sh\nell.php"), "<?php").unwrap();
    fs::set_permissions(root.join("cgi/run"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(root.join("start")).unwrap();
    symlink("robots.txt", root.join("start")).unwrap();
    let quick = [
        "changed cgi/run",
        "missing css/deep/b.css",
        "added css/sh\\u{a}ell.php",
        "changed index.html",
        "link start",
    ];
    let found = drift(&bench, &order, Verify::Quick);
    assert_eq!(found.len(), quick.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(quick) {
        let same = found == wanted || wanted.starts_with("added") && found.starts_with("added");
        assert!(same, "{found} is not {wanted}");
    }
    let deep = drift(&bench, &order, Verify::Deep);
    assert_eq!(deep.len(), 6, "{deep:?}");
    assert!(deep.contains(&"changed css/a b.css".to_owned()), "{deep:?}");

    let totals = released(bench.release(&order));
    assert_eq!(totals.uploaded, 5);
    assert_eq!(drift(&bench, &order, Verify::Deep).len(), 1);
    let site = tree(&root);
    assert_eq!(site["index.html"], "one");
    assert_eq!(site["start"], "-> index.html");
    assert_eq!(site["robots.txt"], "theirs");
    assert!(matches!(bench.release(&order), Ok(Outcome::UpToDate(_))));
}

#[test]
fn u_05_a_directory_on_an_rsync_host_that_became_a_link_is_drift_and_not_looked_through() {
    let (bench, host, order) = rsync_site();
    let elsewhere = host.home().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("load"), "z").unwrap();
    fs::remove_dir_all(host.site().join("up")).unwrap();
    symlink(&elsewhere, host.site().join("up")).unwrap();
    for depth in [Verify::Quick, Verify::Deep] {
        assert_eq!(drift(&bench, &order, depth), ["link up"]);
    }
    // Nothing is sent through it either.
    refused(bench.release(&order), 616);
    assert_eq!(tree(&elsewhere).into_keys().collect::<Vec<_>>(), ["load"]);
}

#[test]
fn an_rsync_hosts_record_that_is_not_the_last_releases_is_told_apart_from_drift() {
    let (bench, host, order) = rsync_site();
    let manifest = host.site().join(MANIFEST_NAME);
    let old = fs::read(&manifest).unwrap();
    let second = rsync_order(&bench, &host, bench.commit(&[("a", "2")]), 2);
    released(bench.release(&second));
    fs::write(&manifest, &old).unwrap();
    // A release does not rely on what somebody put back either.
    let third = rsync_order(&bench, &host, bench.commit(&[("a", "3")]), 3);
    let error = refused(bench.release(&third), 615);
    assert!(error.contains("an older one"), "{error}");
    for (text, code) in [(old, "RH615"), (b"{}".to_vec(), "RH615"), (vec![], "RH615")] {
        fs::write(&manifest, text).unwrap();
        let error = looks(&bench, &second, Verify::Quick).unwrap_err();
        assert_eq!(error.code().to_string(), code, "{error}");
    }
    fs::remove_file(&manifest).unwrap();
    let error = looks(&bench, &second, Verify::Quick).unwrap_err();
    assert_eq!(error.code().to_string(), "RH615", "{error}");
    drop(order);
}

#[test]
fn an_rsync_host_that_has_files_is_compared_first_and_what_is_equal_is_not_sent() {
    let (bench, host) = (Bench::new(), WebHost::start());
    bench.account(&host.credentials("key"));
    let root = host.site();
    for dir in ["css", "shop/inner", "later"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    for (file, text) in [
        ("index.html", "one"),
        ("css/a.css", "y"),
        ("css/theirs.css", "x"),
        ("shop/inner/x", "x"),
        ("later/x", "x"),
        ("run", "#!"),
    ] {
        fs::write(root.join(file), text).unwrap();
    }
    symlink("index.html", root.join("start")).unwrap();
    let commit = bench.commit_modes(&[
        (FILE, b"index.html", b"one"),
        (FILE, b"css/a.css", b"x"),
        (FILE, b"later/y", b"new"),
        (PROGRAM, b"run", b"#!"),
        (LINK, b"start", b"index.html"),
    ]);
    let order = rsync_order(&bench, &host, commit, 1);
    let before = tree(&root);
    let found = compares(&bench, &order).unwrap();
    assert_eq!(names(found.equal.keys()), "index.html start");
    // The mode counts: what cannot be run is not the program that was accepted.
    assert_eq!(names(&found.different), "css/a.css run");
    assert_eq!(names(&found.missing), "later/y");
    assert_eq!(names(&found.foreign), "css/theirs.css later/x shop/");
    refused(bench.release(&order), 616);
    assert_eq!(tree(&root), before, "nothing was touched");

    let was = fs::metadata(root.join("index.html")).unwrap();
    let totals = released(bench.release_with(&order, Adoption::Adopt, &mut Log::default()));
    assert_eq!((totals.uploaded, totals.unchanged), (3, 2));
    let is = fs::metadata(root.join("index.html")).unwrap();
    assert_eq!(was.modified().unwrap(), is.modified().unwrap());
    assert!(compares(&bench, &order).unwrap().is_equal());
    assert_eq!(drift(&bench, &order, Verify::Deep), [""; 0]);
    let next = rsync_order(&bench, &host, bench.commit(&[("run", "2")]), 2);
    assert_eq!(
        names(&compares(&bench, &next).unwrap().surplus),
        "css/a.css index.html later/y start"
    );
    released(bench.release(&next));
    assert_eq!(tree(&root)["run"], "2");
    assert!(!root.join("index.html").exists());
}

/// A host on which every rsync that has taken files in is followed by this, while `spoil` is there.
fn spoiling_host(what: &str) -> (Bench, WebHost) {
    let (bench, host) = (Bench::new(), WebHost::start());
    bench.account(&host.credentials("key"));
    let script = host.home().join("wrap");
    let home = host.home().display();
    let text = format!(
        "#!/bin/sh\nsh -c \"$SSH_ORIGINAL_COMMAND\"\ncode=$?\n\
         if [ -e {home}/spoil ] && [ -e {home}/www/index.html ]; then cd {home}/www; {what}; fi\n\
         exit $code\n"
    );
    write_program(&script, text);
    let public = host.home().join("key.pub");
    let key = fs::read_to_string(&public).unwrap();
    fs::write(&public, format!("command=\"{}\" {key}", script.display())).unwrap();
    (bench, host)
}

#[test]
fn what_rsync_brought_is_read_back_where_the_policy_says_deep() {
    let once = "printf eno >index.html; rm -f ../spoil";
    for (what, verify, code) in [
        (once, Verify::Deep, None),
        ("printf eno >index.html", Verify::Deep, Some(619)),
        ("printf eno >index.html", Verify::Quick, None),
    ] {
        let (bench, host) = spoiling_host(what);
        let commit = bench.commit(&[("index.html", "one"), ("a", "1")]);
        let mut order = rsync_order(&bench, &host, commit, 1);
        order.target.care.verify = verify;
        fs::write(host.home().join("spoil"), "").unwrap();
        let text = || fs::read_to_string(host.site().join("index.html")).unwrap();
        match (code, verify) {
            (Some(code), _) => {
                let error = refused(bench.release(&order), code);
                assert!(error.contains("index.html"), "{error}");
                // Without the disturbance the next run mends it.
                fs::remove_file(host.home().join("spoil")).unwrap();
                released(bench.release(&order));
                assert_eq!(text(), "one");
            }
            (None, Verify::Deep) => {
                released(bench.release(&order));
                assert_eq!(text(), "one");
            }
            (None, Verify::Quick) => {
                released(bench.release(&order));
                assert_eq!(text(), "eno", "the disturbance does what it is to do");
            }
        }
    }
}

fn svn_order(bench: &Bench, server: &Svnserve, commit: relhook::types::Oid, number: u64) -> Order {
    let kind = TargetKind::Svn(SvnTarget {
        host: "127.0.0.1".into(),
        path: "/www".into(),
        access: SvnAccess::Plain { port: server.port },
    });
    bench.order(kind, commit, number)
}

fn svn_folder() -> (Bench, Svnserve, Order) {
    let (bench, server) = (Bench::new(), Svnserve::start());
    bench.credentials(USER, PASSWORD);
    let commit = bench.commit_modes(&[
        (FILE, b"index.html", b"one"),
        (FILE, b"css/a b%25#.css", b"x"),
        (FILE, b"css/deep/b.css", b"y"),
        (PROGRAM, b"cgi/run", b"#!"),
        (LINK, b"start", b"index.html"),
    ]);
    let order = svn_order(&bench, &server, commit, 1);
    released(bench.release(&order));
    (bench, server, order)
}

#[test]
fn u_09_u_22_what_is_committed_by_hand_to_a_subversion_folder_is_found_and_put_back() {
    let (bench, server, order) = svn_folder();
    for depth in [Verify::Quick, Verify::Deep] {
        let looked = looks(&bench, &order, depth).unwrap();
        assert_eq!(looked.differences, []);
        let all = looked.compared;
        let by_hash = if depth == Verify::Deep { 5 } else { 0 };
        assert_eq!((all.hash, all.time, all.size), (by_hash, 5 - by_hash, 0));
    }
    let file = server.file("eno");
    server.commit(&["put", &file, "robots.txt"]);
    server.commit(&["put", &file, "css/a%20b%2525%23.css", "rm", "css/deep"]);
    server.commit(&["put", &file, "css/shell.php"]);
    server.commit(&["propdel", "svn:executable", "cgi/run"]);
    server.commit(&["rm", "start", "put", &file, "start"]);
    // Changed and changed back: nothing to tell.
    server.commit(&["put", &file, "index.html"]);
    let back = server.file("one");
    server.commit(&["put", &back, "index.html"]);
    // What the folder's properties name elsewhere is not fetched.
    server.commit(&[
        "propset",
        "svn:externals",
        "file:///etc/hostname stolen",
        "css",
    ]);
    let found = [
        "changed cgi/run",
        "changed css/a b%25#.css",
        "missing css/deep/b.css",
        "added css/shell.php",
        "changed start",
    ];
    for depth in [Verify::Quick, Verify::Deep] {
        assert_eq!(drift(&bench, &order, depth), found, "{depth:?}");
    }
    released(bench.release(&order));
    for depth in [Verify::Quick, Verify::Deep] {
        assert_eq!(drift(&bench, &order, depth), ["added css/shell.php"]);
    }
    assert_eq!(server.property("svn:executable", "cgi/run"), "*");
    server.commit(&["propdel", "svn:externals", "css"]);
    let site = tree(&server.export());
    assert_eq!(site["start"], "-> index.html");
    assert_eq!(site["css/a b%25#.css"], "x");
    assert!(matches!(bench.release(&order), Ok(Outcome::UpToDate(_))));
}

#[test]
fn u_09_a_commit_by_hand_that_touches_the_manifest_too_hides_nothing() {
    let (bench, server, order) = svn_folder();
    let file = server.file("eno");
    server.commit(&[
        "put",
        &file,
        "index.html",
        "propset",
        "x",
        "y",
        MANIFEST_NAME,
    ]);
    for depth in [Verify::Quick, Verify::Deep] {
        assert_eq!(drift(&bench, &order, depth), ["changed index.html"]);
    }
    // A release before which nobody has looked does not rely on it either.
    let (bench, server, _order) = svn_folder();
    let file = server.file("eno");
    server.commit(&[
        "put",
        &file,
        "index.html",
        "propset",
        "x",
        "y",
        MANIFEST_NAME,
    ]);
    let commit = bench.commit(&[("index.html", "one"), ("b", "2")]);
    let next = svn_order(&bench, &server, commit, 2);
    released(bench.release(&next));
    assert_eq!(tree(&server.export())["index.html"], "one");
}

#[test]
fn a_subversion_folder_that_has_files_is_compared_first_and_what_is_equal_is_not_sent() {
    let (bench, server) = (Bench::new(), Svnserve::start());
    bench.credentials(USER, PASSWORD);
    let (one, other) = (server.file("one"), server.file_named("other", "other"));
    server.commit(&[
        "put",
        &one,
        "index.html",
        "mkdir",
        "css",
        "put",
        &other,
        "css/a.css",
        "put",
        &other,
        "css/theirs",
        "mkdir",
        "shop",
        "put",
        &other,
        "shop/x",
        "put",
        &one,
        "page",
        "propset",
        "svn:executable",
        "yes",
        "page",
    ]);
    let commit = bench.commit(&[
        ("index.html", "one"),
        ("css/a.css", "x"),
        ("page", "one"),
        ("new/y", "y"),
    ]);
    let order = svn_order(&bench, &server, commit, 1);
    let found = compares(&bench, &order).unwrap();
    assert_eq!(names(found.equal.keys()), "index.html");
    assert_eq!(names(&found.different), "css/a.css page");
    assert_eq!(names(&found.missing), "new/y");
    assert_eq!(names(&found.foreign), "css/theirs shop/");
    refused(bench.release(&order), 616);
    assert_eq!(server.revision(), 2, "nothing was touched");
    let totals = released(bench.release_with(&order, Adoption::Adopt, &mut Log::default()));
    assert_eq!((totals.uploaded, totals.unchanged), (3, 1));
    assert!(
        !server.log(3).contains("/www/index.html"),
        "{}",
        server.log(3)
    );
    assert_eq!(server.property("svn:executable", "page"), "");
    assert!(compares(&bench, &order).unwrap().is_equal());
    assert_eq!(drift(&bench, &order, Verify::Deep), [""; 0]);
}

#[test]
fn a_subversion_folder_is_read_out_after_the_commit_where_the_policy_says_deep() {
    for count in [3, 40] {
        let (bench, server) = (Bench::new(), Svnserve::start());
        bench.credentials(USER, PASSWORD);
        let files: Vec<String> = (0..count).map(|number| format!("d/f{number}")).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|name| (&**name, "text")).collect();
        let mut order = svn_order(&bench, &server, bench.commit(&files), 1);
        order.target.care.verify = Verify::Deep;
        released(bench.release(&order));
        assert_eq!(drift(&bench, &order, Verify::Deep), [""; 0]);
    }
}

#[test]
fn where_a_program_brings_its_files_nobody_looks_and_that_is_said() {
    let bench = Bench::new();
    let program = bench.outside("tools").join("deploy");
    write_program(&program, "#!/bin/sh\necho done\n");
    let kind = TargetKind::Command(CommandTarget {
        program,
        args: Vec::new(),
        env: Vec::new(),
        minutes: 1,
    });
    let order = bench.order(kind, bench.commit(&[("a", "1")]), 1);
    released(bench.release(&order));
    let errors = [
        looks(&bench, &order, Verify::Quick).map(drop).unwrap_err(),
        compares(&bench, &order).map(drop).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.code().to_string(), "RH639");
        let text = error.to_string();
        assert!(text.contains("cannot see where this program"), "{text}");
    }
}
