//! Merges, beside git merge-tree.

use super::*;
use crate::facts::testing::{Dice, Repo};
use crate::policy::{PathRule, PathRules};

/// Twelve lines, those at some places changed.
fn lines(changes: &[(usize, &str)]) -> String {
    let mut lines: Vec<String> = (0..12).map(|n| format!("line {n}\n")).collect();
    for (at, text) in changes {
        lines[*at] = format!("{text}\n");
    }
    lines.concat()
}

/// A repository with a base and two commits on it.
struct Fork {
    repo: Repo,
    base: Oid,
    ours: Oid,
    theirs: Oid,
}

type Files<'a> = &'a [(&'a str, &'a str)];

impl Fork {
    fn new(base: Files<'_>, ours: Files<'_>, theirs: Files<'_>) -> Self {
        let repo = Repo::new();
        let base = repo.commit(repo.tree(base), &[], 1, "base");
        let ours = repo.commit(repo.tree(ours), &[base], 2, "ours");
        let theirs = repo.commit(repo.tree(theirs), &[base], 3, "theirs");
        Self {
            repo,
            base,
            ours,
            theirs,
        }
    }

    /// What a merge commit with these files adds.
    fn merged(&self, files: Files<'_>) -> Content {
        self.merged_tree(self.repo.tree(files))
    }

    fn merged_tree(&self, tree: Oid) -> Content {
        content(&self.repo, tree, &[self.ours, self.theirs])
    }

    /// The tree that git merges to, if it does so cleanly.
    fn git(&self) -> Option<Oid> {
        git_merge(&self.repo, self.ours, self.theirs)
    }
}

fn content(repo: &Repo, tree: Oid, parents: &[Oid]) -> Content {
    content_watching(repo, tree, parents, Vec::new())
}

fn content_watching(repo: &Repo, tree: Oid, parents: &[Oid], watched: Vec<&PathRules>) -> Content {
    let store = repo.store();
    let mut graph = Graph::new(&store);
    let parents: Vec<(Oid, Oid)> = parents
        .iter()
        .map(|oid| (*oid, graph.tree(*oid).unwrap()))
        .collect();
    let mut trees = Trees::new(&store);
    trees.watch(watched);
    trees.content(&mut graph, tree, &parents).unwrap()
}

fn git_merge(repo: &Repo, ours: Oid, theirs: Oid) -> Option<Oid> {
    let (ours, theirs) = (ours.to_string(), theirs.to_string());
    let args = ["merge-tree", "--write-tree", "--allow-unrelated-histories"];
    let (clean, out, _) = repo.try_git(&[&args[..], &[&ours, &theirs]].concat(), b"");
    let first = out.split(|byte| *byte == b'\n').next().unwrap();
    clean.then(|| Oid::from_hex(first).unwrap())
}

fn adds(paths: &[&str]) -> Content {
    let paths = paths
        .iter()
        .map(|path| RepoPath::new(path.as_bytes().to_vec()));
    Content::Adds(paths.collect())
}

#[test]
fn a_merge_of_different_files_and_of_one_file_is_clean() {
    let (base, ours, theirs, both) = (
        lines(&[]),
        lines(&[(1, "ours")]),
        lines(&[(10, "theirs")]),
        lines(&[(1, "ours"), (10, "theirs")]),
    );
    let fork = Fork::new(
        &[("a", "1"), ("b", "1"), ("gone", "1"), ("text", &base)],
        &[("a", "2"), ("b", "1"), ("gone", "1"), ("text", &ours)],
        &[("a", "1"), ("b", "2"), ("d/new", "2"), ("text", &theirs)],
    );
    let merged: Files<'_> = &[("a", "2"), ("b", "2"), ("d/new", "2"), ("text", &both)];
    assert_eq!(fork.git(), Some(fork.repo.tree(merged)));
    assert_eq!(fork.merged(merged), Content::CleanMerge);
}

#[test]
fn g_05_an_evil_merge_adds_what_it_slips_in() {
    let fork = Fork::new(
        &[("a", "1"), ("b", "1")],
        &[("a", "2"), ("b", "1")],
        &[("a", "1"), ("b", "2")],
    );
    assert_eq!(
        fork.merged(&[("a", "2"), ("b", "2"), ("backdoor", "x")]),
        adds(&["backdoor"])
    );
    assert_eq!(fork.merged(&[("a", "evil"), ("b", "2")]), adds(&["a"]));
    assert_eq!(fork.merged(&[("a", "2")]), adds(&["b"]));
}

