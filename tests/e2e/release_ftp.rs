//! Releases to a real FTP site.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER, authority};
use crate::release_kit::{Bench, LINK, Log, SUBMODULE, ftp, refused, released, tree};
use relhook::policy::TlsMode;
use relhook::release::{Adoption, MANIFEST_NAME, Order, Outcome};
use relhook::types::Oid;
use std::collections::BTreeMap;
use std::fs;

fn site(tls: Tls) -> (Bench, Ftpd) {
    let bench = Bench::new();
    bench.credentials(USER, PASSWORD);
    (bench, Ftpd::start(tls))
}

fn plain(bench: &Bench, ftpd: &Ftpd, commit: Oid, sequence: u64) -> Order {
    let path = ftpd.site().display().to_string();
    bench.order(ftp(ftpd.port, &path, TlsMode::Plain, 3), commit, sequence)
}

/// What a visitor of the site finds, without the manifest.
fn visible(ftpd: &Ftpd) -> BTreeMap<String, String> {
    let mut found = tree(&ftpd.site());
    found.remove(MANIFEST_NAME);
    found
}

fn names(ftpd: &Ftpd) -> Vec<String> {
    visible(ftpd).into_keys().collect()
}

#[test]
fn a_tree_arrives_and_then_only_what_changed() {
    let (bench, ftpd) = site(Tls::None);
    let first = bench.commit(&[
        ("index.html", "one\r\ntwo\n"),
        ("css/a b.css", "x"),
        ("empty", ""),
        ("old/x", "1"),
        ("é/ü", "utf-8"),
        (".gitignore", "no"),
        ("deep/er/st", "3"),
    ]);
    let totals = released(bench.release(&plain(&bench, &ftpd, first, 1)));
    assert_eq!(
        (totals.uploaded, totals.deleted, totals.unchanged),
        (6, 0, 0)
    );
    assert_eq!(visible(&ftpd)["index.html"], "one\r\ntwo\n");
    assert_eq!(
        names(&ftpd),
        [
            "css/",
            "css/a b.css",
            "deep/",
            "deep/er/",
            "deep/er/st",
            "empty",
            "index.html",
            "old/",
            "old/x",
            "é/",
            "é/ü"
        ]
    );

    let uploads = ftpd.uploads();
    let second = bench.commit(&[
        ("index.html", "ONE\r\ntwo\n"),
        ("css/a b.css", "x"),
        ("empty", ""),
        ("é/ü", "utf-8"),
        ("deep/n", "4"),
    ]);
    let totals = released(bench.release(&plain(&bench, &ftpd, second, 2)));
    assert_eq!(
        (
            totals.uploaded,
            totals.deleted,
            totals.unchanged,
            totals.bytes
        ),
        (2, 2, 3, 10)
    );
    // The two changed files and the manifest, and nothing else.
    assert_eq!(ftpd.uploads() - uploads, 3);
    assert_eq!(
        names(&ftpd),
        [
            "css/",
            "css/a b.css",
            "deep/",
            "deep/n",
            "empty",
            "index.html",
            "é/",
            "é/ü"
        ]
    );
    assert_eq!(visible(&ftpd)["index.html"], "ONE\r\ntwo\n");
}

#[test]
fn u_22_a_change_of_the_same_size_travels() {
    let (bench, ftpd) = site(Tls::None);
    let (old, new) = (
        bench.commit(&[("price", "100")]),
        bench.commit(&[("price", "999")]),
    );
    released(bench.release(&plain(&bench, &ftpd, old, 1)));
    released(bench.release(&plain(&bench, &ftpd, new, 2)));
    assert_eq!(visible(&ftpd)["price"], "999");
}

#[test]
fn renames_come_after_uploads_and_deletes_last_but_for_the_manifest() {
    let (bench, ftpd) = site(Tls::None);
    released(bench.release(&plain(
        &bench,
        &ftpd,
        bench.commit(&[("a", "1"), ("b", "b")]),
        1,
    )));
    let before = ftpd.commands().len();
    released(bench.release(&plain(
        &bench,
        &ftpd,
        bench.commit(&[("a", "2"), ("c", "1")]),
        2,
    )));
    let verbs: Vec<String> = ftpd.commands()[before..]
        .iter()
        .filter_map(|line| line.split(' ').next())
        .filter(|verb| ["STOR", "RNTO", "DELE"].contains(verb))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        verbs,
        ["STOR", "STOR", "RNTO", "RNTO", "DELE", "STOR", "RNTO"]
    );
    let stores = ftpd
        .commands()
        .into_iter()
        .filter(|line| line.starts_with("STOR"));
    assert!(stores.clone().count() > 5);
    stores.for_each(|line| {
        assert!(
            line.contains("/.relhook-") && line.ends_with(".tmp"),
            "{line}"
        )
    });
}

