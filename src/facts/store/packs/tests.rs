//! Packs as git writes them, held against git; and packs as nobody writes them.

use super::*;
use crate::facts::testing::{Dice, Repo};
use crate::facts::{Fault, Store};
use crate::types::Oid;
use flate2::{Compression, write::ZlibEncoder};
use std::io::Write;

const COMMIT: u8 = 1;
const TREE: u8 = 2;
const CHANGES: u8 = 6;
const CHANGES_BY_ID: u8 = 7;

fn packs(repo: &Repo) -> Packs {
    Packs::new(vec![repo.path().join("objects")])
}

/// A history whose trees and files are alike enough to be packed as changes.
fn history(repo: &Repo) {
    let mut dice = Dice(7);
    let mut stream = String::new();
    for number in 0..400 {
        let lines: String = (0..60).map(|_| format!("{}\n", dice.roll(9))).collect();
        stream += &format!("commit refs/heads/prod\nmark :{}\n", number + 1);
        stream += &format!("committer Ann <ann@example.org> {number} +0000\ndata 2\nx\n");
        if number > 0 {
            stream += &format!("from :{number}\n");
        }
        let text = format!("{lines}{}", "the same in all\n".repeat(100));
        let path = format!("{}/{}", dice.roll(20), dice.roll(60));
        stream += &format!("M 644 inline {path}\ndata {}\n{text}\n", text.len());
    }
    repo.git_with(&["fast-import", "--quiet"], stream.as_bytes());
    repo.git_with(&["tag", "-a", "-m", "a tag", "v1", "refs/heads/prod"], b"");
}

/// Every object of a repository: id, kind and length, as git says.
fn all(repo: &Repo) -> Vec<(Oid, ObjectType, usize)> {
    let lines = repo.git(&["cat-file", "--batch-all-objects", "--batch-check"]);
    let text = String::from_utf8(lines).unwrap();
    let objects = text.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let kind = ObjectType::from_str(words[1]).unwrap();
        (words[0].parse().unwrap(), kind, words[2].parse().unwrap())
    });
    objects.collect()
}

#[test]
fn what_git_packs_is_read_as_git_reads_it() {
    for settings in [
        "repack.useDeltaBaseOffset=true",
        "repack.useDeltaBaseOffset=false",
    ] {
        let repo = Repo::new();
        history(&repo);
        let repack = [
            "-c",
            settings,
            "repack",
            "-adfq",
            "--depth=40",
            "--window=20",
        ];
        repo.git(&repack);
        let mut packs = packs(&repo);
        let mut largest_first = all(&repo);
        largest_first.sort_by_key(|(oid, _, len)| (usize::MAX - len, *oid));
        assert!(largest_first.len() > 1000);
        for (oid, kind, len) in largest_first {
            let id = oid.as_bytes();
            assert_eq!(packs.kind(id).unwrap(), Some(kind));
            let Ok(Some(Packed::Bytes(bytes))) = packs.read(id, kind, len) else {
                panic!("{oid} is not read");
            };
            let hash = git2::Oid::hash_object(kind, &bytes).unwrap();
            assert_eq!(hash.as_bytes(), id);
            let other = if kind == ObjectType::Tag {
                ObjectType::Tree
            } else {
                ObjectType::Tag
            };
            let read = packs.read(id, other, len).unwrap();
            assert!(matches!(read, Some(Packed::OtherKind(real)) if real == kind));
        }
    }
}

#[test]
fn x_03_an_object_in_a_pack_past_the_limit_is_not_read() {
    let repo = Repo::new();
    history(&repo);
    repo.git(&["repack", "-adfq", "--depth=40"]);
    for (oid, kind, len) in all(&repo) {
        // Anew for each, so that nothing of it was read before.
        let read = packs(&repo).read(oid.as_bytes(), kind, len - 1).unwrap();
        assert!(matches!(read, Some(Packed::TooLong)), "{oid}");
    }
}

