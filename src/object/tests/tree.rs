//! The grammar of trees, against the tricks of the catalogue and against `git fsck`.

use super::*;
use std::collections::BTreeSet;

pub(super) fn entry(mode: &str, name: &[u8]) -> Vec<u8> {
    let mut raw = mode.as_bytes().to_vec();
    raw.push(b' ');
    raw.extend_from_slice(name);
    raw.push(0);
    raw.extend_from_slice(&[0x11; 20]);
    raw
}

fn tree(entries: &[(&str, &str)]) -> Vec<u8> {
    let raw = entries
        .iter()
        .map(|(mode, name)| entry(mode, name.as_bytes()));
    raw.collect::<Vec<_>>().concat()
}

fn refusal(entries: &[(&str, &str)]) -> ObjectError {
    parse_tree(&tree(entries)).unwrap_err()
}

fn names(entries: &[(&str, &str)]) -> Result<Vec<String>, ObjectError> {
    let read = parse_tree(&tree(entries))?;
    Ok(read
        .into_iter()
        .map(|entry| String::from_utf8(entry.name).unwrap())
        .collect())
}

#[test]
fn reads_what_git_writes() {
    let entries = [
        ("100644", "a"),
        ("100644", "a.b"),
        ("40000", "a.c"),
        ("120000", "b"),
        ("160000", "c"),
        ("100755", "d"),
    ];
    let read = parse_tree(&tree(&entries)).unwrap();
    let kinds: Vec<TreeEntryKind> = read.iter().map(|entry| entry.kind).collect();
    use TreeEntryKind::{Executable, File, Submodule, Symlink, Tree};
    assert_eq!(kinds, [File, File, Tree, Symlink, Submodule, Executable]);
    assert_eq!(read[0].oid.to_string(), ONE);
    assert_eq!(parse_tree(b""), Ok(Vec::new()));
    assert_eq!(
        names(&[("100644", "a-"), ("40000", "a"), ("100644", "a0")]).unwrap(),
        ["a-", "a", "a0"]
    );
}

#[test]
fn o_11_names_that_step_or_are_git_itself() {
    let git = [
        ".git",
        ".GIT",
        ".Git",
        "git~1",
        "GIT~1",
        ".git.",
        ".git ",
        ".git . .",
        "git~1.",
        ".git::$INDEX_ALLOCATION",
        ".git:x",
        ".g\u{200c}it",
        "\u{feff}.git",
        ".gi\u{206a}T",
        "x\\.git",
        ".git\\config",
        "a\\git~1\\b",
    ];
    for name in git {
        let (name, why) = (name.to_owned(), "is a spelling of `.git`");
        let error = refusal(&[("100644", &name)]);
        let name = crate::types::escape(name.as_bytes());
        assert_eq!(error, ObjectError::EntryName { name, why });
    }
    for name in [".", ".."] {
        let (name, why) = (name.to_owned(), "is a step, not a name");
        assert_eq!(
            refusal(&[("40000", &name)]),
            ObjectError::EntryName { name, why }
        );
    }
    for good in [
        ".gitignore",
        "git",
        "git~2",
        ".git2",
        "x.git",
        ".gi",
        "git~",
        "...",
        ".g\u{e9}it",
        " .git",
    ] {
        assert!(names(&[("100644", good)]).is_ok(), "{good}");
    }
}

#[test]
fn o_12_a_slash_in_a_name() {
    for name in ["../../etc/cron.d/x", "/etc/x", "a/", "/"] {
        let (name, why) = (name.to_owned(), "holds a slash");
        assert_eq!(
            refusal(&[("100644", &name)]),
            ObjectError::EntryName { name, why }
        );
    }
    let (name, why) = (String::new(), "has no name");
    assert_eq!(
        refusal(&[("100644", "")]),
        ObjectError::EntryName { name, why }
    );
}

#[test]
fn o_13_duplicate_entries() {
    let name = "a".to_owned();
    assert_eq!(
        refusal(&[("100644", "a"), ("100644", "a")]),
        ObjectError::DuplicateEntry { name }
    );
    let name = "a".to_owned();
    assert_eq!(
        refusal(&[("40000", "a"), ("40000", "a")]),
        ObjectError::DuplicateEntry { name }
    );
}

#[test]
fn o_14_a_file_and_a_folder_of_one_name() {
    let between: [&[(&str, &str)]; 5] = [
        &[],
        &[("100644", "a.b")],
        &[
            ("100644", "a-"),
            ("100644", "a-b"),
            ("40000", "a-b-"),
            ("100644", "a."),
        ],
        &[("40000", "a!"), ("100644", "a+")],
        &[("100644", "a "), ("100644", "a !"), ("100644", "a !!")],
    ];
    for middle in between {
        for kind in ["100644", "120000", "160000"] {
            let mut entries = vec![(kind, "a")];
            entries.extend_from_slice(middle);
            entries.push(("40000", "a"));
            let name = "a".to_owned();
            assert_eq!(refusal(&entries), ObjectError::DuplicateEntry { name });
            entries.pop();
            entries.push(("40000", "ab"));
            assert!(names(&entries).is_ok());
        }
    }
}

