//! Releases are asked whether they work, and gone back from.

use crate::common::page::Page;
use crate::common::write_program;
use crate::release_care::{directory, drift, looks, site};
use crate::release_kit::{Bench, Log, SITE, dir, refused, released, tree};
use relhook::policy::{Health, HealthCheck, Verify};
use relhook::release::{Adoption, Course, Outcome, ReleaseError, What, pin, state};
use relhook::types::{Seconds, TargetName};
use std::fs;
use std::path::Path;

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
    write_program(&program, script);
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
