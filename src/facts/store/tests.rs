//! The repository, on real repositories made by git.

use super::*;
use crate::facts::testing::{Repo, name, nowhere};
use crate::facts::{Current, Fault};
use crate::types::RefName;

#[test]
fn refs_are_read_loose_and_packed() {
    let repo = Repo::new();
    let one = repo.commit(repo.tree(&[]), &[], 1, "one");
    let two = repo.commit(repo.tree(&[]), &[one], 2, "two");
    repo.set_ref("refs/heads/prod", one);
    repo.set_ref("refs/heads/dev", one);
    let store = repo.store();
    assert_eq!(
        store.current(&name("refs/heads/prod")),
        Ok(Current::At(one))
    );
    repo.git(&["pack-refs", "--all"]);
    assert_eq!(
        store.current(&name("refs/heads/prod")),
        Ok(Current::At(one))
    );
    repo.set_ref("refs/heads/prod", two);
    assert_eq!(
        store.current(&name("refs/heads/prod")),
        Ok(Current::At(two))
    );
    repo.git(&["pack-refs", "--all"]);
    assert_eq!(
        store.current(&name("refs/heads/prod")),
        Ok(Current::At(two))
    );
    repo.git(&["update-ref", "-d", "refs/heads/prod"]);
    assert_eq!(store.current(&name("refs/heads/prod")), Ok(Current::Absent));
    assert_eq!(
        store.current(&name("refs/heads/prod/x")),
        Ok(Current::Absent)
    );
    assert_eq!(store.current(&name("refs/heads")), Ok(Current::Absent));
}

#[test]
fn a_mirror_answers_for_the_repository_that_it_was_fetched_from() {
    let repo = Repo::new();
    let own = repo.commit(repo.tree(&[]), &[], 1, "own");
    let theirs = repo.commit(repo.tree(&[]), &[], 2, "theirs");
    repo.set_ref("refs/heads/prod", own);
    repo.set_ref("refs/heads/mine", own);
    repo.set_ref("refs/copy/origin/heads/prod", theirs);
    repo.git(&["pack-refs", "--all"]);
    repo.set_ref("refs/copy/origin/heads/dev", theirs);
    let store = repo.store().mirroring(&name("refs/copy/origin"));
    assert_eq!(
        store.current(&name("refs/heads/prod")),
        Ok(Current::At(theirs))
    );
    assert_eq!(store.current(&name("refs/heads/mine")), Ok(Current::Absent));
    assert_eq!(
        store.refs_below(b"refs/heads/", 10),
        Ok(vec![
            (name("refs/heads/dev"), theirs),
            (name("refs/heads/prod"), theirs),
        ])
    );
}

#[test]
fn r_05_symbolic_refs_are_seen_as_such() {
    let repo = Repo::new();
    let one = repo.commit(repo.tree(&[]), &[], 1, "one");
    repo.set_ref("refs/heads/prod", one);
    repo.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/prod"]);
    repo.git(&["symbolic-ref", "refs/heads/dangling", "refs/heads/none"]);
    let link = repo.path().join("refs/heads/link");
    std::os::unix::fs::symlink("refs/heads/prod", link).unwrap();
    let store = repo.store();
    for (alias, target) in [
        ("refs/heads/alias", "refs/heads/prod"),
        ("refs/heads/dangling", "refs/heads/none"),
        ("refs/heads/link", "refs/heads/prod"),
    ] {
        let target = target.to_owned();
        assert_eq!(
            store.current(&name(alias)),
            Ok(Current::Symbolic { target })
        );
    }
    assert_eq!(
        store.current(&name("refs/heads/prod")),
        Ok(Current::At(one))
    );
}

#[test]
fn r_07_names_that_are_not_utf_8_are_read_like_others() {
    let repo = Repo::new();
    let one = repo.commit(repo.tree(&[]), &[], 1, "one");
    let odd = RefName::new(b"refs/heads/pr\xffod").unwrap();
    let mut input = b"create ".to_vec();
    input.extend_from_slice(odd.as_bytes());
    input.extend_from_slice(format!(" {one}\n").as_bytes());
    repo.git_with(&["update-ref", "--stdin"], &input);
    assert_eq!(repo.store().current(&odd), Ok(Current::At(one)));
    repo.git(&["pack-refs", "--all"]);
    assert_eq!(repo.store().current(&odd), Ok(Current::At(one)));
}

#[test]
fn a_broken_ref_is_an_error_and_not_absent() {
    let repo = Repo::new();
    let path = repo.path().join("refs/heads/prod");
    for content in ["", "what", "8d01e77ab12c00000000000000000000000000ffz"] {
        std::fs::write(&path, content).unwrap();
        let current = repo.store().current(&name("refs/heads/prod"));
        assert!(
            matches!(current, Err(Fault::Unreadable { .. })),
            "{content}"
        );
    }
}

