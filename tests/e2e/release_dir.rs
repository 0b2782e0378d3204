//! Releases to a directory.

use crate::release_kit::{
    Bench, LINK, Log, PROGRAM, SITE, SUBMODULE, dir, refused, released, tree,
};
use relhook::policy::PathGlobs;
use relhook::release::{Adoption, Outcome};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

#[test]
fn a_release_is_whole_and_the_link_switches() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let first = bench.commit(&[
        ("index.html", "one"),
        ("css/a.css", "x"),
        (".gitignore", "y"),
    ]);
    let mut log = Log::default();
    let order = bench.order(dir(&www, 3), first, 1);
    let totals = released(bench.release_with(&order, Adoption::Refuse, &mut log));
    assert_eq!((totals.uploaded, totals.unchanged, totals.bytes), (2, 0, 4));
    assert_eq!(log.words(), ["started", "finished"]);
    let current = tree(&www.join("current"));
    assert_eq!(
        current.keys().collect::<Vec<_>>(),
        ["css/", "css/a.css", "index.html"]
    );
    assert_eq!(
        fs::read_link(www.join("current")).unwrap().to_str(),
        Some("releases/1")
    );

    let second = bench.commit(&[("index.html", "two"), ("css/a.css", "x")]);
    let totals = released(bench.release(&bench.order(dir(&www, 3), second, 2)));
    assert_eq!((totals.uploaded, totals.unchanged), (1, 1));
    assert_eq!(
        fs::read_to_string(www.join("current/index.html")).unwrap(),
        "two"
    );
    assert_eq!(
        fs::read_to_string(www.join("releases/1/index.html")).unwrap(),
        "one"
    );
}

#[test]
fn the_same_release_again_does_nothing() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let order = bench.order(dir(&www, 3), bench.commit(&[("a", "1")]), 1);
    released(bench.release(&order));
    let before = tree(&www);
    let mut log = Log::default();
    let outcome = bench
        .release_with(&order, Adoption::Refuse, &mut log)
        .unwrap();
    assert!(matches!(outcome, Outcome::UpToDate(_)));
    assert!(log.words().is_empty());
    assert_eq!(tree(&www), before);
}

#[test]
fn only_the_last_releases_are_kept_and_foreign_things_stay() {
    let bench = Bench::new();
    let www = bench.outside("www");
    fs::create_dir_all(www.join("releases/2")).unwrap();
    fs::write(www.join("releases/2/foreign"), "x").unwrap();
    fs::write(www.join("robots.txt"), "x").unwrap();
    for sequence in 1..=5 {
        let commit = bench.commit(&[("a", &sequence.to_string())]);
        released(bench.release(&bench.order(dir(&www, 2), commit, sequence)));
    }
    let names: Vec<String> = tree(&www.join("releases"))
        .into_keys()
        .filter(|name| name.ends_with('/') || name.ends_with(".json"))
        .collect();
    assert_eq!(names, ["2/", "6.json", "6/", "7.json", "7/"]);
    assert!(www.join("releases/2/foreign").exists() && www.join("robots.txt").exists());
    assert_eq!(fs::read_to_string(www.join("current/a")).unwrap(), "5");
}

#[test]
fn u_13_only_the_x_bit_is_copied() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let commit = bench.commit_modes(&[(0o100_644, b"d/page", b"x"), (PROGRAM, b"d/run", b"y")]);
    released(bench.release(&bench.order(dir(&www, 3), commit, 1)));
    let mode = |name: &str| fs::metadata(www.join("current").join(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("d/page"), 0o644);
    assert_eq!(mode("d/run"), 0o755);
    assert_eq!(mode("d"), 0o755);
    assert_eq!(mode("."), 0o755);

    let plain = bench.commit(&[("d/page", "x"), ("d/run", "y")]);
    released(bench.release(&bench.order(dir(&www, 3), plain, 2)));
    assert_eq!(mode("d/run"), 0o644);
}

#[test]
fn u_05_links_inside_are_kept_and_links_outside_are_refused() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let good = bench.commit_modes(&[
        (LINK, b"d/link", b"../a"),
        (LINK, b"alias", b"d"),
        (0o100_644, b"a", b"x"),
    ]);
    released(bench.release(&bench.order(dir(&www, 3), good, 1)));
    assert_eq!(
        fs::read_to_string(www.join("current/alias/link")).unwrap(),
        "x"
    );
    for target in [&b"/etc/passwd"[..], b"../../x", b"d/../../..", b""] {
        let bad = bench.commit_modes(&[(LINK, b"d/link", target), (0o100_644, b"a", b"x")]);
        let error = refused(bench.release(&bench.order(dir(&www, 3), bad, 2)), 601);
        assert!(error.contains("d/link"), "{error}");
    }
    assert_eq!(
        fs::read_link(www.join("current")).unwrap().to_str(),
        Some("releases/1")
    );
}