#[test]
fn o_15_unsorted() {
    for entries in [
        [("100644", "b"), ("100644", "a")],
        [("40000", "a"), ("100644", "a-")],
        [("40000", "a"), ("100644", "a.b")],
    ] {
        let name = entries[1].1.to_owned();
        assert_eq!(refusal(&entries), ObjectError::Unsorted { name });
    }
}

#[test]
fn o_16_odd_modes() {
    for mode in [
        "104755", "100600", "100777", "100664", "140000", "040000", "0100644", "", "40000x", "1",
    ] {
        let name = "a".to_owned();
        assert_eq!(
            refusal(&[(mode, "a")]),
            ObjectError::Mode {
                name,
                mode: mode.to_owned()
            }
        );
    }
}

#[test]
fn a_tree_ends_with_an_entry() {
    let whole = tree(&[("100644", "a"), ("100644", "b")]);
    let first = entry("100644", b"a").len();
    for end in 1..whole.len() {
        let read = parse_tree(&whole[..end]);
        assert_eq!(read.is_ok(), end == first, "{end}");
    }
    let mut zero = entry("100644", b"a");
    zero.truncate(9);
    zero.extend_from_slice(&[0; 20]);
    assert_eq!(
        parse_tree(&zero),
        Err(ObjectError::EntryOid { name: "a".into() })
    );
    let mut entries = tree_entries(&whole[..first + 3]);
    assert!(entries.next().unwrap().is_ok());
    assert!(entries.next().unwrap().is_err());
    assert!(entries.next().is_none());
}

#[test]
fn a_tree_has_a_largest_size() {
    let raw: Vec<u8> = (0..=MAX_TREE_ENTRIES)
        .flat_map(|number| entry("100644", format!("{number:07}").as_bytes()))
        .collect();
    let limit = MAX_TREE_ENTRIES;
    assert_eq!(parse_tree(&raw), Err(ObjectError::TooManyEntries { limit }));
    let one_less = raw.len() - entry("100644", b"0000000").len();
    assert_eq!(parse_tree(&raw[..one_less]).unwrap().len(), limit);
}

/// A small number generator, so that the trees are the same in each run.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

#[test]
fn accepts_exactly_the_trees_that_fsck_accepts() {
    const NAMES: [&[u8]; 20] = [
        b"a",
        b"a-",
        b"a-b",
        b"a.",
        b"a.b",
        b"a0",
        b"ab",
        b"b",
        b"\xff",
        b"\xff\xfe",
        b".git",
        b".GIT",
        b"git~1",
        b".gitx",
        b".g\xe2\x80\x8cit",
        b".git::x",
        b"..",
        b".",
        b"x/y",
        b"...",
    ];
    const MODES: [&str; 7] = [
        "100644", "100644", "100644", "40000", "40000", "100755", "040000",
    ];
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let mut trees: BTreeSet<Vec<u8>> = BTreeSet::new();
    while trees.len() < 1500 {
        let span = if numbers.below(4) == 0 {
            NAMES.len()
        } else {
            10
        };
        let mut entries: Vec<(&[u8], &str)> = (0..=numbers.below(6))
            .map(|_| {
                (
                    NAMES[numbers.below(span)],
                    MODES[numbers.below(if span == 10 { 6 } else { 7 })],
                )
            })
            .collect();
        if numbers.below(5) > 0 {
            entries.sort_by_key(|(name, mode)| {
                let behind: &[u8] = if mode.ends_with("40000") { b"/" } else { b"" };
                [*name, behind].concat()
            });
        }
        trees.insert(
            entries
                .iter()
                .flat_map(|(name, mode)| entry(mode, name))
                .collect(),
        );
    }
    let trees: Vec<Vec<u8>> = trees.into_iter().collect();
    let git = Git::new();
    let ids = git.store("tree", &trees);
    let report = git.fsck();
    let mut sound = 0;
    for (raw, id) in trees.iter().zip(&ids) {
        let complaints: Vec<&str> = report
            .lines()
            .filter(|line| {
                line.contains(&format!("in tree {id}")) && !line.ends_with(": broken links")
            })
            .collect();
        let read = parse_tree(raw);
        assert_eq!(
            read.is_ok(),
            complaints.is_empty(),
            "{} {read:?} {complaints:?}",
            raw.escape_ascii()
        );
        sound += usize::from(read.is_ok());
    }
    assert!(sound > 300 && sound < 1200, "{sound}");
}

#[test]
fn lists_what_ls_tree_lists() {
    let git = Git::new();
    let blob = &git.store("blob", &[b"x".to_vec()])[0];
    let mut index = Vec::new();
    for name in [
        "a",
        "a.b",
        "a/b",
        "a-",
        "caf\u{e9}",
        "new\nline",
        "deep/er/x",
        "z",
    ] {
        let name = if name == "a" { "top" } else { name };
        index.extend_from_slice(format!("100644 {blob}\t{name}\0").as_bytes());
    }
    git.run_with(&["update-index", "-z", "--index-info"], &index);
    let id = String::from_utf8(git.run(&["write-tree"])).unwrap();
    let raw = git.raw("tree", id.trim());
    let listed = git.run(&["ls-tree", "-z", "--name-only", id.trim()]);
    let read: Vec<u8> = tree_entries(&raw)
        .flat_map(|entry| [entry.unwrap().name, b"\0"].concat())
        .collect();
    assert_eq!(read, listed);
}