#[test]
fn x_05_one_of_very_many_packed_refs_is_found() {
    let repo = Repo::new();
    let one = repo.commit(repo.tree(&[]), &[], 1, "one");
    let two = repo.commit(repo.tree(&[]), &[], 2, "two");
    let mut text = b"# pack-refs with: peeled fully-peeled sorted \n".to_vec();
    let below = |number: u32| format!("refs/many/{number:06}/x");
    for number in 0..50_000 {
        text.extend_from_slice(format!("{one} {}\n", below(number)).as_bytes());
        if number % 3 == 0 {
            text.extend_from_slice(format!("{} refs/many/{number:06}/y\n", two).as_bytes());
            text.extend_from_slice(format!("^{one}\n").as_bytes());
        }
    }
    let path = repo.path().join("packed-refs");
    std::fs::write(&path, &text).unwrap();
    let store = repo.store();
    for number in (0..50_000).step_by(997).chain([0, 49_999]) {
        assert_eq!(
            store.current(&name(&below(number))),
            Ok(Current::At(one)),
            "{number}"
        );
        let prefix = format!("refs/many/{number:06}/");
        let found = store.refs_below(prefix.as_bytes(), 10).unwrap();
        let mut want = vec![(name(&below(number)), one)];
        if number % 3 == 0 {
            want.push((name(&format!("refs/many/{number:06}/y")), two));
        }
        assert_eq!(found, want);
    }
    assert_eq!(store.current(&name("refs/many/1")), Ok(Current::Absent));
    assert_eq!(store.current(&name("refs/a")), Ok(Current::Absent));
    assert_eq!(store.current(&name("refs/z")), Ok(Current::Absent));
    // The same file without its word of honour is read from end to end.
    let unsorted = text.strip_prefix(b"# pack-refs with: peeled fully-peeled sorted \n");
    std::fs::write(&path, unsorted.unwrap()).unwrap();
    assert_eq!(store.current(&name(&below(31_337))), Ok(Current::At(one)));
}

#[test]
fn refs_below_joins_loose_and_packed_and_is_bounded() {
    let repo = Repo::new();
    let one = repo.commit(repo.tree(&[]), &[], 1, "one");
    let two = repo.commit(repo.tree(&[]), &[], 2, "two");
    repo.set_ref("refs/x/a/1", one);
    repo.set_ref("refs/x/b/1", one);
    repo.git(&["pack-refs", "--all"]);
    repo.set_ref("refs/x/b/1", two);
    repo.set_ref("refs/x/b/2/deep", two);
    repo.set_ref("refs/xx/c", two);
    std::fs::write(repo.path().join("refs/x/b/3.lock"), "").unwrap();
    let store = repo.store();
    assert_eq!(
        store.refs_below(b"refs/x/", 3).unwrap(),
        vec![
            (name("refs/x/a/1"), one),
            (name("refs/x/b/1"), two),
            (name("refs/x/b/2/deep"), two),
        ]
    );
    assert!(matches!(
        store.refs_below(b"refs/x/", 2),
        Err(Fault::TooLarge { .. })
    ));
}

#[test]
fn p_15_o_17_o_18_an_objects_real_kind_decides() {
    let repo = Repo::new();
    let tree = repo.tree(&[("a", "a")]);
    let commit = repo.commit(tree, &[], 1, "one");
    let tag = repo.git_oid(
        &["mktag"],
        format!("object {commit}\ntype commit\ntag t\ntagger A <a@b> 0 +0000\n\nt\n").as_bytes(),
    );
    let blob = repo.blob(b"a");
    let store = repo.store();
    for (oid, kind) in [(tree, "tree"), (tag, "tag"), (blob, "blob")] {
        assert_eq!(store.commit_bytes(oid), Err(Fault::NotACommit { kind }));
        assert_eq!(store.header(oid).unwrap().kind, kind);
    }
    assert!(store.commit_bytes(commit).unwrap().starts_with(b"tree "));
    assert_eq!(store.tag_bytes(commit), Ok(Err("commit")));
    assert!(matches!(
        store.tree_bytes(blob),
        Err(Fault::Malformed { .. })
    ));
    assert!(matches!(
        store.blob_bytes(tree, 10),
        Err(Fault::Malformed { .. })
    ));
    let oid = nowhere();
    assert_eq!(store.commit_bytes(oid), Err(Fault::Missing { oid }));
}

#[test]
fn x_03_an_object_past_the_limit_is_not_read() {
    let repo = Repo::new();
    let blob = repo.blob(&vec![b'a'; 1 << 20]);
    let store = repo.store();
    assert!(matches!(
        store.blob_bytes(blob, (1 << 20) - 1),
        Err(Fault::TooLarge { .. })
    ));
    assert_eq!(store.blob_bytes(blob, 1 << 20).unwrap().len(), 1 << 20);
}