#[test]
fn g_06_a_merge_that_takes_one_side_only_adds_what_it_drops() {
    let fork = Fork::new(
        &[("a", "1"), ("b", "1")],
        &[("a", "2"), ("b", "1")],
        &[("a", "1"), ("b", "fix"), ("d/c", "fix")],
    );
    assert_eq!(fork.merged(&[("a", "2"), ("b", "1")]), adds(&["b", "d/c"]));
    assert_eq!(
        fork.merged(&[("a", "1"), ("b", "fix"), ("d/c", "fix")]),
        adds(&["a"])
    );
}

#[test]
fn conflicts_count_however_they_were_resolved() {
    let (base, ours, theirs) = (lines(&[]), lines(&[(5, "ours")]), lines(&[(5, "theirs")]));
    let fork = Fork::new(&[("t", &base)], &[("t", &ours)], &[("t", &theirs)]);
    assert_eq!(fork.git(), None);
    for resolved in [&ours, &theirs, &base, "other"] {
        assert_eq!(fork.merged(&[("t", resolved)]), adds(&["t"]));
    }
    assert_eq!(fork.merged(&[]), adds(&["t"]));
}

#[test]
fn modified_here_and_removed_there_conflicts() {
    let base = lines(&[]);
    let changed = lines(&[(3, "changed")]);
    let fork = Fork::new(
        &[("keep", "1"), ("t", &base)],
        &[("keep", "1"), ("t", &changed)],
        &[("keep", "1")],
    );
    assert_eq!(fork.git(), None);
    assert_eq!(fork.merged(&[("keep", "1"), ("t", &changed)]), adds(&["t"]));
    assert_eq!(fork.merged(&[("keep", "1")]), adds(&["t"]));
}

#[test]
fn a_file_in_the_place_of_a_folder_conflicts() {
    let fork = Fork::new(&[("d/a", "1")], &[("d/a", "2")], &[("d", "file")]);
    assert_eq!(fork.git(), None);
    assert_eq!(fork.merged(&[("d", "file")]), adds(&["d/a"]));
    assert_eq!(fork.merged(&[("d/a", "2")]), adds(&["d", "d/a"]));
}

#[test]
fn a_renamed_file_takes_the_other_side_s_change() {
    let (base, ours, theirs, both) = (
        lines(&[]),
        lines(&[(1, "ours")]),
        lines(&[(10, "theirs")]),
        lines(&[(1, "ours"), (10, "theirs")]),
    );
    let fork = Fork::new(
        &[("old", &base)],
        &[("new/name", &ours)],
        &[("old", &theirs)],
    );
    assert_eq!(fork.git(), Some(fork.repo.tree(&[("new/name", &both)])));
    assert_eq!(fork.merged(&[("new/name", &both)]), Content::CleanMerge);
    // The change that the rename would have carried over is dropped.
    assert_eq!(fork.merged(&[("new/name", &ours)]), adds(&["old"]));
    let evil = lines(&[(1, "ours"), (6, "evil"), (10, "theirs")]);
    assert_eq!(
        fork.merged(&[("new/name", &evil)]),
        adds(&["new/name", "old"])
    );
    // Both renamed it to the same place.
    let fork = Fork::new(&[("old", &base)], &[("new", &ours)], &[("new", &theirs)]);
    assert_eq!(fork.git(), Some(fork.repo.tree(&[("new", &both)])));
    assert_eq!(fork.merged(&[("new", &both)]), Content::CleanMerge);
    assert_eq!(fork.merged(&[("new", &ours)]), adds(&["new"]));
}

