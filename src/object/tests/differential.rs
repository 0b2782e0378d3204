//! What is read of a commit beside what git reads of it.

use super::tree::Numbers;
use super::*;
use std::collections::BTreeSet;

/// A commit that git would write, or one changed in a few bytes.
fn candidate(numbers: &mut Numbers) -> Vec<u8> {
    let tree = format!("tree {TREE}");
    let parent = format!("parent {ONE}");
    let sig = gpgsig(ARMOR);
    let names = ["Dana Dev", "Jos\u{e9} O'Neil, Jr.", "x", "a.b (c)"];
    let author = format!(
        "author {} <{}@example.org> {} {}{:04}",
        names[numbers.below(4)],
        numbers.below(10),
        numbers.below(2_000_000_000),
        ["+", "-"][numbers.below(2)],
        numbers.below(1200),
    );
    let mut headers = vec![tree.as_str()];
    headers.extend((numbers.below(2) == 0).then_some(parent.as_str()));
    headers.extend([author.as_str(), COMMITTER]);
    headers.extend((numbers.below(3) == 0).then_some("encoding ISO-8859-1"));
    headers.extend((numbers.below(3) == 0).then_some(sig.as_str()));
    let mut raw = commit_of(
        &headers,
        "title\n\nbody \u{e9}\n\n\nCo-authored-by: Bob <bob@x>\n",
    );
    // git's formats re-encode such a commit, whatever one asks of them: compare plain ASCII there.
    if raw.windows(9).any(|window| window == b"encoding ") {
        raw.retain(u8::is_ascii);
    }
    const BYTES: [u8; 16] = *b"\n\n  <>\r\0\x1b+-09:ta";
    for _ in 0..numbers.below(4) {
        let at = numbers.below(raw.len());
        match numbers.below(3) {
            0 => raw[at] = BYTES[numbers.below(16)],
            1 => raw.insert(at, BYTES[numbers.below(16)]),
            _ => drop(raw.remove(at)),
        }
    }
    raw
}

/// What git says of a commit: its tree, parents, people, times and message, raw.
const FORMAT: &str = "--format=%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B";

fn as_git_shows(commit: &Commit) -> [Vec<u8>; 9] {
    let parents: Vec<String> = commit.parents.iter().map(ToString::to_string).collect();
    [
        commit.tree.to_string().into(),
        parents.join(" ").into(),
        commit.author.name.clone(),
        commit.author.email.clone(),
        commit.author.claimed_seconds.to_string().into(),
        commit.committer.name.clone(),
        commit.committer.email.clone(),
        commit.committer.claimed_seconds.to_string().into(),
        commit.message.clone(),
    ]
}

#[test]
fn git_reads_the_same_of_every_commit_that_is_read() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let raws: BTreeSet<Vec<u8>> = (0..3000).map(|_| candidate(&mut numbers)).collect();
    let read: Vec<(Vec<u8>, Commit)> = raws
        .into_iter()
        .filter_map(|raw| Commit::parse(&raw).ok().map(|commit| (raw, commit)))
        .collect();
    assert!(read.len() > 900 && read.len() < 2500, "{}", read.len());
    let git = Git::new();
    let raws: Vec<Vec<u8>> = read.iter().map(|(raw, _)| raw.clone()).collect();
    let ids = git.store("commit", &raws);
    let input = ids.join("\n") + "\n";
    let order = "--no-walk=unsorted";
    let args = [
        "log",
        order,
        "--stdin",
        "-z",
        "--encoding=none",
        "--no-mailmap",
        FORMAT,
    ];
    let output = git.run_with(&args, input.as_bytes());
    let output = output.strip_suffix(b"\0").unwrap();
    let fields: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
    assert_eq!(fields.len(), read.len() * 9);
    for ((raw, commit), shown) in read.iter().zip(fields.chunks(9)) {
        assert_eq!(as_git_shows(commit), shown, "{}", raw.escape_ascii());
    }
}

#[test]
fn o_01_to_o_06_git_itself_is_misled_by_what_is_refused() {
    let git = Git::new();
    let tree = format!("tree {TREE}");
    let bob = "author Bob <bob@example.org> 1 +0000";
    let parent = format!("parent {ONE}");
    let shows = |headers: &[&str], format: &str| {
        let raw = commit_of(headers, "title\n");
        assert!(Commit::parse(&raw).is_err());
        let id = git.store("commit", &[raw]).remove(0);
        let args = ["log", "--no-walk", &format!("--format={format}"), &id];
        String::from_utf8(git.run(&args)).unwrap().trim().to_owned()
    };
    assert_eq!(shows(&[&tree, AUTHOR, bob, COMMITTER], "%an"), "Bob");
    assert_eq!(shows(&[&tree, AUTHOR, COMMITTER, &parent], "%P"), "");
    assert_eq!(shows(&[&tree, COMMITTER], "%an"), "");
    assert_eq!(
        shows(&[&tree, "author Bob\0 <b@x> 1 +0000", COMMITTER], "%an"),
        ""
    );
}