#[test]
fn g_10_replace_refs_change_nothing() {
    let repo = Repo::new();
    let evil = repo.commit(repo.tree(&[("a", "evil")]), &[], 1, "evil");
    let good = repo.commit(repo.tree(&[("a", "good")]), &[], 1, "good");
    repo.git(&["replace", &evil.to_string(), &good.to_string()]);
    let bytes = repo.store().commit_bytes(evil).unwrap();
    assert!(bytes.ends_with(b"\nevil\n"));
}

#[test]
fn g_11_g_12_grafts_and_shallow_files_are_refused() {
    for (file, shallow) in [("info/grafts", false), ("shallow", true)] {
        let repo = Repo::new();
        let path = repo.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(Store::open(repo.path()).is_ok());
        std::fs::write(&path, format!("{}\n", nowhere())).unwrap();
        match Store::open(repo.path()) {
            Err(StoreError::Shallow { .. }) => assert!(shallow),
            Err(StoreError::Grafts { .. }) => assert!(!shallow),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn n_03_n_04_n_05_other_formats_get_a_diagnosis() {
    let refuses = |settings: &[(&str, &str)]| {
        let repo = Repo::new();
        for (key, value) in settings {
            repo.git(&["config", key, value]);
        }
        Store::open(repo.path()).unwrap_err()
    };
    let v1 = ("core.repositoryFormatVersion", "1");
    assert!(matches!(
        refuses(&[v1, ("extensions.refStorage", "reftable")]),
        StoreError::RefStorage { format } if format == "reftable"
    ));
    assert!(matches!(
        refuses(&[v1, ("extensions.objectFormat", "sha256")]),
        StoreError::ObjectFormat { format } if format == "sha256"
    ));
    assert!(matches!(
        refuses(&[v1, ("extensions.partialClone", "origin")]),
        StoreError::PartialClone { .. }
    ));
    assert!(matches!(
        refuses(&[("extensions.partialClone", "origin")]),
        StoreError::PartialClone { .. }
    ));
    assert!(matches!(
        refuses(&[("remote.origin.promisor", "true")]),
        StoreError::PartialClone { .. }
    ));
    assert!(matches!(
        refuses(&[v1, ("extensions.future", "yes")]),
        StoreError::Unusable { .. }
    ));
}

#[test]
fn g_16_alternates_are_a_warning() {
    let (repo, other) = (Repo::new(), Repo::new());
    let one = other.commit(other.tree(&[]), &[], 1, "one");
    let line = format!("{}\n", other.path().join("objects").display());
    std::fs::write(repo.path().join("objects/info/alternates"), line).unwrap();
    let store = repo.store();
    assert_eq!(store.warnings().len(), 1);
    assert!(store.commit_bytes(one).is_ok());
}

#[test]
fn a_folder_without_a_repository_is_said_to_be_one() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        Store::open(dir.path()),
        Err(StoreError::NotARepository { .. })
    ));
}

#[test]
fn n_02_a_repository_of_another_account_gets_a_diagnosis() {
    let repo = Repo::new();
    // Only the superuser can give files away; for anybody else nothing of theirs is foreign.
    if std::os::unix::fs::chown(repo.path(), Some(54_321), None).is_err() {
        assert!(Store::open(repo.path()).is_ok());
        return;
    }
    let error = Store::open(repo.path()).unwrap_err();
    assert!(matches!(error, StoreError::Owner { .. }), "{error}");
    assert!(error.hint().contains("safe.directory"));
}

/// A statement that were missed while git packs refs could be an objection.
#[test]
fn no_ref_is_missed_while_refs_are_packed() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    const ROUNDS: usize = 600;
    let repo = Repo::new();
    let one = repo.commit(repo.tree(&[]), &[], 1, "one");
    let folder = repo.path().join("refs/notes");
    std::fs::create_dir_all(&folder).unwrap();
    let made = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // What `git pack-refs` does, in its order, without the time that starting git takes.
        scope.spawn(|| {
            let mut packed = String::from("# pack-refs with: peeled fully-peeled sorted \n");
            for round in 1..=ROUNDS {
                let loose = folder.join(format!("{round:04}"));
                std::fs::write(repo.path().join("new"), format!("{one}\n")).unwrap();
                std::fs::rename(repo.path().join("new"), &loose).unwrap();
                made.store(round, Ordering::SeqCst);
                packed += &format!("{one} refs/notes/{round:04}\n");
                std::fs::write(repo.path().join("new"), &packed).unwrap();
                std::fs::rename(repo.path().join("new"), repo.path().join("packed-refs")).unwrap();
                std::fs::remove_file(&loose).unwrap();
            }
        });
        let store = repo.store();
        loop {
            let before = made.load(Ordering::SeqCst);
            let refs = store.refs_below(b"refs/notes/", 10 * ROUNDS).unwrap();
            let names = store.names_below(b"refs/notes/", 10 * ROUNDS).unwrap();
            assert!(refs.len() >= before, "{} of {before}", refs.len());
            assert!(names.len() >= before, "{} of {before}", names.len());
            if before == ROUNDS {
                break;
            }
        }
    });
}