#[test]
fn what_is_not_in_the_commit_is_refused_all_at_once() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let commit = bench.commit_modes(&[
        (0o100_644, b"movie.mp4", pointer),
        (SUBMODULE, b"vendor/lib", b"x"),
        (0o100_644, b"a\r\nDELE b", b"x"),
        (0o100_644, b".relhook-x", b"x"),
        (0o100_644, b"fine", b"x"),
    ]);
    let error = refused(bench.release(&bench.order(dir(&www, 3), commit, 1)), 601);
    for part in [
        "movie.mp4",
        "LFS",
        "vendor/lib",
        "submodule",
        "a\\x0d\\x0aDELE b",
        ".relhook-x",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("fine"));
    assert_eq!(tree(&www).len(), 0);

    let mut order = bench.order(dir(&www, 3), commit, 1);
    let exclude = ["movie.mp4", "vendor/**", "a*", ".relhook-*"].map(str::to_owned);
    order.target.exclude = PathGlobs::compile(&exclude).unwrap();
    released(bench.release(&order));
    assert_eq!(
        tree(&www.join("current")).into_keys().collect::<Vec<_>>(),
        ["fine"]
    );
}

#[test]
fn only_the_folder_that_the_policy_names_is_released() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let commit = bench.commit(&[
        ("src/x", "1"),
        ("public/site/a", "2"),
        ("public/site/d/b", "3"),
    ]);
    let mut order = bench.order(dir(&www, 3), commit, 1);
    order.target.from = Some("public/site".into());
    order.target.exclude = PathGlobs::compile(&["public/site/d/**".to_owned()]).unwrap();
    released(bench.release(&order));
    assert_eq!(
        tree(&www.join("current")).into_keys().collect::<Vec<_>>(),
        ["a"]
    );
    order.target.from = Some("public/absent".into());
    order.sequence = 2;
    let error = refused(bench.release(&order), 602);
    assert!(error.contains("public/absent"), "{error}");
    order.target.from = Some("public/site/a".into());
    refused(bench.release(&order), 602);
}

#[test]
fn q_11_attributes_neither_drop_nor_change_a_file() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let attributes = "secret export-ignore\nid export-subst\n* text eol=crlf\n";
    let id = "$Format:%H$\nline\n";
    let commit = bench.commit(&[
        (".gitattributes", attributes),
        ("secret", "s\n"),
        ("id", id),
    ]);
    released(bench.release(&bench.order(dir(&www, 3), commit, 1)));
    let current = tree(&www.join("current"));
    assert_eq!(current["id"], id);
    assert_eq!(current["secret"], "s\n");
    assert_eq!(current.len(), 2);
}

#[test]
fn u_18_the_repository_is_no_target() {
    let bench = Bench::new();
    let commit = bench.commit(&[("pre-receive", "#!/bin/sh\n")]);
    let hooks = bench.git_dir().join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    let alias = bench.outside("elsewhere").join("alias");
    symlink(&hooks, &alias).unwrap();
    let above = bench.git_dir().parent().unwrap().to_owned();
    for path in [bench.git_dir(), hooks, alias, above] {
        refused(bench.release(&bench.order(dir(&path, 3), commit, 1)), 620);
    }
    let absent = bench.git_dir().with_file_name("absent");
    released(bench.release(&bench.order(dir(&absent, 3), commit, 1)));
    let inside = bench.git_dir().join("absent");
    refused(bench.release(&bench.order(dir(&inside, 3), commit, 1)), 620);
    let absent = bench.git_dir().with_file_name("away").join("absent");
    refused(bench.release(&bench.order(dir(&absent, 3), commit, 1)), 620);
}

#[test]
fn u_18_hooks_elsewhere_are_no_target_either() {
    let bench = Bench::new();
    let hooks = bench.outside("hooks/all");
    let commit = bench.commit(&[("pre-receive", "#!/bin/sh\n")]);
    let git = git2::Repository::open_bare(bench.git_dir()).unwrap();
    git.config()
        .unwrap()
        .set_str("core.hooksPath", hooks.to_str().unwrap())
        .unwrap();
    for path in [
        hooks.join("x"),
        hooks.clone(),
        hooks.parent().unwrap().to_owned(),
    ] {
        refused(bench.release(&bench.order(dir(&path, 3), commit, 1)), 620);
    }
}

#[test]
fn a_current_that_relhook_did_not_make_is_left_alone() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let order = bench.order(dir(&www, 3), bench.commit(&[("a", "1")]), 1);
    symlink("releases/20260101", www.join("other")).unwrap();
    symlink("old", www.join("current")).unwrap();
    refused(bench.release(&order), 620);
    released(bench.release_with(&order, Adoption::Adopt, &mut Log::default()));
    assert_eq!(fs::read_to_string(www.join("current/a")).unwrap(), "1");

    let real = bench.outside("real");
    fs::create_dir(real.join("current")).unwrap();
    let order = bench.order(dir(&real, 3), bench.commit(&[("a", "1")]), 1);
    let outcome = bench.release_with(&order, Adoption::Adopt, &mut Log::default());
    refused(outcome, 620);
}