#[test]
fn the_same_release_again_changes_nothing() {
    let (bench, ftpd) = site(Tls::None);
    let order = plain(&bench, &ftpd, bench.commit(&[("a", "1")]), 1);
    released(bench.release(&order));
    let before = (tree(&ftpd.site()), ftpd.uploads());
    let mut log = Log::default();
    let outcome = bench
        .release_with(&order, Adoption::Refuse, &mut log)
        .unwrap();
    assert!(matches!(outcome, Outcome::UpToDate(_)));
    assert!(log.words().is_empty());
    assert_eq!((tree(&ftpd.site()), ftpd.uploads()), before);
}

#[test]
fn another_commit_with_the_same_tree_only_changes_the_record() {
    let (bench, ftpd) = site(Tls::None);
    let commit = bench.commit(&[("a", "1")]);
    released(bench.release(&plain(&bench, &ftpd, commit, 1)));
    let uploads = ftpd.uploads();
    let totals = released(bench.release(&plain(&bench, &ftpd, commit, 2)));
    assert_eq!((totals.uploaded, totals.unchanged), (0, 1));
    assert_eq!(ftpd.uploads() - uploads, 1);
}

#[test]
fn u_08_files_that_relhook_did_not_put_there_are_left_alone() {
    let (bench, ftpd) = site(Tls::None);
    fs::create_dir_all(ftpd.site().join("uploads")).unwrap();
    fs::write(ftpd.site().join("uploads/user.jpg"), "theirs").unwrap();
    fs::write(ftpd.site().join("robots.txt"), "theirs").unwrap();
    let first = bench.commit(&[("a", "1"), ("uploads/readme", "ours")]);
    released(bench.release(&plain(&bench, &ftpd, first, 1)));
    released(bench.release(&plain(&bench, &ftpd, bench.commit(&[("a", "1")]), 2)));
    assert_eq!(
        names(&ftpd),
        ["a", "robots.txt", "uploads/", "uploads/user.jpg"]
    );

    // An empty directory that was there before stays too.
    fs::remove_file(ftpd.site().join("uploads/user.jpg")).unwrap();
    released(bench.release(&plain(&bench, &ftpd, first, 3)));
    released(bench.release(&plain(&bench, &ftpd, bench.commit(&[("a", "1")]), 4)));
    assert_eq!(names(&ftpd), ["a", "robots.txt", "uploads/"]);
}

#[test]
fn files_in_the_way_are_listed_and_overwritten_only_when_adopted() {
    let (bench, ftpd) = site(Tls::None);
    fs::create_dir(ftpd.site().join("d")).unwrap();
    fs::write(ftpd.site().join("d/index.html"), "theirs").unwrap();
    fs::write(ftpd.site().join("a"), "theirs").unwrap();
    fs::write(ftpd.site().join("keep"), "theirs").unwrap();
    let order = plain(
        &bench,
        &ftpd,
        bench.commit(&[("d/index.html", "ours"), ("a", "ours"), ("new", "ours")]),
        1,
    );
    let before = tree(&ftpd.site());
    let error = refused(bench.release(&order), 616);
    assert!(error.contains("\n  a\n  d/index.html"), "{error}");
    assert!(!error.contains("new") && !error.contains("keep"), "{error}");
    assert_eq!(tree(&ftpd.site()), before);
    released(bench.release_with(&order, Adoption::Adopt, &mut Log::default()));
    let after = visible(&ftpd);
    assert_eq!(
        (after["a"].as_str(), after["d/index.html"].as_str()),
        ("ours", "ours")
    );
    assert_eq!(after["keep"], "theirs");
    // From now on they are relhook's.
    released(bench.release(&plain(&bench, &ftpd, bench.commit(&[("new", "ours")]), 2)));
    assert_eq!(names(&ftpd), ["d/", "keep", "new"]);
}

