//! What a commit adds, beside git diff-tree.

use super::*;
use crate::facts::testing::{Dice, Repo};
use crate::facts::{Limits, Store};
use std::collections::BTreeMap;

/// Leaves of a tree: path to mode and object.
type Leaves = BTreeMap<Vec<u8>, (&'static str, Oid)>;

fn write(repo: &Repo, leaves: &Leaves) -> Oid {
    let mut lines = Vec::new();
    for (path, (mode, oid)) in leaves {
        lines.extend_from_slice(format!("{mode} {oid}\t").as_bytes());
        lines.extend_from_slice(path);
        lines.push(0);
    }
    repo.tree_of(&lines)
}

fn git_diff(repo: &Repo, before: Oid, after: Oid) -> Vec<RepoPath> {
    let (before, after) = (before.to_string(), after.to_string());
    let args = ["diff-tree", "-r", "-z", "--no-renames", "--name-only"];
    let out = repo.git(&[&args[..], &[&before, &after]].concat());
    let mut paths: Vec<RepoPath> = out
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| RepoPath::new(path.to_vec()))
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn paths(of: &[&[u8]]) -> Vec<RepoPath> {
    of.iter().map(|path| RepoPath::new(path.to_vec())).collect()
}

fn added(store: &Store, before: Oid, after: Oid) -> Vec<RepoPath> {
    Trees::new(store).added(Some(before), after).unwrap()
}

#[test]
fn differences_are_git_s() {
    let repo = Repo::new();
    let mut dice = Dice(7);
    let blobs: Vec<Oid> = (0..4).map(|n| repo.blob(&[b'a' + n])).collect();
    let names: [&[u8]; 6] = [
        b"a",
        b"a.b",
        b"a-b",
        b"b\xff",
        b"c \"d",
        "\u{e4}".as_bytes(),
    ];
    let modes = ["100644", "100755", "120000", "160000"];
    let mut trees = Vec::new();
    for _ in 0..12 {
        let mut leaves = Leaves::new();
        for _ in 0..25 {
            let depth = 1 + dice.roll(3);
            let parts: Vec<&[u8]> = (0..depth).map(|_| names[dice.roll(names.len())]).collect();
            let path = parts.join(&b'/');
            // A file is no folder: what stands in the way goes.
            let below = [path.as_slice(), b"/"].concat();
            leaves.retain(|other, _| {
                let above = [other.as_slice(), b"/"].concat();
                !other.starts_with(&below) && !path.starts_with(&above)
            });
            leaves.insert(path, (modes[dice.roll(4)], blobs[dice.roll(4)]));
        }
        trees.push(write(&repo, &leaves));
    }
    let store = repo.store();
    for before in &trees {
        for after in &trees {
            assert_eq!(
                added(&store, *before, *after),
                git_diff(&repo, *before, *after)
            );
        }
    }
}

#[test]
fn both_sides_of_a_rename_modes_types_and_submodules_count() {
    let repo = Repo::new();
    let (one, two) = (repo.blob(b"one"), repo.blob(b"two"));
    let before = Leaves::from([
        (b"dir/file".to_vec(), ("100644", one)),
        (b"mode".to_vec(), ("100644", one)),
        (b"old".to_vec(), ("100644", two)),
        (b"same".to_vec(), ("100644", two)),
        (b"sub".to_vec(), ("160000", one)),
        (b"type".to_vec(), ("100644", one)),
    ]);
    let after = Leaves::from([
        (b"dir".to_vec(), ("100644", one)),
        (b"mode".to_vec(), ("100755", one)),
        (b"new".to_vec(), ("100644", two)),
        (b"same".to_vec(), ("100644", two)),
        (b"sub".to_vec(), ("160000", two)),
        (b"type".to_vec(), ("120000", one)),
    ]);
    let (before, after) = (write(&repo, &before), write(&repo, &after));
    assert_eq!(
        added(&repo.store(), before, after),
        paths(&[
            b"dir",
            b"dir/file",
            b"mode",
            b"new",
            b"old",
            b"sub",
            b"type"
        ])
    );
}

#[test]
fn roots_and_empty_commits() {
    let repo = Repo::new();
    let tree = repo.tree(&[("a", "1"), ("b/c", "2")]);
    let root = repo.commit(tree, &[], 1, "root");
    let store = repo.store();
    let mut graph = Graph::new(&store);
    let mut trees = Trees::new(&store);
    assert_eq!(
        trees.content(&mut graph, tree, &[]),
        Ok(Content::Adds(paths(&[b"a", b"b/c"])))
    );
    assert_eq!(
        trees.content(&mut graph, tree, &[(root, tree)]),
        Ok(Content::Empty)
    );
    let bare = repo.tree(&[]);
    let bare_root = trees.content(&mut graph, bare, &[]);
    assert_eq!(bare_root, Ok(Content::Adds(Vec::new())));
}

#[test]
fn x_01_a_tree_bomb_is_too_large_and_does_not_explode() {
    let repo = Repo::new();
    let mut oid = repo.blob(b"x");
    let mut mode = "100644";
    for _ in 0..12 {
        let lines: String = (0..10)
            .map(|n| format!("{mode} blob {oid}\tf{n}\n"))
            .collect();
        let lines = lines.replace("40000 blob", "040000 tree");
        oid = repo.git_oid(&["mktree"], lines.as_bytes());
        mode = "40000";
    }
    let limits = Limits {
        changes: 10_000,
        ..Limits::default()
    };
    let store = repo.store().with_limits(limits);
    let bomb = Trees::new(&store).added(None, oid);
    assert!(matches!(bomb, Err(Fault::TooLarge { .. })), "{bomb:?}");
    // Where nothing differs, nothing is entered.
    assert_eq!(Trees::new(&store).added(Some(oid), oid), Ok(Vec::new()));
}

#[test]
fn x_01_a_bomb_of_folders_without_files_is_too_large_too() {
    let repo = Repo::new();
    let mut oid = repo.git_oid(&["mktree"], b"");
    for _ in 0..12 {
        let lines: String = (0..10)
            .map(|n| format!("040000 tree {oid}\tf{n}\n"))
            .collect();
        oid = repo.git_oid(&["mktree"], lines.as_bytes());
    }
    let limits = Limits {
        folders: 10_000,
        ..Limits::default()
    };
    let store = repo.store().with_limits(limits);
    let bomb = Trees::new(&store).added(None, oid);
    assert!(matches!(bomb, Err(Fault::TooLarge { .. })), "{bomb:?}");
}

#[test]
fn x_02_a_deep_tree_is_too_large_and_no_stack_overflows() {
    let repo = Repo::new();
    let mut oid = repo.tree(&[("a", "1")]);
    for _ in 0..3000 {
        let mut raw = b"40000 d\0".to_vec();
        raw.extend_from_slice(oid.as_bytes());
        oid = repo.raw("tree", &raw);
    }
    let store = repo.store();
    let deep = Trees::new(&store).added(None, oid);
    assert!(matches!(deep, Err(Fault::TooLarge { .. })), "{deep:?}");
}

#[test]
fn o_11_to_o_17_odd_trees_are_malformed() {
    let repo = Repo::new();
    let blob = repo.blob(b"x");
    let store = repo.store();
    let entry = |mode: &str, name: &str| {
        let mut raw = format!("{mode} {name}\0").into_bytes();
        raw.extend_from_slice(blob.as_bytes());
        raw
    };
    for raw in [
        entry("100644", ".."),
        entry("100644", ".git"),
        entry("100644", "a/b"),
        entry("104755", "a"),
        [entry("100644", "a"), entry("100644", "a")].concat(),
        [entry("100644", "b"), entry("100644", "a")].concat(),
    ] {
        let oid = repo.raw("tree", &raw);
        assert!(matches!(
            Trees::new(&store).added(None, oid),
            Err(Fault::Malformed { oid: at, .. }) if at == oid
        ));
    }
    // A blob where a folder is said to be.
    let mut raw = b"40000 d\0".to_vec();
    raw.extend_from_slice(blob.as_bytes());
    let oid = repo.raw("tree", &raw);
    assert!(matches!(
        Trees::new(&store).added(None, oid),
        Err(Fault::Malformed { oid: at, .. }) if at == blob
    ));
}
