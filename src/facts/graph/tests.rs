//! The same questions put to git, over random histories whose dates lie.

use super::*;
use crate::facts::Limits;
use crate::facts::testing::{Dice, Repo, nowhere};
use std::collections::{BTreeSet, HashSet};

/// A history of `count` commits with up to three parents each and dates in any order.
fn history(repo: &Repo, dice: &mut Dice, count: usize, honest: bool) -> Vec<Oid> {
    let tree = repo.tree(&[]);
    let mut commits: Vec<Oid> = Vec::new();
    for number in 0..count {
        let near = commits.len().min(2 + dice.roll(6));
        let mut parents = BTreeSet::new();
        let wanted = if dice.roll(12) == 0 {
            0
        } else {
            1 + dice.roll(3)
        };
        for _ in 0..wanted {
            if near > 0 {
                parents.insert(commits[commits.len() - 1 - dice.roll(near)]);
            }
        }
        let parents: Vec<Oid> = parents.into_iter().collect();
        let date = if honest {
            1000 + number
        } else {
            1 + dice.roll(2000)
        };
        commits.push(repo.commit(tree, &parents, date as i64, &format!("{number}")));
    }
    commits
}

fn rev_list(repo: &Repo, args: &[String]) -> HashSet<Oid> {
    let mut all = vec!["rev-list".to_owned()];
    all.extend_from_slice(args);
    let args: Vec<&str> = all.iter().map(String::as_str).collect();
    let out = repo.git(&args);
    out.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Oid::from_hex(line).unwrap())
        .collect()
}

/// What a commit reaches, the slow and obvious way.
fn closure(graph: &mut Graph<'_>, from: Oid) -> HashSet<Oid> {
    let mut seen = HashSet::new();
    let mut todo = vec![from];
    while let Some(oid) = todo.pop() {
        if seen.insert(oid) {
            let node = graph.node(oid).unwrap();
            for parent in graph.parents(node).unwrap().iter().copied() {
                todo.push(graph.oid(parent).unwrap());
            }
        }
    }
    seen
}

#[test]
fn g_01_g_09_g_22_ranges_are_exact_whatever_the_dates_say() {
    for seed in 0..6u64 {
        let repo = Repo::new();
        let mut dice = Dice(seed);
        let honest = seed % 3 == 0;
        let commits = history(&repo, &mut dice, 40, honest);
        let store = repo.store();
        for _ in 0..200 {
            let tip = commits[dice.roll(commits.len())];
            let base = commits[dice.roll(commits.len())];
            let mut graph = Graph::new(&store);
            let range = graph.range(tip, Some(base)).unwrap();
            let got: Vec<Oid> = range
                .commits
                .iter()
                .map(|n| graph.oid(*n).unwrap())
                .collect();
            let base_reach = closure(&mut graph, base);
            let tip_reach = closure(&mut graph, tip);
            let want: HashSet<Oid> = tip_reach.difference(&base_reach).copied().collect();
            assert_eq!(got.iter().copied().collect::<HashSet<_>>(), want);
            assert_eq!(got.len(), want.len());
            assert_eq!(range.from_base, tip_reach.contains(&base));
            assert_children_first(&mut graph, &range.commits);
            let reached: HashSet<Oid> = graph.reaches(tip, &commits).unwrap().into_iter().collect();
            assert_eq!(reached, tip_reach, "reaches");
        }
        if honest {
            for _ in 0..10 {
                let (tip, base) = (commits[39 - dice.roll(5)], commits[dice.roll(30)]);
                let mut graph = Graph::new(&store);
                let range = graph.range(tip, Some(base)).unwrap();
                let got: HashSet<Oid> = range
                    .commits
                    .iter()
                    .map(|n| graph.oid(*n).unwrap())
                    .collect();
                assert_eq!(got, rev_list(&repo, &[tip.to_string(), format!("^{base}")]));
            }
        }
    }
}

fn assert_children_first(graph: &mut Graph<'_>, commits: &[Node]) {
    let mut seen = HashSet::new();
    for node in commits {
        for parent in graph.parents(*node).unwrap().iter() {
            assert!(!seen.contains(parent), "a parent before its child");
        }
        seen.insert(*node);
    }
}