#[test]
fn what_is_not_in_a_pack_is_not_found() {
    let repo = Repo::new();
    let mut none = packs(&repo);
    assert!(none.kind(&[7; 20]).unwrap().is_none());
    history(&repo);
    repo.git(&["repack", "-adq"]);
    let loose = repo.blob(b"loose");
    assert!(packs(&repo).kind(loose.as_bytes()).unwrap().is_none());
    assert_eq!(repo.store().blob_bytes(loose, 10).unwrap(), b"loose");
}

/// An entry of a pack that is written by hand.
struct Entry {
    kind: u8,
    /// The length that it claims.
    size: u64,
    /// What stands before the compressed bytes.
    base: Vec<u8>,
    bytes: Vec<u8>,
}

impl Entry {
    fn whole(kind: u8, bytes: &[u8]) -> Self {
        Self {
            kind,
            size: bytes.len() as u64,
            base: Vec::new(),
            bytes: bytes.to_vec(),
        }
    }

    fn changes(kind: u8, base: &[u8], bytes: &[u8]) -> Self {
        Self {
            base: base.to_vec(),
            ..Self::whole(kind, bytes)
        }
    }

    fn write(&self, pack: &mut Vec<u8>) {
        let mut size = self.size >> 4;
        let mut byte = self.kind << 4 | (self.size & 15) as u8;
        while size > 0 {
            pack.push(byte | 0x80);
            byte = (size & 0x7f) as u8;
            size >>= 7;
        }
        pack.push(byte);
        pack.extend(&self.base);
        let mut deflate = ZlibEncoder::new(pack, Compression::default());
        deflate.write_all(&self.bytes).unwrap();
        deflate.finish().unwrap();
    }
}

/// The id under which the object with this number is found.
fn id(number: usize) -> [u8; 20] {
    [u8::try_from(number + 1).unwrap(); 20]
}

/// Puts a pack with these entries into the repository, each under its number's [`id`].
fn write(repo: &Repo, entries: &[Entry]) -> Packs {
    let count = u32::try_from(entries.len()).unwrap();
    let mut pack = [b"PACK\0\0\0\x02".as_slice(), &count.to_be_bytes()].concat();
    let mut offsets = Vec::new();
    for entry in entries {
        offsets.push(u32::try_from(pack.len()).unwrap());
        entry.write(&mut pack);
    }
    pack.extend([0; 20]);
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..=255 {
        let below = entries.len().min(first);
        index.extend(u32::try_from(below).unwrap().to_be_bytes());
    }
    (0..entries.len()).for_each(|number| index.extend(id(number)));
    index.extend(vec![0; 4 * entries.len()]);
    offsets.iter().for_each(|at| index.extend(at.to_be_bytes()));
    index.extend([0; 40]);
    let folder = repo.path().join("objects/pack");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("pack-x.pack"), pack).unwrap();
    std::fs::write(folder.join("pack-x.idx"), index).unwrap();
    packs(repo)
}

/// Reads the last of these entries.
fn last(entries: &[Entry], limit: usize) -> Result<Option<Packed>, PackError> {
    let repo = Repo::new();
    write(&repo, entries).read(&id(entries.len() - 1), ObjectType::Tree, limit)
}

