//! Releases are looked after: verified, and compared with what was released.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER};
use crate::release_kit::{Bench, Log, SITE, dir, ftp, refused, released, tree};
use relhook::policy::{OnDrift, TlsMode, Verify};
use relhook::release::drift::Looked;
use relhook::release::{Order, Outcome, ReleaseError, Setting, last_look, look, state};
use relhook::types::TargetName;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// Looks at the order's target, as `relhook drift` does.
pub fn looks(bench: &Bench, order: &Order, depth: Verify) -> Result<Option<Looked>, ReleaseError> {
    bench.with_setting(|setting| look(setting, order, depth, &mut Log::default()))
}

/// What is found, as `what path`.
#[track_caller]
pub fn drift(bench: &Bench, order: &Order, depth: Verify) -> Vec<String> {
    let looked = looks(bench, order, depth).unwrap().unwrap();
    let found = looked.differences.iter();
    found
        .map(|one| format!("{} {}", one.what.word(), one.path))
        .collect()
}

/// A directory that was released to, with `index.html`, `css/a.css` and a link.
pub fn directory(bench: &Bench) -> (PathBuf, Order) {
    let www = bench.outside("www");
    let commit = bench.commit_modes(&[
        (0o100_644, b"index.html", b"one"),
        (0o100_644, b"css/a.css", b"x"),
        (crate::release_kit::LINK, b"home", b"index.html"),
    ]);
    let order = bench.order(dir(&www, 5), commit, 1);
    released(bench.release(&order));
    (www, order)
}

#[test]
fn u_09_u_22_what_is_changed_by_hand_in_a_directory_is_found() {
    let bench = Bench::new();
    let (www, order) = directory(&bench);
    assert!(drift(&bench, &order, Verify::Quick).is_empty());
    let current = www.join("current");
    let before = fs::metadata(current.join("index.html")).unwrap();
    // The same size, and the same time.
    fs::write(current.join("index.html"), "eno").unwrap();
    let file = fs::File::options()
        .write(true)
        .open(current.join("index.html"));
    file.unwrap()
        .set_modified(before.modified().unwrap())
        .unwrap();
    fs::remove_file(current.join("css/a.css")).unwrap();
    fs::write(current.join("css/shell.php"), "<?php").unwrap();
    fs::remove_file(current.join("home")).unwrap();
    symlink("css/shell.php", current.join("home")).unwrap();
    assert_eq!(
        drift(&bench, &order, Verify::Quick),
        [
            "missing css/a.css",
            "added css/shell.php",
            "link home",
            "changed index.html"
        ]
    );
    let setting = |setting: Setting<'_>| {
        let name = TargetName::new(SITE);
        let state = state(setting, &name).unwrap();
        last_look(setting, &name, &state).unwrap().words()
    };
    assert_eq!(
        bench.with_setting(setting),
        "1 changed, 1 missing, 1 added, 1 link"
    );
    // The next run puts back what was released, although nothing new was accepted.
    released(bench.release(&order));
    assert!(drift(&bench, &order, Verify::Quick).is_empty());
    assert_eq!(
        fs::read_to_string(current.join("index.html")).unwrap(),
        "one"
    );
    // What was there is kept for whoever wants to know.
    assert!(www.join("releases/1/css/shell.php").exists());
}

#[test]
fn u_05_a_directory_that_became_a_link_is_drift_and_not_walked_through() {
    let bench = Bench::new();
    let (www, order) = directory(&bench);
    let elsewhere = bench.outside("elsewhere");
    fs::write(elsewhere.join("a.css"), "x").unwrap();
    fs::remove_dir_all(www.join("current/css")).unwrap();
    symlink(&elsewhere, www.join("current/css")).unwrap();
    assert_eq!(drift(&bench, &order, Verify::Quick), ["link css"]);
    released(bench.release(&order));
    assert_eq!(tree(&elsewhere).into_keys().collect::<Vec<_>>(), ["a.css"]);
}

