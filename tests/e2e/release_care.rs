//! Releases are looked after: verified, compared with what was released, asked whether they work,
//! and gone back from.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER};
use crate::common::page::Page;
use crate::release_kit::{Bench, Log, SITE, dir, ftp, refused, released, tree};
use relhook::policy::{Health, HealthCheck, OnDrift, TlsMode, Verify};
use relhook::release::drift::Looked;
use relhook::release::{
    Adoption, Course, Order, Outcome, ReleaseError, Setting, What, last_look, look, pin, state,
};
use relhook::types::{Seconds, TargetName};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Looks at the order's target, as `relhook drift` does.
fn looks(bench: &Bench, order: &Order, depth: Verify) -> Result<Option<Looked>, ReleaseError> {
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
fn directory(bench: &Bench) -> (PathBuf, Order) {
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
fn site(bench: &Bench, files: &[(&str, &str)]) -> (Ftpd, Order) {
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

/// A health check of a page that has to hold `contains`.
fn page(url: String, contains: Option<&str>) -> Health {
    Health {
        check: HealthCheck::Http {
            url,
            status: 200,
            contains: contains.map(str::to_owned),
        },
        within: Seconds(2),
        retries: 1,
    }
}

fn command(program: &Path, args: &[&str]) -> Health {
    Health {
        check: HealthCheck::Command {
            program: program.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        },
        within: Seconds(1),
        retries: 0,
    }
}

/// What the state says holds the target back.
fn pinned(bench: &Bench) -> Option<relhook::release::Pin> {
    bench.with_setting(|setting| state(setting, &TargetName::new(SITE)).unwrap().pin)
}

#[test]
fn a_release_that_does_not_work_is_taken_back() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let web = Page::serve(&www.join("current"), "");
    let order = |text: &str, sequence: u64| {
        let commit = bench.commit(&[("index.html", text), ("x", "same")]);
        let mut order = bench.order(dir(&www, 5), commit, sequence);
        order.target.care.health = Some(page(web.url("index.html"), Some("works")));
        order
    };
    let first = order("it works", 1);
    released(bench.release(&first));
    let mut log = Log::default();
    let bad = order("it is broken", 2);
    let error = refused(bench.release_with(&bad, Adoption::Refuse, &mut log), 641);
    assert!(error.contains("does not hold the text"), "{error}");
    assert_eq!(
        log.words(),
        ["started", "pinned", "started", "finished", "failed"]
    );
    assert_eq!(
        fs::read_to_string(www.join("current/index.html")).unwrap(),
        "it works"
    );
    assert_eq!(
        fs::read_link(www.join("current")).unwrap().to_str(),
        Some("releases/1")
    );
    let pin = pinned(&bench).unwrap();
    assert_eq!((pin.commit, pin.above), (first.commit, 2));
    assert!(pin.by.is_none() && pin.reason.contains("does not work"));
    // What is accepted next is released, and nothing is held any more.
    let good = order("it works again", 3);
    released(bench.release(&good));
    assert!(pinned(&bench).is_none());
}

#[test]
fn a_first_release_that_does_not_work_stays_and_is_asked_again() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let web = Page::serve(&www, "");
    let mut order = bench.order(dir(&www, 5), bench.commit(&[("a", "1")]), 1);
    order.target.care.health = Some(page(web.url("absent"), None));
    let error = refused(bench.release(&order), 640);
    assert!(error.contains("status 404 instead of 200"), "{error}");
    assert!(www.join("current/a").exists());
    assert_eq!(web.requests().len(), 2);
    // It is not taken for a release that ended well.
    refused(bench.release(&order), 640);
    fs::write(www.join("absent"), "").unwrap();
    released_or_there(bench.release(&order));
}

#[track_caller]
fn released_or_there(outcome: Result<Outcome, ReleaseError>) {
    assert!(matches!(
        outcome,
        Ok(Outcome::Released(..) | Outcome::UpToDate(_))
    ));
}

#[test]
fn u_11_a_health_check_goes_where_the_policy_says_and_nowhere_else() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let inside = Page::serve(&www, "");
    let leads = format!("location / {{ return 302 {}; }}", inside.url("secret"));
    let web = Page::serve(&www, &leads);
    let mut order = bench.order(dir(&www, 5), bench.commit(&[("a", "1")]), 1);
    order.target.care.health = Some(page(web.url(""), None));
    let error = refused(bench.release(&order), 640);
    assert!(error.contains("status 302 instead of 200"), "{error}");
    assert!(inside.requests().is_empty());
}

