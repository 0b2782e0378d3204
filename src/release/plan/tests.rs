//! The plan's laws, on hand-made and on random trees.

use super::*;
use proptest::prelude::*;

fn oid(n: u8) -> Oid {
    Oid::from_bytes(&[n.saturating_add(1); 20]).unwrap()
}

fn path(text: &str) -> RepoPath {
    RepoPath::new(text.as_bytes().to_vec())
}

fn listing(files: &[(&str, u8)]) -> Listing {
    let files = files.iter().map(|(name, blob)| {
        let file = ReleaseFile {
            path: path(name),
            kind: FileKind::File,
            blob: oid(*blob),
            size: 1,
            origin: Origin::Blob,
        };
        (file.path.clone(), file)
    });
    Listing {
        files: files.collect(),
    }
}

fn holding(files: &[(&str, u8)], dirs: &[&str]) -> Holding {
    let files = files.iter().map(|(name, blob)| {
        let content = Content {
            blob: oid(*blob),
            size: 1,
            sha256: String::new(),
        };
        (path(name), Held::Known(content))
    });
    Holding {
        files: files.collect(),
        dirs: dirs.iter().map(|dir| path(dir)).collect(),
    }
}

fn names(paths: &[RepoPath]) -> Vec<String> {
    paths.iter().map(ToString::to_string).collect()
}

#[test]
fn only_changed_files_travel_and_only_our_files_go() {
    let plan = plan(
        &listing(&[("a", 1), ("b", 2), ("new/deep/c", 3)]),
        &holding(&[("a", 1), ("b", 9), ("old/x", 4)], &["old", "new"]),
    );
    let puts: Vec<String> = plan.puts.iter().map(|file| file.path.to_string()).collect();
    assert_eq!(puts, ["b", "new/deep/c"]);
    assert_eq!(names(&plan.dirs), ["new", "new/deep"]);
    assert_eq!(names(&plan.deletes), ["old/x"]);
    assert_eq!(names(&plan.spare_dirs), ["old"]);
    assert_eq!(plan.unchanged, 1);
    assert!(plan.blocking_files.is_empty() && plan.blocking_contents.is_empty());
}

#[test]
fn a_file_that_becomes_a_directory_goes_first() {
    let plan = plan(
        &listing(&[("a/b", 1)]),
        &holding(&[("a", 1), ("z", 1)], &[]),
    );
    assert_eq!(names(&plan.blocking_files), ["a"]);
    assert_eq!(names(&plan.deletes), ["z"]);
}

#[test]
fn a_directory_that_becomes_a_file_is_emptied_before_the_renames() {
    let plan = plan(
        &listing(&[("a", 1)]),
        &holding(&[("a/b/c", 1), ("a/d", 2)], &["a", "a/b"]),
    );
    assert_eq!(names(&plan.blocking_contents), ["a/b/c", "a/d"]);
    assert_eq!(names(&plan.blocking_dirs), ["a/b", "a"]);
    assert!(plan.spare_dirs.is_empty() && plan.deletes.is_empty());
}

#[test]
fn a_directory_that_stayed_for_others_makes_room_for_a_file_too() {
    let held = holding(&[("z", 1)], &["a", "a/b", "c"]);
    let plan = plan(&listing(&[("a", 1), ("z", 1)]), &held);
    assert_eq!(names(&plan.blocking_dirs), ["a/b", "a"]);
    assert_eq!(names(&plan.spare_dirs), ["c"]);
    assert!(!plan.leaves_files_alone());
    let still = super::plan(&listing(&[("z", 1)]), &held);
    assert!(still.leaves_files_alone() && !still.is_empty());
}

#[test]
fn what_is_uncertain_is_sent_again_and_still_ours() {
    let mut held = holding(&[("a", 1)], &[]);
    held.files.insert(path("a"), Held::Uncertain);
    held.files.insert(path("b"), Held::Uncertain);
    let plan = plan(&listing(&[("a", 1)]), &held);
    assert_eq!(plan.puts.len(), 1);
    assert_eq!(names(&plan.deletes), ["b"]);
}

