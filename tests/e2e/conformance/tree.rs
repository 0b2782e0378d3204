//! What arrives is the accepted tree.

use super::Kind;
use super::scene::{Scene, same};
use crate::release_kit::{PROGRAM, refused, released};

/// Whatever is in the tree is there, to the byte, and nothing else.
pub fn exactly_the_tree_arrives<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let big = "0123456789abcd\r\n".repeat(5 * 65_536);
    let files = [
        ("index.html", "one\r\ntwo\nthree\r"),
        ("zero", "\0\0\u{1a}\0"),
        ("empty", ""),
        ("big.iso", &big),
        ("nested/deep/er/and/deeper/page.html", "deep"),
        ("nested/page.html", "less deep"),
        ("a folder/a file & more+%20#?.txt", "odd"),
        ("été/Ω/日本語.html", "text"),
        ("-rf", "no option"),
        (".well-known/security.txt", "seen"),
        (".gitignore", "git's own"),
        (".github/workflows/x.yml", "git's own"),
    ];
    let mut entries: Vec<(u32, &[u8], &[u8])> = files
        .iter()
        .map(|(path, content)| (0o100_644, path.as_bytes(), content.as_bytes()))
        .collect();
    entries.push((PROGRAM, b"cgi/run", b"#!/bin/sh\n"));
    let commit = scene.bench.commit_modes(&entries);
    let order = scene.order(commit);
    let totals = released(scene.release(&order));
    assert_eq!((totals.uploaded, totals.deleted), (11, 0));
    let mut wanted = files[..10].to_vec();
    wanted.push(("cgi/run", "#!/bin/sh\n"));
    scene.holds(&wanted);
}

/// Names change what they are, both ways, at several depths.
pub fn a_file_becomes_a_folder_and_back<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let file = [
        ("x", "file"),
        ("d/y", "file"),
        ("d/z/p/q", "deep"),
        ("s", "1"),
    ];
    let folder = [
        ("x/a/b", "inside"),
        ("x/c", "inside"),
        ("d/y/x", "inside"),
        ("d/z", "file"),
        ("s", "1"),
    ];
    scene.arrives(&file);
    scene.arrives(&folder);
    scene.arrives(&file);
}

/// A name that the place cannot hold is refused with all others of the kind, and nobody is asked.
pub fn u_01_u_02_what_it_cannot_hold_is_refused_unasked<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let files: [(u32, &[u8], &[u8]); 5] = [
        (0o100_644, b"fine", b"1"),
        (0o100_644, K::NATURE.unholdable, b"1"),
        (0o100_644, b"a\r\nDELE fine", b"1"),
        (0o100_644, b"b\\..\\c", b"1"),
        (0o100_644, b".relhook-manifest.json", b"{}"),
    ];
    let commit = scene.bench.commit_modes(&files);
    let order = scene.order(commit);
    // Nobody is there to be asked.
    scene.kind.leaves();
    let said = refused(scene.release(&order), 601);
    scene.kind.returns();
    for part in ["a\\x0d\\x0aDELE fine", "b\\..\\c", ".relhook-manifest.json"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(said.lines().filter(|line| line.contains("fine")).count(), 1);
    assert_eq!(said.lines().count(), 5, "{said}");
    same(&scene.kind.found(), &scene.expected(&[]));
    assert!(matches!(scene.kind.sent(), Ok(0) | Err(_)));
}
