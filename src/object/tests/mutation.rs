//! No bytes, however odd, make a reader panic; what it reads holds what it promises.

use super::*;
use proptest::prelude::*;

fn tag_of(message: &str) -> Vec<u8> {
    let tagger = AUTHOR.replace("author", "tagger");
    let object = format!("object {ONE}");
    commit_of(&[&object, "type commit", "tag v1", &tagger], message)
}

/// Bytes that mean something to the grammars, so that random text gets far into them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..8),
        prop::sample::select(vec![
            &b"\n"[..],
            b" ",
            b"\0",
            b"\r",
            b"tree ",
            b"parent ",
            b"gpgsig ",
            b"mergetag ",
            b"<",
            b"> ",
            b"100644 a\0",
            b"40000 a\0",
            b"Co-authored-by: ",
            b"Relhook-Approve: ",
            b"\xe2\x80\x8b",
            b"=",
            b":",
            b"-----BEGIN SSH SIGNATURE-----\n",
            b"-----END SSH SIGNATURE-----\n",
            b"11111111111111111111",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// One of the bases with a piece of it replaced.
fn mutated(bases: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (
        prop::sample::select(bases),
        any::<prop::sample::Index>(),
        0..12usize,
        bytes(),
    )
        .prop_map(|(mut raw, at, len, piece)| {
            let start = at.index(raw.len() + 1);
            let end = (start + len).min(raw.len());
            raw.splice(start..end, piece);
            raw
        })
}

fn commits() -> Vec<Vec<u8>> {
    let tree = format!("tree {TREE}");
    let parent = format!("parent {ONE}");
    let sig = gpgsig(ARMOR);
    vec![
        commit_of(&[&tree, AUTHOR, COMMITTER], "t\n"),
        commit_of(
            &[&tree, &parent, AUTHOR, COMMITTER, "encoding latin1", &sig],
            "t\n\nA: b\n",
        ),
    ]
}

fn check_commit(raw: &[u8]) {
    let Ok(commit) = Commit::parse(raw) else {
        return;
    };
    assert!(raw.ends_with(&commit.message));
    assert!(!raw.contains(&0));
    if let Some(signature) = &commit.signature {
        assert!(signature.payload.len() < raw.len());
        let unsigned = Commit::parse(&signature.payload).unwrap();
        assert_eq!(
            Commit {
                signature: None,
                ..commit.clone()
            },
            unsigned
        );
    }
}

fn check_tag(raw: &[u8]) {
    let Ok(tag) = Tag::parse(raw) else {
        return;
    };
    if let Some(signature) = tag.signature {
        assert_eq!([signature.payload.clone(), signature.armor].concat(), raw);
        assert_eq!(Tag::parse(&signature.payload).unwrap().message, tag.message);
    }
}

fn check_tree(raw: &[u8]) {
    let Ok(entries) = parse_tree(raw) else {
        return;
    };
    let names: std::collections::BTreeSet<_> = entries.iter().map(|entry| &entry.name).collect();
    assert_eq!(names.len(), entries.len());
}

fn check_text(message: &[u8]) {
    let (before, last) = split_last_paragraph(message);
    assert!(before.len() + last.len() <= message.len());
    if let Ok(all) = trailers(message) {
        assert!(all.iter().count() > 0);
    }
    for author in co_authors(message) {
        match author {
            CoAuthor::Named { email, .. } => assert!(!email.is_empty()),
            CoAuthor::Unreadable { line } => assert!(!line.is_empty()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn random_bytes_are_read_or_refused(raw in bytes()) {
        check_commit(&raw);
        check_tag(&raw);
        check_tree(&raw);
        check_text(&raw);
    }

    #[test]
    fn changed_commits_are_read_or_refused(raw in mutated(commits())) {
        check_commit(&raw);
    }

    #[test]
    fn changed_tags_are_read_or_refused(
        raw in mutated(vec![tag_of("t\n"), tag_of(&format!("t\n\nA: b\n{ARMOR}"))])
    ) {
        check_tag(&raw);
    }

    #[test]
    fn changed_trees_are_read_or_refused(
        raw in mutated(vec![[
            super::tree::entry("100644", b"a"),
            super::tree::entry("100644", b"a.b"),
            super::tree::entry("40000", b"b"),
        ].concat()])
    ) {
        check_tree(&raw);
    }

    #[test]
    fn changed_messages_are_read_or_refused(
        raw in mutated(vec![b"t\n\nbody\n\nA: b\nCo-authored-by: Bob <bob@x>\n".to_vec()])
    ) {
        check_text(&raw);
    }
}
