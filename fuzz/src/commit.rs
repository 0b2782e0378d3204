//! Commits: the strict grammar over raw bytes.

use relhook::object::{Commit, Ident};

/// A commit that is read is read the same after it was written again, and by libgit2; its
/// signature covers everything but itself.
pub fn holds(data: &[u8]) {
    let commit = match Commit::parse(data) {
        Ok(commit) => commit,
        Err(error) => return super::is_harmless(&error),
    };
    let again = Commit::parse(&written(&commit)).expect("what is written is read");
    assert_eq!(facts(&again), facts(&commit));
    if let Some(signature) = &commit.signature {
        let bare = Commit::parse(&signature.payload).expect("the payload is a commit");
        assert_eq!(facts(&bare), facts(&commit));
        assert!(bare.signature.is_none());
        let size = signature.payload.len() + signature.armor.len();
        assert!(size < data.len(), "signed and signature are parts of it");
    }
    libgit2_agrees(data, &commit);
    super::message::holds(&commit.message);
}

/// The commit as git writes it, without what is not kept: zones, merged tags, the signature.
fn written(commit: &Commit) -> Vec<u8> {
    let mut raw = format!("tree {}\n", commit.tree).into_bytes();
    for parent in &commit.parents {
        raw.extend(format!("parent {parent}\n").bytes());
    }
    for (header, ident) in [
        (&b"author "[..], &commit.author),
        (b"committer ", &commit.committer),
    ] {
        raw.extend(header);
        raw.extend(line(ident));
        raw.push(b'\n');
    }
    raw.push(b'\n');
    raw.extend(&commit.message);
    raw
}

pub(crate) fn line(ident: &Ident) -> Vec<u8> {
    let mut line = ident.name.clone();
    line.extend(b" <");
    line.extend(&ident.email);
    line.extend(format!("> {} +0000", ident.claimed_seconds).bytes());
    line
}

fn facts(commit: &Commit) -> Commit {
    Commit {
        signature: None,
        ..commit.clone()
    }
}

fn libgit2_agrees(data: &[u8], commit: &Commit) {
    super::with_libgit2(|repository| {
        let odb = repository.odb().expect("the store");
        let oid = odb.write(git2::ObjectType::Commit, data).expect("stored");
        let theirs = repository.find_commit(oid).expect("libgit2 reads it too");
        assert_eq!(theirs.tree_id().as_bytes(), commit.tree.as_bytes());
        let parents: Vec<Vec<u8>> = theirs
            .parent_ids()
            .map(|parent| parent.as_bytes().to_vec())
            .collect();
        let ours: Vec<Vec<u8>> = commit
            .parents
            .iter()
            .map(|parent| parent.as_bytes().to_vec())
            .collect();
        assert_eq!(parents, ours);
        is_same(&theirs.author(), &commit.author);
        is_same(&theirs.committer(), &commit.committer);
        assert_eq!(theirs.message_raw_bytes(), commit.message);
    });
}

/// libgit2 drops some punctuation around names and addresses when it reads them. git drops it when
/// it writes and shows it when it reads, and so does relhook: it compares whole addresses.
fn is_same(theirs: &git2::Signature<'_>, ours: &Ident) {
    let punctuation = |byte: u8| byte <= b' ' || b".,:;<>\"\\'".contains(&byte);
    let plain = |text: &[u8]| {
        let start = text.iter().position(|byte| !punctuation(*byte));
        let end = text.iter().rposition(|byte| !punctuation(*byte));
        start
            .zip(end)
            .map(|(start, end)| text[start..=end].to_vec())
    };
    assert_eq!(plain(theirs.email_bytes()), plain(&ours.email));
    assert_eq!(plain(theirs.name_bytes()), plain(&ours.name));
}