#[test]
fn a_rename_carries_no_change_to_other_owners() {
    let repo = Repo::new();
    let commit = |files: Files<'_>, parents: &[Oid]| repo.commit(repo.tree(files), parents, 1, "c");
    let base = commit(&[("notes", "a\n")], &[]);
    let ours = commit(&[("infra/deploy", "a\n")], &[base]);
    let theirs = commit(&[("notes", "evil\n")], &[base]);
    let merged = repo.tree(&[("infra/deploy", "evil\n")]);
    assert_eq!(git_merge(&repo, ours, theirs), Some(merged));
    assert_eq!(content(&repo, merged, &[ours, theirs]), Content::CleanMerge);
    let rules = |globs: &[&str]| {
        let rule = |glob: &&str| PathRule {
            patterns: vec![(*glob).to_owned()],
            required: 1,
            from: Vec::new(),
        };
        PathRules::new(globs.iter().map(rule).collect()).unwrap()
    };
    let watching =
        |rules: &[&PathRules]| content_watching(&repo, merged, &[ours, theirs], rules.to_vec());
    let both = adds(&["infra/deploy", "notes"]);
    assert_eq!(watching(&[&rules(&["**"])]), Content::CleanMerge);
    assert_eq!(watching(&[&rules(&["**", "infra/**"])]), both);
    assert_eq!(watching(&[&rules(&["**"]), &rules(&["infra/**"])]), both);
}

#[test]
fn empty_files_are_not_renamed() {
    let fork = Fork::new(&[("old", "")], &[("new", "")], &[("old", "text")]);
    assert_eq!(fork.git(), None);
    assert_eq!(fork.merged(&[("new", "text")]), adds(&["new", "old"]));
}

#[test]
fn binary_files_and_links_do_not_merge_by_lines() {
    let text = |changes: &[(usize, &str)]| format!("\0{}", lines(changes));
    let fork = Fork::new(
        &[("b", &text(&[]))],
        &[("b", &text(&[(1, "ours")]))],
        &[("b", &text(&[(10, "theirs")]))],
    );
    assert_eq!(fork.git(), None);
    let both = text(&[(1, "ours"), (10, "theirs")]);
    assert_eq!(fork.merged(&[("b", &both)]), adds(&["b"]));
}

#[test]
fn the_mode_is_merged_beside_the_content() {
    let (base, ours) = (lines(&[]), lines(&[(1, "ours")]));
    let fork = Fork::new(&[("t", &base)], &[("t", &ours)], &[("t", &base)]);
    let (base, ours) = (
        fork.repo.blob(base.as_bytes()),
        fork.repo.blob(ours.as_bytes()),
    );
    let tree = |mode: &str, oid: Oid| fork.repo.tree_of(format!("{mode} {oid}\tt\0").as_bytes());
    let executable = fork.repo.commit(tree("100755", base), &[fork.base], 4, "x");
    let merged = |mode, oid| content(&fork.repo, tree(mode, oid), &[fork.ours, executable]);
    assert_eq!(merged("100755", ours), Content::CleanMerge);
    assert_eq!(merged("100644", ours), adds(&["t"]));
    assert_eq!(merged("120000", ours), adds(&["t"]));
}

#[test]
fn attributes_and_settings_have_no_say() {
    let (base, ours, theirs) = (lines(&[]), lines(&[(5, "ours")]), lines(&[(5, "theirs")]));
    let attributes = ("a.txt", "* merge=union\n");
    let fork = Fork::new(
        &[attributes, ("t", &base)],
        &[attributes, ("t", &ours)],
        &[attributes, ("t", &theirs)],
    );
    std::fs::create_dir_all(fork.repo.path().join("info")).unwrap();
    std::fs::write(fork.repo.path().join("info/attributes"), "* merge=union\n").unwrap();
    let union = fork.git().expect("git joins both sides");
    assert_eq!(fork.merged_tree(union), adds(&["t"]));
}

#[test]
fn a_criss_cross_is_clean_only_if_each_base_says_so() {
    let repo = Repo::new();
    let texts = [
        lines(&[]),
        lines(&[(1, "one")]),
        lines(&[(10, "two")]),
        lines(&[(1, "one"), (10, "two")]),
    ];
    let [root, one, two, both] = &texts;
    let commit = |text: &str, extra: Files<'_>, parents: &[Oid], date| {
        let files = [&[("t", text)], extra].concat();
        repo.commit(repo.tree(&files), parents, date, "c")
    };
    let root = commit(root, &[], &[], 1);
    let left = commit(one, &[], &[root], 2);
    let right = commit(two, &[], &[root], 3);
    let cross_left = commit(both, &[("l", "1")], &[left, right], 4);
    let cross_right = commit(both, &[("r", "1")], &[right, left], 5);
    let merged = repo.tree(&[("l", "1"), ("r", "1"), ("t", both)]);
    assert_eq!(git_merge(&repo, cross_left, cross_right), Some(merged));
    assert_eq!(
        content(&repo, merged, &[cross_left, cross_right]),
        Content::CleanMerge
    );
    // Each side undid what the other base brought: which one holds is nobody's to guess.
    let undone = commit(one, &[], &[left, right], 6);
    let merged = repo.tree(&[("r", "1"), ("t", one)]);
    assert_eq!(content(&repo, merged, &[undone, cross_right]), adds(&["t"]));
}