#[test]
fn a_page_without_end_is_not_read_to_its_end() {
    let bench = Bench::new();
    let www = bench.outside("www");
    fs::write(www.join("large"), vec![b'x'; 3 * 1024 * 1024]).unwrap();
    let web = Page::serve(&www, "");
    let mut order = bench.order(dir(&www, 5), bench.commit(&[("a", "1")]), 1);
    order.target.care.health = Some(page(web.url("large"), Some("works")));
    let error = refused(bench.release(&order), 640);
    assert!(error.contains("larger than"), "{error}");
}

#[test]
fn u_12_a_command_gets_no_shell_and_no_environment() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let program = bench.outside("bin").join("check");
    let seen = bench.outside("bin").join("seen");
    let script = format!("#!/bin/sh\necho \"$1\" >{0}\nenv >>{0}\n", seen.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut order = bench.order(dir(&www, 5), bench.commit(&[("a", "1")]), 1);
    order.target.care.health = Some(command(&program, &["$(id); `id` | x"]));
    released(bench.release(&order));
    let said = fs::read_to_string(&seen).unwrap();
    assert_eq!(said.lines().next(), Some("$(id); `id` | x"));
    assert!(said.contains(&format!("RELHOOK_COMMIT={}", order.commit)));
    assert!(!said.contains("CARGO") && !said.contains("HOME="), "{said}");
}

#[test]
fn a_command_that_fails_or_does_not_end_is_a_release_that_does_not_work() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let mut order = bench.order(dir(&www, 5), bench.commit(&[("a", "1")]), 1);
    let sh = Path::new("/bin/sh");
    order.target.care.health = Some(command(sh, &["-c", "echo no \u{1b}[31m; exit 3"]));
    let error = refused(bench.release(&order), 640);
    assert!(error.contains("exited with 3: no \\x1b[31m"), "{error}");
    let marker = bench.outside("bin").join("late");
    let late = format!("sleep 3; touch {}", marker.display());
    order.target.care.health = Some(command(sh, &["-c", &late]));
    let error = refused(bench.release(&order), 640);
    assert!(error.contains("took too long"), "{error}");
    order.target.care.health = Some(command(Path::new("/absent"), &[]));
    refused(bench.release(&order), 640);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!marker.exists(), "what it started lives on");
}

#[test]
fn a_site_gets_its_last_release_back_by_an_ordinary_run() {
    let bench = Bench::new();
    let (ftpd, mut first) = site(&bench, &[("index.html", "it works"), ("gone", "x")]);
    let web = Page::serve(&ftpd.site(), "");
    first.target.care.health = Some(page(web.url("index.html"), Some("works")));
    released(bench.release(&first));
    let mut bad = first.clone();
    bad.commit = bench.commit(&[("index.html", "broken"), ("new", "y")]);
    bad.sequence = 2;
    refused(bench.release(&bad), 641);
    let mut names: Vec<String> = tree(&ftpd.site()).into_keys().collect();
    names.sort();
    assert_eq!(names, [".relhook-manifest.json", "gone", "index.html"]);
    assert!(drift(&bench, &first, Verify::Deep).is_empty());
    // The next run is ordered to hold what is there.
    let mut held = first.clone();
    held.course = Course::Back;
    let outcome = bench.release(&held).unwrap();
    assert!(matches!(outcome, Outcome::UpToDate(_)));
}