#[test]
fn a_file_becomes_a_directory_and_back() {
    let (bench, ftpd) = site(Tls::None);
    let file = bench.commit(&[("x", "file"), ("y", "1")]);
    let folder = bench.commit(&[("x/a/b", "inside"), ("x/c", "inside"), ("y", "1")]);
    released(bench.release(&plain(&bench, &ftpd, file, 1)));
    released(bench.release(&plain(&bench, &ftpd, folder, 2)));
    assert_eq!(names(&ftpd), ["x/", "x/a/", "x/a/b", "x/c", "y"]);
    fs::write(ftpd.site().join("x/a/.theirs"), "theirs").unwrap();
    let before = tree(&ftpd.site());
    let error = refused(bench.release(&plain(&bench, &ftpd, file, 3)), 616);
    assert!(error.contains("x/a/.theirs"), "{error}");
    assert_eq!(tree(&ftpd.site()), before);
    fs::remove_file(ftpd.site().join("x/a/.theirs")).unwrap();
    released(bench.release(&plain(&bench, &ftpd, file, 3)));
    assert_eq!(names(&ftpd), ["x", "y"]);
}

#[test]
fn u_02_a_name_that_would_be_a_command_is_refused_before_any_connection() {
    let (bench, ftpd) = site(Tls::None);
    let files: &[(u32, &[u8], &[u8])] = &[
        (0o100_644, b"a\r\nDELE index.html", b"x"),
        (0o100_644, b"caf\xe9", b"x"),
        (0o100_644, b"b\\c", b"x"),
        (LINK, b"link", b"b"),
        (SUBMODULE, b"lib", b"x"),
    ];
    let error = refused(
        bench.release(&plain(&bench, &ftpd, bench.commit_modes(files), 1)),
        601,
    );
    for part in [
        "a\\x0d\\x0aDELE index.html",
        "caf\\xe9",
        "b\\c",
        "link",
        "lib",
        "submodule",
        "UTF-8",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(ftpd.commands().is_empty());
}

#[test]
fn u_10_explicit_and_implicit_tls_resume_the_session_and_check_the_certificate() {
    for (tls, mode) in [
        (Tls::Explicit, TlsMode::Explicit),
        (Tls::Implicit, TlsMode::Implicit),
    ] {
        let (bench, ftpd) = site(tls);
        let content: Vec<(String, String)> = (0..12)
            .map(|n| (format!("d/{n}"), "x".repeat(n * 40_000)))
            .collect();
        let files: Vec<(&str, &str)> = content
            .iter()
            .map(|(n, c)| (n.as_str(), c.as_str()))
            .collect();
        let path = ftpd.site().display().to_string();
        let mut order = bench.order(ftp(ftpd.port, &path, mode, 2), bench.commit(&files), 1);
        // Neither the machine's authorities nor another one know the site's certificate.
        refused(bench.release(&order), 612);
        order.ca = Some(authority("wrong"));
        refused(bench.release(&order), 612);
        assert!(!ftpd.log().contains("PASS"), "{}", ftpd.log());
        order.ca = Some(authority("right"));
        let totals = released(bench.release(&order));
        assert_eq!(totals.uploaded, 12);
        let found = visible(&ftpd);
        for (name, content) in &content {
            assert_eq!(&found[name], content);
        }
        let log = ftpd.log();
        assert!(log.contains("PROT P"), "{log}");
        assert!(log.matches(", reused,").count() >= 13, "{log}");
        order.sequence = 2;
        released(bench.release(&order));
        let outcome = bench.release(&order).unwrap();
        assert!(matches!(outcome, Outcome::UpToDate(_)));
    }
}

#[test]
fn u_10_a_certificate_for_another_host_is_refused() {
    let (bench, ftpd) = site(Tls::Explicit);
    let path = ftpd.site().display().to_string();
    let mut order = bench.order(
        ftp(ftpd.port, &path, TlsMode::Explicit, 1),
        bench.commit(&[("a", "1")]),
        1,
    );
    order.ca = Some(authority("right"));
    if let relhook::policy::TargetKind::Ftp(target) = &mut order.target.kind {
        target.host = "127.0.0.1".into();
    }
    refused(bench.release(&order), 612);
}

#[test]
fn a_site_without_tls_is_not_spoken_to_in_the_clear() {
    let (bench, ftpd) = site(Tls::None);
    let path = ftpd.site().display().to_string();
    let mut order = bench.order(
        ftp(ftpd.port, &path, TlsMode::Explicit, 1),
        bench.commit(&[("a", "1")]),
        1,
    );
    order.ca = Some(authority("right"));
    refused(bench.release(&order), 614);
    assert_eq!(ftpd.commands(), ["AUTH TLS"]);
}

#[test]
fn u_12_a_wrong_password_is_named_and_not_shown() {
    let (bench, ftpd) = site(Tls::None);
    bench.credentials(USER, "not-the-password");
    let order = plain(&bench, &ftpd, bench.commit(&[("a", "1")]), 1);
    let mut log = Log::default();
    let error = refused(bench.release_with(&order, Adoption::Refuse, &mut log), 613);
    assert!(error.contains("Login incorrect"), "{error}");
    let state = bench.folder().join("release/site");
    let mut written = format!("{error}{log:?}");
    for content in tree(&state).values() {
        written.push_str(content);
    }
    assert!(!written.contains("not-the-password"), "{written}");
    assert!(written.contains("RH613"), "{written}");
}

#[test]
fn u_08_a_manifest_that_is_gone_or_broken_is_not_a_first_release() {
    let (bench, ftpd) = site(Tls::None);
    released(bench.release(&plain(&bench, &ftpd, bench.commit(&[("a", "1")]), 1)));
    let next = plain(&bench, &ftpd, bench.commit(&[("a", "2")]), 2);
    let manifest = ftpd.site().join(MANIFEST_NAME);
    let content = fs::read_to_string(&manifest).unwrap();
    for broken in ["", "{}", &content[..content.len() / 2]] {
        fs::write(&manifest, broken).unwrap();
        refused(bench.release(&next), 615);
    }
    fs::remove_file(&manifest).unwrap();
    let error = refused(bench.release(&next), 615);
    assert!(error.contains("it is gone"), "{error}");
    assert_eq!(visible(&ftpd)["a"], "1");
    fs::write(&manifest, content).unwrap();
    released(bench.release(&next));
}

#[test]
fn r_13_u_19_neither_an_older_release_nor_another_repository_takes_over() {
    let (bench, ftpd) = site(Tls::None);
    let old = plain(&bench, &ftpd, bench.commit(&[("a", "old")]), 4);
    let new = plain(&bench, &ftpd, bench.commit(&[("a", "new")]), 7);
    released(bench.release(&new));
    refused(bench.release(&old), 618);
    let mut other = plain(&bench, &ftpd, bench.commit(&[("a", "other")]), 9);
    other.repository.0 = "acme/other".into();
    refused(bench.release(&other), 617);
    assert_eq!(visible(&ftpd)["a"], "new");
}

#[test]
fn a_missing_directory_and_a_missing_site_are_told_apart() {
    let (bench, ftpd) = site(Tls::None);
    let commit = bench.commit(&[("a", "1")]);
    let absent = ftpd.site().join("absent").display().to_string();
    refused(
        bench.release(&bench.order(ftp(ftpd.port, &absent, TlsMode::Plain, 1), commit, 1)),
        620,
    );
    let order = plain(&bench, &ftpd, commit, 1);
    drop(ftpd);
    let error = refused(bench.release(&order), 611);
    assert!(error.contains("connect"), "{error}");
}

#[test]
fn a_site_that_allows_few_connections_is_still_served() {
    let bench = Bench::new();
    bench.credentials(USER, PASSWORD);
    let ftpd = Ftpd::with(Tls::None, "max_per_ip=2\n");
    let content: Vec<(String, String)> =
        (0..30).map(|n| (format!("{n}"), format!("{n}"))).collect();
    let files: Vec<(&str, &str)> = content
        .iter()
        .map(|(n, c)| (n.as_str(), c.as_str()))
        .collect();
    let path = ftpd.site().display().to_string();
    let order = bench.order(
        ftp(ftpd.port, &path, TlsMode::Plain, 8),
        bench.commit(&files),
        1,
    );
    assert_eq!(released(bench.release(&order)).uploaded, 30);
    assert_eq!(names(&ftpd).len(), 30);
}