fn text(found: Result<Option<Packed>, PackError>) -> Vec<u8> {
    match found {
        Ok(Some(Packed::Bytes(bytes))) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// Changes of "abcdef": lengths of both, then the steps.
fn steps(base: u8, len: u8, steps: &[u8]) -> Vec<u8> {
    [&[base, len], steps].concat()
}

fn changed(bytes: &[u8]) -> Result<Option<Packed>, PackError> {
    let base = Entry::whole(TREE, b"abcdef");
    last(&[base, Entry::changes(CHANGES_BY_ID, &id(0), bytes)], 100)
}

#[test]
fn changes_copy_and_add() {
    assert_eq!(text(changed(&steps(6, 3, &[0x91, 2, 3]))), b"cde");
    assert_eq!(text(changed(&steps(6, 2, &[0x90, 2]))), b"ab");
    assert_eq!(text(changed(&steps(6, 3, &[1, b'x', 0x90, 2]))), b"xab");
    assert_eq!(text(changed(&steps(6, 0, &[]))), b"");
}

#[test]
fn changes_that_do_not_fit_are_not_made() {
    for bytes in [
        // Another base, or another result, than they claim.
        steps(5, 2, &[0x90, 2]),
        steps(6, 3, &[0x90, 2]),
        steps(6, 1, &[0x90, 2]),
        // Past the end of the base, or of the steps.
        steps(6, 3, &[0x91, 4, 3]),
        steps(6, 3, &[0x91, 200, 3]),
        steps(6, 3, &[0x91, 2]),
        steps(6, 3, &[3, b'x']),
        // A step that git reserves.
        steps(6, 3, &[0, 0x91, 2, 3]),
        // 64 KB are copied where no length stands.
        steps(6, 6, &[0x80]),
        vec![0x80; 30],
        Vec::new(),
    ] {
        let found = changed(&bytes);
        assert!(
            matches!(found, Err(PackError::Odd(_))),
            "{bytes:?}: {found:?}"
        );
    }
}

#[test]
fn x_03_what_would_unpack_to_gigabytes_is_not_unpacked() {
    let huge = |size| Entry {
        size,
        ..Entry::whole(TREE, b"abcdef")
    };
    let read = last(&[huge(1 << 40)], 100);
    assert!(matches!(read, Ok(Some(Packed::TooLong))), "{read:?}");
    // A short object, as the changes of one that claims to be long; and of such changes.
    let two = steps(6, 2, &[0x90, 2]);
    let read = last(
        &[huge(1 << 40), Entry::changes(CHANGES_BY_ID, &id(0), &two)],
        100,
    );
    assert!(matches!(read, Err(PackError::Bomb)), "{read:?}");
    let long = [
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 2],
        [0x90, 2].as_slice(),
    ]
    .concat();
    let read = changed(&long);
    assert!(matches!(read, Err(PackError::Bomb)), "{read:?}");
    let many = Entry {
        size: 1 << 40,
        ..Entry::changes(CHANGES_BY_ID, &id(0), &two)
    };
    let read = last(&[Entry::whole(TREE, b"abcdef"), many], 100);
    assert!(matches!(read, Err(PackError::Bomb)), "{read:?}");
    // The result itself.
    let read = changed(&steps(6, 101, &[0x90, 2]));
    assert!(matches!(read, Ok(Some(Packed::TooLong))), "{read:?}");
}

#[test]
fn x_03_objects_that_change_each_other_come_to_an_end() {
    let two = steps(6, 2, &[0x90, 2]);
    let entries = [
        Entry::changes(CHANGES_BY_ID, &id(1), &two),
        Entry::changes(CHANGES_BY_ID, &id(0), &two),
    ];
    assert!(matches!(last(&entries, 100), Err(PackError::Bomb)));
    let repo = Repo::new();
    let kind = write(&repo, &entries).kind(&id(0));
    assert!(matches!(kind, Err(PackError::Bomb)), "{kind:?}");
}

#[test]
fn what_is_broken_is_left_to_libgit2() {
    let two = steps(6, 2, &[0x90, 2]);
    let claims = |size| Entry {
        size,
        ..Entry::whole(TREE, b"abcdef")
    };
    for entries in [
        vec![claims(5)],
        vec![claims(7)],
        // Before the pack's beginning, itself, and what is not there.
        vec![Entry::changes(CHANGES, &[0x7f], &two)],
        vec![Entry::changes(CHANGES, &[0], &two)],
        vec![Entry::changes(CHANGES_BY_ID, &id(9), &two)],
    ] {
        let read = last(&entries, 100);
        assert!(matches!(read, Err(PackError::Odd(_))), "{read:?}");
    }
    // Cut off within an entry.
    let repo = Repo::new();
    let mut packs = write(&repo, &[Entry::whole(TREE, &[7; 70_000])]);
    let path = repo.path().join("objects/pack/pack-x.pack");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..40]).unwrap();
    assert!(packs.read(&id(0), ObjectType::Tree, 100_000).is_err());
}