#[test]
fn no_loop_between_two_releases_that_do_not_work() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let order = |sequence: u64| {
        let commit = bench.commit(&[("a", &sequence.to_string())]);
        bench.order(dir(&www, 5), commit, sequence)
    };
    let first = order(1);
    released(bench.release(&first));
    let mut second = order(2);
    second.target.care.health = Some(command(Path::new("/bin/false"), &[]));
    refused(bench.release(&second), 641);
    let mut held = first.clone();
    held.course = Course::Back;
    held.target.care.health = second.target.care.health.clone();
    released_or_there(bench.release(&held));
    assert_eq!(fs::read_to_string(www.join("current/a")).unwrap(), "1");
    // Somebody chooses an earlier one that does not work either: it stays.
    let third = order(3);
    released(bench.release(&third));
    refused(bench.release(&held), 640);
    assert_eq!(fs::read_to_string(www.join("current/a")).unwrap(), "1");
}

#[test]
fn a_site_that_went_back_to_what_does_not_work_either_takes_what_is_mended() {
    let bench = Bench::new();
    let (ftpd, first) = site(&bench, &[("a", "1")]);
    released(bench.release(&first));
    let mut second = first.clone();
    second.commit = bench.commit(&[("a", "2"), ("b", "2")]);
    second.sequence = 2;
    released(bench.release(&second));
    let mut back = first.clone();
    back.course = Course::Back;
    back.target.care.health = Some(command(Path::new("/bin/false"), &[]));
    refused(bench.release(&back), 640);
    let unclear = looks(&bench, &second, Verify::Quick)
        .unwrap_err()
        .to_string();
    assert!(unclear.contains("has not ended well"), "{unclear}");
    refused(bench.release(&back), 640);
    let mut third = first.clone();
    third.commit = bench.commit(&[("a", "2"), ("b", "3")]);
    third.sequence = 3;
    let totals = released(bench.release(&third));
    assert_eq!(totals.uploaded, 2);
    assert_eq!(fs::read_to_string(ftpd.site().join("a")).unwrap(), "2");
    assert!(drift(&bench, &third, Verify::Deep).is_empty());
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

#[test]
fn a_release_that_is_gone_back_to_is_the_one_that_was_kept_if_it_is_whole() {
    let bench = Bench::new();
    let (www, first) = directory(&bench);
    let second = bench.order(dir(&www, 5), bench.commit(&[("index.html", "two")]), 2);
    released(bench.release(&second));
    let mut back = first.clone();
    refused(bench.release(&back), 618);
    back.course = Course::Back;
    released(bench.release(&back));
    let link = || fs::read_link(www.join("current")).unwrap();
    assert_eq!(link().to_str(), Some("releases/1"));
    released(bench.release(&second));
    assert_eq!(link().to_str(), Some("releases/2"));
    fs::write(www.join("releases/1/index.html"), "evil").unwrap();
    released(bench.release(&back));
    assert_eq!(link().to_str(), Some("releases/3"));
    assert_eq!(
        fs::read_to_string(www.join("current/index.html")).unwrap(),
        "one"
    );
}

#[test]
fn who_goes_back_is_in_the_log_before_anything_changes() {
    let bench = Bench::new();
    let (_www, first) = directory(&bench);
    let mut log = Log::default();
    let who = ("ops\n", "it \u{1b}broke");
    bench
        .with_setting(|setting| pin(setting, &first, 7, who, &mut log))
        .unwrap();
    let What::Pinned { above, by, reason } = &log.0[0].what else {
        panic!("{log:?}");
    };
    assert_eq!((*above, by.as_deref()), (7, Some("ops\\x0a")));
    assert_eq!(reason, "it \\x1bbroke");
    assert_eq!(pinned(&bench).unwrap().above, 7);
}