#[test]
fn r_13_an_older_release_never_follows_a_newer_one() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let old = bench.order(dir(&www, 3), bench.commit(&[("a", "old")]), 4);
    let new = bench.order(dir(&www, 3), bench.commit(&[("a", "new")]), 7);
    released(bench.release(&new));
    refused(bench.release(&old), 618);
    assert_eq!(fs::read_to_string(www.join("current/a")).unwrap(), "new");
}

#[test]
fn u_19_two_repositories_do_not_share_a_place() {
    let bench = Bench::new();
    let www = bench.outside("www");
    released(bench.release(&bench.order(dir(&www, 3), bench.commit(&[("a", "1")]), 1)));
    let mut order = bench.order(dir(&www, 3), bench.commit(&[("a", "2")]), 9);
    order.repository.0 = "acme/other".into();
    let error = refused(bench.release(&order), 617);
    assert!(error.contains("acme/site"), "{error}");
}

#[test]
fn a_manifest_that_is_gone_or_broken_is_not_a_first_release() {
    let bench = Bench::new();
    let www = bench.outside("www");
    released(bench.release(&bench.order(dir(&www, 3), bench.commit(&[("a", "1")]), 1)));
    let next = bench.order(dir(&www, 3), bench.commit(&[("a", "2")]), 2);
    let manifest = www.join("releases/1.json");
    let content = fs::read(&manifest).unwrap();
    fs::write(&manifest, "{}").unwrap();
    refused(bench.release(&next), 615);
    fs::remove_file(&manifest).unwrap();
    refused(bench.release(&next), 615);
    fs::remove_file(www.join("current")).unwrap();
    refused(bench.release(&next), 615);
    symlink("releases/1", www.join("current")).unwrap();
    fs::write(&manifest, content).unwrap();
    released(bench.release(&next));
}

#[test]
fn u_07_what_a_killed_run_left_is_cleaned_or_used() {
    let bench = Bench::new();
    let www = bench.outside("www");
    released(bench.release(&bench.order(dir(&www, 3), bench.commit(&[("a", "1")]), 1)));
    let state = bench.folder().join("release").join(SITE).join("state.json");
    let before = fs::read(&state).unwrap();
    // Killed while it wrote, before the rename, and between the rename and the switch.
    fs::create_dir_all(www.join("releases/.relhook-2.tmp/half")).unwrap();
    fs::write(www.join("releases/.relhook-2.json.tmp"), "{").unwrap();
    fs::write(www.join("releases/2.json"), "{").unwrap();
    symlink("releases/9", www.join(".relhook-current.tmp")).unwrap();
    let order = bench.order(dir(&www, 3), bench.commit(&[("a", "2")]), 2);
    released(bench.release(&order));
    let names: Vec<String> = tree(&www).into_keys().collect();
    let expected = [
        ".relhook-lock",
        "current",
        "releases/",
        "releases/1.json",
        "releases/1/",
        "releases/1/a",
        "releases/2.json",
        "releases/2/",
        "releases/2/a",
    ];
    assert_eq!(names, expected);

    // Killed right before the switch: then nothing is remembered of the release either.
    let done = tree(&www);
    fs::remove_file(www.join("current")).unwrap();
    symlink("releases/1", www.join("current")).unwrap();
    fs::write(&state, before).unwrap();
    released(bench.release(&order));
    assert_eq!(tree(&www), done);
}

#[test]
fn an_object_that_is_not_what_its_id_says_is_not_released() {
    let bench = Bench::new();
    let www = bench.outside("www");
    let good = bench.commit(&[("page", "good")]);
    bench.commit(&[("page", "evil")]);
    let file = |content: &[u8]| {
        let id = git2::Oid::hash_object(git2::ObjectType::Blob, content)
            .unwrap()
            .to_string();
        bench
            .git_dir()
            .join("objects")
            .join(&id[..2])
            .join(&id[2..])
    };
    // As the release command does, which opens the store of the facts too.
    let _store = relhook::facts::Store::open(&bench.git_dir()).unwrap();
    fs::remove_file(file(b"good")).unwrap();
    fs::copy(file(b"evil"), file(b"good")).unwrap();
    let error = refused(bench.release(&bench.order(dir(&www, 3), good, 1)), 603);
    assert!(error.contains("its content is that of"), "{error}");
    assert!(!www.join("current").exists());
}

#[test]
fn a_release_that_cannot_be_written_leaves_the_old_one() {
    let bench = Bench::new();
    let www = bench.outside("www");
    released(bench.release(&bench.order(dir(&www, 3), bench.commit(&[("a", "1")]), 1)));
    // A blob that is gone from the repository.
    let commit = bench.commit(&[("a", "1"), ("b", "lost")]);
    let blob = git2::Oid::hash_object(git2::ObjectType::Blob, b"lost")
        .unwrap()
        .to_string();
    let object = bench
        .git_dir()
        .join("objects")
        .join(&blob[..2])
        .join(&blob[2..]);
    fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(object).unwrap();
    let mut log = Log::default();
    let order = bench.order(dir(&www, 3), commit, 2);
    refused(bench.release_with(&order, Adoption::Refuse, &mut log), 603);
    assert_eq!(log.words(), ["failed"]);
    assert_eq!(fs::read_to_string(www.join("current/a")).unwrap(), "1");
}