#[test]
fn a_link_that_was_switched_by_hand_is_drift() {
    let bench = Bench::new();
    let (www, _first) = directory(&bench);
    let commit = bench.commit(&[("index.html", "two")]);
    let second = bench.order(dir(&www, 5), commit, 2);
    released(bench.release(&second));
    let switch = |to: &str| {
        fs::remove_file(www.join("current")).unwrap();
        symlink(to, www.join("current")).unwrap();
    };
    switch("releases/1");
    assert_eq!(drift(&bench, &second, Verify::Quick), ["link current"]);
    switch("/etc");
    assert_eq!(drift(&bench, &second, Verify::Quick), ["link current"]);
    fs::remove_file(www.join("current")).unwrap();
    assert_eq!(drift(&bench, &second, Verify::Quick), ["missing current"]);
    symlink("releases/1", www.join("current")).unwrap();
    released(bench.release(&second));
    assert_eq!(
        fs::read_to_string(www.join("current/index.html")).unwrap(),
        "two"
    );
}

#[test]
fn a_record_that_is_not_ours_is_told_apart_from_drift() {
    let bench = Bench::new();
    let (www, order) = directory(&bench);
    let record = www.join("releases/1.json");
    let text = fs::read_to_string(&record).unwrap();
    let edited = text.replacen("\"sequence\":1", "\"sequence\":2", 1);
    assert_ne!(text, edited);
    fs::write(&record, edited).unwrap();
    let error = looks(&bench, &order, Verify::Quick).unwrap_err();
    assert_eq!(error.code().to_string(), "RH623");
    fs::write(&record, "{}").unwrap();
    let error = looks(&bench, &order, Verify::Quick).unwrap_err();
    assert_eq!(error.code().to_string(), "RH615");
    fs::remove_file(www.join("releases/1.json")).unwrap();
    let error = looks(&bench, &order, Verify::Quick).unwrap_err();
    assert_eq!(error.code().to_string(), "RH615");
}

#[test]
fn nothing_is_drift_where_nothing_was_released() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let order = bench.order(dir(&www, 5), bench.commit(&[("a", "1")]), 1);
    assert!(looks(&bench, &order, Verify::Quick).unwrap().is_none());
    released(bench.release(&order));
    let elsewhere = bench.order(dir(&bench.outside("new"), 5), order.commit, 1);
    let error = looks(&bench, &elsewhere, Verify::Quick).unwrap_err();
    assert_eq!(error.code().to_string(), "RH639");
}

#[test]
fn a_target_that_was_changed_by_hand_is_not_released_to_where_the_policy_says_so() {
    let bench = Bench::new();
    let (www, _order) = directory(&bench);
    let commit = bench.commit(&[("index.html", "two")]);
    let mut next = bench.order(dir(&www, 5), commit, 2);
    next.target.care.drift = OnDrift::Refuse;
    fs::write(www.join("current/index.html"), "hotfix").unwrap();
    let error = refused(bench.release(&next), 638);
    assert!(error.contains("changed index.html"), "{error}");
    assert_eq!(
        fs::read_to_string(www.join("current/index.html")).unwrap(),
        "hotfix"
    );
    fs::write(www.join("current/index.html"), "one").unwrap();
    released(bench.release(&next));
    fs::write(www.join("current/index.html"), "hotfix").unwrap();
    refused(bench.release(&next), 638);
    next.target.care.drift = OnDrift::Overwrite;
    released(bench.release(&next));
    assert_eq!(
        fs::read_to_string(www.join("current/index.html")).unwrap(),
        "two"
    );
}

/// An FTP site and the order for its first release.
pub fn site(bench: &Bench, files: &[(&str, &str)]) -> (Ftpd, Order) {
    let ftpd = Ftpd::start(Tls::None);
    bench.credentials(USER, PASSWORD);
    let kind = ftp(ftpd.port, ftpd.site().to_str().unwrap(), TlsMode::Plain, 2);
    let order = bench.order(kind, bench.commit(files), 1);
    (ftpd, order)
}