#[test]
fn unrelated_histories_share_nothing() {
    let repo = Repo::new();
    let ours = repo.commit(repo.tree(&[("a", "1"), ("same", "1")]), &[], 1, "ours");
    let theirs = repo.commit(repo.tree(&[("b", "1"), ("same", "1")]), &[], 2, "theirs");
    let merged = repo.tree(&[("a", "1"), ("b", "1"), ("same", "1")]);
    assert_eq!(git_merge(&repo, ours, theirs), Some(merged));
    assert_eq!(content(&repo, merged, &[ours, theirs]), Content::CleanMerge);
}

#[test]
fn g_08_of_more_than_two_parents_all_count() {
    let repo = Repo::new();
    let base = repo.commit(repo.tree(&[("a", "1")]), &[], 1, "base");
    let make = |files: Files<'_>| repo.commit(repo.tree(files), &[base], 2, "c");
    let (one, two, three) = (
        make(&[("a", "1"), ("b", "1")]),
        make(&[("a", "1"), ("c", "1")]),
        make(&[("a", "1"), ("d", "1")]),
    );
    let tree = repo.tree(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "evil")]);
    assert_eq!(
        content(&repo, tree, &[one, two, three]),
        adds(&["b", "c", "d"])
    );
}

/// A side of a random fork: some lines changed, files removed, added and moved.
fn vary(dice: &mut Dice, base: &[(String, String)], tag: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = base.to_vec();
    for _ in 0..1 + dice.roll(3) {
        let at = dice.roll(files.len().max(1));
        match dice.roll(6) {
            0 if files.len() > 2 => {
                files.remove(at);
            }
            1 => files.push((format!("new{}/{tag}", dice.roll(2)), format!("{tag}\n"))),
            2 if at < files.len() => files[at].0 = format!("moved{}/{}", dice.roll(2), at),
            _ if at < files.len() => {
                let mut lines: Vec<&str> = files[at].1.lines().collect();
                let place = dice.roll(lines.len());
                let text = format!("{tag} {}", dice.roll(3));
                lines[place] = &text;
                files[at].1 = lines.join("\n") + "\n";
            }
            _ => {}
        }
    }
    files.sort();
    files.dedup_by(|left, right| left.0 == right.0);
    files
}

#[test]
fn g_07_no_merge_is_clean_here_that_git_finds_otherwise() {
    let mut dice = Dice(99);
    let (mut clean, mut cautious, mut conflicts) = (0, 0, 0);
    for _ in 0..60 {
        let base: Vec<(String, String)> = (0..4)
            .map(|n| {
                (
                    format!("d{}/f{n}", n % 2),
                    lines(&[(0, &format!("file {n}"))]),
                )
            })
            .collect();
        let ours = vary(&mut dice, &base, "ours");
        let theirs = vary(&mut dice, &base, "theirs");
        let view = |files: &[(String, String)]| -> Vec<(String, String)> { files.to_vec() };
        let (base, ours, theirs) = (view(&base), view(&ours), view(&theirs));
        fn pairs(files: &[(String, String)]) -> Vec<(&str, &str)> {
            files
                .iter()
                .map(|(p, c)| (p.as_str(), c.as_str()))
                .collect()
        }
        let fork = Fork::new(&pairs(&base), &pairs(&ours), &pairs(&theirs));
        match fork.git() {
            Some(tree) => match fork.merged_tree(tree) {
                Content::CleanMerge => clean += 1,
                Content::Adds(_) | Content::Empty => cautious += 1,
            },
            None => conflicts += 1,
        }
        // Neither parent's own tree is a clean merge, unless git says so.
        let ours_tree = fork.repo.tree(&pairs(&ours));
        if fork.git() != Some(ours_tree) {
            assert!(fork.merged_tree(ours_tree).adds());
        }
    }
    assert!(
        clean > 25,
        "{clean} clean, {cautious} cautious, {conflicts} conflicts"
    );
    assert!(
        cautious < 4,
        "{clean} clean, {cautious} cautious, {conflicts} conflicts"
    );
}
