use super::*;

const SHA: &str = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";

fn path(text: &str) -> RepoPath {
    RepoPath::new(text.as_bytes().to_vec())
}

fn content(size: u64) -> Content {
    Content {
        blob: Oid::from_bytes(&[1; 20]).unwrap(),
        size,
        sha256: SHA.into(),
    }
}

fn seen(size: u64, sha256: Option<&str>) -> Seen {
    Seen::File {
        size: Some(size),
        sha256: sha256.map(str::to_owned),
        runs: None,
    }
}

/// `a`, `d/b`, `d/e/c`, each of one byte.
fn expected() -> Expected {
    let mut expected = Expected::default();
    for name in ["a", "d/b", "d/e/c"] {
        let file = (FileKind::File, Some(content(1)));
        expected.files.insert(path(name), file);
    }
    expected.dirs = [path("d"), path("d/e")].into();
    expected
}

fn look() -> Look {
    let mut look = Look::default();
    for name in ["a", "d/b", "d/e/c"] {
        look.entries.insert(path(name), seen(1, Some(SHA)));
    }
    for name in ["d", "d/e"] {
        look.entries.insert(path(name), Seen::Directory);
    }
    look.owned = [path("d"), path("d/e")].into();
    look
}

/// What is found when a look differs like this, as `path what`.
fn finds(change: impl FnOnce(&mut Expected, &mut Look)) -> Vec<String> {
    let (mut expected, mut look) = (expected(), look());
    change(&mut expected, &mut look);
    drift(&expected, &look)
        .iter()
        .map(|one| format!("{} {}", one.path, one.what.word()))
        .collect()
}

#[test]
fn what_was_released_is_no_drift() {
    assert!(finds(|_, _| ()).is_empty());
}

#[test]
fn u_22_the_same_size_does_not_hide_another_content() {
    let other = SHA.replace('6', "7");
    let change = |_: &mut Expected, look: &mut Look| {
        look.entries.insert(path("d/b"), seen(1, Some(&other)));
    };
    assert_eq!(finds(change), ["d/b changed"]);
}

#[test]
fn what_is_gone_changed_or_of_another_kind_is_told() {
    assert_eq!(
        finds(|_, look| drop(look.entries.remove(&path("a")))),
        ["a missing"]
    );
    assert_eq!(
        finds(|_, look| drop(look.entries.insert(path("a"), seen(2, None)))),
        ["a changed"]
    );
    assert_eq!(
        finds(|_, look| drop(look.entries.insert(path("a"), Seen::Directory))),
        ["a changed"]
    );
    assert_eq!(
        finds(|_, look| drop(look.entries.insert(path("a"), Seen::Link(None)))),
        ["a link"]
    );
    let runs = |_: &mut Expected, look: &mut Look| {
        let file = Seen::File {
            size: None,
            sha256: None,
            runs: Some(true),
        };
        look.entries.insert(path("a"), file);
    };
    assert_eq!(finds(runs), ["a changed"]);
}

#[test]
fn u_05_a_directory_that_became_a_link_is_told_once() {
    let change = |_: &mut Expected, look: &mut Look| {
        look.entries.insert(path("d"), Seen::Link(None));
    };
    assert_eq!(finds(change), ["d link"]);
}

#[test]
fn only_what_is_added_to_directories_of_ours_is_drift() {
    let change = |_: &mut Expected, look: &mut Look| {
        look.entries.insert(path("robots.txt"), seen(9, None));
        look.entries.insert(path("d/shell.php"), seen(9, None));
        look.entries.insert(path("d/e/x"), Seen::Directory);
    };
    assert_eq!(finds(change), ["d/e/x added", "d/shell.php added"]);
    let whole = |expected: &mut Expected, look: &mut Look| {
        look.owned.insert(path(""));
        look.entries.insert(path("robots.txt"), seen(9, None));
        look.entries.insert(path(".relhook-1.tmp"), seen(9, None));
        expected.passing.insert(path(".relhook-1.tmp"));
    };
    assert_eq!(finds(whole), ["robots.txt added"]);
}

#[test]
fn what_an_interrupted_run_left_unclear_is_no_drift() {
    let change = |expected: &mut Expected, look: &mut Look| {
        expected.files.insert(path("a"), (FileKind::File, None));
        look.entries.insert(path("a"), seen(7, Some("other")));
    };
    assert!(finds(change).is_empty());
}

#[test]
fn links_are_compared_by_where_they_point() {
    let link = |_: &mut Expected, to: &str| Seen::Link(Some(to.to_owned()));
    let with = |to: &'static str| {
        move |expected: &mut Expected, look: &mut Look| {
            let wanted = (FileKind::Symlink, Some(content(1)));
            expected.files.insert(path("a"), wanted);
            let seen = link(expected, to);
            look.entries.insert(path("a"), seen);
        }
    };
    assert!(finds(with(SHA)).is_empty());
    assert_eq!(finds(with("other")), ["a link"]);
    let file = |expected: &mut Expected, _: &mut Look| {
        let wanted = (FileKind::Symlink, Some(content(1)));
        expected.files.insert(path("a"), wanted);
    };
    assert_eq!(finds(file), ["a changed"]);
}

#[test]
fn a_record_knows_what_has_to_be_sent_again() {
    let differences = [
        ("a", Change::Changed),
        ("b", Change::Missing),
        ("c", Change::Added),
    ]
    .map(|(name, what)| Difference {
        path: path(name),
        what,
        how: "x".into(),
    });
    let looked = Looked {
        refname: "refs/heads/prod".into(),
        commit: Oid::from_bytes(&[7; 20]).unwrap(),
        sequence: 3,
        depth: Verify::Quick,
        compared: Compared::default(),
        differences: differences.to_vec(),
    };
    let finding = Finding::new(&looked, crate::types::Timestamp::from_unix(0));
    assert_eq!(finding.suspects(), [path("a"), path("b")]);
    assert_eq!(finding.words(), "1 changed, 1 missing, 1 added");
    let read: Finding = serde_json::from_slice(&serde_json::to_vec(&finding).unwrap()).unwrap();
    assert!(read.is_known() && read == finding);
}