#[test]
fn u_09_u_22_what_is_changed_by_hand_on_a_site_is_found() {
    let bench = Bench::new();
    let files = [
        ("index.html", "one"),
        ("css/a.css", "x"),
        ("css/b.css", "y"),
    ];
    let (ftpd, order) = site(&bench, &files);
    let root = ftpd.site();
    fs::write(root.join("robots.txt"), "theirs").unwrap();
    released(bench.release(&order));
    assert!(drift(&bench, &order, Verify::Quick).is_empty());
    assert!(drift(&bench, &order, Verify::Deep).is_empty());

    // Only a look that reads the file sees this one: the same size, and an older time.
    fs::write(root.join("index.html"), "eno").unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let file = fs::File::options()
        .write(true)
        .open(root.join("index.html"));
    file.unwrap().set_modified(old).unwrap();
    assert_eq!(drift(&bench, &order, Verify::Deep), ["changed index.html"]);

    fs::remove_file(root.join("css/a.css")).unwrap();
    fs::write(root.join("css/b.css"), "longer").unwrap();
    fs::write(root.join("css/shell.php"), "<?php").unwrap();
    assert_eq!(
        drift(&bench, &order, Verify::Deep),
        [
            "missing css/a.css",
            "changed css/b.css",
            "added css/shell.php",
            "changed index.html"
        ]
    );
    // What is sent again is what was released and is not there any more; the rest is left alone.
    let totals = released(bench.release(&order));
    assert_eq!(totals.uploaded, 3);
    assert_eq!(drift(&bench, &order, Verify::Deep), ["added css/shell.php"]);
    assert!(root.join("robots.txt").exists());
}

#[test]
fn u_22_a_deep_look_finds_what_kept_its_size() {
    let bench = Bench::new();
    let (ftpd, order) = site(&bench, &[("index.html", "one"), ("b.html", "two")]);
    released(bench.release(&order));
    fs::write(ftpd.site().join("b.html"), "owt").unwrap();
    assert_eq!(drift(&bench, &order, Verify::Deep), ["changed b.html"]);
}

#[test]
fn a_manifest_on_a_site_that_is_not_the_last_releases_is_told() {
    let bench = Bench::new();
    let (ftpd, order) = site(&bench, &[("index.html", "one")]);
    released(bench.release(&order));
    let manifest = ftpd.site().join(".relhook-manifest.json");
    let old = fs::read(&manifest).unwrap();
    let mut second = bench.order(
        order.target.kind.clone(),
        bench.commit(&[("index.html", "two")]),
        2,
    );
    released(bench.release(&second));
    // Somebody puts the old site back, record and all.
    fs::write(&manifest, old).unwrap();
    fs::write(ftpd.site().join("index.html"), "one").unwrap();
    let error = looks(&bench, &second, Verify::Quick).unwrap_err();
    assert_eq!(error.code().to_string(), "RH615");
    second.target.care.drift = OnDrift::Refuse;
    refused(bench.release(&second), 615);
}

#[test]
fn a_run_that_does_nothing_forgets_no_finding() {
    let bench = Bench::new();
    let (ftpd, order) = site(&bench, &[("d/a", "1")]);
    released(bench.release(&order));
    fs::write(ftpd.site().join("d/shell.php"), "x").unwrap();
    assert_eq!(drift(&bench, &order, Verify::Quick), ["added d/shell.php"]);
    let finding = || {
        bench.with_setting(|setting| {
            let state = relhook::release::state(setting, &order.target.name).unwrap();
            relhook::release::last_look(setting, &order.target.name, &state)
        })
    };
    assert!(finding().is_some());
    assert!(matches!(bench.release(&order), Ok(Outcome::UpToDate(_))));
    assert!(finding().is_some());
}