/// Files at random paths of which none lies below another.
fn tree() -> impl Strategy<Value = Vec<(String, u8)>> {
    proptest::collection::btree_map("[ab](/[ab]){0,3}", 0u8..4, 0..8).prop_map(|files| {
        let all: Vec<String> = files.keys().cloned().collect();
        files
            .into_iter()
            .filter(|(name, _)| {
                !all.iter()
                    .any(|other| other.starts_with(&format!("{name}/")))
            })
            .collect()
    })
}

fn pairs(files: &[(String, u8)]) -> Vec<(&str, u8)> {
    files
        .iter()
        .map(|(name, blob)| (name.as_str(), *blob))
        .collect()
}

/// A file system of names, in which the plan is carried out step by step.
#[derive(Default)]
struct Disk {
    files: BTreeMap<RepoPath, Oid>,
    dirs: BTreeSet<RepoPath>,
}

impl Disk {
    fn remove(&mut self, path: &RepoPath) {
        assert!(self.files.remove(path).is_some(), "{path} was not there");
    }

    fn remove_dir(&mut self, dir: &RepoPath) -> bool {
        let below = [dir.as_bytes(), b"/"].concat();
        let used = |path: &RepoPath| path.as_bytes().starts_with(&below);
        if self.files.keys().any(used) || self.dirs.iter().any(used) {
            return false;
        }
        assert!(self.dirs.remove(dir), "{dir} was not there");
        true
    }

    fn put(&mut self, file: &ReleaseFile) {
        assert!(
            !self.dirs.contains(&file.path),
            "{} is a directory",
            file.path
        );
        for dir in ancestors(&file.path) {
            assert!(self.dirs.contains(&dir), "{dir} is not there");
        }
        self.files.insert(file.path.clone(), file.blob);
    }
}

proptest! {
    #[test]
    fn carried_out_in_order_the_plan_gives_the_tree_and_keeps_foreign_files(
        before in tree(), after in tree()
    ) {
        let dirs: BTreeSet<RepoPath> = before.iter().flat_map(|(name, _)| ancestors(&path(name))).collect();
        let dir_names: Vec<String> = dirs.iter().map(ToString::to_string).collect();
        let dir_refs: Vec<&str> = dir_names.iter().map(String::as_str).collect();
        let held = holding(&pairs(&before), &dir_refs);
        let wanted = listing(&pairs(&after));
        let mut disk = Disk { dirs, ..Disk::default() };
        disk.files = before.iter().map(|(name, blob)| (path(name), oid(*blob))).collect();
        let foreign = path("foreign/file");
        disk.dirs.insert(path("foreign"));
        disk.files.insert(foreign.clone(), oid(7));

        let plan = plan(&wanted, &held);
        plan.blocking_files.iter().for_each(|gone| disk.remove(gone));
        disk.dirs.extend(plan.dirs.iter().cloned());
        plan.blocking_contents.iter().for_each(|gone| disk.remove(gone));
        for dir in &plan.blocking_dirs {
            prop_assert!(disk.remove_dir(dir));
        }
        plan.puts.iter().for_each(|file| disk.put(file));
        plan.deletes.iter().for_each(|gone| disk.remove(gone));
        for dir in &plan.spare_dirs {
            prop_assert!(disk.remove_dir(dir));
        }

        prop_assert_eq!(disk.files.remove(&foreign), Some(oid(7)));
        let got: Vec<(RepoPath, Oid)> = disk.files.into_iter().collect();
        let want: Vec<(RepoPath, Oid)> = wanted.files.values().map(|file| (file.path.clone(), file.blob)).collect();
        prop_assert_eq!(got, want);
        let needed: BTreeSet<RepoPath> = wanted.files.keys().flat_map(ancestors).chain([path("foreign")]).collect();
        prop_assert_eq!(disk.dirs, needed);
    }
}