#[test]
fn an_index_that_is_not_whole_is_not_used() {
    let repo = Repo::new();
    history(&repo);
    repo.git(&["repack", "-adq"]);
    let (oid, ..) = all(&repo)[0];
    let folder = repo.path().join("objects/pack");
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths = files.map(|entry| entry.unwrap().path());
    let index = paths.find(|path| is_index(path)).unwrap();
    let bytes = std::fs::read(&index).unwrap();
    std::fs::remove_file(&index).unwrap();
    let found = |bytes: &[u8]| {
        std::fs::write(&index, bytes).unwrap();
        packs(&repo).kind(oid.as_bytes()).unwrap().is_some()
    };
    assert!(found(&bytes));
    assert!(!found(&bytes[..bytes.len() - 1]));
    assert!(!found(&bytes[..100]));
    assert!(!found(b""));
    let damaged = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        bytes
    };
    assert!(!found(&damaged(7, 3)));
    // More ids below the first byte than there are, and another count than the pack's.
    assert!(!found(&damaged(8, 0x7f)));
    assert!(!found(&damaged(
        8 + 255 * 4 + 3,
        bytes[8 + 255 * 4 + 3] ^ 1
    )));
}

#[test]
fn x_03_the_store_believes_no_pack() {
    let repo = Repo::new();
    let real = repo.tree(&[("a", "a")]);
    let kinds = [(COMMIT, "commit"), (TREE, "tree")];
    for (kind, word) in kinds {
        drop(write(&repo, &[Entry::whole(kind, b"abcdef")]));
        let store: Store = repo.store();
        let oid = Oid::from_bytes(&id(0)).unwrap();
        let read = match kind {
            COMMIT => store.commit_bytes(oid),
            _ => store.tree_bytes(oid),
        };
        assert!(
            matches!(read, Err(Fault::Unreadable { .. })),
            "{word}: {read:?}"
        );
        assert!(store.tree_bytes(real).is_ok());
    }
    let base = Entry {
        size: 1 << 40,
        ..Entry::whole(TREE, b"abcdef")
    };
    let two = steps(6, 2, &[0x90, 2]);
    drop(write(
        &repo,
        &[base, Entry::changes(CHANGES_BY_ID, &id(0), &two)],
    ));
    let oid = Oid::from_bytes(&id(1)).unwrap();
    let read = repo.store().tree_bytes(oid);
    assert!(matches!(read, Err(Fault::TooLarge { .. })), "{read:?}");
}

#[test]
fn x_03_an_object_of_no_kind_is_an_error_and_nobody_else_is_asked() {
    for kind in [0, 5] {
        let repo = Repo::new();
        let two = steps(6, 2, &[0x90, 2]);
        drop(write(
            &repo,
            &[
                Entry::whole(kind, b"abcdef"),
                Entry::changes(CHANGES_BY_ID, &id(0), &two),
            ],
        ));
        let store = repo.store();
        for number in 0..2 {
            let oid = Oid::from_bytes(&id(number)).unwrap();
            let told = [
                store.tree_bytes(oid).map(drop),
                store.blob_bytes(oid, 100).map(drop),
                store.header(oid).map(drop),
            ];
            for told in told {
                assert!(matches!(told, Err(Fault::Unreadable { .. })), "{told:?}");
            }
        }
    }
}

/// What a list of packs tells: commits and tags, how many others, and what cannot be told.
type Told = (Vec<[u8; 20]>, usize, Vec<[u8; 20]>);