#[test]
fn merge_bases_are_git_s() {
    let mut several = 0;
    for seed in 10..14u64 {
        let repo = Repo::new();
        let mut dice = Dice(seed);
        let commits = history(&repo, &mut dice, 30, seed % 2 == 0);
        let store = repo.store();
        let mut graph = Graph::new(&store);
        for _ in 0..40 {
            let left = commits[dice.roll(commits.len())];
            let right = commits[dice.roll(commits.len())];
            let got: HashSet<Oid> = graph
                .merge_bases(left, right)
                .unwrap()
                .into_iter()
                .collect();
            several += usize::from(got.len() > 1);
            let (_, out, _) = repo.try_git(
                &["merge-base", "--all", &left.to_string(), &right.to_string()],
                b"",
            );
            let want = out
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty());
            let want: HashSet<Oid> = want.map(|line| Oid::from_hex(line).unwrap()).collect();
            assert_eq!(got, want);
        }
    }
    assert!(several > 5, "the histories have to be tangled: {several}");
}

#[test]
fn g_13_a_missing_parent_is_not_the_end_of_history() {
    let repo = Repo::new();
    let tree = repo.tree(&[]);
    let oid = nowhere();
    let cut = repo.commit(tree, &[oid], 1, "cut");
    let tip = repo.commit(tree, &[cut], 2, "tip");
    let store = repo.store();
    assert_eq!(
        Graph::new(&store).range(tip, None).unwrap_err(),
        Fault::Missing { oid }
    );
}

#[test]
fn g_14_a_commit_graph_file_is_not_asked() {
    let repo = Repo::new();
    let tree = repo.tree(&[]);
    let one = repo.commit(tree, &[], 1, "one");
    let two = repo.commit(tree, &[one], 2, "two");
    let three = repo.commit(tree, &[two], 3, "three");
    repo.set_ref("refs/heads/prod", three);
    repo.git(&["commit-graph", "write", "--reachable"]);
    let path = repo.path().join("objects/info/commit-graph");
    let mut bytes = std::fs::read(&path).unwrap();
    // The parent column of every commit in the data chunk now says "none".
    let trees: Vec<usize> = (0..bytes.len() - 20)
        .filter(|at| &bytes[*at..at + 20] == tree.as_bytes())
        .collect();
    assert_eq!(trees.len(), 3);
    for at in trees {
        bytes[at + 20..at + 24].copy_from_slice(&0x7000_0000u32.to_be_bytes());
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let lied = repo.try_git(&["rev-list", "--count", "prod"], b"");
    assert_eq!(lied.1, b"1\n", "git believes the forged file");
    let store = repo.store();
    let range = Graph::new(&store).range(three, None).unwrap();
    assert_eq!(range.commits.len(), 3);
}

#[test]
fn x_04_a_range_past_the_limit_is_refused() {
    let repo = Repo::new();
    let tree = repo.tree(&[]);
    let mut tip = repo.commit(tree, &[], 1, "root");
    for number in 0..10 {
        tip = repo.commit(tree, &[tip], number, "more");
    }
    let limits = Limits {
        commits: 11,
        ..Limits::default()
    };
    let store = repo.store().with_limits(limits);
    assert_eq!(
        Graph::new(&store).range(tip, None).unwrap().commits.len(),
        11
    );
    for (commits, history) in [(10, 100), (3, 100), (100, 10)] {
        let limits = Limits {
            commits,
            history,
            ..Limits::default()
        };
        let store = repo.store().with_limits(limits);
        let range = Graph::new(&store).range(tip, None);
        assert!(matches!(range, Err(Fault::TooLarge { .. })));
    }
}

#[test]
fn a_push_on_top_of_a_long_history_reads_little_of_it() {
    let repo = Repo::new();
    let tree = repo.tree(&[]);
    let mut prod = vec![repo.commit(tree, &[], 1, "root")];
    for number in 2..300 {
        prod.push(repo.commit(tree, &[*prod.last().unwrap()], number, "more"));
    }
    let fork = prod[290];
    let base = *prod.last().unwrap();
    let dated_back = repo.commit(tree, &[fork], 0, "from 1970, it says");
    let merge = repo.commit(tree, &[base, dated_back], 400, "merge");
    let store = repo.store();
    let mut graph = Graph::new(&store);
    assert_eq!(graph.range(merge, Some(base)).unwrap().commits.len(), 2);
    let read = graph.links.iter().filter(|links| links.is_some()).count();
    assert!(read < 40, "{read} commits were read");
}
