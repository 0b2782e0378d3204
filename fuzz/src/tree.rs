//! Trees: the strict grammar over raw bytes.

use relhook::object::{TreeEntryKind, parse_tree, tree_entries};
use std::collections::BTreeSet;

/// A tree that is read is written to the same bytes, names nothing twice, and libgit2 lists the
/// same of it.
pub fn holds(data: &[u8]) {
    let entries = match parse_tree(data) {
        Ok(entries) => entries,
        Err(error) => return super::is_harmless(&error),
    };
    assert_eq!(tree_entries(data).count(), entries.len());
    let mut raw = Vec::new();
    let mut names = BTreeSet::new();
    for entry in &entries {
        raw.extend(mode(entry.kind).bytes());
        raw.push(b' ');
        raw.extend(&entry.name);
        raw.push(0);
        raw.extend(entry.oid.as_bytes());
        assert!(names.insert(&entry.name), "twice");
    }
    assert_eq!(raw, data);
    super::with_libgit2(|repository| {
        let odb = repository.odb().expect("the store");
        let oid = odb.write(git2::ObjectType::Tree, data).expect("stored");
        let tree = repository.find_tree(oid).expect("libgit2 reads it too");
        assert_eq!(tree.len(), entries.len());
        for (theirs, ours) in tree.iter().zip(&entries) {
            assert_eq!(theirs.name_bytes(), ours.name);
            assert_eq!(theirs.id().as_bytes(), ours.oid.as_bytes());
            assert_eq!(format!("{:o}", theirs.filemode_raw()), mode(ours.kind));
        }
    });
}

fn mode(kind: TreeEntryKind) -> &'static str {
    match kind {
        TreeEntryKind::Tree => "40000",
        TreeEntryKind::File => "100644",
        TreeEntryKind::Executable => "100755",
        TreeEntryKind::Symlink => "120000",
        TreeEntryKind::Submodule => "160000",
    }
}