fn told(packs: &mut Packs) -> Result<Told, PackError> {
    let mut list = packs.list()?.unwrap();
    let (mut named, mut others, mut untold) = (Vec::new(), 0, Vec::new());
    let len = list.len();
    while let Some(next) = packs.next(&mut list) {
        match next? {
            Listed::CommitOrTag(id) => named.push(id),
            Listed::Other => others += 1,
            Listed::Untold(id) => untold.push(id),
        }
    }
    named.sort_unstable();
    assert_eq!(
        named.len() + others + untold.len(),
        usize::try_from(len).unwrap()
    );
    Ok((named, others, untold))
}

#[test]
fn i_12_a_list_of_packs_tells_every_commit_and_tag() {
    for offsets in ["true", "false"] {
        let repo = Repo::new();
        history(&repo);
        let setting = format!("repack.useDeltaBaseOffset={offsets}");
        repo.git(&[
            "-c",
            &setting,
            "repack",
            "-adfq",
            "--depth=40",
            "--window=20",
        ]);
        // A second pack, and one object that is in none.
        repo.git_with(
            &["tag", "-a", "-m", "another", "v2", "refs/heads/prod"],
            b"",
        );
        repo.git(&["repack", "-dq"]);
        let objects = all(&repo);
        let is_told = |kind: &ObjectType| matches!(kind, ObjectType::Commit | ObjectType::Tag);
        let named = objects.iter().filter(|(_, kind, _)| is_told(kind));
        let mut named: Vec<[u8; 20]> = named.map(|(oid, ..)| *oid.as_bytes()).collect();
        named.sort_unstable();
        repo.blob(b"loose");
        let (told, others, untold) = told(&mut packs(&repo)).unwrap();
        assert_eq!(told.len(), 402);
        assert_eq!(told, named);
        assert_eq!(others, objects.len() - named.len());
        assert!(untold.is_empty());
    }
}

#[test]
fn i_12_what_is_changed_may_come_behind_what_is_made_of_it() {
    let two = steps(6, 2, &[0x90, 2]);
    let entries = [
        Entry::changes(CHANGES_BY_ID, &id(2), &two),
        Entry::whole(TREE, b"abcdef"),
        Entry::whole(COMMIT, b"abcdef"),
        Entry::changes(CHANGES_BY_ID, &id(1), &two),
    ];
    let found = told(&mut write(&Repo::new(), &entries)).unwrap();
    assert_eq!(found, (vec![id(0), id(2)], 2, Vec::new()));
}

#[test]
fn i_12_what_cannot_be_told_is_said_so_and_never_left_out() {
    let two = steps(6, 2, &[0x90, 2]);
    let nowhere = [
        Entry::whole(COMMIT, b"abcdef"),
        Entry::changes(CHANGES_BY_ID, &id(9), &two),
        Entry::changes(CHANGES_BY_ID, &id(1), &two),
    ];
    let found = told(&mut write(&Repo::new(), &nowhere)).unwrap();
    assert_eq!(found, (vec![id(0)], 0, vec![id(1), id(2)]));
    let circle = [
        Entry::changes(CHANGES_BY_ID, &id(1), &two),
        Entry::changes(CHANGES_BY_ID, &id(0), &two),
    ];
    let found = told(&mut write(&Repo::new(), &circle));
    assert!(matches!(found, Err(PackError::Bomb)), "{found:?}");
    let found = told(&mut write(&Repo::new(), &[Entry::whole(5, b"abcdef")]));
    assert!(matches!(found, Err(PackError::NoKind)), "{found:?}");
    // A pack that is not read here is no reason to list the others alone.
    let repo = Repo::new();
    history(&repo);
    repo.git(&["repack", "-adq"]);
    std::fs::write(repo.path().join("objects/pack/pack-x.idx"), "an index").unwrap();
    assert!(packs(&repo).list().unwrap().is_none());
}
